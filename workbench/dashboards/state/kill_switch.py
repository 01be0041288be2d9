"""The kill switch and what ends it: never by one press, and never without a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

import param

from workbench.dashboards.state.acting import Acting
from workbench.dashboards.state.notices import words

if TYPE_CHECKING:
    from workbench.client.answers import BreakerResponse, KillResponse, RiskStatus

__all__ = ["LEAST_REASON", "KillSwitch", "Latch", "Release", "latches"]

LEAST_REASON: Final = 3
"""Characters; fewer say nothing to whoever reads the audit log."""
_BY_KILL: Final = "kill_switch"


class _Asking(Acting):
    """Asks before it does anything.  asking: the question is open."""

    asking = param.Boolean(default=False)
    reason = param.String()

    def open(self) -> None:
        """Ask; what was typed for another time is gone."""
        self.param.update(asking=True, reason="", said="", tone="")

    def cancel(self) -> None:
        self.asking = False

    def _missing(self, action: str) -> str:
        if not self.viewer.allows(action):
            return f"the role {self.viewer.role or 'of nobody'} may not do that"
        if not self.asking:
            return "it has to be asked for first"
        if len(self.reason.strip()) < LEAST_REASON:
            return "say why: the reason is kept in the audit log"
        return ""


class KillSwitch(_Asking):
    """Stops everything, one strategy or one venue, until a person resets it."""

    ACTION = "risk.kill"
    scope = param.Selector(default="all", objects=["all", "strategy", "venue"])  # type: ignore[var-annotated]
    target = param.String()
    flatten = param.Boolean(default=False, doc="Positions are closed too.")

    @property
    def missing(self) -> str:
        """Why it cannot be pulled as things are; "" where it can."""
        if found := self._missing(self.ACTION):
            return found
        if self.scope != "all" and not self.target:
            return f"say which {self.scope}"
        return ""

    @property
    def consequences(self) -> str:
        """What will happen, in one sentence."""
        what = {
            "all": "Every strategy stops trading at every venue",
            "strategy": f"{self.target or 'One strategy'} stops trading",
            "venue": f"Nothing is traded at {self.target or 'one venue'}",
        }[self.scope]
        positions = "and positions are closed" if self.flatten else "and positions stay as they are"
        orders = "working orders are cancelled, new ones refused"
        return f"{what}: {orders}, {positions}. It holds until somebody resets it."

    async def pull(self) -> bool:
        """Pull it, once asked for and with a reason; whether it was pulled."""
        if missing := self.missing:
            self.tell(f"not done: {missing}", "bad")
            return False
        reason, scope, flatten = self.reason.strip(), self.scope, self.flatten
        target = "" if scope == "all" else self.target

        def done(answer: KillResponse) -> str:
            closing = f", {answer.closing} orders to close positions sent" if flatten else ""
            return f"killed {target or 'everything'}: {answer.cancelled} orders cancelled{closing}"

        pulled = await self.carry_out(
            lambda client: client.kill(reason, scope=scope, target=target, flatten=flatten), done
        )
        if pulled:
            self.asking = False
        return pulled


class Latch(NamedTuple):
    """Something that holds until a person resets it.

    kind: kill or breaker.  scope: all, strategy or venue; target: which one.  says: by whom and why.
    """

    kind: str
    scope: str
    target: str
    says: str

    @property
    def title(self) -> str:
        """For people."""
        whose = self.target or "everything"
        return f"Kill switch: {whose}" if self.kind == "kill" else f"Breaker: {whose}"

    @property
    def key(self) -> str:
        return "/".join(self[:3])


def latches(risk: RiskStatus) -> tuple[Latch, ...]:
    """Kills and breakers in force; what a kill has latched by itself is told once, as the kill."""
    found = [Latch("kill", kill.scope, kill.target, f"{kill.person}: {kill.reason}") for kill in risk.kills]
    killed = {(latch.scope, latch.target) for latch in found}
    stops = {"": risk.halted, **risk.halted_strategies}
    for target, reasons in stops.items():
        scope = "strategy" if target else "all"
        own = [words(reason) for reason in reasons if reason != _BY_KILL or (scope, target) not in killed]
        if own:
            found.append(Latch("breaker", scope, target, ", ".join(own)))
    return tuple(found)


class Release(_Asking):
    """Ends one kill, or what breakers have latched of the whole portfolio or one strategy."""

    latch = param.ClassSelector(class_=Latch, default=None, allow_None=True)

    @property
    def action(self) -> str:
        return "risk.breaker_reset" if self.latch and self.latch.kind == "breaker" else "risk.kill_reset"

    @property
    def missing(self) -> str:
        """Why it cannot be done as things are; "" where it can."""
        return "choose what is to be reset" if self.latch is None else self._missing(self.action)

    def choose(self, latch: Latch) -> None:
        """Ask about this one."""
        self.latch = latch
        self.open()

    async def release(self) -> bool:
        """Reset it, once asked for and with a reason; whether it was reset."""
        if missing := self.missing:
            self.tell(f"not done: {missing}", "bad")
            return False
        latch, reason = self.latch, self.reason.strip()
        assert latch is not None
        if latch.kind == "kill":
            released = await self.carry_out(
                lambda client: client.reset_kill(reason, scope=latch.scope, target=latch.target),
                lambda _: f"reset: {latch.title.lower()}",
            )
        else:
            released = await self.carry_out(
                lambda client: client.circuit_breaker("reset", reason, strategy_id=latch.target), _left
            )
        if released:
            self.asking = False
        return released


def _left(answer: BreakerResponse) -> str:
    still = f"; still latched: {', '.join(map(words, answer.halted))}" if answer.halted else ""
    return f"reset: breaker of {answer.strategy_id or 'everything'}{still}"

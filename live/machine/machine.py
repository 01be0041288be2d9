"""`Machine`: the desk, and all that the engine knows besides, moved by inputs alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np

from live.machine.blotter import Blotter
from live.machine.chaos import ChaosEpisode, follow, note
from live.machine.inputs import (
    Answered,
    AuditLine,
    ChaosNoted,
    ChaosTriggered,
    Input,
    KillReset,
    KillSwitch,
    LateSignals,
    LimitsConfigured,
    StrategyNoted,
    StrategyRecord,
)
from live.machine.overrides import LimitOverride, Override, Overrides
from live.machine.results import Performance, Results
from workbench.core.build import Seat, VenueFaultWindow
from workbench.core.costs import Costs
from workbench.core.desk import TradingDesk
from workbench.core.facts import (
    BreakerTripped,
    CancelRequested,
    Fact,
    OrderAccepted,
    OrderAcknowledged,
    OrderEnded,
)
from workbench.core.intents import (
    ClockTick,
    ClosePositions,
    HaltVenue,
    ResetBreaker,
    SeatStrategy,
    SetLimits,
    TripBreaker,
    VenueReport,
)
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument, OrderFill, PriceUpdate, RiskBreach
from workbench.core.state import SECOND_NS
from workbench.core.step import refuse_late
from workbench.errors import EngineError, JournalDamaged

__all__ = ["Machine", "Setup"]

AUDIT_KEPT: Final = 10_000
ALERTS_KEPT: Final = 1_000
FORMAT: Final = 1  # of a snapshot
_CHANGES: Final = (OrderEnded, CancelRequested, OrderAcknowledged)
_TIMED: Final = (PriceUpdate, ClockTick)
_FLATTEN_AFTER: Final = (PriceUpdate, VenueReport, ClockTick, KillSwitch)


class Setup(msgspec.Struct, frozen=True):
    """What a machine is built from; another one cannot go on with its snapshot.

    costs: by venue.  remote: venues that match by themselves.  initial_cash: quote currency.  order_capacity: working
    orders at once.
    """

    instruments: tuple[Instrument, ...]
    costs: dict[str, Costs]
    remote: tuple[str, ...] = ()
    limits: RiskLimits = RiskLimits()
    initial_cash: float = 1_000_000.0
    order_capacity: int = 10_000


class Machine:
    """State of an engine.  One owner; `apply` is the only way to change it.

    strategies: by id.  kills: in force, by scope and target.  chaos: the newest episode of each strategy that had one.
    triggers: where those of each chaos strategy stand.
    blotter, results, audit, alerts: for people.  overrides: of limits, in force or proposed.
    reports: of each remote venue the report number up to which none is missing.  applied: inputs since the beginning.
    """

    def __init__(
        self, setup: Setup, snapshot: bytes | None = None, *, faults: Sequence[VenueFaultWindow] = ()
    ) -> None:
        """faults: of venues that are matched here, to see what they would have done.

        Raises JournalDamaged where the snapshot is of another version or set-up.
        """
        self.setup = setup
        self._faults = tuple(faults)
        self.strategies: dict[str, StrategyRecord] = {}
        self.kills: dict[tuple[str, str], KillSwitch] = {}
        self.chaos: dict[str, ChaosEpisode] = {}
        self.triggers: dict[str, ChaosTriggered] = {}
        self.blotter = Blotter()
        self.results = Results()
        self.audit: deque[AuditLine] = deque(maxlen=AUDIT_KEPT)
        self.alerts: deque[Fact] = deque(maxlen=ALERTS_KEPT)
        self.overrides = Overrides(setup.limits)
        self.configured = setup.limits  # by file and environment, when the engine was last started
        self.applied = 0
        self.reports: dict[str, int] = {}
        self._beyond: dict[str, set[int]] = {}
        self._sampled_ns = 0
        self.breaches: dict[tuple[str, str], int] = {}
        self.fees_of = {i.name: i.multiplier for i in setup.instruments}
        if snapshot is not None:
            self._load(snapshot)
            return
        self.desk = self._desk((), setup.limits, None)

    def _desk(self, seats: tuple[Seat, ...], limits: RiskLimits, state: bytes | None) -> TradingDesk:
        setup = self.setup
        return TradingDesk(
            setup.instruments,
            seats,
            limits=limits,
            costs=setup.costs,
            initial_cash=setup.initial_cash,
            faults=self._faults,
            remote=setup.remote,
            order_capacity=setup.order_capacity,
            state=None if state is None else np.frombuffer(bytearray(state), dtype=np.uint8),
        )

    def apply(self, item: Input) -> list[Fact]:
        """Carry one input through; the facts that it led to, in order.

        Raises EngineError, the state unchanged, on what names something unknown or leaves out a person or reason.
        """
        self.applied += 1
        ended = self._end_overrides(item) if self.overrides.lines else []
        match item:
            case PriceUpdate():
                facts = self.desk.process(item)
            case Answered():
                self.blotter.correlation = item.correlation
                self.desk.submit(self.desk.strategy_index(item.strategy_id), item.signals)
                facts = self.desk.drain()
            case VenueReport():
                facts = self._report(item)
            case LateSignals():
                s = self.desk.strategy_index(item.strategy_id)
                for _ in range(min(item.count, 100)):
                    refuse_late(self.desk.state, s)
                facts = self.desk.drain()
            case StrategyNoted():
                self.strategies[item.record.strategy_id] = item.record
                return []
            case SeatStrategy():
                facts = self._seat(item)
            case KillSwitch():
                facts = self._kill(item)
            case KillReset():
                facts = self._end_kill(item)
            case LimitsConfigured():
                facts = self._set_limits(item.limits)
                self.configured = item.limits
            case SetLimits():
                facts = self._set_limits(item.limits)
            case LimitOverride():
                facts = self._override(item)
            case ChaosNoted():
                note(self.chaos, item, self.desk)
                return []
            case ChaosTriggered():
                self.triggers[item.strategy_id] = item
                return []
            case AuditLine():
                self.audit.append(item)
                return []
            case _:
                facts = self.desk.process(item)
        if facts:
            self._follow(facts)
        self.blotter.correlation = 0  # what a breaker or a person sends belongs to no signal
        if self.kills and isinstance(item, _FLATTEN_AFTER):
            facts = facts + self._flatten()
        if isinstance(item, _TIMED):
            self._sample(item.timestamp_ns)
        return ended + facts if ended else facts

    @property
    def limits(self) -> RiskLimits:
        """As people have set them; the desk's are these with the overrides in force laid over them."""
        return self.overrides.limits

    def _set_limits(self, limits: RiskLimits) -> list[Fact]:
        return self._put(Overrides(limits, self.overrides.lines.values()))

    def _override(self, asked: LimitOverride) -> list[Fact]:
        wanted = Overrides(self.limits, self.overrides.lines.values())
        alerts = wanted.ask(asked, int(self.desk.book.now_ns))
        return self._put(wanted) + alerts

    def _end_overrides(self, item: Input) -> list[Fact]:
        """Before anything is judged at a time, what has had its time is over."""
        if not isinstance(item, _TIMED):
            return []
        alerts = self.overrides.expire(max(item.timestamp_ns, int(self.desk.book.now_ns)))
        return self._put(self.overrides) + alerts if alerts else []

    def _put(self, wanted: Overrides) -> list[Fact]:
        """Put limits and overrides in force.  Raises LimitsError, nothing changed, where they make no sense."""
        facts = self.desk.process(SetLimits(wanted.over(wanted.limits)))
        self.overrides = wanted
        return facts

    def _follow(self, facts: list[Fact]) -> None:
        blotter = self.blotter
        for fact in facts:
            kind = type(fact)  # what comes by the thousand first, and by its exact type, which is quicker
            if kind is OrderAccepted:
                blotter.accepted(fact)  # type: ignore[arg-type]
            elif kind is OrderFill:
                assert isinstance(fact, OrderFill)
                name = f"{fact.symbol}@{fact.venue}"
                closed = self.results.fill(
                    fact.strategy_id,
                    name,
                    fact.quantity,
                    fact.price,
                    fact.fee,
                    fact.timestamp_ns,
                    self.fees_of[name],
                )
                blotter.filled(fact, closed)
            elif isinstance(fact, _CHANGES):
                blotter.changed(fact)
            elif isinstance(fact, RiskBreach):
                self.results.breach(fact.strategy_id)
                key = (fact.breach_type, fact.strategy_id)
                self.breaches[key] = self.breaches.get(key, 0) + 1
            elif isinstance(fact, BreakerTripped):
                self.results.stop(fact.strategy_id)
                self.alerts.append(fact)

    def _sample(self, ns: int) -> None:
        if ns - self._sampled_ns < SECOND_NS:
            return
        self._sampled_ns = ns
        pnl = np.asarray(self.desk.view.strategies)["pnl"].tolist()
        for strategy_id, value in zip(self.desk.strategies, pnl, strict=True):
            self.results.sample(strategy_id, value, ns)
        follow(self.chaos.values(), self.desk)

    def _seat(self, item: SeatStrategy) -> list[Fact]:
        facts = self.desk.process(item)
        s = self.desk.strategy_index(item.seat.strategy_id)
        self.results.seat(item.seat.strategy_id, float(self.desk.view.strategies[s].capital))
        return facts

    def _report(self, report: VenueReport) -> list[Fact]:
        """A venue knows orders by number alone; whose it is, the blotter knows."""
        line = self.blotter.find(report.order_id)
        if report.report_id and not self._is_new(report.venue, report.report_id):
            return []
        if line is not None:
            report = msgspec.structs.replace(
                report,
                strategy_id=line.strategy_id,
                client_order_id=line.client_order_id,
                symbol=report.symbol or line.symbol,  # a refused cancel may name none
            )
        elif report.kind != "filled":
            return []  # of an order that ended long ago, or that never was: nothing hangs on it
        facts = self.desk.process(report)
        if report.kind == "cancel_rejected":
            self.blotter.refused_cancel(report.order_id)
        return facts

    def _is_new(self, venue: str, number: int) -> bool:
        """Whether a report was not taken yet; it counts as taken from now on."""
        last, beyond = self.reports.get(venue, 0), self._beyond.setdefault(venue, set())
        if number <= last or number in beyond:
            return False
        beyond.add(number)
        while last + 1 in beyond:
            last += 1
            beyond.remove(last)
        self.reports[venue] = last
        return True

    def _kill(self, kill: KillSwitch) -> list[Fact]:
        if not kill.person.strip() or not kill.reason.strip():
            raise EngineError("the kill switch is used by a named person with a reason; one of them is empty")
        facts = self.desk.process(self._stop(kill))
        self.kills[kill.scope, kill.target] = kill
        return facts

    def _stop(self, kill: KillSwitch) -> TripBreaker | HaltVenue:
        if kill.scope == "venue":
            return HaltVenue(kill.person, kill.reason, kill.target)
        if kill.scope not in ("all", "strategy") or bool(kill.target) == (kill.scope == "all"):
            raise EngineError(
                "expected scope all, or scope strategy or venue with its name, "
                f"found {kill.scope!r} {kill.target!r}"
            )
        return TripBreaker(kill.person, kill.reason, kill.target, kill=True)

    def _end_kill(self, reset: KillReset) -> list[Fact]:
        if (reset.scope, reset.target) not in self.kills:
            known = ", ".join(" ".join(key).strip() for key in self.kills) or "none"
            raise EngineError(f"no kill of {reset.scope} {reset.target} is in force; there is: {known}")
        if reset.scope == "venue":
            facts = self.desk.process(HaltVenue(reset.person, reset.reason, reset.target, halted=False))
        else:
            facts = self.desk.process(ResetBreaker(reset.person, reset.reason, reset.target))
        del self.kills[reset.scope, reset.target]
        return facts

    def _flatten(self) -> list[Fact]:
        """Keep closing orders working for what a kill wants flat; orders asked back may still be in their way."""
        facts: list[Fact] = []
        for (scope, target), kill in self.kills.items():
            if kill.flatten:
                strategy = target if scope == "strategy" else ""
                venue = target if scope == "venue" else ""
                facts += self.desk.process(ClosePositions(strategy, venue=venue))
        if facts:
            self._follow(facts)
        return facts

    def performance(self, strategy_id: str) -> Performance:
        """Figures of a strategy.  Raises EngineError where there is none of that name."""
        s = self.desk.strategy_index(strategy_id)
        pnl = float(self.desk.view.strategies[s].pnl)
        episode = self.chaos.get(strategy_id)
        return self.results.performance(strategy_id, pnl, episode.recovery_seconds if episode else None)

    def dump(self) -> bytes:
        """A snapshot: everything from which a machine of the same set-up goes on."""
        return msgspec.msgpack.encode(
            {
                "format": FORMAT,
                "desk": self.desk.state.tobytes(),
                "seats": self.desk.seats,
                "limits": self.desk.limits,
                "configured": self.configured,
                "own_limits": self.limits,
                "overrides": list(self.overrides.lines.values()),
                "strategies": list(self.strategies.values()),
                "kills": list(self.kills.values()),
                "chaos": list(self.chaos.values()),
                "triggers": list(self.triggers.values()),
                "blotter": self.blotter.dump(),
                "results": self.results.dump(),
                "audit": list(self.audit),
                "breaches": [(*key, count) for key, count in self.breaches.items()],
                "reports": self.reports,
                "beyond": {venue: sorted(numbers) for venue, numbers in self._beyond.items()},
                "applied": self.applied,
                "sampled_ns": self._sampled_ns,
            }
        )

    def _load(self, snapshot: bytes) -> None:
        found: Mapping[str, Any] = msgspec.msgpack.decode(snapshot)
        if found.get("format") != FORMAT:
            raise JournalDamaged(f"expected a snapshot of format {FORMAT}, found {found.get('format')!r}")
        seats = msgspec.convert(found["seats"], tuple[Seat, ...])
        limits = msgspec.convert(found["limits"], RiskLimits)
        fresh = self._desk(seats, limits, None)
        if len(fresh.state) != len(found["desk"]):
            raise JournalDamaged(
                "the snapshot was made with other venues, instruments or queue sizes; start with those settings"
            )
        self.desk = self._desk(seats, limits, found["desk"])
        for record in msgspec.convert(found["strategies"], list[StrategyRecord]):
            self.strategies[record.strategy_id] = record
        for kill in msgspec.convert(found["kills"], list[KillSwitch]):
            self.kills[kill.scope, kill.target] = kill
        for episode in msgspec.convert(found["chaos"], list[ChaosEpisode]):
            self.chaos[episode.strategy_id] = episode
        for triggered in msgspec.convert(found.get("triggers", []), list[ChaosTriggered]):
            self.triggers[triggered.strategy_id] = triggered
        self.blotter.load(found["blotter"])
        self.results.load(found["results"])
        self.audit.extend(msgspec.convert(found["audit"], list[AuditLine]))
        self.breaches = {(kind, strategy): count for kind, strategy, count in found["breaches"]}
        self.reports = dict(found["reports"])
        self._beyond = {venue: set(numbers) for venue, numbers in found["beyond"].items()}
        own = msgspec.convert(found.get("own_limits", found["limits"]), RiskLimits)
        self.overrides = Overrides(own, msgspec.convert(found.get("overrides", []), list[Override]))
        self.configured = msgspec.convert(found["configured"], RiskLimits)
        self.applied = found["applied"]
        self._sampled_ns = found["sampled_ns"]

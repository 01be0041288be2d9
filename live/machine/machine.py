"""`Machine`: the desk, and all that the engine knows besides, moved by inputs alone."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from live.machine import snapshot
from live.machine.admissions import Admissions
from live.machine.books import Books
from live.machine.canaries import Canaries
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
    LimitsChanged,
    LimitsConfigured,
    StrategyNoted,
    StrategyRecord,
)
from live.machine.kills import Kills, closings, closings_of_ended, ending, stopping
from live.machine.overrides import LimitOverride, Overrides
from live.machine.promotion_inputs import CanaryMoved, PromotionNoted, StrategyAdmitted
from live.machine.report_numbers import ReportNumbers
from live.machine.results import Performance
from live.machine.setup import Setup
from workbench.core.build import Seat, VenueFaultWindow
from workbench.core.desk import TradingDesk
from workbench.core.facts import Fact
from workbench.core.intents import ClockTick, SeatStrategy, SetLimits, VenueReport
from workbench.core.limits import RiskLimits
from workbench.core.messages import PriceUpdate
from workbench.core.state import SECOND_NS
from workbench.core.step import refuse_late
from workbench.errors import StaleChange

__all__ = ["Machine"]

AUDIT_KEPT: Final = 10_000
_TIMED: Final = (PriceUpdate, ClockTick)
_FLATTEN_AFTER: Final = (PriceUpdate, VenueReport, ClockTick, KillSwitch)


class Machine:
    """State of an engine.  One owner; `apply` is the only way to change it.

    strategies: by id.  kills: in force, by scope and target.  chaos: the newest episode of each strategy that had one.
    triggers: where those of each chaos strategy stand.
    blotter, results, audit, alerts, breaches (by type and strategy): for people.
    overrides: of limits, in force or proposed.  applied: inputs since the beginning.
    admissions: certified limits of what runs.  canaries: strategies on trial.  history: who promoted or demoted what.
    """

    def __init__(
        self, setup: Setup, saved: bytes | None = None, *, faults: Sequence[VenueFaultWindow] = ()
    ) -> None:
        """saved: a snapshot to go on from.  faults: of venues that are matched here, to see what they would have done.

        Raises JournalDamaged where the snapshot is of another version or set-up.
        """
        self.setup = setup
        self._faults = tuple(faults)
        self.strategies: dict[str, StrategyRecord] = {}
        self.kills: Kills = {}
        self.chaos: dict[str, ChaosEpisode] = {}
        self.triggers: dict[str, ChaosTriggered] = {}
        self._books = books = Books(setup.instruments)
        self.blotter, self.results = books.blotter, books.results
        self.alerts, self.breaches = books.alerts, books.breaches
        self.audit: deque[AuditLine] = deque(maxlen=AUDIT_KEPT)
        self.overrides = Overrides(setup.limits)
        self.configured = setup.limits  # by file and environment, when the engine was last started
        self.applied = 0
        self.report_numbers = ReportNumbers()
        self.sampled_ns = 0  # when results were last sampled
        self.admissions = Admissions()
        self.canaries = Canaries()
        self.history: deque[PromotionNoted] = deque(maxlen=AUDIT_KEPT)
        self.desk = self.build_desk((), setup.limits)
        self._closing: list[StrategyRecord] = []
        if saved is not None:
            snapshot.load(self, saved)
            self._note_closing()

    def build_desk(
        self, seats: tuple[Seat, ...], limits: RiskLimits, state: bytes | None = None
    ) -> TradingDesk:
        """A desk of the set-up: a new one, or with the state of one that had the same seats."""
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
                facts = self._answered(item)
            case VenueReport():
                facts = self._report(item)
            case LateSignals():
                s = self.desk.strategy_index(item.strategy_id)
                for _ in range(min(item.count, 100)):
                    refuse_late(self.desk.state, s)
                facts = self.desk.drain()
            case StrategyNoted():
                self.strategies[item.record.strategy_id] = item.record
                self._note_closing()
                self.admissions.noted(item.record)
                self._permit(item.record.strategy_id)
                return []
            case SeatStrategy():
                facts = self._seat(item)
            case KillSwitch():
                facts = self._kill(item)
            case KillReset():
                facts = self._end_kill(item)
            case LimitsConfigured():  # at a start, before anything runs: what was certified for tighter ones will not
                facts = self._put(Overrides(item.limits, self.overrides.lines.values()))
                self.configured = item.limits
            case SetLimits():
                facts = self._put_certified(Overrides(item.limits, self.overrides.lines.values()))
            case LimitsChanged():
                facts = self._change_limits(item)
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
            case StrategyAdmitted():
                self.admissions.admit(item, self.limits, self.desk.limits)
                self._permit(item.strategy_id)
                return []
            case CanaryMoved():
                self.canaries.move(item, self.desk)
                return []
            case PromotionNoted():
                self.history.append(item)
                self.admissions.demote(item)
                self.canaries.demote(item)
                return []
            case _:
                facts = self.desk.process(item)
        if facts:
            self._books.follow(facts)
        self.blotter.correlation = 0  # what a breaker or a person sends belongs to no signal
        if (self.kills or self._closing) and isinstance(item, _FLATTEN_AFTER):
            facts = facts + self._flatten()
        if isinstance(item, _TIMED):
            self._sample(item.timestamp_ns)
        return ended + facts if ended else facts

    def has_ended(self, strategy_id: str) -> bool:
        """Somebody has stopped it, or it has failed: what it still answers is not used."""
        record = self.strategies.get(strategy_id)
        return record is not None and record.ended

    def _answered(self, item: Answered) -> list[Fact]:
        """Place what a strategy answers; of one that has been stopped nothing, since its orders were cancelled."""
        if self.has_ended(item.strategy_id):
            return []
        s = self.desk.strategy_index(item.strategy_id)
        self.blotter.correlation = item.correlation
        if self.canaries.lines:
            with self.canaries.narrowed(item.strategy_id, self.desk):
                self.desk.submit(s, item.signals)
        else:
            self.desk.submit(s, item.signals)
        return self.desk.drain()

    @property
    def reports(self) -> dict[str, int]:
        """Of each remote venue the number of the report up to which none is missing."""
        return self.report_numbers.newest

    @property
    def limits(self) -> RiskLimits:
        """As people have set them; the desk's are these with the overrides in force laid over them."""
        return self.overrides.limits

    def _change_limits(self, item: LimitsChanged) -> list[Fact]:
        if item.before != self.limits:
            raise StaleChange("other limits have come into force meanwhile; read them again")
        return self._put_certified(Overrides(item.limits, self.overrides.lines.values()))

    def _override(self, asked: LimitOverride) -> list[Fact]:
        wanted = Overrides(self.limits, self.overrides.lines.values())
        alerts = wanted.ask(asked, int(self.desk.book.now_ns))
        return self._put_certified(wanted) + alerts

    def _end_overrides(self, item: Input) -> list[Fact]:
        """Before anything is judged at a time, what has had its time is over."""
        if not isinstance(item, _TIMED):
            return []
        alerts = self.overrides.expire(max(item.timestamp_ns, int(self.desk.book.now_ns)))
        return self._put(self.overrides) + alerts if alerts else []

    def _put_certified(self, wanted: Overrides) -> list[Fact]:
        """The same, where they permit nothing more than the certificates of what runs.  Raises EngineError."""
        for limits in (wanted.limits, wanted.over(wanted.limits)):
            self.admissions.check(limits, self.strategies)
        return self._put(wanted)

    def _put(self, wanted: Overrides) -> list[Fact]:
        """Put limits and overrides in force.  Raises LimitsError, nothing changed, where they make no sense."""
        facts = self.desk.process(SetLimits(wanted.over(wanted.limits)))
        self._permit(*self.desk.strategies)
        self.overrides = wanted
        return facts

    def _permit(self, *strategies: str) -> None:
        self.admissions.permit(self.desk, self.strategies, strategies)

    def _sample(self, ns: int) -> None:
        if ns - self.sampled_ns < SECOND_NS:
            return
        self.sampled_ns = ns
        pnl = np.asarray(self.desk.view.strategies)["pnl"].tolist()
        for strategy_id, value in zip(self.desk.strategies, pnl, strict=True):
            self.results.sample(strategy_id, value, ns)
        follow(self.chaos.values(), self.desk)

    def _seat(self, item: SeatStrategy) -> list[Fact]:
        facts = self.desk.process(item)
        s = self.desk.strategy_index(item.seat.strategy_id)
        self.results.seat(item.seat.strategy_id, float(self.desk.view.strategies[s].capital))
        self.canaries.seated(item.seat.strategy_id, self.desk)
        self._permit(item.seat.strategy_id)
        return facts

    def _report(self, report: VenueReport) -> list[Fact]:
        """A venue knows orders by number alone; whose it is, the blotter knows."""
        line = self.blotter.find(report.order_id)
        if report.report_id and not self.report_numbers.take(report.venue, report.report_id):
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
            self.blotter.refused_cancel(report.order_id, int(self.desk.book.now_ns))
        return facts

    def _kill(self, kill: KillSwitch) -> list[Fact]:
        facts = self.desk.process(stopping(kill))
        self.kills[kill.scope, kill.target] = kill
        return facts

    def _end_kill(self, reset: KillReset) -> list[Fact]:
        facts = self.desk.process(ending(reset, self.kills))
        del self.kills[reset.scope, reset.target]
        return facts

    def _note_closing(self) -> None:
        seated = self.desk.strategies
        self._closing = [r for r in self.strategies.values() if r.closing and r.strategy_id in seated]

    def _flatten(self) -> list[Fact]:
        """Keep closing orders working for what is to be flat; orders asked back may still be in their way."""
        facts: list[Fact] = []
        ended = [r for r in self._closing if self.desk.holds(self.desk.strategy_index(r.strategy_id))]
        for closing in closings(self.kills.values()) + closings_of_ended(ended, self.kills):
            facts += self.desk.process(closing)
        if facts:
            self._books.follow(facts)
        return facts

    def performance(self, strategy_id: str) -> Performance:
        """Figures of a strategy.  Raises EngineError where there is none of that name."""
        s = self.desk.strategy_index(strategy_id)
        pnl = float(self.desk.view.strategies[s].pnl)
        episode = self.chaos.get(strategy_id)
        return self.results.performance(strategy_id, pnl, episode.recovery_seconds if episode else None)

    def dump(self) -> bytes:
        """A snapshot: everything from which a machine of the same set-up goes on."""
        return snapshot.dump(self)

"""The runs of the demo and what is measured of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from workbench.backtest.api import backtest
from workbench.backtest.recovery import path_of, recovery_seconds, shortfall
from workbench.backtest.replay import ReplayRecord, replay
from workbench.backtest.seating import seat_strategies
from workbench.chaos.events import ChaosEvent
from workbench.cli.demo.scenes import (
    BEHAVED_YEARS,
    CASH,
    INCIDENTS,
    STAGES,
    WELL_BEHAVED,
    Incident,
    Stage,
    limits_of,
    market,
)
from workbench.cli.settings import plain
from workbench.core.limits import RiskLimits
from workbench.strategy.loader import load_strategy

__all__ = ["Behaved", "Curve", "Demo", "IncidentResult", "Side", "run_demo", "steps"]

NEIGHBOUR: Final = "neighbour"

type Tick = Callable[[str], None]


class Curve(msgspec.Struct, frozen=True):
    """times_ns: int64[n], distinct.  equity: float64[n], after each of them."""

    times_ns: npt.NDArray[np.int64]
    equity: npt.NDArray[np.float64]


class Behaved(msgspec.Struct, frozen=True):
    """A well-behaved strategy and its figures, by the names of `BacktestResult.stats`."""

    name: str
    description: str
    stage: Stage
    stats: Mapping[str, Any]
    curve: Curve


class Side(msgspec.Struct, frozen=True):
    """One incident with the controls on, or off.

    sent: orders (and cancels) that the chaos strategy sent in its window.  refused: of these, by our own checks.
    worst_position: units, without sign.  limit: units allowed on that side.  damage_usd: equity of the run without the
    chaos strategy less equity with it, at the end; worst_damage_usd: at its largest.  trips: nanoseconds and reason of
    each breaker.  recovery_seconds: as `workbench.backtest.recovery` has it.  neighbour_usd: what the well-behaved
    strategy gained by the incident.
    """

    sent: int
    refused: int
    reasons: tuple[tuple[str, int], ...]
    worst_position: float
    limit: float
    damage_usd: float
    worst_damage_usd: float
    trips: tuple[tuple[int, str], ...]
    recovery_seconds: float | None
    neighbour_usd: float
    curve: Curve

    @property
    def limit_use(self) -> float:
        """Worst position as a share of its limit."""
        return self.worst_position / self.limit


class IncidentResult(msgspec.Struct, frozen=True):
    """An incident with controls on and off.  start_ns, end_ns: its window.  normal: the run without the strategy."""

    incident: Incident
    stage: Stage
    start_ns: int
    end_ns: int
    controlled: Side
    uncontrolled: Side
    normal: Curve


class Demo(msgspec.Struct, frozen=True):
    """Everything that the demo found.  limits: where the limits come from."""

    behaved: tuple[Behaved, ...]
    incidents: tuple[IncidentResult, ...]
    limits: str


def steps() -> int:
    """How many runs the demo makes."""
    return len(WELL_BEHAVED) + 2 * len({_scene(incident) for incident in INCIDENTS}) + 2 * len(INCIDENTS)


def run_demo(scripts: Path, base: RiskLimits, limits_from: str, tick: Tick) -> Demo:
    """All runs.  scripts: the folder strategies/.  base: limits that are fitted to the markets.

    tick: told before each run.
    """
    behaved = tuple(
        _behaved(scripts, base, stage, part.script, part.config, tick) for stage, part in WELL_BEHAVED
    )
    normal: dict[tuple[str, str, str, bool], ReplayRecord] = {}
    incidents = tuple(_incident(scripts, base, incident, normal, tick) for incident in INCIDENTS)
    return Demo(behaved, incidents, limits_from)


def _behaved(
    scripts: Path, base: RiskLimits, stage: str, script: str, config: Mapping[str, Any], tick: Tick
) -> Behaved:
    tick(script)
    path = scripts / f"{script}.py"
    prices = market(stage, *BEHAVED_YEARS) if STAGES[stage].real else market(stage)
    result = backtest(
        path,
        prices,
        config=config,
        limits=limits_of(stage, base, stop=False),
        costs=STAGES[stage].costs,
        initial_cash=CASH,
        progress=False,
    )
    described = (load_strategy(path).__doc__ or "").partition("\n")[0]
    return Behaved(script, described, STAGES[stage], plain(result.stats()), _curve(result.record))


# -- incidents --------------------------------------------------------------------------------------------------


def _scene(incident: Incident) -> tuple[str, str, str]:
    return incident.stage, incident.first, incident.last


def _incident(
    scripts: Path,
    base: RiskLimits,
    incident: Incident,
    normal: dict[tuple[str, str, str, bool], ReplayRecord],
    tick: Tick,
) -> IncidentResult:
    """Both sides of an incident.  normal: runs without a chaos strategy, kept for the incidents that share them."""
    limits = {True: limits_of(incident.stage, base), False: RiskLimits.unlimited()}
    records = {}
    for on in (True, False):
        if (*_scene(incident), on) not in normal:
            tick(f"{incident.stage} prices without chaos")
            normal[*_scene(incident), on] = _play(scripts, incident, limits[on], chaos=False)
        tick(f"{incident.script}, controls {'on' if on else 'off'}")
        records[on] = _play(scripts, incident, limits[on], chaos=True)
    start_ns = _start_ns(incident)
    end_ns = _end_ns(incident, start_ns, records[False])
    sides = {
        on: _side(incident, records[on], normal[*_scene(incident), on], limits[True], (start_ns, end_ns))
        for on in (True, False)
    }
    return IncidentResult(
        incident,
        STAGES[incident.stage],
        start_ns,
        end_ns,
        sides[True],
        sides[False],
        _curve(normal[*_scene(incident), True]),
    )


def _start_ns(incident: Incident) -> int:
    return ChaosEvent("runaway", incident.start, 1.0).start_ns


def _end_ns(incident: Incident, start_ns: int, record: ReplayRecord) -> int:
    if incident.minutes is not None:
        return start_ns + round(incident.minutes * 60e9)
    sent = [x.timestamp_ns for x in record.recorder.signals if x.strategy_id == incident.script]
    return max(sent, default=start_ns) + 1


def _play(scripts: Path, incident: Incident, limits: RiskLimits, *, chaos: bool) -> ReplayRecord:
    """One run of the stage's well-behaved strategy, with the chaos strategy beside it or without."""
    stage = STAGES[incident.stage]
    feed = market(*_scene(incident)).to_feed(stage.costs.spread_bps)
    strategies = {NEIGHBOUR: scripts / f"{stage.neighbour.script}.py"}
    configs: dict[str, dict[str, Any]] = {NEIGHBOUR: dict(stage.neighbour.config)}
    if chaos:
        strategies[incident.script] = scripts / "chaos" / f"{incident.script}.py"
        after = _start_ns(incident) - int(feed.timestamp_ns[0])
        configs[incident.script] = {**incident.config, "start_after_minutes": after / 60e9}
        if incident.minutes is not None:
            configs[incident.script]["duration_minutes"] = incident.minutes
    players = seat_strategies(strategies, configs, feed.instruments, 0)
    # Every strategy has the whole cash as its own capital, so that a run with one more is no other run for the rest.
    seated = [player._replace(seat=msgspec.structs.replace(player.seat, capital=CASH)) for player in players]
    return replay(feed, seated, limits=limits, costs=stage.costs, initial_cash=CASH, progress=False)


def _side(
    incident: Incident,
    record: ReplayRecord,
    normal: ReplayRecord,
    limits: RiskLimits,
    window: tuple[int, int],
) -> Side:
    """What is measured of one run against the run without the chaos strategy.  limits: those with controls on."""
    recorder, name = record.recorder, incident.script
    inside = [
        x for x in recorder.signals if x.strategy_id == name and window[0] <= x.timestamp_ns < window[1]
    ]
    reasons, refused = _refusals(record, name, window)
    worst, limit = _worst_position(record, incident, limits)
    disturbed, usual = path_of(record), path_of(normal)
    gap = shortfall(disturbed, usual)[1]
    neighbour = record.desk.strategy_index(NEIGHBOUR)
    return Side(
        sent=len(inside),
        refused=refused,
        reasons=tuple(reasons.most_common()),
        worst_position=worst,
        limit=limit,
        damage_usd=float(gap[-1]),
        worst_damage_usd=max(0.0, float(gap.max())),
        trips=tuple((trip.timestamp_ns, trip.reason) for trip in recorder.trips),
        recovery_seconds=recovery_seconds(disturbed, usual, window[1]),
        neighbour_usd=float(record.curves[-1, 1 + neighbour] - normal.curves[-1, 1]),
        curve=_curve(record),
    )


def _refusals(record: ReplayRecord, name: str, window: tuple[int, int]) -> tuple[Counter[str], int]:
    """Reasons of refusals inside the window, and how many orders, signals and cancels were refused."""
    recorder = record.recorder

    def mine(facts: Sequence[Any]) -> list[Any]:
        return [f for f in facts if f.strategy_id == name and window[0] <= f.timestamp_ns < window[1]]

    orders, signals = mine(recorder.refused), mine(recorder.signals_refused)
    reasons = Counter(check for order in orders for check in order.failed_checks)
    reasons.update(signal.reason for signal in signals)
    # A cancel that is one too many leaves a breach and nothing else.
    cancels = sum(b.breach_type == "rate_limited" for b in mine(recorder.breaches))
    cancels -= sum(signal.reason == "rate_limited" for signal in signals)
    if cancels > 0:
        reasons["message_rate"] += cancels
    return reasons, len(orders) + len(signals) + max(cancels, 0)


def _worst_position(record: ReplayRecord, incident: Incident, limits: RiskLimits) -> tuple[float, float]:
    """Most units that the chaos strategy held of its symbol, on the side that used its limit most, and that limit."""
    rule = limits.position_limits[incident.symbol]
    most = {
        1.0: min(rule.max_long, rule.per_strategy_long),
        -1.0: min(-rule.max_short, -rule.per_strategy_short),
    }
    held: defaultdict[str, float] = defaultdict(float)
    worst = {1.0: 0.0, -1.0: 0.0}
    for fill in record.recorder.fills:
        if fill.strategy_id == incident.script and fill.symbol == incident.symbol:
            held[fill.symbol] += fill.quantity
            for side in worst:
                worst[side] = max(worst[side], side * held[fill.symbol])
    side = max(worst, key=lambda s: worst[s] / most[s])
    return worst[side], most[side]


def _curve(record: ReplayRecord) -> Curve:
    times = record.feed.timestamp_ns
    rows = np.flatnonzero(np.append(times[1:] != times[:-1], True))
    return Curve(times[rows], record.curves[rows, 0])

"""What the risk desk shows, brought up to date from the reader's newest view; only what has changed is set."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import param

from workbench.dashboards.state.bars import Bar, Gain, gains, limit_bars
from workbench.dashboards.state.figures import UNKNOWN, age, clock, money, percent, signed
from workbench.dashboards.state.kill_switch import KillSwitch, Latch, Release, latches
from workbench.dashboards.state.link import CONNECTING, Link
from workbench.dashboards.state.live_tables import fill_rows, order_rows, position_rows

if TYPE_CHECKING:
    from workbench.dashboards.state.desk_view import Known
    from workbench.dashboards.state.reader import EngineReader
    from workbench.dashboards.state.viewer import Viewer

__all__ = ["Figure", "RiskDesk", "heard", "status_words"]


class Figure(NamedTuple):
    """A figure with its name, for a tile.  tone: good, warn, bad or none."""

    name: str
    value: str
    note: str = ""
    tone: str = ""


class RiskDesk(param.Parameterized):
    """State of one page."""

    link = param.ClassSelector(class_=Link, default=CONNECTING)
    live = param.Boolean(default=False, doc="Something is known of the engine, be it old.")
    stale = param.Boolean(default=False, doc="What is shown is too old to be acted on.")
    heard = param.String(doc="When the engine was last heard, in words.")
    status = param.Tuple(default=("", "", ""), doc="Tone, word and sentence: ok, warning, halted, down.")
    figures = param.ClassSelector(class_=tuple, default=())
    bars = param.ClassSelector(class_=tuple, default=())
    by_strategy = param.ClassSelector(class_=tuple, default=())
    by_symbol = param.ClassSelector(class_=tuple, default=())
    correlations = param.Parameter(default=None)
    latches = param.ClassSelector(class_=tuple, default=())
    venues = param.ClassSelector(class_=tuple, default=())
    notices = param.ClassSelector(class_=tuple, default=())
    curve = param.Parameter(default=None, doc="Equity by time, a frame.")
    positions = param.Parameter(default=None)
    orders = param.Parameter(default=None)
    fills = param.Parameter(default=None)

    def __init__(self, reader: EngineReader, viewer: Viewer) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.reader, self.viewer = reader, viewer
        self.kill_switch = KillSwitch(reader, viewer)
        self.release = Release(reader, viewer)
        self._shown: Known | None = None

    def refresh(self, now: float | None = None) -> None:
        """Take over what the reader has read since.  now: on the monotonic clock."""
        view, now = self.reader.view, time.monotonic() if now is None else now
        with param.parameterized.batch_call_watchers(self):
            self.param.update(link=view.link, stale=view.stale(now), heard=heard(view.age(now)))
            known = view.known
            if known is not None and known is not self._shown:
                self._take(known)

    def _take(self, known: Known) -> None:
        before, self._shown = self._shown, known
        risk, portfolio = known.risk, known.portfolio
        bars: tuple[Bar, ...] = limit_bars(known.exposures)
        strategies: tuple[Gain, ...] = gains(
            (line.strategy_id, line.total_pnl) for line in portfolio.strategies
        )
        moved = [line for line in portfolio.exposures if line.total_pnl or line.gross]
        found: dict[str, Any] = {
            "live": True,
            "status": status_words(known),
            "figures": _figures(known),
            "bars": bars,
            "by_strategy": strategies,
            "by_symbol": gains((line.symbol, line.total_pnl) for line in moved),
            "latches": latches(risk),
            "venues": risk.venues,
            "notices": known.notices,
        }
        if before is None or known.correlations is not before.correlations:
            found["correlations"] = known.correlations
        if before is None or known.curve is not before.curve:
            found["curve"] = known.curve
        if before is None or _newest(known.orders) != _newest(before.orders):
            found["orders"] = order_rows(known.orders)
        if before is None or _newest(known.fills) != _newest(before.fills):
            found["fills"] = fill_rows(known.fills)
        positions = position_rows(known.positions, portfolio.timestamp_ns)
        if self.positions is None or not positions.equals(self.positions):
            found["positions"] = positions
        self.param.update(
            **{name: value for name, value in found.items() if not _same(getattr(self, name), value)}
        )

    def latch(self, key: str) -> Latch | None:
        """What is latched now under this key."""
        return next((latch for latch in self.latches if latch.key == key), None)


def _newest(rows: Any) -> int:
    return int(rows["cursor"].iloc[0]) if len(rows) else -1


def _same(one: Any, other: Any) -> bool:
    if isinstance(other, tuple | str | bool):
        return bool(one == other)
    return one is other


def heard(seconds: float) -> str:
    """When the engine was last heard; in steps that do not change a page all the time."""
    if not math.isfinite(seconds):
        return "nothing heard yet"
    return "heard just now" if seconds < 2.0 else f"last heard {age(float(round(seconds)))} ago"


def status_words(known: Known) -> tuple[str, str, str]:
    """Tone, word and sentence about the engine as a whole."""
    health, risk = known.health, known.risk
    if health.status == "down":
        why = "; ".join(health.problems.values()) or health.state
        return "bad", "engine down", f"Nothing is traded: {why}"
    if risk.status == "halted":
        return "bad", "trading stopped", "Breakers or the kill switch have stopped everything."
    if health.status == "degraded":
        return "warn", "degraded", "; ".join(f"{part}: {why}" for part, why in health.problems.items())
    if risk.status == "warning":
        return "warn", "look at it", "Something is stopped, or a limit is nearly used up."
    return "good", "trading", "All venues are up, nothing is stopped, limits have room."


def _figures(known: Known) -> tuple[Figure, ...]:
    money_, risk = known.portfolio, known.risk
    day = money_.day_pnl
    at_risk = risk.value_at_risk
    samples = known.correlations
    wait = (
        f"known after {samples.needed} samples, {samples.samples} taken" if math.isnan(at_risk) else "one day"
    )
    return (
        Figure("Equity", money(money_.equity, 0), f"peak {money(money_.peak_equity, 0)}"),
        Figure(
            "P&L today", signed(day), "since 00:00 UTC", "good" if day > 0.0 else "bad" if day < 0.0 else ""
        ),
        Figure("P&L in all", signed(money_.total_pnl), f"fees {money(money_.fees)}"),
        Figure("Drawdown", percent(money_.drawdown), "from the peak"),
        Figure("Value at risk", money(at_risk, 0) if math.isfinite(at_risk) else UNKNOWN, wait),
        Figure("Gross exposure", money(money_.gross_exposure, 0), f"net {money(money_.net_exposure, 0)}"),
        Figure("Working orders", f"{risk.working_orders:,}", f"{risk.orders_refused:,} refused so far"),
        Figure("Updates", f"{known.rate:,.0f} / s", f"engine time {clock(money_.timestamp_ns)}"),
    )

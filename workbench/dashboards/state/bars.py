"""What fills: limits with what is used of them, and gains and losses beside each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from workbench.dashboards.state.figures import amount, percent
from workbench.dashboards.state.notices import LIMIT_NAMES, words

if TYPE_CHECKING:
    from workbench.client.answers import Exposures, LimitLine

__all__ = ["SCOPES", "Bar", "Gain", "gains", "limit_bars"]

SCOPES: Final = {
    "portfolio": "Portfolio",
    "strategy": "Strategies",
    "symbol": "Symbols",
    "instrument": "Instruments",
    "venue": "Venues",
}
_MOST: Final = 60


class Bar(NamedTuple):
    """A limit.  share: used of it, 0 to 1, for the eye; use: the same in words, which may be above 100 %.

    level: good, warn (nearly used up), bad (used up, or not known).  says: the level in words.
    """

    scope: str
    target: str
    name: str
    value: str
    limit: str
    share: float
    use: str
    level: str
    says: str


class Gain(NamedTuple):
    """P&L of one strategy or symbol.  share: of the largest beside it, -1 to 1."""

    name: str
    pnl: float
    share: float


def limit_bars(exposures: Exposures, most: int = _MOST) -> tuple[Bar, ...]:
    """Limits by scope, the fullest first within each; the `most` fullest of all."""
    fullest = sorted(exposures.lines, key=lambda line: -_rank(line))[:most]
    order = {scope: place for place, scope in enumerate(SCOPES)}
    fullest.sort(key=lambda line: (order.get(line.scope, len(order)), -_rank(line)))
    return tuple(_bar(line, exposures.warn_at) for line in fullest)


def _rank(line: LimitLine) -> float:
    """What is not known comes first."""
    return math.inf if math.isnan(line.use) and not math.isnan(line.limit) else line.use


def _bar(line: LimitLine, warn_at: float) -> Bar:
    level, says = _level(line, warn_at)
    return Bar(
        line.scope,
        line.target,
        LIMIT_NAMES.get(line.limit_type, words(line.limit_type)),
        amount(line.value, line.unit),
        amount(line.limit, line.unit),
        round(min(max(line.use, 0.0), 1.0), 3) if math.isfinite(line.use) else float(line.use == math.inf),
        percent(line.use, 0),
        level,
        says,
    )


def _level(line: LimitLine, warn_at: float) -> tuple[str, str]:
    if math.isnan(line.value):
        return "unknown", "not known yet"
    if line.use >= 1.0:
        return "bad", "used up"
    if line.use >= warn_at:
        return "warn", "nearly used up"
    return "good", "within"


def gains(lines: Iterable[tuple[str, float]]) -> tuple[Gain, ...]:
    """Best first.  lines: name and P&L."""
    rows: Sequence[tuple[str, float]] = sorted(
        lines, key=lambda line: -line[1] if math.isfinite(line[1]) else math.inf
    )
    largest = max((abs(pnl) for _, pnl in rows if math.isfinite(pnl)), default=0.0)
    return tuple(
        Gain(name, pnl, round(pnl / largest, 3) if largest > 0.0 and math.isfinite(pnl) else 0.0)
        for name, pnl in rows
    )

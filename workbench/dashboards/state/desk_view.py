"""What is known of an engine at one moment, as every page of this process sees it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench.dashboards.state.link import CONNECTING, STALE_S, Link
from workbench.dashboards.state.notices import Notice

if TYPE_CHECKING:
    import pandas as pd

    from workbench.client.answers import (
        Correlations,
        Exposures,
        Health,
        Portfolio,
        RiskStatus,
        StrategyStatus,
    )

__all__ = ["NOTHING", "DeskView", "Known"]


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """Answers of one look at the engine, and tables that follow it.

    orders, fills: newest first.  curve: equity by time.  down: strategies that do not run any more, by id.
    rate: orders that changed and fills, a second.
    """

    health: Health
    risk: RiskStatus
    portfolio: Portfolio
    exposures: Exposures
    correlations: Correlations
    positions: pd.DataFrame
    orders: pd.DataFrame
    fills: pd.DataFrame
    curve: pd.DataFrame
    strategies: pd.DataFrame
    scripts: pd.DataFrame
    down: dict[str, StrategyStatus]
    notices: tuple[Notice, ...]
    rate: float


@dataclass(frozen=True, slots=True, eq=False)
class DeskView:
    """link: how the engine is reached.  known: None before the first answer; it stays when the link is lost.

    frame: rises with each change.  read_at: on the monotonic clock, when `known` was read; -inf never.
    """

    link: Link = CONNECTING
    known: Known | None = None
    frame: int = 0
    read_at: float = -math.inf

    def age(self, now: float) -> float:
        """Seconds since the engine was last heard; infinite where it never was."""
        return now - self.read_at

    def stale(self, now: float) -> bool:
        """What is known is too old to be acted on."""
        return self.known is not None and self.age(now) > STALE_S


NOTHING = DeskView()

"""Other costs in a desk that trades already."""

from __future__ import annotations

from typing import Any

from workbench.core.build import BASIS_POINT
from workbench.core.costs import Costs
from workbench.core.state import SECOND_NS

__all__ = ["charge"]


def charge(row: Any, costs: Costs) -> None:
    """Put costs into an instrument's row, in place, as when the desk was built."""
    row.maker, row.taker = costs.maker_bps * BASIS_POINT, costs.taker_bps * BASIS_POINT
    row.slippage, row.impact = costs.slippage_bps * BASIS_POINT, costs.impact_bps * BASIS_POINT
    row.participation, row.latency_ns = costs.participation, round(costs.latency_seconds * SECOND_NS)

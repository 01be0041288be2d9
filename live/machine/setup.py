"""What a machine is built from, and stays with."""

from __future__ import annotations

import msgspec

from workbench.core.costs import Costs
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument

__all__ = ["Setup"]


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

"""What trading costs at a venue."""

from __future__ import annotations

import math

import msgspec

from workbench.errors import ConfigError

__all__ = ["Costs"]

MOST_LATENCY = 1e6


class Costs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Spread, fees, slippage, impact, participation and latency of one venue; basis points are of the price.

    spread_bps: full bid-ask spread put around bars that bring no quotes.  maker_bps, taker_bps: fee on notional
    (a rebate is negative).  slippage_bps: added to each taking price.  impact_bps: times the square root of the share
    of the update's volume that is taken (Almgren et al. 2005).  participation: share of an update's volume that all own
    orders together may fill; updates without a volume are not capped.  latency_seconds: event time until an order
    reaches the venue.
    """

    spread_bps: float = 2.0
    maker_bps: float = 2.0
    taker_bps: float = 5.0
    slippage_bps: float = 1.0
    impact_bps: float = 10.0
    participation: float = 0.10
    latency_seconds: float = 0.0

    def checked(self) -> Costs:
        """Self; raises ConfigError on a figure that cannot be."""
        if not 0.0 <= self.latency_seconds <= MOST_LATENCY:
            raise ConfigError(
                f"costs: latency_seconds must lie between 0 and {MOST_LATENCY:g}, found {self.latency_seconds!r}"
            )
        for name in ("spread_bps", "slippage_bps", "impact_bps"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0.0):
                raise ConfigError(f"costs: {name} must be a finite number >= 0, found {value!r}")
        for name in ("maker_bps", "taker_bps"):
            value = getattr(self, name)
            if not (math.isfinite(value) and abs(value) < 10_000.0):
                raise ConfigError(
                    f"costs: {name} must lie between -10000 and 10000 basis points, found {value!r}"
                )
        if not self.participation > 0.0:
            raise ConfigError(
                f"costs: participation must be above 0 (inf for no cap), found {self.participation!r}"
            )
        return self

    @classmethod
    def free(cls) -> Costs:
        """No spread, fee, slippage, impact or cap: for hand-worked tables and comparisons."""
        return cls(0.0, 0.0, 0.0, 0.0, 0.0, math.inf, 0.0)

    def scaled(self, factor: float) -> Costs:
        """The same venue with every cost times `factor`; participation and latency stay."""
        return msgspec.structs.replace(
            self,
            spread_bps=self.spread_bps * factor,
            maker_bps=self.maker_bps * factor,
            taker_bps=self.taker_bps * factor,
            slippage_bps=self.slippage_bps * factor,
            impact_bps=self.impact_bps * factor,
        )

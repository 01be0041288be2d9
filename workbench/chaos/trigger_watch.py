"""The triggers of one chaos strategy over the prices that it is shown; a replay and the live engine ask them alike."""

from __future__ import annotations

from collections.abc import Mapping

from workbench.chaos.market_state import UNKNOWN, MarketGauge
from workbench.chaos.misbehaving import MOST
from workbench.chaos.triggers import ChaosTriggers, TriggerEvent, TriggerState
from workbench.configuration.chaos_settings import ChaosStrategyConfig, TriggerSettings
from workbench.core.messages import PriceUpdate

__all__ = ["TriggerWatch", "scaled_intensity"]


class TriggerWatch:
    """Conditions are those of the first instrument that is seen.

    market: symbol and venue of that; None before.  gauge: its measures.
    """

    def __init__(
        self,
        entry: ChaosStrategyConfig,
        settings: TriggerSettings,
        seed: int,
        state: TriggerState | None = None,
        market: tuple[str, str] | None = None,
    ) -> None:
        """state, market: to go on from.  Raises ChaosError for settings that make no sense."""
        self.entry = entry
        self.market = market
        self.gauge = MarketGauge()
        self._triggers = ChaosTriggers([entry], seed, settings, {} if state is None else {entry.name: state})

    @property
    def state(self) -> TriggerState:
        return self._triggers.states[self.entry.name]

    def update(self, price: PriceUpdate, breach_count: int) -> list[TriggerEvent]:
        """Take a price; what started, grew or stopped.  breach_count: breaches of the strategy so far."""
        now, instrument = price.timestamp_ns, (price.symbol, price.venue)
        self.market = self.market or instrument
        if instrument == self.market:
            self.gauge.see(now, price.bid, price.ask)
        measures = self.gauge.measures() if self._triggers.due(now) else UNKNOWN
        return self._triggers.update(now, measures, breach_count)


def scaled_intensity(value: float, factor: float, bounds: Mapping[str, float], usual: object) -> float:
    """A script's parameter `intensity` times that of its trigger, up to what the script allows.

    bounds: the script's BOUNDS.  usual: its own value of the parameter; where that is a whole number, the result is.
    """
    scaled = min(value * factor, bounds.get("intensity", MOST))
    return round(scaled) if isinstance(usual, int) else scaled

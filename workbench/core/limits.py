"""Risk limits as frozen values: every control's setting, in the layout of the `risk_limits` configuration.

Losses in `drawdown_limits` and `circuit_breakers` are negative, as a trader writes them; everything else is
positive. Money is quote currency, shares and percentages are fractions (0.05 is 5 %), times are seconds.
`inf` (or an empty table) switches a limit off.

Sources: Commission Delegated Regulation (EU) 2017/589 (RTS 6) articles 12 and 15, SEC Rule 15c3-5, FIA best
practices for automated trading risk controls.
"""

from __future__ import annotations

from math import inf

import msgspec

from workbench.core import limit_controls, limit_rules
from workbench.errors import LimitsError

__all__ = [
    "BuyingPower",
    "CircuitBreakers",
    "ConcentrationLimits",
    "DrawdownLimits",
    "DuplicateOrder",
    "GlobalLimits",
    "MessageRate",
    "MonitorSettings",
    "NotionalLimits",
    "OrderLimits",
    "PerStrategyLimits",
    "PositionLimit",
    "RepeatedExecution",
    "RiskLimits",
    "StrategyErrors",
]


class PositionLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Units of one symbol over all venues and strategies: max_long >= 0, max_short <= 0.

    per_strategy_long, per_strategy_short: the same for each single strategy.
    """

    max_long: float = inf
    max_short: float = -inf
    per_strategy_long: float = inf
    per_strategy_short: float = -inf


class NotionalLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Notional including working orders: gross unless named net."""

    per_strategy: float = 1_000_000.0
    total_portfolio: float = 5_000_000.0
    per_instrument: float = inf
    per_venue: float = inf
    net_per_strategy: float = inf
    net_portfolio: float = inf


class ConcentrationLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Largest share of gross exposure in one symbol, applied once gross exposure exceeds `min_gross`."""

    max_symbol_share: float = 1.0
    min_gross: float = 100_000.0


class DrawdownLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """daily_loss: loss since 00:00 UTC.  strategy_drawdown: of a strategy's own capital from its peak.

    portfolio_var: one-day value at risk.
    """

    daily_loss: float = -100_000.0
    strategy_drawdown: float = -0.15
    portfolio_var: float = 500_000.0


class CircuitBreakers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Latching stops: loss of the whole portfolio, of one strategy, and loss within minutes."""

    portfolio_loss_pct: float = -0.10
    single_strategy_loss: float = -50_000.0
    rapid_drawdown_rate: float = -0.05
    rapid_drawdown_minutes: float = 10.0
    liquidate: bool = True


class GlobalLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `global` table: max_portfolio_value caps gross exposure; the losses are positive here."""

    max_portfolio_value: float = 10_000_000.0
    max_daily_loss: float = 500_000.0
    max_drawdown: float = 0.20


class PerStrategyLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The `per_strategy` table.

    max_position_notional: per instrument.  max_daily_trades: orders sent per UTC day.
    stop_loss_pct: of a strategy's own capital.
    """

    max_position_notional: float = 1_000_000.0
    max_daily_trades: float = 1_000.0
    stop_loss_pct: float = 0.10


class OrderLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Per order (RTS 6 article 15(1)).

    price_collar_pct: limit or expected price against the last good mark.  max_price_age_seconds: an older mark
    is stale.  bad_tick_pct: a jump beyond it is no mark until a second update confirms it.
    max_order_value: quote currency.  max_order_volume: units.  max_volume_share: of the average volume of an update.
    """

    price_collar_pct: float = 0.10
    max_price_age_seconds: float = 300.0
    bad_tick_pct: float = 0.20
    max_order_value: float = 1_000_000.0
    max_order_volume: float = inf
    max_volume_share: float = inf


class MessageRate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Token buckets in event time over submit, modify and cancel.

    cancel_reserve: share of each bucket that only emergency cancels may use.
    """

    per_strategy_per_second: float = 50.0
    per_strategy_burst: float = 100.0
    per_venue_per_second: float = 500.0
    per_venue_burst: float = 1_000.0
    cancel_reserve: float = 0.10


class RepeatedExecution(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Executions of one strategy, instrument and side within the window before it is disabled (at most 256)."""

    max_executions: float = 200
    window_seconds: float = 60.0


class DuplicateOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A client order id may not come again within the window, nor the same content more than max_identical times.

    The last 64 orders of a strategy are looked at.
    """

    window_seconds: float = 1.0
    max_identical: float = 10


class BuyingPower(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """mode "cash": buys need free cash, sells need units held.  mode "margin": gross <= max_leverage x equity.

    The default of 2 is the initial margin of Regulation T (12 CFR 220.12: 50 %).  mode "off": unchecked.
    """

    mode: str = "margin"
    max_leverage: float = 2.0


class MonitorSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Post-trade monitors, sampled on a grid in event time.

    interval_seconds: the grid.  window: samples kept (8..512).  var_confidence: e.g. 0.99.
    max_strategy_correlation, max_holding_correlation: of sampled P&L and returns, absolute.
    max_symbol_share: of gross exposure.  warn_at: share of a limit that raises a warning.
    """

    interval_seconds: float = 3_600.0
    window: int = 128
    var_confidence: float = 0.99
    max_strategy_correlation: float = 1.0
    max_holding_correlation: float = 1.0
    max_symbol_share: float = 1.0
    warn_at: float = 0.8


class StrategyErrors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A strategy that raises, or sends what cannot be parsed, this often within the window is stopped."""

    max_errors: float = 5
    window_seconds: float = 3_600.0


class RiskLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything the desk checks. `RiskLimits()` is the house default; `RiskLimits.unlimited()` checks nothing."""

    position_limits: dict[str, PositionLimit] = {}
    notional_limits: NotionalLimits = NotionalLimits()
    concentration_limits: ConcentrationLimits = ConcentrationLimits()
    drawdown_limits: DrawdownLimits = DrawdownLimits()
    circuit_breakers: CircuitBreakers = CircuitBreakers()
    global_limits: GlobalLimits = msgspec.field(default=GlobalLimits(), name="global")
    per_strategy: PerStrategyLimits = PerStrategyLimits()
    order_limits: OrderLimits = OrderLimits()
    message_rate: MessageRate = MessageRate()
    repeated_execution: RepeatedExecution = RepeatedExecution()
    duplicate_order: DuplicateOrder = DuplicateOrder()
    buying_power: BuyingPower = BuyingPower()
    monitors: MonitorSettings = MonitorSettings()
    strategy_errors: StrategyErrors = StrategyErrors()
    self_trade_prevention: str = "cancel_newest"
    signal_out_of_range: str = "clip"
    permitted_instruments: dict[str, list[str]] = {}
    restricted_list: list[str] = []
    enable_pre_trade: bool = True
    enable_circuit_breakers: bool = True

    @classmethod
    def unlimited(cls) -> RiskLimits:
        """No limit at all: every figure off, both enable flags false.

        To have one control alone, set its figures and the flag `enable_pre_trade` or `enable_circuit_breakers`.
        """
        return limit_controls.switched_off(cls())

    def problems(self) -> list[tuple[str, str]]:
        """Dotted key and one-line reason of every setting that makes no sense; empty where all is well."""
        return limit_rules.problems(self)

    def checked(self) -> RiskLimits:
        """These limits; raises LimitsError with the first problem."""
        for key, reason in self.problems():
            raise LimitsError(f"{key}: {reason}")
        return self

    def without(self, *controls: str) -> RiskLimits:
        """These limits with the named controls off: a Check, Monitor or Breaker in lower case, `bad_tick`,
        `signal_out_of_range`.  Raises LimitsError for any other name and for what no limit can switch off.
        """
        return limit_controls.without(self, controls)

    def looser_fields(self, other: RiskLimits) -> list[str]:
        """Dotted keys in which these limits permit more than `other`; empty where they permit nothing more."""
        return limit_controls.looser_fields(self, other)

    def tighter_than(self, other: RiskLimits) -> bool:
        """Whether these limits permit nothing that `other` does not, and less in at least one setting."""
        return not self.looser_fields(other) and bool(other.looser_fields(self))

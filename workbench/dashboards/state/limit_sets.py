"""Sets of risk limits that a campaign can be run under, and compared with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from workbench.configuration.limits import load_limits
from workbench.core.limits import RiskLimits
from workbench.strategy.folders import optional_file

__all__ = ["limits_choices", "scaled"]

_HOUSE_FILE: Final = "config/risk_limits.yaml"
_TIGHT: Final = 0.25


def scaled(limits: RiskLimits, factor: float) -> RiskLimits:
    """The same limits with every figure of money, loss and rate times `factor`, position limits too."""

    def times(table: Any, *names: str) -> Any:
        return msgspec.structs.replace(table, **{name: getattr(table, name) * factor for name in names})

    return msgspec.structs.replace(
        limits,
        position_limits={
            symbol: times(one, *one.__struct_fields__) for symbol, one in limits.position_limits.items()
        },
        notional_limits=times(limits.notional_limits, *limits.notional_limits.__struct_fields__),
        drawdown_limits=times(limits.drawdown_limits, *limits.drawdown_limits.__struct_fields__),
        circuit_breakers=times(
            limits.circuit_breakers, "portfolio_loss_pct", "single_strategy_loss", "rapid_drawdown_rate"
        ),
        global_limits=times(limits.global_limits, *limits.global_limits.__struct_fields__),
        per_strategy=times(limits.per_strategy, "max_position_notional", "max_daily_trades", "stop_loss_pct"),
        order_limits=times(limits.order_limits, "max_order_value", "max_order_volume"),
    ).checked()


def limits_choices() -> dict[str, Callable[[], RiskLimits]]:
    """Sets of limits by what a person reads."""
    file = optional_file(_HOUSE_FILE)
    found: dict[str, Callable[[], RiskLimits]] = {"House default": RiskLimits}
    if file is not None:
        found["config/risk_limits.yaml"] = lambda: load_limits(file)
    return {
        **found,
        "A quarter of the house default": lambda: scaled(RiskLimits(), _TIGHT),
        "House default, breakers off": lambda: msgspec.structs.replace(
            RiskLimits(), enable_circuit_breakers=False
        ),
        "House default, checks off": lambda: msgspec.structs.replace(RiskLimits(), enable_pre_trade=False),
        "No limits at all": RiskLimits.unlimited,
    }

"""What the demo plays: markets, well-behaved strategies, and one incident for each chaos strategy.

Slow strategies run on real daily prices; no real minute prices come with the package, so what needs minutes or two
venues runs on a made-up market, and the demo says so.  Windows are set where a position of the wrong kind would have
hurt: the autumn of 2008, the rebound of March 2009, and a made-up day that falls.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from workbench.core.costs import Costs
from workbench.core.limits import PositionLimit, RepeatedExecution, RiskLimits
from workbench.data import load, merge
from workbench.data.synthetic import synthetic

if TYPE_CHECKING:
    from workbench.data.prices import Prices

__all__ = [
    "BEHAVED_YEARS",
    "CASH",
    "FITTED",
    "INCIDENTS",
    "STAGES",
    "WELL_BEHAVED",
    "Incident",
    "Part",
    "Stage",
    "limits_of",
    "market",
]

CASH: Final = 1_000_000.0
DAY: Final = 1_440.0  # minutes
MADE_UP_SEED: Final = 39  # its prices fall by 6 % over the two days
LOSS_STOP: Final = -20_000.0


@dataclass(frozen=True)
class Part:
    """A strategy with its settings.  script: name in strategies/."""

    script: str
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Stage:
    """A market with what trading there costs, and the well-behaved strategy that trades beside each chaos strategy."""

    name: str
    real: bool
    costs: Costs
    neighbour: Part


@dataclass(frozen=True)
class Incident:
    """One chaos strategy's bad hours.

    first, last: dates of the prices that are played.  start: when it begins to misbehave.  minutes: how long; None for
    a script that ends by itself: until the last signal.  symbol: what it trades, and whose position limit counts.
    """

    script: str
    what: str
    stage: str
    first: str
    last: str
    start: str
    minutes: float | None
    symbol: str
    config: Mapping[str, Any] = field(default_factory=dict)


STAGES: Final[Mapping[str, Stage]] = {
    "daily": Stage(
        "daily",
        real=True,
        costs=Costs(spread_bps=1.0, maker_bps=0.0, taker_bps=1.0, slippage_bps=1.0),
        neighbour=Part(
            "trend_volatility_target",
            {
                "fast": 8,
                "slow": 30,
                "volatility_span": 20,
                "unit": {"SPX": 100.0, "IXIC": 50.0, "WTI": 1_000.0},
            },
        ),
    ),
    "minutes": Stage(
        "minutes",
        real=False,
        costs=Costs(spread_bps=1.0, maker_bps=0.0, taker_bps=1.0, slippage_bps=0.5, impact_bps=3.0),
        neighbour=Part(
            "arbitrage",
            {
                "min_spread_bps": 25.0,
                "close_spread_bps": 0.0,
                "unit": {"ETH-USD": 5.0},
                "symbols": ["ETH-USD"],
            },
        ),
    ),
}


@cache
def market(stage: str, first: str = "", last: str = "") -> Prices:
    """The prices of a stage; first, last: dates, "" for all."""
    if stage == "daily":
        prices = merge(load("sp500"), load("nasdaq"), load("wti"))
    else:
        prices = synthetic(bars=2_880, seed=MADE_UP_SEED, venue_noise_bps=12.0)
    return prices.between(first or None, last or None) if first or last else prices


_UNITS: Final = {"SPX": 120.0, "IXIC": 60.0, "WTI": 1_200.0}

WELL_BEHAVED: Final[tuple[tuple[str, Part], ...]] = (
    ("daily", Part("sma_cross", {"fast": 50, "slow": 200, "unit": _UNITS})),
    ("daily", Part("momentum", {"lookback": 120, "entry": 0.1, "unit": _UNITS})),
    ("daily", Part("trend_volatility_target", {"unit": _UNITS})),
    ("daily", Part("mean_reversion", {"window": 10, "entry": 1.5, "exit": 0.0, "unit": _UNITS})),
    ("daily", Part("donchian", {"entry": 120, "exit": 60, "unit": _UNITS})),
    ("daily", Part("rsi", {"window": 4, "lower": 20, "upper": 80, "exit": 55, "unit": _UNITS})),
    ("daily", Part("bollinger", {"window": 10, "unit": _UNITS})),
    ("daily", Part("pairs", {"asset": "IXIC", "hedge": "SPX", "sample_seconds": 86_400, "unit": 70.0})),
    (
        "minutes",
        Part(
            "arbitrage",
            {
                "min_spread_bps": 25.0,
                "close_spread_bps": 0.0,
                "max_position_size": 0.5,
                "unit": {"BTC-USD": 0.3, "ETH-USD": 5.0},
            },
        ),
    ),
    (
        "minutes",
        Part(
            "market_making",
            {"refresh": 15, "half_spread_bps": 10.0, "unit": {"BTC-USD": 1.0, "ETH-USD": 15.0}},
        ),
    ),
)
"""Stage and part; the daily ones run from 2005 to 2010, the crash of 2008 inside."""

BEHAVED_YEARS: Final = ("2005", "2010")


def _autumn(script: str, what: str, minutes: float | None, **config: Any) -> Incident:
    return Incident(
        script,
        what,
        "daily",
        "2008-07-10",
        "2008-12-31",
        "2008-09-15",
        minutes,
        "SPX",
        {"symbols": ["SPX"], **config},
    )


def _fast(script: str, what: str, minutes: float, start: str = "2024-01-01T12:00", **config: Any) -> Incident:
    return Incident(
        script, what, "minutes", "", "", start, minutes, "BTC-USD", {"symbols": ["BTC-USD"], **config}
    )


INCIDENTS: Final[tuple[Incident, ...]] = (
    _autumn("runaway", "100 full-size buys an update", 5 * DAY, unit=5.0),
    _autumn("risk_ignorant", "doubles down on every breach", 30 * DAY, unit=50.0),
    Incident(
        "volatility_amplifier",
        "chases 4 % days at twice full size",
        "daily",
        "2008-08-11",
        "2009-01-15",
        "2008-10-13",
        None,
        "SPX",
        {"symbols": ["SPX"], "unit": 100.0, "momentum_threshold": 0.04, "max_duration_minutes": 0.0},
    ),
    Incident(
        "correlation_breaker",
        "sells NASDAQ when the S&P rises 2 %",
        "daily",
        "2009-01-05",
        "2009-06-30",
        "2009-03-09",
        45 * DAY,
        "IXIC",
        {"leader_symbol": "SPX", "follower_symbol": "IXIC", "unit": 50.0},
    ),
    _fast(
        "slow_leak",
        "decides wrongly ever more often",
        1_440.0,
        start="2024-01-01T06:00",
        unit=5.0,
        degradation_rate=0.001,
    ),
    _autumn(
        "stale_price",
        "trades on prices a week old",
        40 * DAY,
        intensity=7 * DAY,
        unit=80.0,
        edge_bps=200.0,
    ),
    _autumn("fat_finger", "types the value as the quantity", 14 * DAY, quantity=1.0, seed=3),
    _fast("knight_replay", "resends child orders for ever", 240.0, intensity=10, child_quantity=0.02),
    _fast("nan_signals", "sends NaN, infinity and 1e308", 120.0, unit=0.1),
    _fast("cancel_flood", "100 cancels an update", 120.0, unit=0.1),
    _fast("wash_trade", "buys from itself", 120.0, quantity=1.0, offset_bps=0.0),
)


def limits_of(stage: str, base: RiskLimits, *, stop: bool = True) -> RiskLimits:
    """`base` fitted to the market of a stage, as `FITTED` says.  stop: with the tighter stop on a strategy's loss."""
    replace = msgspec.structs.replace
    breakers = base.circuit_breakers
    if stop:
        base = replace(base, circuit_breakers=replace(breakers, single_strategy_loss=LOSS_STOP))
    if stage == "minutes":
        return replace(
            base,
            repeated_execution=RepeatedExecution(200, 3_600.0),
            signal_out_of_range="refuse",
        )
    return replace(
        base,
        position_limits={
            "SPX": PositionLimit(500.0, -500.0, 300.0, -300.0),
            "IXIC": PositionLimit(250.0, -250.0, 150.0, -150.0),
            "WTI": PositionLimit(5_000.0, -5_000.0, 3_000.0, -3_000.0),
        },
        repeated_execution=RepeatedExecution(200, 5 * 86_400.0),
        order_limits=replace(base.order_limits, max_price_age_seconds=5 * 86_400.0),
    )


FITTED: Final = (
    "a chaos strategy is stopped at a loss of 20,000",
    "daily: 300 SPX, 150 IXIC, 3,000 WTI a strategy, prices up to 5 days old, executions counted over 5 days",
    "minutes: executions counted over an hour, signals out of range refused",
)
"""How the limits of the demo differ from the file's."""

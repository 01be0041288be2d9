"""Small markets and scripted strategies, so that every number of a run can be worked by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import pandas as pd
import pytest

from workbench.backtest.api import backtest
from workbench.backtest.result import BacktestResult
from workbench.core.costs import Costs
from workbench.data.prices import Prices
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy

Table = Callable[..., Prices]
Run = Callable[..., BacktestResult]


class Scripted(TradingStrategy):
    """Sends, at update number n of a symbol, the signals that `script` has under n: strengths, or (strength, terms)."""

    PARAMETERS: ClassVar = {"script": {}, "only": ""}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.seen: dict[str, int] = {}

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        symbol = price_update.symbol
        number = self.seen.get(symbol, 0)
        self.seen[symbol] = number + 1
        if self.config["only"] not in ("", symbol):
            return []
        return [self._signal(symbol, entry) for entry in self.config["script"].get(number, [])]

    def _signal(self, symbol: str, entry: Any) -> MarketSignal:
        strength, terms = entry if isinstance(entry, tuple) else (entry, {})
        return MarketSignal(symbol=symbol, signal_strength=strength, metadata=terms)

    def on_order_fill(self, fill: OrderFill) -> None:
        """A script hears nothing."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        """A script hears nothing."""


def bars(closes: Sequence[float], step: str = "1D") -> pd.DataFrame:
    """Bars from Monday, 2024-01-01 on, whose open, high and low are their close."""
    index = pd.date_range("2024-01-01", periods=len(closes), freq=step, tz="UTC", name="timestamp")
    close = pd.Series([float(c) for c in closes], index=index)
    return pd.DataFrame({"open": close, "high": close, "low": close, "close": close, "volume": 1_000.0})


@pytest.fixture
def table() -> Table:
    """table(X=[100, 101], Y=[...], step="1min"): prices of symbols at the venue SIM."""

    def make(step: str = "1D", **closes: Sequence[float]) -> Prices:
        return Prices(
            {f"{symbol}@SIM": bars(values, step) for symbol, values in closes.items()}, interval=step
        )

    return make


@pytest.fixture
def run(table: Table) -> Run:
    """run([100, 101], {0: [1.0]}): a script at ten units a signal and 10,000 cash, without any cost."""

    def play(
        closes: Sequence[float] | Prices,
        script: Mapping[int, Sequence[object]] | None = None,
        unit: float = 10.0,
        step: str = "1D",
        **settings: Any,
    ) -> BacktestResult:
        prices = closes if isinstance(closes, Prices) else table(step, X=closes)
        chosen: dict[str, Any] = {"costs": Costs.free(), "initial_cash": 10_000.0, **settings}
        return backtest(Scripted, prices, config={"script": dict(script or {}), "unit": unit}, **chosen)

    return play


@pytest.fixture
def scripted() -> type[TradingStrategy]:
    """The class, for runs with several strategies."""
    return Scripted


SIX_CLOSES = (100.0, 102.0, 106.0, 105.0, 104.0, 107.0)
SIX_ORDERS = {0: [1.0], 2: [-1.0], 3: [-1.0], 4: [1.0]}


@pytest.fixture
def six(run: Run) -> BacktestResult:
    """Six days: long 10 from 102 to 105 (+30), then short 10 from 104 to 107 (-30).

    | close | position after | equity |
    |---|---|---|
    | 100 | 0 | 10,000 |
    | 102 | 10 | 10,000 |
    | 106 | 10 | 10,040 |
    | 105 | 0 | 10,030 |
    | 104 | -10 | 10,030 |
    | 107 | 0 | 10,000 |
    """
    return run(SIX_CLOSES, SIX_ORDERS)

"""nautilus_trader: the same work by a Python strategy, logging off, its own risk engine on.

With it and pandas 2 installed: python -m tests.benchmarks.contestant_nautilus {cross|orders} BARS REPEATS
"""

import sys
import time
from decimal import Decimal

import pandas as pd
from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, RiskEngineConfig, StrategyConfig
from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.model.currencies import ETH, USDT
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, TraderId, Venue
from nautilus_trader.model.instruments import CurrencyPair
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.trading.strategy import Strategy

from tests.benchmarks.workload import FAST, FEE, SLOW, minute_bars, report

VENUE = Venue("SIM")
PAIR = CurrencyPair(
    instrument_id=InstrumentId(Symbol("ETHUSDT"), VENUE),
    raw_symbol=Symbol("ETHUSDT"),
    base_currency=ETH,
    quote_currency=USDT,
    price_precision=2,
    size_precision=0,
    price_increment=Price.from_str("0.01"),
    size_increment=Quantity.from_int(1),
    maker_fee=Decimal(str(FEE)),
    taker_fee=Decimal(str(FEE)),
    margin_init=Decimal("0.1"),
    margin_maint=Decimal("0.05"),
    ts_event=0,
    ts_init=0,
)
BARS = BarType.from_str("ETHUSDT.SIM-1-MINUTE-LAST-EXTERNAL")


class Contestant(Strategy):
    def __init__(self, work: str) -> None:
        super().__init__(StrategyConfig())
        self.work = work
        self.fast, self.slow = SimpleMovingAverage(FAST), SimpleMovingAverage(SLOW)
        self.above: bool | None = None
        self.held = False
        self.unit = Quantity.from_int(1)

    def on_start(self) -> None:
        if self.work == "cross":
            self.register_indicator_for_bars(BARS, self.fast)
            self.register_indicator_for_bars(BARS, self.slow)
        self.subscribe_bars(BARS)

    def send(self, side: OrderSide) -> None:
        self.submit_order(
            self.order_factory.market(instrument_id=PAIR.id, order_side=side, quantity=self.unit)
        )
        self.held = not self.held

    def on_bar(self, _bar: Bar) -> None:
        if self.work != "cross":
            self.send(OrderSide.SELL if self.held else OrderSide.BUY)
            return
        if not self.slow.initialized:
            return
        above = self.fast.value > self.slow.value
        before, self.above = self.above, above
        if before is not None and above != before and above != self.held:
            self.send(OrderSide.BUY if above else OrderSide.SELL)


def engine(work: str, bars: list[Bar]) -> BacktestEngine:
    made = BacktestEngine(
        BacktestEngineConfig(
            trader_id=TraderId("BENCH-001"),
            logging=LoggingConfig(bypass_logging=True),
            risk_engine=RiskEngineConfig(
                max_order_submit_rate="1000000/00:00:01", max_notional_per_order={str(PAIR.id): 100_000}
            ),
            run_analysis=False,
        )
    )
    made.add_venue(
        venue=VENUE,
        oms_type=OmsType.NETTING,
        account_type=AccountType.CASH,
        base_currency=None,
        starting_balances=[Money(1_000_000, USDT), Money(1_000, ETH)],
    )
    made.add_instrument(PAIR)
    made.add_data(bars, validate=False)
    made.add_strategy(Contestant(work))
    return made


if __name__ == "__main__":
    work, count, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    index = pd.date_range("2024-01-01", periods=count, freq="1min", tz="UTC")
    data = BarDataWrangler(BARS, PAIR).process(pd.DataFrame(minute_bars(count), index=index))
    seconds, orders = [], 0
    for _ in range(repeats):
        contestant = engine(work, data)
        start = time.perf_counter()
        contestant.run()
        seconds.append(time.perf_counter() - start)
        orders = contestant.get_result().total_orders
        contestant.dispose()
    report(seconds, orders)

"""Chaos in whole backtests: damage, breaches and recovery of each event, and the journal, on prices worked by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import pandas as pd
import pytest

from workbench.backtest.chaos_backtest import ChaosBacktester, ChaosBacktestResult, outcomes_frame
from workbench.chaos import ChaosEvent
from workbench.core.costs import Costs
from workbench.core.limits import PositionLimit, RiskLimits
from workbench.errors import ChaosError
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach, TradingStrategy


class BuyOnce(TradingStrategy):
    """Buys one unit at the first update, and nothing else."""

    PARAMETERS: ClassVar[dict[str, Any]] = {}

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.bought = False

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        if self.bought:
            return []
        self.bought = True
        return [MarketSignal(symbol=price_update.symbol, signal_strength=1.0)]

    def on_order_fill(self, fill: OrderFill) -> None:
        pass

    def on_risk_breach(self, breach: RiskBreach) -> None:
        pass


def prices(closes: Sequence[float]) -> pd.DataFrame:
    """Minute bars whose updates come at minutes 1, 2, ..."""
    index = pd.date_range("2024-01-01", periods=len(closes), freq="1min", tz="UTC", name="timestamp")
    return pd.DataFrame({"close": list(closes)}, index=index)


FALLING = [100.0] * 30 + [90.0] * 30  # the update of minute 31 is the first at 90


def backtester(limits: RiskLimits | None = None) -> ChaosBacktester:
    chosen = RiskLimits.unlimited() if limits is None else limits
    return ChaosBacktester(prices(FALLING), limits=chosen, costs=Costs.free(), initial_cash=10_000.0)


def burst(start: str, duration: str, orders: int) -> ChaosEvent:
    return ChaosEvent("runaway", start, duration, intensity=orders / 100.0)


def chaos_run(*events: ChaosEvent, limits: RiskLimits | None = None) -> ChaosBacktestResult:
    return backtester(limits=limits).run_backtest_with_chaos(BuyOnce, events)


def test_a_burst_of_orders_costs_what_its_units_lose() -> None:
    # Updates of minutes 10, 11 and 12, two orders of one unit each: 6 units bought at 100, worth 90 at the end.
    result = chaos_run(burst("2024-01-01T00:10", "3min", 2))
    (outcome,) = result.outcomes
    assert (outcome.damage_usd, outcome.worst_damage_usd) == (60.0, 60.0)
    assert outcome.recovery_seconds is None  # nobody sells them
    assert result.final_equity == 10_000.0 - 7 * 10.0
    assert result.chaos_recovery_time == math.inf
    assert result.performance().chaos_recovery_time == math.inf


def test_a_position_limit_turns_the_burst_into_breaches() -> None:
    off = RiskLimits.unlimited()
    limits = type(off)(
        **{name: getattr(off, name) for name in off.__struct_fields__}
        | {"position_limits": {"ASSET": PositionLimit(1.0, -1.0)}, "enable_pre_trade": True}
    )
    result = chaos_run(burst("2024-01-01T00:10", "3min", 2), limits=limits)
    (outcome,) = result.outcomes
    assert (outcome.damage_usd, outcome.breach_count, outcome.recovery_seconds) == (0.0, 6, 0.0)
    assert result.performance().chaos_recovery_time == 0.0


def test_each_of_two_events_is_charged_with_its_own_damage() -> None:
    result = chaos_run(burst("2024-01-01T00:10", "1min", 2), burst("2024-01-01T00:20", "1min", 3))
    assert [outcome.damage_usd for outcome in result.outcomes] == [20.0, 30.0]
    assert [str(event.start) for event in result.chaos] == [
        "2024-01-01 00:10:00+00:00",
        "2024-01-01 00:20:00+00:00",
    ]


def test_a_price_gap_hurts_while_it_lasts() -> None:
    # One unit, 20 % off for ten minutes: 20 behind at the worst, nothing once the price is back at minute 20.
    gap = ChaosEvent("price_gap", "2024-01-01T00:10", "10min", intensity=-0.2)
    (outcome,) = chaos_run(gap).outcomes
    assert (outcome.damage_usd, outcome.worst_damage_usd, outcome.recovery_seconds) == (0.0, 20.0, 0.0)


def test_alone_and_together_one_event_does_the_same() -> None:
    event = burst("2024-01-01T00:10", "3min", 2)
    assert backtester().try_each(BuyOnce, [event]) == list(chaos_run(event).outcomes)


def test_each_event_alone_is_held_against_the_run_without_any() -> None:
    # The second burst buys at 100 as well; together they would be charged the same, alone too.
    events = [burst("2024-01-01T00:10", "1min", 2), burst("2024-01-01T00:40", "1min", 4)]
    assert [o.damage_usd for o in backtester().try_each(BuyOnce, events)] == [20.0, 0.0]


def test_dates_cut_the_prices() -> None:
    run = backtester().run_backtest_with_chaos
    early = run(BuyOnce, [burst("2024-01-01T00:10", "1min", 2)], end_date="2024-01-01T00:25")
    assert early.outcomes[0].damage_usd == 0.0  # the fall comes later
    with pytest.raises(ChaosError, match="outside the prices"):
        run(BuyOnce, [burst("2024-01-01T00:50", "1min", 2)], end_date="2024-01-01T00:25")


def test_the_same_run_twice_gives_the_same() -> None:
    leak = ChaosEvent("slow_leak", "2024-01-01T00:01", "50min", intensity=500.0, seed=7)
    first, second = (chaos_run(leak, burst("2024-01-01T00:10", "1min", 1)) for _ in range(2))
    assert first.fingerprint == second.fingerprint
    assert first.outcomes == second.outcomes


def test_without_events_there_is_nothing_to_recover_from() -> None:
    result = chaos_run()
    assert (result.outcomes, result.chaos_recovery_time) == ((), None)
    assert len(result.chaos_table) == 0
    assert result.performance().chaos_recovery_time is None


# -- frames -----------------------------------------------------------------------------------------------------


def test_the_journal_marks_the_windows() -> None:
    journal = chaos_run(burst("2024-01-01T00:10", "2min", 1)).journal
    rows = list(zip(journal["timestamp"].dt.minute, journal["fact"], journal["chaos"], strict=True))
    assert rows == [
        (1, "OrderAccepted", ""),
        (2, "OrderFill", ""),
        (10, "ChaosStarted", "runaway"),
        (10, "OrderAccepted", "runaway"),
        (11, "OrderFill", "runaway"),
        (11, "OrderAccepted", "runaway"),
        (12, "ChaosEnded", ""),
        (12, "OrderFill", ""),
    ]
    fill = journal.iloc[1]
    assert (fill["strategy_id"], fill["symbol"], fill["quantity"], fill["price"]) == (
        "BuyOnce",
        "ASSET",
        1.0,
        100.0,
    )


def test_the_journal_names_all_kinds_whose_windows_overlap() -> None:
    events = [
        burst("2024-01-01T00:10", "5min", 1),
        ChaosEvent("reject_storm", "2024-01-01T00:12", "1min"),
    ]
    journal = chaos_run(*events).journal
    at_twelve = journal[journal["timestamp"].dt.minute == 12]
    assert set(at_twelve["chaos"]) == {"runaway+reject_storm"}
    ended = at_twelve[at_twelve["fact"] == "OrderEnded"]
    assert ended["reason"].tolist() == ["rejected_by_venue: reject_storm"]
    assert ended["quantity"].tolist() == [1.0]


def test_the_journal_tells_why_an_order_was_refused() -> None:
    limits = RiskLimits(position_limits={"ASSET": PositionLimit(1.0, -1.0)})
    journal = chaos_run(burst("2024-01-01T00:10", "1min", 1), limits=limits).journal
    refused = journal[journal["fact"] == "OrderRefused"].iloc[0]
    assert (refused["reason"], refused["value"], refused["limit"]) == ("position_limit", 2.0, 1.0)


def test_the_table_of_outcomes_has_a_row_per_event() -> None:
    frame = outcomes_frame(chaos_run(burst("2024-01-01T00:10", "3min", 2)).outcomes)
    row = frame.iloc[0]
    assert (row["kind"], row["intensity"], row["damage_usd"], row["breach_count"]) == (
        "runaway",
        0.02,
        60.0,
        0,
    )
    assert (row["start"], row["end"]) == (
        pd.Timestamp("2024-01-01 00:10", tz="UTC"),
        pd.Timestamp("2024-01-01 00:13", tz="UTC"),
    )
    assert math.isnan(row["recovery_seconds"])


def test_a_strategy_that_raises_is_stopped_and_the_run_goes_on() -> None:
    class Raises(BuyOnce):
        def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
            raise RuntimeError(f"broken at {price_update.last}")

    result = backtester(limits=RiskLimits()).run_backtest_with_chaos(
        Raises, [burst("2024-01-01T00:10", "1min", 1)]
    )
    assert len(result.record.recorder.errors) == 5
    assert result.outcomes[0].emergency_stops == 0  # it was stopped before, and without the event as well

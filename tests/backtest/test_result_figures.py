"""Round trips against the ledger's own rule, axes, and lengths of time as people say them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.backtest.axes import time_ticks, value_ticks
from workbench.backtest.roundtrips import exposed, history_frame, trades_frame
from workbench.backtest.statistics import span_text
from workbench.core.messages import Instrument, OrderFill
from workbench.plotting.curves import thin

MINUTE = 60_000_000_000


prices = st.floats(1.0, 1_000.0)
quantities = st.floats(0.1, 100.0).flatmap(lambda units: st.sampled_from([units, -units]))


@given(
    st.lists(st.tuples(quantities, prices, st.floats(0.0, 5.0)), max_size=30),
    prices,
    st.sampled_from([1.0, 50.0]),
)
def test_the_pnl_of_all_trades_is_what_the_cash_flows_come_to(
    fills: list[tuple[float, float, float]], mark: float, multiplier: float
) -> None:
    instrument = Instrument("X", "SIM", multiplier=multiplier)
    facts = [
        OrderFill(n, 0, n, "s", "X", "SIM", units, price, fee, 0.0, "taker", n * MINUTE)
        for n, (units, price, fee) in enumerate(fills, start=1)
    ]
    trades = trades_frame(facts, [instrument], {("X", "SIM"): mark})
    held = sum(units for units, _, _ in fills)
    cash = sum(-units * price * multiplier - fee for units, price, fee in fills)
    worth = cash + held * mark * multiplier
    scale = sum(abs(units) * max(price, mark) * multiplier for units, price, _ in fills) + 1.0
    assert trades["pnl"].sum() == pytest.approx(worth, abs=1e-9 * scale)
    assert trades["fees"].sum() == pytest.approx(sum(fee for _, _, fee in fills))
    assert (trades["status"] == "open").sum() == (1 if abs(held) > 1e-9 else 0)
    assert history_frame(facts, [instrument])["quantity"].tolist()[-1:] == pytest.approx(
        [held][: len(facts)], abs=1e-9
    )


def test_exposure_counts_the_update_that_filled_and_not_the_one_that_flattened() -> None:
    def fill(minute: int, units: float) -> OrderFill:
        return OrderFill(minute, 0, minute, "s", "X", "SIM", units, 100.0, 0.0, 0.0, "taker", minute * MINUTE)

    history = history_frame([fill(2, 1.0), fill(5, -1.0), fill(8, -1.0)], [Instrument("X", "SIM")])
    times = np.arange(1, 11, dtype=np.int64) * MINUTE
    assert exposed(history, times, None) == pytest.approx(6 / 10)  # minutes 2, 3, 4 and 8, 9, 10
    assert exposed(history, times, "other") == 0.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5_000))
def test_a_thinned_curve_keeps_its_ends_and_its_extremes(values: list[float]) -> None:
    curve = np.array(values)
    kept = curve[thin(curve, 50)]
    assert len(kept) <= 102
    assert (kept[0], kept[-1]) == (curve[0], curve[-1])
    assert (kept.min(), kept.max()) == (curve.min(), curve.max())


def test_value_axis_has_round_steps_around_the_curve_and_its_base() -> None:
    low, high, steps = value_ticks([np.array([961.0, 1_077.0])], 1_000.0)
    assert (low, high) == (950.0, 1_100.0)
    assert steps == [950.0, 975.0, 1_000.0, 1_025.0, 1_050.0, 1_075.0, 1_100.0]


def test_value_axis_of_a_flat_curve_has_room() -> None:
    low, high, _ = value_ticks([np.array([100.0, 100.0])], 100.0)
    assert low < 100.0 < high


@pytest.mark.parametrize(
    ("start", "length", "first", "last"),
    [
        ("2024-01-01 09:00", "1h", "09:00", "10:00"),
        ("2024-01-01 00:00", "5D", "01 Jan", "06 Jan"),
        ("2023-01-01", "200D", "Jan 2023", "Jul 2023"),
        ("1999-01-04", "7300D", "2000", "2018"),
    ],
)
def test_time_axis_has_about_ten_round_moments(start: str, length: str, first: str, last: str) -> None:
    begin = pd.Timestamp(start)
    ticks = time_ticks(begin.value, (begin + pd.Timedelta(length)).value)
    assert 5 <= len(ticks) <= 14
    assert (ticks[0][1], ticks[-1][1]) == (first, last)


@pytest.mark.parametrize(
    ("span", "text"),
    [
        ("250ms", "0.25 s"),
        ("90s", "1 min"),
        ("1h", "1 h"),
        ("25h", "1 d 1 h"),
        ("200D", "200 d"),
        ("0s", "0 s"),
    ],
)
def test_lengths_of_time_read_as_people_say_them(span: str, text: str) -> None:
    assert span_text(pd.Timedelta(span)) == text

"""Average-cost accounting: every case worked by hand, then the identities for any sequence of fills."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.core.ledger import average_cost, settle


@pytest.mark.parametrize(
    ("held", "fill", "expected"),
    [
        pytest.param((0.0, 0.0), (10.0, 100.0), (10.0, 100.0, 0.0), id="open long"),
        pytest.param((0.0, 0.0), (-4.0, 50.0), (-4.0, 50.0, 0.0), id="open short"),
        pytest.param((10.0, 100.0), (10.0, 110.0), (20.0, 105.0, 0.0), id="add to a long moves the average"),
        pytest.param(
            (-10.0, 100.0), (-30.0, 80.0), (-40.0, 85.0, 0.0), id="add to a short moves the average"
        ),
        pytest.param((10.0, 100.0), (-4.0, 110.0), (6.0, 100.0, 40.0), id="reduce a long at a gain"),
        pytest.param((10.0, 100.0), (-4.0, 95.0), (6.0, 100.0, -20.0), id="reduce a long at a loss"),
        pytest.param((-10.0, 100.0), (4.0, 90.0), (-6.0, 100.0, 40.0), id="reduce a short at a gain"),
        pytest.param((10.0, 100.0), (-10.0, 101.0), (0.0, 0.0, 10.0), id="close a long"),
        pytest.param((-10.0, 100.0), (10.0, 101.0), (0.0, 0.0, -10.0), id="close a short"),
        pytest.param((10.0, 100.0), (-15.0, 110.0), (-5.0, 110.0, 100.0), id="flip restarts the average"),
        pytest.param((-10.0, 100.0), (25.0, 90.0), (15.0, 90.0, 100.0), id="flip from short to long"),
    ],
)
def test_one_fill(
    held: tuple[float, float], fill: tuple[float, float], expected: tuple[float, float, float]
) -> None:
    assert average_cost(*held, *fill) == expected


def test_dust_of_binary_fractions_is_flat() -> None:
    assert 0.1 + 0.2 - 0.3 != 0.0
    assert settle(settle(0.1, 0.2), -0.3) == 0.0


def test_a_small_real_position_is_not_dust() -> None:
    assert settle(1.0, -0.999999) == pytest.approx(1e-6)


@given(
    st.lists(
        st.tuples(
            st.integers(-1000, 1000).filter(bool).map(lambda n: n / 100),
            st.floats(0.01, 1e6, allow_nan=False),
        ),
        min_size=1,
        max_size=50,
    ),
    st.floats(0.01, 1e6),
)
def test_realised_plus_unrealised_is_what_the_cash_flows_say(
    trades: list[tuple[float, float]], mark: float
) -> None:
    quantity = average = realised = cash = 0.0
    scale = 0.0
    for units, price in trades:
        quantity, average, gained = average_cost(quantity, average, units, price)
        realised += gained
        cash -= units * price
        scale += abs(units) * (price + mark)
    assert quantity == pytest.approx(math.fsum(units for units, _ in trades), abs=1e-9)
    assert realised + (mark - average) * quantity == pytest.approx(cash + quantity * mark, abs=1e-9 * scale)

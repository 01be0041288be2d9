"""The parts of value at risk: a textbook's, their sum, and what each derivative is the derivative of."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.risk_analytics.conftest import WithCovariance
from workbench.errors import ConfigError, DataError
from workbench.risk import component_var, marginal_var, tail_risk, value_at_risk
from workbench.risk.model import Method, Settings

METHODS: tuple[Method, ...] = (
    "historical", "parametric", "cornish_fisher", "ewma", "filtered_historical", "monte_carlo"
)  # fmt: skip
SHARED = Path(__file__).parents[2].parent / "shared" / "data"


def made_up(rows: int = 500) -> pd.DataFrame:
    """Skewed, fat-tailed, correlated, with a drift."""
    random = np.random.default_rng(17)
    common = random.gamma(3.0, 1.0, rows) - 3.0
    own = random.standard_t(6, (rows, 3))
    return pd.DataFrame(0.002 + 0.005 * own - 0.004 * np.outer(common, [1.0, 0.5, -0.4]), columns=list("abc"))


BOOK = pd.DataFrame(
    [[1e6, -2e5, 0.0], [0.0, 5e5, 3e5], [-1e5, 0.0, 2e5]],
    index=["trend", "pairs", "maker"],
    columns=list("abc"),
)


def test_jorion_two_currencies(with_covariance: WithCovariance) -> None:
    """P. Jorion, "Value at Risk", 3rd ed., 2007, chapter 7: USD 2 million in Canadian dollars at 5 %, 1 million in
    euros at 12 %, uncorrelated; at 95 %, with the quantile rounded to 1.65: value at risk 257,738; alone 165,000 and
    198,000; marginal 0.0528 and 0.1521; components 105,630 and 152,108, which are 41.0 % and 59.0 %."""
    returns = with_covariance({"CAD": 0.05, "EUR": 0.12}, [[1.0, 0.0], [0.0, 1.0]])
    parts = component_var(returns, {"CAD": 2e6, "EUR": 1e6}, 0.95)
    rounding = 1.65 / 1.6448536269514722
    table = parts.instruments
    assert parts.var * rounding == pytest.approx(257_738, abs=1)
    assert (table["standalone_var"] * rounding).tolist() == pytest.approx([165_000, 198_000], abs=1)
    assert (table["marginal_var"] * rounding).tolist() == pytest.approx([0.0528, 0.1521], abs=5e-5)
    assert (table["component_var"] * rounding).tolist() == pytest.approx([105_630, 152_108], abs=2)
    assert table["share"].tolist() == pytest.approx([0.410, 0.590], abs=5e-4)
    # Without one currency the other is left.
    assert (table["incremental_var"] * rounding).tolist() == pytest.approx([59_738, 92_738], abs=1)


@pytest.mark.parametrize("horizon", [1, 5])
@pytest.mark.parametrize("method", METHODS)
def test_the_parts_add_up(method: Method, horizon: int) -> None:
    parts = component_var(made_up(), BOOK, 0.95, method, horizon)
    assert parts.components.to_numpy().sum() == pytest.approx(parts.var, rel=1e-9)
    for table in (parts.instruments, parts.strategies):
        assert table["component_var"].sum() == pytest.approx(parts.var, rel=1e-9)
        assert table["component_cvar"].sum() == pytest.approx(parts.cvar, rel=1e-9)
        assert table["share"].sum() == pytest.approx(1.0)
    assert parts.components.sum(axis=1).tolist() == pytest.approx(parts.strategies["component_var"].tolist())
    assert parts.components.sum(axis=0).tolist() == pytest.approx(parts.instruments["component_var"].tolist())
    whole = tail_risk(made_up(), 0.95, method, horizon, exposures=BOOK)
    assert [parts.var, parts.cvar] == pytest.approx([whole.var, whole.cvar])
    assert parts.observations == whole.observations


@settings(max_examples=40)
@given(
    st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 1)), min_size=3, max_size=3),
    st.floats(0.55, 0.995),
    st.sampled_from(["historical", "parametric", "cornish_fisher", "ewma"]),
    st.integers(1, 20),
)
@pytest.mark.filterwarnings("ignore::workbench.risk.cornish_fisher.CornishFisherWarning")
def test_the_parts_of_any_book_add_up(
    amounts: list[float], confidence: float, method: Method, horizon: int
) -> None:
    if max(abs(amount) for amount in amounts) < 1.0:
        return
    held = dict(zip("abc", amounts, strict=True))
    parts = component_var(made_up(), held, confidence, method, horizon)
    size = 1e-9 * max(abs(amount) for amount in amounts)
    assert parts.instruments["component_var"].sum() == pytest.approx(parts.var, abs=size)
    assert parts.instruments["component_cvar"].sum() == pytest.approx(parts.cvar, abs=size)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("parametric", Settings()),
        ("parametric", Settings(mean="zero", degrees_of_freedom=4.0)),
        ("ewma", Settings(decay=0.97)),
        ("cornish_fisher", Settings()),
        ("cornish_fisher", Settings(mean="zero")),
        ("historical", Settings()),
    ],
)
@pytest.mark.filterwarnings("ignore::workbench.risk.cornish_fisher.CornishFisherWarning")
def test_the_marginal_is_the_slope(method: Method, options: Settings) -> None:
    """A little more of each instrument, and a little less."""
    returns, held = made_up(), {"a": 9e5, "b": 3e5, "c": 5e5}
    parts = component_var(returns, held, 0.975, method, 3, **options)
    step = 1.0
    for name in held:
        up, down = (
            component_var(returns, held | {name: held[name] + move}, 0.975, method, 3, **options)
            for move in (step, -step)
        )
        found = parts.instruments.loc[name]
        assert (up.var - down.var) / (2 * step) == pytest.approx(found["marginal_var"], rel=1e-5, abs=1e-9)
        slope = (up.cvar - down.cvar) / (2 * step)
        assert slope * held[name] == pytest.approx(found["component_cvar"], rel=1e-5, abs=1e-3)


def test_drawn_parts_agree_with_the_closed_form() -> None:
    """The derivative at one drawn path would be noise; the mean over its neighbours is not."""
    exact = component_var(made_up(), BOOK, 0.99)
    found = component_var(made_up(), BOOK, 0.99, "monte_carlo", paths=400_000)
    for column in ("component_var", "component_cvar"):
        off = found.instruments[column] - exact.instruments[column]
        assert (off.abs() < 0.05 * exact.var).all()


def test_historical_parts_are_the_day_at_the_quantile() -> None:
    days = pd.DataFrame({"a": [-0.03, -0.01, *[0.01] * 8], "b": [0.01, -0.02, *[0.0] * 8]})
    parts = component_var(days, {"a": 100.0, "b": 100.0}, 0.85, "historical")
    # P&L -2, -3 and gains; 1.5 of 10 days in the tail, so the second worst decides: the first day.
    assert parts.var == pytest.approx(2.0)
    assert parts.instruments["component_var"].tolist() == pytest.approx([3.0, -1.0])
    # The tail: the second day, and half of the first.
    assert parts.instruments["component_cvar"].tolist() == pytest.approx(
        [(1.0 + 0.5 * 3.0) / 1.5, (2.0 - 0.5 * 1.0) / 1.5]
    )


def test_a_hedge_has_a_negative_part_and_a_strategy_may_be_one() -> None:
    returns = made_up()
    book = pd.DataFrame([[1e6, 0.0, 0.0], [-4e5, 0.0, 0.0]], index=["long", "hedge"], columns=list("abc"))
    parts = component_var(returns, book, 0.99)
    long, hedge = parts.strategies.loc["long"], parts.strategies.loc["hedge"]
    assert hedge["component_var"] < 0.0 < long["component_var"]
    # One instrument: everything is in proportion to what is held.
    assert long["component_var"] == pytest.approx(parts.var * 1e6 / 6e5)
    assert (long["gross"], hedge["gross"], hedge["exposure"]) == (1e6, 4e5, -4e5)
    # Without the hedge value at risk is that of 1,000,000; the drift of 400,000 short is a loss.
    assert parts.var - hedge["incremental_var"] == pytest.approx(long["standalone_var"])
    assert parts.instruments.loc["a", "gross"] == 1.4e6
    assert parts.instruments.loc["b", "component_var"] == 0.0


def test_marginals_by_instrument_and_by_strategy() -> None:
    returns = made_up()
    by_name = marginal_var(returns, BOOK, 0.99)
    by_strategy = marginal_var(returns, BOOK, 0.99, by="strategy")
    assert (by_name.index.tolist(), by_strategy.index.tolist()) == (list("abc"), ["trend", "pairs", "maker"])
    # One per cent more of all that trend holds, for a hundredth of its gross exposure of 1,200,000.
    more = BOOK.copy()
    more.loc["trend"] *= 1.001
    less = BOOK.copy()
    less.loc["trend"] *= 0.999
    up, down = (value_at_risk(returns, 0.99, "parametric", exposures=held) for held in (more, less))
    assert (up - down) / (0.002 * 1.2e6) == pytest.approx(by_strategy["trend"], rel=1e-5)


def test_a_strategy_that_holds_nothing_has_no_marginal() -> None:
    idle = pd.concat([BOOK, pd.DataFrame([[0.0] * 3], index=["idle"], columns=list("abc"))])
    row = component_var(made_up(), idle).strategies.loc["idle"].to_dict()
    assert (row["component_var"], row["standalone_var"], row["incremental_var"]) == (0.0, 0.0, 0.0)
    assert math.isnan(row["marginal_var"])


@pytest.mark.skipif(not SHARED.exists(), reason="../shared/data is absent")
def test_twenty_real_stocks() -> None:
    closes = pd.read_parquet(SHARED / "us_equities_1d" / "skfolio_sp500_20_close.parquet")
    if "timestamp" in closes:
        closes = closes.set_index("timestamp")
    returns = closes.pct_change().dropna().iloc[-750:]
    held = pd.Series(50_000.0, index=returns.columns)
    of_a_fit: tuple[Method, ...] = ("historical", "parametric", "ewma")
    for method in of_a_fit:
        parts = component_var(returns, held, 0.975, method)
        assert parts.instruments["component_var"].sum() == pytest.approx(parts.var)
        # A million in twenty stocks loses less at the quantile than twenty times 50,000 apart.
        assert 10_000 < parts.var < 0.8 * parts.instruments["standalone_var"].sum()


@pytest.mark.parametrize("amounts", [{"a": 0.0, "b": 0.0}, {"still": 1e6}])
def test_nothing_to_take_apart(amounts: dict[str, float]) -> None:
    returns = made_up().assign(still=0.001)
    with pytest.raises(DataError, match="expected something held whose profit and loss moves"):
        component_var(returns, amounts)


def test_bad_arguments() -> None:
    with pytest.raises(ConfigError, match="by must be instrument or strategy, found 'venue'"):
        marginal_var(made_up(), BOOK, by="venue")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="expected a frame with a column for each instrument, found Series"):
        component_var(made_up()["a"], BOOK)  # type: ignore[arg-type]

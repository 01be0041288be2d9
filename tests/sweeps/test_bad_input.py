"""What is wrong with a sweep or a search is one line of error before anything is run; silence is explained after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import optuna
import pandas as pd
import pytest

import workbench as wb
from workbench.core.messages import Instrument
from workbench.errors import ConfigError, ParameterError, StrategyError, WorkbenchError
from workbench.strategy import (
    CompiledStrategy,
    MarketSignal,
    OrderFill,
    PriceUpdate,
    RiskBreach,
    TradingStrategy,
)
from workbench.strategy.compiled import LAST
from workbench.strategy.indicators import push_sma, sma
from workbench.strategy.loader import load_strategy
from workbench.sweeps.api import sweep
from workbench.sweeps.checks import look_back
from workbench.sweeps.optimize import optimize

CROSS = "strategies/sma_cross.py"
GRID = {"fast": [3, 5], "slow": [10, 20]}


class Plain(TradingStrategy):
    """Buys at each price; `refuse` it does not take."""

    SIZING = "target"
    PARAMETERS: ClassVar = {"window": 3, "refuse": False}
    LOOKBACK = "window"

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        if self.config["refuse"]:
            raise ParameterError("Plain: refuse must be False")

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        return [MarketSignal(symbol=price_update.symbol, signal_strength=1.0)]

    def on_order_fill(self, fill: OrderFill) -> None:
        """Nothing."""

    def on_risk_breach(self, breach: RiskBreach) -> None:
        """Nothing."""


class Vague(Plain):
    """Declares something that cannot be worked out."""

    LOOKBACK = "window.real"


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Errors must come before the work, so the work fails in another way."""

    def begin(*_: object, **__: object) -> None:
        raise AssertionError("the sweep has begun")

    monkeypatch.setattr("workbench.sweeps.job.Job.play", begin)
    monkeypatch.setattr("workbench.sweeps.processes.Pool.run", begin)


def error_of(call: Any, *arguments: Any, **settings: Any) -> str:
    """The one line of the WorkbenchError that `call` raises."""
    with pytest.raises(WorkbenchError) as caught:
        call(*arguments, **settings)
    text = str(caught.value)
    assert text
    assert "\n" not in text
    return text


BAD_GRIDS: Mapping[str, tuple[Any, str]] = {
    "nothing": ({}, "the grid is empty"),
    "no values": ({"fast": []}, "the grid is empty: fast has no values"),
    "an empty range": ({"fast": range(9, 3)}, "the grid is empty: fast has no values"),
    "no mapping": ([("fast", [3])], "params must map parameters to their values, found list"),
    "a parameter that is none": ({"fsat": [3]}, "has no parameter 'fsat'; did you mean 'fast'?"),
    "a fraction": ({"fast": [3.5]}, "fast must be whole numbers like 10, found 3.5"),
    "a word": ({"fast": ["x"]}, "fast must be finite numbers like 10, found 'x'"),
    "a unit below nothing": (
        {"fast": [3], "unit": [1.0, -1.0]},
        "unit must be a finite number of units >= 0, found -1.0",
    ),
    "a missing number": ({"fast": [float("nan")]}, "fast must be finite numbers like 10, found nan"),
    "more than 64 bits": ({"fast": [2**63]}, "fast must be a number of 64 bits, found 9223372036854775808"),
    "far more than 64 bits": ({"fast": [10**400]}, "fast must be a number of 64 bits, found 1000000000"),
    "nothing allowed": (
        {"fast": [9], "slow": [5]},
        "none of the 1 combinations is allowed (1 <= fast < slow)",
    ),
}


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("case", BAD_GRIDS)
def test_a_bad_grid_is_one_error(minutes: wb.Prices, case: str) -> None:
    params, expected = BAD_GRIDS[case]
    assert expected in error_of(sweep, CROSS, minutes, params)


BAD_SETTINGS: Mapping[str, tuple[dict[str, Any], str]] = {
    "a metric that does not exist": (
        {"metrics": ["sharp_ratio"]},
        "no metric 'sharp_ratio'; did you mean 'sharpe_ratio'?",
    ),
    "metrics that are no names": ({"metrics": 5}, "metrics must be names, such as"),
    "a metric that is no name": ({"metrics": [["x"]]}, "no metric ['x']"),
    "no metric at all": ({"metrics": []}, "metrics must name at least one"),
    "a parameter in config that is none": ({"config": {"speed": 1}}, "has no parameter 'speed'"),
    "a config that is no mapping": ({"config": 5}, "config must map parameters to values, found 5"),
    "no periods": ({"periods_per_year": 0}, "periods_per_year must be a finite number above 0"),
    "endless periods": (
        {"periods_per_year": float("inf")},
        "periods_per_year must be a finite number above 0",
    ),
    "no workers": ({"workers": 0}, "workers must be a whole number from 1"),
    "half a worker": ({"workers": 1.5}, "workers must be a whole number from 1"),
    "where that is no function": ({"where": 5}, "where must be a function of a frame of combinations"),
    "where that raises": (
        {"where": lambda frame: frame["nope"]},
        "where raised KeyError: 'nope'; it is given a frame with the columns fast, slow",
    ),
    "labels of chaos that read alike": (
        {"chaos": {1: (), "1": ()}},
        "expected labels that read differently, found 1, '1'",
    ),
    "where with a wrong answer": ({"where": lambda _: 1.0}, "as many booleans"),
    "no cash": ({"initial_cash": -1.0}, "initial_cash must be a finite amount above 0"),
    "no scenario": ({"chaos": {}}, "chaos is an empty mapping"),
    "a client that is none": (
        {"client": 5},
        "client must be a dask.distributed Client or a scheduler's address",
    ),
    "an address without port": ({"client": "nowhere"}, "no scheduler answers at nowhere"),
}


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("case", BAD_SETTINGS)
def test_a_bad_setting_is_one_error(minutes: wb.Prices, case: str) -> None:
    settings, expected = BAD_SETTINGS[case]
    assert expected in error_of(sweep, CROSS, minutes, GRID, **settings)


@pytest.mark.usefixtures("no_work")
def test_a_dead_cluster_is_one_error(minutes: wb.Prices, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.sweeps.cluster.CONNECT_SECONDS", 0.3)
    text = error_of(sweep, CROSS, minutes, GRID, client="tcp://127.0.0.1:1")
    assert text.startswith("client: no scheduler answers at tcp://127.0.0.1:1 (")


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("given", [5, None, object()])
def test_what_is_no_strategy_is_one_error(minutes: wb.Prices, given: Any) -> None:
    assert "expected a strategy class, a script's path or a function" in error_of(sweep, given, minutes, GRID)


@pytest.mark.usefixtures("no_work")
def test_a_plain_strategy_that_takes_no_combination_is_one_error(minutes: wb.Prices) -> None:
    text = error_of(sweep, Plain, minutes, {"window": [3, 4], "refuse": [True]})
    assert text == "Plain takes none of the 2 combinations; the first: Plain: refuse must be False"


def test_constraints_know_what_config_says(minutes: wb.Prices) -> None:
    """`slow` is 50 where nobody says otherwise."""
    assert sweep(CROSS, minutes, {"fast": [20, 60]}, config={"slow": 90}).trials == 2
    for call in (sweep, wb.campaign):
        text = error_of(call, CROSS, minutes, {"fast": [20]}, config={"slow": 10})
        assert "none of the 1 combinations is allowed (1 <= fast < slow)" in text


# -- look-back -------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_work")
class Windowed(CompiledStrategy):
    """Above or below an average, of which nobody checks the length."""

    PARAMETERS: ClassVar = {"window": 5, "least": 0, "scale": 1.0}

    @staticmethod
    def start(params: Any) -> Any:
        return sma(params.window - params.least)

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> Any:
        return params.scale if prices[LAST] > push_sma(state, prices[LAST]) else 0.0


class Legs(CompiledStrategy):
    """Instruments that depend on a number; as many strengths as `answers` says."""

    SCOPE = "market"
    PARAMETERS: ClassVar = {"first": 0, "answers": 2, "scale": 1.0}

    @classmethod
    def groups(cls, config: Mapping[str, Any], instruments: Sequence[Instrument]) -> list[list[int]]:
        del instruments
        return [[config["first"], config["first"] + 1]]

    @staticmethod
    def start(params: Any, count: int) -> Any:  # noqa: ARG004 - the signature of every strategy
        return np.full(params.answers, params.scale)

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> Any:  # noqa: ARG004
        return state


@pytest.mark.parametrize("windows", [range(0, 50, 5), [30, 20, 0], [3, -1]])
def test_a_window_without_length_is_one_error(minutes: wb.Prices, windows: Any) -> None:
    text = error_of(sweep, Windowed, minutes, {"window": windows, "scale": [1.0, 0.5]})
    assert f"cannot start with window={min(windows)}, least=0, scale=1.0: a sum or an average needs" in text


def test_a_window_without_length_is_one_error_wherever_it_comes_from(minutes: wb.Prices) -> None:
    """Of two parameters together: not every combination is tried beforehand."""
    grid = {"window": [5, 6, 7], "least": [1, 2, 6], "scale": [1.0]}
    assert "needs a length of at least 1" in error_of(sweep, Windowed, minutes, grid)
    campaign = partial(wb.campaign, kinds="bad_tick", intensities=[0.5], starts=1)
    assert "needs a length of at least 1" in error_of(campaign, Windowed, minutes, grid)
    assert "needs a length of at least 1" in error_of(wb.backtest, Windowed, minutes, config={"window": 0})


def test_strengths_too_many_or_too_few_are_one_error(pair: wb.Prices) -> None:
    campaign = partial(wb.campaign, kinds="bad_tick", intensities=[0.5], starts=1)
    for answers in (1, 3):
        expected = f"Legs.step: expected as many strengths as it sees instruments, 2, found {answers}"
        assert error_of(sweep, Legs, pair, {"answers": [2, answers]}).startswith(expected)
        assert error_of(campaign, Legs, pair, {"answers": [2, answers]}).startswith(expected)
        assert expected in error_of(wb.backtest, Legs, pair, config={"answers": answers})


def test_columns_of_other_instruments_are_one_error(pair: wb.Prices) -> None:
    """They would run on those of the first column."""
    text = error_of(sweep, Legs, pair, {"scale": [1.0, 0.5], "first": [0, 1]})
    assert text == (
        "Legs.groups must answer the same for all columns of a sweep, found other instruments with first=1; put one "
        "value into config="
    )
    campaign = partial(wb.campaign, kinds="bad_tick", intensities=[0.5], starts=1)
    assert error_of(campaign, Legs, pair, {"first": [0, 2]}).endswith("first=2; put one value into config=")
    found = sweep(Legs, pair, {"scale": [1.0, 0.5]}, config={"first": 1}, metrics=["signals"])
    assert (found.table["signals"] > 0).all()


def test_instruments_that_are_not_there_are_one_error(pair: wb.Prices) -> None:
    text = error_of(sweep, Legs, pair, {"scale": [1.0]}, config={"first": 3})
    assert text.startswith("Legs.groups must answer lists of whole numbers, each below 4")
    assert error_of(wb.backtest, Legs, pair, config={"first": 3}) == text


def test_prices_that_are_shorter_than_every_look_back_are_one_error(minutes: wb.Prices) -> None:
    text = error_of(sweep, CROSS, minutes, {"fast": [3, 5], "slow": [400, 500]})  # 400 prices
    assert (
        "needs at least 401 prices before its first signal (slow + 1), and BTC-USD@exchange-1 has 400" in text
    )
    assert "needs at least 501 prices" in error_of(sweep, Plain, minutes, {"window": [501, 600]})
    assert "needs at least 402" in error_of(optimize, CROSS, minutes, {"fast": (2, 9), "slow": (401, 900)})


def test_one_column_that_can_speak_is_enough(minutes: wb.Prices) -> None:
    found = sweep(CROSS, minutes, {"fast": [3], "slow": [10, 400]}, metrics=["trades", "win_rate"])
    assert found.table["trades"].tolist()[0] > 0
    assert found.table["trades"].tolist()[1] == 0
    assert np.isnan(found.table["win_rate"].tolist()[1])


def test_chaos_may_speak_for_a_strategy_that_cannot(minutes: wb.Prices) -> None:
    event = wb.ChaosEvent("runaway", "2024-01-01 01:00", "30min", intensity=5.0)
    found = sweep(CROSS, minutes, {"fast": [3], "slow": [400]}, chaos=[event], metrics=["signals"])
    assert found.table["signals"].tolist()[0] > 0


class Several(Plain):
    """Looks back as far as the longest of three."""

    PARAMETERS: ClassVar = {"fast": 3, "slow": 4, "signal": 5, "refuse": False}
    LOOKBACK = "max(fast, slow, signal) + 1"


def test_a_look_back_over_several_parameters_leaves_them_as_they_are() -> None:
    values = {
        name: np.array(column) for name, column in (("fast", [3, 9]), ("slow", [5, 4]), ("signal", [4, 2]))
    }
    assert look_back(Several, values).tolist() == [6, 10]
    assert {name: column.tolist() for name, column in values.items()} == {
        "fast": [3, 9],
        "slow": [5, 4],
        "signal": [4, 2],
    }
    least = type("Least", (Several,), {"LOOKBACK": "min(fast, slow, signal)"})
    assert look_back(least, values).tolist() == [3, 2]
    written = type("Written", (Several,), {"LOOKBACK": "ceil(fast, slow)"})
    with pytest.raises(StrategyError, match="LOOKBACK must be an expression of its parameters"):
        look_back(written, values)


def test_a_look_back_that_divides_by_nothing_is_one_error(minutes: wb.Prices) -> None:
    rule = "LOOKBACK must be an expression of its parameters, such as 'window + 1', found "
    for divided in ("100 // 0", "window // (window - window)"):
        kind = type("Divided", (Plain,), {"LOOKBACK": divided})
        assert f"{rule}{divided!r}" in error_of(sweep, kind, minutes, {"window": [3, 4]})


def test_a_look_back_that_is_no_expression_is_one_error(minutes: wb.Prices) -> None:
    text = error_of(sweep, Vague, minutes, {"window": [3, 4]})
    assert (
        "LOOKBACK must be an expression of its parameters, such as 'window + 1', found 'window.real'" in text
    )


SOONER: Mapping[str, dict[str, Any]] = {
    "bollinger": {"window": 5, "width": 1.1},
    "mean_reversion": {"window": 5, "entry": 1.2, "exit": 0.1},
    "pairs": {"window": 5, "entry": 1.2, "exit": 0.1},
    "rsi": {"window": 3},
}
"""Parameters with which there is a signal about as soon as there can be."""


@pytest.mark.parametrize("script", sorted(Path("strategies").glob("*.py")), ids=lambda path: path.stem)
def test_no_shipped_strategy_speaks_before_its_look_back(script: Path) -> None:
    """A look-back that says too much would refuse prices on which something could be found."""
    kind = load_strategy(script)
    config = SOONER.get(script.stem, {})
    need = look_back(kind, config)
    prices = wb.synthetic(
        symbols=["ETH-USD", "BTC-USD"], venues=["exchange-1", "exchange-2"], bars=400, seed=5
    )
    found = wb.backtest(kind, prices, config=config, progress=False).signals
    if not need:
        return  # it declares none
    assert len(found) > 0
    first = found["timestamp"].min()
    closes = pd.DatetimeIndex(prices.frame("BTC-USD@exchange-1").index) + prices.interval
    assert int((closes <= first).sum()) >= need


# -- nothing traded --------------------------------------------------------------------------------------------------


def test_a_sweep_in_which_nothing_is_said_says_so(
    minutes: wb.Prices, capsys: pytest.CaptureFixture[str]
) -> None:
    found = sweep(CROSS, minutes, {"fast": [390], "slow": [398]}, metrics=["trades", "sharpe_ratio"])
    assert found.table["trades"].tolist() == [0]
    assert found.table["sharpe_ratio"].isna().all()
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("no column traded: there is no signal in 400 price updates of BTC-USD@exchange-1;")


def test_a_sweep_in_which_all_is_refused_says_by_which_rule(
    minutes: wb.Prices, capsys: pytest.CaptureFixture[str]
) -> None:
    limits = {"restricted_list": ["BTC-USD"]}
    found = sweep(CROSS, minutes, GRID, limits=limits, metrics=["fills", "signals"])
    assert found.table["fills"].sum() == 0
    most = int(found.table["signals"].max())
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("no column traded: fast=")
    assert f" sent {most:,} signals and had no fill; refused: order " in line


def test_a_sweep_that_trades_says_nothing(minutes: wb.Prices, capsys: pytest.CaptureFixture[str]) -> None:
    sweep(CROSS, minutes, GRID)
    capsys.readouterr()  # what was said of compiling
    sweep(CROSS, minutes, GRID)
    assert capsys.readouterr().err == ""


# -- searches --------------------------------------------------------------------------------------------------------

BAD_SPACES: Mapping[str, tuple[Any, str]] = {
    "nothing": ({}, "the space is empty"),
    "no values": ({"fast": []}, "the space is empty: fast has no values"),
    "an empty range": ({"fast": range(9, 3)}, "the space is empty: fast has no values"),
    "no mapping": ([("fast", [3])], "space must map parameters to a range"),
    "a parameter that is none": ({"fsat": (3, 9)}, "has no parameter 'fsat'; did you mean 'fast'?"),
    "an interval upside down": (
        {"fast": (9, 3)},
        "expected for fast low <= high and a step above 0, found (9, 3)",
    ),
    "a step of nothing": (
        {"fast": (3, 9, 0)},
        "expected for fast low <= high and a step above 0, found (3, 9, 0)",
    ),
    "half an interval": ({"fast": (3,)}, "expected for fast a range, (low, high), (low, high, step), a list"),
    "words for an interval": ({"fast": ("a", "b")}, "expected for fast a range, (low, high)"),
    "fractions for whole numbers": ({"fast": (2.5, 9)}, "fast must be whole numbers like 10, found 2.5"),
    "a unit below nothing": (
        {"fast": (3, 9), "unit": (-1.0, 1.0)},
        "unit must be a finite number of units >= 0, found -1.0",
    ),
    "a unit that is none": (
        {"unit": optuna.distributions.CategoricalDistribution([1.0, "x"])},
        "unit must be finite numbers like 1.0, found 'x'",
    ),
    "nothing allowed": ({"fast": (60, 90)}, "combinations from the space is allowed (1 <= fast < slow)"),
}


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("case", BAD_SPACES)
def test_a_bad_space_is_one_error(minutes: wb.Prices, case: str) -> None:
    space, expected = BAD_SPACES[case]
    assert expected in error_of(optimize, CROSS, minutes, space)


BAD_SEARCHES: Mapping[str, tuple[dict[str, Any], str]] = {
    "a metric that does not exist": ({"metric": "sharp_ratio"}, "did you mean 'sharpe_ratio'?"),
    "two metrics": ({"metric": ["cagr", "trades"]}, "metric must be the name of one metric"),
    "no trials": ({"trials": 0}, "trials must be a whole number from 1, found 0"),
    "half a batch": ({"batch": 0.5}, "batch must be a whole number from 1, found 0.5"),
    "a seed below nothing": ({"seed": -1}, "seed must be a whole number from 0, found -1"),
    "a sampler that is none": ({"sampler": "tpe"}, "sampler must be one of optuna.samplers, found 'tpe'"),
    "several scenarios": ({"chaos": {"none": ()}}, "a search looks at one setting"),
}


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("case", BAD_SEARCHES)
def test_a_bad_search_is_one_error(minutes: wb.Prices, case: str) -> None:
    settings, expected = BAD_SEARCHES[case]
    assert expected in error_of(optimize, CROSS, minutes, {"fast": (2, 9)}, **settings)


def test_errors_are_of_their_kind(minutes: wb.Prices) -> None:
    with pytest.raises(ParameterError):
        sweep(CROSS, minutes, {})
    with pytest.raises(ConfigError):
        sweep(CROSS, minutes, GRID, metrics="x")
    with pytest.raises(ConfigError):
        sweep(CROSS, minutes, GRID, client=5)
    with pytest.raises(StrategyError):
        sweep(CROSS, minutes, {"slow": [900]})

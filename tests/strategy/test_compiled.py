"""Compiled strategies in plain code: what `step` sees, what becomes of its answer, what is refused and where."""

from __future__ import annotations

import copy
import math
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from enum import IntEnum
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numba
import numpy as np
import pytest

from workbench.core.messages import Instrument
from workbench.errors import AnswerError, ParameterError, StrategyError, StrategyLoadError
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.strategy import indicators as ta
from workbench.strategy.compiled import (
    AGE,
    ASK,
    BID,
    LAST,
    POSITION,
    TIME,
    CompiledStrategy,
    allowed,
    groups_of,
    helper,
    kernels,
    parameter_rows,
)
from workbench.strategy.indicators import memory, push_sma, sma
from workbench.strategy.kernels import digest_of, ready
from workbench.strategy.loader import load_source, load_strategy

ROOT = Path(__file__).parents[2]
SECOND = 1_000_000_000
ONE, TWO = Instrument("BTC-USD", "exchange-1"), Instrument("BTC-USD", "exchange-2")
ETHER = Instrument("ETH-USD", "exchange-1")
HEAD = """import math
import numpy as np
from workbench.strategy.compiled import LAST, CompiledStrategy

class Mine(CompiledStrategy):
    PARAMETERS = {"window": 3, "limit": 1.5, "name": "x"}

"""


def update(instrument: Instrument, last: float, second: float = 0.0, bid: float = 0.0) -> PriceUpdate:
    return PriceUpdate(
        *(
            instrument.symbol,
            instrument.venue,
            int(second * SECOND),
            bid or last,
            last,
            last,
            1.0,
            2.0,
            3.0,
            0.0,
            0,
        )
    )


def fill(instrument: Instrument, quantity: float) -> OrderFill:
    return OrderFill(1, 0, 1, "s", instrument.symbol, instrument.venue, quantity, 1.0, 0.0, 0.0, "taker", 0)


def said(signals: list[MarketSignal]) -> list[tuple[str, str, float]]:
    return [(s.symbol, s.metadata["venue"], s.signal_strength) for s in signals]


def mine(body: str, head: str = HEAD) -> type[CompiledStrategy]:
    """A strategy class from the text of its methods."""
    lines = [f"    {line}" if line else line for line in body.strip("\n").splitlines()]
    loaded = load_source(head + "\n".join(lines) + "\n", "mine.py")
    assert issubclass(loaded, CompiledStrategy)
    return loaded


def step(body: str) -> str:
    """Text of a `step` with this body."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"@staticmethod\ndef step(params, state, prices):\n{lines}"


class Rises(CompiledStrategy):
    """Says by how much the price is above the last one, in units of `scale`, if it is."""

    PARAMETERS: ClassVar = {"scale": 10, "offset": 0.5, "on": True, "note": ""}
    CONSTRAINTS = ("1 <= scale", "offset < scale")

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> Any:
        before, state[0] = state[0], prices[LAST]
        if before == 0.0 or prices[LAST] <= before or not params.on:
            return math.nan
        return (prices[LAST] - before) / params.scale + params.offset


@helper
def shown(answer: Any, prices: Any, what: int) -> None:
    for k in range(len(prices)):
        answer[k] = prices[k, what]


class Shows(CompiledStrategy):
    """Says one column of what it sees."""

    SCOPE = "symbol"
    READS_POSITION = True
    PARAMETERS: ClassVar = {"what": LAST}

    @staticmethod
    def start(params: Any, count: int) -> Any:  # noqa: ARG004 - the same for all parameters
        return np.zeros(count)

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> Any:
        shown(state, prices, params.what)
        return state


class ShowsMarket(Shows):
    """All instruments at once, and no look at the position."""

    SCOPE = "market"
    READS_POSITION = False


# -- what it sees, and what is made of its answer ----------------------------------------------------------------------


def test_a_number_is_a_signal_and_nan_is_none() -> None:
    strategy = Rises({"scale": 4})
    answers = [strategy.on_market_data(update(ONE, price)) for price in (10.0, 11.0, 11.0, 9.0, 9.5)]
    assert [said(answer) for answer in answers] == [
        [],
        [("BTC-USD", "exchange-1", 0.75)],
        [],
        [],
        [("BTC-USD", "exchange-1", 0.625)],
    ]
    assert answers[1][0].confidence == 1.0


def test_each_instrument_has_a_state_of_its_own() -> None:
    strategy = Rises({})
    updates = [update(ONE, 10.0), update(TWO, 20.0), update(ONE, 11.0), update(TWO, 19.0), update(ETHER, 5.0)]
    assert [len(strategy.on_market_data(u)) for u in updates] == [0, 0, 1, 0, 0]


def test_a_new_run_begins_anew() -> None:
    strategy = Rises({})
    assert strategy.on_market_data(update(ONE, 10.0)) == []
    strategy.on_start([ONE])
    assert strategy.on_market_data(update(ONE, 11.0)) == []


def test_truth_values_and_whole_numbers_are_parameters_and_texts_are_not() -> None:
    rows = parameter_rows(Rises, [{"scale": 3, "offset": 1, "on": False, "note": "no"}])
    assert rows.dtype.names == ("scale", "offset", "on")
    assert [rows.dtype[name].kind for name in rows.dtype.names] == ["i", "f", "i"]
    off = Rises({"on": False})
    assert [off.on_market_data(update(ONE, price)) for price in (1.0, 2.0)] == [[], []]


def test_whole_numbers_among_the_prices_are_taken_for_what_they_are() -> None:
    strategy = Rises({})
    for price in (10, 11):
        whole = PriceUpdate("BTC-USD", "exchange-1", 0, price, price, price, 1, 1, 1, 0, 0)
        answer = strategy.on_market_data(whole)
    assert said(answer) == [("BTC-USD", "exchange-1", 0.6)]


def test_venues_of_a_symbol_are_seen_together() -> None:
    strategy = Shows({"what": LAST})
    strategy.on_start([ONE, ETHER, TWO])
    assert said(strategy.on_market_data(update(ONE, 10.0))) == [
        ("BTC-USD", "exchange-1", 10.0)
    ]  # two is NaN yet
    assert said(strategy.on_market_data(update(TWO, 11.0)))[1] == ("BTC-USD", "exchange-2", 11.0)
    assert said(strategy.on_market_data(update(ETHER, 5.0))) == [("ETH-USD", "exchange-1", 5.0)]
    assert said(strategy.on_market_data(update(ONE, 12.0, bid=9.0))) == [
        ("BTC-USD", "exchange-1", 12.0),
        ("BTC-USD", "exchange-2", 11.0),
    ]


def test_the_market_is_seen_whole_and_strangers_are_passed_over() -> None:
    strategy = ShowsMarket({"what": BID})
    strategy.on_start([ONE, ETHER])
    strategy.on_market_data(update(ONE, 10.0, bid=9.5))
    found = said(strategy.on_market_data(update(ETHER, 5.0)))
    assert found == [("BTC-USD", "exchange-1", 9.5), ("ETH-USD", "exchange-1", 5.0)]
    assert strategy.on_market_data(update(TWO, 11.0)) == []


def test_ages_and_times() -> None:
    ages, times = Shows({"what": AGE}), Shows({"what": TIME})
    for strategy in (ages, times):
        strategy.on_start([ONE, TWO])
    updates = [update(ONE, 10.0, 100.0), update(TWO, 10.0, 130.5), update(TWO, 10.0, 131.0)]
    assert [[s[2] for s in said(ages.on_market_data(u))] for u in updates] == [
        [0.0],
        [30.5, 0.0],
        [31.0, 0.0],
    ]
    assert [[s[2] for s in said(times.on_market_data(u))] for u in updates] == [
        [100.0],
        [100.0, 130.5],
        [100.0, 131.0],
    ]


def test_the_position_is_kept_where_it_is_read_only() -> None:
    reads, does_not = Shows({"what": POSITION}), ShowsMarket({"what": POSITION})
    for strategy in (reads, does_not):
        strategy.on_start([ONE, TWO])
        for quantity in (0.1, 0.2, -0.3, 1.5):
            strategy.on_order_fill(fill(TWO, quantity))
        strategy.on_order_fill(fill(ETHER, 7.0))  # of no concern to it
    assert said(reads.on_market_data(update(ONE, 1.0))) == [
        ("BTC-USD", "exchange-1", 0.0),
        ("BTC-USD", "exchange-2", 1.5),
    ]
    assert {s[2] for s in said(does_not.on_market_data(update(ONE, 1.0)))} == {0.0}


def test_several_instruments_have_to_be_named_first() -> None:
    with pytest.raises(
        StrategyError, match=r"Shows sees several instruments: on_start\(instruments\) must be"
    ):
        Shows({}).on_market_data(update(ONE, 1.0))


def test_a_breach_is_written_down(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    Rises({}).on_risk_breach(RiskBreach("position_limit", "s", "BTC-USD", "exchange-1", 2.0, 1.0, 0))
    assert "position_limit" in caplog.text


def test_what_a_step_writes_over_the_prices_is_gone_at_the_next() -> None:
    body = """
before = prices[params.window]
prices[params.window] = 5.0
prices[LAST] += 10.0
return prices[LAST] if before != before else before"""
    strategy = mine(step(body.strip()))({"window": 9})
    found = [said(strategy.on_market_data(update(ONE, price)))[0][2] for price in (1.0, 2.0)]
    assert found == [11.0, 12.0]


class Short(Shows):
    """Says one strength too few, or too many."""

    SCOPE = "market"
    PARAMETERS: ClassVar = {"what": LAST, "more": 1}

    @staticmethod
    def start(params: Any, count: int) -> Any:
        return np.zeros(count + params.more)

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> Any:  # noqa: ARG004 - the signature of every strategy
        return state


@pytest.mark.parametrize("more", [-2, -1, 1, 3])
def test_a_strength_too_many_or_too_few_is_an_error(more: int) -> None:
    strategy = Short({"more": more})
    strategy.on_start([ONE, TWO])
    with pytest.raises(AnswerError) as caught:
        strategy.on_market_data(update(ONE, 1.0))
    assert str(caught.value).startswith(
        f"Short.step: expected as many strengths as it sees instruments, 2, found {2 + more}; return"
    )


@pytest.mark.parametrize(
    "answer",
    [[[0, 0]], [[0], [1, 0]], [[0, 3]], [[-1]], [[0.5]], [["BTC-USD"]], [0, 1], None, [[0], None]],
)
def test_groups_are_places_of_instruments_none_of_them_twice(answer: Any) -> None:
    kind = type("Odd", (ShowsMarket,), {"groups": classmethod(lambda *_: answer)})
    with pytest.raises(StrategyError) as caught:
        kind({}).on_start([ONE, TWO, ETHER])
    assert str(caught.value) == (
        "Odd.groups must answer lists of whole numbers, each below 3 (how many instruments there are) and none of them "
        f"twice, found {answer!r}"
    )


def test_groups_may_leave_instruments_out_and_come_in_any_form() -> None:
    kind = type("Even", (ShowsMarket,), {"groups": classmethod(lambda *_: (np.array([2, 0]), ()))})
    assert groups_of(kind, {}, [ONE, TWO, ETHER]) == [[2, 0], []]


# -- copies ------------------------------------------------------------------------------------------------------------


def through_pickle(strategy: CompiledStrategy) -> CompiledStrategy:
    found: CompiledStrategy = pickle.loads(pickle.dumps(strategy))
    return found


@pytest.mark.parametrize("copied", [copy.deepcopy, through_pickle])
def test_a_copy_goes_on_by_itself(copied: Callable[[CompiledStrategy], CompiledStrategy]) -> None:
    alone, group = Rises({}), Shows({"what": POSITION})
    group.on_start([ONE, TWO])
    group.on_order_fill(fill(ONE, 2.0))
    alone.on_market_data(update(ONE, 10.0))
    group.on_market_data(update(ONE, 10.0))
    other, others = copied(alone), copied(group)
    other.on_market_data(update(ONE, 20.0))
    others.on_order_fill(fill(ONE, 5.0))
    del other
    assert said(alone.on_market_data(update(ONE, 11.0)))[0][2] == pytest.approx(0.6)
    assert [s[2] for s in said(group.on_market_data(update(TWO, 1.0)))] == [2.0, 0.0]
    assert [s[2] for s in said(others.on_market_data(update(TWO, 1.0)))] == [7.0, 0.0]


# -- constraints -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"scale": 0}, "Rises: expected 1 <= scale, found scale=0"),
        ({"offset": 10.0}, "Rises: expected offset < scale, found offset=10.0 and scale=10"),
    ],
)
def test_parameters_that_break_a_constraint_are_named(config: dict[str, Any], message: str) -> None:
    with pytest.raises(ParameterError) as caught:
        Rises(config)
    assert str(caught.value) == message


def test_a_constraint_is_asked_of_whole_columns_at_once() -> None:
    values = {"fast": np.array([1, 5, 9]), "slow": np.array([5, 5, 20]), "window": np.array([5, 9, 3])}
    assert allowed("1 <= fast < slow", values).tolist() == [True, False, True]
    assert allowed("fast < sqrt(window - 1)", values).tolist() == [True, False, False]


def test_a_constraint_is_a_comparison() -> None:
    with pytest.raises(StrategyError, match="expected comparisons such as '1 <= fast < slow', found 'fast'"):
        allowed("fast", {"fast": 1})


def test_a_number_that_64_bits_cannot_hold_is_refused() -> None:
    for name, value in (("scale", 10**400), ("offset", -(10**400))):
        expected = rf"Rises: {name} must be a number of 64 bits, found -?1000000000"
        with pytest.raises(ParameterError, match=expected):
            Rises({name: value})


def test_a_strategy_without_numbers_says_so() -> None:
    kind = mine(step("return params.limit"), HEAD.replace('"window": 3, "limit": 1.5, ', ""))
    with pytest.raises(StrategyError, match="PARAMETERS has no number of that name; it has: none"):
        kind({})
    silent = mine(step("return 1.0"), HEAD.replace('"window": 3, "limit": 1.5, ', ""))({})
    assert said(silent.on_market_data(update(ONE, 2.0))) == [("BTC-USD", "exchange-1", 1.0)]


# -- what is refused, and where it stands ------------------------------------------------------------------------------

# The first line of a step's body is line 10 of the text; what must stand in the message, and on which line.
REFUSED = {
    "a name that is not there": (
        step("x = prices[LAST]\nreturn limit(x)"),
        (11, "Mine.step: name 'limit' is not defined"),
    ),
    "a parameter that is not there": (
        step("x = prices[LAST]\nreturn x - params.slow"),
        (11, "Mine.step reads params.slow, and PARAMETERS has no number of that name; it has: limit, window"),
    ),
    "a parameter that is no number": (
        step("return 1.0 if params.name == 'x' else math.nan"),
        (10, "reads params.name, and PARAMETERS has no number of that name"),
    ),
    "a method": (
        "def step(self, params, state):\n    return 1.0",
        (None, "Mine: step must be a staticmethod, found function"),
    ),
    "too few arguments": (
        "@staticmethod\ndef step(params, prices):\n    return 1.0",
        (8, "Mine.step must be a plain function of (params, state, prices), found (params, prices)"),
    ),
    "a generator": (step("yield 1.0"), (8, "Mine.step must be a plain function")),
    "arguments without end": (
        "@staticmethod\ndef step(params, state, prices, *more):\n    return 1.0",
        (8, "found (params, state, prices, *more)"),
    ),
    "an array": (
        step("x = np.zeros(3)\nreturn x.sum()"),
        (10, "it makes an array, a list or a string; make arrays in start, and keep them in the state"),
    ),
    "a list": (
        step("x = [1.0, prices[LAST]]\nreturn max(x)"),
        (11, "it makes an array, a list or a string"),
    ),
    "a plain function": (
        step("x = prices[LAST]\nreturn outside(x)") + "\n",
        (11, "a function of your own needs the decorator @helper"),
    ),
    "a file": (
        step("with open('x') as f:\n    return 1.0"),
        (
            None,
            "Mine.step cannot be compiled: The 'with (context manager) as (variable):' construct is not supported",
        ),
    ),
    "an import": (step("import pandas\nreturn 1.0"), (10, "unsupported opcode (IMPORT_NAME)")),
    "a thing that numbers cannot do": (
        step("x = prices[LAST]\nreturn x.upper()"),
        (11, "Mine.step cannot be compiled: Unknown attribute 'upper' of type float64"),
    ),
    "nothing on one path": (
        step("if prices[LAST] > 1.0:\n    return 1.0"),
        (8, "Mine.step must return a float on every path, math.nan where there is nothing to say, found"),
    ),
    "a text": (step("return 'buy'"), (8, "Mine.step must return a float on every path")),
    "a state of odd parts": (
        "@staticmethod\ndef start(params):\n    return [np.zeros(3), 'x']\n\n" + step("return 1.0"),
        (8, "Mine.start cannot be compiled: TypeError: unhashable type: 'list'"),
    ),
    "start of several, for one": (
        "@staticmethod\ndef start(params, count):\n    return np.zeros(count)\n\n" + step("return 1.0"),
        (8, "Mine.start must be a plain function of (params), found (params, count)"),
    ),
    "start of one, for several": (
        "SCOPE = 'market'\n" + step("return prices[:, LAST]"),
        (None, "Mine.start must be a plain function of (params, count)"),
    ),
    "one number for several": (
        "SCOPE = 'market'\n@staticmethod\ndef start(params, count):\n    return np.zeros(count)\n\n"
        + step("return 1.0"),
        (
            13,
            "Mine.step must return an array float64[count], NaN where there is nothing to say, found float64",
        ),
    ),
    "a position, for one": (
        "READS_POSITION = True\n" + step("return 1.0"),
        (None, "Mine: READS_POSITION = True is for strategies that see several instruments, found SCOPE"),
    ),
    "a time, for one": (
        step("return prices[TIME]"),
        (
            None,
            "Mine: TIME is for strategies that see several instruments, found SCOPE = 'instrument'; set SCOPE",
        ),
    ),
    "constraints that are one text": (
        "CONSTRAINTS = '1 <= window'\n" + step("return 1.0"),
        (
            None,
            "Mine: CONSTRAINTS must be a tuple of texts, such as ('1 <= fast < slow',), found '1 <= window'",
        ),
    ),
    "a constraint on what there is not": (
        "CONSTRAINTS = ('window < slow',)\n" + step("return 1.0"),
        (
            None,
            "'window < slow' names 'slow', which is no parameter that is a number; there are: window, limit",
        ),
    ),
    "half a constraint": (
        "CONSTRAINTS = ('window <',)\n" + step("return 1.0"),
        (None, "CONSTRAINTS: expected comparisons such as '1 <= fast < slow', found 'window <'"),
    ),
    "a constraint that cannot be worked out": (
        "CONSTRAINTS = ('window / 0 < limit',)\n" + step("return 1.0"),
        (None, "CONSTRAINTS: 'window / 0 < limit' cannot be worked out: division by zero"),
    ),
    "a window without length": (
        "@staticmethod\ndef start(params):\n    return sma(params.window - 3)\n\n" + step("return 1.0"),
        (
            None,
            "Mine cannot start with window=3, limit=1.5: a sum or an average needs a length of at least 1",
        ),
    ),
    "a state of less than nothing": (
        "@staticmethod\ndef start(params):\n    return np.zeros(params.window - 4)\n\n" + step("return 1.0"),
        (None, "Mine cannot start with window=3, limit=1.5: ValueError: negative dimensions not allowed"),
    ),
    "groups, for one": (
        "@classmethod\ndef groups(cls, config, instruments):\n    return [[0, 1]]\n\n" + step("return 1.0"),
        (None, "Mine: groups is for strategies that see several instruments, found SCOPE = 'instrument'"),
    ),
    "a scope that there is not": (
        "SCOPE = 'planet'\n" + step("return 1.0"),
        (None, "Mine: SCOPE must be one of instrument, symbol, market, found 'planet'"),
    ),
}


@pytest.mark.parametrize("what", sorted(REFUSED))
def test_what_cannot_be_compiled_is_one_line_with_its_place(what: str) -> None:
    body, (line, message) = REFUSED[what]
    head = HEAD.replace("class Mine", "def outside(x): return x\nclass Mine").replace("\n\ndef", "\ndef")
    head = head.replace("LAST,", "LAST, TIME,").replace(
        "import math\n", "import math; from workbench.strategy.indicators import sma\n"
    )
    kind = mine(body, head)
    with pytest.raises(StrategyError) as caught:
        kind({}).on_start([ONE, TWO])
    text = str(caught.value)
    assert message in text
    assert "\n" not in text
    if line is not None:
        assert text.startswith(f"mine.py:{line}: ")


def test_an_error_in_a_helper_is_told_where_it_stands() -> None:
    head = HEAD.replace("LAST, ", "LAST, helper, ").replace(
        "class Mine", "@helper\ndef outside(x):\n    return x.upper()\n\nclass Mine"
    )
    with pytest.raises(
        StrategyError, match=r"mine\.py.*: Mine\.step cannot be compiled: Unknown attribute 'upper'"
    ):
        mine(step("return outside(prices[LAST])"), head)({})


def test_a_class_without_step_is_no_strategy() -> None:
    with pytest.raises(StrategyLoadError, match="Mine does not define step; a strategy must"):
        mine("VERSION = '1'")


# -- one digest for one meaning ----------------------------------------------------------------------------------------


def digest(body: str, head: str = HEAD) -> str:
    return kernels(mine(body, head)).digest


def test_the_same_code_has_one_digest_wherever_it_stands() -> None:
    body = step("return prices[LAST] - params.limit")
    assert digest(body) == digest(body, "\n\n" + HEAD)


def test_another_number_or_function_that_is_used_is_another_digest() -> None:
    body = step("return outside(prices[LAST])")
    texts = [
        HEAD.replace("LAST, ", "LAST, helper, ").replace("class Mine", f"{text}\n\nclass Mine")
        for text in (
            "SIZE = 1.0\n@helper\ndef outside(x): return x * SIZE",
            "SIZE = 2.0\n@helper\ndef outside(x): return x * SIZE",
            "SIZE = 1.0\n@helper\ndef outside(x): return x / SIZE",
            "import numba\nSIZE = 1.0\n@numba.njit(fastmath=True)\ndef outside(x): return x * SIZE",
        )
    ]
    assert len({digest(body, text) for text in texts}) == len(texts)
    # all at once in one process, and each calls its own
    strategies = [mine(body, text)({}) for text in texts]
    answers = [strategy.on_market_data(update(ONE, 4.0))[0].signal_strength for strategy in strategies]
    assert answers == [4.0, 8.0, 4.0, 4.0]


def test_what_is_reached_through_a_module_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    def uses(value: float) -> Any:
        return ta.is_price(value)

    def encloses(value: float) -> Any:
        return other.is_price(value)

    other = ta
    before = digest_of(uses), digest_of(encloses)
    monkeypatch.setattr(ta, "is_price", ta.push_sma)
    assert digest_of(uses) != before[0]
    assert digest_of(encloses) != before[1]


class Side(IntEnum):
    BUY = 1


class Other(IntEnum):
    BUY = 2


def test_constants_of_modules_within_modules_and_of_enums_count() -> None:
    here, inner = ModuleType("here"), ModuleType("inner")
    vars(here).update(SIZES=(1.0, 2.0), inner=inner, here=here)
    vars(inner).update(LIMITS=(1.0, (2.0, 3.0)))
    side: Any = Side

    def sized(value: float) -> Any:
        return value * here.SIZES[1]

    def limited(value: float) -> Any:
        return value * here.here.inner.LIMITS[1][1]

    def sided(value: float) -> Any:
        return value * side.BUY

    def digests() -> list[str]:
        return [digest_of(function) for function in (sized, limited, sided)]

    def changed(before: list[str]) -> list[bool]:
        return [one != other for one, other in zip(before, digests(), strict=True)]

    first = digests()
    assert changed(first) == [False, False, False]
    vars(inner)["LIMITS"] = (1.0, (2.0, 4.0))
    assert changed(first) == [False, True, False]
    vars(here)["SIZES"] = (1.0, 5.0)
    assert changed(first) == [True, True, False]
    side = Other
    assert changed(first) == [True, True, True]


def test_a_step_may_stand_on_any_line_of_its_file() -> None:
    """numba quotes source: a compiled copy must not be taken for what stands there in the file it is cached by."""
    body = step("return prices[LAST] - params.limit")
    for lines in range(0, 260, 13):
        head = HEAD.replace("class Mine", "\n" * lines + "class Mine")
        assert mine(body, head)({}).on_market_data(update(ONE, 2.0))[0].signal_strength == 0.5


CACHED = """
import sys
from pathlib import Path
from workbench.strategy import PriceUpdate
from workbench.strategy.loader import load_strategy
classes = [load_strategy(sys.argv[1]) for _ in range(int(sys.argv[2]))]
told = PriceUpdate("X", "v", 0, 3.0, 3.0, 3.0, 1.0, 1.0, 1.0, 0.0, 0)
print(classes[-1].__module__, classes[-1]({}).on_market_data(told)[0].signal_strength)
"""


def test_what_one_process_has_cached_another_can_use(tmp_path: Path) -> None:
    """Each load of a script has a module of its own, and numba imports that of a function that it finds cached."""
    script = tmp_path / "mine.py"
    head = HEAD.replace("LAST, ", "LAST, helper, ").replace(
        "class Mine",
        "@helper\ndef twice(x):\n    return half(x) * 4.0\n\n@helper\ndef half(x):\n    return x / 2.0\n\nclass Mine",
    )
    script.write_text(head + "    " + step("return twice(prices[LAST])").replace("\n", "\n    ") + "\n")
    environment = os.environ | {"WORKBENCH_CACHE_DIR": str(tmp_path / "cache")}
    answers = []
    for loads in ("3", "1"):
        command = [sys.executable, "-W", "error", "-c", CACHED, str(script), loads]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        answers.append(done.stdout.split())
    assert {answer[1] for answer in answers} == {"6.0"}
    assert answers[0][0] != answers[1][0]


def test_parameters_in_another_order_are_not_read_from_where_they_were(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    environment = os.environ | {"WORKBENCH_CACHE_DIR": str(tmp_path / "cache")}
    for parameters in ('"entry": 0.5, "stop": 0.25', '"stop": 0.25, "entry": 0.5', '"stop": 1, "entry": 0.5'):
        head = HEAD.replace('"window": 3, "limit": 1.5, "name": "x"', parameters)
        script.write_text(head + "    " + step("return params.entry").replace("\n", "\n    ") + "\n")
        command = [sys.executable, "-W", "error", "-c", CACHED, str(script), "1"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
        assert done.stdout.split()[1] == "0.5", parameters


# -- compiled or not ---------------------------------------------------------------------------------------------------


def test_a_shipped_step_of_one_instrument_counts_no_references() -> None:
    """A call into numba's run-time system for each price would cost more than the step itself."""
    for path in sorted((ROOT / "strategies").glob("*.py")):
        strategy = load_strategy(path)
        if issubclass(strategy, CompiledStrategy) and strategy.SCOPE == "instrument":
            row = parameter_rows(strategy, [strategy.PARAMETERS or {}])[0]
            options: dict[str, Any] = {"error_model": "numpy", "_nrt": False}
            compiled: Any = numba.njit(**options)(strategy.step)
            compiled(row, ready(strategy).start(row), np.ones(7))
            [code] = compiled.inspect_asm().values()
            assert "NRT_" not in code.replace("NRT_get_api", ""), path.name


PLAY = """
import hashlib, math, sys
import numpy as np
from workbench.core.messages import Instrument
from workbench.strategy import PriceUpdate
from workbench.strategy.loader import load_strategy
random = np.random.default_rng(4)
names = [("BTC-USD", "exchange-1"), ("BTC-USD", "exchange-2"), ("ETH-USD", "exchange-1")]
instruments = [Instrument(*name) for name in names]
moves = random.normal(0.0, 0.004, (500, 3))
prices = np.array([30_000.0, 30_010.0, 2_000.0]) * np.exp(np.cumsum(moves, axis=0))
for script in sys.argv[1:]:
    strategy = load_strategy(script)({})
    strategy.on_start(instruments)
    digest, count = hashlib.sha256(), 0
    for minute, row in enumerate(prices.tolist()):
        for i, last in zip(instruments, row):
            told = PriceUpdate(i.symbol, i.venue, minute * 60 * 10**9, last, last, last, 1.0, 1.0, 1.0, 0.0, minute)
            for signal in strategy.on_market_data(told):
                count += 1
                digest.update(repr((minute, signal.symbol, signal.metadata, signal.signal_strength)).encode())
    print(script.rsplit("/", 1)[-1], count, digest.hexdigest())
"""


def test_shipped_strategies_say_the_same_without_compilation() -> None:
    scripts = [
        str(path)
        for path in sorted((ROOT / "strategies").glob("*.py"))
        if issubclass(load_strategy(path), CompiledStrategy)
    ]
    assert len(scripts) == 9
    answers = []
    for switch in ("0", "1"):
        environment = os.environ | {"NUMBA_DISABLE_JIT": switch}
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", PLAY, *scripts],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        answers.append(done.stdout.splitlines())
    assert all(int(line.split()[1]) > 0 for line in answers[0])
    assert answers[0] == answers[1]


def test_state_may_be_arrays_within_arrays() -> None:
    """As of indicators: each is a tuple, and a strategy keeps several."""

    class Nested(CompiledStrategy):
        PARAMETERS: ClassVar = {"window": 3}

        @staticmethod
        def start(params: Any) -> Any:
            return (sma(params.window), (sma(2), memory(1, 5.0))), memory(2)

        @staticmethod
        def step(params: Any, state: Any, prices: Any) -> Any:  # noqa: ARG004 - the windows are in the state
            state[1][1] += 1.0
            slow = push_sma(state[0][0], prices[ASK])
            return push_sma(state[0][1][0], prices[LAST]) - slow + state[0][1][1][0] + state[1][1]

    strategy = Nested({})
    found = [said(strategy.on_market_data(update(ONE, price))) for price in (3.0, 6.0, 9.0)]
    assert found == [[], [], [("BTC-USD", "exchange-1", 7.5 - 6.0 + 5.0 + 3.0)]]

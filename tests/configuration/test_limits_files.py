"""Risk limits from files and mappings: both of the usual forms, and one clear line for everything that is wrong."""

from __future__ import annotations

import re
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from workbench.configuration import dump_limits, load_limits
from workbench.core.limit_bounds import Bound, Flag, Rule, Words
from workbench.core.limit_rules import RULES
from workbench.core.limits import DrawdownLimits, PositionLimit, RiskLimits
from workbench.errors import LimitsError

SHIPPED = Path(__file__).parents[2] / "config" / "risk_limits.yaml"

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """write(text): a file `limits.yaml` with that text."""

    def written(text: str) -> Path:
        path = tmp_path / "limits.yaml"
        path.write_bytes(text.encode("utf-8"))
        return path

    return written


FIRST_FORM = """\
risk_limits:
  position_limits:
    BTC-USD:
      max_long: 10.0      # Max 10 BTC long
      max_short: -5.0     # Max 5 BTC short
    ETH-USD:
      max_long: 200.0
      max_short: -100.0
  notional_limits:
    per_strategy: 1000000
    total_portfolio: 5000000
  drawdown_limits:
    daily_loss: -100000
    strategy_drawdown: -0.15
    portfolio_var: 500000
  circuit_breakers:
    portfolio_loss_pct: -0.10
    single_strategy_loss: -50000
    rapid_drawdown_rate: -0.05
"""

SECOND_FORM = """\
risk_limits:
  global:
    max_portfolio_value: 20000000
    max_daily_loss: 400000
    max_drawdown: 0.25
  per_strategy:
    max_position_notional: 2000000
    max_daily_trades: 500
    stop_loss_pct: 0.05
"""


def test_the_form_by_kind_of_limit(write: Write) -> None:
    limits = load_limits(write(FIRST_FORM))
    assert limits.position_limits == {
        "BTC-USD": PositionLimit(max_long=10.0, max_short=-5.0),
        "ETH-USD": PositionLimit(max_long=200.0, max_short=-100.0),
    }
    assert (limits.notional_limits.per_strategy, limits.notional_limits.total_portfolio) == (1e6, 5e6)
    assert limits.drawdown_limits == DrawdownLimits(
        daily_loss=-100_000.0, strategy_drawdown=-0.15, portfolio_var=500_000.0
    )
    breakers = limits.circuit_breakers
    assert (breakers.portfolio_loss_pct, breakers.single_strategy_loss) == (-0.10, -50_000.0)
    assert (breakers.rapid_drawdown_rate, breakers.rapid_drawdown_minutes) == (-0.05, 10.0)


def test_the_form_of_global_and_per_strategy(write: Write) -> None:
    limits = load_limits(str(write(SECOND_FORM)))
    whole, each = limits.global_limits, limits.per_strategy
    assert (whole.max_portfolio_value, whole.max_daily_loss, whole.max_drawdown) == (2e7, 4e5, 0.25)
    assert (each.max_position_notional, each.max_daily_trades, each.stop_loss_pct) == (2e6, 500.0, 0.05)


def test_both_forms_in_one_file(write: Write) -> None:
    limits = load_limits(write(FIRST_FORM + SECOND_FORM.removeprefix("risk_limits:\n")))
    assert (limits.drawdown_limits.daily_loss, limits.global_limits.max_daily_loss) == (-1e5, 4e5)


def test_what_a_file_leaves_out_keeps_the_default(write: Write) -> None:
    assert load_limits(write("risk_limits: {}\n")) == RiskLimits()
    limits = load_limits(write("risk_limits:\n  drawdown_limits:\n    daily_loss: -1\n"))
    assert limits == RiskLimits(drawdown_limits=DrawdownLimits(daily_loss=-1.0))
    assert load_limits(None) == RiskLimits()


@pytest.mark.parametrize("off", ["off", "OFF", "null", "~", "", "unlimited", "inf", ".inf", "-.inf", "'off'"])
def test_every_way_to_write_no_limit(write: Write, off: str) -> None:
    limits = load_limits(write(f"risk_limits:\n  drawdown_limits:\n    daily_loss: {off}\n"))
    assert limits.drawdown_limits.daily_loss == -inf


def test_off_is_the_value_that_switches_each_limit_off(write: Write) -> None:
    limits = load_limits(
        write(
            "risk_limits:\n"
            "  position_limits: {BTC-USD: {max_long: off, max_short: off}}\n"
            "  concentration_limits: {max_symbol_share: off}\n"
            "  global: {max_daily_loss: off}\n"
            "  duplicate_order: {window_seconds: off}\n"
            "  buying_power: {mode: off}\n"
            "  self_trade_prevention: off\n"
            "  signal_out_of_range: off\n"
            "  enable_pre_trade: off\n"
        )
    )
    assert limits.position_limits["BTC-USD"] == PositionLimit(max_long=inf, max_short=-inf)
    assert limits.concentration_limits.max_symbol_share == 1.0
    assert limits.global_limits.max_daily_loss == inf
    assert limits.duplicate_order.window_seconds == 0.0
    assert limits.buying_power.mode == "off"
    assert (limits.self_trade_prevention, limits.signal_out_of_range) == ("off", "off")
    assert limits.enable_pre_trade is False


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e6", 1e6),
        ("1_000_000", 1e6),
        ("+5", 5.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("2.5E-1", 0.25),
        ("1000000", 1e6),
    ],
)
def test_numbers_as_people_write_them(write: Write, written: str, value: float) -> None:
    limits = load_limits(write(f"risk_limits:\n  notional_limits:\n    per_venue: {written}\n"))
    assert limits.notional_limits.per_venue == value
    assert isinstance(limits.notional_limits.per_venue, float)


def test_names_that_yaml_takes_for_something_else_stay_names(write: Write) -> None:
    limits = load_limits(
        write(
            "risk_limits:\n"
            "  restricted_list: [NO, 0700, true, 'ON', 1.5]\n"
            "  position_limits: {NO: {max_long: 1}, 0700: {max_long: 2}}\n"
            "  permitted_instruments: {off: [YES]}\n"
        )
    )
    assert limits.restricted_list == ["NO", "0700", "true", "ON", "1.5"]
    assert list(limits.position_limits) == ["NO", "0700"]
    assert limits.permitted_instruments == {"off": ["YES"]}


def test_a_negative_zero_becomes_zero(write: Write) -> None:
    limits = load_limits(write("risk_limits:\n  position_limits:\n    A:\n      max_short: -0.0\n"))
    assert str(limits.position_limits["A"].max_short) == "0.0"


def test_aliases_and_byte_order_marks_are_read(write: Write) -> None:
    text = "risk_limits:\n  position_limits:\n    A: &a {max_long: 1}\n    B: *a\n"
    assert load_limits(write("\ufeff" + text)).position_limits == dict.fromkeys(
        "AB", PositionLimit(max_long=1.0)
    )


def nested(*lines: str) -> str:
    """Lines under `risk_limits:`, each indented further than the one before."""
    return "risk_limits:\n" + "".join("  " * (depth + 1) + line + "\n" for depth, line in enumerate(lines))


BAD_FILES = {
    "wrong sign of a loss": (
        nested("drawdown_limits:", "daily_loss: 100000"),
        3,
        "risk_limits.drawdown_limits.daily_loss",
        "a number below 0, or -inf for no limit, found 100000: typed with the wrong sign? Write -100000",
    ),
    "wrong sign of a positive loss": (
        nested("global:", "max_daily_loss: -500000"),
        3,
        "risk_limits.global.max_daily_loss",
        "expected a number above 0, or inf for no limit, found -500000: typed with the wrong sign? Write 500000",
    ),
    "negative limit": (
        nested("notional_limits:", "per_strategy: -1000000"),
        3,
        "risk_limits.notional_limits.per_strategy",
        "found -1000000: typed with the wrong sign? Write 1000000",
    ),
    "negative max_long": (
        nested("position_limits:", "BTC-USD:", "max_long: -10"),
        4,
        "risk_limits.position_limits.BTC-USD.max_long",
        "expected a number of units, 0 or above, or inf for no limit, found -10",
    ),
    "positive max_short": (
        nested("position_limits:", "BTC-USD:", "max_short: 5.0"),
        4,
        "risk_limits.position_limits.BTC-USD.max_short",
        "found 5: typed with the wrong sign? Write -5",
    ),
    "infinity on the wrong side": (
        nested("position_limits:", "BTC-USD:", "max_long: -.inf"),
        4,
        "risk_limits.position_limits.BTC-USD.max_long",
        "found -inf: typed with the wrong sign? Write inf",
    ),
    "percent for a fraction": (
        nested("drawdown_limits:", "strategy_drawdown: -15"),
        3,
        "risk_limits.drawdown_limits.strategy_drawdown",
        "found -15: percent typed for a fraction? Write -0.15",
    ),
    "percent with the wrong sign": (
        nested("circuit_breakers:", "portfolio_loss_pct: 10"),
        3,
        "risk_limits.circuit_breakers.portfolio_loss_pct",
        "found 10: percent typed for a fraction? Write -0.1",
    ),
    "percent sign": (
        nested("per_strategy:", "stop_loss_pct: 10%"),
        3,
        "risk_limits.per_strategy.stop_loss_pct",
        "found the text '10%'; write 0.1",
    ),
    "fraction beyond 1": (
        nested("order_limits:", "price_collar_pct: 1.01"),
        3,
        "risk_limits.order_limits.price_collar_pct",
        "expected a fraction above 0, at most 1, or inf for no limit, found 1.01",
    ),
    "nan": (
        nested("drawdown_limits:", "portfolio_var: .nan"),
        3,
        "risk_limits.drawdown_limits.portfolio_var",
        "found nan; write a number, or leave the line out for the default",
    ),
    "nan as a word": (
        nested("drawdown_limits:", "portfolio_var: NaN"),
        3,
        "risk_limits.drawdown_limits.portfolio_var",
        "found nan; write a number",
    ),
    "a number beyond doubles": (
        nested("drawdown_limits:", "portfolio_var: 1e999"),
        3,
        "risk_limits.drawdown_limits.portfolio_var",
        "expected a number that fits a double, found 1e999",
    ),
    "infinite where the arithmetic needs a number": (
        nested("monitors:", "interval_seconds: .inf"),
        3,
        "risk_limits.monitors.interval_seconds",
        "expected seconds from 0.001 to 31536000, found inf",
    ),
    "off where the arithmetic needs a number": (
        nested("circuit_breakers:", "rapid_drawdown_minutes: off"),
        3,
        "risk_limits.circuit_breakers.rapid_drawdown_minutes",
        "found the text 'off'; this one cannot be switched off",
    ),
    "nothing where the arithmetic needs a number": (
        nested("repeated_execution:", "window_seconds:"),
        3,
        "risk_limits.repeated_execution.window_seconds",
        "found nothing; this one cannot be switched off",
    ),
    "a number in quotes": (
        nested("drawdown_limits:", "daily_loss: '-100000'"),
        3,
        "risk_limits.drawdown_limits.daily_loss",
        "found the text '-100000'; take the quotes away",
    ),
    "thousands": (
        nested("notional_limits:", "per_strategy: 1,000,000"),
        3,
        "risk_limits.notional_limits.per_strategy",
        "found the text '1,000,000'; write 1000000",
    ),
    "a currency sign": (
        nested("notional_limits:", "per_strategy: $2500.50"),
        3,
        "risk_limits.notional_limits.per_strategy",
        "found the text '$2500.50'; write 2500.5",
    ),
    "an octal": (
        nested("notional_limits:", "per_strategy: 010"),
        3,
        "risk_limits.notional_limits.per_strategy",
        "found the text '010'; write 10",
    ),
    "a base-sixty number": (
        nested("notional_limits:", "per_strategy: 1:30"),
        3,
        "risk_limits.notional_limits.per_strategy",
        "found the text '1:30'",
    ),
    "text for a number": (
        nested("drawdown_limits:", "daily_loss: a lot"),
        3,
        "risk_limits.drawdown_limits.daily_loss",
        "found the text 'a lot'",
    ),
    "true for a number": (
        nested("drawdown_limits:", "daily_loss: true"),
        3,
        "risk_limits.drawdown_limits.daily_loss",
        "found true",
    ),
    "no for a number": (
        nested("drawdown_limits:", "daily_loss: no"),
        3,
        "risk_limits.drawdown_limits.daily_loss",
        "found the text 'no'",
    ),
    "a list for a number": (
        nested("drawdown_limits:", "daily_loss: [-1]"),
        3,
        "risk_limits.drawdown_limits.daily_loss",
        "found a list",
    ),
    "half an order": (
        nested("per_strategy:", "max_daily_trades: 10.5"),
        3,
        "risk_limits.per_strategy.max_daily_trades",
        "expected a whole number, 1 or above, or inf for no limit, found 10.5; write 10",
    ),
    "a number for a flag": (
        nested("enable_pre_trade: 1"),
        2,
        "risk_limits.enable_pre_trade",
        "expected true or false, found 1",
    ),
    "an unknown word": (
        nested("self_trade_prevention: cancel_new"),
        2,
        "risk_limits.self_trade_prevention",
        "cancel_oldest, cancel_both, found the text 'cancel_new'; did you mean 'cancel_newest'?",
    ),
    "a misspelt setting": (
        nested("drawdown_limits:", "dayly_loss: -5"),
        3,
        "risk_limits.drawdown_limits.dayly_loss",
        "expected a known key, found 'dayly_loss'; did you mean 'daily_loss'?",
    ),
    "a misspelt table": (
        nested("Draw_down_limits:", "daily_loss: -5"),
        2,
        "risk_limits.Draw_down_limits",
        "did you mean 'drawdown_limits'?",
    ),
    "a setting outside its table": (
        nested("daily_loss: -5"),
        2,
        "risk_limits.daily_loss",
        "it belongs under 'drawdown_limits'",
    ),
    "an unknown setting": (
        nested("drawdown_limits:", "zzz: 1"),
        3,
        "risk_limits.drawdown_limits.zzz",
        "take it out; known here: daily_loss, strategy_drawdown, portfolio_var",
    ),
    "an unknown top key": (FIRST_FORM + "limits: 1\n", 20, "limits", "did you mean 'risk_limits'?"),
    "no top key": (
        "# mine\ndrawdown_limits:\n  daily_loss: -5\n",
        2,
        "",
        "expected the top key 'risk_limits', found 'drawdown_limits'; put all below `risk_limits:`, indented",
    ),
    "a companion alone": (
        "default_strategies: []\n",
        1,
        "",
        "expected the top key 'risk_limits', found none",
    ),
    "the same key twice": (
        "risk_limits:\n  drawdown_limits:\n    daily_loss: -5\n    portfolio_var: 1\n    daily_loss: -50000000\n",
        5,
        "risk_limits.drawdown_limits.daily_loss",
        "expected each key once, found it again after line 3; keep one",
    ),
    "the same symbol twice": (
        "risk_limits:\n  position_limits:\n    BTC-USD: {max_long: 1}\n    'BTC-USD': {max_long: 9}\n",
        4,
        "risk_limits.position_limits.BTC-USD",
        "found it again after line 3",
    ),
    "the top key twice": ("risk_limits: {}\nrisk_limits: {}\n", 2, "risk_limits", "again after line 1"),
    "a symbol with a venue": (
        nested("position_limits:", "BTC-USD@exchange-1:", "max_long: 1"),
        3,
        "risk_limits.position_limits.BTC-USD@exchange-1",
        "expected a symbol over all venues, found 'BTC-USD@exchange-1'; write BTC-USD",
    ),
    "a symbol with a space": (
        nested("restricted_list: [BTC-USD, BTC USD]"),
        2,
        "risk_limits.restricted_list[1]",
        "expected a symbol such as BTC-USD, found 'BTC USD'",
    ),
    "no symbol": (
        "risk_limits:\n  restricted_list:\n    - BTC-USD\n    -\n",
        4,
        "risk_limits.restricted_list[1]",
        "expected a symbol such as BTC-USD, found nothing",
    ),
    "a word for a list": (
        nested("restricted_list: BTC-USD"),
        2,
        "risk_limits.restricted_list",
        "expected a list such as [a, b], found the text 'BTC-USD'",
    ),
    "an empty table": (
        "risk_limits:\n  drawdown_limits:\n  #  daily_loss: -5\n",
        2,
        "risk_limits.drawdown_limits",
        "found nothing; fill it in, or take the line away to keep the defaults",
    ),
    "nothing below the top key": ("\n\nrisk_limits:\n", 3, "risk_limits", "found nothing"),
    "a list for a table": (nested("global: [1, 2]"), 2, "risk_limits.global", "found a list"),
    "not a mapping": ("- risk_limits\n", 1, "", "expected a table of `key: value` lines, found a list"),
    "a lonely word": ("\nlimits\n", 2, "", "expected a table of `key: value` lines, found the text 'limits'"),
    "a tab": (nested("drawdown_limits:") + "\t\tdaily_loss: -5\n", 3, "", "indent with spaces"),
    "a missing colon": (
        "risk_limits:\n  global\n    max_drawdown: 0.2\n",
        3,
        "",
        "mapping values are not allowed here",
    ),
    "an open quote": ("risk_limits:\n  global: 'x\n", 3, "", "unexpected end of stream"),
    "an open bracket": (
        "risk_limits: {global: {\n",
        2,
        "",
        "expected the node content, but found '<stream end>'",
    ),
    "a control character": ("risk_limits:\n  global: \x07\n", 2, "", "the character U+0007 is not allowed"),
    "an unknown alias": ("risk_limits: *nowhere\n", 1, "", "found undefined alias 'nowhere'"),
    "a second document": (
        FIRST_FORM + "---\n" + SECOND_FORM,
        20,
        "",
        "expected a single document in the stream, but found another document",
    ),
    "an object": (
        "risk_limits: !!python/object/apply:os.system ['true']\n",
        1,
        "",
        "found the YAML tag 'tag:yaml.org,2002:python/object/apply:os.system'; leave it out",
    ),
    "a merge key": (
        "risk_limits:\n  global: &g {max_drawdown: 0.2}\n  per_strategy:\n    <<: *g\n",
        4,
        "risk_limits.per_strategy.<<",
        "found the merge key <<; write the keys out",
    ),
    "a list as key": ("risk_limits:\n  ? [a, b]\n  : 1\n", 2, "risk_limits", "expected a name as key"),
    "a table in itself": (
        "risk_limits: &a\n  global: *a\n",
        2,
        None,
        "expected at most 16 levels of nesting",
    ),
    "endless brackets": ("risk_limits: " + "[" * 5_000, 1, "", "expected at most 16 levels of nesting"),
}


@pytest.mark.parametrize(("text", "line", "key", "phrase"), BAD_FILES.values(), ids=list(BAD_FILES))
def test_a_bad_file_gives_one_line_with_file_line_key_and_remedy(
    write: Write, text: str, line: int, key: str | None, phrase: str
) -> None:
    path = write(text)
    with pytest.raises(LimitsError) as caught:
        load_limits(path)
    message = str(caught.value)
    place = (
        f"{path}:{line}: "
        if key is None
        else f"{path}:{line}: {key}: "
        if key
        else f"{path}:{line}: expected"
    )
    assert message.startswith(place), message
    assert phrase in message, message
    assert "\n" not in message


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n"])
def test_an_empty_file_is_refused(write: Write, text: str) -> None:
    with pytest.raises(
        LimitsError, match=r"limits\.yaml: expected a YAML table, found an empty file; fill it in"
    ):
        load_limits(write(text))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        LimitsError, match=r"absent\.yaml: expected a YAML file, found no such file; check the path"
    ):
        load_limits(tmp_path / "absent.yaml")
    with pytest.raises(LimitsError, match="expected a YAML file, found a folder"):
        load_limits(tmp_path)
    with pytest.raises(LimitsError, match="expected a readable file"):
        load_limits("nul\0byte.yaml")
    latin = tmp_path / "latin.yaml"
    latin.write_bytes(b"risk_limits:\n  # f\xfcnf\n")
    with pytest.raises(LimitsError, match=r"latin\.yaml:2: expected UTF-8 text, found the byte 0xfc"):
        load_limits(latin)


def test_a_file_of_absurd_size_is_refused(tmp_path: Path) -> None:
    large = tmp_path / "large.yaml"
    large.write_text("#" * 1_000_001)
    with pytest.raises(LimitsError, match="at most 1000000 bytes"):
        load_limits(large)


def test_aliases_that_multiply_are_refused(write: Write) -> None:
    """Ten lists of ten aliases each: ten thousand million values in a few lines."""
    lines = ["risk_limits:", "  restricted_list: &a0 [x]"]
    lines += [f"  a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 11)]
    with pytest.raises(LimitsError, match="expected at most 20000 values, found more"):
        load_limits(write("\n".join(lines)))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            {"risk_limits": {"drawdown_limits": {"daily_loss": 5}}},
            "risk_limits.drawdown_limits.daily_loss: expected a loss, as a number below 0, or -inf for no limit",
        ),
        (
            {"drawdown_limits": {"dayly_loss": -5}},
            "drawdown_limits.dayly_loss: expected a known key, found 'dayly_loss'; did you mean 'daily_loss'?",
        ),
        ({"restricted_list": ["A", 5]}, "restricted_list[1]: expected a symbol such as BTC-USD, found 5"),
        ({"drawdown_limits": None}, "drawdown_limits: expected a table of `key: value` lines, found nothing"),
        ({"drawdown_limits": {"daily_loss": False}}, "drawdown_limits.daily_loss: expected a loss"),
        ({"drawdown_limits": {"daily_loss": 10**400}}, "drawdown_limits.daily_loss: expected"),
        (
            {"drawdown_limits": {"daily_loss": object()}},
            "drawdown_limits.daily_loss: expected text, a number",
        ),
        ({"drawdown_limits": {1: 2}}, "drawdown_limits: expected text as key, found 1"),
        (5, "expected a YAML file, a mapping or RiskLimits, found int"),
        (
            RiskLimits(drawdown_limits=DrawdownLimits(daily_loss=5.0)),
            "drawdown_limits.daily_loss: expected a loss",
        ),
    ],
)
def test_bad_values_from_code_are_named_by_their_key(source: Any, message: str) -> None:
    with pytest.raises(LimitsError, match=re.escape(message)):
        load_limits(source)


def test_a_mapping_that_holds_itself_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["position_limits"] = endless
    with pytest.raises(LimitsError, match="at most 16 levels"):
        load_limits(endless)


def test_limits_from_mappings_structs_and_numpy() -> None:
    expected = RiskLimits(
        position_limits={"BTC-USD": PositionLimit(max_long=2.0)},
        drawdown_limits=DrawdownLimits(daily_loss=-5.0, portfolio_var=inf),
        self_trade_prevention="off",
    )
    tables: dict[str, Any] = {
        "position_limits": {"BTC-USD": PositionLimit(max_long=2.0)},
        "drawdown_limits": {"daily_loss": np.int64(-5), "portfolio_var": None},
        "self_trade_prevention": False,  # as YAML readers take `off`
    }
    assert load_limits(tables) == expected
    assert load_limits({"risk_limits": tables}) == expected
    assert load_limits(expected) is expected


def test_the_shipped_file_has_the_documented_figures_and_the_defaults() -> None:
    usual = load_limits(yaml.safe_load(FIRST_FORM))
    assert usual == msgspec.structs.replace(RiskLimits(), position_limits=usual.position_limits)
    # The one figure beyond: RTS 6 article 15(1)(c) asks for a maximum order volume.
    orders = msgspec.structs.replace(usual.order_limits, max_order_volume=100_000.0)
    assert load_limits(SHIPPED) == msgspec.structs.replace(usual, order_limits=orders)


def test_the_shipped_file_names_every_setting_and_explains_every_line() -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    written = [line for line in lines if line.strip() and not line.startswith(("#", "risk_limits:"))]
    assert [line for line in written if " # " not in line] == []
    tree = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["risk_limits"]
    keys = {
        f"{table}.{key}" for table, entry in tree.items() if isinstance(entry, dict) for key in entry
    } | set(tree)
    assert {key for key in RULES if "*" not in key} <= keys
    assert set(tree["position_limits"]["BTC-USD"]) == {key.rpartition(".")[2] for key in RULES if "*" in key}


def test_dumped_defaults_and_unlimited_limits_come_back(write: Write) -> None:
    for limits in (RiskLimits(), RiskLimits.unlimited(), load_limits(SHIPPED)):
        assert load_limits(write(dump_limits(limits))) == limits


def values_of(rule: Rule) -> st.SearchStrategy[Any]:
    """Fit values of a rule."""
    if isinstance(rule, Words):
        return st.sampled_from(list(rule.ranks))
    if isinstance(rule, Flag):
        return st.booleans()
    return numbers_of(rule)


def numbers_of(rule: Bound) -> st.SearchStrategy[Any]:
    low, high = max(rule.low, -1e12), min(rule.high, 1e12)
    if rule.whole:
        inside: st.SearchStrategy[Any] = st.integers(int(low), int(high)).map(float)
    else:
        inside = st.floats(low, high, exclude_min=rule.open_low, exclude_max=rule.open_high).map(
            lambda x: x + 0.0
        )
    return inside if rule.off is None else st.one_of(inside, st.just(rule.off))


symbols = st.text(st.characters(codec="utf-8", exclude_characters=" @"), min_size=1, max_size=8).filter(
    str.isprintable
)


PLAIN = [key for key in RULES if "*" not in key]
PER_SYMBOL = st.fixed_dictionaries(
    {}, optional={key.rpartition(".")[2]: values_of(rule) for key, rule in RULES.items() if "*" in key}
)


@st.composite
def fit_limits(draw: st.DrawFn) -> RiskLimits:
    """Limits with any fit value in up to eight settings, and any lists."""
    tables: dict[str, Any] = {
        "position_limits": draw(st.dictionaries(symbols, PER_SYMBOL, max_size=2)),
        "restricted_list": draw(st.lists(symbols, max_size=2)),
        "permitted_instruments": draw(st.dictionaries(symbols, st.lists(symbols, max_size=2), max_size=2)),
    }
    for key in draw(st.lists(st.sampled_from(PLAIN), max_size=8, unique=True)):
        table, _, setting = key.rpartition(".")
        value = draw(values_of(RULES[key]))
        (tables.setdefault(table, {}) if table else tables)[setting] = (
            int(value) if key == "monitors.window" else value
        )
    limits = msgspec.convert(tables, RiskLimits)
    rate = limits.message_rate  # two figures that fit one by one need not fit together
    assume(min(rate.per_strategy_burst, rate.per_venue_burst) * (1.0 - rate.cancel_reserve) >= 1.0)
    return limits


@settings(max_examples=20)
@given(limits=fit_limits())
def test_what_is_dumped_is_read_back_equal(
    tmp_path_factory: pytest.TempPathFactory, limits: RiskLimits
) -> None:
    path = tmp_path_factory.getbasetemp() / "round_trip.yaml"
    path.write_text(dump_limits(limits), encoding="utf-8")
    assert load_limits(path) == limits


@settings(max_examples=25)
@given(limits=fit_limits(), other=fit_limits())
def test_fit_limits_pass_and_are_ordered(limits: RiskLimits, other: RiskLimits) -> None:
    assert limits.problems() == []
    assert load_limits(msgspec.to_builtins(limits)) == limits
    assert limits.looser_fields(limits) == []
    assert not (limits.tighter_than(other) and other.tighter_than(limits))
    both = set(limits.looser_fields(other)) & set(other.looser_fields(limits))
    assert {key.partition(".")[0] for key in both} <= {"restricted_list", "permitted_instruments"}


@given(text=st.text(max_size=200))
def test_any_text_gives_limits_or_one_line(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any_text.yaml"
    path.write_text("risk_limits:" + text, encoding="utf-8", newline="")
    message = ""
    try:
        load_limits(path)
    except LimitsError as error:
        message = str(error)
    assert not message or message.startswith(str(path))
    assert len(message.splitlines()) <= 1

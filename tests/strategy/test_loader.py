from __future__ import annotations

import pickle
import re
import sys
import textwrap
import traceback
from pathlib import Path

import pytest

from workbench.errors import ParameterError, StrategyLoadError
from workbench.strategy import PriceUpdate, TradingStrategy
from workbench.strategy.loader import available, load_source, load_strategy, source_hash

HEAD = "from workbench.strategy import TradingStrategy\n"
METHODS = """
    def on_market_data(self, price_update):
        return []
    def on_order_fill(self, fill):
        pass
    def on_risk_breach(self, breach):
        pass
"""
UPDATE = PriceUpdate("BTC-USD", "exchange-1", 0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0)


def strategy_text(name: str = "Mine", base: str = "TradingStrategy", body: str = "") -> str:
    return f"class {name}({base}):\n{textwrap.indent(textwrap.dedent(body), '    ')}{METHODS}"


def written(folder: Path, text: str | bytes, name: str = "mine.py") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refusal(source: str | Path, name: str | None = None) -> str:
    with pytest.raises(StrategyLoadError) as caught:
        load_strategy(source, name)
    message = str(caught.value)
    assert "\n" not in message
    return message


# --- what is refused, and where ---


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "none.py"
    assert refusal(path).startswith(f"{path}: no such file; expected the path of a strategy script")


def test_only_python_scripts_are_taken(tmp_path: Path) -> None:
    notes = written(tmp_path, HEAD, "notes.txt")
    assert refusal(notes) == f"{notes}: expected a Python script (.py), found a .txt file"
    assert refusal(str(tmp_path)) == f"{tmp_path}: expected a Python script (.py), found a folder"


def test_the_line_of_a_byte_that_is_not_utf8_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, b"# one\n# two\n# caf\xe9\n")
    assert refusal(path) == f"{path}:3: not UTF-8 text (byte 0xe9); save the file as UTF-8"


def test_the_line_of_a_syntax_error_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "\nclass Mine(TradingStrategy)\n    pass\n")
    assert refusal(path) == f"{path}:3: does not parse: expected ':'"


def test_the_line_of_a_null_byte_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, b"# one\nx = 1\0\n")
    assert refusal(path).startswith(f"{path}:2: does not parse: source code ")


def test_nesting_too_deep_for_the_parser_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, "x = " + "(" * 5000 + ")" * 5000)
    assert re.match(rf"{re.escape(str(path))}:\d+: does not parse: ", refusal(path))


def test_the_line_that_raised_while_the_body_ran_is_named(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "x = 1\nprices = np.zeros(3)\n")
    assert refusal(path) == f"{path}:3: NameError: name 'np' is not defined"


def test_an_error_in_a_called_function_is_placed_at_the_innermost_line_of_the_script(tmp_path: Path) -> None:
    text = "import math\ndef inner():\n    return math.sqrt(-1.0)\n\nvalue = inner()\n"
    path = written(tmp_path, text)
    assert refusal(path).startswith(f"{path}:3: ValueError: ")


def test_an_import_that_fails_is_placed_at_the_import(tmp_path: Path) -> None:
    path = written(tmp_path, "# note\nimport there_is_no_such_package\n")
    assert refusal(path) == f"{path}:2: ModuleNotFoundError: No module named 'there_is_no_such_package'"


def test_a_script_that_exits_does_not_end_the_process(tmp_path: Path) -> None:
    path = written(tmp_path, "import sys\nsys.exit(3)\n")
    assert refusal(path) == f"{path}:2: SystemExit: 3"


def test_a_message_of_several_lines_becomes_one(tmp_path: Path) -> None:
    path = written(tmp_path, "raise ValueError('one\\ntwo')\n")
    assert refusal(path) == f"{path}:1: ValueError: one two"


def test_a_script_without_a_strategy_class_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "x = 1\n")
    assert refusal(path).startswith(
        f"{path}:1: no strategy class; expected one `class Mine(TradingStrategy)`"
    )


def test_imported_strategies_do_not_count(tmp_path: Path) -> None:
    text = (
        "from workbench.strategy import TradingStrategy as Base\nfrom workbench.strategy.contract import *\n"
    )
    assert "no strategy class" in refusal(written(tmp_path, text))


def test_two_strategy_classes_are_both_named_and_one_can_be_chosen(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + strategy_text("First") + strategy_text("Second"))
    assert refusal(path) == (
        f"{path}:10: two strategy classes, First (line 2) and Second (line 10); keep one or choose with name="
    )
    assert load_strategy(path, name="Second").__name__ == "Second"
    assert refusal(path, name="Third") == f"{path}:1: no strategy class 'Third'; it has: First, Second"


def test_missing_methods_are_named(tmp_path: Path) -> None:
    text = HEAD + "class Mine(TradingStrategy):\n    def on_order_fill(self, fill):\n        pass\n"
    path = written(tmp_path, text)
    assert refusal(path) == f"{path}:2: Mine does not define on_market_data, on_risk_breach; a strategy must"


def test_an_unfinished_base_in_the_same_file_is_no_second_strategy(tmp_path: Path) -> None:
    text = HEAD + "class Base(TradingStrategy):\n    pass\n" + strategy_text("Mine", base="Base")
    assert load_strategy(written(tmp_path, text)).__name__ == "Mine"


def test_a_failed_load_leaves_no_module_behind(tmp_path: Path) -> None:
    before = set(sys.modules)
    refusal(written(tmp_path, HEAD + strategy_text() + "raise ValueError\n", "leaves_nothing.py"))
    assert not [name for name in set(sys.modules) - before if "leaves_nothing" in name]


# --- classes and dotted names ---


def test_a_class_is_returned_as_it_is(tmp_path: Path) -> None:
    strategy = load_strategy(written(tmp_path, HEAD + strategy_text()))
    assert load_strategy(strategy) is strategy


def test_a_class_that_is_no_strategy_is_refused() -> None:
    with pytest.raises(StrategyLoadError, match=r"builtins\.int is not a strategy"):
        load_strategy(int)  # type: ignore[arg-type]  # the mistake under test


def test_a_dotted_name_is_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "shop_of_a_quant"
    package.mkdir()
    written(package, "", "__init__.py")
    path = written(package, HEAD + strategy_text("Mine") + "number = 1\n", "ideas.py")
    broken = written(package, "x = 1\ny = x.nothing\n", "broken.py")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = load_strategy("shop_of_a_quant.ideas:Mine")
    assert (found.__module__, found.__name__) == ("shop_of_a_quant.ideas", "Mine")
    assert load_strategy("shop_of_a_quant.ideas:") is found
    assert refusal("shop_of_a_quant.ideas:Yours") == f"{path}:1: no class 'Yours'; it has: Mine"
    assert "ideas.py:1: number is not a strategy" in refusal("shop_of_a_quant.ideas:number")
    assert refusal("shop_of_a_quant.broken:Mine").startswith(
        f"{broken}:2: shop_of_a_quant.broken:Mine cannot be imported: AttributeError: 'int' object"
    )
    assert refusal("no_such_shop:Mine") == (
        "no_such_shop:Mine cannot be imported: ModuleNotFoundError: No module named 'no_such_shop'"
    )


# --- what a loaded script may count on ---


def test_two_versions_of_one_file_live_side_by_side(tmp_path: Path) -> None:
    old = load_strategy(written(tmp_path, HEAD + strategy_text(body="VERSION = '1.0.0'")))
    new = load_strategy(written(tmp_path, HEAD + strategy_text(body="VERSION = '2.0.0'")))
    assert (old.VERSION, new.VERSION) == ("1.0.0", "2.0.0")
    assert old.__module__ != new.__module__
    for version in (old, new):
        assert type(pickle.loads(pickle.dumps(version({})))) is version


def test_each_load_starts_with_fresh_module_state(tmp_path: Path) -> None:
    path = written(tmp_path, HEAD + "seen = []\n" + strategy_text(body="seen = seen"))
    first, second = load_strategy(path), load_strategy(path)
    first.seen.append(1)  # type: ignore[attr-defined]  # written by the script
    assert second.seen == []  # type: ignore[attr-defined]  # written by the script
    for version in (first, second):
        assert type(pickle.loads(pickle.dumps(version({})))) is version


def test_loading_for_ever_keeps_a_bounded_number_of_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.strategy.loader._NAMES", 64)
    path = written(tmp_path, HEAD + strategy_text() + "# loaded for ever\n", "for_ever.py")
    loaded = [load_strategy(path) for _ in range(70)]
    assert len([name for name in sys.modules if name.startswith("strategy_for_ever_")]) == 64
    for version in (loaded[0], loaded[-1]):
        assert type(pickle.loads(pickle.dumps(version({})))) is version


def test_a_script_is_compiled_without_the_future_imports_of_the_loader(tmp_path: Path) -> None:
    strategy = load_strategy(written(tmp_path, HEAD + strategy_text(body="size: float = 1.0")))
    assert strategy.__annotations__ == {"size": float}


def test_dataclasses_with_annotations_as_text_work(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\nfrom typing import ClassVar\n"
        + HEAD
        + "@dataclass(slots=True)\nclass State:\n    count: int = 0\n    kind: ClassVar[str] = 'a'\n"
        + strategy_text(body="state = State(3)")
    )
    strategy = load_strategy(written(tmp_path, text))
    state = strategy.state  # type: ignore[attr-defined]  # written by the script
    assert pickle.loads(pickle.dumps(state)) == state


def test_a_traceback_shows_the_text_of_the_version_that_ran() -> None:
    def failing(line: str) -> type[TradingStrategy]:
        return load_source(HEAD + strategy_text().replace("return []", line))

    old, new = failing("return 1 / 0  # old"), failing("return 1 / 0  # new")
    for version, comment in ((old, "# old"), (new, "# new")):
        try:
            version({}).on_market_data(UPDATE)
        except ZeroDivisionError:
            assert comment in traceback.format_exc()
        else:
            pytest.fail("the strategy did not raise")


def test_errors_in_a_cell_name_the_cell_and_line() -> None:
    with pytest.raises(StrategyLoadError, match=r"^<cell>:2: does not parse: "):
        load_source("x = 1\ny = = 2\n")
    with pytest.raises(StrategyLoadError, match=r"^<cell>:2: ZeroDivisionError: division by zero$"):
        load_source("x = 1\ny = x / 0\n")


def test_the_hash_is_that_of_the_whole_text(tmp_path: Path) -> None:
    text = HEAD + strategy_text()
    from_file = load_strategy(written(tmp_path, text))
    from_cell = load_source(text)
    edited = load_source(text + "# a remark\n")
    assert source_hash(from_file) == source_hash(from_cell) != source_hash(edited)
    assert len(source_hash(from_file)) == 64


def test_a_class_derived_elsewhere_does_not_inherit_the_hash(tmp_path: Path) -> None:
    base = load_strategy(written(tmp_path, HEAD + strategy_text()))
    derived = type("Derived", (base,), {"__module__": __name__})
    assert source_hash(derived) != source_hash(base)


def test_the_hash_of_a_class_without_text_is_refused() -> None:
    namespace = {name: getattr(TradingStrategy, name) for name in TradingStrategy.__abstractmethods__}
    typed = type("Typed", (TradingStrategy,), {**namespace, "__module__": "nowhere"})
    with pytest.raises(StrategyLoadError, match=r"nowhere\.Typed: its source text cannot be found"):
        source_hash(typed)


# --- the list of a folder ---


def test_a_folder_is_listed_past_its_broken_scripts(tmp_path: Path) -> None:
    body = '"""First line.\n\nMore."""\nVERSION = "1.2.0"\nPARAMETERS = {"window": 5}\nSIZING = "target"'
    path = written(tmp_path, HEAD + strategy_text(body=body), "good.py")
    bad = written(tmp_path, "x = (\n", "bad.py")
    written(tmp_path, "raise ValueError\n", "_private.py")
    broken, good = available(tmp_path)
    assert (broken.name, broken.path, broken.class_name) == ("bad", bad, "")
    assert broken.broken == f"{bad}:1: does not parse: '(' was never closed"
    assert (good.name, good.path, good.class_name, good.version) == ("good", path, "Mine", "1.2.0")
    assert (good.description, dict(good.parameters), good.sizing) == ("First line.", {"window": 5}, "target")
    assert (good.broken, good.source_hash) == (None, source_hash(load_strategy(path)))


def test_listing_does_not_disturb_a_class_in_use(tmp_path: Path) -> None:
    used = load_strategy(written(tmp_path, HEAD + strategy_text()))
    before = set(sys.modules)
    available(tmp_path)
    assert set(sys.modules) == before
    assert type(pickle.loads(pickle.dumps(used({})))) is used


def test_listing_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StrategyLoadError, match=r"none: no such folder"):
        available(tmp_path / "none")


def test_the_shipped_strategies_all_load_and_take_their_own_defaults() -> None:
    shipped = available(Path(__file__).parents[2] / "strategies")
    assert {info.broken for info in shipped} == {None}
    for info in shipped:
        strategy = load_strategy(info.path)({})
        assert strategy.get_strategy_info()["parameters"] == dict(info.parameters)
        with pytest.raises(ParameterError, match="has no parameter 'wrong'"):
            load_strategy(info.path)({"wrong": 1})

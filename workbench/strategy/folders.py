"""Where strategies/, config/ and notebooks/ are: in the current folder, else beside the package."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import ConfigError, StrategyLoadError

if TYPE_CHECKING:
    from workbench.strategy.contract import TradingStrategy

__all__ = ["find_folder", "find_strategy", "optional_file", "script_named", "strategy_scripts"]


def _places() -> list[Path]:
    return [Path.cwd(), Path(__file__).resolve().parents[2]]


def find_folder(name: str) -> Path:
    """The folder `name`; relative where it is in the current one.  Raises ConfigError where there is none."""
    if Path(name).is_dir():
        return Path(name)
    for place in _places():
        if (place / name).is_dir():
            return place / name
    places = " or ".join(str(place) for place in dict.fromkeys(_places()))
    raise ConfigError(f"no folder {name!r} in {places}; run this in a checkout of the workbench")


def optional_file(name: str) -> Path | None:
    """A file such as config/risk_limits.yaml, or None."""
    if Path(name).is_file():
        return Path(name)
    return next((place / name for place in _places() if (place / name).is_file()), None)


def strategy_scripts() -> dict[str, Path]:
    """Script of each name in strategies/ and strategies/chaos/.  Raises ConfigError where there is no such folder."""
    folder = find_folder("strategies")
    return {path.stem: path for path in [*folder.glob("*.py"), *folder.glob("chaos/*.py")]}


def find_strategy(strategy: str) -> str | type[TradingStrategy]:
    """What to run for `strategy`: a path or a dotted name as it is, the class that `script.py:Class` names, else the
    script of that name in strategies/ or strategies/chaos/.

    Raises StrategyLoadError, which knows the nearest name.
    """
    path, mark, name = strategy.rpartition(".py:")
    if mark:
        from workbench.strategy.loader import load_strategy

        return load_strategy(f"{path}.py", name)
    if any(sign in strategy for sign in (".", "/", ":")) or Path(strategy).exists():
        return strategy
    return str(script_named(strategy))


def script_named(name: str) -> Path:
    """The script of that name in strategies/ or strategies/chaos/.

    Raises StrategyLoadError, which knows the nearest name.
    """
    try:
        scripts = strategy_scripts()
    except ConfigError as error:
        raise StrategyLoadError(f"no script {name!r}: {error}") from error
    if name in scripts:
        return scripts[name]
    near = difflib.get_close_matches(name, scripts, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(sorted(scripts))}"
    raise StrategyLoadError(
        f"no script {name!r} in {find_folder('strategies')}; {hint} "
        "(a path or package.module:Class will do as well)"
    )

"""Where strategies/ and config/ are: in the current folder, else beside the package."""

from __future__ import annotations

import difflib
from pathlib import Path

import workbench
from workbench.errors import ConfigError, StrategyLoadError

__all__ = ["find_folder", "find_script", "optional_file"]


def _places() -> list[Path]:
    return [Path.cwd(), Path(workbench.__file__).resolve().parent.parent]


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


def find_script(strategy: str) -> str:
    """What to load for `strategy`: itself where it is a path or a dotted name, else the script of that name in
    strategies/ or strategies/chaos/.

    Raises StrategyLoadError with the nearest name.
    """
    if any(mark in strategy for mark in (".", "/", ":")) or Path(strategy).exists():
        return strategy
    folder = find_folder("strategies")
    scripts = {path.stem: path for path in [*folder.glob("*.py"), *folder.glob("chaos/*.py")]}
    if strategy in scripts:
        return str(scripts[strategy])
    near = difflib.get_close_matches(strategy, scripts, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there is: {', '.join(sorted(scripts))}"
    raise StrategyLoadError(
        f"no script {strategy!r} in {folder}; {hint} A path (.py) or package.module:Class will do as well"
    )

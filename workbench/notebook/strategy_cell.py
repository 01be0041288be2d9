"""A notebook cell that becomes a strategy script: read, tried on real prices, and only then written."""

from __future__ import annotations

import difflib
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from workbench.errors import StrategyError, StrategyLoadError
from workbench.strategy.folders import find_folder
from workbench.strategy.loader import load_source, load_strategy

if TYPE_CHECKING:
    from workbench.backtest.result import BacktestResult
    from workbench.data.catalog import PriceLike
    from workbench.strategy.contract import TradingStrategy

__all__ = ["WrittenStrategy", "script_name", "try_out", "write_strategy"]

_TRIED: Final = 1_000  # bars of the short run
_SAMPLE: Final = "sp500"
_SCRIPT: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


class WrittenStrategy(NamedTuple):
    """A strategy that a cell has written.  tried: the short run that it has passed."""

    path: Path
    strategy: type[TradingStrategy]
    outcome: Literal["new", "changed", "unchanged"]
    tried: BacktestResult


def write_strategy(
    code: str,
    name: str = "",
    *,
    folder: Path | None = None,
    force: bool = False,
    prices: PriceLike | None = None,
    config: Mapping[str, Any] | None = None,
) -> WrittenStrategy:
    """Check `code` (one strategy class, with the imports that it needs) and write it to `folder`.

    name: of the script, left out that of the class: `class DualTrend` becomes dual_trend.py.  folder: left out
    strategies/.  force: replaces a script of that name which says something else.  prices: for the short run, left out
    the end of a sample.  config: parameters for it.

    Raises StrategyLoadError with the cell's line, StrategyError (with the difference as a note) where another script
    has the name, and whatever the short run finds. Nothing is written then.
    """
    found = load_source(f"\n{code}", "<cell>")  # a line more: where `%%strategy` stands
    stem = script_name(name or found.__name__)
    path = (find_folder("strategies") if folder is None else folder) / f"{stem}.py"
    text = code if code.endswith("\n") else f"{code}\n"
    before = path.read_text(encoding="utf-8") if path.exists() else None
    if before is not None and before != text and not force:
        raise _differs(path, before, text)
    tried = try_out(found, prices, config)
    if before != text:
        _write(path, text)
    outcome: Literal["new", "changed", "unchanged"] = (
        "new" if before is None else "unchanged" if before == text else "changed"
    )
    return WrittenStrategy(path, load_strategy(path), outcome, tried)


def script_name(name: str) -> str:
    """`DualTrendStrategy`, `dual_trend` or `dual_trend.py` as the name of a script.  Raises StrategyLoadError."""
    stem = name.removesuffix(".py")
    if stem != stem.lower():
        stem = re.sub(
            r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", stem.removesuffix("Strategy")
        ).lower()
    if not _SCRIPT.fullmatch(stem):
        raise StrategyLoadError(
            f"a script's name is lower-case letters, digits and _, as in dual_trend; found {name!r:.80}"
        )
    return stem


def try_out(
    strategy: type[TradingStrategy], prices: PriceLike | None = None, config: Mapping[str, Any] | None = None
) -> BacktestResult:
    """A short run, at most a second: that it can be set up, called and compiled.  Raises what it finds."""
    from workbench.backtest.api import backtest
    from workbench.data.catalog import as_prices

    played = as_prices(_SAMPLE if prices is None else prices)
    longest = max(len(played.frame(name)) for name in played.names)
    if longest > _TRIED:
        played = played.between(played.start + (played.end - played.start) * (1.0 - _TRIED / longest))
    return backtest(strategy, played, config=config, progress=False)


def _differs(path: Path, before: str, text: str) -> StrategyError:
    lines = list(
        difflib.unified_diff(
            before.splitlines(),
            text.splitlines(),
            f"{path.name} (as it is)",
            f"{path.name} (this cell)",
            lineterm="",
        )
    )
    more = sum(line.startswith("+") for line in lines[2:])
    fewer = sum(line.startswith("-") for line in lines[2:])
    error = StrategyError(
        f"{path} is there and says something else (this cell: {more} lines more, {fewer} lines less); "
        "add --force to replace it, or give this cell another name: %%strategy NAME"
    )
    error.add_note("\n".join(lines))
    return error


def _write(path: Path, text: str) -> None:
    """Whole or not at all.  Raises StrategyError where it cannot be written."""
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
        os.chmod(file.name, 0o644)
        os.replace(file.name, path)
    except OSError as error:
        raise StrategyError(f"{path}: cannot be written: {error.strerror}") from error

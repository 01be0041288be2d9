"""What the Tab key offers behind the magics: scripts, samples, parameters, and words of `%live`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.data.prices import Prices
from workbench.data.samples import samples
from workbench.errors import WorkbenchError
from workbench.notebook.live_words import LIVE_WORDS
from workbench.notebook.options import strategy_named
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.folders import strategy_scripts
from workbench.strategy.loader import load_strategy

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["install_completion", "offered"]

_BACKTEST = ("-p", "-c", "--start", "--end", "--limits", "--cash", "--seed")
_STRATEGY = ("--force", "--folder", "-p", "-c", "--no-swap")


def install_completion(shell: InteractiveShell) -> None:
    """Offer words behind each magic."""
    for magic in ("%backtest", "%live", "%%strategy"):
        shell.set_hook("complete_command", _complete, str_key=magic)  # type: ignore[no-untyped-call]


def _complete(shell: InteractiveShell, event: Any) -> list[str]:
    return offered(str(event.text_until_cursor), dict(shell.user_ns))


def offered(line: str, variables: dict[str, Any]) -> list[str]:
    """Words that may stand at the end of `line`; what has been typed of the last one is its beginning."""
    words = line.split()
    typed = "" if line.endswith(" ") or len(words) < 2 else words[-1]
    before = words[-1] if not typed else words[-2]
    magic = words[0].lstrip("%") if words else ""
    if magic == "live":
        found = [*LIVE_WORDS] if len(words) - bool(typed) == 1 else _scripts() if "start" in words else []
    elif before in ("-p", "--prices"):
        found = [*samples(), *_of_kind(variables, Prices)]
    elif before in ("-c", "--config") and magic == "backtest" and len(words) > 2:
        found = _parameters(words[1], variables)
    elif magic == "backtest" and len(words) - bool(typed) == 1:
        found = [*_scripts(), *_classes(variables)]
    else:
        found = list(_BACKTEST if magic == "backtest" else _STRATEGY)
    return sorted(word for word in found if word.startswith(typed))


def _scripts() -> list[str]:
    try:
        return list(strategy_scripts())
    except WorkbenchError:  # no folder of scripts here: there is nothing to offer
        return []


def _of_kind(variables: dict[str, Any], kind: type) -> list[str]:
    return [name for name, value in variables.items() if isinstance(value, kind) and not name.startswith("_")]


def _classes(variables: dict[str, Any]) -> list[str]:
    return [n for n, v in variables.items() if isinstance(v, type) and issubclass(v, TradingStrategy)]


def _parameters(word: str, variables: dict[str, Any]) -> list[str]:
    try:
        strategy = load_strategy(strategy_named(word, variables))
    except WorkbenchError:  # it will be told when the line is run
        return []
    return [f"{name}={value}" for name, value in (strategy.PARAMETERS or {}).items()]

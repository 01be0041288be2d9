"""What `%live WORDS` does: each word is one call of the engine's client."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from IPython.core.error import UsageError

from workbench.errors import ConfigError
from workbench.notebook.options import parameters_named

if TYPE_CHECKING:
    from workbench.client import EngineClient

__all__ = ["LIVE_WORDS", "run_live"]

type Answer = Callable[[EngineClient, argparse.Namespace], Any]


def _view(engine: EngineClient) -> Any:
    from workbench.client.view import EngineView

    return EngineView.of(engine)


def _lines(engine: EngineClient, strategy_id: str) -> Any:
    import pandas as pd

    lines = engine.logs(strategy_id)
    times = pd.to_datetime([line.ns for line in lines], utc=True)
    return pd.DataFrame(
        {"level": [line.level for line in lines], "text": [line.text for line in lines]}, index=times
    )


def _kill(engine: EngineClient, asked: argparse.Namespace) -> Any:
    if not asked.reason.strip():
        raise ConfigError('a kill needs a reason, for those who read the audit log: %live kill --reason "…"')
    scope = "strategy" if asked.what else "all"
    return engine.kill(asked.reason, scope=scope, target=asked.what, flatten=asked.flatten)


def _reset(engine: EngineClient, asked: argparse.Namespace) -> Any:
    return engine.reset_kill(asked.reason, scope="strategy" if asked.what else "all", target=asked.what)


_READING: Final[dict[str, tuple[str, Answer]]] = {
    "status": ("how the engine does, as one view (what %live alone shows)", lambda engine, _: _view(engine)),
    "strategies": ("strategies that run", lambda engine, _: engine.strategies()),
    "scripts": ("scripts that can be started", lambda engine, _: engine.scripts()),
    "positions": ("positions that are not flat", lambda engine, _: engine.positions()),
    "orders": ("the newest orders", lambda engine, _: engine.orders().tail(50)),
    "fills": ("the newest fills", lambda engine, _: engine.fills().tail(50)),
    "pnl": ("P&L of each strategy", lambda engine, _: engine.pnl()),
    "risk": ("breakers, kills, and how much of each limit is used", lambda engine, _: engine.risk()),
    "limits": ("the limits in force", lambda engine, _: engine.limits()),
    "history": ("who did what (role risk)", lambda engine, _: engine.audit()),
}
_STEERING: Final[dict[str, tuple[str, Answer]]] = {
    "start": (
        "start a script, or swap a running one",
        lambda engine, a: engine.start(a.what, a.id, config=a.config, on_failure=a.on_failure),
    ),
    "stop": (
        "stop a strategy",
        lambda engine, a: engine.stop(a.what, flatten=a.flatten, reason=a.reason),
    ),
    "pause": ("show a strategy no more prices", lambda engine, a: engine.pause(a.what)),
    "resume": ("show it prices again", lambda engine, a: engine.resume(a.what)),
    "logs": ("what a strategy logged or printed", lambda engine, a: _lines(engine, a.what)),
    "upload": ("hand the engine a script", lambda engine, a: engine.upload(Path(a.what))),
    "kill": ("stop everything, or one strategy; latched until reset", _kill),
    "reset": ("end a kill", _reset),
}
LIVE_WORDS: Final = (*_READING, *_STEERING, "help")
_OF_ALL: Final = frozenset({"kill", "reset"})  # without a strategy: everything
_REASONED: Final = frozenset({"stop", "kill", "reset"})


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"%live: {message}")


def _parser(word: str) -> _Parser:
    parser = _Parser(prog=f"%live {word}", add_help=False)
    if word in _STEERING:
        parser.add_argument("what", nargs="?" if word in _OF_ALL else None, default="")
    if word == "start":
        parser.add_argument("--id", default="")
        parser.add_argument("-c", "--config", action="append")
        parser.add_argument("--on-failure", default="hold", choices=("hold", "flatten"))
    if word in ("stop", "kill"):
        parser.add_argument("--flatten", action="store_true")
    if word in _REASONED:
        parser.add_argument("--reason", default="", required=word in _OF_ALL)
    return parser


def run_live(words: Sequence[str], variables: Mapping[str, Any]) -> Any:
    """The answer to `%live WORDS`.  Raises UsageError for words that there are not, RequestError of the engine's."""
    from workbench.client import EngineClient

    word, rest = (words[0], words[1:]) if words else ("status", [])
    if word == "help":
        return _Help()
    known = {**_READING, **_STEERING}
    if word not in known:
        raise UsageError(f"%live: no word {word!r}; there is {', '.join(LIVE_WORDS)}")
    asked = _parser(word).parse_args(rest)
    if word == "start":
        asked.config = parameters_named(asked.config, variables)
    with EngineClient(retry_s=1.0) as engine:
        return known[word][1](engine, asked)


class _Help:
    """All words, each in a line."""

    def __repr__(self) -> str:
        known = {**_READING, **_STEERING}
        return "\n".join(f"%live {word:<11} {known[word][0]}" for word in known)

"""A script that was written anew takes over where its former version runs, on an engine with simulated exchanges."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from workbench.client.address import SERVICE_FILE, data_folder
from workbench.errors import RequestError

if TYPE_CHECKING:
    from workbench.client import EngineClient

__all__ = ["Swap", "engine_here", "swap_running"]

SIMULATED: Final = frozenset({"paper", "book", "websocket"})
"""Kinds of venues at which nothing real is traded."""
_RUNS: Final = frozenset({"running", "paused", "starting", "validating"})


class Swap(NamedTuple):
    """What became of one running strategy.  done: the new version has its place.  message: the engine's, or why not."""

    strategy_id: str
    done: bool
    message: str


def engine_here() -> EngineClient | None:
    """A client of the engine of this notebook or machine, None where none has been started."""
    from workbench.client import EngineClient

    if not os.environ.get("WORKBENCH_ENGINE_URL") and not (data_folder(None) / SERVICE_FILE).exists():
        return None
    return EngineClient(retry_s=0.5, timeout_s=20.0)


def swap_running(engine: EngineClient, path: Path) -> list[Swap]:
    """Swap every strategy that runs an earlier version of the script at `path`; those of its name, that is.

    On an engine with a venue that is not simulated nothing is swapped: there somebody decides.
    Raises RequestError where the engine does not answer.
    """
    running = [
        engine.strategy(str(name)) for name, state in engine.strategies()["state"].items() if state in _RUNS
    ]
    mine = [status for status in running if Path(status.script).stem == path.stem]
    if not mine:
        return []
    real = [venue.venue for venue in engine.risk().venues if venue.kind not in SIMULATED]
    if real:
        why = f"{', '.join(real)} is not simulated; start the new version yourself: %live start {path.stem}"
        return [Swap(status.strategy_id, False, why) for status in mine]
    found = []
    for status in mine:
        try:
            kept = engine.upload(path)
            if kept.source_hash == status.source_hash:
                found.append(Swap(status.strategy_id, True, "runs this version already"))
                continue
            answer = engine.start(
                kept.source_hash, status.strategy_id, config=status.config, on_failure=status.on_failure
            )
            found.append(Swap(status.strategy_id, True, answer.message or answer.state))
        except RequestError as error:
            if error.kind == "unavailable":
                raise
            found.append(Swap(status.strategy_id, False, str(error)))
    return found

"""Options that the commands of a live engine share, and the client that they give."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from workbench.client import EngineClient

__all__ = ["Data", "Reason", "StrategyId", "Url", "engine_at"]

Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="Where the engine is. (default: the one on this machine; its token comes from its data folder, or from "
        "WORKBENCH_ENGINE_TOKEN)",
        show_default=False,
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="The engine's data folder. (default: TRADING_ENGINE_DATA, or var/engine)",
        show_default=False,
    ),
]
StrategyId = Annotated[str, typer.Argument(metavar="STRATEGY", help="Id of a strategy that was started.")]
Reason = Annotated[
    str, typer.Option(metavar="TEXT", help="Why, for those who read the audit log.", show_default=False)
]


def engine_at(url: str | None, data: Path | None) -> EngineClient:
    """A client of the engine; asked once, since somebody waits at a terminal."""
    from workbench.client import EngineClient

    return EngineClient(url, data=data, retry_s=1.0)

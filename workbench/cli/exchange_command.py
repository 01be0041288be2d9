"""`workbench exchange`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["exchange_command"]


def exchange_command(
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="Port to listen at; 0 takes a free one.")
    ] = 8765,
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen at.")] = "127.0.0.1",
    venues: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Exchanges and feeds. (default: config/venues.yaml)",
            show_default=False,
        ),
    ] = None,
    venue: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="Serve this exchange of the file alone. May be repeated.",
            show_default=False,
        ),
    ] = None,
    store: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where accounts are kept, through restarts.")
    ] = Path("var/exchange"),
    secret_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Its first line is asked for at login; needed where others can connect.",
            show_default=False,
        ),
    ] = None,
    heartbeat: Annotated[float, typer.Option(metavar="SECONDS", help="Between two signs of life.")] = 1.0,
    faults: Annotated[bool, typer.Option("--faults", help="Clients may inject faults.")] = False,
) -> int:
    """Run the simulated exchange in a process of its own, which engines reach over WebSocket.

    It keeps its accounts when an engine dies. Example: workbench exchange --port 8765 --venue exchange-1
    """
    from live.venues.server import main
    from workbench.strategy.folders import optional_file

    file = venues or optional_file("config/venues.yaml") or Path("config/venues.yaml")
    arguments = ["--config", str(file), "--store", str(store), "--host", host, "--port", str(port)]
    arguments += ["--heartbeat", str(heartbeat)]
    arguments += [part for name in venue or () for part in ("--venue", name)]
    arguments += [] if secret_file is None else ["--secret-file", str(secret_file)]
    arguments += ["--faults"] if faults else []
    return main(arguments)

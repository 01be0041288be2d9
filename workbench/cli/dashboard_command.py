"""`workbench dashboard`."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["dashboard_command"]


def dashboard_command(
    apps: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="APP",
            help="research, chaos, risk, strategies or reports. (default: all of them)",
            show_default=False,
        ),
    ] = None,
    port: Annotated[
        int, typer.Option(metavar="PORT", min=0, max=65535, help="Port to listen at; 0 takes a free one.")
    ] = 5006,
    address: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen at.")] = "127.0.0.1",
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Whether to open the page in a browser.")
    ] = True,
    engine: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where the live engine is. (default: the one on this machine)",
            show_default=False,
        ),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(
            metavar="HOST:PORT",
            help="A host whose pages may connect as well, such as that of a proxy. May be repeated.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the dashboards to a browser, until Ctrl-C.

    Example: workbench dashboard research --port 5006
    """
    from workbench.dashboards.serve import serve

    serve(
        apps or (),
        port=port,
        address=address,
        origins=origin or (),
        engine=engine,
        browser=browser,
        ready=lambda url: typer.echo(f"dashboards at {url} (Ctrl-C ends)"),
    )

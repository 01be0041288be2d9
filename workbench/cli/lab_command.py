"""`workbench lab`."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["lab_command"]


def lab_command(
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- ARGUMENT", help="For JupyterLab itself.", show_default=False),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            metavar="PORT", min=0, max=65535, help="Port to listen at. (default: 8888)", show_default=False
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Whether to open it in a browser.")
    ] = True,
) -> int:
    """Open JupyterLab with the workbench's kernel, the notebooks and the dashboards, until Ctrl-C.

    Example: workbench lab --port 8888
    """
    from workbench.notebook.lab import open_lab

    return open_lab(port, browser=browser, further=arguments or ())

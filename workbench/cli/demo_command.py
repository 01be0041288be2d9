"""`workbench demo`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from workbench.cli.output import answer_console, check_writable, print_json, progress_bar, say, write_whole
from workbench.cli.settings import Json

__all__ = ["demo_command"]

Page = Annotated[Path, typer.Option("--html", metavar="FILE", help="Where the page with the charts goes.")]


def demo_command(html: Page = Path("demo_report.html"), json: Json = False) -> None:
    """Backtest the well-behaved strategies, then let each chaos strategy loose, with the risk controls on and off.

    On real daily prices, and on a made-up market where minutes or two venues are needed.
    """
    check_writable(html)
    with progress_bar() as progress:
        task = progress.add_task("loading", total=None)
        from workbench.cli.demo.page import page
        from workbench.cli.demo.runs import run_demo, steps
        from workbench.cli.demo.tables import as_json, show
        from workbench.cli.folders import find_folder, optional_file
        from workbench.configuration import load_limits

        file = optional_file("config/risk_limits.yaml")
        limits_from = "the house limits" if file is None else "config/risk_limits.yaml"
        progress.update(task, total=steps() + 1, completed=0)

        def tick(name: str) -> None:
            first = not progress.tasks[0].completed
            note = " (the first time, the trading core is compiled)" if first else ""
            progress.update(task, advance=1, description=name + note)

        demo = run_demo(find_folder("strategies"), load_limits(file), limits_from, tick)
        write_whole(html, page(demo))
    if json:
        print_json({**as_json(demo), "html": str(html)})
        return
    show(demo, answer_console())
    say(f"page with charts written to {html}")

"""`workbench demo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.output import answer_console, check_writable, print_json, progress_bar, say, write_whole
from workbench.cli.settings import Json

if TYPE_CHECKING:
    from workbench.cli.demo.live_run import LiveDemo
    from workbench.cli.demo.promotion_run import PromotionDemo

__all__ = ["demo_command", "exit_status"]

Page = Annotated[Path, typer.Option("--html", metavar="FILE", help="Where the page with the charts goes.")]


Live = Annotated[
    bool,
    typer.Option(
        "--live/--no-live",
        help="Whether the live engine is started, killed and replayed at the end, and a strategy promoted into it.",
    ),
]


def demo_command(html: Page = Path("demo_report.html"), live: Live = True, json: Json = False) -> int:
    """Backtest the well-behaved strategies, then let each chaos strategy loose, with the risk controls on and off.

    On real daily prices, and on a made-up market where minutes or two venues are needed.  At the end the live engine
    trades for a while, contains a runaway, and survives a kill -9; then a strategy is certified, promoted into another
    engine, trades, and agrees with its replay.  All of it in a temporary folder.
    """
    check_writable(html)
    with progress_bar() as progress:
        task = progress.add_task("loading", total=None)
        from workbench.cli.demo.page import page
        from workbench.cli.demo.runs import run_demo, steps
        from workbench.cli.demo.tables import as_json, show
        from workbench.configuration import load_limits
        from workbench.strategy.folders import find_folder, optional_file

        file = optional_file("config/risk_limits.yaml")
        limits_from = "the house limits" if file is None else "config/risk_limits.yaml"
        if live:
            from workbench.cli.demo.live_run import live_steps, run_live
            from workbench.cli.demo.live_tables import live_as_json, show_live
            from workbench.cli.demo.promotion_run import promotion_steps, run_promotion
            from workbench.cli.demo.promotion_tables import promotion_as_json, show_promotion
        more = live_steps() + promotion_steps() if live else 0
        progress.update(task, total=steps() + more + 1, completed=0)

        def tick(name: str) -> None:
            first = not progress.tasks[0].completed
            note = " (the first time, the trading core is compiled)" if first else ""
            progress.update(task, advance=1, description=name + note)

        scripts, limits = find_folder("strategies"), load_limits(file)
        demo = run_demo(scripts, limits, limits_from, tick)
        played = run_live(scripts, file, limits, tick) if live else None
        promoted = run_promotion(scripts, file, limits, tick) if live else None
        write_whole(html, page(demo))
    if json:
        print_json(
            {
                **as_json(demo),
                "live": None if played is None else live_as_json(played),
                "promotion": None if promoted is None else promotion_as_json(promoted),
                "html": str(html),
            }
        )
        return exit_status(played, promoted)
    show(demo, answer_console())
    if played is not None:
        show_live(played, answer_console())
    if promoted is not None:
        show_promotion(promoted, answer_console())
    say(f"page with charts written to {html}")
    return exit_status(played, promoted)


def exit_status(played: LiveDemo | None, promoted: PromotionDemo | None = None) -> int:
    """1 where the live engine, or a strategy on its way into it, did not do what it should."""
    from workbench.cli.demo.live_tables import story
    from workbench.cli.demo.promotion_tables import promotion_story

    told = [] if played is None else story(played)
    told += [] if promoted is None else promotion_story(promoted)
    return 0 if all(good for _, _, good in told) else 1

"""The commands, and the one place where an error becomes a line and an exit status."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any, Final

import typer

from workbench import __version__
from workbench.cli.assess_command import assess_command
from workbench.cli.backtest_command import backtest_command
from workbench.cli.certify_command import certify_command
from workbench.cli.chaos_command import chaos_command
from workbench.cli.dashboard_command import dashboard_command
from workbench.cli.data_command import data_app
from workbench.cli.demo_command import demo_command
from workbench.cli.exchange_command import exchange_command
from workbench.cli.lab_command import lab_command
from workbench.cli.live_command import live_app
from workbench.cli.promote_command import promote_command
from workbench.cli.reconcile_command import reconcile_command
from workbench.cli.replay_command import replay_command
from workbench.cli.report_command import report_app
from workbench.cli.strategies_command import strategies_command
from workbench.errors import WorkbenchError

__all__ = ["main", "run"]

BAD_INPUT: Final = 2
INTERRUPTED: Final = 130

# What typer raises on a bad option: click's class, or typer's own copy of it in newer versions.
_UsageProblem: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

app = typer.Typer(
    name="workbench",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Backtest strategies, throw chaos at them, and see what the risk controls hold.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"workbench {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    del version  # dealt with by its callback
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command("backtest")(backtest_command)
app.command("chaos")(chaos_command)
app.command("certify")(certify_command)
app.command("strategies")(strategies_command)
app.add_typer(data_app, name="data")
app.command("demo")(demo_command)
app.command("dashboard")(dashboard_command)
app.command("lab")(lab_command)
app.add_typer(live_app, name="live")
app.command("exchange")(exchange_command)
app.command("promote")(promote_command)
app.command("replay")(replay_command)
app.command("reconcile")(reconcile_command)
app.command("assess")(assess_command)
app.add_typer(report_app, name="report")


def _complain(text: str) -> None:
    typer.echo(f"error: {text}", err=True)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit status.  arguments: without the program's name, None for those of this process."""
    try:
        outcome = app(arguments, standalone_mode=False, prog_name="workbench")
    except (WorkbenchError, _UsageProblem) as error:
        text = str(error) if isinstance(error, WorkbenchError) else error.format_message()
        _complain(" ".join(text.split()))
        return BAD_INPUT
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted")
        return INTERRUPTED
    if outcome == INTERRUPTED:
        _complain("interrupted")
    return outcome if isinstance(outcome, int) else 0


def main() -> None:
    """Entry point of the `workbench` program."""
    sys.exit(run())

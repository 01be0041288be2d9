"""`workbench report run | list | runs | schedule`."""

from __future__ import annotations

import signal
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.output import answer_console, print_json, say
from workbench.cli.settings import Json
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.reporting.library import Run

__all__ = ["report_app"]

report_app = typer.Typer(
    help="Reports: parameterised notebooks, run by papermill to HTML and PDF.", no_args_is_help=True
)
FAILED = 1

Folder = Annotated[
    Path | None,
    typer.Option(
        "--folder", metavar="FOLDER", help="Of report notebooks. (default: reports)", show_default=False
    ),
]
Output = Annotated[Path, typer.Option("--output", metavar="FOLDER", help="Where finished reports are kept.")]
_OUTPUT = Path("reports/output")


@report_app.command("run", context_settings={"ignore_unknown_options": True})
def _run(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Of a report (see `report list`), or a notebook.")
    ],
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="-p KEY VALUE", help="Parameters; a value is read as YAML.", show_default=False
        ),
    ] = None,
    folder: Folder = None,
    output: Output = _OUTPUT,
    minutes: Annotated[
        float, typer.Option(metavar="MINUTES", min=0.01, max=1440.0, help="Time limit of an attempt.")
    ] = 20.0,
    retries: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, max=10, help="Further attempts after a failure.")
    ] = 0,
    pdf: Annotated[bool, typer.Option("--pdf/--no-pdf", help="Also as PDF, where Chromium is there.")] = True,
    json: Json = False,
) -> int:
    """Run a report now. Exit status 1 where it failed; its executed notebook is kept then, too.

    Example: workbench report run strategy_tearsheet -p strategy strategies/momentum.py -p prices sp500
    """
    from workbench.reporting import run_report

    run = run_report(
        name,
        _parameters(words or []),
        folder=folder,
        output=output,
        time_limit_s=60.0 * minutes,
        retries=retries,
        pdf=pdf,
        told=say,
    )
    if json:
        print_json(run)
    else:
        _told(run, output)
    return 0 if run.outcome == "done" else FAILED


def _parameters(words: list[str]) -> dict[str, Any]:
    """-p KEY VALUE, and -p KEY=VALUE, as often as is wanted."""
    import yaml

    found: dict[str, Any] = {}
    rest = list(words)
    while rest:
        sign = rest.pop(0)
        if sign not in ("-p", "--parameter") or not rest:
            raise ConfigError(f"expected -p KEY VALUE, found {sign!r:.80}")
        key, equals, text = rest.pop(0).partition("=")
        if not equals:
            if not rest:
                raise ConfigError(f"expected -p {key} VALUE, found no value")
            text = rest.pop(0)
        try:
            found[key] = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise ConfigError(f"-p {key}: expected a value as YAML has it, found {text!r:.80}") from error
        if isinstance(found[key], datetime) or hasattr(found[key], "isoformat"):
            found[key] = text  # a day is handed on as it was written
    return found


def _told(run: Run, output: Path) -> None:
    console = answer_console()
    place = output / run.place
    if run.outcome == "done":
        console.print(f"{run.name}: done in {run.seconds:.0f} s", highlight=False)
        console.print(str(place / "report.html"), highlight=False, soft_wrap=True)
        if run.pdf:
            console.print(str(place / "report.pdf"), highlight=False, soft_wrap=True)
        return
    where = f"cell {run.cell} ({run.source})" if run.cell else "the start"
    console.print(
        f"{run.name}: failed at {where}: {run.error}", highlight=False, markup=False, soft_wrap=True
    )
    console.print(str(place / "executed.ipynb"), highlight=False, soft_wrap=True)


@report_app.command("list")
def _list(folder: Folder = None, json: Json = False) -> None:
    """Show the reports that there are, with their parameters."""
    import msgspec

    from workbench.reporting import report_folder, reports_in

    found = reports_in(report_folder(folder))
    if json:
        print_json(msgspec.to_builtins(found))
        return
    console = answer_console()
    for report in found:
        console.print(f"[bold]{report.name}[/]  {report.about}", highlight=False)
        for key, default in report.parameters.items():
            console.print(f"    {key} = {default}", highlight=False, markup=False)
    if not found:
        console.print(f"no report in {report_folder(folder)}", highlight=False)


@report_app.command("runs")
def _runs(
    output: Output = _OUTPUT,
    last: Annotated[
        int, typer.Option("--last", "-n", metavar="NUMBER", min=1, help="So many, newest first.")
    ] = 20,
    json: Json = False,
) -> None:
    """Show what has run, and how that went."""
    import msgspec

    from workbench.reporting.library import Library

    runs = Library(output).runs()[:last]
    if json:
        print_json(msgspec.to_builtins(runs))
        return
    console = answer_console()
    for run in runs:
        how = "done" if run.outcome == "done" else f"failed at cell {run.cell}: {run.error}"
        console.print(f"{run.started[:19]}  {run.name}  {how}  ({run.id})", highlight=False, markup=False)
    if not runs:
        console.print(f"no report has run yet in {output}", highlight=False)


@report_app.command("schedule")
def _schedule(
    config: Annotated[Path, typer.Option("--config", metavar="FILE", help="Which reports run when.")] = Path(
        "config/reports.yaml"
    ),
    folder: Folder = None,
) -> None:
    """Run reports when they are due, until Ctrl-C or SIGTERM; what was missed meanwhile is made up for once.

    Example: workbench report schedule --config config/reports.yaml
    """
    from workbench.configuration.reports import load_reports_config
    from workbench.reporting import report_folder
    from workbench.reporting.cron import check_cron
    from workbench.reporting.schedule import Schedule

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    schedule = Schedule(
        load_reports_config(config, check_cron),
        report_folder(folder),
        lambda text: say(f"{datetime.now():%H:%M:%S} {text}"),  # noqa: DTZ005  # the clock of who looks at it
    )
    schedule.run(stop)

"""`workbench assess`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from workbench.cli.output import answer_console, check_writable, print_json, say, write_whole
from workbench.cli.settings import Json
from workbench.errors import ConfigError

if TYPE_CHECKING:
    from workbench.assess.assessment import Assessment

__all__ = ["assess_command"]

Rts6 = Annotated[
    bool,
    typer.Option(
        "--rts6", help="RTS 6: algorithmic trading of investment firms in the EU.", show_default=False
    ),
]
Limits = Annotated[
    Path | None,
    typer.Option(
        "--limits", metavar="FILE", help="Limits in force, in place of the engine's.", show_default=False
    ),
]
Run = Annotated[
    bool, typer.Option("--run", help="Run the tests that prove the controls now.", show_default=False)
]
Project = Annotated[
    Path | None,
    typer.Option("--project", metavar="FOLDER", help="The project with its tests.", show_default=False),
]
Page = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Also write a page.", show_default=False)
]


def assess_command(
    rts6: Rts6 = False,
    limits: Limits = None,
    run: Run = False,
    project: Project = None,
    html: Page = None,
    json: Json = False,
) -> None:
    """Show each article of a rule with the control that answers it, its setting, and the tests that prove it.

    A control without a test that has passed on its present file shows as a gap, and the exit status is 1.

    Example: workbench assess --rts6 --run
    """
    if not rts6:
        raise ConfigError("expected --rts6, which is the one rule that there is")
    check_writable(html)
    found = _assessed(limits, project, run=run)
    if html is not None:
        from workbench.assess.pages import as_page

        write_whole(html, as_page(found))
    if json:
        from workbench.assess.pages import as_dict

        print_json({**as_dict(found), "html": None if html is None else str(html)})
    else:
        from workbench.assess.pages import as_table

        answer_console().print(as_table(found))
        never = sum(proof.at is None for line in found.lines for proof in line.proofs)
        if never and not run:
            say(f"{never} tests have never run here; --run does so first")
        if html is not None:
            say(f"page written to {html}")
    if found.gaps:
        raise typer.Exit(1)


def _assessed(limits: Path | None, project: Path | None, *, run: bool) -> Assessment:
    from live.settings import load_settings, variables
    from workbench.assess.rts6 import assess_rts6, rts6_tests, setting_values
    from workbench.assess.running import run_tests
    from workbench.configuration.certification import load_thresholds
    from workbench.configuration.limits import load_limits

    root = project or Path(__file__).resolve().parents[2]
    settings = load_settings()
    environment: dict[str, Any] = {
        name: _plain(getattr(settings, field)) for name, field in variables().items()
    }
    thresholds = _file(settings.certification_file, root)
    values = setting_values(
        load_limits(limits or _file(settings.limits_file, root)), load_thresholds(thresholds), environment
    )
    if run:
        run_tests(root, rts6_tests())
    return assess_rts6(values, root)


def _file(path: Path, root: Path) -> Path | None:
    """The engine's file, as it would find it here or in the project; None for the house figures."""
    for found in (path, root / path):
        if found.exists():
            return found
    return None


def _plain(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else None if value is None else str(value)

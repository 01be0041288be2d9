"""`workbench strategies`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from workbench.cli.output import answer_console, print_json
from workbench.cli.settings import Json

if TYPE_CHECKING:
    from workbench.strategy.loader import StrategyInfo

__all__ = ["strategies_command"]

Folder = Annotated[
    Path | None,
    typer.Argument(
        metavar="FOLDER", help="A folder of scripts. (default: strategies/ and strategies/chaos/)"
    ),
]


def strategies_command(folder: Folder = None, json: Json = False) -> None:
    """List the strategy scripts that there are, with their parameters; the misbehaving ones too.

    Example: workbench strategies strategies/chaos
    """
    from workbench.strategy.folders import find_folder
    from workbench.strategy.loader import available

    root = find_folder("strategies") if folder is None else folder
    found = {root: available(root)}
    if (root / "chaos").is_dir():
        found[root / "chaos"] = available(root / "chaos")
    if json:
        print_json([_row(info) for infos in found.values() for info in infos])
        return
    for place, infos in found.items():
        _show(place, infos)


def _row(info: StrategyInfo) -> dict[str, object]:
    return {
        "name": info.name,
        "path": str(info.path),
        "class": info.class_name,
        "version": info.version,
        "sizing": info.sizing,
        "description": info.description,
        "parameters": dict(info.parameters),
        "source_hash": info.source_hash,
        "broken": info.broken,
    }


def _show(place: Path, infos: list[StrategyInfo]) -> None:
    from rich.markup import escape
    from rich.table import Table

    table = Table(title=f"{place}/", title_justify="left", title_style="bold", show_lines=True)
    for column in ("name", "version", "sizing", "what it does", "parameters"):
        table.add_column(column, no_wrap=column == "name")
    for info in infos:
        if info.broken is not None:
            table.add_row(info.name, "", "", f"[red]broken: {escape(info.broken)}[/]", "")
            continue
        parameters = ", ".join(f"{key}={value!r}" for key, value in info.parameters.items())
        table.add_row(info.name, info.version, info.sizing, escape(info.description), escape(parameters))
    answer_console().print(table)

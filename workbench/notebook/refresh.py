"""Run notebooks top to bottom and keep outputs that are light and read the same anywhere: `make notebooks`."""

from __future__ import annotations

# nbformat is not typed.
# mypy: disable-error-code="no-untyped-call"
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError

from workbench.errors import ConfigError

__all__ = ["LARGEST", "Refreshed", "main", "refresh"]

LARGEST: Final = 500_000
"""Bytes of a notebook's file."""
_LIVE: Final = (
    "application/vnd.jupyter.widget-view+json",
    "application/vnd.bokehjs",
    "application/vnd.holoviews",
)
_TIMEOUT_S: Final = 120


class Refreshed(NamedTuple):
    """One notebook: how long it took, and how large its file is."""

    path: Path
    seconds: float
    size: int


def refresh(path: Path, kernel: str = "python3") -> Refreshed:
    """Execute a notebook where it lies, and write it with its outputs.

    Raises ConfigError where a cell fails, where it takes longer than two minutes, or where the file would be too large;
    then the file stays as it was.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=_TIMEOUT_S,
        kernel_name=kernel,
        resources={"metadata": {"path": str(path.parent)}},
        store_widget_state=False,
    )
    begun = time.perf_counter()
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError) as error:
        raise ConfigError(f"{path}: a cell failed: {str(error).strip().splitlines()[-1]}") from error
    seconds = time.perf_counter() - begun
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"{path.stem[:2]}-{number:02d}"
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            cell.outputs = [_light(output) for output in cell.outputs if not _only_live(output)]
    notebook.metadata = {
        "kernelspec": {
            "display_name": "Trading workbench",
            "language": "python",
            "name": "trading-workbench",
        },
        "language_info": {"name": "python"},
    }
    text = nbformat.writes(notebook)
    if len(text.encode()) > LARGEST:
        raise ConfigError(
            f"{path}: expected at most {LARGEST:,} bytes with its outputs, found {len(text.encode()):,}"
        )
    path.write_text(f"{text.rstrip()}\n", encoding="utf-8")
    return Refreshed(path, seconds, len(text.encode()))


def _only_live(output: Any) -> bool:
    """Whether nothing of it could be seen: a bar of progress, for one."""
    kinds = set(output.get("data", {}))
    return any(kind.startswith(_LIVE) for kind in kinds) and not kinds & {
        "text/html",
        "image/svg+xml",
        "image/png",
    }


def _light(output: Any) -> Any:
    """Without what only a running kernel can show; its picture or table stays."""
    data = output.get("data")
    if data is not None and len(data) > 1:
        for kind in list(data):
            if kind.startswith(_LIVE) and ("text/html" in data or "image/svg+xml" in data):
                del data[kind]
    return output


def main(arguments: Sequence[str]) -> int:
    """Refresh the notebooks that are named, and say how they did; the exit status."""
    for name in arguments:
        try:
            done = refresh(Path(name))
        except ConfigError as error:
            sys.stderr.write(f"error: {error}\n")
            return 1
        sys.stdout.write(f"{done.path.name:<32} {done.seconds:6.1f} s {done.size / 1000:6.0f} kB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

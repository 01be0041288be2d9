"""Small report notebooks, written for a test, and ports for its servers."""

from __future__ import annotations

import socket
from pathlib import Path

import nbformat

__all__ = ["free_port", "write_notebook"]


def write_notebook(path: Path, *cells: str, parameters: str = "", about: str = "For a test.") -> Path:
    """A notebook of a heading, `parameters`, and code cells."""
    notebook = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook.cells = [nbformat.v4.new_markdown_cell(f"# {path.stem}\n\n{about}")]  # type: ignore[no-untyped-call]
    if parameters:
        cell = nbformat.v4.new_code_cell(parameters)  # type: ignore[no-untyped-call]
        cell.metadata["tags"] = ["parameters"]
        notebook.cells.append(cell)
    for source in cells:
        notebook.cells.append(nbformat.v4.new_code_cell(source))  # type: ignore[no-untyped-call]
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
    return path


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

"""Errors of the workbench as one readable box, in place of a traceback; `%tb` shows the traceback."""

from __future__ import annotations

import sys
from html import escape
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final

from workbench.cells import GREEN, QUIET, RED, ink
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["box_html", "box_text", "install_error_boxes"]

_HINT: Final = "%tb shows where it came from"


def install_error_boxes(shell: InteractiveShell) -> None:
    """From now on a WorkbenchError that a cell raises is shown as a box; all other errors as ever."""
    shell.set_custom_exc((WorkbenchError,), _show)  # type: ignore[no-untyped-call]


def box_html(error: BaseException) -> str:
    """The error's kind and message, and its notes (such as the lines that differ) as they are."""
    notes = "".join(
        f'<pre tabindex="0" style="margin:6px 0 0;max-height:22em;overflow:auto;font-size:12px">{_coloured(note)}</pre>'
        for note in getattr(error, "__notes__", ())
    )
    return (
        f'<div role="alert" style="border-left:4px solid {RED};background:rgba(224,82,82,.08);padding:8px 12px;'
        'margin:4px 0;font-size:13px;line-height:1.5;color:inherit">'
        f'<div style="font-weight:600;{ink(RED)}">{escape(type(error).__name__)}</div>'
        f'<div style="overflow-wrap:anywhere">{escape(str(error))}</div>{notes}'
        f'<div style="{QUIET};font-size:12px;margin-top:4px">{_HINT}</div></div>'
    )


def box_text(error: BaseException) -> str:
    """The same for a terminal, and for whoever reads the notebook's file."""
    lines = [f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ()), f"({_HINT})"]
    return "\n".join(lines)


def _coloured(note: str) -> str:
    """Lines of a difference: what would go in red, what would come in green; anything else as it is."""
    colours = {"+": GREEN, "-": RED}
    return "\n".join(
        f'<span style="{ink(colours[line[0]])}">{escape(line)}</span>'
        if line[:1] in colours
        else escape(line)
        for line in note.splitlines()
    )


def _show(
    shell: InteractiveShell,
    kind: type[BaseException],
    error: BaseException,
    trace: TracebackType | None,
    tb_offset: int | None = None,  # noqa: ARG001 - IPython passes it by name
) -> list[str]:
    """What IPython calls.  The cell has failed all the same: what was to run after it does not."""
    sys.last_type, sys.last_value, sys.last_traceback, sys.last_exc = (
        kind,
        error,
        trace,
        error,
    )  # for %tb and %debug
    text = box_text(error)
    if hasattr(shell, "kernel"):
        shell.display_pub.publish({"text/html": box_html(error), "text/plain": text})
        _remember(shell, [text])
    else:
        sys.stderr.write(f"{text}\n")
    return [text]


def _remember(shell: Any, lines: list[str]) -> None:
    """The kernel's answer to whoever ran the cell carries these lines in place of the traceback."""
    shell._last_traceback = lines

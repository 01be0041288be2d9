"""`%load_ext workbench`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.notebook.completion import install_completion
from workbench.notebook.error_box import install_error_boxes
from workbench.notebook.magics import WorkbenchMagics

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["load"]


def load(shell: InteractiveShell) -> None:
    """Give a notebook its magics, what Tab offers behind them, and errors in one box."""
    shell.register_magics(WorkbenchMagics)
    install_completion(shell)
    install_error_boxes(shell)

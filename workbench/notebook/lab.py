"""`workbench lab`: JupyterLab with the kernel, the extensions and the notebooks ready."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from workbench.errors import ConfigError
from workbench.notebook.kernel import install_kernel
from workbench.strategy.folders import find_folder

__all__ = ["lab_command_line", "lab_environment", "open_lab"]

_NEEDED: Final = (
    "jupyterlab",
    "ipykernel",
    "ipywidgets",
    "jupyter_server_proxy",
    "pyviz_comms",
    "jupyter_bokeh",
)
_TOUR: Final = "notebooks/00_tour.ipynb"


def open_lab(port: int | None = None, *, browser: bool = True, further: Sequence[str] = ()) -> int:
    """Open JupyterLab at the checkout's folder with the tour, until Ctrl-C; its exit status.

    further: arguments for JupyterLab itself.  Raises ConfigError where a part of it is not installed.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"JupyterLab needs {', '.join(missing)}, which is not installed: pip install 'trading-workbench[lab]'"
        )
    root = find_folder("notebooks").resolve().parent
    install_kernel()
    command = lab_command_line(root, port, browser=browser, further=further)
    try:
        return subprocess.run(command, cwd=root, env=lab_environment(root), check=False).returncode
    except KeyboardInterrupt:  # it has the signal as well, and asks or ends by itself
        return 0


def lab_command_line(
    root: Path, port: int | None = None, *, browser: bool = True, further: Sequence[str] = ()
) -> list[str]:
    """What starts it.  root: the folder that it shows."""
    options = [f"--ServerApp.root_dir={root}", f"--LabApp.default_url=/lab/tree/{_TOUR}"]
    if port is not None:
        options.append(f"--ServerApp.port={port}")
    if not browser:
        options.append("--no-browser")
    return [sys.executable, "-m", "jupyterlab", *options, *further]


def lab_environment(root: Path) -> dict[str, str]:
    """Its environment: the settings of config/jupyter before all others."""
    places = [str(root / "config" / "jupyter"), os.environ.get("JUPYTER_CONFIG_PATH", "")]
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join(filter(None, places))}

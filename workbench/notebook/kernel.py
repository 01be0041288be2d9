"""The kernel that notebooks run in: this environment's Python, by the name 'Trading workbench'."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Final

from workbench.errors import ConfigError

__all__ = ["KERNEL", "install_kernel"]

KERNEL: Final = "trading-workbench"
_SPEC: Final = {
    "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "display_name": "Trading workbench",
    "language": "python",
    "metadata": {"debugger": True},
}


def install_kernel(prefix: Path | None = None) -> Path:
    """Register it where JupyterLab of this environment finds it; its folder.  prefix: in place of the environment's.

    Raises ConfigError where the environment cannot be written to.
    """
    folder = (prefix or Path(sys.prefix)) / "share" / "jupyter" / "kernels" / KERNEL
    text = json.dumps(_SPEC, indent=1)
    spec = folder / "kernel.json"
    try:
        if spec.is_file() and spec.read_text(encoding="utf-8") == text:
            return folder
        folder.mkdir(parents=True, exist_ok=True)
        spec.write_text(text, encoding="utf-8")
        for logo in (Path(sys.prefix) / "share" / "jupyter" / "kernels" / "python3").glob("logo-*"):
            shutil.copy(logo, folder / logo.name)
    except OSError as error:
        raise ConfigError(f"{folder}: the kernel cannot be registered here: {error.strerror}") from error
    return folder

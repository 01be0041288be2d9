"""A page as PDF, by Chromium where it is there."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from workbench.errors import ReportError

__all__ = ["find_chromium", "write_pdf"]

_NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_SECONDS: Final = 90.0
_FLAGS: Final = (
    "--headless",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--no-first-run",
    "--no-pdf-header-footer",
)


def find_chromium() -> str | None:
    """Chromium's program: WORKBENCH_CHROMIUM, or the first on PATH; None where there is none."""
    given = os.environ.get("WORKBENCH_CHROMIUM")
    return given or next((found for name in _NAMES if (found := shutil.which(name))), None)


def write_pdf(page: Path, pdf: Path, chromium: str) -> None:
    """Print a page of ours.  Raises ReportError where that does not work."""
    # Chromium refuses its own sandbox to root; scripts in the page are those of the notebook, which ran as root itself.
    flags = (*_FLAGS, "--no-sandbox") if os.geteuid() == 0 else _FLAGS
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [
            chromium,
            *flags,
            f"--user-data-dir={profile}",
            f"--print-to-pdf={pdf}",
            page.resolve().as_uri(),
        ]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ReportError(f"expected {chromium} to print {page.name}, found: {error}") from error
    if done.returncode != 0 or not pdf.is_file() or not pdf.read_bytes().startswith(b"%PDF-"):
        raise ReportError(
            f"expected {chromium} to print {page.name}, found status {done.returncode}: {done.stderr[-300:]}"
        )

"""Files of finished reports, as the server hands them out: what a run has published, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tornado.web import HTTPError, StaticFileHandler

__all__ = ["ReportFiles"]

_PUBLISHED: Final = ("report.html", "report.pdf", "executed.ipynb")


class ReportFiles(StaticFileHandler):
    """NAME/ID/FILE below the library's folder."""

    @classmethod
    def get_absolute_path(cls, root: str, path: str) -> str:
        """Where the file is.  Raises HTTPError for what no run has published."""
        parts = path.split("/")
        if len(parts) != 3 or parts[2] not in _PUBLISHED or any(part.startswith(".") for part in parts):
            raise HTTPError(404)
        return str(Path(root).joinpath(*parts))

    def set_extra_headers(self, path: str) -> None:  # noqa: ARG002 - the same for all
        """Reports may run scripts of their own, and are no page of ours: they act as if from another site."""
        self.set_header("Content-Security-Policy", "sandbox allow-scripts allow-popups allow-downloads")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-cache")

    def data_received(self, chunk: Any) -> None:
        """Nobody sends anything here."""

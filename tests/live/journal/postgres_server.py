"""A real PostgreSQL, of Debian's packages, in a folder of its own: started, stopped and hurt by the tests."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

__all__ = ["PostgresServer", "programs", "wait_for"]


def programs() -> Path:
    """Folder of initdb and postgres; skips the test where there is none."""
    found = shutil.which("initdb")
    candidates = [*Path("/usr/lib/postgresql").glob("*/bin"), *([Path(found).parent] if found else [])]
    for folder in sorted(candidates, reverse=True):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    pytest.skip("no PostgreSQL here: apt-get install -y postgresql")


class PostgresServer:
    """Listens on a unix socket in its own folder; a superuser `journal` without a password, a database `journal`."""

    def __init__(self) -> None:
        self.programs = programs()
        self.folder = Path(tempfile.mkdtemp(prefix="journal-pg-"))
        # It refuses to run as root.
        self.user = "postgres" if os.getuid() == 0 else None
        if self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(self.folder, entry.pw_uid, entry.pw_gid)
        self._process: subprocess.Popen[bytes] | None = None
        initialise = [
            self.programs / "initdb",
            "-D",
            self.folder / "data",
            "-U",
            "journal",
            "-A",
            "trust",
            "--no-sync",
        ]
        subprocess.run(
            [*map(str, initialise), "--locale=C", "-E", "UTF8"],
            user=self.user,
            cwd=self.folder,
            check=True,
            capture_output=True,
        )
        self.start()
        self.ask("CREATE DATABASE journal", database="postgres")

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://journal@/journal?host={self.folder}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        command: list[str | Path] = [
            self.programs / "postgres",
            "-D",
            self.folder / "data",
            "-k",
            self.folder,
            "-h",
            "",
        ]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, user=self.user, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=log
            )
        wait_for(self._answers, "PostgreSQL to answer")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: fast shutdown.  SIGQUIT: as in a crash.  The dead postmaster is reaped before anything goes on."""
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(30)
        self._process = None

    def ask(self, statement: str, database: str = "journal") -> list[tuple[object, ...]]:
        place = f"host={self.folder} user=journal dbname={database} options='-c default_transaction_read_only=off'"
        with psycopg.connect(place, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def configure(self, name: str, value: str | None) -> None:
        """Set `name` for all sessions, those that are there as well; None: as it was."""
        self.ask(f"ALTER SYSTEM SET {name} = {value}" if value else f"ALTER SYSTEM RESET {name}")
        self.ask("SELECT pg_reload_conf()")
        time.sleep(0.3)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        try:
            self.ask("SELECT 1", database="postgres")
        except psycopg.OperationalError:
            return False
        return True


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.02)

"""The processes of the demo's live part, in a temporary folder; whatever happens, they and it are gone afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Final, Self

import yaml

from workbench.cli.demo.live_scene import venues_table
from workbench.client import EngineClient
from workbench.client.address import ADMIN_TOKEN, SERVICE_FILE
from workbench.errors import EngineError

__all__ = ["Processes", "wait_until"]

_START_S: Final = 120.0  # the first start on a machine compiles the trading core
_END_S: Final = 15.0
_SIGNALS: Final = (signal.SIGTERM, signal.SIGHUP)


def wait_until(fact: Callable[[], object], what: str, seconds: float = 30.0) -> float:
    """Ask until it is so; the seconds that it took.  Raises EngineError with `what` where it takes too long."""
    begun = time.monotonic()
    while not fact():
        if time.monotonic() - begun > seconds:
            raise EngineError(f"expected {what} within {seconds:g} seconds; is this machine busy?")
        time.sleep(0.05)
    return time.monotonic() - begun


class Processes:
    """Two exchanges in one process, and an engine in another.  Use it in a `with`."""

    def __init__(self, settings: dict[str, str]) -> None:
        """settings: of the engine, by variable; those of the environment do not count."""
        self._settings = settings
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="workbench-demo-"))
        self.data = self.folder / "data"
        if threading.current_thread() is threading.main_thread():
            self._handlers = {number: signal.signal(number, _interrupted) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for name in ("engine", "exchange"):
                self._end(name, 0.0 if error is not None else _END_S)  # nobody waits for what has gone wrong
        finally:
            for process in self._running.values():  # somebody could not wait
                process.kill()
                process.wait()
            shutil.rmtree(self.folder, ignore_errors=True)
            for number, handler in self._handlers.items():
                signal.signal(number, handler)

    # -- the exchanges ----------------------------------------------------------------------------------------------

    def start_exchanges(self) -> None:
        """Start them on a free port, and write what the engine needs to find them."""
        file = self.folder / "venues.yaml"
        file.write_text(yaml.safe_dump(venues_table("ws://127.0.0.1:1")), encoding="utf-8")
        store = self.folder / "accounts"
        options = ("--config", str(file), "--store", str(store), "--port", "0", "--heartbeat", "0.5")
        process = self._start("exchange", ("live.venues.server", *options), {})
        told = self.folder / "exchange.out"
        wait_until(
            lambda: b"\n" in told.read_bytes() or self._ended(process), "the exchanges to listen", _START_S
        )
        line = told.read_text(encoding="utf-8")
        if not line.startswith("listening on "):
            raise EngineError(f"the exchanges did not start: {self._last_words('exchange')}")
        url = line.split()[2]
        file.write_text(yaml.safe_dump(venues_table(url)), encoding="utf-8")

    def hold_exchanges(self, held: bool) -> None:
        """Stop their process in its tracks, or let it go on."""
        self._running["exchange"].send_signal(signal.SIGSTOP if held else signal.SIGCONT)

    # -- the engine -------------------------------------------------------------------------------------------------

    def start_engine(self) -> EngineClient:
        """Start it on free ports; it listens when this returns, and may still be reconciling."""
        own = {
            "TRADING_ENGINE_DATA": str(self.data),
            "TRADING_ENGINE_PORT": "0",
            "TRADING_ENGINE_GRPC_PORT": "0",
            "TRADING_ENGINE_VENUES": str(self.folder / "venues.yaml"),
        }
        process = self._start("engine", ("live",), own | self._settings)
        wait_until(
            lambda: self._listens(process.pid) or self._ended(process), "the engine to listen", _START_S
        )
        if process.poll() is not None:
            raise EngineError(f"the engine did not start: {self._last_words('engine')}")
        told = json.loads((self.data / SERVICE_FILE).read_text(encoding="utf-8"))
        token = (self.data / ADMIN_TOKEN).read_text(encoding="ascii").strip()
        return EngineClient(told["url"], token)

    def kill_engine(self) -> None:
        """SIGKILL: it has no time for anything."""
        process = self._running["engine"]
        process.kill()
        process.wait()
        del self._running["engine"]

    def stop_engine(self) -> int:
        """SIGTERM; its exit status."""
        process = self._running["engine"]
        self._end("engine")
        return int(process.returncode)

    def _listens(self, pid: int) -> bool:
        try:
            told = json.loads((self.data / SERVICE_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # it is not there yet
            return False
        return bool(told["pid"] == pid)  # else it is that of an engine that was killed

    # -- any --------------------------------------------------------------------------------------------------------

    def _start(self, name: str, module: tuple[str, ...], own: dict[str, str]) -> subprocess.Popen[bytes]:
        from live.settings import PREFIXES, variables  # an extra, which only this part of the demo needs

        known = variables()
        clean = {k: v for k, v in os.environ.items() if k not in known and not k.startswith(PREFIXES)}
        with (
            (self.folder / f"{name}.out").open("wb") as out,
            (self.folder / f"{name}.err").open("wb") as errors,
        ):
            process = subprocess.Popen(
                [sys.executable, "-m", *module],
                cwd=self.folder,
                env=clean | own,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                process_group=0,  # Ctrl-C is for the demo, which ends them in good order
            )
        self._running[name] = process
        return process

    def _ended(self, process: subprocess.Popen[bytes]) -> bool:
        return process.poll() is not None

    def _last_words(self, name: str) -> str:
        lines = (self.folder / f"{name}.err").read_text(encoding="utf-8", errors="replace").split("\n")
        said = [line.strip().removeprefix("error: ") for line in lines if line.strip()]
        return said[-1] if said else f"status {self._running[name].returncode}, without a word"

    def _end(self, name: str, patience_s: float = _END_S) -> None:
        process = self._running.get(name)
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)  # what is held takes in no other signal
            process.terminate()
            try:
                process.wait(patience_s)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        del self._running[name]


def _interrupted(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt

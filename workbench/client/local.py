"""`wb.start_engine`: a live engine for practice, as a process of its own on this machine, gone with the notebook."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal

import yaml

from workbench.client import leash
from workbench.client.address import ADMIN_TOKEN, SERVICE_FILE, note_ended, note_started
from workbench.client.synchronous import EngineClient
from workbench.configuration import dump_limits, load_limits
from workbench.errors import EngineError, RequestError
from workbench.strategy.folders import find_folder, optional_file

if TYPE_CHECKING:
    import httpx

    from workbench.core.limits import RiskLimits

__all__ = ["LocalEngine", "start_engine"]

_START_S: Final = 180.0  # the first start on a machine compiles the trading core
_END_S: Final = 20.0
_CHECKOUT: Final = Path(__file__).resolve().parents[2]
_OWN: Final = ("TRADING_ENGINE_", "WORKBENCH_LIVE_")  # settings of another engine are not this one's


def start_engine(
    *,
    strategies: str | Path | None = None,
    limits: RiskLimits | Mapping[str, Any] | str | Path | None = None,
    venues: Mapping[str, Any] | str | Path | None = None,
    cash: float = 1_000_000.0,
    data: str | Path | None = None,
    chaos: bool = False,
    require_certificate: bool = False,
    isolation: Literal["sandbox", "container", "thread"] = "sandbox",
    settings: Mapping[str, str] | None = None,
) -> LocalEngine:
    """Start an engine on free ports of this machine, with simulated exchanges; its client, once it listens.

    strategies: folder of scripts, left out strategies/.  limits: as for `wb.backtest`.  venues: a file or a mapping in
    the layout of config/venues.yaml, left out that file.  cash: quote currency.
    data: a folder to keep its journal in; left out, a temporary one that goes with the engine.
    chaos: allow strategies that misbehave on purpose.  require_certificate: refuse strategies without one.
    settings: further settings, by environment variable.

    The engine ends with `end()`, at the end of a `with`, or with this process, whatever ends that.
    `wb.EngineClient()`, `%live` and `%%strategy` find it by themselves.
    Raises EngineError where it does not start, with its own last words.
    """
    folder = Path(tempfile.mkdtemp(prefix="workbench-engine-"))
    scripts = Path(strategies) if strategies is not None else find_folder("strategies")
    variables = {
        "TRADING_ENGINE_INITIAL_CASH": repr(float(cash)),
        "STRATEGIES_PATH": str(scripts.absolute()),
        "STRATEGY_ISOLATION": isolation,
        "STRATEGY_ISOLATION_MINIMUM": "none",  # one's own scripts and simulated money; its health says what holds
        "ENABLE_CHAOS_STRATEGIES": str(chaos).lower(),
        "REQUIRE_CERTIFICATE": str(require_certificate).lower(),
        "TRADING_ENGINE_LIMITS": str(_limits_file(folder, limits)),
    }
    found = _venues_file(folder, venues)
    if found is not None:
        variables["TRADING_ENGINE_VENUES"] = str(found)
    process = _Process(
        folder, Path(data) if data is not None else folder / "data", variables | dict(settings or {})
    )
    try:
        process.start()
    except BaseException:
        process.end(0.0)
        raise
    return LocalEngine(process)


def _limits_file(folder: Path, limits: RiskLimits | Mapping[str, Any] | str | Path | None) -> Path:
    path = folder / "risk_limits.yaml"
    path.write_text(dump_limits(load_limits(limits)), encoding="utf-8")
    return path


def _venues_file(folder: Path, venues: Mapping[str, Any] | str | Path | None) -> Path | None:
    if isinstance(venues, Mapping):
        path = folder / "venues.yaml"
        path.write_text(yaml.safe_dump(dict(venues), sort_keys=False), encoding="utf-8")
        return path
    found = Path(venues) if venues is not None else optional_file("config/venues.yaml")
    return None if found is None else found.absolute()


class _Process:
    """The engine's process and its folders."""

    def __init__(self, folder: Path, data: Path, variables: Mapping[str, str]) -> None:
        self.folder, self.data = folder, data.absolute()
        self._variables = variables
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.end)

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def url(self) -> str:
        return str(json.loads((self.data / SERVICE_FILE).read_text(encoding="utf-8"))["url"])

    @property
    def token(self) -> str:
        return (self.data / ADMIN_TOKEN).read_text(encoding="ascii").strip()

    def start(self) -> None:
        """Start it; it listens when this returns.  Raises EngineError."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(_OWN)}
        places = {
            "TRADING_ENGINE_DATA": str(self.data),
            "TRADING_ENGINE_PORT": "0",
            "TRADING_ENGINE_GRPC_PORT": "0",
        }
        with (
            (self.folder / "engine.out").open("ab") as out,
            (self.folder / "engine.err").open("ab") as errors,
        ):
            self._process = subprocess.Popen(
                [sys.executable, leash.__file__, str(os.getpid()), sys.executable, "-m", "live"],
                cwd=_CHECKOUT,  # where `live` and config/ are; whatever is written goes to the data folder
                env={**clean, **places, **self._variables},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                process_group=0,  # an interrupted cell does not end it
            )
        begun = time.monotonic()
        while not self._listens():
            if not self.alive:
                raise EngineError(f"the engine did not start: {self._last_words()}")
            if time.monotonic() - begun > _START_S:
                raise EngineError(
                    f"the engine does not listen after {_START_S:g} seconds: {self._last_words()}"
                )
            time.sleep(0.05)
        note_started(self.data)

    def _listens(self) -> bool:
        try:
            told = json.loads((self.data / SERVICE_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):  # it is not there yet
            return False
        return self._process is not None and bool(told["pid"] == self._process.pid)

    def _last_words(self) -> str:
        text = (self.folder / "engine.err").read_text(encoding="utf-8", errors="replace")
        said = [line.strip().removeprefix("error: ") for line in text.splitlines() if line.strip()]
        return said[-1] if said else "it has not said anything"

    def stop(self, number: int, patience_s: float = _END_S) -> None:
        """Send it a signal, and wait for its end."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(number)
            try:
                self._process.wait(patience_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        note_ended(self.data)

    def end(self, patience_s: float = _END_S) -> None:
        """End it, and throw its temporary folder away."""
        self.stop(signal.SIGTERM, patience_s)
        shutil.rmtree(self.folder, ignore_errors=True)
        atexit.unregister(self.end)


class LocalEngine(EngineClient):
    """The client of an engine that `start_engine` has started, and holds in its hands."""

    def __init__(self, process: _Process) -> None:
        self._process = process
        super().__init__(process.url, process.token)

    def _send(self, request: dict[str, Any]) -> httpx.Response:
        if not self._process.alive:
            raise RequestError(
                "this engine has ended; start another one, or this one again with restart()", "unavailable"
            )
        return super()._send(request)

    @property
    def data(self) -> Path:
        """Its data folder, with the journal: what `wb.replay` takes."""
        return self._process.data

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process.alive

    def wait_until(self, fact: Callable[[], object], what: str = "it", seconds: float = 60.0) -> float:
        """Ask `fact()` until it is so; the seconds that took.  Raises EngineError where it takes too long."""
        begun = time.monotonic()
        while not fact():
            if not self.alive:
                raise EngineError(f"waited for {what}, and the engine has ended")
            if time.monotonic() - begun > seconds:
                raise EngineError(f"expected {what} within {seconds:g} seconds; is this machine busy?")
            time.sleep(0.1)
        return time.monotonic() - begun

    def crash(self) -> None:
        """SIGKILL: it has no time for anything.  `restart` brings it back."""
        self._process.stop(signal.SIGKILL)

    def restart(self) -> float:
        """Start it again on the same data, after a crash or an end in good order; the seconds until it listens."""
        self.close()
        self._process.stop(signal.SIGTERM)
        begun = time.monotonic()
        self._process.start()
        super().__init__(self._process.url, self._process.token)
        return time.monotonic() - begun

    def end(self) -> None:
        """End the engine in good order; its temporary folder goes with it."""
        self.close()
        self._process.end()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

"""A start reads files beside trading: a disk that takes its time holds up that start, and what it read is what runs."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

import live.files
from live.engine import Engine, StartRequest
from live.machine import PromotionNoted
from tests.live.admission.test_time_and_restarts import LOOSER, Home, state
from tests.live.admission.world import certified
from tests.live.engine.desk import until
from tests.live.engine.scripts import write_script
from workbench.certificates import read_signed
from workbench.core.intents import SetLimits
from workbench.errors import CertificateError, StrategyError

BUSY: Final = """
from workbench.core.messages import MarketSignal

if (price_update.symbol, price_update.venue) != ("BTC-USD", "a"):
    return []
self.count = getattr(self, "count", 0) + 1
if self.count % 15:
    return []
return [MarketSignal("BTC-USD", None, 1.0 if self.count % 2 else -1.0, 1.0, {"quantity": 0.001, "venue": "a"})]
"""
SLOW_S: Final = 0.5  # of one file
FOLDERS: Final = ("strategies", "keys", "data/certificates", "data/started")


class Disk:
    """Whatever is opened to be read below `home` calls `reading(path)` first, and `read(path)` once it is open."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch) -> None:
        self.reading: Callable[[Path], None] = lambda _: None
        self.read: Callable[[Path], None] = lambda _: None
        self._folders = tuple(str(home / folder) for folder in FOLDERS)
        patch.setattr(os, "open", self._told(os.open))
        patch.setattr(io, "open", self._told(io.open))

    def _told(self, usual: Callable[..., Any]) -> Callable[..., Any]:
        def opened(path: Any, *given: Any, **named: Any) -> Any:
            mine = isinstance(path, str | Path) and str(path).startswith(self._folders)
            if mine:
                self.reading(Path(path))
            handle = usual(path, *given, **named)
            if mine:
                self.read(Path(path))
            return handle

        return opened


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(tmp_path, monkeypatch)


async def at_once[**P, T](work: Callable[P, T], *given: P.args, **named: P.kwargs) -> T:
    """As `off_loop`, and on the loop."""
    return work(*given, **named)


async def longest_pause(until_done: asyncio.Future[Any]) -> float:
    """Seconds for which the loop did nothing, at most, until a task is done."""
    longest, last = 0.0, time.monotonic()
    while not until_done.done():
        await asyncio.sleep(0.005)
        now = time.monotonic()
        longest, last = max(longest, now - last), now
    return longest


@pytest.mark.parametrize("beside", [True, False], ids=["on", "off"])
def test_prices_and_orders_go_on_while_files_are_read_slowly(
    home: Home, disk: Disk, monkeypatch: pytest.MonkeyPatch, beside: bool
) -> None:
    busy = write_script(home.settings.strategies_path, "busy", BUSY)

    async def work(engine: Engine) -> None:
        text = busy.read_text()
        engine.gate.store.keep(certified(home.key, "busy.py", text, strategy="BusyStrategy"))
        engine.gate.store.keep(home.certificate())
        await engine.strategies.start(StartRequest("busy"))
        await until(lambda: engine.machine.blotter.fill_cursor > 0)
        if not beside:
            for module in ("live.admission.gate", "live.engine.strategies", "live.engine.processes"):
                monkeypatch.setattr(f"{module}.off_loop", at_once)
        read: list[str] = []

        def slow(path: Path) -> None:
            read.append(path.parent.name)
            time.sleep(SLOW_S)

        disk.reading = slow
        fills, inputs = engine.machine.blotter.fill_cursor, engine.machine.applied
        start = asyncio.ensure_future(engine.strategies.start(StartRequest("watcher")))
        pause = await longest_pause(start)
        disk.reading = lambda _: None
        assert (await start).state == "running"
        copied_to = hashlib.sha256(home.script.read_bytes()).hexdigest()
        assert {"public", "certificates", copied_to} <= set(read)
        if beside:
            assert pause < 2 * SLOW_S  # on a busy machine, too; one look of the gate reads two files and more
            assert engine.machine.applied - inputs > 100  # four prices each 20 ms
            assert engine.machine.blotter.fill_cursor > fills
        else:
            assert pause > 2 * SLOW_S

    asyncio.run(home.run(work))


def imported(home: Home) -> tuple[Path, dict[str, str]]:
    """A file beside the script, and how a certificate names it."""
    helper = home.settings.strategies_path / "parts" / "helper.py"
    helper.parent.mkdir()
    helper.write_text("X = 1\n")
    return helper, {"./parts/helper.py": hashlib.sha256(helper.read_bytes()).hexdigest()}


class Held(Disk):
    """A disk that stops at the first file whose path ends in `name`, until it may go on."""

    def __init__(self, home: Path, patch: pytest.MonkeyPatch, name: str) -> None:
        super().__init__(home, patch)
        self.reached, self.go_on = threading.Event(), threading.Event()
        self._name = name
        self.reading = self._hold

    def _hold(self, path: Path) -> None:
        if str(path).endswith(self._name) and not self.reached.is_set():
            self.reached.set()
            assert self.go_on.wait(20.0)


@pytest.mark.parametrize("what", ["limits", "withdrawn", "expired"])
def test_what_changes_while_files_are_read_counts(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The last file of the gate is held up; meanwhile what the gate has read is not all there is to know any more."""
    _, own = imported(home)

    async def work(engine: Engine) -> None:
        sources = dict(read_signed(home.certificate()).certificate.sources)
        certificate = engine.gate.store.keep(
            home.certificate(sources={**sources, **own}, days=1.0)
        ).certificate
        held = Held(tmp_path, monkeypatch, "helper.py")
        start = asyncio.ensure_future(engine.gate.admit(engine.catalog.find("watcher"), {}, "", "watcher"))
        await until(held.reached.is_set)
        if what == "limits":
            await engine.ask(SetLimits(LOOSER))
        elif what == "withdrawn":
            await engine.ask(PromotionNoted(1, "w", "demoted", "ana", "worse", certificate=certificate.id))
        else:
            clock: Any = engine.clock
            clock._offset += 2 * 86_400 * 10**9
        held.go_on.set()
        found = {"limits": "tighter limits", "withdrawn": "was withdrawn", "expired": "expired at"}
        with pytest.raises(CertificateError, match=found[what]):
            await start

    asyncio.run(home.run(work))


def test_nothing_changes_meanwhile_and_it_is_admitted(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(engine: Engine) -> None:
        engine.gate.store.keep(home.certificate())
        held = Held(tmp_path, monkeypatch, ".json")
        start = asyncio.ensure_future(engine.strategies.start(StartRequest("watcher")))
        await until(held.reached.is_set)
        held.go_on.set()
        assert (await start).state == "running"

    asyncio.run(home.run(work))


@pytest.mark.parametrize("runs", [True, False], ids=["a newer version", "one that was stopped"])
def test_a_stop_is_not_overtaken_by_a_start_that_was_asked_for_before(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runs: bool
) -> None:
    async def work(engine: Engine) -> None:
        engine.gate.store.keep(home.certificate())
        await engine.strategies.start(StartRequest("watcher"))
        if not runs:
            await engine.strategies.stop("watcher", "ana")
        held = Held(tmp_path, monkeypatch, ".json")
        start = asyncio.ensure_future(engine.strategies.start(StartRequest("watcher", on_failure="flatten")))
        await until(held.reached.is_set)
        assert (await engine.strategies.stop("watcher", "ana")).state == "stopped"
        held.go_on.set()
        with pytest.raises(StrategyError, match="watcher was stopped meanwhile"):
            await start
        assert state(engine) == "stopped"
        assert (await engine.strategies.start(StartRequest("watcher"))).state == "running"

    asyncio.run(home.run(work))


@pytest.mark.parametrize("required", [True, False], ids=["on", "off"])
def test_a_file_that_it_imports_and_that_changes_during_the_read(
    tmp_path: Path, disk: Disk, required: bool
) -> None:
    """It is opened as it was certified; before its content is read another one is written."""
    home = Home(tmp_path, required=required)
    helper, own = imported(home)

    async def work(engine: Engine) -> None:
        sources = dict(read_signed(home.certificate()).certificate.sources)
        engine.gate.store.keep(home.certificate(sources={**sources, **own}))
        changed: list[Path] = []

        def change(path: Path) -> None:
            if path == helper and not changed:
                changed.append(path)
                helper.write_text("X = 2\n")

        disk.read = change
        if required:
            with pytest.raises(CertificateError, match=r"helper\.py, which it imports, was touched since"):
                await engine.strategies.start(StartRequest("watcher"))
            assert (changed, state(engine)) == ([helper], "")
        else:
            await engine.strategies.start(StartRequest("watcher"))
            assert state(engine) == "running"

    asyncio.run(home.run(work))


@pytest.mark.parametrize("when", ["before it is open", "once it is open", "half of it"])
def test_a_script_that_changes_during_the_read(home: Home, disk: Disk, when: str) -> None:
    """What was read is what was verified is what runs, whichever of the two texts that was; a mixture is neither."""
    honest = home.script.read_text()
    evil = honest.replace("return []", "return list()")
    changed: list[Path] = []

    def exchange(path: Path) -> None:
        if path == home.script and not changed:
            changed.append(path)
            if when == "half of it":
                home.script.write_text(honest[: len(honest) // 2] + evil[len(honest) // 2 :])
            else:
                part = home.script.with_suffix(".part")
                part.write_text(evil)
                part.replace(home.script)

    async def work(engine: Engine) -> None:
        engine.gate.store.keep(home.certificate())
        if when == "once it is open":
            disk.read = exchange
            assert (await engine.strategies.start(StartRequest("watcher"))).state == "running"
            slot = engine.strategies.slots["watcher"]
            assert (slot.script.source, home.script.read_text()) == (honest, evil)
        else:
            disk.reading = exchange
            with pytest.raises(CertificateError, match="is not what was certified"):
                await engine.strategies.start(StartRequest("watcher"))
            assert state(engine) == ""
        assert changed == [home.script]

    asyncio.run(home.run(work))


def test_what_is_done_off_the_loop_raises_as_if_it_were_called() -> None:
    async def work() -> None:
        with pytest.raises(CertificateError, match="no"):
            await live.files.off_loop(_refuse, "no")
        assert await live.files.off_loop(threading.current_thread) is not threading.main_thread()

    asyncio.run(work())


def _refuse(why: str) -> None:
    raise CertificateError(why)

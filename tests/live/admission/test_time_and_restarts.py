"""What ran is judged anew when it is started again: after a death, after a restart of the engine, and while it runs."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from live.admission import LatestTime
from live.assembly import start_defaults
from live.engine import Engine, StartRequest
from live.machine import LimitsConfigured, PromotionNoted
from tests.live.admission.world import certified, engine_of, later, script_text, settings_of
from tests.live.engine.desk import until
from workbench.certificates import KeyPair, key_pair, limits_table, read_signed
from workbench.core.intents import SetLimits
from workbench.core.limits import OrderLimits, RiskLimits
from workbench.errors import CertificateError, EngineError

LOOSER = RiskLimits(order_limits=OrderLimits(max_order_value=2e6))
TEXT: Final = script_text()
EDITED: Final = script_text(version="2")


class Home:
    """A folder of an engine, with the certified script `watcher` in it."""

    def __init__(self, folder: Path, *, required: bool = True, **given: Any) -> None:
        self.folder = folder
        self.key: KeyPair = key_pair(folder / "keys")
        self.keys = self.key.public_file.parent
        self.settings = settings_of(folder, self.keys, require_certificate=required, **given)
        self.script = self.settings.strategies_path / "watcher.py"
        self.script.write_text(TEXT)

    @property
    def off(self) -> Home:
        """The same folder with the gate off."""
        return Home(self.folder, required=False)

    def certificate(self, **changes: Any) -> bytes:
        return certified(self.key, "watcher.py", changes.pop("source", TEXT), **changes)

    async def run(self, work: Callable[[Engine], Any], **given: Any) -> None:
        async with engine_of(self.settings, **given) as engine:
            outcome = work(engine)
            if asyncio.iscoroutine(outcome):
                await outcome

    async def honest(self, engine: Engine, **changes: Any) -> None:
        """Start the certified version."""
        engine.gate.store.keep(self.certificate(**changes))
        record = await engine.strategies.start(StartRequest("watcher"))
        assert (record.state, bool(record.certificate)) == ("running", engine.gate.required)


def state(engine: Engine, name: str = "watcher") -> str:
    record = engine.machine.strategies.get(name)
    return record.state if record else ""


# --- what is done to an engine that is down ---------------------------------------------------------------------------


def certificates_lost(home: Home) -> None:
    shutil.rmtree(home.settings.data / "certificates")


def key_not_trusted_any_more(home: Home) -> None:
    home.key.public_file.unlink()


def key_exchanged(home: Home) -> None:
    home.key.public_file.unlink()
    shutil.copy(key_pair(home.folder / "others").public_file, home.keys)


def certificate_exchanged(home: Home) -> None:
    (path,) = (home.settings.data / "certificates").glob("*.json")
    path.write_bytes(home.certificate(source=EDITED))


def certificate_cut_off(home: Home) -> None:
    (path,) = (home.settings.data / "certificates").glob("*.json")
    path.write_bytes(path.read_bytes()[:-10])


DOWN: Final[dict[str, tuple[Callable[[Home], None], dict[str, Any]]]] = {
    "its certificate was lost": (certificates_lost, {}),
    "its key is not trusted any more": (key_not_trusted_any_more, {}),
    "the key of somebody else is trusted instead": (key_exchanged, {}),
    "its certificate was exchanged": (certificate_exchanged, {}),
    "its certificate was cut off": (certificate_cut_off, {}),
    "its certificate has expired": (lambda _: None, {"days": 31.0}),
    "the limits of the file permit more": (lambda _: None, {"limits": LOOSER}),
}


@pytest.mark.parametrize("what", DOWN)
@pytest.mark.parametrize("required", [True, False], ids=["on", "off"])
def test_after_a_restart_of_the_engine(tmp_path: Path, what: str, required: bool) -> None:
    change, given = DOWN[what]
    home = Home(tmp_path)

    async def work() -> None:
        await home.run(home.honest)
        change(home)
        again = home if required else home.off

        def look(engine: Engine) -> None:
            assert state(engine) == ("failed" if required else "running")

        await again.run(look, **given)

    asyncio.run(work())


def test_an_edited_file_does_not_matter_to_what_ran(tmp_path: Path) -> None:
    """A restart goes on with the text that was certified and started, not with what the file says since."""
    home = Home(tmp_path)

    async def work() -> None:
        await home.run(home.honest)
        home.script.write_text(EDITED)

        def look(engine: Engine) -> None:
            slot = engine.strategies.slots["watcher"]
            assert (state(engine), slot.script.source, slot.record.version) == ("running", TEXT, "1")

        await home.run(look)

    asyncio.run(work())


@pytest.mark.parametrize("required", [True, False], ids=["on", "off"])
def test_an_edited_copy_of_what_ran_is_not_it(tmp_path: Path, required: bool) -> None:
    """The engine's own copy is known by its hash; with the file edited too, nothing is left to start."""
    home = Home(tmp_path, required=required)

    async def work() -> None:
        await home.run(home.honest)
        for path in (home.settings.data / "started").glob("*/watcher.py"):
            path.write_text(EDITED)
        home.script.write_text(EDITED)
        await home.run(_failed)

    asyncio.run(work())


def _failed(engine: Engine) -> None:
    assert state(engine) == "failed"


@pytest.mark.parametrize("required", [True, False], ids=["on", "off"])
def test_a_journal_with_a_start_of_the_time_without_a_gate(tmp_path: Path, required: bool) -> None:
    home = Home(tmp_path)

    async def work() -> None:
        await home.off.run(lambda engine: engine.strategies.start(StartRequest("watcher")))

        def look(engine: Engine) -> None:
            assert state(engine) == ("failed" if required else "running")
            if required:
                assert "has no certificate here" in engine.machine.strategies["watcher"].reason

        await (home if required else home.off).run(look)

    asyncio.run(work())


@pytest.mark.parametrize("required", [True, False], ids=["on", "off"])
def test_a_clock_that_is_set_back_revives_nothing(tmp_path: Path, required: bool) -> None:
    """The journal knows that it was later already."""
    home = Home(tmp_path)

    async def work() -> None:
        await home.run(home.honest)
        await home.run(_failed, days=31.0)
        engine_home = home if required else home.off

        async def start(engine: Engine) -> None:
            assert state(engine) == "failed"
            if required:
                with pytest.raises(CertificateError, match="expired"):
                    await engine.strategies.start(StartRequest("watcher"))
            else:
                await engine.strategies.start(StartRequest("watcher"))
            assert state(engine) == ("failed" if required else "running")
            await engine.strategies.stop("watcher", "ana")

        await engine_home.run(start)
        if required:
            await engine_home.run(start)  # also where the newest record is of before its end again

    asyncio.run(work())


def test_a_clock_that_runs_backwards_meanwhile_revives_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path)

    async def work(engine: Engine) -> None:
        engine.gate.store.keep(home.certificate(days=1.0))
        clock: Any = engine.clock
        clock._offset += 2 * 86_400 * 10**9
        assert engine.gate.time.now_ns() == pytest.approx(engine.clock.now_ns(), abs=10**9)
        clock._offset -= 2 * 86_400 * 10**9
        with pytest.raises(CertificateError, match="expired"):
            await engine.strategies.start(StartRequest("watcher"))

    asyncio.run(home.run(work))


# --- while it runs ----------------------------------------------------------------------------------------------------


def test_what_dies_is_not_started_again_once_its_certificate_was_withdrawn(tmp_path: Path) -> None:
    for required in (True, False):
        home = Home(tmp_path / str(required), required=required)

        async def work(engine: Engine, home: Home = home, required: bool = required) -> None:
            await home.honest(engine)
            name = read_signed(next(iter((home.settings.data / "certificates").glob("*"))).read_bytes())
            await engine.ask(
                PromotionNoted(1, "watcher", "demoted", "ana", "it differs", certificate=name.certificate.id)
            )
            slot = engine.strategies.slots["watcher"]
            assert slot.runner is not None
            assert slot.runner.worker is not None
            slot.runner.worker.kill("for a test")
            records = engine.machine.strategies
            await until(lambda: "will be started again" in records["watcher"].reason)
            await until(lambda: "withdrawn" in records["watcher"].reason or state(engine) == "running")
            assert state(engine) == ("failed" if required else "running")

        asyncio.run(home.run(work))


def test_what_outlives_its_certificate_is_stopped_and_its_history_says_so(tmp_path: Path) -> None:
    home = Home(tmp_path)

    async def work(engine: Engine) -> None:
        reader = engine.events.subscribe(("alerts",))
        await home.honest(engine, days=2.0)
        ahead = [1.5]  # days; venues go on with the clock as it is
        engine.gate.time = LatestTime(lambda: engine.clock.now_ns() + round(ahead[0] * 86_400e9))
        told: list[str] = []
        while "certificate_expires" not in told:
            told += [event.body["alert"] for event in await reader.next()]
        assert state(engine) == "running"
        ahead[0] = 2.5
        await until(lambda: state(engine) == "stopped", 30.0)
        await until(lambda: engine.machine.history)
        (line,) = engine.machine.history
        assert (line.action, line.person) == ("expired", "certificates")
        assert "has expired" in line.reason

    asyncio.run(home.run(work))


def test_limits_are_not_made_looser_under_what_runs(tmp_path: Path) -> None:
    home = Home(tmp_path)

    async def work(engine: Engine) -> None:
        await home.honest(engine)
        with pytest.raises(EngineError, match="watcher runs under a certificate with tighter limits"):
            await engine.ask(SetLimits(LOOSER))
        await engine.strategies.stop("watcher", "ana")
        await engine.ask(SetLimits(LOOSER))
        with pytest.raises(CertificateError, match="tighter limits"):
            await engine.strategies.start(StartRequest("watcher"))

    asyncio.run(home.run(work))


def test_what_holds_it_to_its_instruments_is_on_whatever_was_certified(tmp_path: Path) -> None:
    home, off = Home(tmp_path), RiskLimits(enable_pre_trade=False)

    async def starts_with_it_on_alone(engine: Engine) -> None:
        engine.gate.store.keep(home.certificate(limits=off))
        with pytest.raises(CertificateError, match="enable_pre_trade: False live"):
            await engine.strategies.start(StartRequest("watcher"))
        await engine.ask(SetLimits(RiskLimits()))
        await engine.strategies.start(StartRequest("watcher"))
        with pytest.raises(EngineError, match="enable_pre_trade: False live"):
            await engine.ask(SetLimits(off))
        await engine.strategies.stop("watcher", "ana")
        await engine.ask(SetLimits(off))

    asyncio.run(home.run(starts_with_it_on_alone, limits=off))


def test_limits_that_change_while_a_process_loads_win(tmp_path: Path) -> None:
    """The machine has the last word: it takes the admission, or it does not."""
    home = Home(tmp_path)

    async def work(engine: Engine) -> None:
        engine.gate.store.keep(home.certificate())
        admit, asked = engine.gate.admit, []

        async def then_loosen(*given: Any) -> Any:
            asked.append(await admit(*given))
            if len(asked) == 2:  # as its process is made
                engine.pump.post(LimitsConfigured(LOOSER))
            return asked[-1]

        engine.gate.admit = then_loosen  # type: ignore[method-assign, assignment]
        with pytest.raises(CertificateError, match=r"watcher is not started: .*: 2000000 live, 1000000 cert"):
            await engine.strategies.start(StartRequest("watcher"))
        assert state(engine) in ("", "failed")

    asyncio.run(home.run(work))


def test_a_file_that_was_touched_after_the_engine_began_counts_no_more(tmp_path: Path) -> None:
    """What a process has loaded may be another text than what lies there now, though it was put back."""
    home = Home(tmp_path)
    helper = home.settings.strategies_path / "helper.py"
    helper.write_text("X = 1\n")
    sources = dict(read_signed(home.certificate()).certificate.sources)

    async def work(engine: Engine) -> None:
        own = {"./helper.py": hashlib.sha256(helper.read_bytes()).hexdigest()}
        engine.gate.store.keep(home.certificate(sources={**sources, **own}))
        confirm = engine.gate.confirm

        async def edited_meanwhile(ticket: Any) -> None:
            helper.write_text("X = 2\n")
            helper.write_text("X = 1\n")
            await confirm(ticket)

        engine.gate.confirm = edited_meanwhile  # type: ignore[method-assign]
        engine.strategies.processes._gate = engine.gate
        with pytest.raises(CertificateError, match="touched since"):
            await engine.strategies.start(StartRequest("watcher"))
        assert state(engine) == "failed"

    asyncio.run(home.run(work))


# --- other ways to begin ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("required", [True, False], ids=["on", "off"])
def test_strategies_that_start_with_the_engine(tmp_path: Path, required: bool) -> None:
    file = tmp_path / "strategies.yaml"
    file.write_text("default_strategies:\n  - name: mine\n    class: Watcher\n    enabled: true\n")
    home = Home(tmp_path, required=required, strategies_file=file)

    async def work(engine: Engine) -> None:
        await start_defaults(engine)
        assert state(engine, "mine") == ("" if required else "running")
        if required:
            engine.gate.store.keep(home.certificate())
            await start_defaults(engine)
            assert state(engine, "mine") == "running"

    asyncio.run(home.run(work))


@pytest.mark.parametrize("required", [True, False], ids=["on", "off"])
def test_a_folder_behind_a_link_that_leads_elsewhere_now(tmp_path: Path, required: bool) -> None:
    home = Home(tmp_path, required=required)
    link, evil = tmp_path / "link", tmp_path / "evil"
    evil.mkdir()
    (evil / "watcher.py").write_text(EDITED)
    link.symlink_to(home.settings.strategies_path)
    home.settings = home.settings.model_copy(update={"strategies_path": link})

    async def work(engine: Engine) -> None:
        await home.honest(engine)
        await engine.strategies.stop("watcher", "ana")
        link.unlink()
        link.symlink_to(evil)
        if required:
            with pytest.raises(CertificateError, match="is not what was certified"):
                await engine.strategies.start(StartRequest("watcher"))
        else:
            await engine.strategies.start(StartRequest("watcher"))
        assert state(engine) == ("stopped" if required else "running")

    asyncio.run(home.run(work))


@pytest.mark.parametrize("mode", [0o777, 0o775], ids=["everybody", "the group"])
def test_keys_that_others_may_exchange_admit_nothing(tmp_path: Path, mode: int) -> None:
    home = Home(tmp_path)
    home.keys.chmod(mode)

    async def work(engine: Engine) -> None:
        engine.gate.store.keep(home.certificate())
        with pytest.raises(CertificateError, match="others may write here"):
            await engine.strategies.start(StartRequest("watcher"))

    asyncio.run(home.run(work))


def test_the_misbehaving_ones_of_the_engine_start_where_that_is_allowed(tmp_path: Path) -> None:
    for allowed in (True, False):
        home = Home(tmp_path / str(allowed), enable_chaos_strategies=allowed)
        (home.settings.strategies_path / "chaos" / "mad.py").write_text(script_text("Mad"))

        async def work(engine: Engine, allowed: bool = allowed) -> None:
            request = StartRequest("mad")
            if allowed:
                record = await engine.strategies.start(request)
                assert (record.state, record.certificate) == ("running", "")
            else:
                with pytest.raises(Exception, match="ENABLE_CHAOS_STRATEGIES=true"):
                    await engine.strategies.start(request)

        asyncio.run(home.run(work))


def test_a_certificate_is_renewed_by_starting_again(tmp_path: Path) -> None:
    home = Home(tmp_path)

    async def work(engine: Engine) -> None:
        await home.honest(engine, days=2.0, now=later(-1))
        before = engine.machine.strategies["watcher"].certificate
        engine.gate.store.keep(home.certificate(days=30.0))
        after = await engine.strategies.start(StartRequest("watcher"))
        assert (after.state, after.certificate != before) == ("running", True)
        assert limits_table(engine.machine.limits)

    asyncio.run(home.run(work))

"""Both live desks without a browser, against a real engine: what they know of it, and who may do what."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from live.api.roles import NEEDS, Role
from tests.client.conftest import Running
from tests.waiting import until
from workbench.client import EngineClient
from workbench.dashboards.state.reader import EngineReader
from workbench.dashboards.state.risk_desk import RiskDesk
from workbench.dashboards.state.starting import parameters_of
from workbench.dashboards.state.strategy_desk import Line, StrategyDesk
from workbench.dashboards.state.viewer import Viewer
from workbench.errors import ParameterError

STRATEGY = '''
from workbench.strategy import TradingStrategy

class QuietStrategy(TradingStrategy):
    """Says nothing."""
    VERSION = "2.1.0"
    def on_market_data(self, price_update):
        return []
    def on_order_fill(self, fill):
        pass
    def on_risk_breach(self, breach):
        pass
'''


@pytest.fixture
def reader(running: Running) -> Iterator[EngineReader]:
    found = EngineReader(running.url, data=str(running.data), every_s=0.05)
    yield found
    found.close()


def viewer_of(running: Running, role: Role | None = None) -> tuple[Viewer, str]:
    """Somebody with the server's token, and a token of this role to sign in with."""
    token = running.tokens.issue(role.name.lower(), role) if role is not None else ""
    return Viewer(running.url, str(running.data)), token


def seen(desk: RiskDesk | StrategyDesk, fact: Callable[[], object]) -> None:
    """Refresh as a page does until `fact` holds."""

    def refreshed() -> object:
        desk.refresh()
        return fact()

    until(refreshed)


def shown(desk: StrategyDesk, strategy_id: str) -> Line:
    """Its line in the list."""
    lines: tuple[Line, ...] = desk.lines
    return next(line for line in lines if line.strategy_id == strategy_id)


@pytest.mark.parametrize("role", Role)
def test_the_engine_says_who_somebody_is_and_what_they_may(running: Running, role: Role) -> None:
    async def whole() -> None:
        viewer, token = viewer_of(running, role)
        assert await viewer.sign_in(f" {token} ")
        assert (viewer.person, viewer.role, viewer.own) == (role.name.lower(), role.name.lower(), True)
        assert {action for action in NEEDS if viewer.allows(action)} == {
            a for a, low in NEEDS.items() if role >= low
        }
        await viewer.sign_out()
        assert (viewer.person, viewer.own) == ("admin", False)  # the token that the server has
        await viewer.close()

    asyncio.run(whole())


def test_a_wrong_token_changes_nothing_and_says_why(running: Running) -> None:
    async def whole() -> None:
        viewer, token = viewer_of(running, Role.RISK)
        await viewer.sign_in(token)
        assert not await viewer.sign_in("wb_0000000000000000_" + "A" * 43)
        assert (viewer.role, viewer.own) == ("risk", True)
        assert "bearer token" in viewer.trouble
        assert not await viewer.sign_in("  ")
        assert "found nothing" in viewer.trouble
        await viewer.close()

    asyncio.run(whole())


def test_who_signs_in_while_the_page_asks_who_is_there_is_taken_for_the_newer(running: Running) -> None:
    async def whole() -> None:
        viewer, token = viewer_of(running, Role.TRADER)
        for _ in range(20):
            others = [asyncio.create_task(viewer.learn()) for _ in range(3)]
            await asyncio.sleep(0)
            signed, *_ = await asyncio.gather(viewer.sign_in(token), *others, viewer.ask(lambda c: c.risk()))
            assert signed
            assert (viewer.role, viewer.own) == ("trader", True)
            await viewer.sign_out()
            assert (viewer.role, viewer.own) == ("admin", False)
        await viewer.close()

    asyncio.run(whole())


def test_who_is_lent_no_token_may_do_nothing_before_signing_in(running: Running) -> None:
    async def whole() -> None:
        viewer = Viewer(running.url, str(running.data), lend=False)
        assert not await viewer.learn()
        assert (viewer.person, viewer.may, viewer.trouble) == ("", (), "")
        assert await viewer.sign_in(running.tokens.issue("tia", Role.TRADER))
        assert viewer.allows("strategy.start")
        await viewer.close()

    asyncio.run(whole())


def test_a_kill_needs_to_be_asked_for_a_reason_and_the_role(running: Running, reader: EngineReader) -> None:
    async def whole() -> None:
        viewer, _ = viewer_of(running)
        await viewer.learn()
        desk = RiskDesk(reader, viewer)
        switch = desk.kill_switch
        switch.reason = "for a test"
        assert not await switch.pull()
        assert switch.said == "not done: it has to be asked for first"
        switch.open()
        assert switch.reason == ""
        assert not await switch.pull()
        assert "say why" in switch.said
        switch.param.update(reason="odd fills", scope="venue", target="")
        assert switch.missing == "say which venue"
        switch.target = "a"
        assert "Nothing is traded at a" in switch.consequences
        assert await switch.pull()
        assert (switch.asking, switch.tone) == (False, "good")
        seen(desk, lambda: desk.latches)
        assert [latch.key for latch in desk.latches] == ["kill/venue/a"]
        release = desk.release
        latch = desk.latch("kill/venue/a")
        assert latch is not None
        release.choose(latch)
        assert not await release.release()
        release.reason = "looked into it"
        assert await release.release()
        seen(desk, lambda: not desk.latches)
        await viewer.close()

    asyncio.run(whole())


def test_a_viewer_can_press_nothing_and_the_engine_refuses_too(
    running: Running, reader: EngineReader
) -> None:
    async def whole() -> None:
        viewer, token = viewer_of(running, Role.VIEWER)
        await viewer.sign_in(token)
        desk = StrategyDesk(reader, viewer)
        desk.kill_switch.open()
        desk.kill_switch.reason = "let me"
        desk.starting.script = "momentum.py"
        assert not await desk.kill_switch.pull()
        assert not await desk.starting.start()
        assert not await desk.starting.upload("q.py", STRATEGY.encode())
        assert "the role viewer may not" in desk.starting.said
        viewer.may = tuple(NEEDS)  # what a page believes does not matter
        assert not await desk.kill_switch.pull()
        assert not await desk.starting.start()
        assert "needs the role trader" in desk.starting.said
        await viewer.close()

    asyncio.run(whole())
    with EngineClient(running.url, data=running.data) as engine:
        assert engine.risk().kills == ()


def test_a_strategy_from_upload_to_stop(running: Running, reader: EngineReader) -> None:
    async def whole() -> None:
        viewer, token = viewer_of(running, Role.TRADER)
        await viewer.sign_in(token)
        desk = StrategyDesk(reader, viewer)
        seen(desk, lambda: desk.starting.choices)
        form = desk.starting
        assert await form.upload("../quiet.py", STRATEGY.encode())
        assert form.script == "quiet.py"
        form.param.update(strategy_id="q-1", parameters="unit = 2, symbol=BTC-USD")
        assert await form.start()
        assert form.said.startswith("q-1 (QuietStrategy 2.1.0) is running")
        await _settled(desk, lambda: desk.running, "q-1")
        status = desk.close_up.status
        assert status is not None
        assert status.config == {"unit": 2, "symbol": "BTC-USD"}
        assert (desk.close_up.certificate, desk.close_up.certificate_known) == (None, True)
        assert desk.lax
        assert await desk.pause()
        await _settled(desk, lambda: desk.paused, "q-1")
        assert await desk.resume()
        with EngineClient(running.url, data=running.data) as engine:
            engine.kill("a drill")
            seen(desk, lambda: shown(desk, "q-1").stopped)
            line = shown(desk, "q-1")
            assert (line.state, line.why) == ("running", "kill switch (everything)")
            engine.reset_kill("looked into")
        seen(desk, lambda: not shown(desk, "q-1").stopped)
        desk.swap()
        assert (form.swapping, form.strategy_id) == ("q-1", "q-1")
        form.parameters = '{"unit": 3}'
        assert await form.start()
        assert "was swapped" in form.said
        assert not await desk.stop()  # nobody has asked yet
        desk.stopping = True
        assert await desk.stop()
        await _settled(desk, lambda: not desk.running, "q-1")
        assert next(line.state for line in desk.lines if line.strategy_id == "q-1") == "stopped"
        await viewer.close()

    asyncio.run(whole())


async def _settled(desk: StrategyDesk, fact: Callable[[], object], chosen: str) -> None:
    deadline = time.monotonic() + 30.0
    while not (fact() and desk.close_up.certificate_known):
        assert time.monotonic() < deadline, "waited in vain"
        desk.refresh()
        if any(line.strategy_id == chosen for line in desk.lines):
            desk.chosen = chosen
        await desk.look_closely()
        await asyncio.sleep(0.02)


def test_what_the_risk_desk_shows_is_the_engines_own(running: Running, reader: EngineReader) -> None:
    viewer, _ = viewer_of(running)
    desk = RiskDesk(reader, viewer)
    with EngineClient(running.url, data=running.data) as engine:
        engine.start("momentum", "r", config={"lookback": 5, "unit": 0.1})
        seen(desk, lambda: desk.fills is not None and len(desk.fills) >= 4)
        engine.stop("r", flatten=True)
        until(lambda: engine.positions("r").empty)
        last = int(engine.fills().index[-1])
        seen(desk, lambda: desk.fills is not None and desk.fills.index[0] == last and desk.positions.empty)
        assert desk.orders.index.tolist() == engine.orders().index[::-1][:200].tolist()
        assert {gain.name for gain in desk.by_strategy} >= {"r"}
        assert {bar.name: bar.scope for bar in desk.bars}["buying power"] == "portfolio"
    assert not desk.stale
    desk.refresh(now=time.monotonic() + 60.0)
    assert desk.stale
    assert desk.heard.startswith(("last heard 60 s", "last heard 61 s"))


def test_one_reader_serves_everybody_and_rests_when_nobody_looks(running: Running) -> None:
    reader = EngineReader(running.url, data=str(running.data), every_s=0.05, linger_s=0.3)
    until(lambda: reader.view.known)
    thread = reader._thread
    assert thread is not None
    until(lambda: not thread.is_alive())  # nobody has asked for its view since
    frame = reader.view.frame
    until(lambda: reader.view.frame > frame + 2)  # and somebody does again
    reader.close()


def test_without_an_engine_it_is_said_and_tried_again(tmp_path: Path) -> None:
    reader = EngineReader("http://127.0.0.1:9", "x", data=str(tmp_path), every_s=0.05)
    desk = RiskDesk(reader, Viewer("http://127.0.0.1:9", str(tmp_path)))
    seen(desk, lambda: desk.link.attempts >= 1)
    assert (desk.live, desk.link.state, desk.link.code) == (False, "lost", "workbench live")
    reader.close()


def test_a_wrong_token_is_said(running: Running) -> None:
    reader = EngineReader(running.url, "wb_wrong", data=str(running.data))
    desk = RiskDesk(reader, Viewer(running.url, str(running.data)))
    seen(desk, lambda: desk.link.state == "refused")
    assert "does not know this token" in desk.link.title
    reader.close()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", {}),
        ("lookback=20", {"lookback": 20}),
        ("fast=3, slow=9", {"fast": 3, "slow": 9}),
        ('{"unit": {"BTC-USD": 0.5}}', {"unit": {"BTC-USD": 0.5}}),
        ("levels=[1, 2]\nname=x", {"levels": [1, 2], "name": "x"}),
    ],
)
def test_parameters_are_read_as_people_type_them(text: str, expected: dict[str, object]) -> None:
    assert parameters_of(text) == expected


def test_parameters_that_make_no_sense_say_how() -> None:
    with pytest.raises(ParameterError, match="expected key=value such as fast=10"):
        parameters_of("lookback 20")


def test_a_chosen_script_stays_chosen_when_the_engines_list_is_older(
    running: Running, reader: EngineReader
) -> None:
    viewer, _ = viewer_of(running)
    desk = StrategyDesk(reader, viewer)
    seen(desk, lambda: desk.starting.choices)
    form = desk.starting
    form.choices = {**form.choices, "NewStrategy 1 (new.py, uploaded)": "new.py"}
    form.script = "new.py"
    known = reader.view.known
    assert known is not None
    form.see(known)
    assert form.script == "new.py"
    assert form.choices["NewStrategy 1 (new.py, uploaded)"] == "new.py"

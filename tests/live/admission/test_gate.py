"""Nothing runs that nobody has certified: each attempt is made with the gate on and, to show it is one, with it off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.live.admission.attempts import ATTEMPTS, REACHES, SWAPS
from tests.live.admission.world import World
from tests.live.api.server import Served, serve
from workbench.certificates import KeyPair, key_pair
from workbench.core.intents import SetLimits
from workbench.core.limits import RiskLimits


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[KeyPair, KeyPair]:
    folder = tmp_path_factory.mktemp("keys")
    return key_pair(folder / "trusted"), key_pair(folder / "stranger")


def served(folder: Path, keys: tuple[KeyPair, KeyPair], required: bool) -> Iterator[Served]:
    trusted = keys[0].public_file.parent
    with serve(
        folder,
        require_certificate=required,
        trusted_keys=trusted,
        enable_chaos_strategies=True,
        max_concurrent_strategies=1000,
    ) as found:
        yield found


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, keys: tuple[KeyPair, KeyPair]) -> Iterator[Served]:
    yield from served(tmp_path_factory.mktemp("guarded"), keys, True)


@pytest.fixture(scope="module")
def unguarded(tmp_path_factory: pytest.TempPathFactory, keys: tuple[KeyPair, KeyPair]) -> Iterator[Served]:
    yield from served(tmp_path_factory.mktemp("unguarded"), keys, False)


def test_there_are_enough_attempts() -> None:
    assert len(ATTEMPTS) + len(SWAPS) >= 80


@pytest.mark.parametrize("name", ATTEMPTS)
def test_it_does_not_start(guarded: Served, keys: tuple[KeyPair, KeyPair], name: str) -> None:
    world = World(guarded, *keys)
    ATTEMPTS[name](world)
    assert world.running == ""
    assert world.state == ""  # nor has it left a trace at the desk
    assert world.id not in guarded.engine.machine.desk.strategies
    refused = [answer for answer in world.answers if answer.status_code >= 400]
    assert all(answer.status_code in (403, 422) for answer in refused), [a.text for a in refused]
    assert not [answer for answer in refused if "\n" in answer.json()["detail"]]


@pytest.mark.parametrize("name", ATTEMPTS)
def test_with_the_gate_off_it_would(unguarded: Served, keys: tuple[KeyPair, KeyPair], name: str) -> None:
    world = World(unguarded, *keys)
    ATTEMPTS[name](world)
    assert world.running, [answer.text for answer in world.answers]
    world.over()


def runs_certified(world: World) -> str:
    """Have the honest version run; its hash."""
    world.write(world.text())
    world.keep(world.certificate(world.text()))
    answer = world.start()
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "running"
    return world.running


def test_an_honest_version_starts_and_says_under_what(guarded: Served, keys: tuple[KeyPair, KeyPair]) -> None:
    world = World(guarded, *keys)
    data = world.certificate(world.text(), parameters={"size": 20})
    answer = world.promote(world.text(), data)
    assert (answer.status_code, answer.json()["state"]) == (200, "running"), answer.text
    status = guarded.client.get(f"/api/v1/strategies/{world.id}/status").json()
    shown = guarded.client.get(f"/api/v1/strategies/{world.id}/certificate").json()
    assert status["certificate"] == shown["certificate"] == shown["document"]["id"]
    assert (shown["holds"], status["config"]) == (True, {"size": 20})
    world.over()


def test_numbers_as_a_protocol_spells_them_are_the_same(
    guarded: Served, keys: tuple[KeyPair, KeyPair]
) -> None:
    """A protocol may say 20.0 for 20; what runs is what was certified, to the type."""
    world = World(guarded, *keys)
    world.write(world.text())
    world.keep(world.certificate(world.text(), parameters={"size": 20}))
    assert world.start(config={"size": 20.0}).status_code == 200
    config = guarded.engine.machine.strategies[world.id].config
    assert (config, type(config["size"])) == ({"size": 20}, int)
    world.over()


@pytest.mark.parametrize("name", SWAPS)
def test_what_runs_is_not_swapped_for_it(guarded: Served, keys: tuple[KeyPair, KeyPair], name: str) -> None:
    world = World(guarded, *keys)
    before = runs_certified(world)
    record = guarded.engine.machine.strategies[world.id]
    SWAPS[name](world)
    assert world.running == before
    assert guarded.engine.machine.strategies[world.id] == record
    world.over()


@pytest.mark.parametrize("name", SWAPS)
def test_with_the_gate_off_it_would_be(unguarded: Served, keys: tuple[KeyPair, KeyPair], name: str) -> None:
    world = World(unguarded, *keys)
    runs_certified(world)
    record = unguarded.engine.machine.strategies[world.id]
    SWAPS[name](world)
    after = unguarded.engine.machine.strategies[world.id]
    assert (after.source_hash, after.config) != (record.source_hash, record.config)
    assert (after.state, world.running) == ("running", after.source_hash)
    world.over()


def refused_instruments(served: Served, strategy_id: str) -> int:
    return served.engine.machine.breaches.get(("permitted_instruments", strategy_id), 0)


@pytest.mark.parametrize("name", REACHES)
def test_it_trades_only_what_it_was_tested_on(
    guarded: Served, keys: tuple[KeyPair, KeyPair], name: str
) -> None:
    world = World(guarded, *keys)
    permitted = REACHES[name](world)
    orders = guarded.engine.machine.blotter
    begun, refused = orders.cursor, refused_instruments(guarded, world.id)
    world.wait(lambda: world.traded(begun) >= permitted)
    world.wait(lambda: refused_instruments(guarded, world.id) >= refused + 6)
    assert world.traded(begun) == permitted
    world.over()


@pytest.mark.parametrize("name", REACHES)
def test_with_the_gate_off_it_trades_everything(
    unguarded: Served, keys: tuple[KeyPair, KeyPair], name: str
) -> None:
    world = World(unguarded, *keys)
    permitted = REACHES[name](world)
    begun = unguarded.engine.machine.blotter.cursor
    world.wait(lambda: world.traded(begun) > permitted)
    assert refused_instruments(unguarded, world.id) == 0
    world.over()


def test_instruments_that_were_permitted_go_along_to_another_id(
    guarded: Served, keys: tuple[KeyPair, KeyPair]
) -> None:
    """Tested as Watcher, which is its class, with one instrument; started under another id without that."""
    world = World(guarded, *keys)
    world.write(world.text())
    permitted = {"Watcher": ["BTC-USD"]}
    world.keep(world.certificate(world.text(), limits=RiskLimits(permitted_instruments=permitted)))
    engine, before = guarded.engine, guarded.engine.machine.limits

    def permit(table: dict[str, list[str]]) -> None:
        changed = msgspec.structs.replace(before, permitted_instruments=table)
        world.call(engine.ask(SetLimits(changed)))

    try:
        permit(permitted)  # of an id that is not its own
        refused = world.start()
        assert (refused.status_code, world.running) == (403, "")
        assert f"permitted_instruments.{world.id}" in refused.json()["detail"]
        permit({world.id: ["BTC-USD"]})
        assert world.start().status_code == 200
        wider = {"limits": {"permitted_instruments": {world.id: ["BTC-USD", "ETH-USD"]}}}
        assert guarded.client.put("/api/v1/risk/limits", json=wider).status_code == 409
        world.over()
    finally:
        world.call(engine.ask(SetLimits(before)))


def test_what_is_looked_at_is_what_runs(guarded: Served, keys: tuple[KeyPair, KeyPair]) -> None:
    """The file is exchanged between the check and the start: the certified text runs, out of memory."""
    world = World(guarded, *keys)
    path = world.write(world.text())
    world.keep(world.certificate(world.text()))
    gate = guarded.engine.gate
    admit = gate.admit

    async def then_exchange(*given: object) -> object:
        ticket = await admit(*given)  # type: ignore[arg-type]
        path.write_text(world.text(version="evil", more="\n    EVIL = True"))
        return ticket

    gate.admit = then_exchange  # type: ignore[method-assign, assignment]
    try:
        assert world.start().status_code == 200
    finally:
        gate.admit = admit  # type: ignore[method-assign]
    slot = guarded.engine.strategies.slots[world.id]
    assert "EVIL" not in slot.script.source
    assert guarded.engine.machine.strategies[world.id].version == "1"
    world.over()


def test_an_answer_that_is_remembered_starts_nothing(guarded: Served, keys: tuple[KeyPair, KeyPair]) -> None:
    """The idempotency key of the honest start, after the strategy was stopped: the same answer, and no start."""
    world = World(guarded, *keys)
    world.write(world.text())
    world.keep(world.certificate(world.text()))
    body = {"script": world.script, "strategy_id": world.id}
    key = {"Idempotency-Key": f"again-{world.number}"}
    first = world.post("start", body, **key)
    world.over()
    world.write(world.text(version="2"))
    assert world.post("start", body, **key).json() == first.json()
    assert world.running == ""


def test_it_is_loud_where_none_is_needed(guarded: Served, unguarded: Served) -> None:
    for served, required in ((guarded, True), (unguarded, False)):
        assert served.client.get("/health").json()["certificates_required"] is required
        text = served.client.get("/metrics").text
        assert f"trading_engine_uncertified_allowed {float(not required)}" in text

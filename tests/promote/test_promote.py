"""From a strategy to a trial at a real engine in a process of its own, and what its handle says."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from rich.console import Console

import workbench as wb
from tests.live.admission.world import certified
from tests.live.promotion.test_promotions import trader
from tests.live.test_service import Service
from tests.waiting import until
from workbench.certificates import KeyPair, key_pair
from workbench.certify.certification import Certification
from workbench.certify.checks import Check, Subject
from workbench.certify.issue import source_of
from workbench.client import EngineClient
from workbench.core.limits import RiskLimits
from workbench.errors import CertificateError, RequestError
from workbench.promote import Handle
from workbench.promote.package import of_strategy, signed_of
from workbench.strategy.loader import load_source


class Place(NamedTuple):
    """A folder with a script, its certificate, and an engine that trusts the key."""

    folder: Path
    key: KeyPair
    script: Path
    certificate: Path
    settings: dict[str, str]

    def engine(self) -> Service:
        return Service(self.folder / "engine", **self.settings)


def place(folder: Path, **canary: float) -> Place:
    key = key_pair(folder / "keys")
    script, certificate = folder / "trader.py", folder / "trader.json"
    script.write_text(trader())
    certificate.write_bytes(certified(key, "trader.py", trader(), strategy="Trader"))
    rollout = folder / "certification.yaml"
    rollout.write_text(yaml.safe_dump({"canary": {"shares": [0.1, 0.5], **canary}}))
    settings = {
        "REQUIRE_CERTIFICATE": "true",
        "TRADING_ENGINE_TRUSTED_KEYS": str(key.public_file.parent),
        "TRADING_ENGINE_CERTIFICATION": str(rollout),
    }
    return Place(folder, key, script, certificate, settings)


class Running(NamedTuple):
    place: Place
    engine: EngineClient


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    here = place(tmp_path_factory.mktemp("promote"), minutes=1000.0)
    service = here.engine()
    try:
        service.ready()
        with EngineClient(data=service.data) as engine:
            yield Running(here, engine)
    finally:
        service.signal(signal.SIGTERM)


def test_a_script_and_its_certificate_are_put_on_trial(running: Running) -> None:
    here, engine = running
    handle = wb.promote(
        here.script, engine, certificate=here.certificate, strategy_id="mine", reason="autumn review"
    )
    assert isinstance(handle, Handle)
    until(lambda: handle.status().fills > 0)
    status, trial = handle.status(), handle.trial()
    assert (status.state, status.capital_share, status.script) == ("running", 0.1, "trader.py")
    assert trial is not None
    assert (trial.state, trial.step, trial.steps, trial.minutes) == ("growing", 0, (0.1, 0.5), 1000.0)
    held = handle.certificate()
    assert (held.holds, held.document["strategy"]) == (True, "Trader")
    assert list(handle.pnl().index) == ["mine"]
    assert set(handle.positions()["symbol"]) <= {"BTC-USD"}
    assert handle.logs() == []
    history = handle.history()
    assert list(history["action"]) == ["promoted"]
    assert (history["reason"].iloc[0], history["share"].iloc[0]) == ("autumn review", 0.1)
    _shows(handle)
    stopped = handle.stop(flatten=True)
    assert stopped.state == "stopped"
    assert list(handle.history()["action"])[-1] == "strategy.stop"


def _shows(handle: Handle) -> None:
    text, html = repr(handle), handle._repr_html_()
    assert "mine: Trader 1 is running" in text
    assert "on trial: step 1 of 2 (10%)" in text
    assert "share of capital and limits" in html
    assert "autumn review" in html
    assert "<script" not in html
    console = Console(width=120, record=True)
    console.print(handle)
    assert "on trial" in console.export_text()


def test_a_certificate_beside_its_script_is_enough(running: Running) -> None:
    here, engine = running
    handle = wb.promote(here.certificate, engine, strategy_id="beside")
    assert handle.status().state == "running"
    handle.stop()


def test_a_notebook_cell_is_sent_as_it_was_written(running: Running) -> None:
    here, engine = running
    cell = trader("cell")
    strategy = load_source(cell, "<cell>")
    data = certified(here.key, "trader.py", cell, strategy="Trader", version="cell")
    handle = wb.promote(strategy, engine, certificate=data, strategy_id="cell")
    assert (handle.status().version, handle.status().state) == ("cell", "running")
    handle.stop()


def test_an_edit_after_the_certification_is_told_before_anything_is_sent(
    running: Running, tmp_path: Path
) -> None:
    here, engine = running
    edited = tmp_path / "trader.py"
    edited.write_text(trader() + "\n")
    with pytest.raises(CertificateError, match=r"trader\.py is not what certificate .* is of"):
        wb.promote(edited, engine, certificate=here.certificate, strategy_id="edited")
    assert "edited" not in engine.strategies().index


def test_what_the_engine_refuses_is_told(running: Running) -> None:
    here, engine = running
    other = load_source(trader("other"), "<cell>")
    with pytest.raises(RequestError, match=r"is not what was certified|has no certificate here") as told:
        wb.promote(other, engine, certified=False, strategy_id="other")
    assert told.value.kind == "forbidden"
    history = engine.history("other")
    assert list(history["outcome"]) == ["refused"]
    assert here.key.id


def certification(here: Place, passed: bool) -> Certification:
    """A finished certification with one line, signed where that passed."""
    prices = wb.synthetic(("BTC-USD",), ("a",), bars=60, seed=1)
    subject = Subject.of(here.script, prices, limits=RiskLimits())
    check = Check("look_ahead_prefix", "honest", passed, "3 of 40 prefixes differ", "0 differ", "look closer")
    return Certification.of(subject, [check], source_of(subject), "", here.key, 1.0)


def test_a_finished_certification_is_sent_as_it_is(running: Running) -> None:
    here, engine = running
    handle = wb.promote(certification(here, True), engine, strategy_id="finished")
    assert handle.certificate().document["scores"][0]["name"] == "look_ahead_prefix"
    handle.stop()


def test_one_that_failed_is_not_sent_and_says_why(running: Running) -> None:
    here, engine = running
    why = r"Trader is not promoted, .*: look_ahead_prefix: 3 of 40 prefixes differ, required 0 differ"
    with pytest.raises(CertificateError, match=why):
        wb.promote(certification(here, False), engine, strategy_id="failing")
    assert "failing" not in engine.strategies().index


def test_a_handle_without_an_engine_says_so(running: Running) -> None:
    here, _ = running
    with EngineClient("http://127.0.0.1:9", "token", retry_s=0.0) as nobody:
        handle = Handle(nobody, "mine")
        assert "mine at http://127.0.0.1:9" in repr(handle)
        assert "127.0.0.1:9" in handle._repr_html_()
    assert here.script.exists()


def test_a_text_that_nobody_knows_cannot_be_sent() -> None:
    strategy = type("Typed", (wb.TradingStrategy,), {"__module__": "typed_into_a_console"})
    with pytest.raises(CertificateError, match="its source text cannot be found"):
        of_strategy(strategy)
    with pytest.raises(CertificateError, match="the certificate cannot be read"):
        signed_of("/nowhere/it.json")


def test_a_certificate_away_from_its_script_says_what_to_name(running: Running, tmp_path: Path) -> None:
    here, _ = running
    away = tmp_path / "away.json"
    away.write_bytes(here.certificate.read_bytes())
    with pytest.raises(CertificateError, match="is not beside it; name the script"):
        of_strategy(away)


def test_a_trial_survives_a_kill_and_grows_with_the_real_comparison(tmp_path: Path) -> None:
    """kill -9 in the first step; the engine that comes after it finishes the trial."""
    here = place(tmp_path, minutes=0.0, min_fills=3, check_seconds=3600.0)
    service = here.engine()
    service.ready()
    with EngineClient(data=service.data) as engine:
        handle = wb.promote(here.certificate, engine, strategy_id="mine")
        until(lambda: handle.status().fills > 3)
        before = handle.trial()
        capital = handle.status().capital
    service.signal(signal.SIGKILL)
    rollout = yaml.safe_load((tmp_path / "certification.yaml").read_text())
    rollout["canary"]["check_seconds"] = 0.2
    (tmp_path / "certification.yaml").write_text(yaml.safe_dump(rollout))
    again = here.engine()
    try:
        again.ready()
        with EngineClient(data=again.data) as engine:
            handle = Handle(engine, "mine")
            assert before is not None
            assert (before.step, before.share) == (0, 0.1)
            until(lambda: "step_passed" in set(handle.history()["action"]))
            status = handle.status()
            assert status.state == "running"
            assert status.capital_share >= 0.5
            assert status.capital == pytest.approx(capital / 0.1 * status.capital_share)
            assert "agree" in handle.history().query("action == 'step_passed'")["reason"].iloc[0]
    finally:
        again.signal(signal.SIGTERM)

"""`wb.replay` and `workbench replay`: a live session carried through again, and what else would have become of it."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import workbench as wb
from live.engine import StartRequest
from live.journal import Journal
from tests.live.engine.desk import open_engine, paper_market, recorded_market, settings_for, until
from tests.live.engine.scripts import write_script
from workbench.backtest.result import BacktestResult
from workbench.cli.app import run
from workbench.core.intents import SetLimits
from workbench.core.limits import RiskLimits
from workbench.data.store import write_parquet
from workbench.errors import ChaosError, DataError, JournalDamaged, JournalError, LimitsError

BARS = 400


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of an engine that has played 400 minutes of two symbols to two strategies."""
    folder = tmp_path_factory.mktemp("session")
    path = folder / "market.parquet"
    write_parquet(wb.synthetic(["BTC-USD", "ETH-USD"], venues=["v"], bars=BARS, seed=3), path)
    market = recorded_market(path, "BTC-USD", "ETH-USD")

    async def play() -> None:
        async with open_engine(settings_for(folder), market) as engine:
            await engine.strategies.start(StartRequest("sma_cross", config={"fast": 5, "slow": 20}))
            await engine.strategies.start(StartRequest("mean_reversion", config={"window": 15, "entry": 1.0}))
            await engine.play()

    asyncio.run(play())
    return folder / "data"


@pytest.fixture(scope="module")
def played(session: Path) -> BacktestResult:
    return wb.replay(session)


def backtested(session: Path, **given: Any) -> BacktestResult:
    costs = {"maker_bps": 1.0, "taker_bps": 4.0, "spread_bps": 2.0}
    return wb.backtest(
        {"sma_cross": "strategies/sma_cross.py", "mean_reversion": "strategies/mean_reversion.py"},
        str(session.parent / "market.parquet"),
        config={"sma_cross": {"fast": 5, "slow": 20}, "mean_reversion": {"window": 15, "entry": 1.0}},
        costs=costs,
        limits=RiskLimits(),
        on_error="contain",
        **given,
    )


def test_it_is_the_session_fill_for_fill(session: Path, played: BacktestResult) -> None:
    assert len(played.fills) > 50
    assert played.strategies == ("sma_cross", "mean_reversion")
    assert len(played.record.feed) == 2 * BARS
    for place in (session / "journal.sqlite", f"sqlite:///{session / 'journal.sqlite'}", str(session)):
        assert wb.replay(place).fingerprint == played.fingerprint


def test_other_limits_change_what_they_should(session: Path, played: BacktestResult) -> None:
    same = wb.replay(session, limits=RiskLimits())
    assert same.fingerprint == played.fingerprint
    none = wb.replay(session, limits={"restricted_list": ["BTC-USD"]})
    symbols = set(none.fills["symbol"])
    assert symbols == {"ETH-USD"}
    assert len(none.signals) == len(played.signals)
    assert none.stats()["orders_refused"] > played.stats()["orders_refused"]


def test_a_part_has_the_prices_and_fills_of_that_part(session: Path, played: BacktestResult) -> None:
    times = played.record.feed.timestamp_ns
    first, last = int(times[200]), int(times[500])
    start, end = (str(np_time) for np_time in times[[200, 500]].astype("datetime64[ns]"))
    part = wb.replay(session, start=start, end=end)
    assert (part.record.feed.timestamp_ns[0], part.record.feed.timestamp_ns[-1]) == (first, last)
    inside = [fill for fill in played.record.recorder.fills if first <= fill.timestamp_ns <= last]
    assert part.record.recorder.fills == inside
    equity = played.record.curves[(times >= first) & (times <= last), 0]
    assert (part.record.curves[:, 0] == equity).all()
    assert part.final_equity == equity[-1]


def test_a_day_holds_its_last_price_too(session: Path, played: BacktestResult) -> None:
    day = played.end.date().isoformat()
    assert len(wb.replay(session, end=day).record.feed) == 2 * BARS


def test_market_faults_are_laid_over_its_prices(session: Path, played: BacktestResult) -> None:
    times = played.record.feed.timestamp_ns.astype("datetime64[ns]")
    start = str(times[300])
    gap = {"kind": "price_gap", "start": start, "duration": "1h", "intensity": -0.2, "target": "BTC-USD"}
    fallen = wb.replay(session, chaos=[gap])
    assert fallen.fingerprint != played.fingerprint
    before, after = played.record.feed.quotes[:, 2], fallen.record.feed.quotes[:, 2]
    inside = (times >= times[300]) & (times < times[300] + np.timedelta64(1, "h"))
    struck = inside & (played.record.feed.instrument == 0)
    assert after[struck] == pytest.approx(0.8 * before[struck])
    assert (after[~struck] == before[~struck]).all()
    assert [str(event.kind) for event in fallen.chaos] == ["price_gap"]
    lost = wb.replay(session, chaos=[{**gap, "kind": "stale_feed", "intensity": 1.0}])
    assert len(lost.record.feed) == 2 * BARS - struck.sum()
    assert (played.record.feed.sequence[lost.record.origin] == lost.record.feed.sequence).all()


def test_venue_faults_strike_the_orders_of_then(session: Path, played: BacktestResult) -> None:
    start = str(played.start.tz_localize(None))
    storm = {"kind": "reject_storm", "start": start, "duration": "7d", "intensity": 1.0, "target": "v"}
    rejected = wb.replay(session, chaos=[storm])
    assert len(rejected.fills) == 0
    assert rejected.stats()["orders_rejected_by_venue"] > 0
    assert len(rejected.signals) == len(played.signals)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"kind": "runaway"}, "a session's signals stay as they were"),
        ({"kind": "price_gap", "target": "DOGE"}, "no symbol or venue 'DOGE'"),
        ({"kind": "price_gap", "start": "1999-01-01"}, "outside the prices"),
    ],
)
def test_chaos_that_makes_no_sense(
    session: Path, played: BacktestResult, event: dict[str, Any], message: str
) -> None:
    usual = {"start": str(played.start.tz_localize(None)), "duration": "1h", "intensity": 1.0}
    if event["kind"] == "price_gap":
        usual["intensity"] = -0.1
    with pytest.raises(ChaosError, match=message):
        wb.replay(session, chaos=[{**usual, **event}])


def test_what_cannot_be_read_says_so_in_one_line(session: Path, tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="found nothing at"):
        wb.replay(tmp_path / "nowhere")
    with pytest.raises(DataError, match="no prices between 1999 and 2000"):
        wb.replay(session, start="1999", end="2000")
    with pytest.raises(LimitsError):
        wb.replay(session, limits={"no_such_limit": 1})
    Journal.open(f"sqlite:///{tmp_path / 'journal.sqlite'}").close()
    with pytest.raises(JournalError, match="is empty: no engine has traded with it"):
        wb.replay(tmp_path)
    text = tmp_path / "text.sqlite"
    text.write_text("no journal at all")
    with pytest.raises(JournalError) as found:
        wb.replay(text)
    assert "\n" not in str(found.value)


def test_a_damaged_record_is_named(session: Path, tmp_path: Path) -> None:
    copy = tmp_path / "journal.sqlite"
    shutil.copy(session / "journal.sqlite", copy)
    with sqlite3.connect(copy) as database:
        (name,) = [
            row[0]
            for row in database.execute("select name from sqlite_master where type = 'table'")
            if "record" in row[0]
        ]
        database.execute(f"update {name} set payload = x'00' where sequence = 100")
    database.close()
    with pytest.raises(JournalDamaged, match="100"):
        wb.replay(copy)


def test_limits_that_were_changed_meanwhile_are_those_of_then(tmp_path: Path) -> None:
    """And given ones hold from the beginning, whatever was changed."""

    async def trade() -> None:
        async with open_engine(settings_for(tmp_path), paper_market(2.0)) as engine:
            await engine.strategies.start(StartRequest("market_making", "mm"))
            await until(lambda: engine.machine.blotter.cursor > 20)
            await engine.ask(SetLimits(RiskLimits(restricted_list=["BTC-USD", "ETH-USD"])))
            then = engine.machine.applied
            await until(lambda: engine.machine.applied > then + 300)

    asyncio.run(trade())
    was, never = wb.replay(tmp_path / "data"), wb.replay(tmp_path / "data", limits=RiskLimits())
    assert was.stats()["orders_refused"] > never.stats()["orders_refused"]
    assert "restricted" in was.stats()["refusal_reasons"]


def test_venues_that_match_by_themselves_are_matched_by_the_rulebook_where_orders_may_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    market = paper_market(5.0)
    market["venues"] = {name: {**venue, "kind": "book"} for name, venue in market["venues"].items()}
    buy = "return [] if self.positions else [MarketSignal(price_update.symbol, None, 0.01, 1.0)]"
    write_script(tmp_path / "scripts", "buyer", buy)

    async def trade() -> None:
        settings = settings_for(tmp_path, strategies_path=tmp_path / "scripts")
        async with open_engine(settings, market) as engine:
            await engine.strategies.start(StartRequest("buyer"))
            await until(lambda: engine.machine.desk.position(0, "BTC-USD") > 0)

    asyncio.run(trade())
    was = wb.replay(tmp_path / "data")
    matched = wb.replay(tmp_path / "data", rematch=True)
    limits = wb.replay(tmp_path / "data", limits=RiskLimits())
    assert len(was.fills) > 0
    assert len(matched.fills) > 0
    assert matched.fingerprint == limits.fingerprint
    assert wb.replay(tmp_path / "data", limits={"restricted_list": ["BTC-USD", "ETH-USD"]}).fills.empty
    status, out, _ = called(capsys, str(tmp_path / "data"), "--limits", "off")
    assert status == 0
    assert "Both are matched by the rulebook" in out


def called(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = run(["replay", *arguments])
    found = capsys.readouterr()
    return status, found.out, found.err


def test_the_command_shows_it_and_what_would_have_been(
    session: Path, played: BacktestResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, out, _ = called(capsys, str(session))
    assert status == 0
    assert repr(played) in out
    assert played.fingerprint in out
    assert "What would have been" not in out
    limits, page = tmp_path / "limits.yaml", tmp_path / "page.html"
    limits.write_text("risk_limits:\n  restricted_list: [BTC-USD]\n")
    status, out, err = called(capsys, str(session), "--limits", str(limits), "--html", str(page))
    assert (status, err) == (0, f"page written to {page}\n")
    assert "What would have been" in out
    assert "rulebook" not in out
    assert "<html" in page.read_text()
    status, out, _ = called(capsys, str(session), "--limits", str(limits), "--json")
    answer = json.loads(out)
    assert answer["fingerprint"] == answer["before"]["fingerprint"] == played.fingerprint
    assert answer["after"]["stats"]["fills"] < answer["before"]["stats"]["fills"]


def test_the_command_takes_faults_and_a_part(
    session: Path, played: BacktestResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times = played.record.feed.timestamp_ns.astype("datetime64[ns]").astype("datetime64[s]")
    events = tmp_path / "events.yaml"
    events.write_text(
        f"- {{kind: price_gap, start: '{times[300]}', duration: 1h, intensity: -0.2, target: BTC-USD}}\n"
    )
    part = ("--from", str(times[250]), "--to", str(times[600]))
    status, out, err = called(capsys, str(session), *part, "--chaos", str(events), "--json")
    assert (status, err) == (0, "")
    answer = json.loads(out)
    assert answer["after"]["fingerprint"] != answer["before"]["fingerprint"]
    assert answer["stats"]["updates"] < 2 * BARS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("nowhere",),
            "error: expected a journal's file, its URL or an engine's data folder, found nothing at",
        ),
        (("{session}", "--from", "soon"), "error: expected a date such as"),
        (("{session}", "--limits", "nowhere.yaml"), "error: nowhere.yaml"),
        (("{session}", "--chaos", "nowhere.yaml"), "error: nowhere.yaml: no such file"),
        (("{session}", "--html", "no/such/page.html"), "error: no/such/page.html: no folder"),
    ],
)
def test_the_command_says_what_is_wrong_in_one_line(
    session: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], message: str
) -> None:
    status, out, err = called(capsys, *(a.format(session=session) for a in arguments))
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(message)

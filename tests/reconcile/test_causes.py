"""Each cause of a difference is planted for real, and named; without the search for causes it is unexplained."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from live.engine import Engine, StartRequest
from tests.live.engine.desk import paper_market
from tests.live.engine.test_sessions import book_market
from tests.reconcile.sessions import TURNS, by_the_clock, compared, in_lock_step, scripts
from workbench.core.costs import Costs
from workbench.reconcile.causes import UNEXPLAINED
from workbench.reconcile.result import Reconciliation

LIVE = Costs(spread_bps=2, maker_bps=1, taker_bps=4)


@pytest.fixture(scope="module")
def lock_step(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return in_lock_step(tmp_path_factory.mktemp("lock-step"), "turning", bars=60)


def named(found: Reconciliation, cause: str) -> None:
    """Fills differ, all for this cause, and nothing is left over."""
    assert len(found.fills) > 0
    assert set(found.fills["cause"]) == {cause}
    assert found.unexplained_pnl == found.unexplained_bps == 0.0
    assert found.causes.loc[cause, "fills"] == len(found.fills)
    assert found.causes["pnl"].sum() == pytest.approx(found.fills["pnl"].sum())


def test_other_fees(lock_step: Path) -> None:
    found = compared(lock_step, costs=Costs(spread_bps=2, maker_bps=1, taker_bps=6))
    named(found, "fee")
    assert found.ok
    fills = found.fills
    assert len(fills) == found.figures().fills
    np.testing.assert_allclose(fills["replay_fee"], 1.5 * fills["live_fee"])  # 6 bps in place of 4
    np.testing.assert_allclose(fills["pnl"], 0.5 * fills["live_fee"])
    assert (fills["live_price"] == fills["replay_price"]).all()


def test_without_the_search_for_causes_the_difference_is_unexplained(lock_step: Path) -> None:
    fees = Costs(spread_bps=2, maker_bps=1, taker_bps=6)
    found = compared(lock_step, costs=fees, attribute=False)
    assert not found.ok
    assert set(found.fills["cause"]) == {UNEXPLAINED}
    explained = compared(lock_step, costs=fees)
    assert found.unexplained_pnl == pytest.approx(explained.causes.loc["fee", "pnl"])
    assert found.unexplained_bps == pytest.approx(1e4 * found.unexplained_pnl / found.turnover)
    assert found.unexplained_bps == pytest.approx(2.0)  # all taken, at 2 basis points more


def test_latency_of_the_venue(tmp_path: Path) -> None:
    data = in_lock_step(tmp_path, "turning", bars=60, latency_ms=90_000)
    found = compared(data)
    named(found, "latency")
    assert found.ok
    both = found.fills.dropna(subset=["live_timestamp", "replay_timestamp"])
    assert (both["live_timestamp"] > both["replay_timestamp"]).all()
    assert not compared(
        data, costs=Costs(spread_bps=2, maker_bps=1, taker_bps=4, latency_seconds=90.0)
    ).differences


def without_a_price(data: Path) -> Iterator[str]:
    """Drop from the recording the prices at which there were fills in the middle; when they were."""
    fills = compared(data, costs=LIVE.scaled(2.0)).fills
    moment = fills["live_timestamp"].iloc[len(fills) // 2]
    for path in (data / "market").glob("prices-*.parquet"):
        table = pq.read_table(path)
        times = table["timestamp"].to_pandas()
        left = table.filter(pa.array(times != moment))
        if len(left) < len(table):
            pq.write_table(left.replace_schema_metadata(table.schema.metadata), path)
            yield str(moment)


def test_a_price_that_the_recording_lacks(tmp_path: Path) -> None:
    data = in_lock_step(tmp_path, "turning", bars=60)
    assert compared(data).ok
    (moment,) = without_a_price(data)
    found = compared(data)
    named(found, "data")
    assert found.ok
    assert str(found.fills["live_timestamp"].min()) == moment
    assert any("lacks 2 prices" in note for note in found.notes)
    assert not compared(data, prices=False).differences  # the journal has them


def test_prices_that_a_strategy_that_was_stuck_was_never_shown(tmp_path: Path) -> None:
    async def happens(engine: Engine) -> None:
        await engine.strategies.start(StartRequest("stuck", config={"every": 41}, warm_up=False))
        await asyncio.sleep(1.5)
        assert engine.strategies.processes.conflated > 0

    market = paper_market(4.0)
    del market["venues"]["b"]
    data = by_the_clock(tmp_path, happens, market=market, strategy_hard_ms=20_000.0)
    found = compared(data)
    assert found.ok
    assert {"data"} <= set(found.fills["cause"]) <= {"data", "latency"}
    assert not found.logic


def test_a_strategy_that_takes_its_time(tmp_path: Path) -> None:
    async def happens(engine: Engine) -> None:
        await engine.strategies.start(StartRequest("slow", warm_up=False))
        await asyncio.sleep(0.7)

    market = paper_market(20.0)
    del market["venues"]["b"]
    data = by_the_clock(tmp_path, happens, market=market)
    named(compared(data), "latency")


def test_code_that_was_edited_under_the_same_name(lock_step: Path, tmp_path: Path) -> None:
    edited = scripts(tmp_path, turning=TURNS.replace("held > 0", "held >= 0"))
    found = compared(lock_step, code=edited)
    named(found, "logic")
    assert not found.ok
    assert "others than live" in found.logic["turning"]
    assert compared(lock_step, code=scripts(tmp_path)).ok


def test_code_that_is_not_what_ran_is_not_run(tmp_path: Path) -> None:
    data = in_lock_step(tmp_path, "turning", bars=40)
    (kept,) = (data / "started").glob("*/turning.py")
    kept.write_text(kept.read_text().replace("held > 0", "held >= 0"))
    found = compared(data)
    assert not found.ok
    assert "turning" in found.problems
    assert set(found.fills["cause"]) == {UNEXPLAINED}
    assert len(found.fills) == found.figures().fills > 0


def test_a_strategy_that_answers_by_chance(tmp_path: Path) -> None:
    found = compared(in_lock_step(tmp_path, "guessing", bars=60))
    named(found, "logic")
    assert not found.ok


def test_a_venue_with_an_order_book_of_its_own(tmp_path: Path) -> None:
    async def happens(engine: Engine) -> None:
        await engine.strategies.start(StartRequest("turning", warm_up=False))
        await engine.strategies.start(StartRequest("resting", warm_up=False))
        await asyncio.sleep(1.5)

    found = compared(by_the_clock(tmp_path, happens, market=book_market(latency_ms=5.0)))
    assert found.ok
    assert "venue" in set(found.fills["cause"]) <= {"venue", "latency"}
    assert found.unexplained_pnl == 0.0


def test_both_a_fee_and_latency_are_told_apart(tmp_path: Path) -> None:
    data = in_lock_step(tmp_path, "turning", bars=60, latency_ms=90_000)
    found = compared(data, costs=Costs(spread_bps=2, maker_bps=1, taker_bps=6))
    assert set(found.fills["cause"]) <= {"fee", "latency"}
    assert found.unexplained_pnl == 0.0
    effects: Any = found.causes["pnl"]
    assert effects.sum() == pytest.approx(found.figures().pnl)


def rewritten(data: Path, keep: Any) -> None:
    """The recording with those rows alone whose time in UTC nanoseconds is one to `keep`."""
    for path in (data / "market").glob("prices-*.parquet"):
        table = pq.read_table(path)
        times = table["timestamp"].cast(pa.int64()).to_numpy()
        left = table.filter(pa.array([bool(keep(time)) for time in times.tolist()]))
        pq.write_table(left.replace_schema_metadata(table.schema.metadata), path)


def times_of(data: Path) -> list[int]:
    (path,) = (data / "market").glob("prices-*.parquet")
    return sorted(set(pq.read_table(path)["timestamp"].cast(pa.int64()).to_pylist()))


def test_a_morning_that_the_recording_lost_is_data(tmp_path: Path) -> None:
    """What lies before the first recorded price of the part is not older than the recording, which began before."""
    data = in_lock_step(tmp_path, "turning", bars=60)
    times = times_of(data)
    start, until = times[20], times[40]
    assert not compared(data, start=pd.Timestamp(start, tz="UTC")).differences
    rewritten(data, lambda time: not start <= time < until)
    found = compared(data, start=pd.Timestamp(start, tz="UTC"))
    named(found, "data")
    assert any("lacks 40 prices" in note for note in found.notes)


def test_a_part_without_any_recorded_price_is_noted(tmp_path: Path) -> None:
    data = in_lock_step(tmp_path, "turning", bars=60)
    times = times_of(data)
    start, end = times[20], times[40]
    part = {"start": pd.Timestamp(start, tz="UTC"), "end": pd.Timestamp(end - 1, tz="UTC")}
    rewritten(data, lambda time: not start <= time < end)
    found = compared(data, **part)
    assert "the recording has no price of this part" in found.notes
    assert any("lacks 40 prices" in note for note in found.notes)
    assert set(found.fills["cause"]) == {"data"}


def test_a_part_before_the_recording_begins_is_that_of_the_journal_and_noted(tmp_path: Path) -> None:
    data = in_lock_step(tmp_path, "turning", bars=60)
    times = times_of(data)
    rewritten(data, lambda time: time >= times[40])
    found = compared(data, end=pd.Timestamp(times[40] - 1, tz="UTC"))
    assert not found.differences
    assert found.notes == (
        "the recording has no price of this part",
        "the recording begins after 80 prices of this part, which are those of the journal",
    )
    (path,) = (data / "market").glob("prices-*.parquet")
    path.unlink()
    assert compared(data).notes == ("the recording has no price of this part",)

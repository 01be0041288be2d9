"""The same work over a cluster: a real scheduler and real worker processes on this machine, some of which die."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from tests.sweeps.test_processes import Turns
from workbench.errors import ConfigError, StrategyError
from workbench.sweeps.api import sweep
from workbench.sweeps.cluster import connect
from workbench.sweeps.optimize import optimize

CROSS = "strategies/sma_cross.py"
PARAMS: dict[str, Any] = {"fast": range(2, 12), "slow": range(12, 30)}

pytestmark = [
    # distributed's own: a socket or a file that is closed only when its object goes, at the death of a worker.
    pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    import distributed

    library: Any = distributed  # not all of it has types
    with (
        library.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        library.Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def at_tick(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Pieces are made small, and what is given is done once, when the first columns are finished."""

    def arrange(what: Callable[[], object]) -> None:
        done: list[int] = []

        def tick(count: int) -> None:
            done.append(count)
            if len(done) == 1:
                what()

        monkeypatch.setattr("workbench.sweeps.cluster.PIECE_SECONDS", 0.02)
        monkeypatch.setattr("workbench.sweeps.job.progress_bar", lambda *_: nullcontext(tick))

    return arrange


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    """Bit for bit."""
    pd.testing.assert_frame_equal(left, right, check_exact=True)
    for name in (name for name in left.columns if left[name].dtype.kind in "fi"):
        assert left[name].to_numpy().tobytes() == right[name].to_numpy().tobytes()


def test_the_answer_is_the_local_one_bit_for_bit(client: Any, pair: wb.Prices) -> None:
    chaos = {"none": (), "runaway": [wb.ChaosEvent("runaway", "2024-01-01 02:00", "30min", intensity=3.0)]}
    params: dict[str, Any] = {**PARAMS, "unit": [0.5, 2.0]}
    settings: dict[str, Any] = {"chaos": chaos, "each_instrument": True, "initial_cash": 50_000.0}
    local = sweep(CROSS, pair, params, **settings)
    spread = sweep(CROSS, pair, params, client=client, **settings)
    assert len(local.table) == 4 * 2 * 180 * 2
    assert local.table["trades"].max() > 5
    same(spread.table, local.table)
    where = {"instrument": "BTC-USD@exchange-1", "chaos": "runaway", "fast": 2, "slow": 12, "unit": 2.0}
    assert spread.column(**where).fingerprint == local.column(**where).fingerprint


def test_a_worker_that_is_killed_in_the_middle_loses_nothing(
    client: Any, at_tick: Callable[[Callable[[], object]], None]
) -> None:
    prices = wb.synthetic(symbols=["BTC-USD"], venues=["exchange-1"], bars=4_000, seed=2)
    params = {"fast": range(2, 32), "slow": range(40, 100)}
    local = sweep(CROSS, prices, params)
    pid = next(iter(client.run(os.getpid).values()))
    at_tick(lambda: os.kill(pid, signal.SIGKILL))
    spread = sweep(CROSS, prices, params, client=client)
    assert pid not in client.run(os.getpid).values()
    assert not spread.interrupted
    same(spread.table, local.table)


def test_a_plain_strategy_finds_the_same_there_and_dies_alone(client: Any, minutes: wb.Prices) -> None:
    local = sweep(Turns, minutes, {"every": [0, 5, 7], "mood": ["calm", "raises"]}, workers=1)
    before = set(client.run(os.getpid).values())
    spread = sweep(Turns, minutes, {"every": [0, 5, 7], "mood": ["calm", "raises", "exits"]}, client=client)
    lost = spread.table.isna().all(axis=1)
    assert lost[lost].index.tolist() == [(5, "exits")]
    moods = spread.table.index.get_level_values("mood")
    pd.testing.assert_frame_equal(
        spread.table[moods != "exits"], local.table, check_exact=True, check_dtype=False
    )
    assert set(client.run(os.getpid).values()) == before  # the strategy's process died, and no worker with it


def reversal(prices: pd.DataFrame, span: int = 5) -> Any:
    """A signal function."""
    return -np.sign(prices["close"].diff(span))


def test_a_signal_function_finds_the_same_there(client: Any, minutes: wb.Prices) -> None:
    local = sweep(reversal, minutes, {"span": range(2, 12)})
    assert local.table["trades"].min() > 0
    same(sweep(reversal, minutes, {"span": range(2, 12)}, client=client).table, local.table)


def test_a_search_finds_the_same_there(client: Any, minutes: wb.Prices) -> None:
    space = {"fast": range(2, 20), "slow": (20, 60)}
    local = optimize(CROSS, minutes, space, trials=20, batch=10)
    same(optimize(CROSS, minutes, space, trials=20, batch=10, client=client).table, local.table)


def test_ctrl_c_keeps_what_came_back(
    client: Any, at_tick: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    at_tick(interrupt)
    prices = wb.synthetic(symbols=["BTC-USD"], venues=["exchange-1"], bars=4_000, seed=2)
    params = {"fast": range(2, 32), "slow": range(40, 100)}
    found = sweep(CROSS, prices, params, client=client)
    assert found.interrupted
    assert 0 < len(found.table) < 1_800
    assert (
        f"interrupted: {len(found.table):,} of 1,800 columns are finished and kept" in capsys.readouterr().err
    )
    whole = sweep(CROSS, prices, params)  # the cluster is free again, and what was kept is right
    same(found.table, whole.table.loc[found.table.index])


def test_workers_of_another_version_are_one_error(
    client: Any, minutes: wb.Prices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.sweeps.remote._version", lambda: "Python 2.7, workbench none")
    with pytest.raises(ConfigError, match=r"have other versions .* install the same on all"):
        sweep(CROSS, minutes, PARAMS, client=client)


class Unreadable:
    """Can be packed, and not read."""

    def __reduce__(self) -> Any:
        return eval, ("no_such_name",)


class Carries(Turns):
    """Has something beside it that no worker can read."""

    LOAD: ClassVar = Unreadable()


def test_a_strategy_that_workers_cannot_read_is_one_error(client: Any, minutes: wb.Prices) -> None:
    with pytest.raises(StrategyError, match="a worker process cannot read the strategy: NameError"):
        sweep(Carries, minutes, {"every": [5]}, client=client)


def test_an_address_and_a_cluster_will_do(client: Any, minutes: wb.Prices) -> None:
    for given in (client.scheduler.address, client.cluster):
        found = sweep(CROSS, minutes, {"fast": [2, 3], "slow": [9]}, client=given)
        assert found.trials == 2
    assert client.status == "running"


def test_a_cluster_that_is_lost_leaves_what_was_finished(
    at_tick: Callable[[Callable[[], object]], None], capsys: pytest.CaptureFixture[str]
) -> None:
    import distributed

    prices = wb.synthetic(symbols=["BTC-USD"], venues=["exchange-1"], bars=4_000, seed=2)
    library: Any = distributed
    cluster = library.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=":0"
    )
    with library.Client(cluster, set_as_default=False, timeout=0.5) as mine:
        at_tick(cluster.close)
        found = sweep(CROSS, prices, {"fast": range(2, 32), "slow": range(40, 100)}, client=mine)
        assert found.interrupted
        assert 0 < len(found.table) < 1_800
        said = capsys.readouterr().err
        assert "the cluster was lost\n" in said
        assert f"interrupted: {len(found.table):,} of 1,800 columns are finished and kept" in said
    with pytest.raises(ConfigError, match="client is closed: connect a new one"):
        connect(mine)

"""The same work over a cluster: a real scheduler and real worker processes on this machine, one of which dies."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest

import workbench as wb
from workbench.errors import ConfigError

CROSS = "strategies/sma_cross.py"

pytestmark = [
    pytest.mark.filterwarnings("ignore"),  # of distributed's own, at start and at the death of a worker
    pytest.mark.timeout(240),
]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    import distributed

    library: Any = distributed  # it has no types
    with (
        library.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        library.Client(cluster) as client,
    ):
        yield client


def test_the_answer_is_the_local_one_bit_for_bit(client: Any, minutes: wb.Prices) -> None:
    params = {"fast": range(2, 12), "slow": range(12, 30)}
    local = wb.sweep(CROSS, minutes, params)
    spread = wb.sweep(CROSS, minutes, params, client=client)
    pd.testing.assert_frame_equal(spread.table, local.table, check_exact=True)
    assert spread.column(fast=2, slow=12).fingerprint == local.column(fast=2, slow=12).fingerprint


def test_an_address_will_do(client: Any, minutes: wb.Prices) -> None:
    found = wb.sweep(CROSS, minutes, {"fast": [2, 3], "slow": [9]}, client=client.scheduler.address)
    assert found.trials == 2


def test_a_worker_that_dies_in_the_middle_loses_nothing(client: Any) -> None:
    prices = wb.synthetic(symbols=["BTC-USD"], venues=["exchange-1"], bars=20_000, seed=2)
    params = {"fast": range(2, 42), "slow": range(50, 150)}
    local = wb.sweep(CROSS, prices, params)
    [pid, *_] = client.run(os.getpid).values()

    def kill() -> None:
        time.sleep(1.0)
        os.kill(pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    spread = wb.sweep(CROSS, prices, params, client=client)
    killer.join()
    pd.testing.assert_frame_equal(spread.table, local.table, check_exact=True)


def test_an_address_where_nobody_is_says_so_at_once(minutes: wb.Prices) -> None:
    started = time.monotonic()
    with pytest.raises(ConfigError) as caught:
        wb.sweep(CROSS, minutes, {"fast": [2], "slow": [9]}, client="tcp://127.0.0.1:9")
    assert "\n" not in str(caught.value)
    assert "127.0.0.1:9" in str(caught.value)
    assert time.monotonic() - started < 30.0

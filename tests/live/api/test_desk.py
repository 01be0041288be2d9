"""What a risk desk asks for: who it is, every limit with its use, correlations, and the way of the equity."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pytest

from live.api.desk_views import _matrix
from live.api.equity_history import Curve
from live.api.roles import NEEDS, Role
from tests.live.api.server import Served, serve
from workbench.core.limits import (
    MonitorSettings,
    NotionalLimits,
    PositionLimit,
    RiskLimits,
)


def _until(fact: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


@pytest.mark.parametrize("role", Role)
def test_everybody_learns_who_they_are_and_what_they_may(served: Served, role: Role) -> None:
    told = served.as_role(role).get("/api/v1/whoami").json()
    assert told["person"] == role.name.lower()
    assert told["role"] == role.name.lower()
    assert set(told["may"]) == {action for action, needed in NEEDS.items() if role >= needed}


def test_limits_and_what_is_used_of_them_are_the_ledgers(tmp_path_factory: pytest.TempPathFactory) -> None:
    limits = RiskLimits(
        position_limits={"BTC-USD": PositionLimit(2.0, -1.0)},
        notional_limits=NotionalLimits(
            per_venue=400_000.0, per_instrument=300_000.0, net_portfolio=500_000.0
        ),
    )
    with serve(tmp_path_factory.mktemp("engine"), limits=limits) as served:
        body = {"script": "trader", "strategy_id": "t-1"}
        assert served.client.post("/api/v1/strategies/start", json=body).status_code == 200
        _until(lambda: len(served.client.get("/api/v1/fills").json()["fills"]) >= 5)
        assert served.client.post("/api/v1/strategies/t-1/pause").status_code == 200
        share = {"limits": {"concentration_limits": {"max_symbol_share": 0.9, "min_gross": 0.0}}}
        assert served.client.put("/api/v1/risk/limits", json=share).status_code == 200

        async def both() -> tuple[Any, Any]:
            from live.api import debug_views, desk_views

            return desk_views.exposures(served.engine), debug_views.ledger(served.engine)

        found, ledger = served.call(both())
        lines = {(line.scope, line.target, line.limit_type): line for line in found.lines}
        gross = sum(row.exposure for row in ledger.rows)
        assert gross > 0.0
        assert lines["portfolio", "", "total_portfolio"].value == pytest.approx(gross)
        assert lines["strategy", "t-1", "per_strategy"].value == pytest.approx(gross)
        assert lines["venue", "a", "per_venue"].use == pytest.approx(gross / 400_000.0)
        assert lines["instrument", "BTC-USD@a", "per_instrument"].limit == 300_000.0
        held = sum(row.quantity + row.working_buy for row in ledger.rows)
        assert lines["symbol", "BTC-USD", "max_long"].value == pytest.approx(max(0.0, held))
        assert lines["symbol", "BTC-USD", "max_long"].limit == 2.0
        assert lines["symbol", "BTC-USD", "max_symbol_share"].value == pytest.approx(1.0)
        assert ("symbol", "ETH-USD", "max_long") not in lines  # it has no limit
        assert lines["strategy", "t-1", "max_daily_trades"].unit == "orders"
        told = served.client.get("/api/v1/risk/exposures").json()
        assert [line["limit_type"] for line in told["lines"]] == [line.limit_type for line in found.lines]


def test_correlations_are_told_once_there_are_samples_enough(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    limits = RiskLimits(
        monitors=MonitorSettings(interval_seconds=0.05, window=32, max_holding_correlation=0.99)
    )
    with serve(tmp_path_factory.mktemp("engine"), limits=limits) as served:

        def ask() -> Any:
            return served.client.get("/api/v1/risk/correlations").json()

        _until(lambda: ask()["by_instrument"])
        told = ask()
        assert told["instruments"] == ["BTC-USD@a", "ETH-USD@a", "BTC-USD@b", "ETH-USD@b"]
        assert told["samples"] >= told["needed"] == 8
        matrix = np.array(told["by_instrument"])
        assert matrix == pytest.approx(matrix.T)
        assert (np.abs(matrix) <= 1.0).all()
        assert (np.diag(matrix) == 1.0).all()


def test_a_matrix_is_numpys_and_what_does_not_move_has_none() -> None:
    samples = np.random.default_rng(3).normal(size=(40, 3))
    still = np.column_stack([samples, np.zeros(40)])
    found = np.array(_matrix(still))
    assert found[:3, :3] == pytest.approx(np.corrcoef(samples.T))
    assert found[3].tolist() == [0.0, 0.0, 0.0, 1.0]


def test_the_way_of_the_equity_is_kept_by_the_second_then_by_the_minute(served: Served) -> None:
    _until(lambda: len(served.client.get("/api/v1/portfolio/history").json()["points"]) >= 2)
    points = served.client.get("/api/v1/portfolio/history").json()["points"]
    assert [p["ns"] for p in points] == sorted(p["ns"] for p in points)
    assert points[-1]["equity"] > 0.0

    async def an_hour() -> tuple[int, int]:
        curve = Curve(served.engine)
        book = served.engine.machine.desk.book
        begun = int(book.now_ns)
        try:
            for second in range(3_600):
                book.now_ns = begun + second * 1_000_000_000
                curve.look()
                curve.look()  # time stands still: nothing is noted twice
        finally:
            book.now_ns = begun
        return len(curve._coarse), len(curve._fine)

    assert served.call(an_hour()) == (45, 900)  # 2,700 seconds thinned to minutes, and the newest 900

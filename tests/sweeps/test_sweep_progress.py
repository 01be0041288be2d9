"""Whoever asks for the progress of a sweep or campaign is told, and can stop it."""

from __future__ import annotations

from pathlib import Path

import workbench as wb

SCRIPT = Path(__file__).parents[2] / "strategies" / "sma_cross.py"
GRID = {"fast": [2, 3, 4], "slow": [10, 20]}


def prices() -> wb.Prices:
    return wb.synthetic(["A"], ["x"], bars=300)


def test_a_function_is_told_of_every_column() -> None:
    told: list[tuple[int, int]] = []
    wb.sweep(SCRIPT, prices(), GRID, progress=lambda done, total: told.append((done, total)))
    assert told[-1] == (6, 6)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_what_it_raises_as_by_ctrl_c_stops_the_sweep_and_keeps_what_is_finished() -> None:
    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    found = wb.sweep(SCRIPT, prices(), GRID, progress=stop)
    assert found.interrupted
    assert 0 < found.trials <= 6


def test_a_campaign_tells_of_every_cell() -> None:
    told: list[tuple[int, int]] = []
    wb.campaign(
        SCRIPT,
        prices(),
        kinds=["price_gap"],
        intensities=2,
        starts=1,
        progress=lambda done, total: told.append((done, total)),
    )
    assert told[-1] == (2, 2)

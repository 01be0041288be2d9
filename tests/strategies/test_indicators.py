"""The running sums of the scripts against the same figures taken from whole windows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from workbench.strategy import MarketSignal, PriceUpdate, TradingStrategy

Make = Callable[..., TradingStrategy]
Tick = Callable[..., PriceUpdate]
Drive = Callable[[TradingStrategy, Sequence[PriceUpdate]], list[tuple[int, MarketSignal]]]

ROWS = 3_000
WALK = np.random.default_rng(7)
HEDGE = 30_000.0 * np.exp(np.cumsum(WALK.normal(0.0, 0.001, ROWS)))
ASSET = 0.06 * HEDGE * np.exp(np.cumsum(WALK.normal(0.0, 0.0003, ROWS)))


def test_moving_averages(make: Make, tick: Tick, drive: Drive) -> None:
    signals = drive(make("sma_cross"), [tick(i, price) for i, price in enumerate(HEDGE.tolist())])
    fast, slow = (np.convolve(HEDGE, np.ones(n) / n)[:ROWS] for n in (10, 50))
    above = fast > slow
    crosses = [(i, float(above[i])) for i in range(50, ROWS) if above[i] != above[i - 1]]
    assert len(crosses) > 50
    assert [(number, signal.signal_strength) for number, signal in signals] == crosses


def test_efficiency(make: Make, tick: Tick, drive: Drive) -> None:
    signals = drive(make("momentum"), [tick(i, price) for i, price in enumerate(HEDGE.tolist())])
    path = np.abs(np.diff(HEDGE))
    efficiency = {i: (HEDGE[i] - HEDGE[i - 60]) / path[i - 60 : i].sum() for i in range(60, ROWS)}
    assert len(signals) > 10
    for number, signal in signals:
        side = signal.signal_strength
        assert side * efficiency[number] >= 0.3 if side else abs(efficiency[number]) < 0.3


def test_z_scores(make: Make, tick: Tick, drive: Drive) -> None:
    signals = drive(make("mean_reversion"), [tick(i, price) for i, price in enumerate(HEDGE.tolist())])
    side, waiting, expected = 0.0, False, []
    for i in range(59, ROWS):
        window = HEDGE[i - 59 : i + 1]
        z = (window[-1] - window.mean()) / window.std()
        former = side
        if abs(z) >= 4.0:
            side, waiting = 0.0, True
        elif abs(z) <= 0.5:
            side, waiting = 0.0, False
        elif abs(z) >= 2.0 and not waiting:
            side = -float(np.sign(z))
        elif side * z > 0.0:
            side = 0.0
        if side != former:
            expected.append((i, side))
    assert len(expected) > 50
    assert [(number, signal.signal_strength) for number, signal in signals] == expected


def test_channels(make: Make, tick: Tick, drive: Drive) -> None:
    signals = drive(make("donchian"), [tick(i, price) for i, price in enumerate(HEDGE.tolist())])
    side, expected = 0.0, []
    for i in range(60, ROWS):
        price, wide, narrow = HEDGE[i], HEDGE[i - 60 : i], HEDGE[i - 30 : i]
        former = side
        if price > wide.max():
            side = 1.0
        elif price < wide.min():
            side = -1.0
        elif (side > 0.0 and price < narrow.min()) or (side < 0.0 and price > narrow.max()):
            side = 0.0
        if side != former:
            expected.append((i, side))
    assert len(expected) > 30
    assert [(number, signal.signal_strength) for number, signal in signals] == expected


def test_bands(make: Make, tick: Tick, drive: Drive) -> None:
    signals = drive(make("bollinger"), [tick(i, price) for i, price in enumerate(HEDGE.tolist())])
    side, before, expected = 0.0, 0.0, []
    for i in range(19, ROWS):
        window = HEDGE[i - 19 : i + 1]
        above, band = window[-1] - window.mean(), 2.0 * window.std()
        outside = float(np.sign(above)) if abs(above) > band else 0.0
        former = side
        if side == 0.0:
            if before and not outside and before * above > 0.0:
                side = -before
        elif side * above >= 0.0 or side * outside < 0.0:
            side = 0.0
        before = outside
        if side != former:
            expected.append((i, side))
    assert len(expected) > 100
    assert [(number, signal.signal_strength) for number, signal in signals] == expected


def test_relative_strength(make: Make, tick: Tick, drive: Drive) -> None:
    signals = drive(make("rsi"), [tick(i, price) for i, price in enumerate(HEDGE.tolist())])
    change = np.diff(HEDGE)
    side, expected = 0.0, []
    up, down = np.maximum(change, 0.0), np.maximum(-change, 0.0)
    gain, loss = up[:14].mean(), down[:14].mean()
    for i in range(14, ROWS):
        if i > 14:
            gain, loss = (13.0 * gain + up[i - 1]) / 14.0, (13.0 * loss + down[i - 1]) / 14.0
        index, former = 100.0 - 100.0 / (1.0 + gain / loss), side
        if index <= 30.0:
            side = 1.0
        elif index >= 70.0:
            side = -1.0
        elif (side > 0.0 and index >= 50.0) or (side < 0.0 and index <= 50.0):
            side = 0.0
        if side != former:
            expected.append((i, side))
    assert len(expected) > 40
    assert [(number, signal.signal_strength) for number, signal in signals] == expected


def test_hedge_ratios_and_the_wait_behind_the_stop(make: Make, tick: Tick, drive: Drive) -> None:
    updates = [
        update
        for i in range(ROWS)
        for update in (tick(i, float(HEDGE[i]), "BTC-USD"), tick(i, float(ASSET[i]), "ETH-USD"))
    ]
    signals = drive(make("pairs", entry=1.5, stop=2.0), updates)
    side, waiting, waited, expected = 0.0, False, 0, []
    for minute in range(119, ROWS):
        hedge, asset = (prices[minute - 119 : minute + 1] for prices in (HEDGE, ASSET))
        ratio, level = np.polyfit(hedge - hedge.mean(), asset, 1)
        residual = asset - level - ratio * (hedge - hedge.mean())
        z = residual[-1] / residual.std()
        former = side
        if abs(z) >= 2.0:
            side, waiting = 0.0, True
        elif abs(z) <= 0.5:
            side, waiting = 0.0, False
        elif side:
            side = 0.0 if side * z > 0.0 else side
        elif abs(z) >= 1.5:
            waited += waiting
            side = 0.0 if waiting else -float(np.sign(z))
        if side != former:
            expected += [(2 * minute + 1, "ETH-USD", side), (2 * minute + 1, "BTC-USD", -side * ratio)]
    assert len(expected) > 40
    assert waited > 10
    found = [(number, signal.symbol, signal.signal_strength) for number, signal in signals]
    assert [row[:2] for row in found] == [row[:2] for row in expected]
    assert [row[2] for row in found] == pytest.approx([row[2] for row in expected], rel=1e-9)


def test_trend_and_volatility(make: Make, tick: Tick, drive: Drive) -> None:
    # irregular times, as of ticks
    minutes = np.cumsum(WALK.integers(1, 10, ROWS)).astype(float)
    updates = [tick(minute, price) for minute, price in zip(minutes.tolist(), HEDGE.tolist(), strict=True)]
    signals = drive(make("trend_volatility_target"), updates)

    prices = pd.Series(HEDGE)
    fast, slow = (prices.ewm(span=span, adjust=False).mean() for span in (20, 100))
    # smoothed from the first move on, each sum with the same weights
    weights = (1 - 2 / 61) ** np.arange(ROWS)
    squares, years = prices.pct_change().to_numpy()[1:] ** 2, np.diff(minutes) / (365.25 * 1440)
    size, expected = 0.0, []
    for i in range(99, ROWS):
        weighted = weights[:i][::-1]
        volatility = math.sqrt((weighted @ squares[:i]) / (weighted @ years[:i]))
        wanted = math.copysign(min(1.0, 0.15 / volatility), fast[i] - slow[i])
        if wanted * size <= 0.0 or abs(wanted - size) > 0.1:
            size = wanted
            expected.append((i, size))
    assert len(expected) > 20
    assert [number for number, _ in signals] == [number for number, _ in expected]
    sizes = [signal.signal_strength for _, signal in signals]
    assert sizes == pytest.approx([size for _, size in expected], rel=1e-9)

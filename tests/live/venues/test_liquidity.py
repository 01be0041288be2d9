"""Background liquidity: large orders move the price, it comes back, and venues that lead and lag drift apart."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from live.messages import NewOrder
from live.venues.market import FairPrices
from live.venues.opening import Markets
from live.venues.settings import load_venues
from live.venues.venue_settings import VenuesConfig
from tests.live.venues.kit import SECOND, START, SYMBOL, Desk, config
from workbench.core.messages import PriceUpdate

LIQUIDITY = {
    "levels": 5,
    "level_notional": 10_000,
    "takers_per_second": 0,
    "impact_bps": 50,
    "half_life_seconds": 10,
    "refill_seconds": 1,
}


def still(**liquidity: float) -> VenuesConfig:
    """A market whose fair price does not move."""
    settings = config(liquidity=LIQUIDITY | liquidity)
    feed = settings.feeds["market"]
    quiet = {
        symbol: msgspec.structs.replace(usual, volatility=1e-9) for symbol, usual in feed.symbols.items()
    }
    return msgspec.structs.replace(settings, feeds={"market": msgspec.structs.replace(feed, symbols=quiet)})


def moved_bps(units: float, seconds: tuple[float, ...], **liquidity: float) -> list[float]:
    """Mid after a market buy of so many units at 100, in basis points of the fair price, after so many seconds each."""
    desk = Desk(still(**liquidity))
    desk.wait(2)
    desk.order(1, units)
    found = []
    at = 0.0
    for moment in seconds:
        desk.wait(moment - at)
        at = moment
        found.append(1e4 * (desk.prices()[-1].mid / 100.0 - 1.0))
    return found


def test_a_large_order_moves_the_price_more_than_a_small_one() -> None:
    """A side holds 50,000: 5 units take a hundredth of it, 400 units four fifths, which is 40 of 50 basis points."""
    (small,), (large,) = moved_bps(5.0, (0.2,)), moved_bps(400.0, (0.2,))
    assert abs(small) < 2.0
    assert large == pytest.approx(40.0, abs=3.0)


def test_the_price_recovers_by_half_in_each_half_life() -> None:
    after = moved_bps(400.0, (0.1, 10.1, 20.1, 60.1))
    assert after[1] == pytest.approx(after[0] / 2, abs=2.0)
    assert after[2] == pytest.approx(after[0] / 4, abs=2.0)
    assert abs(after[3]) < 2.0


def test_chasing_a_move_amplifies_it() -> None:
    """An order every second while the price is up, as a volatility amplifier sends, goes on moving it."""
    desk = Desk(still())
    desk.wait(2)
    mids = []
    for _ in range(10):
        desk.order(1, 100.0)
        desk.wait(1)
        mids.append(desk.prices()[-1].mid)
    assert mids == sorted(mids)
    assert mids[-1] > 100.6
    desk.wait(120)
    assert desk.prices()[-1].mid == pytest.approx(100.0, abs=0.02)


def test_a_level_that_was_taken_fills_up_again_over_the_refill_time() -> None:
    desk = Desk(still(impact_bps=0, refill_seconds=10))
    desk.wait(2)
    full = desk.prices()[-1].ask_size
    desk.order(1, full - 1.0)
    sizes = []
    for _ in range(12):
        desk.wait(1)
        sizes.append(desk.prices()[-1].ask_size)
    assert sizes == sorted(sizes)
    assert sizes[3] == pytest.approx(1.0 + 0.4 * full, rel=0.05)
    assert sizes[-1] == pytest.approx(full, rel=0.01)


def test_an_order_larger_than_the_book_takes_it_all_and_ends() -> None:
    """Five levels of 10,000 and no more; no price is shown until there are sellers again."""
    desk = Desk(still())
    desk.wait(2)
    shown = len(desk.prices())
    order = desk.order(1, 10_000.0)
    assert desk.kinds(order) == ["acknowledged", *["filled"] * 5, "cancelled"]
    assert desk.reports[-1].reason == "no_liquidity"
    assert len(desk.prices()) == shown
    desk.wait(1)
    assert desk.prices()[-1].ask > desk.prices()[-1].bid > 100.0


def test_a_resting_order_is_filled_by_those_who_come() -> None:
    desk = Desk(still(takers_per_second=20, spread_bps=20))
    desk.wait(2)
    order = desk.order(1, 1.0, round(desk.prices()[-1].bid + 0.01, 2))
    desk.wait(20)
    assert desk.kinds(order)[-1] == "filled"
    assert {r.liquidity for r in desk.reports if r.kind == "filled"} == {"maker"}


def test_makers_trade_with_orders_that_stand_in_their_way() -> None:
    """A bid at 101 for more than sellers show: they come back each move until it is filled."""
    desk = Desk(still(impact_bps=0))
    desk.wait(2)
    order = desk.order(1, 700.0, 101.0)
    desk.wait(5)
    assert desk.kinds(order)[-1] == "filled"
    assert sum(r.quantity for r in desk.reports if r.kind == "filled") == pytest.approx(700.0)


def test_venues_lag_and_drift_apart_so_that_there_is_arbitrage() -> None:
    """The files' own venues: the one that follows is now and then more than 10 basis points away, and comes back."""
    settings = load_venues(Path(__file__).parents[3] / "config" / "venues.yaml")
    markets = Markets(settings, START)
    exchanges = [markets.exchange(venue) for venue in settings.venues[:2]]
    for exchange in exchanges:
        exchange.connect("me", 0, START)
    gaps = []
    for second in range(1, 400):
        lasts: list[PriceUpdate] = []
        for exchange in exchanges:
            exchange.advance(START + second * SECOND)
            taken = exchange.take("me", START + second * SECOND)
            lasts.append([p for p in taken if isinstance(p, PriceUpdate) and p.symbol == "BTC-USD"][-1])
        gaps.append(1e4 * math.log(lasts[0].mid / lasts[1].mid))
    assert abs(sum(gaps) / len(gaps)) < 2.0
    wide = [gap for gap in gaps if abs(gap) > 10.0]
    assert 0.02 < len(wide) / len(gaps) < 0.3


def test_the_fair_price_is_the_same_whoever_asks_for_what() -> None:
    feed = config().feeds["market"]
    every, some = FairPrices(feed, START), FairPrices(feed, START)
    rows = [list(every.prices(move)) for move in range(5_000)]
    assert some.prices(4_999) == rows[4_999]
    assert some.prices(3_500) == rows[3_500]
    assert every.prices(-3) != []


def test_the_fair_price_has_the_volatility_that_was_asked_for() -> None:
    feed = config().feeds["market"]
    fair = FairPrices(feed, START)
    path = [math.log(fair.prices(move)[0]) for move in range(20_000)]
    steps = [after - before for before, after in pairwise(path)]
    yearly = math.sqrt(sum(step * step for step in steps) / len(steps) * 10 * 86_400 * 365)
    assert yearly == pytest.approx(0.3, rel=0.05)


def test_a_market_goes_on_from_known_prices_on_a_path_of_its_own() -> None:
    settings = config()
    fresh, resumed = Markets(settings, START), Markets(settings, START, {SYMBOL: 250.0})
    views = [markets.view(settings.venues[0]) for markets in (fresh, resumed)]
    assert [view.prices(0)[0] for view in views] == [100.0, 250.0]
    assert [view.prices(0)[1] for view in views] == [50.0, 50.0]
    assert views[0].prices(50)[0] / 100.0 != views[1].prices(50)[0] / 250.0


def test_idle_hours_are_left_out_and_do_not_stall() -> None:
    desk = Desk()
    desk.wait(6 * 3_600)
    assert len(desk.prices()) <= 1_001
    assert desk.kinds(desk.order(1, 1.0)) == ["acknowledged", "filled"]


def test_reports_of_the_orders_of_others_never_come() -> None:
    desk = Desk(still(takers_per_second=50))
    desk.wait(20)
    assert desk.reports == []
    desk.send([NewOrder(1, SYMBOL, 1, 1.0, "market", "IOC")])
    assert {r.order_id for r in desk.reports} == {1}

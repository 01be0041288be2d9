"""Market faults on a feed: hand-worked windows, and what holds for any feed and any events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import permutations
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.chaos import ChaosEvent, ChaosKind, Family, apply_market_faults, randomised
from workbench.core.feed import ASK, BID, CHANGE_PCT, LAST, QUOTE_COLUMNS, VOLUME, Feed
from workbench.core.messages import Instrument, to_datetime
from workbench.data.catalog import load, merge
from workbench.errors import ChaosError

START_NS = 1_678_406_400 * 10**9  # 2023-03-10T00:00:00Z
MINUTE_NS = 60 * 10**9
MARKET = [kind for kind in ChaosKind if kind.family is Family.MARKET]
type Floats = npt.NDArray[np.float64]


def feed_of(paths: dict[str, Sequence[float]], spread: float = 1.0) -> Feed:
    """One update a minute of each `symbol@venue`, all paths of equal length."""
    instruments = tuple(Instrument(symbol, venue) for symbol, _, venue in (p.partition("@") for p in paths))
    last = np.array(list(paths.values()), dtype=np.float64).T  # [minute, instrument]
    minutes, count = last.shape
    quotes = np.empty((minutes, count, QUOTE_COLUMNS))
    quotes[...] = 10.0
    quotes[..., BID], quotes[..., ASK], quotes[..., LAST] = last - spread / 2, last + spread / 2, last
    quotes[0, :, CHANGE_PCT] = 0.0
    quotes[1:, :, CHANGE_PCT] = last[1:] / last[:-1] - 1.0
    return Feed(
        instruments,
        np.repeat(START_NS + MINUTE_NS * np.arange(minutes), count),
        np.tile(np.arange(count), minutes),
        quotes.reshape(-1, QUOTE_COLUMNS),
        np.repeat(np.arange(minutes), count),
    )


def walk(minutes: int, seed: int, names: Sequence[str] = ("BTC-USD@a", "ETH-USD@a", "ETH-USD@b")) -> Feed:
    """Random walks that move together."""
    generator = np.random.default_rng(seed)
    common = generator.normal(0.0, 0.002, minutes)
    own = generator.normal(0.0, 0.0005, (len(names), minutes))
    return feed_of(
        {name: list(100.0 * np.exp(np.cumsum(common + own[k]))) for k, name in enumerate(names)}, 0.05
    )


def at(minute: float) -> str:
    return to_datetime(START_NS + int(minute * MINUTE_NS)).isoformat()


def event(
    kind: str, minute: float, minutes: float, intensity: float = 1.0, target: str = "", seed: int = 0
) -> ChaosEvent:
    return ChaosEvent(kind, at(minute), minutes * 60.0, intensity, target, seed)


def column(feed: Feed, which: int, instrument: int = 0) -> Floats:
    values: Floats = feed.quotes[feed.instrument == instrument, which]
    return values


def same(first: npt.NDArray[np.generic], second: npt.NDArray[np.generic]) -> bool:
    """Equal bit for bit (NaN equals NaN)."""
    return first.dtype == second.dtype and first.tobytes() == second.tobytes()


# --- each kind, by hand


def test_price_gap_shifts_all_prices_in_the_window_and_comes_back() -> None:
    feed = feed_of({"BTC-USD@a": [100.0, 100.0, 100.0, 100.0]})
    faulted, rows = apply_market_faults(feed, [event("price_gap", 1, 2, -0.2)])
    assert column(faulted, LAST).tolist() == [100.0, 80.0, 80.0, 100.0]
    assert column(faulted, BID).tolist() == pytest.approx([99.5, 79.6, 79.6, 99.5])
    assert column(faulted, ASK).tolist() == pytest.approx([100.5, 80.4, 80.4, 100.5])
    assert column(faulted, CHANGE_PCT).tolist() == pytest.approx([0.0, -0.2, 0.0, 0.25])
    assert rows.tolist() == [0, 1, 2, 3]


def test_silent_feed_loses_its_updates_and_leaves_a_gap_in_the_sequence() -> None:
    feed = feed_of({"BTC-USD@a": [100.0, 101.0, 102.0, 103.0], "ETH-USD@a": [10.0] * 4}, 0.0)
    faulted, rows = apply_market_faults(feed, [event("stale_feed", 1, 2, target="BTC-USD")])
    mine = faulted.instrument == 0
    assert faulted.sequence[mine].tolist() == [0, 3]
    assert column(faulted, LAST).tolist() == [100.0, 103.0]
    assert column(faulted, CHANGE_PCT).tolist() == pytest.approx([0.0, 0.03])
    assert faulted.sequence[~mine].tolist() == [0, 1, 2, 3]
    assert rows.tolist() == [0, 1, 3, 5, 6, 7]


def test_frozen_feed_repeats_the_last_quote_and_trades_nothing() -> None:
    feed = feed_of({"BTC-USD@a": [100.0, 101.0, 102.0, 104.0]})
    faulted, _ = apply_market_faults(feed, [event("stale_feed", 2, 1, 0.0)])
    assert column(faulted, LAST).tolist() == [100.0, 101.0, 101.0, 104.0]
    assert column(faulted, BID).tolist() == [99.5, 100.5, 100.5, 103.5]
    assert column(faulted, VOLUME).tolist() == [10.0, 10.0, 0.0, 10.0]
    assert column(faulted, CHANGE_PCT).tolist() == pytest.approx([0.0, 0.01, 0.0, 104.0 / 101.0 - 1.0])
    assert faulted.sequence.tolist() == [0, 1, 2, 3]


def test_feed_frozen_from_the_start_repeats_its_first_quote() -> None:
    feed = feed_of({"BTC-USD@a": [100.0, 101.0, 102.0]})
    faulted, _ = apply_market_faults(feed, [event("stale_feed", 0, 2, 0.0)])
    assert column(faulted, LAST).tolist() == [100.0, 100.0, 102.0]


def test_share_of_a_stale_feed_is_lost_and_the_rest_frozen() -> None:
    feed = feed_of({"BTC-USD@a": [100.0 + i for i in range(1002)]})
    faulted, rows = apply_market_faults(feed, [event("stale_feed", 1, 1000, 0.3)])
    assert 250 <= len(feed) - len(faulted) <= 350
    assert set(column(faulted, LAST)) == {100.0, 1101.0}
    assert np.all(np.diff(rows) > 0)


def test_volatility_burst_swings_wider_and_rejoins_the_path() -> None:
    # The straight log line between the anchors at minutes 0 and 4 is flat at ln 100.
    # A doubled distance from it squares each price relative: 1.1^2 and (1/1.1)^2.
    feed = feed_of({"BTC-USD@a": [100.0, 110.0, 100.0, 100.0 / 1.1, 100.0, 100.0]})
    faulted, _ = apply_market_faults(feed, [event("volatility_burst", 1, 3, 1.0)])
    expected = [100.0, 121.0, 100.0, 100.0 / 1.21, 100.0, 100.0]
    assert column(faulted, LAST).tolist() == pytest.approx(expected)
    assert column(faulted, BID)[1] == pytest.approx(109.5 * 1.1)  # quotes move with the price


def test_volatility_burst_multiplies_the_deviation_of_returns() -> None:
    feed = walk(300, 4, ["BTC-USD@a"])
    faulted, _ = apply_market_faults(feed, [event("volatility_burst", 50, 200, 2.0)])
    window = slice(49, 251)  # with both anchors
    before, after = (np.diff(np.log(column(f, LAST)[window])) for f in (feed, faulted))
    assert after.std() == pytest.approx(3.0 * before.std())
    assert after.mean() == pytest.approx(before.mean())


def test_correlation_break_keeps_ends_and_volatility_and_nothing_else() -> None:
    feed = walk(300, 5, ["BTC-USD@a", "ETH-USD@a"])
    faulted, _ = apply_market_faults(feed, [event("correlation_break", 50, 200, 1.0, "ETH-USD")])
    btc, old, new = (
        np.diff(np.log(column(f, LAST, k)[49:251])) for f, k in ((feed, 0), (feed, 1), (faulted, 1))
    )
    assert np.corrcoef(btc, old)[0, 1] > 0.9
    assert abs(np.corrcoef(btc, new)[0, 1]) < 0.25  # 3.5 standard errors of 201 independent returns
    assert np.corrcoef(old, new)[0, 1] == pytest.approx(0.0, abs=1e-9)
    assert new.std() == pytest.approx(old.std())
    assert new.mean() == pytest.approx(old.mean())
    assert same(column(faulted, LAST, 0), column(feed, LAST, 0))


def test_part_of_a_correlation_may_be_broken() -> None:
    feed = walk(300, 6, ["BTC-USD@a"])
    faulted, _ = apply_market_faults(feed, [event("correlation_break", 50, 200, 0.6)])
    old, new = (np.diff(np.log(column(f, LAST)[49:251])) for f in (feed, faulted))
    assert np.corrcoef(old, new)[0, 1] == pytest.approx(0.8)  # sqrt(1 - 0.6^2)
    assert new.std() == pytest.approx(old.std())


def test_correlation_break_moves_the_venues_of_a_symbol_together() -> None:
    feed = walk(300, 7)
    faulted, _ = apply_market_faults(feed, [event("correlation_break", 50, 200, target="ETH-USD")])
    ratios = [column(faulted, LAST, k) / column(feed, LAST, k) for k in (1, 2)]
    assert np.ptp(ratios[0]) > 0.001
    assert ratios[0] == pytest.approx(ratios[1], rel=1e-12)


def test_crossed_book_swaps_the_sides_at_one_and_doubles_the_overlap_at_two() -> None:
    feed = feed_of({"BTC-USD@a": [100.0, 100.0, 100.0]})
    swapped, _ = apply_market_faults(feed, [event("crossed_book", 1, 1)])
    assert (column(swapped, BID).tolist(), column(swapped, ASK).tolist()) == (
        [99.5, 100.5, 99.5],
        [100.5, 99.5, 100.5],
    )
    wider, _ = apply_market_faults(feed, [event("crossed_book", 1, 1, 2.0)])
    assert wider.quotes[1, [BID, ASK, LAST]].tolist() == [101.0, 99.0, 100.0]


def test_book_without_a_spread_is_crossed_by_a_basis_point() -> None:
    feed = feed_of({"BTC-USD@a": [100.0, 100.0]}, spread=0.0)
    faulted, _ = apply_market_faults(feed, [event("crossed_book", 0, 1)])
    assert faulted.quotes[0, [BID, ASK]].tolist() == pytest.approx([100.005, 99.995])


def test_crossed_ask_stays_above_zero() -> None:
    feed = feed_of({"BTC-USD@a": [100.0]})
    faulted, _ = apply_market_faults(feed, [event("crossed_book", 0, 1, 1000.0)])
    assert faulted.quotes[0, [BID, ASK]].tolist() == [150.0, 50.0]


def test_bad_ticks_are_none_zero_negative_and_off_by_a_thousand() -> None:
    feed = feed_of({"BTC-USD@a": [100.0] * 1000})
    faulted, _ = apply_market_faults(feed, [event("bad_tick", 0, 1000)])
    last = column(faulted, LAST)
    share = [np.mean(np.isnan(last)), *(np.mean(last == p) for p in (0.0, -100.0, 100_000.0, 0.1))]
    assert sum(share) == 1.0
    assert all(0.15 <= s <= 0.25 for s in share)
    assert np.all((column(faulted, BID) == 99_500.0) == (last == 100_000.0))


def test_share_of_bad_ticks_is_the_intensity() -> None:
    feed = feed_of({"BTC-USD@a": [100.0] * 1000})
    faulted, _ = apply_market_faults(feed, [event("bad_tick", 0, 1000, 0.2)])
    assert 150 <= np.sum(column(faulted, LAST) != 100.0) <= 250


def test_change_after_a_price_that_is_none_is_none() -> None:
    feed = feed_of({"BTC-USD@a": [100.0, 100.0, 100.0]})
    for seed in range(20):
        faulted, _ = apply_market_faults(feed, [event("bad_tick", 1, 1, seed=seed)])
        bad = faulted.quotes[1, LAST]
        after = faulted.quotes[2, CHANGE_PCT]
        assert after == pytest.approx(100.0 / bad - 1.0) if bad > 0.0 else np.isnan(after)


def test_seed_start_and_target_decide_the_bad_ticks() -> None:
    feed = walk(100, 1)
    base = apply_market_faults(feed, [event("bad_tick", 10, 50, 0.5)])[0].quotes
    assert same(base, apply_market_faults(feed, [event("bad_tick", 10, 50, 0.5)])[0].quotes)
    assert not same(base, apply_market_faults(feed, [event("bad_tick", 10, 50, 0.5, seed=1)])[0].quotes)
    eth = apply_market_faults(feed, [event("bad_tick", 10, 50, 0.5, "ETH-USD@b")])[0]
    assert same(eth.quotes[eth.instrument == 2], base[feed.instrument == 2])  # struck alone or with all


def test_instruments_are_struck_independently() -> None:
    feed = feed_of({"BTC-USD@a": [100.0] * 100, "ETH-USD@a": [100.0] * 100})
    faulted, _ = apply_market_faults(feed, [event("bad_tick", 0, 100, 0.5)])
    assert not np.array_equal(column(faulted, LAST, 0), column(faulted, LAST, 1), equal_nan=True)


# --- errors


def test_start_outside_the_feed_is_refused() -> None:
    feed = walk(10, 0)
    for minute in (-1, 10):
        with pytest.raises(ChaosError, match="outside the prices, which run from 2023-03-10 00:00:00"):
            apply_market_faults(feed, [event("bad_tick", minute, 1)])


def test_window_between_two_updates_is_refused() -> None:
    with pytest.raises(ChaosError, match="strikes no price update of BTC-USD; make the duration longer"):
        apply_market_faults(walk(10, 0), [event("bad_tick", 1.2, 0.5, target="BTC-USD")])


def test_unknown_target_is_refused() -> None:
    with pytest.raises(ChaosError, match="no symbol or venue 'BTC-US'"):
        apply_market_faults(walk(10, 0), [event("bad_tick", 1, 1, target="BTC-US")])


def test_feed_that_would_be_empty_is_refused() -> None:
    with pytest.raises(ChaosError, match="no price update at all"):
        apply_market_faults(walk(10, 0), [event("stale_feed", 0, 60)])


def test_empty_feed_is_refused() -> None:
    feed = walk(1, 0)
    empty = Feed(feed.instruments, *(getattr(feed, f.name)[:0] for f in fields(feed)[1:]))
    with pytest.raises(ChaosError, match="empty feed"):
        apply_market_faults(empty, [event("bad_tick", 0, 1)])
    with pytest.raises(ChaosError, match="empty feed"):
        randomised(None, empty, 1, 0)


# --- what holds for any feed and any events


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Feed, list[ChaosEvent]]:
    """A feed with lost updates and equal times in it, and up to four market events."""
    feed = walk(draw(st.integers(3, 60)), draw(st.integers(0, 99)))
    generator = np.random.default_rng(draw(st.integers(0, 99)))
    kept = np.flatnonzero(generator.random(len(feed)) < 0.8)
    if len(kept) < 3:
        kept = np.arange(len(feed))
    feed = Feed(feed.instruments, *(getattr(feed, f.name)[kept] for f in fields(feed)[1:]))
    events = randomised(["market"], feed, draw(st.integers(1, 4)), draw(st.integers(0, 10**6)))
    return feed, events


def faulted_or_none(feed: Feed, events: Sequence[ChaosEvent]) -> tuple[Feed, npt.NDArray[np.int64]] | None:
    """None where the events silence the whole of a short feed, which is refused."""
    try:
        return apply_market_faults(feed, events)
    except ChaosError as error:
        if "no price update at all" not in str(error):
            raise
        return None


@settings(max_examples=60, deadline=None)
@given(scenes())
def test_feed_is_unchanged_outside_the_windows_and_the_original_everywhere(
    scene: tuple[Feed, list[ChaosEvent]],
) -> None:
    feed, events = scene
    before = {f.name: getattr(feed, f.name).tobytes() for f in fields(feed)[1:]}
    answer = faulted_or_none(feed, events)
    assert before == {f.name: getattr(feed, f.name).tobytes() for f in fields(feed)[1:]}
    if answer is None:
        return
    faulted, rows = answer
    times = feed.timestamp_ns
    inside = np.zeros(len(feed), dtype=bool)
    for one in events:
        inside |= (times >= one.start_ns) & (times < one.end_ns)
    assert np.isin(np.flatnonzero(~inside), rows).all()  # nothing is lost outside
    for name in ("timestamp_ns", "instrument", "sequence"):
        assert same(getattr(faulted, name), getattr(feed, name)[rows])
    calm = ~inside[rows]
    assert same(faulted.quotes[calm, :CHANGE_PCT], feed.quotes[rows[calm], :CHANGE_PCT])


@settings(max_examples=60, deadline=None)
@given(scenes())
def test_time_and_sequence_never_fall_and_change_follows_last(scene: tuple[Feed, list[ChaosEvent]]) -> None:
    feed, events = scene
    answer = faulted_or_none(feed, events)
    if answer is None:
        return
    faulted, rows = answer
    assert np.all(np.diff(faulted.timestamp_ns) >= 0)
    assert np.all(np.diff(rows) > 0)
    assert faulted.quotes.flags.c_contiguous
    for k in range(len(feed.instruments)):
        mine = faulted.instrument == k
        assert np.all(np.diff(faulted.sequence[mine]) >= 1)
        last, change = column(faulted, LAST, k), column(faulted, CHANGE_PCT, k)
        touched = ~np.isin(change, column(feed, CHANGE_PCT, k))
        for i in np.flatnonzero(touched):
            sound = i > 0 and last[i - 1] > 0.0
            wanted = last[i] / last[i - 1] - 1.0 if sound else (np.nan if i else 0.0)
            assert change[i] == pytest.approx(wanted, nan_ok=True)


@settings(max_examples=30, deadline=None)
@given(scenes())
def test_same_events_in_any_order_give_the_same_feed(scene: tuple[Feed, list[ChaosEvent]]) -> None:
    feed, events = scene
    answers = [faulted_or_none(feed, list(order)) for order in list(permutations(events))[:6]]
    if answers[0] is None:
        assert answers == [None] * len(answers)
        return
    for answer in answers:
        assert answer is not None
        assert same(answer[0].quotes, answers[0][0].quotes)
        assert same(answer[1], answers[0][1])


@settings(max_examples=30, deadline=None)
@given(scenes(), st.sampled_from(MARKET))
def test_only_the_target_is_struck(scene: tuple[Feed, list[ChaosEvent]], kind: ChaosKind) -> None:
    feed = scene[0]
    rows_of_btc = np.flatnonzero(feed.instrument == 0)
    if len(rows_of_btc) == 0:
        return
    start = to_datetime(int(feed.timestamp_ns[rows_of_btc[0]]))
    answer = faulted_or_none(feed, [ChaosEvent(kind, start, "1h", 0.5, "BTC-USD")])
    assert answer is not None or len(rows_of_btc) == len(feed)
    if answer is not None:
        others = answer[0].instrument != 0
        assert same(answer[0].quotes[others], feed.quotes[feed.instrument != 0])


def test_prices_stay_finite_and_positive_under_bent_paths() -> None:
    feed = walk(200, 9)
    events = [event("volatility_burst", 10, 100, 100.0), event("price_gap", 20, 50, 1000.0)]
    faulted, _ = apply_market_faults(feed, [*events, event("correlation_break", 30, 100)])
    prices = faulted.quotes[:, [BID, ASK, LAST]]
    assert np.all(np.isfinite(prices) & (prices > 0.0))


def test_signal_and_venue_faults_are_passed_over() -> None:
    feed = walk(10, 0)
    others = [ChaosEvent(kind, at(0), 60) for kind in ChaosKind if kind not in MARKET]
    faulted, rows = apply_market_faults(feed, others)
    assert faulted is feed
    assert rows.tolist() == list(range(30))


@pytest.mark.parametrize("kind", ["bad_tick", "price_gap", "volatility_burst", "correlation_break"])
def test_intensity_of_zero_changes_nothing(kind: str) -> None:
    feed = walk(50, 2)
    faulted, _ = apply_market_faults(feed, [event(kind, 10, 20, 0.0)])
    assert same(faulted.quotes, feed.quotes)


# --- random events


def test_random_events_are_the_same_for_the_same_seed_and_start_at_updates() -> None:
    feed = walk(100, 3)
    events = randomised(None, feed, 200, 17)
    assert events == randomised(None, feed, 200, 17) != randomised(None, feed, 200, 18)
    assert {e.kind for e in events} == set(ChaosKind)
    assert {e.start_ns for e in events} <= set(feed.timestamp_ns.tolist())
    assert all(e.target == "" for e in events if e.family is Family.SIGNAL)
    assert {e.target for e in events if e.family is Family.VENUE} == {"", "a", "b"}
    assert [e.start_ns for e in events] == sorted(e.start_ns for e in events)


def test_random_events_last_ten_updates_to_a_tenth_of_the_feed() -> None:
    feed = walk(1001, 3)  # 1,000 minutes; about one update of an instrument a minute
    seconds = [e.duration.total_seconds() for e in randomised(None, feed, 300, 5)]
    assert 595.0 < min(seconds) < 700.0
    assert 5_000.0 < max(seconds) <= 6_000.0


def test_random_events_can_be_kept_to_kinds_or_families() -> None:
    feed = walk(100, 3)
    assert {e.kind for e in randomised("bad_tick", feed, 5, 0)} == {ChaosKind.BAD_TICK}
    assert {e.family for e in randomised([Family.VENUE], feed, 50, 0)} == {Family.VENUE}
    with pytest.raises(ChaosError, match="unknown chaos kind 'storm'; known:"):
        randomised(["storm"], feed, 1, 0)
    with pytest.raises(ChaosError, match="at least one kind"):
        randomised([], feed, 1, 0)


# --- real prices


REAL = Path(__file__).parents[3] / "shared" / "data" / "btc_usd_1m_two_venues_2023_03"


@pytest.mark.skipif(not REAL.is_dir(), reason="the real prices of ../shared/data are not there")
def test_real_prices_with_gaps_take_a_whole_campaign() -> None:
    venues = [
        load(REAL / f"{venue}_BTCUSD_1m.parquet", symbol="BTC-USD", venue=venue)
        for venue in ("coinbase", "kraken")
    ]
    feed = merge(*venues).to_feed()
    events = randomised(["market"], feed, 40, 2023)
    faulted, rows = apply_market_faults(feed, events)
    inside = np.zeros(len(feed), dtype=bool)
    for one in events:
        inside |= (feed.timestamp_ns >= one.start_ns) & (feed.timestamp_ns < one.end_ns)
    calm = ~inside[rows]
    assert 0.1 < calm.mean() < 0.99
    assert same(faulted.quotes[calm, :CHANGE_PCT], feed.quotes[rows[calm], :CHANGE_PCT])
    assert np.isfinite(faulted.quotes[calm, LAST]).all()

"""After chaos: the system comes back by itself where it may, waits for a named person where it must, and stays whole.

`back_after` measures what the chaos backtest measures: seconds from the end of the fault until equity, exposure and
limits are inside the band that the same run without the fault shows, None where they never are.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from tests.chaos.arena import (
    BTC,
    ETH,
    MINUTE_NS,
    START_NS,
    Operator,
    Scripted,
    bystander,
    event,
    limits,
    market,
    minutes,
    play,
    seated,
    suspect,
    wave,
)
from tests.chaos.books import books_agree
from tests.chaos.verdict import violated
from workbench.backtest.chaos_backtest import ChaosBacktester
from workbench.backtest.recovery import path_of, recovery_seconds
from workbench.backtest.replay import ReplayRecord
from workbench.backtest.seating import Player
from workbench.chaos.events import ChaosEvent
from workbench.core.feed import Feed
from workbench.core.intents import CancelOrders, ClosePositions, Intents, ResetBreaker, TripBreaker
from workbench.core.limits import CircuitBreakers, RepeatedExecution, RiskLimits, StrategyErrors
from workbench.core.messages import MarketSignal, PriceUpdate
from workbench.data.synthetic import synthetic
from workbench.errors import EngineError

MINUTE = 60.0
CALM = market({BTC: wave(120, 100.0, 0.01, 16), ETH: wave(120, 50.0, 0.01, 12)}, volume=100.0)
FALL = market({BTC: [100.0 - 0.5 * i for i in range(40)] + [80.5] * 80, ETH: wave(120, 50.0, 0.01, 12)})
LIMITS = limits(10.0)
STOP_AT_50 = limits(
    10.0,
    circuit_breakers=CircuitBreakers(
        portfolio_loss_pct=-0.5, single_strategy_loss=-50.0, rapid_drawdown_rate=-0.5
    ),
)
RESET = ResetBreaker("Ada Quant", "cause found and mended", "suspect")


def operator(*acts: tuple[float, Intents]) -> Player:
    return seated(Operator(*acts), "operator")


def back_after(minute: float, disturbed: ReplayRecord, normal: ReplayRecord) -> float | None:
    """Seconds from `minute` until the disturbed run is back in the band of the normal one."""
    return recovery_seconds(path_of(disturbed), path_of(normal), START_NS + round(minute * MINUTE_NS))


def buyer() -> Player:
    """Buys one BTC a minute, for ever, whatever anybody says."""
    return seated(Scripted(lambda _: [MarketSignal(BTC, signal_strength=1.0)]), "suspect", symbols=BTC)


# -- faults of markets and venues -----------------------------------------------------------------------------------

FAULTS = (
    event("bad_tick", 30.0, 20.0, 0.5, seed=1),
    event("price_gap", 30.0, 20.0, -0.3),
    event("stale_feed", 30.0, 20.0, 1.0, BTC),
    event("volatility_burst", 30.0, 20.0, 3.0),
    event("correlation_break", 30.0, 20.0, 1.0, ETH),
    event("crossed_book", 30.0, 20.0, 2.0),
    event("venue_disconnect", 30.0, 20.0),
    event("reject_storm", 30.0, 20.0, 1.0),
    event("latency_spike", 30.0, 20.0, 300.0),
    event("partial_fills", 30.0, 20.0, 0.001),
    event("duplicate_fills", 30.0, 20.0),
    event("out_of_order_fills", 30.0, 20.0),
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault.kind))
def test_after_the_fault_orders_flow_and_everything_is_back_in_its_band(fault: ChaosEvent) -> None:
    """The bystander is the desk at work: back in its band within 20 minutes, and the same orders as ever after that."""
    normal = play(CALM, bystander(), limits=LIMITS)
    disturbed = play(CALM, bystander(), limits=LIMITS, chaos=[fault])
    assert violated(disturbed, LIMITS) == set()
    books_agree(disturbed)
    back = back_after(50.0, disturbed, normal)
    assert back is not None
    assert back <= 20.0 * MINUTE
    assert disturbed.desk.halted() == disturbed.desk.halted("bystander") == ()
    assert int(disturbed.desk.view.venues[0].up) == 1
    after = [f for f in disturbed.recorder.fills if f.timestamp_ns >= START_NS + 70 * MINUTE_NS]
    usual = [f for f in normal.recorder.fills if f.timestamp_ns >= START_NS + 70 * MINUTE_NS]
    assert [(f.timestamp_ns, f.symbol, f.quantity) for f in after] == [
        (f.timestamp_ns, f.symbol, f.quantity) for f in usual
    ]


def test_after_a_disconnect_the_desk_and_the_venue_agree_on_what_works() -> None:
    """Ten bids rest; the disconnect cancels them all and gives their room back, and ten new ones may rest after it."""

    bid = MarketSignal(BTC, signal_strength=1.0, metadata={"order_type": "limit", "limit_price": 95.0})

    cut = event("venue_disconnect", 30.0, 20.0)
    record = play(CALM, seated(Scripted(lambda _: [bid]), "rester", symbols=BTC), limits=LIMITS, chaos=[cut])
    books_agree(record)
    gone = [e for e in record.recorder.ended if e.reason == "disconnect"]
    assert [(e.timestamp_ns - START_NS) // MINUTE_NS for e in gone] == [30] * 10
    alive = {m for m in minutes(record.recorder.accepted, "rester") if m >= 50}
    assert alive == set(range(50, 60))
    assert int(record.desk.book.working) == 10


# -- breakers: latched until a named person resets them ----------------------------------------------------------------


def test_latched_breaker_waits_for_a_named_person_and_trading_resumes() -> None:
    """A unit a minute into a fall of half a dollar a minute: stopped at a loss of 50, reset in minute 60."""
    record = play(FALL, buyer(), bystander(), operator((60.0, RESET)), limits=STOP_AT_50)
    assert violated(record, STOP_AT_50) - {"single_strategy_loss"} == set()  # it buys again after the reset
    books_agree(record)
    (trip,) = record.recorder.trips
    stopped = (trip.timestamp_ns - START_NS) // MINUTE_NS
    assert (trip.reason, trip.strategy_id, stopped < 40) == ("single_strategy_loss", "suspect", True)
    orders = set(minutes(record.recorder.accepted, "suspect"))
    assert orders & set(range(stopped + 1, 60)) == set()
    assert orders & set(range(60, 80)) == set(range(61, 71))
    (reset,) = record.recorder.resets
    assert (reset.reasons, reset.strategy_id) == (("single_strategy_loss",), "suspect")
    assert record.desk.halted("suspect") == ()
    assert record.desk.position(0, BTC) == 10.0


def test_nobody_resets_and_it_stays_stopped_and_flat() -> None:
    record = play(FALL, buyer(), bystander(), limits=STOP_AT_50)
    (trip,) = record.recorder.trips
    held = [f for f in record.recorder.fills if f.strategy_id == "suspect"]
    assert held[-1].timestamp_ns == trip.timestamp_ns + MINUTE_NS
    assert sum(f.quantity for f in held) == 0.0
    assert record.desk.halted("suspect") == ("single_strategy_loss",)
    assert {r.failed_checks[-1] for r in record.recorder.refused} >= {"circuit_breaker"}


@pytest.mark.parametrize(("person", "reason"), [("", "mended"), ("Ada Quant", ""), ("  ", "mended")])
def test_reset_without_person_or_reason_is_no_reset(person: str, reason: str) -> None:
    desk = play(FALL, buyer(), limits=STOP_AT_50).desk
    with pytest.raises(EngineError, match="a breaker is reset by a named person with a reason"):
        desk.process(ResetBreaker(person, reason, "suspect"))
    assert desk.halted("suspect") == ("single_strategy_loss",)


def test_reset_while_the_cause_lasts_trips_again() -> None:
    """Reset in minute 20, with the fall still on: the loss counts from there, and the breaker trips a second time."""
    record = play(FALL, buyer(), operator((20.0, RESET)), limits=STOP_AT_50)
    assert [t.reason for t in record.recorder.trips] == ["single_strategy_loss"] * 2
    assert record.desk.position(0, BTC) == 0.0
    assert record.curves[-1, 1] > -2.0 * 50.0 - 2.0 * 10.0


def test_throttled_knight_is_let_on_by_a_person_and_throttled_again() -> None:
    """RTS 6 article 15(3): until re-enabled by a designated person; then its twenty executions are counted anew.

    The person acts after the strategy was asked in minute 60, so its next orders go in minute 61.
    """
    controls = limits(25.0, repeated_execution=RepeatedExecution(max_executions=20, window_seconds=600.0))
    record = play(CALM, suspect("knight_replay", symbols=BTC), operator((60.0, RESET)), limits=controls)
    assert minutes(record.recorder.trips, "suspect") == {2: 1, 63: 1}
    assert minutes(record.recorder.fills, "suspect") == {1: 10, 2: 10, 3: 1, 62: 10, 63: 10, 64: 1}
    assert record.desk.position(0, BTC) == 0.0


def test_portfolio_breaker_stops_everybody_and_one_reset_lets_everybody_on() -> None:
    controls = limits(
        10.0,
        circuit_breakers=CircuitBreakers(
            portfolio_loss_pct=-0.0005, single_strategy_loss=-20_000.0, rapid_drawdown_rate=-0.5
        ),
    )
    everything = ResetBreaker("Ada Quant", "cause found and mended")
    record = play(FALL, buyer(), bystander(), operator((60.0, everything)), limits=controls)
    (trip,) = record.recorder.trips
    assert (trip.reason, trip.strategy_id) == ("portfolio_loss_pct", "")
    stopped = (trip.timestamp_ns - START_NS) // MINUTE_NS
    for strategy in ("suspect", "bystander"):
        orders = set(minutes(record.recorder.accepted, strategy))
        assert orders & set(range(stopped + 1, 60)) == set()
        assert max(orders) >= 60
    assert record.desk.halted() == ()


def test_strategy_that_failed_is_not_called_again_after_a_reset_alone() -> None:
    """The breaker opens, but the code has failed: it is for the person to start it again."""

    def fail(update: PriceUpdate) -> list[MarketSignal]:
        raise ZeroDivisionError(update.sequence)

    controls = limits(10.0, strategy_errors=StrategyErrors(max_errors=3, window_seconds=600.0))
    failing = Scripted(fail)
    record = play(
        CALM,
        seated(failing, "suspect", symbols=BTC),
        bystander(),
        operator((60.0, RESET)),
        limits=controls,
        contain_errors=True,
    )
    assert failing.updates == 3
    assert record.desk.halted("suspect") == ()
    assert minutes(record.recorder.accepted, "bystander").keys() & set(range(60, 120))


# -- liquidation -----------------------------------------------------------------------------------------------------


def test_book_is_flat_after_a_liquidation_and_stays_flat() -> None:
    """A person stops a runaway that holds ten units; a minute later it holds none, and never again."""
    stop = TripBreaker("Ada Quant", "runaway", "suspect")
    record = play(CALM, suspect("runaway", symbols=BTC), bystander(), operator((30.0, stop)), limits=LIMITS)
    assert violated(record, LIMITS) == set()
    books_agree(record)
    mine = [f for f in record.recorder.fills if f.strategy_id == "suspect"]
    assert (mine[-1].quantity, mine[-1].timestamp_ns) == (-10.0, START_NS + 31 * MINUTE_NS)
    assert record.desk.position(0, BTC) == 0.0
    assert float(record.desk.view.positions[0].exposure) == 0.0


@pytest.mark.parametrize("kind", ["venue_disconnect", "reject_storm", "stale_feed", "crossed_book"])
def test_liquidation_that_cannot_be_done_is_done_once_it_can(kind: str) -> None:
    """Stopped in minute 35, inside a fault from minute 30 to 49: the position is honest meanwhile, and then closed."""
    fault = event(kind, 30.0, 20.0, 1.0, BTC if kind in ("stale_feed", "crossed_book") else "")
    stop = TripBreaker("Ada Quant", "runaway", "suspect")
    record = play(
        CALM,
        suspect("runaway", symbols=BTC),
        bystander(),
        operator((35.0, stop)),
        limits=LIMITS,
        chaos=[fault],
    )
    assert violated(record, LIMITS) == set()
    books_agree(record)
    closing = [(f.timestamp_ns - START_NS) // MINUTE_NS for f in record.recorder.fills if f.quantity == -10.0]
    assert len(closing) == 1
    assert 50 <= closing[0] <= 51
    assert record.desk.position(0, BTC) == 0.0
    assert record.desk.halted("suspect") == ("manual",)


@pytest.mark.parametrize("offset", [0.08, 0.0])
def test_resting_orders_do_not_keep_a_person_from_closing_the_position(offset: float) -> None:
    """Ten units are held, a sale of all ten rests 8 % away (or at the market): closed in minute 31, and only once."""

    def rest(update: PriceUpdate) -> list[MarketSignal]:
        if update.sequence == 0:
            return [MarketSignal(BTC, signal_strength=1.0)]
        if update.sequence != 30:
            return []
        terms = {"order_type": "limit", "limit_price": update.last * (1.0 + offset)}
        return [MarketSignal(BTC, signal_strength=-1.0, metadata=terms)]

    close = operator((30.0, ClosePositions("suspect")))
    player = seated(Scripted(rest), "suspect", unit=10.0, symbols=BTC)
    record = play(CALM, player, close, limits=LIMITS)
    books_agree(record)
    assert minutes(record.recorder.fills, "suspect") == {1: 1, 31: 1}
    assert record.desk.position(0, BTC) == 0.0
    assert record.desk.view.symbols[0].worst_short == 0.0


# -- strategies that misbehave for a while ----------------------------------------------------------------------------


def misbehaving(
    script: str, *others: Player, controls: RiskLimits = LIMITS, feed: Feed = CALM
) -> ReplayRecord:
    """The script runs wild from minute 20 to 39, beside the bystander."""
    wild = suspect(script, symbols=BTC, start_after_minutes=20.0, duration_minutes=20.0)
    return play(feed, wild, bystander(), *others, limits=controls)


def test_runaway_leaves_a_position_that_only_a_person_closes() -> None:
    """Its window over, it still holds ten units: exposure is back in its band once somebody closes them."""
    normal = play(CALM, bystander(), limits=LIMITS)
    assert back_after(40.0, misbehaving("runaway"), normal) is None
    closed = misbehaving("runaway", operator((60.0, ClosePositions("suspect"))))
    back = back_after(40.0, closed, normal)
    assert back is not None
    assert 21.0 * MINUTE <= back <= 23.0 * MINUTE
    assert closed.desk.position(0, BTC) == 0.0


@pytest.mark.parametrize("script", ["cancel_flood", "nan_signals"])
def test_what_leaves_no_position_behind_needs_nobody(script: str) -> None:
    normal = play(CALM, bystander(), limits=LIMITS)
    back = back_after(40.0, misbehaving(script), normal)
    assert back is not None
    assert back <= 2.0 * MINUTE


def test_resting_orders_of_a_wash_trader_go_when_a_person_says_so() -> None:
    still = market({BTC: [100.0] * 120, ETH: wave(120, 50.0, 0.01, 12)})
    cancel = CancelOrders(strategy_id="suspect")
    record = misbehaving("wash_trade", operator((60.0, cancel)), feed=still)
    assert violated(record, LIMITS) == set()
    ended = [(e.timestamp_ns - START_NS) // MINUTE_NS for e in record.recorder.ended]
    assert ended == [60] * 10
    assert float(record.desk.view.positions[0].working_sell) == 0.0


def test_breaker_brings_exposure_back_and_without_it_nothing_does() -> None:
    """The buyer into the fall: stopped and closed by its loss, in the band minutes later; else it holds to the end."""
    normal = play(FALL, bystander(), limits=STOP_AT_50)
    stopped = play(FALL, buyer(), bystander(), limits=STOP_AT_50)
    back = back_after(0.0, stopped, normal)
    assert back is not None
    assert back <= 25.0 * MINUTE
    loose = play(FALL, buyer(), bystander(), limits=STOP_AT_50.without("single_strategy_loss"))
    assert back_after(0.0, loose, normal) is None
    assert "single_strategy_loss" in violated(loose, STOP_AT_50)


# -- by the chaos backtest ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kinds",
    [("venue_disconnect", "bad_tick"), ("reject_storm", "duplicate_fills"), ("stale_feed", "latency_spike")],
    ids="+".join,
)
def test_chaos_backtest_finds_the_recovery_of_each_event(kinds: Sequence[str]) -> None:
    """Two events an hour apart: each is got over within the hour, and the result says when."""
    prices = synthetic(venues=("exchange-1",), bars=240, seed=3)
    start = prices.start
    events = [
        {"kind": kind, "start": (start + wait).isoformat(), "duration": "15min", "intensity": 1.0}
        for kind, wait in zip(kinds, (timedelta(hours=1), timedelta(hours=2)), strict=True)
    ]
    chaos = ChaosBacktester(prices, limits=RiskLimits(), progress=False)
    result = chaos.run_backtest_with_chaos(
        "strategies/momentum.py", events, config={"lookback": 10, "unit": 0.1}
    )
    assert [str(outcome.event.kind) for outcome in result.outcomes] == list(kinds)
    for outcome in result.outcomes:
        assert outcome.recovery_seconds is not None
        assert outcome.recovery_seconds <= 3_600.0
        assert outcome.emergency_stops == 0

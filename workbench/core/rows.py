"""Row layouts of a trading desk's state, all in one place: every field is eight bytes wide, an integer or a float.

Units: money in quote currency, quantities in units, prices in quote currency per unit, times in UTC nanoseconds,
rates and shares as fractions. `-1` stands for "none" in links and indices.
"""

from __future__ import annotations

from typing import Final, get_type_hints

import numpy as np

__all__ = [
    "BOOK",
    "EVENT",
    "EXECUTION",
    "FAULT",
    "HEADER",
    "INSTRUMENT",
    "LIMIT",
    "ORDER",
    "POSITION",
    "RECENT_ROW",
    "STRATEGY",
    "SYMBOL",
    "USE",
    "VENUE",
    "Book",
    "Event",
    "Execution",
    "Fault",
    "Header",
    "InstrumentRow",
    "LimitRow",
    "OrderRow",
    "PositionRow",
    "Recent",
    "StrategyRow",
    "SymbolRow",
    "Use",
    "VenueRow",
    "row_type",
]


class Header:
    """Sizes: how many rows of each kind the buffer holds, and at which byte each section begins."""

    strategies: int
    instruments: int
    venues: int
    symbols: int
    orders: int
    queue: (
        int  # working orders allowed at once; a sweep's desk has room for fewer, and says so when it runs out
    )
    events: int
    faults: int
    window: int  # samples kept by the monitors
    executions: int  # executions kept per strategy, instrument and side
    at_limits: int
    at_books: int
    at_symbols: int
    at_venues: int
    at_instruments: int
    at_strategies: int
    at_positions: int
    at_orders: int
    at_events: int
    at_uses: int
    at_recent: int
    at_faults: int
    at_held: int
    at_bucket_peaks: int
    at_bucket_steps: int
    at_seen: int
    at_executed: int
    at_returns: int
    at_results: int
    at_scratch: int
    at_failures: int


class LimitRow:
    """Every numeric limit; `inf` is off."""

    strategy_gross: float
    portfolio_gross: float
    instrument_gross: float
    venue_gross: float
    strategy_net: float
    portfolio_net: float
    symbol_share: float
    min_gross: float
    position_notional: float
    daily_orders: float
    stop_loss: float  # share of a strategy's capital
    collar: float
    max_age_ns: float
    bad_tick: float
    order_value: float
    order_volume: float
    volume_share: float
    strategy_rate: float
    strategy_burst: float
    venue_rate: float
    venue_burst: float
    cancel_reserve: float
    max_executions: float
    execution_window_ns: float
    duplicate_window_ns: float
    max_identical: float
    self_trade: int
    cash_only: int
    max_leverage: float
    out_of_range: int
    daily_loss: float  # positive
    strategy_drawdown: float  # positive share
    max_drawdown: float  # positive share
    portfolio_var: float
    var_tail: float  # 1 - confidence
    portfolio_loss: float  # positive share of Book.base_equity
    strategy_loss: float  # positive
    rapid_rate: float  # positive share
    bucket_ns: int
    liquidate: int
    pre_trade: int
    breakers: int
    interval_ns: int
    strategy_correlation: float
    holding_correlation: float
    held_share: float
    warn_at: float
    max_errors: float
    error_window_ns: float


class Book:
    """The portfolio and the counters of the desk."""

    now_ns: int
    day: int
    initial_cash: float
    equity: float
    peak: float
    base_equity: float  # the loss breaker counts from here; its own reset moves it
    day_equity: float  # at 00:00 UTC, or at the last reset of the daily-loss breaker since
    drawdown: float  # positive share of the peak
    halted: int  # latched breaker bits
    value_at_risk: float  # to be asked through monitors.value_at_risk
    var_due: int  # the figure above is older than the last sample
    sample: int  # samples taken by the monitors
    sample_ns: int  # when the next one is due
    first_sample_ns: int
    sampled_ns: int  # when the last one was taken
    alert_levels: int  # two bits per monitor
    next_order: int
    working: int
    free: int  # first free order slot
    event_count: int
    events_lost: int
    starved: int  # something found no room that the queue would have had
    fault_ns: int  # when the fault schedule next changes
    changed: int  # equity changed since risk last looked
    held_reports: int
    accepted: int
    refused: int
    fills: int
    breaches: int
    trips: int
    bad_ticks: int
    worst_gross: float
    worst_use: float  # highest pre-trade use of any accepted order
    risk_score: float  # of the order checked last


class SymbolRow:
    max_long: float
    max_short: float  # positive units
    strategy_long: float
    strategy_short: float
    restricted: int
    quantity: float
    working_buy: float
    working_sell: float
    worst_long: float
    worst_short: float


class VenueRow:
    up: int
    tokens: float
    tokens_ns: int
    executions: int
    last_execution: int  # highest number seen by the ledger
    reject_probability: float
    extra_latency_ns: int
    fill_share: float
    duplicate: int
    reorder: int
    seed: int
    remote: int  # 1 where a venue outside of the desk matches and reports
    halted: int  # 1 where a person has stopped trading there


class InstrumentRow:
    symbol: int
    venue: int
    tick: float
    lot: float
    min_notional: float
    multiplier: float
    maker: float
    taker: float
    slippage: float
    impact: float
    participation: float
    latency_ns: int
    bid: float
    ask: float
    last: float
    volume: float
    bid_size: float
    ask_size: float
    mark: float
    mark_ns: int
    good: int
    suspect: float
    suspect_count: int
    updates: int
    sequence: int
    average_volume: float
    room: float  # units that this update may still fill
    taken: float  # units that this update has filled for takers
    sampled: float  # mark at the last monitor sample
    sampled_value: float  # notional held then, signed, of all strategies
    reach: float  # largest absolute return among the samples kept
    first: int  # head of the list of orders working here
    final: int  # its tail
    priced: int  # how many of them have a limit or a stop


class StrategyRow:
    capital: float
    pnl: float
    peak: float  # of capital + pnl
    base_pnl: float  # the stop loss and the loss breaker count from here; the reset of either moves it
    sampled_pnl: float
    drawdown: float
    sizing: int
    halted: int
    orders_today: int
    tokens: float
    tokens_ns: int
    recent: int  # orders noted for the duplicate check
    gross: float
    dirty: int
    breaches: int
    failures: int
    accepted: int
    refused: int
    fills: int
    trips: int
    alert_levels: int


class PositionRow:
    quantity: float
    average: float
    realised: float
    fees: float
    unrealised: float
    working_buy: float
    working_sell: float
    exposure: float
    unit: float
    permitted: int
    bought_executions: int
    sold_executions: int
    traded: float  # notional
    closing_failures: int  # orders in a row that were to close it and came back without a fill
    closing_ns: int  # after failures: when liquidation tries again


class OrderRow:
    number: int
    strategy: int
    instrument: int
    side: int
    type: int
    tif: int
    reduce_only: int
    post_only: int
    emergency: int
    triggered: int
    state: int
    quantity: float
    leaves: float  # as the desk knows it
    venue_leaves: float  # as the venue knows it
    limit: float
    stop: float
    submit_ns: int
    active_ns: int
    seen_update: int  # updates of the instrument when the order was sent
    day: int
    client: int
    pending: int  # executions under way to the desk
    linked: int
    rested: int
    cancelling: int  # asked back from a remote venue, which has not answered yet
    acknowledged: int  # a remote venue has said that it works
    next: int
    previous: int


class Event:
    kind: int
    number: int
    ns: int
    strategy: int
    instrument: int
    order: int
    code: int
    side: int
    client: int
    quantity: float
    price: float
    value: float
    limit: float


class Use:
    """What one pre-trade check saw: value against limit, and their ratio."""

    value: float
    limit: float
    use: float


class Recent:
    instrument: int
    side: int
    type: int
    client: int
    ns: int
    quantity: float
    limit: float


class Fault:
    start_ns: int
    end_ns: int
    venue: int
    kind: int
    intensity: float
    seed: int


class Execution:
    """An execution report that a faulty venue holds back."""

    venue: int
    number: int
    slot: int
    quantity: float
    price: float
    liquidity: int
    ns: int


def row_type(row: type) -> np.dtype[np.void]:
    """The layout of a row that is written down as a class with annotations int and float."""
    kinds = {int: np.int64, float: np.float64}
    return np.dtype((np.record, [(name, kinds[kind]) for name, kind in get_type_hints(row).items()]))


HEADER: Final = row_type(Header)
LIMIT: Final = row_type(LimitRow)
BOOK: Final = row_type(Book)
SYMBOL: Final = row_type(SymbolRow)
VENUE: Final = row_type(VenueRow)
INSTRUMENT: Final = row_type(InstrumentRow)
STRATEGY: Final = row_type(StrategyRow)
POSITION: Final = row_type(PositionRow)
ORDER: Final = row_type(OrderRow)
EVENT: Final = row_type(Event)
USE: Final = row_type(Use)
RECENT_ROW: Final = row_type(Recent)
FAULT: Final = row_type(Fault)
EXECUTION: Final = row_type(Execution)

"""Cross-venue arbitrage: the same thing bought where it is cheap and sold where it is dear."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from workbench.core.messages import Instrument
from workbench.errors import ParameterError
from workbench.strategy.compiled import AGE, LAST, POSITION, TIME, CompiledStrategy, helper
from workbench.strategy.indicators import is_price, memory

PATIENCE = 4  # updates for which a pair asks in vain before it waits
WHOLE = 1e-9  # units by which two legs may differ and still balance
PHASE, CHEAP, DEAR, RESTING, BOUGHT, SOLD, COMPLETE, IN_VAIN, SINCE = range(9)
IDLE, OPEN, CLOSING = 0.0, 1.0, 2.0


class ArbitrageStrategy(CompiledStrategy):
    """Buys a symbol on its cheapest venue and sells it on its dearest until their prices have met again.

    Idea: one asset has one value; venues that differ by more than the cost of trading come back together.
    Both legs are targets on a named venue, repeated while the gap is open until the positions balance, so that
    a leg that was cut short is completed.

    What risk rules, breakers and people do shows in the positions, and both legs are unwound for it: when a
    complete pair has been reduced by somebody else; or when legs have not balanced, and nothing has moved them
    for four updates of the symbol and max_age_seconds. The symbol then rests until its gap has closed.

    min_spread_bps, close_spread_bps: gap that opens and that unwinds a pair, basis points of the cheap
    price; what lies between must pay for four trades (at 5 bps a trade, open above 25 at the least).
    max_spread_bps: a gap above this is taken for a bad price.
    max_position_size: units per leg.  venues: two or more.  max_age_seconds: an older price is not compared.

    Loses: when a gap is there for a reason (withdrawals halted, a stablecoin off its peg) and stays or
    widens.
    """

    VERSION = "1.3.0"
    SIZING = "target"
    SCOPE = "symbol"
    READS_POSITION = True
    PARAMETERS: ClassVar = {
        "min_spread_bps": 10.0,
        "close_spread_bps": 2.0,
        "max_spread_bps": 500.0,
        "max_position_size": 1.0,
        "venues": ["exchange-1", "exchange-2"],
        "max_age_seconds": 120.0,
    }
    CONSTRAINTS = (
        "close_spread_bps < min_spread_bps < max_spread_bps",
        "min_spread_bps > 0",
        "max_position_size > 0",
        "max_age_seconds > 0",
    )

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        venues = list(dict.fromkeys(self.config["venues"]))
        if len(venues) < 2:
            raise ParameterError(f"ArbitrageStrategy: expected two or more venues, found {venues}")

    @classmethod
    def groups(cls, config: Mapping[str, Any], instruments: Sequence[Instrument]) -> list[list[int]]:
        """The venues of each symbol, those that are named and in that order; symbols of two venues or more."""
        places = {(i.symbol, i.venue): k for k, i in enumerate(instruments)}
        named = dict.fromkeys(config["venues"])
        found = [
            [places[symbol, venue] for venue in named if (symbol, venue) in places]
            for symbol in dict.fromkeys(i.symbol for i in instruments)
        ]
        return [members for members in found if len(members) > 1]

    @staticmethod
    def start(params: Any, count: int) -> Any:  # noqa: ARG004 - the state is the same for all parameters
        return memory(9), memory(count)

    @staticmethod
    def step(params: Any, state: Any, prices: Any) -> Any:
        mind, answer = state
        answer[:] = math.nan
        if mind[PHASE] == IDLE:
            _seek(params, mind, prices)
            if mind[PHASE] == OPEN:
                _say(mind, answer, 1.0)
            return answer
        cheap, dear = int(mind[CHEAP]), int(mind[DEAR])
        gap = math.nan
        if _is_fresh(params, prices[cheap]) and _is_fresh(params, prices[dear]):
            gap = _gap_bps(prices[cheap, LAST], prices[dear, LAST])
        _watch(mind, prices[cheap, POSITION], prices[dear, POSITION], _now(prices))
        if mind[PHASE] == OPEN:
            _hold(params, mind, answer, gap, _now(prices))
        if mind[PHASE] == CLOSING:
            _unwind(params, mind, answer, _now(prices))
        return answer


@helper
def _gap_bps(cheap: float, dear: float) -> float:
    return (dear - cheap) / cheap * 10_000.0


@helper
def _is_fresh(params: Any, row: Any) -> bool:
    """Whether the last price of a venue is sound and not too old."""
    return row[AGE] <= params.max_age_seconds and is_price(row[LAST])


@helper
def _now(prices: Any) -> float:
    """Time of the last price, seconds since 1970."""
    now = 0.0
    for k in range(len(prices)):
        if prices[k, TIME] > now:
            now = prices[k, TIME]
    return now


@helper
def _seek(params: Any, mind: Any, prices: Any) -> None:
    """Open a pair where the extremes of the fresh prices stand far enough apart."""
    fresh, cheap, dear = 0, 0, 0
    for k in range(len(prices)):
        if _is_fresh(params, prices[k]):
            if fresh == 0 or prices[k, LAST] < prices[cheap, LAST]:
                cheap = k
            if fresh == 0 or prices[k, LAST] > prices[dear, LAST]:
                dear = k
            fresh += 1
    if fresh < 2:
        return
    gap = _gap_bps(prices[cheap, LAST], prices[dear, LAST])
    if gap <= params.close_spread_bps:
        mind[RESTING] = 0.0
    if mind[RESTING] == 0.0 and params.min_spread_bps < gap <= params.max_spread_bps:
        mind[PHASE], mind[CHEAP], mind[DEAR] = OPEN, cheap, dear
        mind[BOUGHT], mind[SOLD] = prices[cheap, POSITION], prices[dear, POSITION]
        mind[COMPLETE], mind[IN_VAIN], mind[SINCE] = 0.0, 0.0, _now(prices)


@helper
def _watch(mind: Any, bought: float, sold: float, now: float) -> None:
    """Note both positions, and for how long nothing has moved them."""
    if bought != mind[BOUGHT] or sold != mind[SOLD]:
        mind[BOUGHT], mind[SOLD] = bought, sold
        mind[IN_VAIN], mind[SINCE] = 0.0, now
    else:
        mind[IN_VAIN] += 1.0


@helper
def _hold(params: Any, mind: Any, answer: Any, gap: float, now: float) -> None:
    """Hold the pair or complete it, unless it is time to close it."""
    bought, sold = mind[BOUGHT], mind[SOLD]
    complete = bought > 0.0 and abs(bought + sold) < WHOLE
    stuck = mind[IN_VAIN] >= PATIENCE and now - mind[SINCE] > params.max_age_seconds
    if gap <= params.close_spread_bps:
        mind[PHASE] = CLOSING
    elif complete:
        mind[COMPLETE] = 1.0
    elif mind[COMPLETE] == 1.0 or stuck:
        mind[PHASE], mind[RESTING] = CLOSING, 1.0
    elif mind[IN_VAIN] < PATIENCE and params.min_spread_bps < gap <= params.max_spread_bps:
        _say(mind, answer, 1.0)
    if mind[PHASE] == CLOSING:
        mind[IN_VAIN], mind[SINCE] = 0.0, now


@helper
def _unwind(params: Any, mind: Any, answer: Any, now: float) -> None:
    """Ask for both legs flat until they are; in vain, only every now and then."""
    flat = abs(mind[BOUGHT]) < WHOLE and abs(mind[SOLD]) < WHOLE
    late = now - mind[SINCE] > params.max_age_seconds
    if flat or late or mind[IN_VAIN] < PATIENCE:
        _say(mind, answer, 0.0)
    if late:
        mind[SINCE] = now
    if flat:
        mind[PHASE] = IDLE


@helper
def _say(mind: Any, answer: Any, size: float) -> None:
    """Both targets of the pair at `size` (1 full, 0 flat) of the position size."""
    answer[int(mind[CHEAP])] = size
    answer[int(mind[DEAR])] = 0.0 - size

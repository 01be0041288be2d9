"""Asking the pre-trade checks what they would say to an order, without sending it.

`PreTradeRisk` runs the very function that the desk runs (`risk_rules.check_order`), on the desk's own state, and puts
back every byte that the checks wrote: a question takes no token from a message bucket and leaves no trace.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from workbench.core.build import Seat
from workbench.core.check_results import (
    Answer,
    CheckResult,
    Order,
    RiskCheckResult,
    read_order,
    unfit_order,
)
from workbench.core.codes import Check, Refusal, Side
from workbench.core.decode import breaker_labels
from workbench.core.desk import TradingDesk
from workbench.core.jit import jit
from workbench.core.limit_row import set_limits
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument
from workbench.core.native import open_desk
from workbench.core.risk_rules import check_order
from workbench.core.sizing import expected_price
from workbench.core.uses import Intent
from workbench.errors import EngineError, LimitsError

__all__ = ["PreTradeRisk", "limits_of"]

BUY: Final = int(Side.BUY)
GTC: Final = 0
NOTHING_LEFT: Final = -1
CIRCUIT_BREAKER: Final = 1 << int(Check.CIRCUIT_BREAKER)


def limits_of(config: RiskLimits | Mapping[str, Any]) -> RiskLimits:
    """Limits from the `risk_limits` mapping (with or without that key on top), or checked as they are.

    Raises LimitsError. Files, and words such as `off`, are read by `workbench.configuration`.
    """
    if isinstance(config, RiskLimits):
        return config.checked()
    if not isinstance(config, Mapping):
        raise LimitsError(
            f"expected RiskLimits or a mapping, found {type(config).__name__}; "
            "files are read by workbench.configuration.load_limits"
        )
    try:
        limits = msgspec.convert(config.get("risk_limits", config), RiskLimits)
    except msgspec.ValidationError as error:
        raise LimitsError(f"risk limits: {error}") from None
    return limits.checked()


@jit
def _judge(
    buffer: npt.NDArray[np.uint8],
    strategy: int,
    instrument: int,
    side: int,
    quantity: float,
    order_type: int,
    reduce_only: int,
    limit: float,
    stop: float,
    client: int,
) -> int:
    """The mask of failed checks for an order, valued and cut to what it may reduce as the desk would."""
    desk = open_desk(buffer)
    if reduce_only:
        position = desk.positions[strategy * desk.head[0].instruments + instrument]
        working = position.working_buy if side == BUY else position.working_sell
        left = -position.quantity * side - working
        if not left > 0.0:
            return NOTHING_LEFT
        quantity = left if left < quantity else quantity
    expected = expected_price(desk.instruments[instrument], side, order_type, limit, stop)
    intent = Intent(
        strategy, instrument, side, quantity, order_type, GTC, reduce_only, 0, limit, stop, expected, client
    )
    return check_order(desk, intent)


class PreTradeRisk:
    """The desk's pre-trade checks as questions.

    config: the limits to ask about; None for those in force at the desk.  desk: whose positions, prices and buckets
    count; left out, a new one over `instruments` and `strategies`, which knows no price until it is told
    (`risk.desk.process(PriceUpdate(...))`) and refuses everything until then.

    Questions must come from the desk's own thread: for the time of one it writes to the desk, and then puts back what
    was there.
    """

    def __init__(
        self,
        config: RiskLimits | Mapping[str, Any] | None = None,
        desk: TradingDesk | None = None,
        instruments: Sequence[Instrument] = (),
        strategies: Sequence[str] = ("strategy",),
    ) -> None:
        limits = None if config is None else limits_of(config)
        if desk is None:
            desk = TradingDesk(instruments, [Seat(name) for name in strategies], limits=limits)
            limits = None
        self.desk = desk
        self._other = limits
        self._compared: RiskLimits | None = None
        self._is_other = True
        self._places = {(i.symbol, i.venue): k for k, i in enumerate(desk.instruments)}
        head = desk.view.head[0]
        first, last = (
            (head.at_books, head.at_positions) if limits is None else (head.at_limits, head.at_orders)
        )
        self._written = desk.state[int(first) : int(last)]  # all that a question writes to
        self._uses = desk.state[int(head.at_uses) : int(head.at_recent)]
        self._seen: npt.NDArray[Any] = np.asarray(desk.view.uses)
        self._score: npt.NDArray[np.float64] = np.asarray(desk.view.books)["risk_score"]

    @property
    def limits(self) -> RiskLimits:
        """The limits that questions are about."""
        return self.desk.limits if self._other is None else self._other

    def validate_order(self, order: Order) -> RiskCheckResult:
        """Run every check; nothing is booked, sent or counted.

        Raises EngineError on a symbol, venue, strategy, side or order type that the desk does not know. Figures that
        cannot be (NaN, infinite, negative) are no error: they fail as `invalid_signal`.
        """
        return self._ask(order).result()

    def calculate_risk_score(self, order: Order) -> float:
        """The fullest use of any limit after the order, 0..1; 1 where it would be refused."""
        answer = self._ask(order)
        return 1.0 if answer.mask else answer.score

    def _ask(self, order: Order, in_full: bool = False) -> Answer:
        """What the checks say; the figures of those that passed only if `in_full`."""
        desk = self.desk
        strategy = self._strategy(order)
        k = self._instrument(order)
        side, kind, sound = read_order(order)
        if not sound:
            return unfit_order(order, Refusal.INVALID_SIGNAL)
        written, uses = self._written.copy(), self._uses.copy()
        try:
            if self._other is not None and self._differs():
                set_limits(desk.state, self._other, desk.instruments, desk.strategies)
            mask = _judge(
                desk.state,
                strategy,
                k,
                side,
                float(order.quantity),
                kind,
                int(order.reduce_only),
                float(order.limit_price),
                float(order.stop_price),
                order.client_order_id,
            )
            if mask == NOTHING_LEFT:
                return unfit_order(order, Refusal.NOTHING_TO_REDUCE)
            score = float(self._score[0])
            if mask == 0 and not in_full:
                return Answer(0, score, (), ())
            halted = self._halted(strategy) if mask & CIRCUIT_BREAKER else ()
            return Answer(int(mask), score, self._seen.tolist(), halted)
        finally:
            self._written[:] = written
            self._uses[:] = uses

    def _differs(self) -> bool:
        """Whether the limits asked about are others than those in force; compared once for each set in force."""
        if self.desk.limits is not self._compared:
            self._compared = self.desk.limits
            self._is_other = self._other != self._compared
        return self._is_other

    def _strategy(self, order: Order) -> int:
        if not order.strategy_id and len(self.desk.strategies) == 1:
            return 0
        return self.desk.strategy_index(order.strategy_id)

    def _instrument(self, order: Order) -> int:
        k = self._places.get((order.symbol, order.venue))
        if k is None and not order.venue:
            at = [place for (symbol, _), place in self._places.items() if symbol == order.symbol]
            k = at[0] if len(at) == 1 else None
        if k is None:
            known = ", ".join(i.name for i in self.desk.instruments)
            raise EngineError(f"no instrument {order.symbol}@{order.venue} at this desk; there is: {known}")
        return k

    def _halted(self, strategy: int) -> tuple[str, ...]:
        row = self.desk.view.strategies[strategy]
        return breaker_labels(int(self.desk.book.halted) | int(row.halted))

    def check(self, check: Check, order: Order) -> CheckResult:
        """What one check says to an order."""
        return self._ask(order, in_full=True).of(check)

    def check_position_limit(self, order: Order) -> CheckResult:
        return self.check(Check.POSITION_LIMIT, order)

    def check_notional_limit(self, order: Order) -> CheckResult:
        return self.check(Check.NOTIONAL_LIMIT, order)

    def check_concentration_limit(self, order: Order) -> CheckResult:
        return self.check(Check.CONCENTRATION_LIMIT, order)

    def check_strategy_limit(self, order: Order) -> CheckResult:
        return self.check(Check.STRATEGY_LIMIT, order)

    def check_price_collar(self, order: Order) -> CheckResult:
        return self.check(Check.PRICE_COLLAR, order)

    def check_max_order_value(self, order: Order) -> CheckResult:
        return self.check(Check.MAX_ORDER_VALUE, order)

    def check_max_order_volume(self, order: Order) -> CheckResult:
        return self.check(Check.MAX_ORDER_VOLUME, order)

    def check_message_rate(self, order: Order) -> CheckResult:
        return self.check(Check.MESSAGE_RATE, order)

    def check_repeated_execution_throttle(self, order: Order) -> CheckResult:
        return self.check(Check.REPEATED_EXECUTION_THROTTLE, order)

    def check_duplicate_order(self, order: Order) -> CheckResult:
        return self.check(Check.DUPLICATE_ORDER, order)

    def check_self_trade_prevention(self, order: Order) -> CheckResult:
        return self.check(Check.SELF_TRADE_PREVENTION, order)

    def check_permitted_instruments(self, order: Order) -> CheckResult:
        return self.check(Check.PERMITTED_INSTRUMENTS, order)

    def check_restricted_list(self, order: Order) -> CheckResult:
        return self.check(Check.RESTRICTED_LIST, order)

    def check_buying_power(self, order: Order) -> CheckResult:
        return self.check(Check.BUYING_POWER, order)

    def check_circuit_breaker(self, order: Order) -> CheckResult:
        return self.check(Check.CIRCUIT_BREAKER, order)

    def check_portfolio_var(self, order: Order) -> CheckResult:
        return self.check(Check.PORTFOLIO_VAR, order)

    def check_queue_full(self, order: Order) -> CheckResult:
        return self.check(Check.QUEUE_FULL, order)

"""Orders as people write them, and what the pre-trade checks say to them in words and figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from workbench.core.codes import Check, OrderType, Refusal, Side, label
from workbench.errors import EngineError

__all__ = ["Answer", "CheckResult", "FailedCheck", "Order", "RiskCheckResult", "read_order", "unfit_order"]

NAN: Final = math.nan
INF: Final = math.inf
_CHECKS: Final = tuple((1 << int(check), check) for check in Check)
_SIDES: Final = {label(side): int(side) for side in Side}
_TYPES: Final = {label(kind): int(kind) for kind in OrderType}
_WITH_LIMIT: Final = (OrderType.LIMIT, OrderType.STOP_LIMIT)
_WITH_STOP: Final = (OrderType.STOP, OrderType.STOP_LIMIT)

_SAYS: Final[Mapping[Check, str]] = {
    Check.POSITION_LIMIT: "{value} units on this side with all that works, at most {limit}",
    Check.NOTIONAL_LIMIT: "notional {value} with all that works, at most {limit}",
    Check.CONCENTRATION_LIMIT: "share {value} of gross exposure in one symbol, at most {limit}",
    Check.STRATEGY_LIMIT: "{value} for this strategy (notional here, orders today or loss), at most {limit}",
    Check.PRICE_COLLAR: "price {value} away from a fresh mark as a fraction (inf: no fresh mark), at most {limit}",
    Check.MAX_ORDER_VALUE: "order worth {value}, at most {limit}",
    Check.MAX_ORDER_VOLUME: "order of {value} units, at most {limit}",
    Check.MESSAGE_RATE: "{value} of the message bucket used (inf: only the reserve is left), at most {limit}",
    Check.REPEATED_EXECUTION_THROTTLE: "execution {value} on this side within the window, at most {limit}",
    Check.DUPLICATE_ORDER: "the same id or content for the {value}th time within the window, at most {limit}",
    Check.SELF_TRADE_PREVENTION: "it would trade with an order of our own",
    Check.PERMITTED_INSTRUMENTS: "this strategy may not trade this instrument",
    Check.RESTRICTED_LIST: "the symbol is restricted; only reducing orders pass",
    Check.BUYING_POWER: "{value} would be used of the {limit} that is there",
    Check.CIRCUIT_BREAKER: "a breaker is latched ({breakers}); only reducing orders pass until a person resets it",
    Check.PORTFOLIO_VAR: "value at risk {value}, at most {limit}; only reducing orders pass",
    Check.QUEUE_FULL: "no free place among {limit} working orders",
}


class Order(msgspec.Struct, frozen=True):
    """An order as a person or an adapter writes it.

    venue: "" where the symbol trades on one venue only.  side: "buy" or "sell".  quantity: units > 0.
    order_type: market, limit, stop, stop_limit.  limit_price, stop_price: NaN where the type has none.
    strategy_id: "" where the desk has one strategy only.  client_order_id: 0 for none.
    """

    symbol: str
    venue: str
    side: str
    quantity: float
    order_type: str = "market"
    limit_price: float = NAN
    stop_price: float = NAN
    strategy_id: str = ""
    reduce_only: bool = False
    client_order_id: int = 0


class FailedCheck(msgspec.Struct, frozen=True):
    """A check that refuses an order.  check: its reason code.  value, limit: in its unit, NaN where it has none."""

    check: str
    value: float
    limit: float
    message: str


class CheckResult(msgspec.Struct, frozen=True):
    """What one check says.  use: value / limit, the fullest of the limits that it looked at (1 is at the limit)."""

    check: str
    passed: bool
    value: float
    limit: float
    use: float
    message: str


class RiskCheckResult(msgspec.Struct, frozen=True):
    """What all checks say.  risk_score: the fullest use of any limit after the order, 0..1."""

    passed: bool
    failed_checks: tuple[FailedCheck, ...]
    risk_score: float


class Answer(NamedTuple):
    """What a desk said to an order.

    mask: of failed checks.  score: 0..1.  uses: value, limit and use of each check.  halted: latched breakers.
    unfit: why it is no order that the checks could look at, None where they did.
    """

    mask: int
    score: float
    uses: Sequence[tuple[float, float, float]]
    halted: tuple[str, ...]
    unfit: FailedCheck | None = None

    def of(self, check: Check) -> CheckResult:
        """What one check says."""
        if self.unfit is not None:
            return CheckResult(
                label(check), False, self.unfit.value, self.unfit.limit, INF, self.unfit.message
            )
        value, limit, use = self.uses[check]
        passed = self.mask >> check & 1 == 0
        message = "" if passed else self._message(check, value, limit)
        return CheckResult(label(check), passed, value, limit, use, message)

    def result(self) -> RiskCheckResult:
        """What all checks say."""
        if self.unfit is not None:
            return RiskCheckResult(False, (self.unfit,), 1.0)
        if self.mask == 0:
            return RiskCheckResult(True, (), self.score)
        failed = [self.of(check) for bit, check in _CHECKS if self.mask & bit]
        return RiskCheckResult(
            False, tuple(FailedCheck(r.check, r.value, r.limit, r.message) for r in failed), self.score
        )

    def _message(self, check: Check, value: float, limit: float) -> str:
        says = _SAYS[check].format(
            value=f"{value:.10g}", limit=f"{limit:.10g}", breakers=", ".join(self.halted)
        )
        return f"{label(check)}: {says}"


def unfit_order(order: Order, reason: Refusal) -> Answer:
    """The answer to what the desk would not even check: figures that cannot be, or nothing to reduce."""
    if reason == Refusal.NOTHING_TO_REDUCE:
        message = "no position that is not being closed already"
    else:
        message = (
            f"expected finite figures above 0 and the prices of a {order.order_type} order, found quantity "
            f"{order.quantity!r}, limit_price {order.limit_price!r}, stop_price {order.stop_price!r}"
        )
    code = label(reason)
    return Answer(0, 1.0, (), (), FailedCheck(code, order.quantity, NAN, f"{code}: {message}"))


def read_order(order: Order) -> tuple[int, int, bool]:
    """Side and order type as codes, and whether the figures can be: as strict as the desk is with a signal.

    Raises EngineError on a side or type that there is not.
    """
    side, kind = _SIDES.get(order.side), _TYPES.get(order.order_type)
    if side is None or kind is None:
        raise EngineError(
            f"expected side {' or '.join(_SIDES)} and order_type {', '.join(_TYPES)}; "
            f"found {order.side!r} and {order.order_type!r}"
        )
    limit, stop = order.limit_price, order.stop_price
    limited = 0.0 < limit < INF if kind in _WITH_LIMIT else limit != limit
    stopped = 0.0 < stop < INF if kind in _WITH_STOP else stop != stop
    return side, kind, 0.0 < order.quantity < INF and limited and stopped and order.client_order_id >= 0

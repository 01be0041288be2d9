"""Orders and fills of a run as DataFrames.

Times are datetime64[ns, UTC], money is quote currency, quantities are units.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import pandas as pd

from workbench.backtest.recorder import Recorder
from workbench.backtest.tables import NAT, WHO, Kinds, facts_table, table
from workbench.core.codes import OrderState, label
from workbench.core.facts import OrderAccepted, OrderEnded, OrderRefused
from workbench.core.messages import OrderFill

__all__ = ["fills_frame", "orders_frame"]

_SIDES: Final = {1: "buy", -1: "sell"}

_ORDERS: Final[Kinds] = {
    "order_id": "int",
    "client_order_id": "int",
    **WHO,
    "side": "text",
    "quantity": "float",
    "order_type": "text",
    "time_in_force": "text",
    "limit_price": "float",
    "stop_price": "float",
    "state": "text",
    "reason": "text",
    "filled_quantity": "float",
    "average_price": "float",
    "fee": "float",
    "created": "time",
    "triggered": "time",
    "ended": "time",
}


def orders_frame(recorder: Recorder) -> pd.DataFrame:
    """One row per order in the order in which they came, refused ones too.

    order_id: 0 for a refused order, which never got one; its order type is unknown ("").  state: as in OrderState.
    reason: the failed checks of a refused order, why the venue or the desk ended another.  quantity, filled_quantity:
    units > 0.  average_price: of the fills, NaN without one.  fee: quote currency.  triggered: when a stop's price was
    reached.  ended: when the state became final, NaT while an order works.
    """
    filled = _filled(recorder.fills)
    ended = {fact.order_id: fact for fact in recorder.ended}
    triggered = {fact.order_id: fact.timestamp_ns for fact in recorder.triggered}
    rows: list[Sequence[Any]] = []
    for fact in recorder.journal:
        if type(fact) is OrderAccepted:
            number = fact.order_id
            rows.append(_accepted(fact, filled.get(number), ended.get(number), triggered.get(number, NAT)))
        elif type(fact) is OrderRefused:
            rows.append(_refused(fact))
    return table(_ORDERS, rows)


class _Filled(NamedTuple):
    """What was filled of one order: units, units x price, fees, units left, time of the last fill."""

    units: float = 0.0
    notional: float = 0.0
    fee: float = 0.0
    leaves: float = math.inf
    last_ns: int = NAT


def _filled(fills: Iterable[OrderFill]) -> dict[int, _Filled]:
    found: dict[int, _Filled] = {}
    for fill in fills:
        so_far = found.get(fill.order_id, _Filled())
        size = abs(fill.quantity)
        found[fill.order_id] = _Filled(
            so_far.units + size,
            so_far.notional + size * fill.price,
            so_far.fee + fill.fee,
            min(so_far.leaves, fill.leaves),
            fill.timestamp_ns,
        )
    return found


def _accepted(
    fact: OrderAccepted, filled: _Filled | None, end: OrderEnded | None, triggered_ns: int
) -> Sequence[Any]:
    done = filled or _Filled()
    if end is not None and done.leaves != 0.0:  # a cancel may lose the race against the last fill
        state, reason, ended_ns = end.state, end.reason, end.timestamp_ns
    elif done.leaves == 0.0:
        state, reason, ended_ns = label(OrderState.FILLED), "", done.last_ns
    else:
        state, reason, ended_ns = (
            label(OrderState.PARTIALLY_FILLED if filled else OrderState.WORKING),
            "",
            NAT,
        )
    return (
        fact.order_id,
        fact.client_order_id,
        fact.strategy_id,
        fact.symbol,
        fact.venue,
        _SIDES[fact.side],
        fact.quantity,
        fact.order_type,
        fact.time_in_force,
        fact.limit_price,
        fact.stop_price,
        state,
        reason,
        done.units,
        done.notional / done.units if filled else math.nan,
        done.fee,
        fact.timestamp_ns,
        triggered_ns,
        ended_ns,
    )


def _refused(fact: OrderRefused) -> Sequence[Any]:
    reason = ", ".join(fact.failed_checks)
    nan, ns = math.nan, fact.timestamp_ns
    who = (
        0,
        fact.client_order_id,
        fact.strategy_id,
        fact.symbol,
        fact.venue,
        _SIDES[fact.side],
        fact.quantity,
    )
    return (*who, "", "", nan, nan, label(OrderState.REFUSED_BY_RISK), reason, 0.0, nan, 0.0, ns, NAT, ns)


_FILLS: Final[Kinds] = {
    "timestamp": "time",
    **WHO,
    "side": "text",
    "quantity": "float",
    "price": "float",
    "fee": "float",
    "liquidity": "text",
    "order_id": "int",
    "client_order_id": "int",
    "execution_id": "int",
    "leaves": "float",
}


def fills_frame(recorder: Recorder) -> pd.DataFrame:
    """One row per execution: signed units, price per unit, fee (a rebate is negative), "maker" or "taker"."""
    return facts_table(_FILLS, recorder.fills)

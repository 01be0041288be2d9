"""Reading an untrusted signal's metadata into order terms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from workbench.core.codes import OrderType, TimeInForce, label

__all__ = ["DEFAULT_TERMS", "TERM_KEYS", "Terms", "as_number", "read_terms"]

NAN: Final = math.nan
ACTIONS: Final = frozenset({"order", "cancel", "replace"})
_TYPES = {label(t): int(t) for t in OrderType}
_TIFS = {t.name: int(t) for t in TimeInForce}
LARGEST_CLIENT_ID: Final = 2**62


class Terms(NamedTuple):
    """Order terms of one signal; NaN, 0 and "" where the signal says nothing."""

    type: int = int(OrderType.MARKET)
    tif: int = int(TimeInForce.GTC)
    reduce_only: int = 0
    post_only: int = 0
    limit: float = NAN
    stop: float = NAN
    quantity: float = NAN
    client: int = 0
    venue: str = ""
    action: str = "order"


DEFAULT_TERMS: Final = Terms()
TERM_KEYS: Final = frozenset(
    {
        "order_type",
        "time_in_force",
        "reduce_only",
        "post_only",
        "limit_price",
        "stop_price",
        "quantity",
        "client_order_id",
        "venue",
        "action",
    }
)


def as_number(value: Any) -> float | None:
    """`value` as a float where it is a plain number (bool is none), else None; too large an integer is infinite."""
    if type(value) is float:
        return value
    if isinstance(value, bool) or not hasattr(value, "__float__") or isinstance(value, str | bytes):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf
    except (TypeError, ValueError):
        return None


def read_terms(metadata: Mapping[str, Any]) -> Terms | None:
    """The terms in `metadata`; None where one of them cannot be read. Keys that are no terms are left alone."""
    if TERM_KEYS.isdisjoint(metadata):
        return DEFAULT_TERMS
    get = metadata.get
    order_type = get("order_type", "market")
    tif = get("time_in_force", "GTC")
    venue = get("venue", "")
    action = get("action", "order")
    if not all(isinstance(text, str) for text in (order_type, tif, venue, action)):
        return None
    kind, force = _TYPES.get(order_type.lower()), _TIFS.get(tif.upper())
    reduce_only, post_only = get("reduce_only", False), get("post_only", False)
    limit, stop, quantity = (_number(metadata, key) for key in ("limit_price", "stop_price", "quantity"))
    client = get("client_order_id", 0)
    if kind is None or force is None or limit is None or stop is None or quantity is None:
        return None
    if not (isinstance(reduce_only, bool) and isinstance(post_only, bool) and action in ACTIONS):
        return None
    if not isinstance(client, int) or isinstance(client, bool) or not 0 <= client < LARGEST_CLIENT_ID:
        return None
    if not _complete(action, kind, limit, stop):
        return None
    return Terms(kind, force, int(reduce_only), int(post_only), limit, stop, quantity, client, venue, action)


def _number(metadata: Mapping[str, Any], key: str) -> float | None:
    """The number at `key`, NaN where it is left out, None where it is there and is none (NaN is none)."""
    if key not in metadata:
        return NAN
    number = as_number(metadata[key])
    return None if number is None or math.isnan(number) else number


def _complete(action: str, kind: int, limit: float, stop: float) -> bool:
    """Whether an order of this type names the prices that it needs, and no others."""
    if action == "cancel":
        return True
    needs_limit = kind in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    needs_stop = kind in (OrderType.STOP, OrderType.STOP_LIMIT)
    return needs_limit == (not math.isnan(limit)) and needs_stop == (not math.isnan(stop))

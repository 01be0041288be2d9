"""Reading an untrusted signal's metadata into order terms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from workbench.core.codes import OrderType, TimeInForce, label

__all__ = ["DEFAULT_TERMS", "Terms", "as_number", "read_terms"]

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
    except Exception:  # noqa: BLE001 - the value is the strategy's, and so is its __float__
        return None


def _name(codes: Mapping[str, int], cased: Callable[[str], str]) -> Callable[[Any], int | None]:
    return lambda value: codes.get(cased(value)) if isinstance(value, str) else None


def _flag(value: Any) -> int | None:
    return int(value) if isinstance(value, bool) else None


def _price(value: Any) -> float | None:
    number = as_number(value)
    return None if number is None or math.isnan(number) else number


def _client(value: Any) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return value if whole and 0 <= value < LARGEST_CLIENT_ID else None


_READERS: Final[Mapping[str, tuple[str, Callable[[Any], Any]]]] = {
    "order_type": ("type", _name(_TYPES, str.lower)),
    "time_in_force": ("tif", _name(_TIFS, str.upper)),
    "reduce_only": ("reduce_only", _flag),
    "post_only": ("post_only", _flag),
    "limit_price": ("limit", _price),
    "stop_price": ("stop", _price),
    "quantity": ("quantity", _price),
    "client_order_id": ("client", _client),
    "venue": ("venue", lambda value: value if isinstance(value, str) else None),
    "action": ("action", lambda value: value if isinstance(value, str) and value in ACTIONS else None),
}
"""Metadata key -> field of Terms, and a reader that answers None where the value is none."""


def read_terms(metadata: Mapping[Any, Any]) -> Terms | None:
    """The terms in `metadata`; None where one of them cannot be read. Keys that are no terms are left alone."""
    given: dict[str, Any] = {}
    for key, value in metadata.items():
        reader = _READERS.get(key)
        if reader is not None:
            field, read = reader
            term = read(value)
            if term is None:
                return None
            given[field] = term
    if not given:
        return DEFAULT_TERMS
    terms = DEFAULT_TERMS._replace(**given)
    return terms if _complete(terms) else None


def _complete(terms: Terms) -> bool:
    """Whether an order of this type names the prices that it needs, and no others."""
    if terms.action == "cancel":
        return True
    kind, limit, stop = terms.type, terms.limit, terms.stop
    needs_limit = kind in (OrderType.LIMIT, OrderType.STOP_LIMIT)
    needs_stop = kind in (OrderType.STOP, OrderType.STOP_LIMIT)
    if terms.post_only and not needs_limit:
        return False
    return needs_limit == (not math.isnan(limit)) and needs_stop == (not math.isnan(stop))

"""What a strategy answers, as it can be sent: the same to the desk, whatever stood there.

One thing is told otherwise: a signal that is refused for a symbol that is no text counts as one of an unknown symbol.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Final

from workbench.core.messages import MarketSignal
from workbench.core.signals import MAX_SIGNALS
from workbench.core.terms import as_number

__all__ = ["plain_mapping", "plain_signals"]

_LARGEST: Final = 2**63
_TEXT: Final = 200  # characters of what cannot be sent as it is
_REFUSED: Final = {"order_type": None}  # terms that no desk can read


def plain_signals(signals: Sequence[MarketSignal]) -> list[MarketSignal]:
    """As many as a desk looks at, and one more where there are more."""
    plain = [s if _is_plain(s) else _plain(s) for s in islice(signals, MAX_SIGNALS)]
    if len(signals) > MAX_SIGNALS:
        plain.append(MarketSignal(""))
    return plain


def _is_plain(signal: MarketSignal) -> bool:
    return (
        type(signal) is MarketSignal
        and type(signal.symbol) is str
        and type(signal.signal_strength) is float
        and type(signal.confidence) is float
        and signal.timestamp is None
        and type(signal.metadata) is dict
        and all(type(k) is str and type(v) in (str, float, bool) for k, v in signal.metadata.items())
    )


def _plain(signal: MarketSignal) -> MarketSignal:
    """Numbers of other libraries become floats; what is no number is NaN, which the desk refuses just so."""
    metadata: Any = signal.metadata
    symbol: Any = signal.symbol
    when: Any = signal.timestamp
    if not isinstance(metadata, dict):
        metadata = dict(_REFUSED) if metadata else {}
    return MarketSignal(
        symbol=str.__str__(symbol) if isinstance(symbol, str) else "",
        timestamp=when if type(when) is datetime else None,
        signal_strength=_number(signal.signal_strength),
        confidence=_number(signal.confidence),
        metadata=plain_mapping(metadata),
    )


def _number(value: Any) -> float:
    number = as_number(value)
    return math.nan if number is None else number


def plain_mapping(values: Mapping[Any, Any], depth: int = 1) -> dict[str, Any]:
    """`values` as a frame can hold them: text for keys, and two levels; what is deeper or odd becomes text."""
    return {str.__str__(k): _value(v, depth) for k, v in values.items() if isinstance(k, str)}


def _value(value: Any, depth: int) -> Any:
    kind = type(value)
    if value is None or kind in (bool, float, str):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int) and -_LARGEST <= value < _LARGEST:
        return int(value)
    number = as_number(value)
    if number is not None:
        return number
    if depth and isinstance(value, dict):
        return plain_mapping(value, depth - 1)
    if depth and isinstance(value, list | tuple):
        return [_value(item, depth - 1) for item in value]
    return repr(value)[:_TEXT]

"""What a strategy answered, on its way to the core: read as if by an enemy, routed, and submitted or refused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from workbench.core.codes import Refusal
from workbench.core.messages import MarketSignal
from workbench.core.names import Names
from workbench.core.routing import route_of
from workbench.core.signal_faults import MOST_WISHES
from workbench.core.state import NONE
from workbench.core.step import cancel, on_wish, refuse
from workbench.core.terms import DEFAULT_TERMS, Terms, as_number, read_terms

__all__ = ["MAX_SIGNALS", "take_signals"]

MAX_SIGNALS = MOST_WISHES - 1  # signals of one call that are looked at; a flood beyond is one more refusal
_BAD_METADATA = int(Refusal.BAD_METADATA)
_INVALID = int(Refusal.INVALID_SIGNAL)
_UNKNOWN_SYMBOL = int(Refusal.UNKNOWN_SYMBOL)
_RATE_LIMITED = int(Refusal.RATE_LIMITED)
_UNKNOWN_ORDER = int(Refusal.UNKNOWN_ORDER)

type State = npt.NDArray[np.uint8]


def take_signals(state: State, names: Names, strategy: int, signals: Sequence[MarketSignal]) -> None:
    """Take the signals of the strategy with index `strategy`; facts wait in the event buffer."""
    for place, signal in enumerate(signals):
        if place >= MAX_SIGNALS:
            refuse(state, strategy, NONE, _RATE_LIMITED)
            return
        _take(state, names, strategy, signal)


def _take(state: State, names: Names, strategy: int, signal: MarketSignal) -> None:
    strength, confidence = as_number(signal.signal_strength), as_number(signal.confidence)
    metadata: Any = signal.metadata  # whatever the strategy put there
    if strength is None or confidence is None or not isinstance(signal.symbol, str):
        return refuse(state, strategy, NONE, _INVALID)
    candidates = names.of_symbol.get(signal.symbol)
    if candidates is None:
        return refuse(state, strategy, NONE, _UNKNOWN_SYMBOL)
    terms = DEFAULT_TERMS
    if metadata:
        read = read_terms(metadata) if isinstance(metadata, dict) else None
        if read is None:
            return refuse(state, strategy, candidates[0], _BAD_METADATA)
        terms = read
    if terms.venue:
        found = names.place_of.get((signal.symbol, terms.venue))
        if found is None:
            return refuse(state, strategy, NONE, _UNKNOWN_SYMBOL)
        candidates = [found]
    if terms.action != "order":
        counts = [cancel(state, strategy, k, NONE, terms.client, 0) for k in candidates]
        if terms.action == "cancel" or min(counts) < 0:
            return None
        if terms.client and not any(counts):  # filled or gone: sending it anew would double it
            return refuse(state, strategy, candidates[0], _UNKNOWN_ORDER)
    k = candidates[0]
    if len(candidates) > 1:
        place = names.symbols.index(signal.symbol)
        k = route_of(state, strategy, place, strength, terms.reduce_only)
    _wish(state, strategy, k, strength, confidence, terms)
    return None


def _wish(state: State, strategy: int, k: int, strength: float, confidence: float, terms: Terms) -> None:
    on_wish(
        state,
        strategy,
        k,
        strength,
        confidence,
        terms.type,
        terms.tif,
        terms.reduce_only,
        terms.post_only,
        terms.limit,
        terms.stop,
        terms.quantity,
        terms.client,
    )

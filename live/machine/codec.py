"""Blocks of inputs as bytes: small and quick for what comes often, self-describing for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from live.machine.inputs import (
    Answered,
    AuditLine,
    ChaosNoted,
    ChaosTriggered,
    Input,
    KillReset,
    KillSwitch,
    LateSignals,
    LimitsChanged,
    LimitsConfigured,
    StrategyNoted,
)
from live.machine.overrides import LimitOverride
from live.machine.promotion_inputs import CanaryMoved, PromotionNoted, StrategyAdmitted
from workbench.core.intents import (
    AcceptPrice,
    CancelOrders,
    ClockTick,
    ClosePositions,
    HaltVenue,
    ResetBreaker,
    SeatStrategy,
    SetLimits,
    StrategyFailed,
    TripBreaker,
    VenueReport,
    VenueSession,
)
from workbench.core.messages import MarketSignal, PriceUpdate
from workbench.errors import EngineError, JournalDamaged

__all__ = ["decode_block", "encode_block", "encode_input", "join_block"]

# Codes are what stands in journals: a code is never given to another type, and new types get new ones.
_PRICE, _ANSWERED, _REPORT, _TICK = 1, 2, 3, 4
_OTHERS: Final[dict[int, type[Any]]] = {
    10: VenueSession,
    11: LateSignals,
    12: StrategyFailed,
    13: SeatStrategy,
    14: StrategyNoted,
    15: CancelOrders,
    16: ClosePositions,
    17: TripBreaker,
    18: ResetBreaker,
    19: HaltVenue,
    20: KillSwitch,
    21: KillReset,
    22: SetLimits,
    23: AcceptPrice,
    24: ChaosNoted,
    25: AuditLine,
    26: LimitsConfigured,
    27: ChaosTriggered,
    28: LimitOverride,
    29: StrategyAdmitted,
    30: CanaryMoved,
    31: PromotionNoted,
    32: LimitsChanged,
}
_CODES: Final = {kind: code for code, kind in _OTHERS.items()}
_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(list[list[Any]])
_astuple = msgspec.structs.astuple


def encode_input(item: Input) -> msgspec.Raw:
    """The bytes of one input; the times that signals carry are left out, since the desk does not use them.

    Raises EngineError on a value that cannot be written, such as a whole number of more than 64 bits.
    """
    try:
        return msgspec.Raw(_encoder.encode(_row(item)))
    except (TypeError, OverflowError, ValueError, RecursionError) as error:
        raise EngineError(f"a {type(item).__name__} cannot be recorded: {error}") from error


def join_block(inputs: Sequence[msgspec.Raw]) -> bytes:
    """The bytes of a block out of those of its inputs."""
    return _encoder.encode(inputs)


def encode_block(inputs: Sequence[Input]) -> bytes:
    """The bytes of a block.  Raises EngineError as `encode_input` does."""
    return join_block([encode_input(item) for item in inputs])


def _row(item: Input) -> tuple[Any, ...]:
    kind = type(item)
    if kind is PriceUpdate:
        return (_PRICE, *_astuple(item))
    if isinstance(item, Answered):
        signals = [(s.symbol, s.signal_strength, s.confidence, s.metadata) for s in item.signals]
        return (_ANSWERED, item.strategy_id, item.correlation, signals)
    if kind is VenueReport:
        return (_REPORT, *_astuple(item))
    if kind is ClockTick:
        return (_TICK, *_astuple(item))
    return (_CODES[kind], item)


def decode_block(payload: bytes) -> list[Input]:
    """The inputs of a block.  Raises JournalDamaged where the bytes are none, or of a later version."""
    try:
        return [_input(row) for row in _decoder.decode(payload)]
    except (msgspec.DecodeError, msgspec.ValidationError, TypeError, KeyError, IndexError) as error:
        raise JournalDamaged(
            f"expected a block of inputs that this version reads, found {len(payload)} bytes of another kind: {error}"
        ) from error


def _input(row: list[Any]) -> Input:
    code = row[0]
    if code == _PRICE:
        return PriceUpdate(*row[1:])
    if code == _ANSWERED:
        _, strategy_id, correlation, signals = row
        return Answered(
            strategy_id,
            correlation,
            [MarketSignal(symbol, None, strength, sure, about) for symbol, strength, sure, about in signals],
        )
    if code == _REPORT:
        return VenueReport(*row[1:])
    if code == _TICK:
        return ClockTick(row[1])
    found: Input = msgspec.convert(row[1], _OTHERS[code])
    return found

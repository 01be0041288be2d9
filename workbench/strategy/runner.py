"""How plain code runs a compiled strategy: what it needs stays in memory that compiled code finds by one address.

numba takes some 0.3 µs to unpack each array that it is called with, and a strategy has several of them. A call with an
address and seven numbers takes 0.15 µs, whatever the strategy keeps.

With NUMBA_DISABLE_JIT=1 the same functions run as they stand, and the "address" is the parts themselves.
"""

from __future__ import annotations

# numba describes its extension interface with untyped functions.
# mypy: disable-error-code="no-untyped-call,untyped-decorator,attr-defined,call-arg"
import hashlib
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numba
import numpy as np
from numba import types
from numba.core.registry import cpu_target
from numba.core.typing.templates import signature
from numba.extending import intrinsic

from workbench.core.column import AGE, GROUP_COLUMNS, POSITION, SECOND, TIME
from workbench.core.feed import ASK, ASK_SIZE, BID, BID_SIZE, CHANGE_PCT, LAST, QUOTE_COLUMNS, VOLUME
from workbench.core.jit import jit
from workbench.core.patterns import specialise
from workbench.core.state import NONE

__all__ = [
    "ROW",
    "TABLE",
    "Runner",
    "Telling",
    "parts_at",
    "step",
    "tell_group",
    "tell_one",
    "telling",
]

ROW = types.Array(types.float64, 1, "C")
TABLE = types.Array(types.float64, 2, "C")
_TIMES = types.Array(types.int64, 1, "C")
_PLAIN = bool(numba.config.DISABLE_JIT)


class Telling(NamedTuple):
    """Compiled functions for one strategy.

    start(params[, count]) -> state.
    tell: alone (address, bid, ask, last, volume, bid_size, ask_size, change) -> strength; of a group (address, place,
    now_ns, the same seven) -> how many strengths the step has said, or -1 - n where it gave n, and not one for each.
    size: bytes that its parts take at their address.
    """

    start: Callable[..., Any]
    tell: Callable[..., Any]
    size: int


class Runner:
    """A strategy at work on one instrument, or on one group of `count` of them: its state, and what it sees.

    prices: float64[GROUP_COLUMNS], or float64[count, GROUP_COLUMNS].  said: float64[count], what a group's step has
    said last.  address: what `Telling.tell` takes.
    """

    def __init__(self, functions: Telling, params: Any, count: int | None = None) -> None:
        self.params = params
        if count is None:
            self.state = functions.start(params)
            self.prices, self.said = np.zeros(GROUP_COLUMNS), np.zeros(0)
            self.seen = np.zeros(0, dtype=np.int64)
        else:
            self.state = functions.start(params, count)
            self.prices, self.said = np.full((count, GROUP_COLUMNS), math.nan), np.full(count, math.nan)
            self.prices[:, POSITION] = 0.0
            self.seen = np.full(count, NONE, dtype=np.int64)
        self.bind(functions)

    def bind(self, functions: Telling) -> None:
        """Put the parts where compiled code finds them; again after a copy was made of this."""
        parts = (self.params, self.state, self.prices, self.seen, self.said)
        self.address: Any = parts
        if not _PLAIN:
            self._block = np.zeros(functions.size, dtype=np.uint8)
            self.address = self._block.ctypes.data
            _keep(self.address, parts)

    def __getstate__(self) -> dict[str, Any]:
        """Everything but the address, which holds for this process and this object alone."""
        return {name: value for name, value in vars(self).items() if name not in ("address", "_block")}


# -- patterns: copied for each strategy ------------------------------------------------------------------------------


def step(params: Any, state: Any, prices: Any) -> Any:
    """Stands for the strategy's own."""
    raise NotImplementedError


def parts_at(address: Any) -> Any:
    """Stands for a `_finder`; as it is for plain code."""
    return address


def tell_one(
    address: int,
    bid: float,
    ask: float,
    last: float,
    volume: float,
    bid_size: float,
    ask_size: float,
    change: float,
) -> Any:
    """Strength after one price of an instrument by itself."""
    params, state, prices, _seen, _said = parts_at(address)
    prices[BID], prices[ASK], prices[LAST], prices[VOLUME] = bid, ask, last, volume
    prices[BID_SIZE], prices[ASK_SIZE], prices[CHANGE_PCT] = bid_size, ask_size, change
    prices[POSITION] = prices[AGE] = prices[TIME] = math.nan
    return step(params, state, prices)


def tell_group(
    address: int,
    place: int,
    now_ns: int,
    bid: float,
    ask: float,
    last: float,
    volume: float,
    bid_size: float,
    ask_size: float,
    change: float,
) -> int:
    """How many strengths the step says after one price of the instrument at `place`; they are in `said`.

    -1 - n where it gave n strengths, and not one for each instrument.
    """
    params, state, prices, seen, said = parts_at(address)
    row = prices[place]
    row[BID], row[ASK], row[LAST], row[VOLUME] = bid, ask, last, volume
    row[BID_SIZE], row[ASK_SIZE], row[CHANGE_PCT] = bid_size, ask_size, change
    row[TIME] = float(now_ns) / SECOND
    seen[place] = now_ns
    for j in range(len(seen)):
        if seen[j] != NONE:
            prices[j, AGE] = float(now_ns - seen[j]) / SECOND
    strengths = step(params, state, prices)
    if len(strengths) != len(seen):
        return -1 - len(strengths)
    count = 0
    for j in range(len(seen)):
        said[j] = strengths[j]
        if said[j] == said[j]:
            count += 1
    return count


# -- making the copies -----------------------------------------------------------------------------------------------


def telling(start: Any, step: Any, digest: str, params: Any, *, together: bool) -> Telling:
    """The functions that tell one strategy of prices, compiled.

    start, step: compiled.  params: one row.  together: whether it sees a group.
    """
    pattern = tell_group if together else tell_one
    if _PLAIN:
        return Telling(start, specialise(pattern, digest, step=step, parts_at=parts_at), 0)
    record = numba.typeof(params)
    asked = (record, types.int64) if together else (record,)
    start.compile(asked)
    state = start.overloads[asked].signature.return_type
    table = TABLE if together else ROW
    parts = types.BaseTuple.from_types((record, state, table, _TIMES, ROW))
    # What `_finder` makes follows from the types, which nobody can tell from the arguments: an address and numbers.
    own = hashlib.sha256(f"{digest} {parts}".encode()).hexdigest()[: len(digest)]
    tell = specialise(pattern, own, allocates=together, step=step, parts_at=_finder(parts))
    numbers = (types.float64,) * QUOTE_COLUMNS
    asked = (types.int64, *((types.int64, types.int64) if together else ()), *numbers)
    tell.compile(asked)
    # The compiled function itself, as the dispatcher calls it: there is one, so finding out which is lost time; and a
    # whole number among the prices is taken for a float, not for a reason to compile.
    direct = tell.overloads[asked].entry_point
    context = cpu_target.target_context
    return Telling(start, direct, int(context.get_abi_sizeof(context.get_value_type(parts))))


def _finder(parts: Any) -> Any:
    """parts_at(address) of compiled code: the parts, of this type, that `_keep` has put there.

    (A function of its own could not return them: numba cannot return a record within a tuple.)
    """

    @intrinsic
    def found(_typing: Any, _address: Any) -> Any:
        def code(context: Any, builder: Any, _sig: Any, args: Any) -> Any:
            return builder.load(builder.inttoptr(args[0], context.get_value_type(parts).as_pointer()))

        return signature(parts, types.int64), code

    return found


@intrinsic
def _store(_typing: Any, _address: Any, value: Any) -> Any:
    def code(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        place = builder.inttoptr(args[0], context.get_value_type(sig.args[1]).as_pointer())
        builder.store(args[1], place)
        return context.get_dummy_value()

    return signature(types.none, types.int64, value), code


@jit
def _keep(address: int, parts: Any) -> None:
    """Write the arrays' descriptions to `address`; whoever owns the arrays keeps them alive."""
    _store(address, parts)

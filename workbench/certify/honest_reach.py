"""Every collection of numbers that can be reached from a strategy, and how.

From its attributes, config, class and script on (of a notebook, what its functions name): containers, frames, arrays,
other objects, closures, defaults and constants of functions, and numbers that are written in long texts.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.certify.honest_watch import from_elsewhere
from workbench.core.feed import Feed
from workbench.data.prices import Prices
from workbench.strategy.contract import TradingStrategy

__all__ = ["FEWEST", "collections_of"]

type Floats = npt.NDArray[np.float64]

FEWEST: Final = 20  # numbers that can be told from chance
MOST_OBJECTS: Final = 100_000
DEEPEST: Final = 12
TEXT: Final = 200  # characters from which on a text may hold a table
NUMBER: Final = re.compile(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")
KEEPERS: Final = ("workbench", "numba", "logging")  # whose objects lead to everything in the process


def collections_of(strategy: TradingStrategy) -> Iterator[tuple[str, Floats]]:
    """Every collection of 20 numbers or more that can be reached from `strategy`, with how it is reached."""
    kind = type(strategy)
    name = kind.__name__
    roots: list[tuple[str, Any]] = [(f"an instance's {key}", value) for key, value in vars(strategy).items()]
    for base in kind.__mro__:
        if not _is_foreign(base):
            roots.append((f"{base.__name__}", _members(base)))
            module = sys.modules.get(base.__module__)
            if module is not None and _is_script(module):
                roots.append((f"module of {name}", module))
    signals = getattr(kind, "SIGNALS", None)
    if signals is not None:
        roots.append((f"{name}.SIGNALS", signals.function))
    queue = deque((where, thing, 0) for where, thing in roots)
    known: dict[int, Any] = {}  # which also keeps them: of what is gone the next one has the id
    while queue and len(known) < MOST_OBJECTS:
        where, thing, depth = queue.popleft()
        if id(thing) in known or depth > DEEPEST or isinstance(thing, int | float | complex | bool | None):
            continue
        known[id(thing)] = thing
        for label, numbers in _numbers(thing):
            if len(numbers) >= FEWEST:
                yield f"{where}{label}", numbers
        queue.extend((f"{where}{label}", inner, depth + 1) for label, inner in _inside(thing))


def _numbers(thing: Any) -> Iterator[tuple[str, Floats]]:
    """`thing` itself as collections of numbers."""
    if isinstance(thing, pd.DataFrame):
        for column in thing.columns:
            yield from ((f"[{column!r}]", numbers) for _, numbers in _numbers(thing[column]))
    elif isinstance(thing, pd.Series | pd.Index):
        if pd.api.types.is_numeric_dtype(thing.dtype):
            yield "", thing.to_numpy(dtype=np.float64, na_value=np.nan)
    elif isinstance(thing, np.ndarray):
        if thing.dtype.names:
            for field in thing.dtype.names:
                yield from ((f"[{field!r}]", numbers) for _, numbers in _numbers(thing[field]))
        elif thing.dtype.kind in "biuf":
            yield from _columns(thing)
    elif isinstance(thing, str) and len(thing) >= TEXT:
        yield "", _plain([float(number) for number in NUMBER.findall(thing)])
    elif isinstance(thing, bytes | bytearray) and len(thing) >= TEXT:
        yield from _numbers(thing.decode("latin-1"))
        usable = len(thing) // 8 * 8
        yield "", _plain(np.frombuffer(bytes(thing[:usable]), dtype="<f8"))
    elif isinstance(thing, list | tuple | deque | set | frozenset):
        yield from _listed(thing)
    elif isinstance(thing, Mapping):
        yield from _listed(thing.values())
        yield from _listed(thing.keys())
    elif hasattr(thing, "typecode") and hasattr(thing, "tolist"):
        yield "", _plain(thing.tolist())


def _columns(array: npt.NDArray[Any]) -> Iterator[tuple[str, Floats]]:
    values = array.astype(np.float64)
    if values.ndim <= 1:
        yield "", values.reshape(-1)
    elif values.ndim == 2:
        yield from (("", column) for column in (*values.T[:64], *values[:64]))
    yield "", values.reshape(-1)


def _listed(things: Any) -> Iterator[tuple[str, Floats]]:
    """A list of numbers; and one of equally long lists of them, column by column."""
    items = list(things)
    if len(items) < FEWEST:
        return
    numbers = [
        item for item in items if isinstance(item, int | float | np.number) and not isinstance(item, bool)
    ]
    if len(numbers) == len(items):
        yield "", _plain(numbers)
        return
    rows = [tuple(item) for item in items if isinstance(item, list | tuple)]
    if len(rows) == len(items) and len({len(row) for row in rows}) == 1:
        for place, column in enumerate(zip(*rows, strict=True)):
            yield from ((f"[{place}]", found) for _, found in _listed(column))


def _plain(numbers: Any) -> Floats:
    try:
        values = np.array(numbers, dtype=np.float64)
    except OverflowError:  # a whole number that no float holds is no price
        return np.zeros(0)
    return values[np.isfinite(values) & (np.abs(values) < 1e300)]


def _inside(thing: Any) -> Iterator[tuple[str, Any]]:
    """What `thing` holds, and how it is reached."""
    if isinstance(thing, Mapping):
        yield from ((f"[{key!r:.40}]", value) for key, value in list(thing.items()))
        yield from (("", key) for key in list(thing) if isinstance(key, tuple | str))
    elif isinstance(thing, list | tuple | set | frozenset | deque):
        yield from ((f"[{place}]", item) for place, item in enumerate(list(thing)))
    elif isinstance(thing, np.ndarray | pd.Series | pd.Index | pd.DataFrame):
        if isinstance(thing, np.ndarray | pd.Series) and thing.dtype == object:
            yield "", thing.tolist()
    elif isinstance(thing, ModuleType):
        yield from (
            (f".{name}", value) for name, value in list(vars(thing).items()) if not _is_foreign(value)
        )
    elif isinstance(thing, MethodType | staticmethod | classmethod):
        yield "", thing.__func__
    elif isinstance(thing, FunctionType):
        yield ".__code__", thing.__code__.co_consts
        yield ".__defaults__", thing.__defaults__ or ()
        yield ".__kwdefaults__", thing.__kwdefaults__ or {}
        used = _names(thing.__code__) & thing.__globals__.keys()
        yield "", {name: thing.__globals__[name] for name in used if not _is_foreign(thing.__globals__[name])}
        yield ".__closure__", tuple(_content(cell) for cell in thing.__closure__ or ())
        yield "", vars(thing)
    elif hasattr(thing, "co_consts"):
        yield "", thing.co_consts
    elif isinstance(thing, Prices):
        yield from ((f".frame({name!r})", thing.frame(name)) for name in thing.names)
    elif isinstance(thing, Feed):
        yield ".quotes", thing.quotes
    elif isinstance(thing, type):
        if not _is_foreign(thing):
            yield "", _members(thing)
    elif not _is_foreign(thing):
        yield "", dict(getattr(thing, "__dict__", {}))
        slots = [
            name
            for kind in type(thing).__mro__
            for name in getattr(kind, "__slots__", ())
            if name != "__dict__"
        ]
        yield "", {name: getattr(thing, name) for name in slots if hasattr(thing, name)}
        wrapped = getattr(thing, "py_func", None) or getattr(thing, "__wrapped__", None)
        if isinstance(wrapped, FunctionType):
            yield "", wrapped
    elif isinstance(getattr(thing, "py_func", None), FunctionType):
        yield "", thing.py_func


def _is_script(module: ModuleType) -> bool:
    """Whether all of it is the strategy's: a notebook has the prices beside it, of which the strategy need not know."""
    return module.__name__ != "__main__" and getattr(module, "__spec__", None) is None


def _names(code: CodeType) -> set[str]:
    """Names that a function uses, and the functions within it."""
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names(constant)
    return names


def _members(kind: type) -> dict[str, Any]:
    return {
        name: value
        for name, value in vars(kind).items()
        if name not in ("__dict__", "__weakref__", "__mro__")
    }


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not yet filled
        return None


def _is_foreign(thing: Any) -> bool:
    """Whether it belongs to the workbench, to a library, or to Python itself; a thing that a library has made for the
    strategy, such as an array, does not.
    """
    if isinstance(thing, ModuleType):
        return getattr(thing, "__spec__", None) is not None and _installed(getattr(thing, "__file__", None))
    written = isinstance(thing, type | FunctionType | BuiltinFunctionType)
    name = getattr(thing if written else type(thing), "__module__", None)
    if not isinstance(name, str) or isinstance(thing, TradingStrategy | Prices | Feed):
        return False
    package = name.partition(".")[0]
    if not written:
        return package in KEEPERS
    module = sys.modules.get(name)
    return package in ("builtins", "workbench") or (module is not None and _is_foreign(module))


def _installed(file: str | None) -> bool:
    return file is None or from_elsewhere(file)

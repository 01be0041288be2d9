"""A strategy's compiled functions, and the digest of everything that went into them, under which numba caches them."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from enum import EnumType
from functools import cache
from pathlib import Path
from types import CellType, CodeType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numba
import numpy as np
from numba.core.dispatcher import Dispatcher

from workbench.core import patterns
from workbench.core.column import AGE, POSITION, TIME
from workbench.core.jit import jit
from workbench.errors import StrategyError
from workbench.strategy.compile_check import check_answer, check_source, explained
from workbench.strategy.parameters import number_types, parameter_rows
from workbench.strategy.runner import ROW, TABLE, Telling, telling

if TYPE_CHECKING:
    from workbench.strategy.compiled import CompiledStrategy

__all__ = ["Kernels", "digest_of", "kernels", "ready"]

SCOPES: Final = ("instrument", "symbol", "market")
_TOGETHER: Final = {"POSITION": POSITION, "AGE": AGE, "TIME": TIME}
# Of the copies: beyond the end of the file that they claim to be in, which numba would quote from.
FIRST_LINE: Final = 1_000_000


class Kernels(NamedTuple):
    """The compiled functions of one strategy.

    start, step: the strategy's own.
    run_one, run_many: see `core.patterns`.  digest: of everything that was compiled.
    """

    start: Callable[..., Any]
    step: Callable[..., Any]
    run_one: Callable[..., Any]
    run_many: Callable[..., Any]
    digest: str


@cache
def kernels(strategy: type[CompiledStrategy]) -> Kernels:
    """The compiled functions of `strategy`; nothing is compiled before the first call of one.

    Raises StrategyError where the class does not say what it should.
    """
    if strategy.SCOPE not in SCOPES:
        raise StrategyError(
            f"{strategy.__name__}: SCOPE must be one of {', '.join(SCOPES)}, found {strategy.SCOPE!r}"
        )
    step, start = (_plain(strategy, name) for name in ("step", "start"))
    together = strategy.SCOPE != "instrument"
    if not together:
        _check_alone(strategy, step)
    numbers = number_types(strategy)
    check_source(f"{strategy.__name__}.step", step, ("params", "state", "prices"), numbers)
    check_source(
        f"{strategy.__name__}.start", start, ("params", "count") if together else ("params",), numbers
    )
    layout = parameter_rows(strategy, [{}])[0].dtype.descr
    meant = repr((strategy.__name__, together, strategy.READS_POSITION, layout))
    digest = digest_of(step, start, meant, _own_source())
    # Whoever returns an array has to count references; alone, an instrument has a number for an answer. A step that is
    # called, and not a part of the loop, hands over its state array by array: three times the time for a large one.
    step = _stepped(step, digest, allocates=together, inline=True)
    start = _stepped(start, digest, allocates=True)
    fresh_pattern, scan_pattern = (
        (patterns.fresh_group, patterns.scan_group) if together else (patterns.fresh_one, patterns.scan_one)
    )
    fresh = patterns.specialise(fresh_pattern, digest, allocates=True, start=start)
    scan = patterns.specialise(scan_pattern, digest, allocates=together, step=step)
    play = patterns.specialise(patterns.play, digest, scan=scan, FEEDBACK=strategy.READS_POSITION)
    name = strategy.__name__
    run_one = patterns.specialise(patterns.run_one, digest, allocates=True, fresh=fresh, play=play, NAME=name)
    return Kernels(
        start=start,
        step=step,
        run_one=run_one,
        run_many=patterns.specialise(patterns.run_many, digest, allocates=True, run_one=run_one),
        digest=digest,
    )


def _check_alone(strategy: type[CompiledStrategy], step: FunctionType) -> None:
    """Raise StrategyError where a strategy of single instruments asks for what only those of several have."""
    asked = [
        name
        for name, column in _TOGETHER.items()
        if name in step.__code__.co_names and step.__globals__.get(name) == column
    ]
    if strategy.READS_POSITION:
        asked.append("READS_POSITION = True")
    if asked:
        raise StrategyError(
            f"{strategy.__name__}: {asked[0]} is for strategies that see several instruments, found SCOPE = "
            "'instrument'; set SCOPE to 'symbol' or 'market', or leave it out"
        )


@cache
def _own_source() -> bytes:
    """This file: what was cached by another way of making copies is not found again."""
    return Path(__file__).read_bytes()


@cache
def ready(strategy: type[CompiledStrategy]) -> Telling:
    """What runs one instance of `strategy` in plain code, compiled; a strategy that passes this passes in a sweep.

    Raises StrategyError: one line with file, line and reason.
    """
    found, together = kernels(strategy), strategy.SCOPE != "instrument"
    row = parameter_rows(strategy, [strategy.PARAMETERS or {}])[0]
    if hasattr(found.start, "compile"):  # with NUMBA_DISABLE_JIT=1 they are plain functions
        record = numba.typeof(row)  # type: ignore[no-untyped-call]
        state = _compiled(strategy, "start", found.start, record, *((numba.int64,) if together else ()))
        answer = _compiled(strategy, "step", found.step, record, state, TABLE if together else ROW)
        check_answer(f"{strategy.__name__}.step", _plain(strategy, "step"), answer, together=together)
    return telling(found.start, found.step, found.digest, row, together=together)


def _compiled(strategy: type[CompiledStrategy], name: str, function: Any, *arguments: Any) -> Any:
    """The type that `function` returns for arguments of these types, once it is compiled for them."""
    label = f"{strategy.__name__}.{name}"
    written = _plain(strategy, name)
    explained(label, written, lambda: function.compile(arguments), (patterns.__file__, FIRST_LINE))
    return function.overloads[arguments].signature.return_type


def _plain(strategy: type[CompiledStrategy], name: str) -> FunctionType:
    found = inspect.getattr_static(strategy, name)
    function = found.__func__ if isinstance(found, staticmethod) else getattr(found, "py_func", found)
    function = getattr(function, "py_func", function)
    if not isinstance(found, staticmethod) or not isinstance(function, FunctionType):
        raise StrategyError(
            f"{strategy.__name__}: {name} must be a staticmethod, found {type(found).__name__}"
        )
    return function


def _stepped(function: FunctionType, digest: str, *, allocates: bool = False, inline: bool = False) -> Any:
    """A strategy's function under a name and a file that the kernel cache can go by, wherever it was written."""
    code = function.__code__.replace(co_filename=patterns.__file__, co_firstlineno=FIRST_LINE)
    return jit(_copied(function, code, digest, {}), allocates=allocates, inline=inline)


def _copied(function: FunctionType, code: CodeType, digest: str, made: dict[int, Any]) -> FunctionType:
    """`function` with `code`, in a module that every process has, and with such copies of all helpers that it calls.

    made: the copies so far, by the identity of what they are of.
    """
    scope = dict(function.__globals__)
    copy = FunctionType(code, scope, f"{function.__name__}_{digest}", function.__defaults__)
    copy.__module__, copy.__qualname__ = patterns.__name__, f"{function.__name__}_{digest}"
    if function.__closure__:
        cells = (CellType(_helper_copy(value, digest, made)) for value in _enclosed(function).values())
        copy = FunctionType(code, scope, copy.__name__, function.__defaults__, tuple(cells))
        copy.__module__, copy.__qualname__ = patterns.__name__, copy.__name__
    for name in _used(code) & scope.keys():
        scope[name] = _helper_copy(scope[name], digest, made)
    return copy


def _helper_copy(part: Any, digest: str, made: dict[int, Any]) -> Any:
    """A copy of a compiled function of the strategy's; anything else as it is.

    numba writes the module of each function into its cache, and imports it before it uses what it finds there; a script
    that was loaded by its path has a module of this process alone.
    """
    if not isinstance(part, Dispatcher) or part.py_func.__module__.startswith("workbench."):
        return part
    if id(part) not in made:
        made[id(part)] = part  # for one that calls itself
        copy = _copied(part.py_func, part.py_func.__code__, digest, made)
        made[id(part)] = type(part)(copy, locals=part.locals, targetoptions=part.targetoptions)
    return made[id(part)]


def digest_of(*parts: object) -> str:
    digest = hashlib.sha256()
    seen: set[int] = set()
    for part in parts:
        _feed(digest, part, seen)
    return digest.hexdigest()[:20]


def _feed(digest: Any, part: object, seen: set[int]) -> None:
    """Take code, its constants, and whatever globals it uses into the digest; each object once."""
    digest.update(repr(getattr(part, "targetoptions", "")).encode())  # of a function that is compiled already
    part = getattr(part, "py_func", part)
    if isinstance(part, FunctionType):
        if id(part) in seen:
            return
        seen.add(id(part))
        _feed(digest, part.__code__, seen)
        names = _used(part.__code__)
        _feed_named(digest, part.__globals__ | _enclosed(part), names, seen, set())
        digest.update(repr(part.__defaults__).encode())
    elif isinstance(part, CodeType):
        digest.update(part.co_code)
        digest.update(repr((part.co_names, part.co_varnames, part.co_freevars)).encode())
        for constant in part.co_consts:
            _feed(digest, constant, seen)
    elif isinstance(part, np.ndarray):
        digest.update(f"{part.dtype}{part.shape}".encode() + part.tobytes())
    elif isinstance(part, tuple | list):
        digest.update(f"{type(part).__name__}{getattr(part, '_fields', '')}{len(part)}".encode())
        for item in part:
            _feed(digest, item, seen)
    elif isinstance(part, EnumType):
        digest.update(repr(sorted(part.__members__.items())).encode())
    elif isinstance(part, ModuleType) or callable(part):  # a library's own, by name; a type by its fields too
        digest.update(f"{getattr(part, '__name__', '')}{getattr(part, '_fields', '')}".encode())
    else:
        digest.update(repr(part).encode())


def _feed_named(
    digest: Any, scope: Mapping[str, Any], names: set[str], seen: set[int], inside: set[int]
) -> None:
    """Take what `names` stand for in `scope` into the digest, and in the modules among that.

    inside: modules that this has come through; one may be reached from itself.
    """
    for name in sorted(names & scope.keys()):
        digest.update(f"|{name}=".encode())
        _feed(digest, scope[name], seen)
        if isinstance(scope[name], ModuleType) and id(scope[name]) not in inside:
            _feed_named(digest, vars(scope[name]), names, seen, inside | {id(scope[name])})


def _enclosed(function: FunctionType) -> dict[str, Any]:
    """Names of the functions round `function` that it uses, with what they stand for."""
    cells = (cell.cell_contents for cell in function.__closure__ or ())
    return dict(zip(function.__code__.co_freevars, cells, strict=True))


def _used(code: CodeType) -> set[str]:
    names = {*code.co_names, *code.co_freevars}
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _used(constant)
    return names

"""Why a strategy's `step` or `start` cannot be compiled, in one line with its file and its line."""

from __future__ import annotations

import builtins
import dis
import inspect
import os
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from types import FunctionType
from typing import Any, Final

import numba
from numba import types
from numba.core.errors import NumbaError, UnsupportedBytecodeError

from workbench.errors import StrategyError

__all__ = ["check_answer", "check_source", "explained"]

_PLACE: Final = re.compile(r'File "(?P<a>[^"]+)", line (?P<b>\d+)|(?:at|from) (?P<c>\S+) \((?P<d>\d+)\)')
_NOISE: Final = re.compile(
    r"^(Failed in nopython mode|- Resolution failure|None$|During:|There (is|are) \d+ candidate|File \"|raised from)"
)
_NO_SUCH: Final = re.compile(r"No implementation of function Function\((?P<what>.*)\) found for signature")
_UNUSUAL: Final = inspect.CO_VARARGS | inspect.CO_VARKEYWORDS | inspect.CO_GENERATOR
_LONGEST: Final = 240
_LIBRARIES: Final = Path(numba.__file__).resolve().parents[1]


def check_source(
    label: str, function: FunctionType, arguments: Sequence[str], numbers: Collection[str]
) -> None:
    """Raise StrategyError for what can be seen without compiling.

    label: such as "SmaCross.step".  arguments: what it is called with.  numbers: names that its first argument has.
    """
    code = function.__code__
    found = str(inspect.signature(function)) if not inspect.isgeneratorfunction(function) else "a generator"
    if code.co_argcount != len(arguments) or code.co_flags & _UNUSUAL:
        raise StrategyError(
            f"{_place(function)}: {label} must be a plain function of ({', '.join(arguments)}), found {found}"
        )
    for line, name in _undefined(function):
        raise StrategyError(f"{_place(function, line)}: {label}: name {name!r} is not defined")
    for line, name in _attributes(function, code.co_varnames[0]):
        if name not in numbers:
            known = ", ".join(sorted(numbers)) or "none"
            raise StrategyError(
                f"{_place(function, line)}: {label} reads params.{name}, and PARAMETERS has no number of that name; "
                f"it has: {known}"
            )


def _undefined(function: FunctionType) -> Iterator[tuple[int, str]]:
    for instruction in dis.get_instructions(function):
        if instruction.opname == "LOAD_GLOBAL":
            name = str(instruction.argval)
            if name not in function.__globals__ and not hasattr(builtins, name):
                yield instruction.line_number or 0, name


def _attributes(function: FunctionType, variable: str) -> Iterator[tuple[int, str]]:
    """Line and name of every `variable.name` that is read."""
    loaded: object = None
    for instruction in dis.get_instructions(function):
        if instruction.opname == "LOAD_ATTR" and loaded == variable:
            yield instruction.line_number or 0, str(instruction.argval)
        fast = instruction.opname.startswith("LOAD_FAST")
        loaded = instruction.argval if fast else None
        if isinstance(loaded, tuple):  # two at once: the second is on top
            loaded = loaded[-1]


def check_answer(label: str, function: FunctionType, found: Any, *, together: bool) -> None:
    """Raise StrategyError unless `found`, numba's type of what `step` returns, is what the contract says."""
    if together:
        good = isinstance(found, types.Array) and found.ndim == 1 and found.dtype == types.float64
        wanted = "an array float64[count], NaN where there is nothing to say"
    else:
        good = isinstance(found, types.Float)
        wanted = "a float on every path, math.nan where there is nothing to say"
    if not good:
        raise StrategyError(f"{_place(function)}: {label} must return {wanted}, found {found}")


def explained[T](
    label: str, function: FunctionType, compile_it: Callable[[], T], stand_in: tuple[str, int]
) -> T:
    """What `compile_it` returns; a failure of numba's becomes one line.

    stand_in: file that the compiled copy of `function` claims to be in, and its first line there.
    Raises StrategyError.
    """
    try:
        return compile_it()
    except Exception as error:
        text = re.sub(r"\x1b\[[0-9;]*m", "", str(error) or repr(error))
        where = _where(text, function, *stand_in)
        raise StrategyError(f"{where}: {label} cannot be compiled: {_reason(error, text)}") from error


def _where(text: str, function: FunctionType, stand_in: str, first_line: int) -> str:
    """The innermost place in the strategy's code, or in functions that it calls, that the message names."""
    for match in _PLACE.finditer(text):
        file, line = match["a"] or match["c"], int(match["b"] or match["d"])
        if os.path.basename(file) == os.path.basename(stand_in) and line >= first_line:
            return _place(function, function.__code__.co_firstlineno + line - first_line)
        if os.path.exists(file) and not Path(file).resolve().is_relative_to(_LIBRARIES):
            return f"{file}:{line}"
    return _place(function)


def _reason(error: Exception, text: str) -> str:
    if "NRT required but not enabled" in text or "Only accept returning of array" in text:
        return "it makes an array, a list or a string; make arrays in start, and keep them in the state"
    if isinstance(error, KeyError):
        return f"{text} is not known"
    text = re.sub(r"\.*\s*Raised from .*", "", re.sub(r"Record\([^()]*\)", "params", text))
    lines = [line.strip() for line in text.splitlines()]
    told = [line for line in lines if line and not _NOISE.match(line)]
    reason = told[0] if told else type(error).__name__
    no_such = _NO_SUCH.search(reason)
    if no_such:
        call = next((line[4:] for line in told if line.startswith(">>> ")), no_such["what"])
        reason = f"numba knows no {call}"
    if "Untyped global name" in reason:
        reason += "; a function of your own needs the decorator @helper"
    if not isinstance(error, NumbaError | UnsupportedBytecodeError):
        reason = f"{type(error).__name__}: {reason}"
    return " ".join(reason.split())[:_LONGEST].rstrip(". ")


def _place(function: FunctionType, line: int = 0) -> str:
    return f"{function.__code__.co_filename}:{line or function.__code__.co_firstlineno}"

"""What of a module is in memory, so that two processes can tell whether both loaded the same text of it.

Compared are the instructions of its functions and methods, and constants that no function of it changes.
"""

from __future__ import annotations

import dis
import hashlib
import os
import sys
from collections.abc import Iterator, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

from workbench.certificates.sources import project_file

__all__ = ["differing", "states_of"]

type States = dict[str, dict[str, str]]
"""Name of a file, as a certificate has it -> qualified name of a function or constant -> its digest or value."""

_PLAIN: Final = (bool, int, float, complex, str, bytes, type(None))
_WRAPPED: Final = ("py_func", "__func__", "__wrapped__", "fget", "func")
_BESIDE: Final = "./"


def states_of(files: Mapping[str, str], script: str, module: ModuleType, folder: str) -> States:
    """Of the modules that are loaded of a certificate's files.  module: of the script.  folder: beside which it lies,
    "" for a cell.
    """
    loaded = {
        os.path.realpath(file): each
        for each in list(sys.modules.values())
        if isinstance(file := getattr(each, "__file__", None), str)
    }
    found: States = {}
    for name in files:
        own = name == script or name.startswith(_BESIDE)
        path = project_file(name) if not own else os.path.join(folder, name.removeprefix(_BESIDE))
        each = module if name == script else loaded.get(os.path.realpath(str(path)))
        if each is not None:
            found[name] = _state(each, constants=own)
    return found


def differing(here: States, anew: States) -> tuple[str, str] | None:
    """File and name of the first thing that is in both and not the same; None where there is none."""
    for file, names in anew.items():
        mine = here.get(file, {})
        for name, value in names.items():
            if mine.get(name, value) != value:
                return file, name
    return None


def _state(module: ModuleType, *, constants: bool) -> dict[str, str]:
    functions = dict(_functions(module))
    state = {name: _digest(code) for name, code in functions.items()}
    if constants:
        changed = {name for code in functions.values() for name in _changed_by(code)}
        for name, value in list(vars(module).items()):
            if not name.startswith("__") and name not in changed and _is_plain(value):
                state[name] = repr(value)
    return state


def _functions(module: ModuleType) -> Iterator[tuple[str, CodeType]]:
    """Of the module and of its classes, by qualified name."""
    for name, thing in list(vars(module).items()):
        if getattr(thing, "__module__", None) != module.__name__:
            continue
        inner = vars(thing) if isinstance(thing, type) else {"": thing}
        for key, value in list(inner.items()):
            code = _code(value)
            if code is not None:
                yield f"{name}.{key}" if key else name, code


def _code(thing: Any) -> CodeType | None:
    for _ in range(8):  # decorators upon decorators
        if isinstance(thing, FunctionType):
            return thing.__code__
        inner = (getattr(thing, name, None) for name in _WRAPPED)
        thing = next((each for each in inner if each is not None), None)
    return None


def _changed_by(code: CodeType) -> Iterator[str]:
    for step in dis.get_instructions(code):
        if step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL"):
            yield str(step.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _changed_by(constant)


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(_is_plain(each) for each in value)
    return type(value) in _PLAIN


def _digest(code: CodeType) -> str:
    return hashlib.sha256(repr(_shape(code)).encode()).hexdigest()


def _shape(thing: Any) -> Any:
    """Of code all but where it was written, and the same whatever the hash seed."""
    if isinstance(thing, CodeType):
        constants = [_shape(each) for each in thing.co_consts]
        return thing.co_code.hex(), constants, thing.co_names, thing.co_varnames, thing.co_freevars
    if isinstance(thing, frozenset):
        return "frozenset", sorted(repr(_shape(each)) for each in thing)
    if isinstance(thing, tuple):
        return "tuple", [_shape(each) for each in thing]
    return type(thing).__name__, repr(thing)

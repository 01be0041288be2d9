"""Strategies, prices and parameters as bytes for another process, wherever the strategy was written.

A class of the script or notebook that calls goes by value, and so does one of a module of the caller's own, as it is in
memory now: the file may have been edited since. A script that `load_strategy` read goes by its source text. What is
installed goes by name.
"""

from __future__ import annotations

import functools
import hashlib
import io
import linecache
import os
import pickle
import site
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import cloudpickle
import msgspec

from workbench.backtest.api import RunPlan
from workbench.errors import StrategyError

__all__ = ["arguments_of", "pack", "unpack"]


def pack(value: object, what: str = "the strategy") -> bytes:
    """`value` for `unpack` in another process.  what: names it in messages.

    Raises StrategyError where it holds something that cannot leave its process, such as a lock or an open file.
    """
    try:
        with _by_value(_own_modules()):
            return _dump(value)
    except Exception:  # noqa: BLE001 - whatever a module of the user's keeps that cannot be copied
        try:
            return _dump(value)
        except StrategyError:
            raise
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise StrategyError(
                f"{what} cannot be sent to another process ({reason}); make such things in __init__, not beside it"
            ) from error


def unpack(data: bytes | memoryview) -> Any:
    """What was packed.  Raises whatever the import of its modules raises."""
    return pickle.loads(data)


def arguments_of(plan: RunPlan, kind: type) -> dict[str, Any]:
    """What `plan_run` and `backtest` need to make `plan` again, all but the config, read and checked already."""
    return {
        "strategy": {plan.players[0].seat.strategy_id: kind},
        "prices": plan.prices,
        "limits": plan.limits,
        "costs": dict(plan.costs),
        "chaos": list(plan.events),
        "seed": plan.seed,
        "initial_cash": plan.initial_cash,
    }


def _dump(value: object) -> bytes:
    with io.BytesIO() as stream:
        _Pickler(stream, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
        return stream.getvalue()


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]  # its type is not known
    """Adds what cloudpickle cannot send: scripts that were loaded, and functions that remember their answers."""

    def reducer_override(self, obj: Any) -> Any:
        remembers = isinstance(obj, functools._lru_cache_wrapper)
        if (remembers or isinstance(obj, type | FunctionType)) and "<locals>" not in obj.__qualname__:
            script = _script_of(obj.__module__)
            if script is not None:
                return _from_script, (obj.__module__, *script, obj.__qualname__)
        if remembers and (obj.__module__ == "__main__" or obj.__module__ in _registered()):
            return _remembering, (obj.__wrapped__, obj.cache_parameters())
        if isinstance(obj, msgspec.StructMeta) and obj.__module__ == "__main__":
            # A copy by value would have lost its fields, and say nothing.
            raise StrategyError(
                f"{obj.__name__} is a msgspec.Struct and cannot be sent to another process from a script or notebook; "
                "put it into a module, or make it a dataclass"
            )
        return super().reducer_override(obj)


def _remembering(function: Any, parameters: Mapping[str, Any]) -> Any:
    return functools.lru_cache(**parameters)(function)


# -- scripts ---------------------------------------------------------------------------------------------------------


def _script_of(name: str) -> tuple[str, str] | None:
    """File name and text of a script that was loaded as module `name`; None for any other module."""
    module = sys.modules.get(name)
    if module is None or name == "__main__" or getattr(module, "__spec__", None) is not None:
        return None
    file = str(getattr(module, "__file__", ""))
    entry = linecache.cache.get(file, ())
    text = "".join(entry[2]) if len(entry) == 4 else ""
    # A later load of an edited file has put its own text there; the module's name knows its content.
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return (file, text) if text and digest in name else None


def _from_script(name: str, file: str, text: str, qualname: str) -> Any:
    """An object of a script, which is executed unless it is here already."""
    module = sys.modules.get(name)
    if module is None:
        module = ModuleType(name)
        module.__file__ = file
        linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
        sys.modules[name] = module
        try:
            exec(compile(text, file, "exec", dont_inherit=True), vars(module))  # noqa: S102 - as the loader did
        except BaseException:
            del sys.modules[name]
            raise
    found: Any = module
    for part in qualname.split("."):
        found = getattr(found, part)
    return found


# -- modules ---------------------------------------------------------------------------------------------------------


@cache
def _installed() -> tuple[str, ...]:
    """Beginnings of the file names of modules that another process finds by itself."""
    named = sysconfig.get_paths()
    paths = {named[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    paths |= {*site.getsitepackages(), site.getusersitepackages(), str(Path(__file__).parents[1])}
    return tuple(f"{form}{os.sep}" for path in paths for form in {path, os.path.realpath(path)})


def _own_modules() -> Iterator[ModuleType]:
    """Modules that are neither installed nor part of the workbench."""
    for name, module in list(sys.modules.items()):
        if name == "__main__" or getattr(module, "__name__", None) != name:
            continue  # some libraries put other things there
        spec, file = getattr(module, "__spec__", None), getattr(module, "__file__", None)
        if spec is None:
            yield module  # a script; its text is taken where that is known
        elif file is not None and not file.startswith(_installed()):
            if not any(isinstance(value, msgspec.StructMeta) for value in list(vars(module).values())):
                yield module  # but for structs: see `_Pickler`


def _registered() -> set[str]:
    return cloudpickle.cloudpickle.list_registry_pickle_by_value()  # type: ignore[no-any-return]


@contextmanager
def _by_value(modules: Iterator[ModuleType]) -> Iterator[None]:
    before = _registered()
    chosen = [module for module in modules if module.__name__ not in before]
    for module in chosen:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in chosen:
            cloudpickle.unregister_pickle_by_value(module)

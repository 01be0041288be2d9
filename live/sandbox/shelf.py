"""Compiled functions of strategies, kept in memory: a strategy's process has no files to keep them in.

numba caches what it compiles in files, reads them back by unpickling, and so by running whatever lies there. A process
that runs a strategy may neither write files that others read nor read what others wrote. Here numba's cache is a
dictionary: what a process compiles is handed to `keep` as bytes, and comes back in the next process that runs the
same source.
"""

from __future__ import annotations

# numba describes neither its cache nor its dispatcher.
# mypy: disable-error-code="no-untyped-call,misc,attr-defined"
import pickle
from collections.abc import Callable, Hashable
from typing import Any

from numba.core import dispatcher
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.serialize import dumps

__all__ = ["install", "keep_with", "put_back"]

_shelf: dict[Hashable, Any] = {}
_keep: list[Callable[[bytes], None]] = []


class _ShelfCache(FunctionCache):
    """numba's cache of one function, on the shelf; the two methods that touch files are replaced."""

    def __init__(self, py_func: Any) -> None:
        self._name = f"{py_func.__module__}.{py_func.__qualname__}"
        self._py_func = py_func
        self._impl = CompileResultCacheImpl.__new__(CompileResultCacheImpl)  # its __init__ looks for a folder
        self._cache_path = ""
        self.enable()

    def flush(self) -> None:
        """Forget nothing: the shelf is one for all functions."""

    def _load_overload(self, sig: Any, target_context: Any) -> Any:
        found = _shelf.get((self._name, self._index_key(sig, target_context.codegen())))
        return None if found is None else self._impl.rebuild(target_context, found)

    def _save_overload(self, sig: Any, data: Any) -> None:
        if not self._impl.check_cachable(data):
            return
        key = (self._name, self._index_key(sig, data.codegen))
        _shelf[key] = reduced = self._impl.reduce(data)
        for keep in _keep:
            keep(dumps((key, reduced)))


def install() -> None:
    """Have numba use the shelf for every function that is decorated from here on; before the core is imported."""
    dispatcher.FunctionCache = _ShelfCache


def keep_with(keep: Callable[[bytes], None]) -> None:
    """keep: called with each function that is compiled from here on."""
    _keep[:] = [keep]


def put_back(data: bytes) -> None:
    """What an earlier process of the same source had compiled.

    Unpickling runs what is in it, so only a process that is confined already may do this.
    """
    try:
        key, reduced = pickle.loads(data)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, the function is compiled again
        return
    _shelf[key] = reduced

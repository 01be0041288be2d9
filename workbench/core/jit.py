"""The only place that touches numba's decorators: how every kernel is compiled, and where it is cached.

numba's `cache=True` notices an edit in the file of the compiled function, but not in another file whose functions it
has inlined: a kernel would go on with an old fee rule until somebody deleted the cache. So kernels are cached in a
directory that is named after the sources of the whole core, the version of numba and of Python: an edit anywhere in
the core is a new, empty directory. A kernel outside the core is safe too, as long as the jitted functions that it
calls are in the core or in its own file.

Environment: WORKBENCH_CACHE_DIR, else XDG_CACHE_HOME, else ~/.cache is where that directory is made; a private folder
among the temporary files where none of those can be written. NUMBA_DISABLE_JIT=1 leaves the functions as they are.
"""

import hashlib
import os
import shutil
import stat
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import numba

__all__ = ["CACHE_DIRECTORY", "allocating", "is_cached", "jit"]

_KEPT_DIRECTORIES = 5  # a few checkouts and branches side by side; each is some megabytes
_KEY_LENGTH = 32
_deciding = threading.Lock()


def _source_key() -> str:
    """Hex digest over every source file of the core, and over what compiles it."""
    digest = hashlib.sha256(f"{numba.__version__} {sys.implementation.cache_tag} {sys.version}".encode())
    core = Path(__file__).parent
    for path in sorted(core.rglob("*.py")):
        source = path.read_bytes()
        digest.update(f"\0{path.relative_to(core).as_posix()}\0{len(source)}\0".encode())
        digest.update(source)
    return digest.hexdigest()[:_KEY_LENGTH]


def _cache_roots() -> Iterator[Path]:
    """Folders that may hold the cache, the preferred one first."""
    chosen = os.environ.get("WORKBENCH_CACHE_DIR")
    if chosen:
        yield Path(chosen).absolute()
    xdg = os.environ.get("XDG_CACHE_HOME")
    if xdg and Path(xdg).is_absolute():  # the XDG standard says to ignore a relative one
        yield Path(xdg) / "workbench"
    home = os.path.expanduser("~")  # stays "~" where there is no home, and then it is not absolute
    if os.path.isabs(home):
        yield Path(home) / ".cache" / "workbench"
    yield Path(tempfile.gettempdir()) / f"workbench-{os.getuid()}"


def _is_ours_alone(path: Path) -> bool:
    """True if nobody else can put files there: numba unpickles what it finds, which is running code."""
    found = path.lstat()
    others_write = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not others_write


def _usable_directory(key: str) -> Path | None:
    """The first `<root>/<key>` that can be written, made if need be."""
    for root in _cache_roots():
        directory = root / key
        try:
            root.mkdir(mode=0o700, parents=True, exist_ok=True)
            if root.parent == Path(tempfile.gettempdir()) and not _is_ours_alone(root):
                continue  # anybody may have made a folder of that name among the temporary files
            directory.mkdir(mode=0o700, exist_ok=True)
            tempfile.TemporaryFile(dir=directory).close()
            os.utime(directory)  # so that pruning sees it as in use
        except OSError:
            continue  # the next root is the answer to a root that cannot be written
        return directory
    return None


def _prune(root: Path) -> None:
    """Remove all but the latest few cache directories; another process may be doing the same."""
    found: list[tuple[int, Path]] = []
    for path in root.iterdir():
        if len(path.name) == _KEY_LENGTH and set(path.name) <= set("0123456789abcdef"):
            try:
                found.append((path.stat().st_mtime_ns, path))
            except FileNotFoundError:
                continue  # removed by the other process: what we wanted
    for _, path in sorted(found, reverse=True)[_KEPT_DIRECTORIES:]:
        shutil.rmtree(path, ignore_errors=True)  # a leftover costs disk, never a wrong result


def _prepare_cache() -> Path | None:
    directory = _usable_directory(_source_key())
    if directory is not None:
        _prune(directory.parent)
    return directory


CACHE_DIRECTORY = _prepare_cache()
"""Where the kernels of this process are cached; None if nothing could be written, and then nothing is cached."""


def jit[F: Callable[..., object]](function: F, *, allocates: bool = False, inline: bool = False) -> F:
    """Compile `function` on its first call, once per combination of argument types.

    A kernel makes no arrays or lists, unless `allocates`: it counts no references then, which costs more than what many
    of them do. Giving it arrays, and views of them, is fine; returning an array is not.  inline: always part of its
    callers, for what keeps its values in registers.

    Divisions by zero give inf or nan as in numpy, never an exception. The GIL is released. `fastmath` is off, since it
    makes isfinite(nan) true and so switches the risk checks off. The result has the signature of `function`.
    """
    options: dict[str, Any] = {
        "_nrt": allocates,
        "forceinline": inline,
    }  # the first one is not in numba's stubs
    decorate = numba.njit(
        cache=CACHE_DIRECTORY is not None,
        error_model="numpy",
        nogil=True,
        fastmath=False,
        parallel=False,
        **options,
    )
    # numba fixes a kernel's cache folder while decorating it. The setting is global, and other libraries' kernels
    # belong where they were, so it is ours for this one call only; of two threads that decorate at once, one waits, or
    # it would put our folder back as that of the others. (numba's stubs do not know the setting.)
    settings = vars(numba.config)
    with _deciding:
        elsewhere = settings["CACHE_DIR"]
        settings["CACHE_DIR"] = str(CACHE_DIRECTORY or "")
        try:
            return cast("F", decorate(function))
        finally:
            settings["CACHE_DIR"] = elsewhere


allocating = partial(jit, allocates=True)
"""`jit` for what makes arrays."""


def is_cached(kernel: Callable[..., object]) -> bool:
    """True if `kernel` need not be compiled before its first call: it lies in the cache, or nothing is compiled."""
    if vars(numba.config)["DISABLE_JIT"]:
        return True
    if CACHE_DIRECTORY is None:
        return False
    module = kernel.__module__.rpartition(".")[2]
    return any(CACHE_DIRECTORY.glob(f"*/{module}.{kernel.__name__}-*.nbi"))

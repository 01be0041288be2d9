"""The only place that touches numba's decorators: how every kernel is compiled, and where it is cached.

numba's `cache=True` notices an edit in the file of the compiled function, but not in another file whose functions it
has inlined: a kernel would go on with an old fee rule until somebody deleted the cache. So kernels are cached in a
directory that is named after the sources of the whole core, the version of numba and of Python: an edit anywhere in
the core is a new, empty directory. A kernel outside the core is safe too, as long as the jitted functions that it
calls are in the core or in its own file.

Environment: WORKBENCH_CACHE_DIR, else XDG_CACHE_HOME, else ~/.cache is where that directory is made; a private folder
among the temporary files where none of those can be written. WORKBENCH_CACHE_MB (1024) is how large all of it may grow
before what has not been used for longest is removed. NUMBA_DISABLE_JIT=1 leaves the functions as they are.
"""

import hashlib
import os
import shutil
import stat
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import numba

__all__ = ["CACHE_DIRECTORY", "allocating", "is_cached", "jit"]

_KEPT_DIRECTORIES = 5  # a few checkouts and branches side by side; each is 200 MB and more
_LARGEST_MB = "1024"
_TRIMMED_EVERY_S = 3600.0  # to look at ten thousand files takes a tenth of a second
_TRIMMED = ".trimmed"  # whose time is when somebody last looked
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


def _directories(root: Path) -> list[Path]:
    """The cache directories in `root`, the latest used first; another process may be removing some."""
    found: list[tuple[int, Path]] = []
    for path in root.iterdir():
        if len(path.name) == _KEY_LENGTH and set(path.name) <= set("0123456789abcdef"):
            try:
                found.append((path.stat().st_mtime_ns, path))
            except FileNotFoundError:
                continue  # removed by the other process: what we wanted
    return [path for _, path in sorted(found, reverse=True)]


def _prune(root: Path) -> None:
    """Remove all but the latest few cache directories; another process may be doing the same."""
    for path in _directories(root)[_KEPT_DIRECTORIES:]:
        shutil.rmtree(path, ignore_errors=True)  # a leftover costs disk, never a wrong result


def _largest() -> float:
    """How many bytes the cache may have; as if nothing were set, with a warning, where that is no number."""
    text = os.environ.get("WORKBENCH_CACHE_MB") or _LARGEST_MB
    try:
        megabytes = float(text)
    except ValueError:
        megabytes = -1.0
    if not megabytes >= 0.0:
        warnings.warn(
            f"WORKBENCH_CACHE_MB is {text!r}; expected a number of megabytes, 0 or more, or 'inf'; "
            f"{_LARGEST_MB} is taken",
            RuntimeWarning,
            stacklevel=2,
        )
        megabytes = float(_LARGEST_MB)
    return megabytes * 1e6


def _trim(root: Path, largest: float) -> None:
    """Remove the files used longest ago until the cache directories in `root` have at most `largest` bytes.

    Any process may do so while others work: to numba a missing file of machine code is one to be compiled again. The
    indices (.nbi, a fortieth of the whole) stay: without one, the name of a file in use could be given to another
    kernel's code. Where the disk notes no times of access, the oldest files go.
    """
    files: list[tuple[float, int, str]] = []
    for directory in _directories(root):
        for folder, _, names in os.walk(directory):
            for name in names:
                path = os.path.join(folder, name)
                try:
                    found = os.lstat(path)
                except FileNotFoundError:
                    continue  # another process removed it
                files.append((max(found.st_atime, found.st_mtime), found.st_size, path))
    excess = sum(size for _, size, _ in files) - largest
    for _, size, path in sorted(files):
        if excess <= 0.0:
            return
        if not path.endswith(".nbi"):
            Path(path).unlink(missing_ok=True)
            excess -= size


def _trim_at_times(root: Path, largest: float) -> None:
    """`_trim`, unless this or another process has done so within the last hour."""
    marker = root / _TRIMMED
    try:
        if 0.0 <= time.time() - marker.stat().st_mtime < _TRIMMED_EVERY_S:
            return
    except FileNotFoundError:
        pass  # nobody has looked yet
    try:
        marker.touch(mode=0o600)
        _trim(root, largest)
    except OSError:
        return  # files of somebody else: what is there too much costs disk, never a wrong result


def _prepare_cache() -> Path | None:
    largest = _largest()
    directory = _usable_directory(_source_key())
    if directory is not None:
        _prune(directory.parent)
        _trim_at_times(directory.parent, largest)
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
    return any(CACHE_DIRECTORY.glob(f"*/{module}.{kernel.__name__}-*.nbc"))

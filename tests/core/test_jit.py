"""How kernels are compiled, and that an edit anywhere in the core can never leave an old kernel in use."""

import math
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numba
import pytest

from workbench.core import jit as jit_module
from workbench.core.jit import jit

CORE = Path(jit_module.__file__).parent

FEE = """
from workbench.core.jit import jit

@jit
def fee(notional: float) -> float:
    return notional * {rate}
"""
# Another file, whose kernel has the fee compiled into it. numba's own cache would not see FEE change.
BILL = """
from workbench.core.fee import fee
from workbench.core.jit import CACHE_DIRECTORY, jit

@jit
def bill(notional: float) -> float:
    return notional + fee(notional)

print(bill(1000.0))
print(CACHE_DIRECTORY)
print(sum(bill.stats.cache_hits.values()) if hasattr(bill, "stats") else "plain")
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with nothing but jit.py and two kernels of its own in the core."""
    core = tmp_path / "workbench" / "core"
    core.mkdir(parents=True)
    shutil.copy(CORE / "jit.py", core)
    (tmp_path / "workbench" / "__init__.py").touch()
    (core / "__init__.py").touch()
    (core / "fee.py").write_text(FEE.format(rate=0.001))
    (core / "bill.py").write_text(BILL)
    return tmp_path


def start(project: Path, **environment: str) -> subprocess.Popen[str]:
    environment = {
        **os.environ,
        "PYTHONPATH": str(project),
        "WORKBENCH_CACHE_DIR": str(project / "cache"),
        "NUMBA_DISABLE_JIT": "0",
        **environment,
    }
    command = [sys.executable, "-m", "workbench.core.bill"]
    return subprocess.Popen(command, cwd=project, env=environment, text=True, stdout=subprocess.PIPE)


def run(project: Path, **environment: str) -> list[str]:
    """The lines that the kernel's process prints: the bill, the cache directory, kernels found in the cache."""
    process = start(project, **environment)
    lines = process.communicate()[0].split("\n")
    assert process.returncode == 0
    return lines


def test_an_edit_in_one_core_file_changes_the_result_of_a_kernel_in_another(project: Path) -> None:
    first = run(project)
    (project / "workbench/core/fee.py").write_text(FEE.format(rate=0.002))
    second = run(project)
    assert (first[0], second[0]) == ("1001.0", "1002.0")
    assert first[1] != second[1]


def test_two_processes_share_the_cache_and_may_fill_it_at_once(project: Path) -> None:
    together = [start(project), start(project)]
    assert [process.communicate()[0].split("\n")[0] for process in together] == ["1001.0", "1001.0"]
    assert run(project)[2] == "1"


def test_without_numba_the_function_is_a_plain_one(project: Path) -> None:
    bill, _, kind, *_ = run(project, NUMBA_DISABLE_JIT="1")
    assert (bill, kind) == ("1001.0", "plain")


def test_a_cache_that_cannot_be_written_is_replaced_by_a_private_one(project: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    unusable = {
        name: str(tmp_path / "file" / name) for name in ("WORKBENCH_CACHE_DIR", "XDG_CACHE_HOME", "HOME")
    }
    (tmp_path / "tmp").mkdir()
    directory = Path(run(project, **unusable, TMPDIR=str(tmp_path / "tmp"), NUMBA_DISABLE_JIT="1")[1])
    assert directory.parent == tmp_path / "tmp" / f"workbench-{os.getuid()}"
    assert directory.parent.stat().st_mode & 0o777 == 0o700


def test_a_folder_that_others_can_write_is_never_read_from_among_the_temporary_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE_DIR", str(tmp_path / "shared"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "shared").mkdir()
    assert jit_module._usable_directory("key") == tmp_path / "shared" / "key"
    (tmp_path / "shared").chmod(0o777)
    assert jit_module._usable_directory("key") == tmp_path / "home" / "workbench" / "key"


def test_old_cache_directories_go_and_nothing_else_does(tmp_path: Path) -> None:
    for age in range(8):
        directory = tmp_path / f"{age:032x}"
        directory.mkdir()
        os.utime(directory, (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "notes").mkdir()
    jit_module._prune(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [*(f"{age:032x}" for age in range(5)), "notes"]


def cached(root: Path, name: str, used: float, size: int = 1_000_000) -> Path:
    """A file of a cache directory, last read or written at this time."""
    path = root / ("a" * 32) / "core_1" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    os.utime(path, (used, used - 50.0))
    return path


def test_above_its_largest_size_the_cache_loses_what_was_used_longest_ago(tmp_path: Path) -> None:
    files = [cached(tmp_path, f"kernel-{number}.1.nbc", 1000.0 + number) for number in range(5)]
    index = cached(tmp_path, "kernel-0.nbi", 1.0)
    other = tmp_path / "notes"
    other.write_bytes(bytes(9_000_000))
    jit_module._trim(tmp_path, 6e6)
    assert all(path.exists() for path in files)
    jit_module._trim(tmp_path, 3.5e6)
    assert [path.exists() for path in files] == [False, False, False, True, True]
    assert index.exists()
    assert other.exists()


def test_the_size_of_the_cache_is_looked_at_once_an_hour(tmp_path: Path) -> None:
    first = cached(tmp_path, "kernel-1.1.nbc", 1000.0)
    jit_module._trim_at_times(tmp_path, 0.0)
    assert not first.exists()
    second = cached(tmp_path, "kernel-2.1.nbc", 1000.0)
    jit_module._trim_at_times(tmp_path, 0.0)
    assert second.exists()
    an_hour_ago = time.time() - 3601.0
    os.utime(tmp_path / ".trimmed", (an_hour_ago, an_hour_ago))
    jit_module._trim_at_times(tmp_path, 0.0)
    assert not second.exists()


def test_a_kernel_whose_code_was_removed_is_compiled_again(project: Path) -> None:
    assert run(project)[2] == "0"
    assert run(project)[2] == "1"
    (project / "cache" / ".trimmed").unlink()
    bill, _, hits, *_ = run(project, WORKBENCH_CACHE_MB="0")
    assert (bill, hits) == ("1001.0", "0")
    assert run(project, WORKBENCH_CACHE_MB="0")[2] == "1"  # the hour is not over


@pytest.mark.parametrize("setting", ["much", "-1", "nan"])
def test_a_size_that_is_none_is_told_and_not_taken(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv("WORKBENCH_CACHE_MB", setting)
    with pytest.warns(RuntimeWarning, match=r"^WORKBENCH_CACHE_MB is '.*'; expected a number of megabytes"):
        assert jit_module._largest() == 1024e6


def test_processes_that_trim_and_compile_at_once_get_their_results(project: Path) -> None:
    processes = []
    for _ in range(6):
        (project / "cache" / ".trimmed").unlink(missing_ok=True)
        processes.append(start(project, WORKBENCH_CACHE_MB="0"))
    assert [process.communicate()[0].split("\n")[0] for process in processes] == ["1001.0"] * 6


@jit
def is_finite(value: float) -> bool:
    return math.isfinite(value)


@jit
def there_and_back(start: float, step: float) -> float:
    return (start + step) - step


@jit
def ratio(above: float, below: float) -> float:
    return above / below


def test_a_nan_is_still_seen_inside_a_kernel() -> None:
    assert (is_finite(1.0), is_finite(math.nan), is_finite(math.inf)) == (True, False, False)


def test_sums_are_rounded_in_the_order_in_which_they_are_written() -> None:
    assert (
        there_and_back(1.0, 1e16) == 0.0
    )  # the 1 is lost beside 1e16; a compiler that may reorder finds it again


@pytest.mark.skipif(os.environ.get("NUMBA_DISABLE_JIT") == "1", reason="plain Python raises instead")
@pytest.mark.may_skip("only with NUMBA_DISABLE_JIT=1")
def test_a_division_by_zero_gives_what_numpy_gives() -> None:
    assert ratio(1.0, 0.0) == math.inf
    assert math.isnan(ratio(0.0, 0.0))


def test_the_cache_of_other_libraries_stays_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(vars(numba.config), "CACHE_DIR", "theirs")

    @jit
    def ours(value: float) -> float:
        return value

    assert vars(numba.config)["CACHE_DIR"] == "theirs"
    assert ours(2.0) == 2.0


def test_a_kernel_says_whether_it_has_been_compiled_before(tmp_path: Path) -> None:
    code = (
        "from workbench.core.jit import is_cached; from workbench.core.sizing import to_lot\n"
        "before = is_cached(to_lot); to_lot(1.0, 0.5); print(before, is_cached(to_lot))"
    )
    environment = {**os.environ, "WORKBENCH_CACHE_DIR": str(tmp_path)}
    environment.pop("NUMBA_DISABLE_JIT", None)
    run = [sys.executable, "-c", code]
    said = [
        subprocess.check_output(run, env=environment, text=True, cwd=CORE.parents[1]).strip()
        for _ in range(2)
    ]
    assert said == ["False True", "True True"]
    for code_of_it in tmp_path.glob("*/*/sizing.to_lot-*.nbc"):
        code_of_it.unlink()
    assert subprocess.check_output(run, env=environment, text=True, cwd=CORE.parents[1]) == "False True\n"


def test_threads_that_decorate_at_once_leave_the_folder_of_others_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = vars(numba.config)
    before, decorate = settings["CACHE_DIR"], numba.njit

    def slowly(**options: Any) -> Any:
        def decorated(function: Any) -> Any:
            time.sleep(0.05)  # while the folder is ours
            return decorate(**options)(function)

        return decorated

    monkeypatch.setattr(numba, "njit", slowly)
    threads = [threading.Thread(target=jit, args=(lambda value: value,)) for _ in range(4)]
    for place, thread in enumerate(threads):
        thread.start()
        time.sleep(0.01 * place)
    for thread in threads:
        thread.join()
    assert settings["CACHE_DIR"] == before

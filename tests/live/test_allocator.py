"""Memory that is freed goes back to the system, where the C library can be asked."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

from live import allocator

FREED = """
from live.allocator import few_arenas, give_back

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

few_arenas()
small = [bytes(1000) for _ in range(100_000)]  # a hundred megabytes in small pieces, of which the last stays
full = resident()
last = small[-1]
del small
give_back()
print(full - resident() > 50_000_000)
"""


COMPILER = r"""
import re
from pathlib import Path
import llvmlite.binding as llvm
from live.allocator import let_go

def resident():
    mappings = re.split(r"(?m)^(?=[0-9a-f]+-)", Path("/proc/self/smaps").read_text())
    return sum(int(re.search(r"Rss: +(\d+)", one)[1]) for one in mappings if "libllvmlite" in one)

def compiled():
    machine = llvm.Target.from_default_triple().create_target_machine()  # which the compiler then owns
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly("define i32 @f() { ret i32 7 }"), machine)
    engine.finalize_object()
    return engine.get_function_address("f") > 0

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()
assert compiled()
full = resident()
assert let_go("libllvmlite") > 50_000_000
print(resident() < full / 2, let_go("libnothing"), compiled())
"""


@pytest.mark.skipif(platform.system() != "Linux", reason="looks at /proc")
def test_a_library_that_is_let_go_of_takes_less_and_still_works() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMPILER], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "True 0 True\n"


def mapping(name: str, about: str, anonymous: int, swap: int) -> str:
    figures = {"Size": 8, "Rss": 8, "Anonymous": anonymous, "KSM": 0, "Swap": swap, "SwapPss": swap}
    lines = [f"{key}: {figure:>15} kB" for key, figure in figures.items()]
    return "\n".join([f"{about} 00000000 08:01 7    {name}", *lines, "VmFlags: rd mr mw me\n"])


def test_what_was_ever_written_is_kept_be_it_in_memory_or_swapped_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A library's relocated pointers are read-only, and are not those of its file."""
    smaps = tmp_path / "smaps"
    smaps.write_text(
        mapping("/lib/libx.so", "1000-3000 r-xp", 0, 0)
        + mapping("/lib/libx.so", "3000-4000 r--p", 4, 0)
        + mapping("/lib/libx.so", "4000-5000 r--p", 0, 4)
        + mapping("/lib/libx.so", "5000-6000 rw-p", 0, 0)
        + mapping("/lib/liby.so", "6000-7000 r-xp", 0, 0)
        + mapping("/lib/libx.so", "7000-8000 r--p", 0, 0)
    )
    monkeypatch.setattr(allocator, "_MAPPINGS", smaps)
    assert list(allocator._pages_of("libx")) == [(0x1000, 0x2000), (0x7000, 0x1000)]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc's allocator")
def test_what_is_freed_goes_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FREED], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "True\n"


def test_another_c_library_is_asked_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert not allocator.few_arenas()
    assert not allocator.give_back()

"""Memory that is freed goes back to the system, where the C library can be asked."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

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


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc's allocator")
def test_what_is_freed_goes_back() -> None:
    done = subprocess.run(
        [sys.executable, "-c", FREED], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "True\n"


def test_another_c_library_is_asked_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from live import allocator

    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    assert not allocator.few_arenas()
    assert not allocator.give_back()

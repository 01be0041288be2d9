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

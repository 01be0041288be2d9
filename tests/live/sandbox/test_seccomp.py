"""The filter's program, run here as the kernel runs it, for both architectures."""

from __future__ import annotations

import errno
import signal
import struct

import pytest

from live.sandbox.seccomp import filter_program
from live.sandbox.syscalls import ARCHITECTURES

PID = 4242
ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
# Of asm/unistd_64.h and asm-generic/unistd.h.
FORBIDDEN = {
    "x86_64": {
        "socket": 41, "connect": 42, "sendto": 44, "sendmsg": 46, "clone": 56, "fork": 57, "vfork": 58, "execve": 59,
        "ptrace": 101, "setrlimit": 160, "mount": 165, "unlink": 87, "mkdir": 83, "rename": 82, "creat": 85,
        "process_vm_readv": 310, "execveat": 322, "io_uring_setup": 425, "pidfd_open": 434, "pidfd_send_signal": 424,
        "bpf": 321, "unshare": 272, "setns": 308, "prctl": 157, "seccomp": 317, "memfd_create": 319, "keyctl": 250,
        "setuid": 105, "perf_event_open": 298, "userfaultfd": 323, "reboot": 169, "setitimer": 38, "timer_create": 222,
        "rt_sigqueueinfo": 129, "ioctl": 16,
    },
    "aarch64": {
        "socket": 198, "connect": 203, "sendto": 206, "sendmsg": 211, "clone": 220, "execve": 221, "ptrace": 117,
        "setrlimit": 164, "mount": 40, "unlinkat": 35, "mkdirat": 34, "renameat": 38, "process_vm_readv": 270,
        "execveat": 281, "io_uring_setup": 425, "pidfd_open": 434, "pidfd_send_signal": 424, "bpf": 280,
        "unshare": 97, "setns": 268, "prctl": 167, "seccomp": 277, "memfd_create": 279, "keyctl": 219, "setuid": 146,
        "perf_event_open": 241, "userfaultfd": 282, "reboot": 142, "setitimer": 103, "timer_create": 107,
        "rt_sigqueueinfo": 138, "ioctl": 29,
    },
}  # fmt: skip
MACHINES = sorted(ARCHITECTURES)


def verdict(machine: str, number: int, *arguments: int, audit: int | None = None) -> int:
    """What the program returns for a call (classic BPF: load a word, compare and jump, return)."""
    words = [argument & 2**64 - 1 for argument in (*arguments, 0, 0, 0, 0, 0, 0)[:6]]
    data = struct.pack("<iIQ6Q", number, ARCHITECTURES[machine].audit if audit is None else audit, 0, *words)
    program, at, held = filter_program(machine, PID), 0, 0
    while True:
        code, if_true, if_false, operand = program[at]
        at += 1
        match code:
            case 0x20:
                (held,) = struct.unpack_from("<I", data, operand)
            case 0x15:
                at += if_true if held == operand else if_false
            case 0x35:
                at += if_true if held >= operand else if_false
            case 0x06:
                return operand
            case _:
                pytest.fail(f"an instruction that is not known: {code:#x}")


@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_not_listed_is_refused(machine: str) -> None:
    for name, number in FORBIDDEN[machine].items():
        assert verdict(machine, number) == EPERM, name
    listed = {*ARCHITECTURES[machine].allowed.values(), *ARCHITECTURES[machine].absent}
    assert {verdict(machine, number) for number in range(1_000) if number not in listed} == {EPERM}


@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_listed_is_allowed(machine: str) -> None:
    found = ARCHITECTURES[machine]
    looked_at = {"kill", "tgkill", "tkill", "fcntl", "rt_sigaction", "prlimit64"}
    assert {verdict(machine, number) for name, number in found.allowed.items() if name not in looked_at} == {
        ALLOW
    }
    assert {verdict(machine, number) for number in found.absent} == {ENOSYS}
    assert len(set(found.allowed.values())) == len(found.allowed)


@pytest.mark.parametrize("machine", MACHINES)
def test_arguments_that_reach_others_are_refused(machine: str) -> None:
    calls = ARCHITECTURES[machine].allowed
    for name in ("kill", "tgkill", "tkill"):
        assert verdict(machine, calls[name], PID, 9) == ALLOW
        for other in (1, PID + 1, 0, -1, -PID):
            assert verdict(machine, calls[name], other, 9) == EPERM
    assert verdict(machine, calls["fcntl"], 3, 4) == ALLOW
    assert verdict(machine, calls["fcntl"], 3, 8) == EPERM  # F_SETOWN: have the kernel signal somebody
    assert verdict(machine, calls["rt_sigaction"], signal.SIGTERM) == ALLOW
    assert verdict(machine, calls["rt_sigaction"], signal.SIGXCPU) == EPERM
    assert verdict(machine, calls["prlimit64"], 0, 7, 0) == ALLOW
    for new_limit in (1, 1 << 32, 0x7FFF_0000_0000):
        assert verdict(machine, calls["prlimit64"], 0, 7, new_limit) == EPERM


def test_other_calling_conventions_are_closed() -> None:
    assert verdict("x86_64", 0, audit=0x40000003) == KILL  # 32 bit
    assert verdict("aarch64", 63, audit=0x40000028) == KILL
    assert verdict("x86_64", 0x40000000) == EPERM  # x32

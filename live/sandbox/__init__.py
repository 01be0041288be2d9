"""Strategies in processes of their own, where their crash, hang, leak or flood costs the others nothing.

    sandbox = Sandbox(SandboxSettings(memory_mb=512))
    await sandbox.start()                        # SandboxError: weaker than settings.minimum, in one line
    worker = await sandbox.launch(hello, on_messages, on_exit, on_alarm)
    worker.send(Deliver(1, price=update))        # never blocks; WorkerBehind when too much is waiting
    exit = await worker.stop(grace_s=1.0)
    await sandbox.close()                        # nothing stays behind

Callbacks run in the event loop: `on_messages` once for all that a wake-up brought, `on_exit` exactly once and last.
A sandbox tells, and kills what is overdue or talks nonsense; whether to start again is for its owner to say.

Isolation `sandbox` forks each strategy from a warm host, at the highest level that this machine can prove (the host
has a child try each layer, and then what that layer should forbid):

    bubblewrap   a namespace with no network, no processes but its own and no files but the interpreter and its
                 packages, read-only; inside it all that the next level has
    filtered     seccomp: no sockets, threads, processes, programs, signals to others, tracing; Landlock: files of the
                 interpreter alone, read-only; none of root's powers
    rlimits      address space (what the process has, and `memory_mb`), CPU time, descriptors, no file grows, an empty
                 environment.  It keeps a strategy from hurting the machine by mistake, not from reading it
    none         `thread`, and what is left when layers are left out

Isolation `container` puts each into a container of docker or podman, with the filters of `filtered` inside; it starts
in seconds where the others take milliseconds, and one that neither reads nor computes outlives a killed engine until
the next one starts.  Isolation `thread` is for trusted code: a thread can read everything and cannot be killed.

What a strategy meets at `filtered` and above: no threads (nor libraries that must have them), no files but modules,
`print` and logging as `Logged` (so many lines a second), MemoryError once its budget is spent, after which its process
ends.  Compiled strategies are compiled once for each source: the process that compiled hands the machine code to the
engine, which keeps it unopened, and leaves; the next one, and every later one, starts from that.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from live.sandbox.contract import (
        Alarm,
        AlarmKind,
        ExitReason,
        Isolation,
        Layer,
        Level,
        SandboxSettings,
        SandboxStatus,
        Usage,
        WorkerExit,
        WorkerStatus,
    )
    from live.sandbox.linux import forbid_inspection
    from live.sandbox.sandbox import Sandbox
    from live.sandbox.worker import Worker

__all__ = [
    "Alarm",
    "AlarmKind",
    "ExitReason",
    "Isolation",
    "Layer",
    "Level",
    "Sandbox",
    "SandboxSettings",
    "SandboxStatus",
    "Usage",
    "Worker",
    "WorkerExit",
    "WorkerStatus",
    "forbid_inspection",
]

# A strategy's process imports this package too, and has no use for the engine's side of it.
_HOMES = {"Sandbox": "sandbox", "Worker": "worker", "forbid_inspection": "linux"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'contract')}"), name)
    globals()[name] = found
    return found

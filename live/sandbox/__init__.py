"""Strategies in processes of their own, where their crash, hang, leak or flood costs the others nothing.

    sandbox = Sandbox(SandboxSettings(memory_mb=256))
    await sandbox.start()                        # SandboxError: weaker than settings.minimum, in one line
    worker = await sandbox.launch(hello, on_messages, on_exit, on_alarm)
    worker.send(Deliver(1, price=update))        # never blocks; WorkerBehind when too much is waiting
    exit = await worker.stop(grace_s=1.0)
    await sandbox.close()                        # nothing stays behind

Callbacks run in the event loop: `on_messages` once for all that a wake-up brought, `on_exit` exactly once and last.
A sandbox tells, and kills what is overdue or talks nonsense; whether to start again is for its owner to say.
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
]

# A strategy's process imports this package too, and has no use for the engine's side of it.
_HOMES = {"Sandbox": "sandbox", "Worker": "worker"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES.get(name, 'contract')}"), name)
    globals()[name] = found
    return found

"""Whether the layers hold here: a child puts them on one by one and then tries what each should forbid."""

from __future__ import annotations

import mmap
import os
import socket
from collections.abc import Callable
from contextlib import suppress

import msgspec

from live.sandbox.confine import Confinement, address_space, confine, offered
from live.sandbox.contract import Layer

__all__ = ["prove"]

_ORDER = (Layer.ENVIRONMENT, Layer.RLIMITS, Layer.LANDLOCK, Layer.SECCOMP)


def prove(order: Confinement) -> dict[Layer, str]:
    """Each layer of `order` with "" where it holds in a child of this process, else with why it does not, one line."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, msgspec.msgpack.encode(_tried(order)))
        os._exit(0)
    os.close(writing)
    with open(reading, "rb") as answer:
        told = answer.read()
    os.waitpid(pid, 0)
    if not told:
        return {layer: f"{layer}: the process that tried it died" for layer in order.layers}
    return msgspec.msgpack.decode(told, type=dict[Layer, str])


def _tried(order: Confinement) -> dict[Layer, str]:
    found: dict[Layer, str] = {}
    there = offered()
    for layer in _ORDER:
        if layer not in order.layers:
            continue
        found[layer] = there[layer]
        if found[layer]:
            continue
        try:
            confine(msgspec.structs.replace(order, layers=frozenset({layer})))
            _ATTACKS[layer](order)
        except (OSError, KeyError, ValueError) as error:
            found[layer] = f"{layer}: {error}"
    return found


def _holds(layer: Layer, attack: Callable[[], object]) -> None:
    with suppress(PermissionError):
        attack()
        raise ValueError(f"accepted by the kernel, but {layer} forbids nothing")


def _memory(order: Confinement) -> None:
    if not address_space():
        return
    try:
        mmap.mmap(-1, order.memory_bytes + (64 << 20)).close()
    except (OSError, MemoryError):
        return
    raise ValueError("accepted by the kernel, but more memory than allowed can be had")


def _environment(_: Confinement) -> None:
    if os.environ:
        raise ValueError("the environment is not empty")


_ATTACKS: dict[Layer, Callable[[Confinement], None]] = {
    Layer.ENVIRONMENT: _environment,
    Layer.RLIMITS: _memory,
    Layer.LANDLOCK: lambda _: _holds(Layer.LANDLOCK, lambda: os.listdir("/")),
    Layer.SECCOMP: lambda _: _holds(Layer.SECCOMP, lambda: socket.socket().close()),
}

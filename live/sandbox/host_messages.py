"""What passes between the engine and the host, the process that strategies are forked from."""

from __future__ import annotations

import msgspec

from live.sandbox.confine import Confinement
from live.sandbox.contract import Layer

__all__ = [
    "Exited",
    "FromHost",
    "HostReady",
    "Launch",
    "Launched",
    "ToHost",
    "decode_from_host",
    "decode_to_host",
]


class Launch(msgspec.Struct, frozen=True, tag=True):
    """Fork a process; two descriptors come with it: its channel and its output.  number: the engine's own."""

    number: int
    order: Confinement


class HostReady(msgspec.Struct, frozen=True, tag=True):
    """What holds in here: each layer that was asked for with "", or with why it does not hold.

    Where the system has them, a descriptor of the host's process comes with it, as with `Launched`.
    """

    layers: dict[Layer, str]


class Launched(msgspec.Struct, frozen=True, tag=True):
    """A process runs.  pid: as the host counts.  error: why there is none, "" where there is."""

    number: int
    pid: int
    error: str = ""


class Exited(msgspec.Struct, frozen=True, tag=True):
    """A process is gone.  status: as `os.waitpid` gives it."""

    number: int
    status: int


type ToHost = Launch
type FromHost = HostReady | Launched | Exited

decode_to_host = msgspec.msgpack.Decoder(Launch).decode
decode_from_host = msgspec.msgpack.Decoder(HostReady | Launched | Exited).decode

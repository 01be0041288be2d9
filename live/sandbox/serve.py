"""The loop of a strategy's process: frames in, the strategy is called, frames out; until Stop or the engine's end."""

from __future__ import annotations

import os
from collections.abc import Callable
from time import perf_counter_ns
from typing import Final

from live.messages import Deliver, Hello, Stop
from live.sandbox import shelf
from live.sandbox.frames import FrameReader, Kernel, decode_to_worker
from live.sandbox.player import Player
from live.sandbox.voice import Voice

__all__ = ["EXIT_COMPILED", "EXIT_ENGINE_GONE", "EXIT_MEMORY", "EXIT_NOT_LOADED", "EXIT_UNCONFINED", "serve"]

EXIT_NOT_LOADED: Final = 64
EXIT_ENGINE_GONE: Final = 65
EXIT_MEMORY: Final = 66
EXIT_UNCONFINED: Final = 67
EXIT_COMPILED: Final = 68

_READ_BYTES: Final = 1 << 16
_HOLD_NS: Final = 200_000  # how long an answer may wait for the next one to share a write


def serve(channel: int, voice: Voice, compiled: Callable[[], bool] = lambda: False) -> int:
    """Play what comes in on `channel`, a descriptor; the exit status.

    compiled: asked when a strategy is loaded that came without kernels; if so, this process leaves and another one,
    that gets them, will be ready in its place: the compiler's memory is never given back.
    """
    reader, player, came_alone = FrameReader(), Player(voice), True
    while data := os.read(channel, _READ_BYTES):
        held_since = perf_counter_ns()
        for frame in reader.feed(data):
            message = decode_to_worker(frame)
            if isinstance(message, Deliver):
                player.deliver(message)
            elif isinstance(message, Hello):
                ready = player.load(message)
                if ready is None or (came_alone and compiled()):
                    voice.flush()
                    return EXIT_NOT_LOADED if ready is None else EXIT_COMPILED
                voice.say(ready)
            elif isinstance(message, Kernel):
                came_alone = False
                shelf.put_back(message.data)
            elif isinstance(message, Stop):
                voice.flush()
                return 0
            if player.out_of_memory:
                voice.flush()
                return EXIT_MEMORY
            if perf_counter_ns() - held_since > _HOLD_NS:
                voice.flush()
                held_since = perf_counter_ns()
        voice.flush()
    return EXIT_ENGINE_GONE

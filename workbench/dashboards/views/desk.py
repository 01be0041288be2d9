"""What both live desks do all the time: look at the reader, and ask who is there once the engine is."""

from __future__ import annotations

import time
from typing import Any, Final

from workbench.dashboards.state.viewer import Viewer
from workbench.dashboards.views.live import follow

__all__ = ["follow_desk"]

_AGAIN_S: Final = 30.0


def follow_desk(state: Any, viewer: Viewer) -> None:
    """Bring `state` up to date while its page is open, and `viewer` with each new connection and now and then."""
    connected, asked = False, 0.0

    async def then() -> None:
        nonlocal connected, asked
        live = state.link.state == "live"
        if live and (not connected or time.monotonic() - asked > _AGAIN_S):
            asked = time.monotonic()
            await viewer.learn()
        connected = live
        if hasattr(state, "look_closely"):
            await state.look_closely()

    follow(state.refresh, then, viewer.close)

"""Pieces of HTML that follow a state, and what drives them: a page's own look at the reader, a few times a second."""

from __future__ import annotations

import asyncio
import html
from collections.abc import Awaitable, Callable
from typing import Any, Final

import panel as pn

from workbench.dashboards.look import sheet
from workbench.dashboards.parts import html_part

__all__ = ["FRAME_MS", "block", "follow", "live_html", "said", "text"]

FRAME_MS: Final = 250
"""Between two looks of a page: all that has changed since goes to the browser at once."""


def text(value: object) -> str:
    """A text as it may stand in HTML."""
    return html.escape(str(value))


def block(content: str = "", **options: Any) -> pn.pane.HTML:
    """A piece of HTML in the style of the desks.  content: already escaped."""
    return html_part(content, **{**options, "stylesheets": [sheet("desk"), *options.get("stylesheets", [])]})


def live_html(drawn: Callable[..., str], *parameters: Any, **options: Any) -> pn.pane.HTML:
    """A piece of HTML that is drawn anew when one of the state's parameters changes, and sent where it differs."""
    pane = block(**options)
    names: dict[Any, list[str]] = {}
    for parameter in parameters:
        names.setdefault(parameter.owner, []).append(parameter.name)

    def draw(*_: Any) -> None:
        wanted = drawn(*(getattr(parameter.owner, parameter.name) for parameter in parameters))
        if wanted != pane.object:
            pane.object = wanted

    for owner, own in names.items():
        owner.param.watch(draw, own)
    draw()
    return pane


def said(acting: Any) -> pn.pane.HTML:
    """How the last command ended, told to those who cannot see it too."""

    def drawn(words: str, tone: str) -> str:
        kind = "undone" if tone == "bad" else "done"
        return f'<p class="{kind}" role="status">{text(words)}</p>' if words else ""

    return live_html(drawn, acting.param.said, acting.param.tone)


def follow(
    refresh: Callable[[], None], then: Callable[[], Awaitable[object]], end: Callable[[], Awaitable[object]]
) -> None:
    """Call `refresh` and `then` a few times a second while somebody looks at this page, and `end` when they go."""
    busy = False
    ending: set[asyncio.Future[object]] = set()

    async def tick() -> None:
        nonlocal busy
        if busy:
            return  # the last one still waits for the engine; what it leaves out comes with the next
        busy = True
        try:
            with pn.io.hold():
                refresh()
            await then()
        finally:
            busy = False

    def gone(_: Any) -> None:
        ending.add(task := asyncio.ensure_future(end()))
        task.add_done_callback(ending.discard)

    refresh()
    if pn.state.curdoc is not None:
        pn.state.on_session_destroyed(gone)
    pn.state.add_periodic_callback(tick, period=FRAME_MS)  # type: ignore[arg-type]  # a coroutine function is right

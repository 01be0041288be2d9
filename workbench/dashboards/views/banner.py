"""The head of a live page: how the engine does, how old what is shown is, and what to do where nobody answers."""

from __future__ import annotations

import time
from typing import Any

import panel as pn

from workbench.dashboards.parts import badge, empty
from workbench.dashboards.state.link import Link
from workbench.dashboards.views.live import live_html, text

__all__ = ["banner", "body"]


def banner(state: Any) -> pn.Column:
    """Status in one line, and a warning above it while what is shown is old."""
    old = live_html(_old, state.param.link, state.param.stale, state.param.live, state.param.heard)
    status = live_html(_status, state.param.status, state.param.live, state.param.heard, state.param.link)
    return pn.Column(old, status, sizing_mode="stretch_width", margin=(0, 0, 14, 0))


def _old(link: Link, stale: bool, live: bool, heard: str) -> str:
    if not live or (link.state == "live" and not stale):
        return ""
    if link.state == "live":
        title, says = "Not up to date", "The engine has not answered in time."
    else:
        title = link.title or "Not up to date"
        says = "Trying again by itself." if link.state != "connecting" else "Looking for it."
        says = f"{text(says)} {_again(link)}"
    grey = " What is greyed is as it was then." if stale else ""
    return f'<div class="old" role="status"><b>{text(title)}</b>, {text(heard)}. {says}{grey}</div>'


def _again(link: Link) -> str:
    if link.state == "refused":
        return text(link.says)
    return f"If it does not run: <code>{text(link.code)}</code>." if link.code else text(link.says)


def _status(status: tuple[str, str, str], live: bool, heard: str, link: Link) -> str:
    if not live:
        return ""
    tone, word, says = status
    mark = badge(word, tone)  # type: ignore[arg-type]
    return (
        f'<div class="strip">{mark}<span class="says">{text(says)}</span>'
        f'<span class="heard">{text(heard)} from {text(link.url or "the engine")}</span></div>'
    )


def body(state: Any, content: pn.viewable.Viewable) -> pn.Column:
    """`content` once something is known of the engine, greyed while that is old; before, who is waited for."""
    waiting = pn.Column(_waiting(state.link), sizing_mode="stretch_width", margin=0)
    whole = pn.Column(
        waiting if not state.live else content,
        sizing_mode="stretch_width",
        margin=0,
        stylesheets=[":host(.old) { filter: grayscale(1); opacity: 0.72; }"],
    )

    def turn(*_: Any) -> None:
        wanted = content if state.live else waiting
        if whole.objects != [wanted]:
            whole.objects = [wanted]
        if not state.live:
            waiting.objects = [_waiting(state.link)]
        classes = ["old"] if state.stale else []
        if whole.css_classes != classes:
            whole.css_classes = classes

    state.param.watch(turn, ["live", "stale", "link"])
    return whole


def _waiting(link: Link) -> pn.pane.HTML:
    if not link.retry_at:
        return empty(link.title, link.says, link.code)
    where = f" at {link.url}" if link.url else ""
    soon = max(1.0, link.retry_at - time.monotonic())
    again = f"This page tries again by itself, next in {soon:.0f} s."
    start = "Start one with:" if link.code else ""
    return empty(f"{link.title}{where}", f"{link.says} {again} {start}".strip(), link.code)

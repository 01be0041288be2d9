"""Who looks at the page: their role, and a field for a token of their own."""

from __future__ import annotations

from typing import Any, Final

import panel as pn

from workbench.dashboards.parts import badge, beside, card
from workbench.dashboards.state.viewer import Viewer
from workbench.dashboards.views.live import live_html, text

__all__ = ["for_the_known", "who_card"]

_MAY: Final = {
    "viewer": "may look, and press nothing",
    "trader": "may start, stop and upload strategies, and pull the kill switch",
    "risk": "may do what traders may, and reset kills and breakers",
    "admin": "may do everything",
}


def who_card(viewer: Viewer) -> pn.Column:
    """Folds away, since most people sign in once or never."""
    field = pn.widgets.PasswordInput(
        name="Token of the engine",
        placeholder="wb_…",
        sizing_mode="stretch_width",
        max_length=200,
        margin=(6, 0),
    )
    enter = pn.widgets.Button(name="Sign in", button_type="primary", margin=0)
    leave = pn.widgets.Button(name="Sign out", margin=0)
    words = live_html(_words, viewer.param.person, viewer.param.role, viewer.param.own, viewer.param.trouble)

    async def sign_in(_: Any) -> None:
        token, field.value = field.value or "", ""
        await viewer.sign_in(token)

    async def sign_out(_: Any) -> None:
        await viewer.sign_out()

    enter.on_click(sign_in)
    leave.on_click(sign_out)

    def turn(*_: Any) -> None:
        leave.visible = viewer.own
        field.visible = enter.visible = not viewer.own

    viewer.param.watch(turn, "own")
    turn()
    return card("Who you are", words, field, beside(enter, leave, gap=8))


def for_the_known(viewer: Viewer, content: pn.Column) -> pn.Column:
    """`content` for those whom the engine knows; the others are asked who they are.  Where a token is lent, for all."""
    if viewer.lends:
        return content
    door = who_card(viewer)
    whole = pn.Column(door, sizing_mode="stretch_width", margin=0)

    def turn(*_: Any) -> None:
        wanted = content if viewer.person else door
        if whole.objects != [wanted]:
            whole.objects = [wanted]

    viewer.param.watch(turn, "person")
    return whole


def _words(person: str, role: str, own: bool, trouble: str) -> str:
    parts = []
    if person:
        whose = "" if own else " (the token of whoever started this dashboard)"
        parts.append(
            f"<p><b>{text(person)}</b> {badge(role, 'accent')} "
            f'<span class="soft">{text(_MAY.get(role, ""))}{whose}</span></p>'
        )
    else:
        parts.append(
            '<p class="soft">The engine does not know you: you can press nothing. Sign in with a token.</p>'
        )
    if trouble:
        parts.append(f'<p class="undone" role="alert">{text(trouble)}</p>')
    return "".join(parts)

"""The kill switch, and what resets it: one press asks, a reason and a second press do it."""

from __future__ import annotations

from typing import Any, Final

import panel as pn

from workbench.dashboards.parts import badge, beside, card
from workbench.dashboards.state.kill_switch import KillSwitch, Latch, Release
from workbench.dashboards.views.live import live_html, said, text

__all__ = ["kill_card", "positions_choice", "reason_field"]


def reason_field(asking: Any, placeholder: str) -> pn.widgets.TextInput:
    """A text that follows what is typed, key by key, so that the button beside it can."""
    field = pn.widgets.TextInput(
        name="Reason (kept in the audit log)",
        placeholder=placeholder,
        sizing_mode="stretch_width",
        max_length=900,
    )

    def typed(event: Any) -> None:
        asking.reason = event.new

    def emptied(event: Any) -> None:
        if event.new != field.value_input:
            field.param.update(value=event.new, value_input=event.new)

    field.param.watch(typed, "value_input")
    asking.param.watch(emptied, "reason")
    return field


def positions_choice(asking: Any) -> pn.widgets.RadioButtonGroup:
    """What becomes of positions; a choice of two, since a box to be ticked has no name for those who hear the page."""
    return pn.widgets.RadioButtonGroup.from_param(
        asking.param.flatten,
        options={"Positions stay": False, "Close positions": True},
        name="Positions",
        sizing_mode="stretch_width",
        margin=(6, 0),
    )


def kill_card(state: Any) -> pn.Column:
    """state: a desk with kill_switch, release, latches and lines or by_strategy."""
    switch: KillSwitch = state.kill_switch
    release: Release = state.release
    return card(
        "Kill switch and breakers",
        _in_force(state, release),
        _opener(switch),
        _question(state, switch),
        _release_question(release),
        said(switch),
        said(release),
    )


def _opener(switch: KillSwitch) -> pn.widgets.Button:
    button = pn.widgets.Button(name="Kill…", button_type="danger", margin=(8, 0, 4, 0))

    def turn(*_: Any) -> None:
        button.visible = not switch.asking
        button.disabled = not switch.viewer.allows(switch.ACTION)

    switch.param.watch(turn, "asking")
    switch.viewer.param.watch(turn, "may")
    turn()
    button.on_click(lambda _: switch.open())
    return button


def _question(state: Any, switch: KillSwitch) -> pn.Column:
    scope = pn.widgets.RadioButtonGroup.from_param(
        switch.param.scope,
        options={"All": "all", "Strategy": "strategy", "Venue": "venue"},
        name="What to stop",
        sizing_mode="stretch_width",
        margin=(4, 0),
    )
    target = pn.widgets.Select(name="Which one", options=[], sizing_mode="stretch_width", margin=(4, 0))
    flatten = positions_choice(switch)
    confirm = pn.widgets.Button(name="Kill now", button_type="danger", margin=0)
    cancel = pn.widgets.Button(name="Cancel", margin=0)
    cancel.on_click(lambda _: switch.cancel())

    async def pull(_: Any) -> None:
        await switch.pull()

    confirm.on_click(pull)

    def choose(event: Any) -> None:
        switch.target = event.new or ""

    target.param.watch(choose, "value")

    def turn(*events: Any) -> None:
        names = _names(state, switch.scope)
        kept = switch.target if switch.target in names else ""
        if not kept and names and any(event.name in ("scope", "asking") for event in events):
            kept = names[0]  # to begin with; never later in place of one that has gone
        if target.options != names or (target.value or "") != kept:
            target.param.update(options=names, value=kept or None)
        target.visible = switch.scope != "all"
        if switch.scope != "all":
            switch.target = kept
        confirm.disabled = bool(switch.missing) or switch.busy

    watched = ["scope", "target", "reason", "asking", "busy", "flatten"]
    switch.param.watch(turn, watched)
    switch.viewer.param.watch(turn, "may")
    turn()
    words = live_html(
        lambda *_: f'<p role="status"><b>Sure?</b> {text(switch.consequences)}</p>',
        switch.param.scope,
        switch.param.target,
        switch.param.flatten,
        switch.param.asking,
    )
    missing = live_html(
        lambda *_: f'<p class="soft">{text(switch.missing)}</p>' if switch.missing else "",
        *(switch.param[name] for name in watched),
    )
    return _shown_while(
        switch,
        pn.Column(
            scope,
            target,
            flatten,
            words,
            reason_field(switch, "what is it doing?"),
            beside(confirm, cancel, gap=8),
            missing,
            sizing_mode="stretch_width",
            margin=0,
        ),
    )


def _names(state: Any, scope: str) -> list[str]:
    view = state.reader.view.known
    if view is None or scope == "all":
        return []
    if scope == "venue":
        return [venue.venue for venue in view.risk.venues]
    return [line.strategy_id for line in view.portfolio.strategies]


def _shown_while(asking: Any, part: pn.Column) -> pn.Column:
    """`part` while the question is open, at which the keyboard then is."""
    part.visible = asking.asking

    def turn(*_: Any) -> None:
        part.visible = asking.asking

    asking.param.watch(turn, "asking")
    return part


def _in_force(state: Any, release: Release) -> pn.Column:
    """What holds, and a button for each to reset it, for those who may."""
    words = live_html(_words, state.param.latches)
    buttons = beside(gap=8, visible=False)

    def draw(*_: Any) -> None:
        may = release.viewer.allows
        mine = [latch for latch in state.latches if may(_RESETS[latch.kind])]
        names = [_reset_name(latch) for latch in mine]
        if [button.name for button in buttons.objects] != names:
            buttons.objects = [_reset_button(latch, release) for latch in mine]
        buttons.visible = bool(mine)

    state.param.watch(draw, "latches")
    release.viewer.param.watch(draw, "may")
    draw()
    return pn.Column(words, buttons, sizing_mode="stretch_width", margin=0)


_RESETS: Final = {"kill": "risk.kill_reset", "breaker": "risk.breaker_reset"}


def _words(latches: tuple[Latch, ...]) -> str:
    if not latches:
        return f"<p>{badge('clear', 'good')} Nothing is stopped by a person or a breaker.</p>"
    items = "".join(
        f'<li>{badge("stopped", "bad")}<span class="what">{text(latch.title)}</span>'
        f'<span class="says">{text(latch.says)}</span></li>'
        for latch in latches
    )
    return f'<ul class="list">{items}</ul>'


def _reset_name(latch: Latch) -> str:
    return f"Reset {latch.title[:1].lower()}{latch.title[1:]}…"


def _reset_button(latch: Latch, release: Release) -> pn.widgets.Button:
    button = pn.widgets.Button(name=_reset_name(latch), margin=0)
    button.on_click(lambda _: release.choose(latch))
    return button


def _release_question(release: Release) -> pn.Column:
    confirm = pn.widgets.Button(name="Reset now", button_type="primary", margin=0)
    cancel = pn.widgets.Button(name="Cancel", margin=0)
    cancel.on_click(lambda _: release.cancel())

    async def go(_: Any) -> None:
        await release.release()

    confirm.on_click(go)

    def turn(*_: Any) -> None:
        confirm.disabled = bool(release.missing) or release.busy

    release.param.watch(turn, ["reason", "asking", "busy", "latch"])
    turn()
    words = live_html(
        lambda latch, _: (
            f'<p role="status"><b>Sure?</b> Trading may go on once this is reset: {text(latch.title.lower())}.</p>'
            if latch
            else ""
        ),
        release.param.latch,
        release.param.asking,
    )
    part = pn.Column(
        words,
        reason_field(release, "what was looked into?"),
        beside(confirm, cancel, gap=8),
        sizing_mode="stretch_width",
        margin=0,
    )
    return _shown_while(release, part)

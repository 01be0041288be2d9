"""The form that starts a strategy or swaps one, and takes a new script."""

from __future__ import annotations

from typing import Any

import panel as pn

from workbench.dashboards.parts import beside, card
from workbench.dashboards.state.starting import Starting
from workbench.dashboards.views.live import live_html, said, text

__all__ = ["start_card", "upload_card"]


def start_card(state: Starting) -> pn.Column:
    """Start another strategy, or swap the one that was chosen for it."""
    wide: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (0, 0, 8, 0)}
    script = pn.widgets.Select(name="Script", options=state.choices, value=state.script, **wide)
    name = pn.widgets.TextInput.from_param(
        state.param.strategy_id, name="Id", placeholder="the script's name, if left empty", **wide
    )
    parameters = pn.widgets.TextAreaInput(
        name="Parameters",
        placeholder="lookback=20\nor a JSON object",
        rows=3,
        **wide,
    )
    on_failure = pn.widgets.Select.from_param(
        state.param.on_failure,
        options={"Hold its positions": "hold", "Close its positions": "flatten"},
        name="If it dies",
        **wide,
    )
    start = pn.widgets.Button(name="Start", button_type="primary", margin=0)
    cancel = pn.widgets.Button(name="Not a swap", margin=0)
    cancel.on_click(lambda _: state.clear())

    async def go(_: Any) -> None:
        await state.start()

    start.on_click(go)

    def choose(event: Any) -> None:
        if event.new:
            state.script = event.new

    script.param.watch(choose, "value")
    parameters.param.watch(lambda event: state.param.update(parameters=event.new), "value_input")

    def turn(*_: Any) -> None:
        if script.options != state.choices or script.value != state.script:
            script.param.update(options=state.choices, value=state.script or None)
        if parameters.value_input != state.parameters:
            parameters.param.update(value=state.parameters, value_input=state.parameters)
        start.name = "Swap" if state.swapping else "Start"
        start.disabled = bool(state.missing) or state.busy
        cancel.visible, name.disabled = bool(state.swapping), bool(state.swapping)

    watched = ["choices", "script", "parameters", "swapping", "busy"]
    state.param.watch(turn, watched)
    state.viewer.param.watch(turn, "may")
    turn()
    about = live_html(_about, state.param.swapping)
    missing = live_html(
        lambda *_: f'<p class="soft">{text(state.missing)}</p>' if state.missing else "",
        *(state.param[one] for one in watched),
    )

    def again(*_: Any) -> None:
        state.param.trigger("swapping")  # what is missing depends on the role too

    state.viewer.param.watch(again, "may")
    return card(
        "Start or swap",
        about,
        script,
        name,
        parameters,
        on_failure,
        beside(start, cancel, gap=8),
        missing,
        said(state),
    )


def _about(swapping: str) -> str:
    if not swapping:
        return ""
    return (
        f'<p role="status"><b>Swaps {text(swapping)}.</b> The new process takes over at one price; '
        "if it cannot be loaded, the old one goes on.</p>"
    )


def upload_card(state: Starting) -> pn.Column:
    """A file from the reader's own machine; the engine reads it in a process of its own and never imports it."""
    look: dict[str, Any] = {"multiple": False, "sizing_mode": "stretch_width", "margin": (4, 0)}
    file = pn.widgets.FileInput(accept=".py", name="Strategy script", **look)
    certificate = pn.widgets.FileInput(accept=".json", name="Its certificate, if it has one", **look)
    upload = pn.widgets.Button(name="Upload", margin=(6, 0, 0, 0))

    async def taken(_: Any) -> None:
        await state.upload(
            str(file.filename or "strategy.py"), bytes(file.value), bytes(certificate.value or b"")
        )

    upload.on_click(taken)

    def turn(*_: Any) -> None:
        may = state.viewer.allows("strategy.upload")
        file.disabled = certificate.disabled = not may
        upload.disabled = not may or not file.value or state.busy

    file.param.watch(turn, "value")
    state.param.watch(turn, "busy")
    state.viewer.param.watch(turn, "may")
    turn()
    return card("Upload a script", file, certificate, upload, says="kept under its hash, to be started then")

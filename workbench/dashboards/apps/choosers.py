"""Widgets that the labs share: an axis of a grid, the parameters that stay the same, and the button that runs it."""

from __future__ import annotations

import html
from collections.abc import Awaitable, Callable
from datetime import date
from functools import partial
from typing import Any

import panel as pn

from workbench.dashboards.parts import failure, html_part, progress
from workbench.dashboards.state.work import Working

__all__ = [
    "axis_chooser",
    "day_of",
    "fold",
    "more_parameters",
    "number_input",
    "number_of",
    "run_controls",
]

_WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (0, 0, 10, 0), "description": None}

_GAP = ".gridbox, :host { gap: 8px; }"


def axis_chooser(state: Any, name: str, label: str) -> pn.Column:
    """A parameter, and from where to where in how many values.  name: of the parameter of `state`."""
    chosen = pn.widgets.Select.from_param(state.param[name], name=label, **{**_WIDE, "margin": (8, 0, 4, 0)})
    given = zip(("from", "to", "values"), getattr(state, f"{name}_range"), (False, False, True), strict=True)
    following = False

    def typed(place: int, value: float) -> None:
        if not following:
            now = list(getattr(state, f"{name}_range"))
            now[place] = value
            setattr(state, f"{name}_range", tuple(now))

    parts = [
        number_input(text, value, partial(typed, k), whole=whole, sizing_mode="stretch_width")
        for k, (text, value, whole) in enumerate(given)
    ]

    def follow(event: Any) -> None:
        nonlocal following
        following = True  # what is shown is no word of the user's
        for part, value in zip(parts, event.new, strict=True):
            part.value = _short(value)
        following = False

    state.param.watch(follow, f"{name}_range")
    return pn.Column(
        chosen,
        pn.GridBox(*parts, ncols=3, sizing_mode="stretch_width", margin=0, stylesheets=[_GAP]),
        sizing_mode="stretch_width",
        margin=0,
    )


def number_input(
    label: str, value: float, changed: Callable[[float], object], *, whole: bool = False, **look: Any
) -> pn.widgets.LiteralInput:
    """A field for a number; what is no number (or none that is `whole`) is marked and changes nothing."""
    kinds: Any = int if whole else (int, float)
    field = pn.widgets.LiteralInput(name=label, value=_short(value), type=kinds, **{"margin": 0, **look})

    def typed(event: Any) -> None:
        if event.new is not None:
            changed(event.new)

    field.param.watch(typed, "value")
    return field


def number_of(state: Any, name: str, label: str, **look: Any) -> pn.widgets.LiteralInput:
    """A field for a parameter of `state` that is a number."""
    value = getattr(state, name)
    whole = isinstance(value, int)
    return number_input(label, value, lambda new: setattr(state, name, new), whole=whole, **look)


def day_of(state: Any, name: str, label: str) -> pn.widgets.TextInput:
    """A field for a day of `state`; empty for None.  What is no day is told as the error of `state`."""
    day = getattr(state, name)
    field = pn.widgets.TextInput(
        name=label,
        value=day.isoformat() if day else "",
        placeholder="YYYY-MM-DD",
        width=130,
        margin=(0, 0, 10, 0),
    )

    def typed(event: Any) -> None:
        text = event.new.strip()
        try:
            found = date.fromisoformat(text) if text else None
        except ValueError:
            state.error = f"{label}: expected a day such as 2008-09-15, found {text!r}"
        else:
            state.param.update(error="", **{name: found})

    def follow(event: Any) -> None:
        field.value = event.new.isoformat() if event.new else ""

    field.param.watch(typed, "value")
    state.param.watch(follow, name)
    return field


def _short(value: float) -> float:
    return int(value) if float(value).is_integer() else value


def more_parameters(state: Any) -> pn.Card:
    """The parameters that stay the same, folded away."""

    rows = pn.Column(sizing_mode="stretch_width", margin=(8, 0, 0, 0))

    def made(*_: Any) -> None:
        # Made again only where the names change: a widget that is being typed into must stay.
        if [row.name for row in rows] != list(state.others):
            rows[:] = [_widget(state, name, value) for name, value in state.others.items()]

    made()
    state.param.watch(made, "others")
    return fold("Other parameters", rows)


def fold(title: str, *objects: Any, open_: bool = False) -> pn.Card:
    """Something that is folded away under its title."""
    head = html_part(f'<span class="fold">{html.escape(title)}</span>')
    look = {"sizing_mode": "stretch_width", "margin": (10, 0, 12, 0)}
    return pn.Card(*objects, header=head, collapsed=not open_, **look)


def _widget(state: Any, name: str, value: Any) -> Any:
    look = {"name": name, "value": value, "sizing_mode": "stretch_width", "margin": (0, 0, 6, 0)}
    if isinstance(value, bool):
        widget: Any = pn.widgets.Checkbox(**look)
    elif isinstance(value, int | float):
        return number_input(
            name,
            value,
            lambda new: setattr(state, "others", {**state.others, name: type(value)(new)}),
            whole=isinstance(value, int),
            sizing_mode="stretch_width",
            margin=(0, 0, 6, 0),
        )
    else:
        given = value if isinstance(value, str) else ", ".join(map(str, value))
        widget = pn.widgets.TextInput(**{**look, "value": given})

    def typed(event: Any) -> None:
        new = event.new
        if isinstance(value, list | tuple):
            new = [part.strip() for part in str(new).split(",") if part.strip()]
        if new is not None:
            state.others = {**state.others, name: new}

    widget.param.watch(typed, "value")
    return widget


def run_controls(state: Working, label: str, run: Callable[[], Awaitable[None]]) -> pn.Column:
    """The button, how far the work is, how to stop it, and why it failed."""
    button = pn.widgets.Button(name=label, button_type="primary", sizing_mode="stretch_width", margin=0)
    stop = pn.widgets.Button(name="Stop", visible=False, width=80, margin=(0, 0, 0, 8))

    async def pressed(_: Any) -> None:
        await run()

    def shown(doing: str, share: float, error: str) -> Any:
        if doing:
            return progress(
                "Working" if share >= 0.0 else "Working (the first run of a strategy compiles it)", share
            )
        return failure(error) if error else pn.Spacer(height=0)

    def busy(event: Any) -> None:
        button.disabled = stop.visible = bool(event.new)

    button.on_click(pressed)
    stop.on_click(lambda _: state.stop())
    state.param.watch(busy, "doing")
    told = pn.bind(shown, state.param.doing, state.param.share, state.param.error)
    return pn.Column(
        pn.Row(button, stop, sizing_mode="stretch_width", margin=0),
        pn.Column(told, sizing_mode="stretch_width", margin=(8, 0, 0, 0)),
        sizing_mode="stretch_width",
        margin=0,
    )

"""Buttons of the strategy that is looked at: pause, resume, swap, and stop, which asks."""

from __future__ import annotations

from typing import Any

import panel as pn

from workbench.dashboards.parts import beside
from workbench.dashboards.state.strategy_desk import StrategyDesk
from workbench.dashboards.views.kill_card import positions_choice, reason_field
from workbench.dashboards.views.live import live_html, said, text

__all__ = ["strategy_actions"]


def strategy_actions(state: StrategyDesk) -> pn.Column:
    """What a person may press depends on their role, and on whether the strategy runs."""
    pause, resume = pn.widgets.Button(name="Pause", margin=0), pn.widgets.Button(name="Resume", margin=0)
    swap = pn.widgets.Button(name="Swap…", margin=0)
    stop = pn.widgets.Button(name="Stop…", button_type="danger", margin=0)

    async def do_pause(_: Any) -> None:
        await state.pause()

    async def do_resume(_: Any) -> None:
        await state.resume()

    pause.on_click(do_pause)
    resume.on_click(do_resume)
    swap.on_click(lambda _: state.swap())

    def ask(_: Any) -> None:
        state.param.update(stopping=True, reason="", said="", tone="")

    stop.on_click(ask)

    def turn(*_: Any) -> None:
        may = state.viewer.allows
        pause.visible, resume.visible = not state.paused, state.paused
        pause.disabled = state.busy or not (state.running and may("strategy.pause"))
        resume.disabled = state.busy or not may("strategy.resume")
        swap.disabled = state.busy or state.close_up.status is None or not may("strategy.start")
        stop.disabled = state.busy or not (state.running and may("strategy.stop"))
        swap.name = "Swap…" if state.running else "Start again…"

    state.param.watch(turn, ["lines", "chosen", "busy"])
    state.viewer.param.watch(turn, "may")
    state.close_up.param.watch(turn, "status")
    turn()
    return pn.Column(
        beside(pause, resume, swap, stop, gap=8),
        _question(state),
        said(state),
        sizing_mode="stretch_width",
        margin=0,
    )


def _question(state: StrategyDesk) -> pn.Column:
    flatten = positions_choice(state)
    confirm = pn.widgets.Button(name="Stop now", button_type="danger", margin=0)
    cancel = pn.widgets.Button(name="Cancel", margin=0)

    def leave(_: Any) -> None:
        state.stopping = False

    cancel.on_click(leave)

    async def do_stop(_: Any) -> None:
        await state.stop()

    confirm.on_click(do_stop)
    words = live_html(
        lambda chosen, flatten: (
            f'<p role="status"><b>Stop {text(chosen)}?</b> Its working orders are cancelled, '
            f"{'and its positions are closed' if flatten else 'what it holds stays'}.</p>"
        ),
        state.param.chosen,
        state.param.flatten,
    )
    part = pn.Column(
        words,
        flatten,
        reason_field(state, "why, if you like"),
        beside(confirm, cancel, gap=8),
        sizing_mode="stretch_width",
        margin=0,
        visible=False,
    )

    def turn(*_: Any) -> None:
        part.visible = state.stopping
        confirm.disabled = state.busy

    state.param.watch(turn, ["stopping", "busy"])
    return part

"""The strategies of an engine, one line each: a button to look at it closely, its state in words, and its money."""

from __future__ import annotations

from typing import Any, Final

import panel as pn

from workbench.dashboards.parts import badge, empty
from workbench.dashboards.state.figures import money, signed
from workbench.dashboards.state.strategy_desk import Line, StrategyDesk
from workbench.dashboards.views.live import block, text

__all__ = ["strategy_list"]

_ROW: Final = ":host { border-bottom: 1px solid var(--wb-line); padding: 6px 0; }"
_NAME: Final = """
:host { flex: 0 1 170px; min-width: 140px; }
.bk-btn { text-align: left; overflow: hidden; text-overflow: ellipsis; }
"""
_ABOUT: Final = """
:host { flex: 1 1 300px; min-width: 0; }
.row { display: flex; flex-wrap: wrap; gap: 2px 14px; align-items: baseline; }
.row .pnl .soft { font-weight: 400; }
.row .pnl { margin-left: auto; font-weight: 600; font-variant-numeric: tabular-nums; white-space: nowrap; }
.row .soft { overflow-wrap: anywhere; min-width: 0; }
"""


def strategy_list(state: StrategyDesk) -> pn.Column:
    """Follows `state.lines`; a press sets `state.chosen`."""
    rows: dict[str, _Row] = {}
    whole = pn.Column(sizing_mode="stretch_width", margin=0)

    def draw(*_: Any) -> None:
        lines: tuple[Line, ...] = state.lines
        for line in lines:
            if line.strategy_id not in rows:
                rows[line.strategy_id] = _Row(state, line.strategy_id)
            rows[line.strategy_id].show(line, chosen=line.strategy_id == state.chosen)
        wanted: list[Any] = [rows[line.strategy_id].part for line in lines] or [_nothing()]
        if len(wanted) != len(whole.objects) or any(
            a is not b for a, b in zip(wanted, whole.objects, strict=True)
        ):
            if lines or not whole.objects:
                whole.objects = wanted

    state.param.watch(draw, ["lines", "chosen"])
    draw()
    return whole


def _nothing() -> pn.pane.HTML:
    return empty("No strategy runs yet", "Start one with the form: choose a script, and press Start.")


class _Row:
    def __init__(self, state: StrategyDesk, strategy_id: str) -> None:
        self._button = pn.widgets.Button(
            name=strategy_id, sizing_mode="stretch_width", margin=0, stylesheets=[_NAME], align="center"
        )
        self._about = block(stylesheets=[_ABOUT])
        self.part = pn.FlexBox(
            self._button,
            self._about,
            gap="2px 12px",
            align_items="center",
            margin=0,
            stylesheets=[_ROW],
            sizing_mode="stretch_width",
        )

        def choose(_: Any) -> None:
            state.chosen = strategy_id

        self._button.on_click(choose)

    def show(self, line: Line, *, chosen: bool) -> None:
        kind: Any = "primary" if chosen else "default"
        if self._button.button_type != kind:
            self._button.button_type = kind
        wanted = _about(line)
        if wanted != self._about.object:
            self._about.object = wanted


def _about(line: Line) -> str:
    tone = "good" if line.pnl > 0.0 else "bad" if line.pnl < 0.0 else ""
    why = f'<span class="soft">{text(line.why)}</span>' if line.why else ""
    stopped = badge("stopped", "bad") if line.stopped else ""
    return (
        f'<div class="row">{badge(line.state, line.tone)}{stopped}'  # type: ignore[arg-type]
        f"<span>{text(line.strategy_name)} <span class='soft'>{text(line.version)}</span></span>{why}"
        f'<span class="pnl"><span class="{tone}">{text(signed(line.pnl))}</span> '
        f'<span class="soft">gross {text(money(line.gross, 0))}, {line.fills:,} fills</span></span></div>'
    )

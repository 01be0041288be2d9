"""Positions, orders and fills as tables that follow their state, whole at a time and only while they are looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import pandas as pd
import panel as pn

from workbench.dashboards.parts import table

__all__ = ["LiveTable", "live_table", "switched"]

_RIGHT: Final = frozenset(
    ("quantity", "filled", "price", "fee", "realised", "average", "mark", "notional", "unrealised")
)


class LiveTable:
    """A table that is brought up to date as long as `close` has not been called."""

    def __init__(self, state: Any, name: str, columns: Sequence[str], *, height: int, label: str) -> None:
        shown: pd.DataFrame | None = getattr(state, name)
        self.part = table(
            pd.DataFrame(columns=list(columns), dtype="object") if shown is None else shown,
            height=height,
            layout="fit_data_fill",
            selectable=False,
            text_align={column: "right" for column in columns if column in _RIGHT},
            name=label,
            configuration={
                "columnDefaults": {"headerSort": False, "resizable": False},
                "rowHeight": 30,
                "placeholder": f"No {label.lower()} yet",
            },
        )
        self._state, self._name = state, name
        self._watcher = state.param.watch(self._draw, [name])

    def _draw(self, *_: Any) -> None:
        frame = getattr(self._state, self._name)
        if frame is not None:
            self.part.value = frame

    def close(self) -> None:
        self._state.param.unwatch(self._watcher)


def live_table(state: Any, name: str, columns: Sequence[str], *, height: int = 360, label: str) -> LiveTable:
    """The frame `state.<name>`; `columns` where there is none yet.  label: for those who cannot see it."""
    return LiveTable(state, name, columns, height=height, label=label)


def switched(tables: Mapping[str, Callable[[], LiveTable]]) -> pn.Column:
    """One of several tables, made when it is chosen and let go of with the next."""
    chooser = pn.widgets.RadioButtonGroup(options=list(tables), margin=(0, 0, 8, 0))
    shown = tables[chooser.value]()
    place = pn.Column(shown.part, sizing_mode="stretch_width", margin=0)

    def turn(event: Any) -> None:
        nonlocal shown
        shown.close()
        shown = tables[event.new]()
        place.objects = [shown.part]

    chooser.param.watch(turn, "value")
    return pn.Column(chooser, place, sizing_mode="stretch_width", margin=0)

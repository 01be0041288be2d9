"""Positions, orders and fills as tables that follow their state, whole at a time and only while they are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pandas as pd
import panel as pn

from workbench.dashboards.parts import table

__all__ = ["live_table"]

_RIGHT: Final = frozenset(
    ("quantity", "filled", "price", "fee", "realised", "average", "mark", "notional", "unrealised")
)


def live_table(
    state: Any, name: str, columns: Sequence[str], *, height: int = 360, label: str
) -> pn.widgets.Tabulator:
    """The frame `state.<name>`; `columns` where there is none yet.  label: for those who cannot see it."""
    shown: pd.DataFrame | None = getattr(state, name)
    part = table(
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

    def draw(*_: Any) -> None:
        frame = getattr(state, name)
        if frame is not None:
            part.value = frame

    state.param.watch(draw, [name])
    return part

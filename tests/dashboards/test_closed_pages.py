"""A page that was closed is let go of, with all that was computed for it."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from workbench.dashboards.apps import chaos, research
from workbench.dashboards.apps.figures import Figure
from workbench.dashboards.state.chaos import ChaosState
from workbench.dashboards.state.research import ResearchState


def _seen(kind: type[Any], draw: str) -> weakref.ref[Any]:
    """A state that was run and its plane made; nobody of ours holds it any more."""
    state = kind()
    asyncio.run(state.run())
    lab = (research if kind is ResearchState else chaos)._Lab(state)
    shown = lab.plane.view(state, [draw], cell="cell" if kind is ResearchState else "place")()
    assert shown.object is not None
    return weakref.ref(state)


@pytest.mark.parametrize(("kind", "draw"), [(ResearchState, "metric"), (ChaosState, "measure")])
def test_nothing_holds_a_lab_that_nobody_looks_at(kind: type[Any], draw: str) -> None:
    state = _seen(kind, draw)
    gc.collect()
    assert state() is None


def test_the_check_sees_a_lab_that_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    held = []

    def keep(_: Any, make: Callable[[], Any]) -> Figure:
        held.append(make)
        return Figure(make())

    monkeypatch.setattr("workbench.dashboards.apps.research.figure_of", keep)
    state = _seen(ResearchState, "metric")
    gc.collect()
    assert state() is not None

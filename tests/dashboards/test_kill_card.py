"""The question before a kill: what it is about stays what was chosen, whatever comes and goes meanwhile."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import panel as pn
import pytest

from workbench.dashboards.state.desk_view import NOTHING
from workbench.dashboards.state.strategy_desk import StrategyDesk
from workbench.dashboards.state.viewer import Viewer
from workbench.dashboards.views.kill_card import kill_card


def of_strategies(*names: str) -> Any:
    lines = [SimpleNamespace(strategy_id=name) for name in names]
    return SimpleNamespace(known=SimpleNamespace(portfolio=SimpleNamespace(strategies=lines)))


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # Panel's, of its own buttons
def test_the_chosen_strategy_stays_chosen_when_others_come_and_go() -> None:
    reader: Any = SimpleNamespace(view=NOTHING)
    desk = StrategyDesk(reader, Viewer())
    card = kill_card(desk)
    (target,) = card.select(pn.widgets.Select)
    reader.view = of_strategies("a", "b")
    desk.kill_switch.open()
    desk.kill_switch.scope = "strategy"
    target.value = "b"
    reader.view = of_strategies("0", "a", "b")  # another one has started
    desk.kill_switch.reason = "odd fills"
    assert (desk.kill_switch.target, target.value, target.options) == ("b", "b", ["0", "a", "b"])
    reader.view = of_strategies("0", "a")
    desk.kill_switch.reason = "odd fills again"
    assert (desk.kill_switch.target, target.value) == ("", None)  # nobody is taken in its place
    assert desk.kill_switch.missing

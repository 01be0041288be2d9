"""The strategy desk: what runs, one strategy looked at closely, and what may be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import panel as pn

from workbench.dashboards.parts import card, columns, stacked
from workbench.dashboards.state.reader import reader_of
from workbench.dashboards.state.strategy_desk import StrategyDesk
from workbench.dashboards.state.viewer import Viewer
from workbench.dashboards.views import certificate_parts, strategy_parts
from workbench.dashboards.views.banner import banner, body
from workbench.dashboards.views.desk import follow_desk
from workbench.dashboards.views.kill_card import kill_card
from workbench.dashboards.views.live import live_html, text
from workbench.dashboards.views.start_card import start_card, upload_card
from workbench.dashboards.views.strategy_actions import strategy_actions
from workbench.dashboards.views.strategy_list import strategy_list
from workbench.dashboards.views.who import for_the_known, who_card

if TYPE_CHECKING:
    from panel.viewable import Viewable

    from workbench.dashboards.apps import Session

__all__ = ["view"]


def view(session: Session) -> Viewable:
    """The desk for one page."""
    viewer = Viewer(session.engine, lend=session.lends)
    state = StrategyDesk(reader_of(session.engine), viewer)
    follow_desk(state, viewer)
    desk = pn.Column(
        banner(state), body(state, _content(state, viewer)), sizing_mode="stretch_width", margin=0
    )
    return for_the_known(viewer, desk)


def _content(state: StrategyDesk, viewer: Viewer) -> pn.FlexBox:
    side = stacked(
        start_card(state.starting),
        upload_card(state.starting),
        kill_card(state),
        who_card(viewer),
    )
    main = stacked(
        card("Strategies", strategy_list(state)),
        _close_up(state),
    )
    return columns(side, main, width=330)


def _close_up(state: StrategyDesk) -> pn.Column:
    """Everything about the chosen strategy; nothing while there is none."""
    seen, closely = state.close_up, state.close_up.param
    title = live_html(lambda chosen: f'<div class="head"><h2>{text(chosen)}</h2></div>', state.param.chosen)
    about = card("", title, strategy_actions(state), live_html(strategy_parts.close_up, closely.status))
    scores = live_html(
        certificate_parts.scorecard, closely.certificate, closely.certificate_known, state.param.lax
    )
    part = stacked(
        about,
        card("Certificate", live_html(certificate_parts.trial_lines, closely.trial, closely.status), scores),
        card(
            "Log",
            live_html(strategy_parts.log_lines, closely.logs, closely.logs_trouble),
            says="newest first",
        ),
        card("History", live_html(certificate_parts.history_lines, closely.history), says="who did what"),
    )
    part.visible = bool(seen.strategy_id)

    def turn(*_: object) -> None:
        part.visible = bool(seen.strategy_id)

    seen.param.watch(turn, "strategy_id")
    return part

"""The risk desk: equity, limits, what is stopped, and what trades now."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import panel as pn

from workbench.dashboards.parts import card, columns, stacked
from workbench.dashboards.state.live_tables import FILLS, ORDERS, POSITIONS
from workbench.dashboards.state.reader import reader_of
from workbench.dashboards.state.risk_desk import RiskDesk
from workbench.dashboards.state.viewer import Viewer
from workbench.dashboards.views import risk_parts
from workbench.dashboards.views.banner import banner, body
from workbench.dashboards.views.desk import follow_desk
from workbench.dashboards.views.equity_chart import equity_chart
from workbench.dashboards.views.kill_card import kill_card
from workbench.dashboards.views.live import live_html
from workbench.dashboards.views.live_table import live_table, switched
from workbench.dashboards.views.who import for_the_known, who_card

if TYPE_CHECKING:
    from panel.viewable import Viewable

    from workbench.dashboards.apps import Session

__all__ = ["view"]


def view(session: Session) -> Viewable:
    """The desk for one page."""
    viewer = Viewer(session.engine, lend=session.lends)
    state = RiskDesk(reader_of(session.engine), viewer)
    follow_desk(state, viewer)
    desk = pn.Column(
        banner(state), body(state, _content(state, viewer)), sizing_mode="stretch_width", margin=0
    )
    return for_the_known(viewer, desk)


def _content(state: RiskDesk, viewer: Viewer) -> pn.Column:
    known = state.param
    money = card("", live_html(risk_parts.figures, known.figures))
    by_strategy = live_html(
        partial(risk_parts.gains, nothing="No strategy has traded yet."), known.by_strategy
    )
    by_symbol = live_html(partial(risk_parts.gains, nothing="Nothing is held."), known.by_symbol)
    side = stacked(
        kill_card(state),
        card("Alerts", live_html(risk_parts.notice_list, known.notices)),
        card("Venues", live_html(risk_parts.venue_list, known.venues)),
        card("P&L by strategy", by_strategy),
        card("P&L by symbol", by_symbol),
    )
    main = stacked(
        card("Equity and drawdown", equity_chart(state), says="drawdown below, in per cent of the peak"),
        card(
            "Limits",
            live_html(risk_parts.bars, known.bars),
            says="working orders included; the fullest first",
        ),
        _tables(state),
        card("Correlation", live_html(risk_parts.matrix, known.correlations)),
        who_card(viewer),
    )
    return stacked(money, columns(side, main, width=330))


def _tables(state: RiskDesk) -> pn.Column:
    """One of them at a time is drawn: what nobody sees costs the browser nothing."""
    tables = {
        "Positions": partial(live_table, state, "positions", POSITIONS, label="Positions"),
        "Orders": partial(live_table, state, "orders", ORDERS, label="Orders"),
        "Fills": partial(live_table, state, "fills", FILLS, label="Fills"),
    }
    return card("Book", switched(tables), says="orders and fills: the newest 200")

"""The reports browser: a thin view of `ReportsState`."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Final

import panel as pn

from workbench.dashboards.parts import badge, card, columns, empty, failure, html_part, words
from workbench.dashboards.state.reports import ReportsState, started_text
from workbench.reporting.library import DONE, Run

if TYPE_CHECKING:
    from panel.viewable import Viewable

    from workbench.dashboards.apps import Session

__all__ = ["FILES", "view"]

FILES: Final = "report-files"
"""Where the server answers with files of runs, below its own root."""

_LOOK_MS: Final = 5_000
_FRAME: Final = """
iframe { width: 100%; height: max(480px, calc(100vh - 250px)); border: 1px solid var(--wb-line); border-radius: 8px;
  background: #ffffff; display: block; }
.facts { display: flex; flex-wrap: wrap; gap: 2px 18px; margin: 2px 0 10px; color: var(--wb-soft); }
.facts a { font-weight: 550; }
"""


def view(session: Session) -> Viewable:
    """The browser for one page."""
    browser = _Browser(ReportsState(session.folder))
    if pn.state.curdoc is not None:
        pn.state.add_periodic_callback(browser.state.refresh, period=_LOOK_MS)
    shown: Viewable = browser.view()
    return shown


class _Browser:
    def __init__(self, state: ReportsState) -> None:
        self.state = state

    def view(self) -> Any:
        state = self.state
        names = {"sizing_mode": "stretch_width", "margin": (0, 0, 10, 0), "description": None}
        side = card(
            "Runs",
            pn.widgets.Select.from_param(state.param.report, name="Report", **names),
            pn.bind(self._list, state.param.runs, state.param.report),
        )
        main = pn.Column(
            pn.bind(self._shown, state.param.runs, state.param.report, state.param.chosen, state.param.error),
            sizing_mode="stretch_width",
            margin=0,
        )
        return columns(side, main)

    def _list(self, *_: Any) -> Any:
        state = self.state
        listed = state.listed
        if not listed:
            return html_part('<p class="soft">No run is kept yet.</p>')
        shown = state.shown
        chooser = pn.widgets.Select(
            name="Newest first, UTC",
            options={state.label(run): run.id for run in listed},
            value=shown.id if shown else None,
            size=min(max(len(listed), 2), 16),
            sizing_mode="stretch_width",
            margin=0,
        )
        chooser.param.watch(lambda event: setattr(state, "chosen", event.new), "value")
        return chooser

    def _shown(self, *_: Any) -> Any:
        state = self.state
        if state.error:
            return failure(state.error, "The reports cannot be read")
        run = state.shown
        if run is None:
            return card(
                "Reports",
                empty(
                    "No report has run yet",
                    "Run one by hand, or have the schedule of config/reports.yaml run them; they appear here.",
                    "workbench report run strategy_tearsheet",
                ),
            )
        return _run_card(run)


def _run_card(run: Run) -> Any:
    done = run.outcome == DONE
    place = f"{FILES}/{escape(run.place)}"
    links = [f'<a href="{place}/executed.ipynb" download>Notebook</a>']
    if run.pdf:
        links.insert(0, f'<a href="{place}/report.pdf" target="_blank" rel="noopener">PDF</a>')
    if done:
        links.insert(0, f'<a href="{place}/report.html" target="_blank" rel="noopener">Open by itself</a>')
    facts = [f"started {started_text(run)} UTC", f"took {run.seconds:,.0f} s"]
    facts += [f"{key} = {value}" for key, value in run.parameters.items()]
    line = "".join(f"<span>{escape(fact)}</span>" for fact in facts) + "".join(links)
    parts: list[Any] = [html_part(f'<div class="facts">{line}</div>', stylesheets=[_FRAME])]
    parts += [
        failure(f"Not delivered to {one.name}: {one.error}", "Delivery")
        for one in run.deliveries
        if one.error
    ]
    if done:
        # Apart from this page: what a notebook has written may run in its frame, and reach nothing outside of it.
        frame = (
            f'<iframe src="{place}/report.html" title="{escape(words(run.name))}" '
            'sandbox="allow-scripts allow-popups allow-downloads"></iframe>'
        )
        parts.append(html_part(frame, stylesheets=[_FRAME]))
    else:
        where = f"Failed at cell {run.cell}" if run.cell else "Failed"
        parts.append(failure(run.error, where))
    return card(words(run.name), *parts, badges=badge("done", "good") if done else badge("failed", "bad"))

"""`Handle`: a strategy that was promoted, as one holds it in a notebook."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from workbench.cells import Html, bar, cell, figures, table
from workbench.client import EngineClient
from workbench.client.answers import CertificateView, PromoteResponse, StrategyStatus, TrialView
from workbench.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import RenderableType

    from workbench.client.answers import LogLine

__all__ = ["Handle"]

_LINES = 5  # of its history that are shown


class Handle:
    """A strategy at an engine.  engine: the client.  strategy_id: what it is called there.

    Each method asks the engine, and raises RequestError where it does not answer.
    """

    def __init__(self, engine: EngineClient, strategy_id: str) -> None:
        self.engine, self.strategy_id = engine, strategy_id

    def status(self) -> StrategyStatus:
        """Everything about it: state, version, capital, share of it on trial, P&L, orders, errors."""
        return self.engine.strategy(self.strategy_id)

    def positions(self) -> pd.DataFrame:
        """What it holds, a row for each instrument."""
        return self.engine.positions(strategy_id=self.strategy_id)

    def pnl(self) -> pd.DataFrame:
        """Its P&L after fees, realised and not: one row."""
        book = self.engine.pnl()
        return book.loc[book.index == self.strategy_id]

    def logs(self, limit: int = 50) -> list[LogLine]:
        """What it logged or printed, newest last."""
        return self.engine.logs(self.strategy_id)[-limit:]

    def history(self, limit: int = 200) -> pd.DataFrame:
        """Who promoted, demoted, started or stopped it, or changed limits, and why."""
        return self.engine.history(self.strategy_id, limit=limit)

    def trial(self) -> TrialView | None:
        """How its canary stands; None where it had none."""
        return self.engine.trial(self.strategy_id)

    def certificate(self) -> CertificateView:
        """What it runs under."""
        return self.engine.certificate(self.strategy_id)

    def demote(self, reason: str) -> PromoteResponse:
        """Take it back while it is on trial: the version before takes over, or nothing runs."""
        return self.engine.demote(self.strategy_id, reason)

    def stop(self, *, flatten: bool = False, reason: str = "stopped by its handle") -> StrategyStatus:
        """Stop it: its orders are cancelled, what it holds stays, or is closed (flatten)."""
        self.engine.stop(self.strategy_id, flatten=flatten, reason=reason)
        return self.status()

    # -- how it shows -------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        try:
            status, trial = self.status(), self.trial()
        except RequestError as error:
            return f"{self.strategy_id} at {self.engine.address.url}: {error}"
        return f"{_headline(status)}\n{_about(status)}\n{_trial_words(trial)}"

    def __rich__(self) -> RenderableType:
        from rich.table import Table
        from rich.text import Text

        try:
            status, trial = self.status(), self.trial()
        except RequestError as error:
            return Text(f"{self.strategy_id} at {self.engine.address.url}: {error}", style="red")
        shown = Table(title=_headline(status), title_justify="left", show_header=False)
        for name, value in (*_figures(status), ("trial", _trial_words(trial))):
            shown.add_row(name, value)
        return shown

    def _repr_html_(self) -> str:
        try:
            status, trial, history = self.status(), self.trial(), self.history(_LINES)
        except RequestError as error:
            return cell(self.strategy_id, f"{self.engine.address.url}: {error}")
        parts = [figures(_figures(status))]
        if trial is not None and trial.state == "growing":
            parts.append(bar(trial.share))
        shown = history.reset_index()[["time", "action", "person", "outcome", "reason"]].astype(str)
        rows = [tuple(str(value)[:120] for value in row) for row in shown.to_numpy().tolist()]
        parts.append(table(("time", "what", "who", "outcome", "why"), rows))
        return cell(_headline(status), _trial_words(trial), *(Html(part) for part in parts))


def _headline(status: StrategyStatus) -> str:
    why = f" ({status.reason})" if status.reason and status.state != "running" else ""
    return f"{status.strategy_id}: {status.strategy_name} {status.version} is {status.state}{why}"


def _figures(status: StrategyStatus) -> list[tuple[str, str]]:
    return [
        ("P&L", f"{status.pnl:+,.2f}"),
        ("capital", f"{status.capital:,.0f}"),
        ("share of capital and limits", f"{status.capital_share:.0%}"),
        ("gross exposure", f"{status.gross_exposure:,.0f}"),
        ("drawdown", f"{status.drawdown:.2%}"),
        ("fills", f"{status.fills:,}"),
        ("certificate", status.certificate[:12] or "none"),
    ]


def _about(status: StrategyStatus) -> str:
    return ", ".join(f"{name} {value}" for name, value in _figures(status))


def _trial_words(trial: TrialView | None) -> str:
    if trial is None:
        return "on no trial"
    if trial.state != "growing":
        return f"its trial has {trial.state}"
    since = f"{datetime.fromtimestamp(trial.since_ns / 1e9, UTC):%Y-%m-%d %H:%M:%S} UTC"
    return (
        f"on trial: step {trial.step + 1} of {len(trial.steps)} ({trial.share:.0%}) since {since}, "
        f"{trial.fills:,} of {trial.min_fills:,} fills, {trial.minutes:g} minutes at the least"
    )

"""The engine at one moment, as a notebook cell shows it."""

from __future__ import annotations

from html import escape
from math import isfinite, nan
from typing import TYPE_CHECKING, Final

import msgspec

from workbench.cells import AMBER, GREEN, QUIET, RED, Html, bar, cell, figure, figures, ink, table
from workbench.client.answers import Health, Portfolio, RiskStatus
from workbench.errors import RequestError

if TYPE_CHECKING:
    import pandas as pd

    from workbench.client.synchronous import EngineClient

__all__ = ["EngineView", "client_html"]

_COLOURS: Final = {"ok": GREEN, "warning": AMBER, "degraded": AMBER, "halted": RED, "down": RED}
_MOST: Final = 8  # limits that are shown, those that are used most


class EngineView(msgspec.Struct, frozen=True):
    """url: of the engine.  The rest: what it answered, one after another."""

    url: str
    health: Health
    portfolio: Portfolio
    risk: RiskStatus
    strategies: pd.DataFrame
    positions: pd.DataFrame

    @classmethod
    def of(cls, engine: EngineClient) -> EngineView:
        """Ask it.  Raises RequestError where it does not answer."""
        return cls(
            engine.address.url,
            engine.health(),
            engine.portfolio(),
            engine.risk(),
            engine.strategies(),
            engine.positions(),
        )

    def __repr__(self) -> str:
        return (
            f"engine at {self.url}: {self.health.status}, risk {self.risk.status}, equity "
            f"{self.portfolio.equity:,.2f}, P&L {self.portfolio.total_pnl:+,.2f}, {len(self.strategies)} strategies, "
            f"{len(self.positions)} positions"
        )

    def _repr_html_(self) -> str:
        book = self.portfolio
        money = figures(
            [
                ("equity", f"{book.equity:,.2f}"),
                ("P&L", f"{book.total_pnl:+,.2f}"),
                ("P&L today", f"{book.day_pnl:+,.2f}"),
                ("drawdown", f"{book.drawdown:.2%}"),
                ("gross exposure", f"{book.gross_exposure:,.0f}"),
                ("net exposure", f"{book.net_exposure:,.0f}"),
                ("value at risk", figure(round(book.value_at_risk) if isfinite(book.value_at_risk) else nan)),
                ("orders accepted", f"{self.risk.orders_accepted:,}"),
                ("orders refused", f"{self.risk.orders_refused:,}"),
            ]
        )
        about = f"risk {self.risk.status} · strategies kept apart by {self.health.isolation} · up {_span(self.health)}"
        title = f"Engine {self.health.status} at {self.url}"
        return cell(title, about, *self._troubles(), money, self._running(), self._held(), self._used())

    def _troubles(self) -> list[Html]:
        lines = [(part, why) for part, why in self.health.problems.items()]
        lines += [
            (f"kill of {kill.target or kill.scope}", f"{kill.person}: {kill.reason}")
            for kill in self.risk.kills
        ]
        lines += [("breaker", reason) for reason in self.risk.halted]
        return [Html(f'<div style="{ink(RED)}">{escape(part)}: {escape(why)}</div>') for part, why in lines]

    def _running(self) -> Html:
        if not len(self.strategies):
            return Html(f'<div style="{QUIET};margin-top:6px">no strategy runs</div>')
        rows = [
            (
                row["strategy_id"],
                row["strategy_name"],
                row["version"],
                _state(row["state"], row["halted_by"]),
                _signed(row["pnl"]),
                f"{row['fills']:,}",
            )
            for row in self.strategies.reset_index().to_dict("records")
        ]
        return table(("strategy", "class", "version", "state", "P&L", "fills"), rows, "ttttnn")

    def _held(self) -> Html:
        if not len(self.positions):
            return Html("")
        rows = [
            (
                row["strategy_id"],
                f"{row['symbol']}@{row['venue']}",
                f"{row['quantity']:+,.6g}",
                f"{row['mark']:,.6g}",
                f"{row['notional']:,.0f}",
                _signed(row["unrealised_pnl"]),
            )
            for row in self.positions.reset_index().to_dict("records")
        ]
        return table(("strategy", "position", "units", "mark", "notional", "unrealised"), rows, "ttnnnn")

    def _used(self) -> Html:
        uses = sorted((use for use in self.risk.uses if use.use > 0.0), key=lambda use: -use.use)[:_MOST]
        if not uses:
            return Html("")
        rows = [
            (use.limit_type.replace("_", " "), *_used(use.value, use.limit), bar(use.use)) for use in uses
        ]
        return table(("limit", "used", "of", ""), rows, "tnnt")


def _used(value: float, limit: float) -> tuple[str, str]:
    """What is used, and of what: a limit of at most 1 is a share."""
    return (f"{value:.2%}", f"{limit:.0%}") if limit <= 1.0 else (f"{value:,.0f}", f"{limit:,.0f}")


def client_html(engine: EngineClient) -> str:
    """The view of an engine that answers, else one line that says why there is none."""
    try:
        return EngineView.of(engine)._repr_html_()
    except RequestError as error:
        return cell(repr(engine), str(error))


def _span(health: Health) -> str:
    minutes = health.uptime_seconds / 60.0
    return (
        f"{health.uptime_seconds:.0f} s"
        if minutes < 2
        else f"{minutes:.0f} min"
        if minutes < 120
        else f"{minutes / 60:.1f} h"
    )


def _state(state: str, halted_by: str) -> Html:
    colour = RED if halted_by or state == "failed" else GREEN if state == "running" else AMBER
    said = f"{state}, stopped by {halted_by}" if halted_by else state
    return Html(f'<span style="{ink(colour)}">{escape(said)}</span>')


def _signed(amount: float) -> Html:
    colour = GREEN if amount > 0.0 else RED if amount < 0.0 else "inherit"
    return Html(f'<span style="{ink(colour)}">{amount:+,.2f}</span>')

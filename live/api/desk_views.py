"""Every limit that is on with what is used of it, and correlations: pure functions, as those of `views`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from live.api import views
from live.api.desk_answers import Correlations, Exposures, Identity, LimitLine
from live.api.roles import NEEDS, Caller
from live.engine import Engine
from workbench.core.desk import TradingDesk
from workbench.core.monitors import MIN_SAMPLES
from workbench.core.state import SECOND_NS

__all__ = ["correlations", "exposures", "identity"]

_WITHOUT_ORDERS: Final = ("total_portfolio", "max_portfolio_value", "net_portfolio")
_SHARES: Final = ("max_drawdown", "portfolio_loss_pct")

type Figures = npt.NDArray[np.float64]
type Line = tuple[str, str, str, str, float, float]


def identity(caller: Caller) -> Identity:
    """Who asks, and what the role allows."""
    may = tuple(sorted(action for action, needed in NEEDS.items() if caller.role >= needed))
    return Identity(caller.person, caller.role.name.lower(), may)


def exposures(engine: Engine) -> Exposures:
    """Every limit that is on: of the portfolio first, then of strategies, symbols, instruments and venues."""
    desk = engine.machine.desk
    sheet = _Sheet(desk)
    found = [*_portfolio(engine, sheet), *_strategies(sheet), *_symbols(desk), *_places(sheet)]
    lines = tuple(
        LimitLine(*line, line[4] / line[5] if line[5] > 0.0 else math.inf if line[4] > 0.0 else 0.0)
        for line in found
        if line[5] < math.inf
    )
    return Exposures(int(desk.book.now_ns), desk.limits.monitors.warn_at, lines)


class _Sheet:
    """A desk's ledger.  gross; long, short: held once all buys, or sells, fill: [strategy, instrument]."""

    def __init__(self, desk: TradingDesk) -> None:
        self.desk = desk
        shape = len(desk.strategies), len(desk.instruments)
        cells: npt.NDArray[Any] = np.asarray(desk.view.positions)[: shape[0] * shape[1]].reshape(shape)
        market: npt.NDArray[Any] = np.asarray(desk.view.instruments)
        mark = np.where(np.isfinite(market["mark"]), market["mark"], 0.0) * market["multiplier"]
        self.gross: Figures = cells["exposure"]
        self.long: Figures = (cells["quantity"] + cells["working_buy"]) * mark
        self.short: Figures = (cells["working_sell"] - cells["quantity"]) * mark

    def net(self) -> Figures:
        """Of each strategy: the larger of what it is long and short once its orders on that side fill."""
        worst: Figures = np.maximum(np.maximum(self.long.sum(axis=1), self.short.sum(axis=1)), 0.0)
        return worst


def _portfolio(engine: Engine, sheet: _Sheet) -> Iterator[Line]:
    desk = sheet.desk
    limits = desk.limits
    gross = float(sheet.gross.sum())
    yield ("portfolio", "", "total_portfolio", "money", gross, limits.notional_limits.total_portfolio)
    yield ("portfolio", "", "max_portfolio_value", "money", gross, limits.global_limits.max_portfolio_value)
    net = max(float(sheet.long.sum()), float(sheet.short.sum()), 0.0)
    yield ("portfolio", "", "net_portfolio", "money", net, limits.notional_limits.net_portfolio)
    if limits.buying_power.mode == "margin":
        most = limits.buying_power.max_leverage * max(0.0, float(desk.book.equity))
        yield ("portfolio", "", "max_leverage", "money", gross, most)
    for use in views.limit_uses(engine):
        if use.limit_type not in _WITHOUT_ORDERS:
            unit = "share" if use.limit_type in _SHARES else "orders"
            unit = unit if unit == "share" or use.limit_type == "order_queue" else "money"
            yield ("portfolio", "", use.limit_type, unit, use.value, use.limit)
    if limits.concentration_limits.max_symbol_share < 1.0 and gross > limits.concentration_limits.min_gross:
        for symbol, part in _by(desk.symbols, [i.symbol for i in desk.instruments], sheet.gross):
            share = part / gross
            most = limits.concentration_limits.max_symbol_share
            yield ("symbol", symbol, "max_symbol_share", "share", share, most)


def _strategies(sheet: _Sheet) -> Iterator[Line]:
    desk = sheet.desk
    limits = desk.limits
    net = sheet.net()
    for s, name in enumerate(desk.strategies):
        row = desk.view.strategies[s]
        capital, pnl = float(row.capital), float(row.pnl)
        lost = max(0.0, float(row.base_pnl) - pnl)
        largest = float(sheet.gross[s].max(initial=0.0))
        lines = (
            ("per_strategy", "money", float(sheet.gross[s].sum()), limits.notional_limits.per_strategy),
            ("net_per_strategy", "money", float(net[s]), limits.notional_limits.net_per_strategy),
            ("max_position_notional", "money", largest, limits.per_strategy.max_position_notional),
            ("max_daily_trades", "orders", float(row.orders_today), limits.per_strategy.max_daily_trades),
            ("stop_loss_pct", "money", lost, limits.per_strategy.stop_loss_pct * capital),
            ("single_strategy_loss", "money", lost, -limits.circuit_breakers.single_strategy_loss),
            ("strategy_drawdown", "share", float(row.drawdown), -limits.drawdown_limits.strategy_drawdown),
        )
        for kind, unit, value, most in lines:
            yield ("strategy", name, kind, unit, value, most)


def _symbols(desk: TradingDesk) -> Iterator[Line]:
    """Units over all venues and strategies, working orders on that side included."""
    for y, name in enumerate(desk.symbols):
        row = desk.view.symbols[y]
        held = float(row.quantity)
        yield (
            "symbol",
            name,
            "max_long",
            "units",
            max(0.0, held + float(row.working_buy)),
            float(row.max_long),
        )
        sold = max(0.0, float(row.working_sell) - held)
        yield ("symbol", name, "max_short", "units", sold, float(row.max_short))


def _places(sheet: _Sheet) -> Iterator[Line]:
    desk, limits = sheet.desk, sheet.desk.limits.notional_limits
    for k, instrument in enumerate(desk.instruments):
        gross = float(sheet.gross[:, k].sum())
        yield ("instrument", instrument.name, "per_instrument", "money", gross, limits.per_instrument)
    for venue, gross in _by(desk.venues, [i.venue for i in desk.instruments], sheet.gross):
        yield ("venue", venue, "per_venue", "money", gross, limits.per_venue)


def _by(names: tuple[str, ...] | list[str], owners: list[str], gross: Figures) -> Iterator[tuple[str, float]]:
    for name in names:
        mine = [k for k, owner in enumerate(owners) if owner == name]
        yield name, float(gross[:, mine].sum())


def correlations(engine: Engine) -> Correlations:
    """Of what the monitors keep."""
    desk = engine.machine.desk
    samples = int(desk.book.sample)
    results, returns = np.asarray(desk.view.results), np.asarray(desk.view.returns)
    count = min(samples, len(returns))
    enough = count >= MIN_SAMPLES
    return Correlations(
        samples,
        MIN_SAMPLES,
        float(desk.view.limits[0].interval_ns) / SECOND_NS,
        tuple(desk.strategies),
        _matrix(results[:count, : len(desk.strategies)]) if enough else (),
        tuple(instrument.name for instrument in desk.instruments),
        _matrix(returns[:count, : len(desk.instruments)]) if enough else (),
    )


def _matrix(samples: Figures) -> tuple[tuple[float, ...], ...]:
    """Correlations between columns; 0 with a column that does not move, 1 with itself."""
    apart = samples - samples.mean(axis=0)
    size = np.sqrt((apart * apart).sum(axis=0))
    scale = np.outer(size, size)
    both = apart.T @ apart
    found = np.divide(both, scale, out=np.zeros_like(both), where=scale > 0.0).clip(-1.0, 1.0)
    np.fill_diagonal(found, 1.0)
    return tuple(tuple(float(value) for value in row) for row in found)

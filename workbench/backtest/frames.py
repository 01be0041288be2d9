"""Signals, breaches, alerts, notices, errors and positions of a run as DataFrames.

Times are datetime64[ns, UTC], money is quote currency, quantities are units.  strategy_id, symbol, venue: "" where a
row belongs to none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from workbench.backtest.recorder import Recorder
from workbench.backtest.tables import WHO, Kinds, facts_table, table
from workbench.core.codes import AlertSeverity, label
from workbench.core.desk import TradingDesk
from workbench.core.facts import BreakerReset, BreakerTripped
from workbench.core.messages import RiskAlert
from workbench.core.terms import as_number

__all__ = [
    "alerts_frame",
    "breaches_frame",
    "errors_frame",
    "notices_frame",
    "positions_frame",
    "signals_frame",
]

_SIGNALS: Final[Kinds] = {
    "timestamp": "time",
    "strategy_id": "text",
    "symbol": "text",
    "signal_strength": "float",
    "confidence": "float",
    "metadata": "object",
}


def signals_frame(recorder: Recorder) -> pd.DataFrame:
    """Every signal as the desk got it, chaos included; what is no number reads NaN."""
    rows = []
    for sent in recorder.signals:
        signal: Any = sent.signal  # untrusted, whatever its annotations promise
        strength, confidence = as_number(signal.signal_strength), as_number(signal.confidence)
        rows.append(
            (
                sent.timestamp_ns,
                sent.strategy_id,
                signal.symbol if isinstance(signal.symbol, str) else type(signal.symbol).__name__,
                np.nan if strength is None else strength,
                np.nan if confidence is None else confidence,
                signal.metadata,
            )
        )
    return table(_SIGNALS, rows)


_BREACHES: Final[Kinds] = {
    "timestamp": "time",
    "breach_type": "text",
    **WHO,
    "value": "float",
    "limit": "float",
    "message": "text",
}


def breaches_frame(recorder: Recorder) -> pd.DataFrame:
    """Every rule that a strategy ran into: breach_type, and value against limit in the unit of the rule."""
    return facts_table(_BREACHES, recorder.breaches)


_ALERTS: Final[Kinds] = {
    "timestamp": "time",
    "kind": "text",
    "name": "text",
    "severity": "text",
    "strategy_id": "text",
    "value": "float",
    "limit": "float",
    "message": "text",
}


_ALERTING: Final = frozenset({RiskAlert, BreakerTripped, BreakerReset})


def alerts_frame(recorder: Recorder) -> pd.DataFrame:
    """What the monitors said, and breakers that tripped or were reset, in order.

    kind: alert, breaker_tripped or breaker_reset.  name: the monitor or the breaker.  severity: a trip of one strategy
    is critical, of the portfolio an emergency.  strategy_id: "" for the whole portfolio.
    """
    rows: list[Sequence[Any]] = []
    for fact in recorder.journal:
        if type(fact) not in _ALERTING:  # first, since a journal may hold millions of others
            continue
        match fact:
            case RiskAlert():
                rows.append(_alert(fact, "alert", fact.monitor, fact.severity, fact.message))
            case BreakerTripped():
                severity = AlertSeverity.CRITICAL if fact.strategy_id else AlertSeverity.EMERGENCY
                measured = fact.value or fact.limit  # what a person has pulled has no figures
                at = f" at {fact.value:.6g}, limit {fact.limit:.6g}" if measured else ""
                message = f"{fact.reason} tripped{at}"
                rows.append(_alert(fact, "breaker_tripped", fact.reason, severity, message))
            case BreakerReset():
                reasons = ", ".join(fact.reasons)
                rows.append(_alert(fact, "breaker_reset", reasons, AlertSeverity.INFO, f"{reasons} reset"))
    return table(_ALERTS, rows)


def _alert(
    fact: RiskAlert | BreakerTripped | BreakerReset,
    kind: str,
    name: str,
    severity: AlertSeverity,
    message: str,
) -> Sequence[Any]:
    value, limit = (np.nan, np.nan) if isinstance(fact, BreakerReset) else (fact.value, fact.limit)
    return (fact.timestamp_ns, kind, name, label(severity), fact.strategy_id, value, limit, message)


_NOTICES: Final[Kinds] = {
    "timestamp": "time",
    "kind": "text",
    "symbol": "text",
    "venue": "text",
    "value": "float",
    "reference": "float",
}


def notices_frame(recorder: Recorder) -> pd.DataFrame:
    """What was odd about prices, venues and reports: bad_tick, sequence_gap, venue_down, duplicate_execution, ..."""
    return facts_table(_NOTICES, recorder.notices)


_ERRORS: Final[Kinds] = {
    "timestamp": "time",
    "strategy_id": "text",
    "call": "text",
    "error": "text",
}


def errors_frame(recorder: Recorder) -> pd.DataFrame:
    """What strategies raised where errors were contained: in which call, and the line of the script."""
    return facts_table(_ERRORS, recorder.errors)


_POSITIONS: Final[Kinds] = {
    **WHO,
    "quantity": "float",
    "average_price": "float",
    "mark": "float",
    "notional": "float",
    "unrealised_pnl": "float",
    "realised_pnl": "float",
    "fees": "float",
    "pnl": "float",
    "traded_notional": "float",
}


def positions_frame(desk: TradingDesk) -> pd.DataFrame:
    """The ledger at the end, one row per strategy and instrument that was ever traded.

    quantity: signed units.  notional: quantity x mark x multiplier, signed.  realised_pnl: before fees.
    pnl = realised_pnl + unrealised_pnl - fees; their sum is what equity gained.
    """
    marks = {i.name: float(desk.view.instruments[k].mark) for k, i in enumerate(desk.instruments)}
    rows = []
    for strategy, instrument, row in desk.positions():
        mark = marks[instrument.name]
        quantity = float(row.quantity)
        rows.append(
            (
                strategy,
                instrument.symbol,
                instrument.venue,
                quantity,
                float(row.average) if quantity else np.nan,
                mark,
                quantity * mark * instrument.multiplier,
                float(row.unrealised),
                float(row.realised),
                float(row.fees),
                float(row.realised + row.unrealised - row.fees),
                float(row.traded),
            )
        )
    return table(_POSITIONS, rows)

"""What a strategy sees of its own results while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from workbench.core.desk import TradingDesk
from workbench.core.rows import StrategyRow

__all__ = ["PerformanceView"]


class PerformanceView(Mapping[str, float]):
    """A strategy's figures, read from the ledger when they are asked for; quote currency."""

    _KEYS = (
        "total_pnl",
        "realised_pnl",
        "unrealised_pnl",
        "fees",
        "drawdown",
        "trade_count",
        "risk_breach_count",
    )

    def __init__(self, desk: TradingDesk, strategy: int) -> None:
        self._row: StrategyRow = desk.view.strategies[strategy]
        count = len(desk.instruments)
        self._cells = np.asarray(desk.view.positions)[strategy * count : (strategy + 1) * count]

    def __getitem__(self, key: str) -> float:
        match key:
            case "total_pnl":
                return float(self._row.pnl)
            case "realised_pnl":
                return float(self._cells["realised"].sum())
            case "unrealised_pnl":
                return float(self._cells["unrealised"].sum())
            case "fees":
                return float(self._cells["fees"].sum())
            case "drawdown":
                return float(self._row.drawdown)
            case "trade_count":
                return float(self._row.fills)
            case "risk_breach_count":
                return float(self._row.breaches)
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        return iter(self._KEYS)

    def __len__(self) -> int:
        return len(self._KEYS)

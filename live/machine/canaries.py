"""Strategies on trial: a part of their capital, and a part of what the limits permit a strategy.

While the signals of such a strategy are taken, the desk's row of limits holds its part of them, and afterwards the
whole again: nothing else happens in between. Its capital, the base of stop loss and drawdown, is a part for as long as
the trial lasts.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import msgspec

from live.machine.promotion_inputs import CanaryMoved, PromotionNoted, version_of
from workbench.core.desk import TradingDesk
from workbench.errors import EngineError

__all__ = ["Canaries"]

_OF_A_STRATEGY: Final = ("strategy_net", "position_notional", "order_value", "order_volume")
_OF_A_SYMBOL: Final = ("strategy_long", "strategy_short")


class Canaries:
    """lines: the newest of each strategy.

    accepted: versions by strategy that have everything by right, see `version_of`: they have passed their trial, or
    somebody of the role risk has accepted them whole.
    """

    def __init__(self) -> None:
        self.lines: dict[str, CanaryMoved] = {}
        self.accepted: dict[str, dict[str, str]] = {}  # version: hash of its text
        self._capital: dict[str, float] = {}  # the whole of it

    def move(self, item: CanaryMoved, desk: TradingDesk) -> None:
        """Put a step in force.  Raises EngineError, nothing changed, on one that makes no sense."""
        shares = [step.share for step in item.steps]
        growing = item.state == "growing"
        if item.state not in ("growing", "passed", "failed") or not all(
            0.0 < share <= 1.0 for share in shares
        ):
            raise EngineError(
                "expected a canary that is growing, passed or failed and has shares above 0 up to 1, "
                f"found {item.state!r} and {shares}"
            )
        if growing and not 0 <= item.step < len(shares):
            raise EngineError(f"expected a step from 0 to {len(shares) - 1}, found {item.step}")
        self.lines[item.strategy_id] = item
        if item.state == "passed" and item.version:
            self.accepted.setdefault(item.strategy_id, {})[item.version] = item.source_hash
        self.seated(item.strategy_id, desk)

    def demote(self, line: PromotionNoted) -> None:
        """Have no version of a demoted text accepted any more."""
        if line.action == "demoted" and line.strategy_id in self.accepted:
            kept = {
                one: text for one, text in self.accepted[line.strategy_id].items() if text != line.source_hash
            }
            self.accepted[line.strategy_id] = kept

    def takes(self, strategy_id: str, source_hash: str, config: Mapping[str, Any]) -> bool:
        """Whether a version may be started under this id without another trial: it is accepted, or still on its own."""
        line = self.lines.get(strategy_id)
        if line is not None and line.state == "growing" and line.concerns(source_hash, config):
            return True
        return version_of(source_hash, config) in self.accepted.get(strategy_id, {})

    def share(self, strategy_id: str) -> float:
        """Of capital and limits that a strategy has; 1 for one that is on no trial."""
        line = self.lines.get(strategy_id)
        return 1.0 if line is None else line.share

    def seated(self, strategy_id: str, desk: TradingDesk) -> None:
        """Give a strategy that has a seat the part of its capital that is due."""
        if strategy_id not in self.lines or strategy_id not in desk.strategies:
            return
        row = desk.view.strategies[desk.strategy_index(strategy_id)]
        whole = self._capital.setdefault(strategy_id, float(row.capital))
        before, row.capital = float(row.capital), whole * self.share(strategy_id)
        row.peak += float(row.capital) - before

    @contextmanager
    def narrowed(self, strategy_id: str, desk: TradingDesk) -> Iterator[None]:
        """The desk with the part of the limits that a strategy has, for as long as its signals are taken."""
        share = self.share(strategy_id)
        if share == 1.0:
            yield
            return
        row, symbols = desk.view.limits[0], desk.view.symbols
        held = {name: float(getattr(row, name)) for name in ("strategy_gross", *_OF_A_STRATEGY)}
        units = [
            [float(getattr(symbols[y], name)) for name in _OF_A_SYMBOL] for y in range(len(desk.symbols))
        ]
        gross = min(held["strategy_gross"], float(row.portfolio_gross)) * share
        if math.isinf(gross):  # no limit to have a part of: then what it has of its capital
            gross = float(desk.view.strategies[desk.strategy_index(strategy_id)].capital)
        try:
            row.strategy_gross = gross
            for name in _OF_A_STRATEGY:
                setattr(row, name, held[name] * share)
            for y, own in enumerate(units):
                for name, value in zip(_OF_A_SYMBOL, own, strict=True):
                    setattr(symbols[y], name, value * share)
            yield
        finally:
            for name, value in held.items():
                setattr(row, name, value)
            for y, own in enumerate(units):
                for name, value in zip(_OF_A_SYMBOL, own, strict=True):
                    setattr(symbols[y], name, value)

    def dump(self) -> dict[str, Any]:
        return {"lines": list(self.lines.values()), "capital": self._capital, "accepted": self.accepted}

    def load(self, dumped: dict[str, Any]) -> None:
        for line in msgspec.convert(dumped.get("lines", []), list[CanaryMoved]):
            self.lines[line.strategy_id] = line
        self._capital = dict(dumped.get("capital", {}))
        self.accepted = {name: dict(found) for name, found in dumped.get("accepted", {}).items()}

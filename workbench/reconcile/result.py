"""`Reconciliation`: live against replay, fill by fill, with causes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import msgspec

from workbench.reconcile.causes import CAUSES, UNEXPLAINED, Difference

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Figures", "Reconciliation"]

_SIDES: Final = ("timestamp", "quantity", "price", "fee", "liquidity")


class Figures(msgspec.Struct, frozen=True):
    """Of one strategy, or all.  Money is quote currency; bps are of the turnover.

    fills: that live had.  different: that replay has otherwise, or one of them has not.
    pnl: of live less that of replay, over all differing fills.
    """

    fills: int
    different: int
    turnover: float
    pnl: float
    unexplained: int
    unexplained_pnl: float
    unexplained_bps: float
    ok: bool


class Reconciliation:
    """What `wb.reconcile` found.

    journal: where.  start_ns, end_ns: first and last price of the part.  prices: in it.  strategies: that were run
    again.  problems: strategies that could not be, and why.  logic: strategies whose code answers otherwise than it
    did, whether or not a fill differs by it.  notes: what else is worth knowing.
    turnover: of live's fills, quote currency.
    """

    def __init__(
        self,
        *,
        journal: str,
        span_ns: tuple[int, int],
        prices: int,
        live_fills: Mapping[str, tuple[int, float]],
        differences: Sequence[Difference],
        effects: Mapping[str, float],
        problems: Mapping[str, str],
        logic: Mapping[str, str],
        notes: Sequence[str],
    ) -> None:
        """live_fills: number and turnover by strategy.  effects: P&L of live less that of replay, by cause."""
        self.journal = journal
        self.start_ns, self.end_ns = span_ns
        self.prices = prices
        self.strategies = tuple(live_fills)
        self.differences = tuple(differences)
        self.problems = dict(problems)
        self.logic = dict(logic)
        self.notes = tuple(notes)
        self._live_fills, self._effects = dict(live_fills), dict(effects)

    @property
    def turnover(self) -> float:
        return self.figures().turnover

    @property
    def unexplained_pnl(self) -> float:
        """P&L of live less that of replay over fills without a known cause, quote currency."""
        return self.figures().unexplained_pnl

    @property
    def unexplained_bps(self) -> float:
        """Size of that in basis points of the turnover; infinite where there is one and no turnover."""
        return self.figures().unexplained_bps

    @property
    def ok(self) -> bool:
        """Nothing is unexplained, all code could be run, and it answers as it did."""
        return self.figures().ok

    def figures(self, strategy: str | None = None) -> Figures:
        """Of one strategy; None for all together."""
        chosen = [d for d in self.differences if strategy in (None, d.key.strategy_id)]
        unknown = [d for d in chosen if d.cause == UNEXPLAINED]
        counted = [both for name, both in self._live_fills.items() if strategy in (None, name)]
        turnover = sum(amount for _, amount in counted)
        pnl = sum(d.pnl for d in unknown)
        bps = 1e4 * abs(pnl) / turnover if turnover else (float("inf") if pnl else 0.0)
        bad = unknown or any(d.cause == "logic" for d in chosen) or self._trouble(strategy)
        return Figures(
            fills=sum(count for count, _ in counted),
            different=len(chosen),
            turnover=turnover,
            pnl=sum(d.pnl for d in chosen),
            unexplained=len(unknown),
            unexplained_pnl=pnl,
            unexplained_bps=bps,
            ok=not bad,
        )

    def _trouble(self, strategy: str | None) -> bool:
        return any(strategy in (None, name) for name in self.problems) or any(
            strategy in (None, name) for name in self.logic
        )

    @cached_property
    def fills(self) -> pd.DataFrame:
        """Fills that differ, a row each: strategy, symbol, venue, cause, live_* and replay_* (timestamp, quantity,
        price, fee, liquidity; missing where one has it not) and pnl (live less replay, quote currency).
        """
        import pandas as pd

        rows = [
            {
                "strategy": d.key.strategy_id,
                "symbol": d.key.symbol,
                "venue": d.key.venue,
                "cause": d.cause,
                **_side("live", d.live),
                **_side("replay", d.replay),
                "pnl": d.pnl,
            }
            for d in self.differences
        ]
        columns = ["strategy", "symbol", "venue", "cause"]
        columns += [f"{side}_{name}" for side in ("live", "replay") for name in _SIDES]
        frame = pd.DataFrame(rows, columns=[*columns, "pnl"])
        for side in ("live", "replay"):
            frame[f"{side}_timestamp"] = pd.to_datetime(frame[f"{side}_timestamp"], unit="ns", utc=True)
        return frame

    @cached_property
    def causes(self) -> pd.DataFrame:
        """By cause: fills that differ, and pnl (live less replay, quote currency; bps of the turnover)."""
        import pandas as pd

        turnover = self.turnover
        rows = {
            cause: {
                "fills": sum(d.cause == cause for d in self.differences),
                "pnl": self._effects.get(cause, 0.0),
                "bps": 1e4 * self._effects.get(cause, 0.0) / turnover if turnover else 0.0,
            }
            for cause in CAUSES
        }
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("cause")

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "journal": self.journal,
            "start_ns": self.start_ns,
            "end_ns": self.end_ns,
            "prices": self.prices,
            **_plain(self.figures()),
            "strategies": {name: _plain(self.figures(name)) for name in self.strategies},
            "causes": {
                cause: {
                    "fills": sum(d.cause == cause for d in self.differences),
                    "pnl": self._effects.get(cause, 0.0),
                }
                for cause in CAUSES
            },
            "logic": self.logic,
            "problems": self.problems,
            "notes": list(self.notes),
        }

    def __repr__(self) -> str:
        from workbench.reconcile.pages import as_text

        return as_text(self)

    def _repr_html_(self) -> str:
        from workbench.reconcile.pages import as_html

        return as_html(self)


def _side(name: str, fill: Any) -> dict[str, Any]:
    if fill is None:
        return {}
    values = (fill.timestamp_ns, fill.quantity, fill.price, fill.fee, fill.liquidity)
    return {f"{name}_{column}": value for column, value in zip(_SIDES, values, strict=True)}


def _plain(figures: Figures) -> dict[str, Any]:
    """JSON has no infinity; nothing takes its place."""
    found: dict[str, Any] = msgspec.to_builtins(figures)
    if not math.isfinite(figures.unexplained_bps):
        found["unexplained_bps"] = None
    return found

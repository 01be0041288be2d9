"""What misbehaving strategies cost, and when each was got over; event time, quote currency.

A replay measures both against the same run without chaos (`workbench.backtest.recovery`).  A live engine has no such
run, so it looks at the strategy's own account: what it has lost since it began to misbehave, and when it is back to
what it was then: nothing more held, nothing working, and no breaker latched that was not latched before.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np

from live.machine.inputs import ChaosNoted
from workbench.core.desk import TradingDesk

__all__ = ["ChaosEpisode", "follow", "note"]

SLACK = 1.0 + 1e-9
"""Sums of binary fractions leave crumbs of a holding."""


class ChaosEpisode(msgspec.Struct):
    """One misbehaviour of one strategy, from its beginning to the recovery; the newest of each is kept.

    active: it misbehaves.  pnl: of the strategy at the start.  held: units of each instrument then, without sign.
    latched: bits of breakers (all strategies' or its own) that were latched then.
    end_ns: 0 while it is active.  recovered_ns: 0 until it is got over.
    damage: what has been lost since, up to the recovery; negative where it happened to earn.  worst: the most of it.
    """

    strategy_id: str
    chaos: str
    active: bool
    start_ns: int = 0
    pnl: float = 0.0
    held: tuple[float, ...] = ()
    latched: int = 0
    end_ns: int = 0
    recovered_ns: int = 0
    damage: float = 0.0
    worst: float = 0.0

    @property
    def recovery_seconds(self) -> float | None:
        """From the end of the misbehaviour until it was got over; None until then."""
        return (self.recovered_ns - self.end_ns) / 1e9 if self.recovered_ns else None


def note(episodes: dict[str, ChaosEpisode], noted: ChaosNoted, desk: TradingDesk) -> None:
    """Begin or end an episode.  One that begins again before it was got over goes on as the same one."""
    before = episodes.get(noted.strategy_id)
    if not noted.active:
        if before is not None and before.active:
            before.active, before.end_ns = False, int(desk.book.now_ns)
        return
    if before is not None and before.chaos == noted.chaos and not before.recovered_ns:
        before.active, before.end_ns = True, 0
        return
    pnl, held, latched, _ = _account(noted.strategy_id, desk)
    episodes[noted.strategy_id] = ChaosEpisode(
        noted.strategy_id, noted.chaos, True, int(desk.book.now_ns), pnl, held, latched
    )


def follow(episodes: Iterable[ChaosEpisode], desk: TradingDesk) -> None:
    """Look at what is not got over yet; once a second of event time is enough."""
    for episode in episodes:
        if episode.recovered_ns:
            continue
        pnl, held, latched, working = _account(episode.strategy_id, desk)
        episode.damage = episode.pnl - pnl
        episode.worst = max(episode.worst, episode.damage)
        if episode.active or working or latched & ~episode.latched:
            continue
        then = episode.held or (0.0,) * len(held)
        if all(units <= SLACK * most for units, most in zip(held, then, strict=True)):
            episode.recovered_ns = int(desk.book.now_ns)


def _account(strategy_id: str, desk: TradingDesk) -> tuple[float, tuple[float, ...], int, bool]:
    """P&L, units held of each instrument, latched breakers, and whether orders work."""
    latched = int(desk.book.halted)
    if strategy_id not in desk.strategies:
        return 0.0, (), latched, False
    s, count = desk.strategy_index(strategy_id), len(desk.instruments)
    row, cells = desk.view.strategies[s], np.asarray(desk.view.positions)[s * count : (s + 1) * count]
    held = tuple(np.abs(cells["quantity"]).tolist())
    working = bool((cells["working_buy"] != 0.0).any() or (cells["working_sell"] != 0.0).any())
    return float(row.pnl), held, latched | int(row.halted), working

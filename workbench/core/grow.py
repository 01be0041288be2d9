"""Another seat at a desk that runs: its state is copied into a larger buffer, row for row."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from workbench.core.build import Seat, fill_seat, set_unit
from workbench.core.limit_row import permit
from workbench.core.limits import RiskLimits
from workbench.core.messages import Instrument
from workbench.core.rows import HEADER
from workbench.core.state import allocate, desk_views, sections

__all__ = ["change_seat", "with_seat"]


def with_seat(
    buffer: npt.NDArray[np.uint8],
    seat: Seat,
    instruments: Sequence[Instrument],
    limits: RiskLimits,
    capital: float,
) -> npt.NDArray[np.uint8]:
    """A desk equal to `buffer` with one more strategy, behind the others.

    capital: base of the strategy's drawdown where the seat names none, quote currency.
    Raises EngineError on a unit that is no number.
    """
    old = buffer[: HEADER.itemsize].view(HEADER)[0]
    grown = allocate(
        strategies=int(old.strategies) + 1,
        instruments=int(old.instruments),
        venues=int(old.venues),
        symbols=int(old.symbols),
        orders=int(old.orders),
        queue=int(old.queue),
        events=int(old.events),
        faults=int(old.faults),
        window=int(old.window),
        executions=int(old.executions),
    )
    before, after = desk_views(buffer), desk_views(grown)
    for name in sections(old):
        source, target = np.asarray(getattr(before, name)), np.asarray(getattr(after, name))
        if name == "results":  # samples x strategies: the new strategy has earned nothing yet
            target[:, : source.shape[1]] = source
        else:
            target[: len(source)] = source
    s = int(old.strategies)
    fill_seat(grown, s, seat, instruments, capital)
    permit(grown, s, seat.strategy_id, instruments, limits)
    after.strategies[s].tokens = limits.message_rate.per_strategy_burst
    return grown


def change_seat(buffer: npt.NDArray[np.uint8], s: int, seat: Seat, instruments: Sequence[Instrument]) -> None:
    """Other units and sizing for strategy `s`; capital, positions, limits and latches stay.  Raises EngineError."""
    set_unit(buffer, s, seat, instruments)
    desk_views(buffer).strategies[s].sizing = int(seat.sizing)

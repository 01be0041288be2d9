"""The engine's view of a venue against the venue's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from live.machine import Machine, OrderLine
from live.messages import Account

__all__ = ["Differences", "differences", "our_account", "same", "strangers_text"]

_TOLERANCE: Final = 1e-9  # of a position


class Differences(NamedTuple):
    """positions: symbol -> units here and there.  unknown_here, unknown_there: orders that only one side knows."""

    positions: dict[str, tuple[float, float]]
    unknown_here: list[int]
    unknown_there: list[OrderLine]

    @property
    def text(self) -> str:
        """One line for a person."""
        parts = [
            f"{symbol}: {here:.10g} here, {there:.10g} at the venue"
            for symbol, (here, there) in self.positions.items()
        ]
        return "; ".join(parts)

    @property
    def missing(self) -> dict[str, float]:
        """Units by symbol that are held at the venue and not here; trading that both sides know of leaves them."""
        return {symbol: there - here for symbol, (here, there) in self.positions.items()}


def our_account(machine: Machine, venue: str, now_ns: int) -> Account:
    """The account at a venue as the engine knows it, without orders: from it an exchange goes on that ended with it."""
    desk = machine.desk
    row = desk.view.venues[desk.venues.index(venue)]
    held = {symbol: units for symbol, units in _held(machine, venue).items() if units != 0.0}
    return Account(venue, held, [], machine.reports.get(venue, 0), int(row.last_execution), now_ns)


def _held(machine: Machine, venue: str) -> dict[str, float]:
    """Signed units by symbol at a venue, over all strategies."""
    desk = machine.desk
    held: dict[str, float] = {}
    for k, instrument in enumerate(desk.instruments):
        if instrument.venue == venue:
            cells = range(k, len(desk.strategies) * len(desk.instruments), len(desk.instruments))
            held[instrument.symbol] = sum(float(desk.view.positions[cell].quantity) for cell in cells)
    return held


def differences(machine: Machine, account: Account) -> Differences:
    """What the two do not agree on; positions are signed units over all strategies."""
    held = _held(machine, account.venue)
    found: dict[str, tuple[float, float]] = {}
    for symbol in held.keys() | account.positions.keys():
        here, there = held.get(symbol, 0.0), account.positions.get(symbol, 0.0)
        if abs(here - there) > _TOLERANCE * max(abs(here), abs(there), 1.0):
            found[symbol] = (here, there)
    theirs = {order.order_id for order in account.open_orders}
    ours = {line.order_id: line for line in machine.blotter.working.values() if line.venue == account.venue}
    return Differences(
        found,
        sorted(theirs - ours.keys()),
        [line for order_id, line in ours.items() if order_id not in theirs],
    )


def same(found: Mapping[str, float], before: Mapping[str, float] | None) -> bool:
    """Whether the units that are missing are those that were missing before; None for never."""
    if before is None:
        return False
    pairs = [(found.get(symbol, 0.0), before.get(symbol, 0.0)) for symbol in found.keys() | before.keys()]
    return all(abs(now - then) <= _TOLERANCE * max(abs(now), abs(then), 1.0) for now, then in pairs)


def strangers_text(found: Mapping[str, int]) -> str:
    """One line for a person whom unknown fills have stopped.  found: by venue, those from before the journal."""
    if found:
        counts = " and ".join(f"{venue} remembers {count} fills" for venue, count in found.items())
        return (
            f"{counts} from before this journal began, so everything is stopped: the data folder is new beside an "
            "exchange that remembers; start the engine on its former folder (TRADING_ENGINE_DATA), or the exchange on "
            "an empty one (workbench exchange --store), or, where nothing is held there, reset the breaker "
            'unknown_execution (workbench live reset --reason "…")'
        )
    return (
        "a venue has told of a fill of an order that is not in this journal, so everything is stopped: compare with "
        "the venue's own account, then reset the breaker unknown_execution "
        '(workbench live reset --reason "…")'
    )

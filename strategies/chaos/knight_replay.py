"""Knight replay: child orders sent for ever, since the parent is never seen filled."""

from __future__ import annotations

from typing import Any, ClassVar

from workbench.chaos.misbehaving import MisbehavingStrategy
from workbench.strategy import MarketSignal, OrderFill, PriceUpdate


class KnightReplayStrategy(MisbehavingStrategy):
    """Works a parent order in slices and never notices that it has been filled.

    Misbehaviour: on 1 August 2012 retired code at Knight Capital sent child orders without end, because the
    executions were no longer counted against the parent (SEC Release 34-70694). Here fills are added up in
    `filled` and never taken off `parent_leaves`, so the slices go on after the parent has long been done. The
    slices differ a little in size, as sliced orders do, so a check for identical orders does not see them.

    intensity: child orders per update.
    parent_quantity, child_quantity: units wanted in all, and the mean size of a slice.
    start_after_minutes, duration_minutes (0: without end): when, in event time.  seed: of the sizes.

    Expected response: repeated_execution_throttle disables the strategy on this instrument and side after its
    count of executions in its window, until a named person allows it again; position_limit and notional_limit
    stand behind it.
    """

    CHAOS_TYPE = "knight_replay"
    PARAMETERS: ClassVar = {
        "intensity": 10,
        "parent_quantity": 1.0,
        "child_quantity": 0.05,
        "start_after_minutes": 0.0,
        "duration_minutes": 0.0,
        "seed": 0,
    }

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self.children_per_update = int(self.config["intensity"])
        self.parent_leaves = float(self.config["parent_quantity"])
        self.child_quantity = float(self.config["child_quantity"])
        self.filled = 0.0

    def misbehave(self, price_update: PriceUpdate) -> list[MarketSignal]:
        if self.parent_leaves <= 0.0:
            return []
        sizes = self.child_quantity * self.random.uniform(0.8, 1.2, self.children_per_update)
        return [
            self.signal(
                price_update.symbol, 1.0, order_type="market", venue=price_update.venue, quantity=float(size)
            )
            for size in sizes
        ]

    def on_order_fill(self, fill: OrderFill) -> None:
        """Count the fill where nobody looks."""
        self.filled += fill.quantity

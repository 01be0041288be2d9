"""The last part's findings as lines for the terminal, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from rich.markup import escape
from rich.table import Table

from workbench.cli.demo.promotion_run import STRATEGY

if TYPE_CHECKING:
    from rich.console import Console

    from workbench.cli.demo.promotion_run import Agreed, PromotionDemo

__all__ = ["promotion_as_json", "promotion_story", "show_promotion"]

_TITLE: Final = f"From research to the engine: {STRATEGY}, certified on the house's made-up market, then live"
_SHOWN: Final = 3


def show_promotion(demo: PromotionDemo, console: Console) -> None:
    """Print everything."""
    console.print()
    console.print(_TITLE, style="bold")
    grid = Table.grid(padding=(0, 1, 0, 0))
    for _ in range(2):
        grid.add_column(no_wrap=True)
    grid.add_column()
    for heading, text, good in promotion_story(demo):
        grid.add_row("[green]yes[/]" if good else "[bold red]NO[/]", f"[bold]{heading}[/]", escape(text))
    console.print(grid)
    console.print()


def promotion_story(demo: PromotionDemo) -> list[tuple[str, str, bool]]:
    """What happened, in order: heading, figures, and whether it went as it should."""
    made = demo.certified
    if made.failed:
        names = ", ".join(made.failed[:_SHOWN])
        return [("certified", f"{len(made.failed)} of {made.checks} checks failed: {names}", False)]
    head = f"{made.checks} checks passed in {made.seconds:.0f} s; certificate {made.id[:12]}, signed with Ed25519"
    without = (
        "the same script without its certificate is refused" if demo.refused else "it starts without, too"
    )
    return [
        ("certified", head, bool(made.id)),
        ("gate", without, bool(demo.refused)),
        (
            "promoted",
            f"trades on trial with {demo.share:.0%} of its capital and of what the limits permit",
            0.0 < demo.share < 1.0,
        ),
        ("agrees with replay", _agreed(demo.agreed), demo.good),
    ]


def _agreed(agreed: Agreed | None) -> str:
    if agreed is None:
        return "it did not get there"
    differ = ", ".join(f"{count} differ by {cause}" for cause, count in agreed.causes.items())
    return (
        f"{agreed.fills} fills, run again with the same code in {agreed.seconds:.0f} s: {differ or 'all agree'}; "
        f"unexplained {agreed.unexplained_pnl:.2f} USD, {agreed.unexplained_bps:.2f} bps of {agreed.turnover:,.0f} USD"
    )


def promotion_as_json(demo: PromotionDemo) -> dict[str, Any]:
    """Plain values."""
    plain: dict[str, Any] = msgspec.to_builtins(demo)
    return {**plain, "good": demo.good}

"""What `%%strategy` shows: the script, its short run, and what was swapped."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from workbench.cells import AMBER, GREEN, Html, cell, figures, ink, sparkline
from workbench.notebook.strategy_cell import WrittenStrategy
from workbench.notebook.swapping import Swap

__all__ = ["WrittenView"]

_OUTCOMES = {"new": "written", "changed": "replaced", "unchanged": "as it was"}


class WrittenView:
    """The answer of a `%%strategy` cell.  written: the script.  swaps: what became of what runs."""

    def __init__(self, written: WrittenStrategy, swaps: Sequence[Swap]) -> None:
        self.written, self.swaps = written, tuple(swaps)

    @property
    def _title(self) -> str:
        kind = self.written.strategy
        return f"{kind.__name__} {kind.VERSION}: {self.written.path} {_OUTCOMES[self.written.outcome]}"

    @property
    def _tried(self) -> str:
        run = self.written.tried
        return (
            f"tried on {', '.join(run.instruments)}, {run.start:%Y-%m-%d} to {run.end:%Y-%m-%d}: "
            f"{len(run.signals):,} signals, {len(run.fills):,} fills, P&L {run.final_equity - run.initial_cash:+,.2f}"
        )

    def __repr__(self) -> str:
        return "\n".join([self._title, self._tried, *(_swap_text(swap) for swap in self.swaps)])

    def _repr_html_(self) -> str:
        run = self.written.tried
        parameters = [(name, repr(value)) for name, value in (self.written.strategy.PARAMETERS or {}).items()]
        parts: list[str] = (
            [sparkline(run.equity, run.initial_cash, width=220, height=32)] if len(run.fills) else []
        )
        if parameters:
            parts.append(figures(parameters))
        parts += [_swap_html(swap) for swap in self.swaps]
        return cell(self._title, self._tried, *parts)


def _swap_text(swap: Swap) -> str:
    return f"{swap.strategy_id}: {'swapped' if swap.done else 'not swapped'}, {swap.message}"


def _swap_html(swap: Swap) -> Html:
    return Html(f'<div style="{ink(GREEN if swap.done else AMBER)}">{escape(_swap_text(swap))}</div>')

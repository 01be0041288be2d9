"""The live part's findings as lines and a table for the terminal, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from workbench.cli.demo.live_scene import RUNAWAY
from workbench.cli.demo.tables import FULL_WIDTH
from workbench.cli.words import units

if TYPE_CHECKING:
    from rich.console import Console

    from workbench.cli.demo.live_run import Contained, Crash, LiveDemo, Replayed, Standing

__all__ = ["isolation_text", "live_as_json", "show_live", "story"]

_TITLE: Final = "The live engine, on two exchanges in a process of their own"
_LEVELS: Final = {
    "bubblewrap": "each in a process of its own behind bubblewrap: no network, no files",
    "filtered": "bubblewrap cannot run here, so one level below: seccomp and Landlock, no network, no files",
    "rlimits": "neither bubblewrap nor filters run here, so two levels below, trusted code alone",
    "none": "nothing of the sandbox runs here: trusted code alone",
}
_NOTE: Final = (
    "Real time and real processes on made-up prices: figures differ from run to run.  Limits: as in the file, but "
    "repeated_execution.max_executions is 60, which was set over the API."
)


def show_live(live: LiveDemo, console: Console) -> None:
    """Print everything."""
    console.print()
    console.print(_table(live, full=console.width >= FULL_WIDTH))
    grid = Table.grid(padding=(0, 1, 0, 0))
    for _ in range(2):
        grid.add_column(no_wrap=True)
    grid.add_column()
    for heading, text, good in story(live):
        grid.add_row(_yes(good), f"[bold]{heading}[/]", escape(text))
    console.print(grid)
    console.print()
    console.print(f"Strategies: {isolation_text(live)}.  {_NOTE}", style="dim")


def _yes(good: bool) -> str:
    return "[green]yes[/]" if good else "[bold red]NO[/]"


def isolation_text(live: LiveDemo) -> str:
    """How strategies were kept apart."""
    return _LEVELS.get(live.isolation, live.isolation)


def story(live: LiveDemo) -> list[tuple[str, str, bool]]:
    """What happened, in order: heading, figures, and whether it went as it should."""
    crash, replayed = live.crash, live.replayed
    beside = ", ".join(f"{one.role.script} {one.beside}" for one in live.traded)
    agreed = not any(crash.venues.values())
    return [
        ("runaway contained", _contained(live.contained), bool(live.contained.breakers)),
        (
            "others went on",
            f"fills beside it: {beside}; none was stopped",
            not any(one.halted for one in live.traded),
        ),
        ("kill -9 survived", _survived(crash), crash.same),
        (
            "reconciled",
            _reconciled(live),
            agreed and all(one.after for one in live.traded),
        ),
        (
            "replayed",
            _replayed(replayed),
            replayed.same,
        ),
    ]


def _contained(one: Contained) -> str:
    rules = " and ".join(f"{name} {count:,}" for name, count in one.reasons[:2])
    breakers = ", ".join(one.breakers)
    return (
        f"{one.accepted + one.refused:,} orders, {one.refused:,} refused ({rules}); at most "
        f"{units(one.worst_position)} of {units(one.limit)} BTC; breaker {breakers} after {_seconds(one.seconds)}, "
        f"{_rest(one.held)}; P&L {one.pnl:,.2f} USD"
    )


def _rest(held: float) -> str:
    return "then flat" if abs(held) < 1e-9 else f"then {units(held)} BTC"


def _survived(crash: Crash) -> str:
    total = sum(one.pnl for one in crash.before.values())
    back = sum(one.pnl for one in crash.after.values())
    return (
        f"{crash.fills} fills, {crash.inputs:,} inputs in the journal; back in {_seconds(crash.recovery_seconds)}; "
        f"positions before and after: {_count(crash.before)} and {_count(crash.after)}; P&L: {total:,.2f} and "
        f"{back:,.2f} USD"
    )


def _reconciled(live: LiveDemo) -> str:
    crash = live.crash
    disagree = [f"{venue}: {problem}" for venue, problem in crash.venues.items() if problem]
    after = sum(one.after for one in live.traded)
    agree = f"{' and '.join(crash.venues)} agreed with it {_seconds(crash.ready_seconds)} after they could be reached"
    return f"{'; '.join(disagree) or agree}; {after} fills since"


def _replayed(one: Replayed) -> str:
    same = "each is one that the engine told of" if one.same else "they are not those that the engine told of"
    return (
        f"{one.fills} fills out of the journal, {one.told} told of by the engine: {same}; "
        f"fingerprint {one.fingerprint[:16]}"
    )


def _count(books: dict[str, Standing]) -> int:
    return sum(len(one.held) for one in books.values())


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s"


def _table(live: LiveDemo, *, full: bool) -> Table:
    """full: with what each strategy does; else for a narrow screen."""
    table = Table(
        title=_TITLE, title_justify="left", title_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    table.add_column("strategy", no_wrap=True)
    if full:
        table.add_column("what it does", no_wrap=True)
    for heading in (
        "fills",
        "fills\nbeside the\nrunaway",
        "fills\nafter\nkill -9",
        "P&L USD\nbefore\nkill -9",
        "P&L USD\nafter\nkill -9",
        "positions\nthe same",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    rows = [(one.role, (one.before, one.beside, one.after)) for one in live.traded]
    for role, fills in [*rows, (RUNAWAY, (0, live.contained.fills, 0))]:
        before, after = live.crash.before[role.script], live.crash.after[role.script]
        table.add_row(
            role.script,
            *([role.what] if full else []),
            *(f"{count:,}" for count in fills),
            f"{before.pnl:,.2f}",
            f"{after.pnl:,.2f}",
            _yes(before.held == after.held),
        )
    return table


# -- JSON -------------------------------------------------------------------------------------------------------


def live_as_json(live: LiveDemo) -> dict[str, Any]:
    """Plain values for JSON."""
    contained, crash = live.contained, live.crash
    return {
        "isolation": live.isolation,
        "strategies": [
            {
                "strategy": one.role.script,
                "venues": one.venues,
                "fills_before": one.before,
                "fills_beside_runaway": one.beside,
                "fills_after_kill": one.after,
                "stopped": one.halted,
                "pnl_usd": one.pnl,
            }
            for one in live.traded
        ],
        "runaway": {
            "accepted": contained.accepted,
            "refused": contained.refused,
            "reasons": dict(contained.reasons),
            "fills": contained.fills,
            "worst_position": contained.worst_position,
            "position_limit": contained.limit,
            "breakers": contained.breakers,
            "seconds_to_breaker": contained.seconds,
            "position_after": contained.held,
            "pnl_usd": contained.pnl,
        },
        "kill": {
            "fills": crash.fills,
            "inputs": crash.inputs,
            "books_before": crash.before,
            "books_after": crash.after,
            "same": crash.same,
            "recovery_seconds": crash.recovery_seconds,
            "reconciled_seconds": crash.ready_seconds,
            "venue_problems": crash.venues,
        },
        "replay": live.replayed,
        "exit_status": live.status,
        "seconds": live.seconds,
    }

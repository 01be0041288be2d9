"""`workbench chaos`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from workbench.cli.output import answer_console, print_json, say
from workbench.cli.settings import (
    Cash,
    Config,
    CostSettings,
    Json,
    Limits,
    PriceSources,
    ProgressBar,
    Seed,
    Strategy,
    Symbol,
    Venue,
    load_prices,
    read_cost_settings,
    read_limits,
)
from workbench.configuration.arguments import read_parameters
from workbench.errors import ChaosError

if TYPE_CHECKING:
    from workbench.backtest.recovery import ChaosOutcome
    from workbench.chaos.events import ChaosEvent
    from workbench.chaos.kinds import ChaosKind
    from workbench.data.prices import Prices

__all__ = ["chaos_command", "read_events"]

SHARE: Final = 20  # a window that is not given is this part of the prices
LEAST_BARS: Final = 10  # and at least so many bars
INTENSITY: Final = {"price_gap": -0.1, "bad_tick": 0.2, "latency_spike": 300.0, "partial_fills": 0.05}

Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind",
        "-k",
        metavar="KIND",
        help="What goes wrong, such as runaway or stale_feed. May be repeated, for several events.",
        show_default=False,
    ),
]
Starts = Annotated[
    list[str] | None,
    typer.Option(
        "--start",
        metavar="TIME",
        help="Start of the event (UTC); once for all events, or once for each. (default: a third into the prices)",
    ),
]
Durations = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SPAN", help="How long, such as 30min; as --start. (default: a twentieth of the prices)"
    ),
]
Intensities = Annotated[
    list[float] | None,
    typer.Option(
        metavar="NUMBER",
        help="How strong; the chaos guide says what the number means for each kind; as --start.",
    ),
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME", help="Strategy id, symbol, venue or symbol@venue; as --start. (default: all)"
    ),
]
First = Annotated[
    str | None, typer.Option("--from", metavar="DATE", help="First bar: 2008, 2008-09 or 2008-09-15 (UTC).")
]
Last = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last bar.")]
Events = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Events in YAML or JSON instead, a list of kind, start, duration …"),
]


def chaos_command(
    strategy: Strategy,
    prices: PriceSources,
    kind: Kinds = None,
    start: Starts = None,
    duration: Durations = None,
    intensity: Intensities = None,
    target: Targets = None,
    events: Events = None,
    symbol: Symbol = None,
    venue: Venue = None,
    config: Config = None,
    limits: Limits = None,
    costs: CostSettings = None,
    first: First = None,
    last: Last = None,
    seed: Seed = 0,
    cash: Cash = 1_000_000.0,
    json: Json = False,
    progress: ProgressBar = None,
) -> None:
    """Backtest a strategy with things going wrong, and show what each of them cost against the same run without it.

    Without any event, each kind is tried in turn, alone.

    Example: workbench chaos sma_cross --prices sp500 --kind price_gap --start 2008-09-15 --duration 5d --intensity -0.2
    """
    from workbench.backtest.chaos_backtest import ChaosBacktester
    from workbench.strategy.folders import find_strategy

    given = {"start": start, "duration": duration, "intensity": intensity, "target": target}
    if events is not None and (kind or any(given.values())):
        raise ChaosError("expected either --events or --kind with its settings, found both")
    if not kind and any(given.values()):
        named = next(name for name, values in given.items() if values)
        raise ChaosError(f"--{named} needs a --kind that it belongs to")
    played_by, played = find_strategy(strategy), load_prices(prices, symbol, venue, first, last)
    parameters = read_parameters(config)
    tester = ChaosBacktester(
        played,
        limits=read_limits(limits),
        costs=read_cost_settings(costs),
        initial_cash=cash,
        seed=seed,
        progress=progress,
    )
    if events is None and not kind:
        outcomes = tester.try_each(played_by, _one_of_each(played, seed), config=parameters)
    else:
        chosen = read_events(events) if events is not None else _build(kind or [], given, played, seed)
        outcomes = list(tester.run_backtest_with_chaos(played_by, chosen, config=parameters).outcomes)
    if json:
        print_json({"strategy": strategy, "events": [_plain(outcome) for outcome in outcomes]})
        return
    _show(outcomes, alone=events is None and not kind)


def _plain(outcome: ChaosOutcome) -> dict[str, Any]:
    """The outcome in one level, as in `outcomes_frame`."""
    event = outcome.event
    return {
        "kind": str(event.kind),
        "start": event.start,
        "end": event.start + event.duration,
        "intensity": event.intensity,
        "target": event.target,
        "damage_usd": outcome.damage_usd,
        "worst_damage_usd": outcome.worst_damage_usd,
        "breach_count": outcome.breach_count,
        "emergency_stops": outcome.emergency_stops,
        "recovery_seconds": outcome.recovery_seconds,
    }


def read_events(path: Path) -> list[ChaosEvent]:
    """Events of a YAML or JSON file; raises ChaosError or ConfigError."""
    import yaml

    from workbench.chaos.events import parse_events

    try:
        rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ChaosError(f"{path}: no such file; check the path") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ChaosError(f"{path}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ChaosError(f"{path}: expected YAML: {error}") from error
    try:
        found = parse_events(rows)
    except ChaosError as error:
        raise ChaosError(f"{path}: {error}") from error
    if not found:
        raise ChaosError(f"{path}: expected at least one event, found none")
    return found


def _build(kinds: Sequence[str], given: dict[str, Any], prices: Prices, seed: int) -> list[ChaosEvent]:
    """One event for each of `kinds`; raises ChaosError."""
    from workbench.chaos.events import ChaosEvent

    for name, values in given.items():
        if values and len(values) not in (1, len(kinds)):
            raise ChaosError(
                f"expected --{name} once, or once for each of the {len(kinds)} kinds, found {len(values)}"
            )
    events = []
    for place, kind in enumerate(kinds):
        chosen = {name: values[place if len(values) > 1 else 0] for name, values in given.items() if values}
        usual = _usual(kind, prices, seed)
        events.append(
            ChaosEvent(
                kind,
                chosen.get("start", usual["start"]),
                chosen.get("duration", usual["duration"]),
                chosen.get("intensity", usual["intensity"]),
                chosen.get("target", ""),
                seed,
            )
        )
    return events


def _one_of_each(prices: Prices, seed: int) -> list[ChaosEvent]:
    from workbench.chaos.events import ChaosEvent
    from workbench.chaos.kinds import ChaosKind

    return [ChaosEvent(kind, **_usual(kind, prices, seed)) for kind in ChaosKind]


def _usual(kind: ChaosKind | str, prices: Prices, seed: int) -> dict[str, Any]:
    """Start, duration and intensity of an event that was not told them."""
    import pandas as pd

    span = prices.end - prices.start
    bar = max(prices.interval, pd.Timedelta(seconds=1))
    step = min(bar, pd.Timedelta(days=1))
    start, length = (prices.start + span / 3).floor(step), max(span / SHARE, LEAST_BARS * bar).ceil(step)
    return {
        "start": start.to_pydatetime(),
        "duration": length.to_pytimedelta(),
        "intensity": INTENSITY.get(str(kind), 1.0),
        "seed": seed,
    }


def _show(outcomes: Sequence[ChaosOutcome], *, alone: bool) -> None:
    from rich.table import Table

    from workbench.cli.words import span_text, usd

    title = "Each event against the same run without it"
    if alone:
        title = "Each event alone, against the same run without any"
    table = Table(title=title, title_justify="left")
    table.add_column("event")
    table.add_column("from (UTC)")
    table.add_column("lasts")
    for column in ("intensity", "damage USD", "worst USD", "breaches", "emergency stops", "recovered"):
        table.add_column(column, justify="right")
    for outcome in outcomes:
        event, recovered = outcome.event, span_text(outcome.recovery_seconds)
        table.add_row(
            f"{event.kind} on {event.target}" if event.target else str(event.kind),
            f"{event.start:%Y-%m-%d %H:%M}",
            span_text(event.duration.total_seconds()),
            f"{event.intensity:g}",
            usd(outcome.damage_usd),
            usd(outcome.worst_damage_usd),
            f"{outcome.breach_count:,}",
            f"{outcome.emergency_stops:,}",
            f"[red]{recovered}[/]" if outcome.recovery_seconds is None else recovered,
        )
    answer_console().print(table)
    for outcome in outcomes:
        if outcome.stopped_before:
            why = ", ".join(outcome.stopped_before)
            say(
                f"{outcome.event.kind}: trading had been stopped before it began ({why}), so this tested nothing"
            )

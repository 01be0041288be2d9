"""`wb.reconcile`: a live session against the event replay of the code that ran in it, fill by fill."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Collection, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from live.sandbox import Sandbox
from workbench.core.costs import Costs
from workbench.data.times import Moment, as_span
from workbench.errors import ConfigError
from workbench.reconcile.causes import (
    UNEXPLAINED,
    Difference,
    differences,
    logic_differs,
    reference,
    steps_between,
)
from workbench.reconcile.processes import sandbox_settings
from workbench.reconcile.publishing import publish_result
from workbench.reconcile.recording import differing_prices
from workbench.reconcile.rerun import Part, Rerun
from workbench.reconcile.result import Reconciliation
from workbench.reconcile.source import Source, open_source
from workbench.reconcile.steps import LIVE, Ran, Step

__all__ = ["reconcile"]

MARKET: Final = "market"  # the engine's recording, in its data folder

type Instead = Mapping[int, tuple[float, ...] | None]


def reconcile(
    journal: str | Path,
    *,
    date: Moment | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    strategy: str | Collection[str] | None = None,
    costs: Costs | Mapping[str, Costs] | None = None,
    prices: str | Path | bool = True,
    code: str | Path | None = None,
    data: str | Path | None = None,
    attribute: bool = True,
    isolation: str = "sandbox",
    minimum: str = "filtered",
    publish: bool = False,
) -> Reconciliation:
    """Run a live session again through the event replay, and list every fill that differs with its cause.

    journal: its file, its URL, or the engine's data folder; the engine may be running.
    date: a day, UTC; or start and end as in Prices.between; all of it when left out.
    strategy: a name, or several; all when left out.  The others trade as they did.
    costs: what the replay assumes, of all venues or by venue; the venue's own without its latency when left out.
    prices: a recording of the engine's that the replay takes its prices from; True: that in the data folder, where
    there is one; False: what stands in the journal.  code: a folder of strategies to be run in place of what ran.
    data: the engine's data folder, where `journal` is neither that nor in it, as with PostgreSQL.
    attribute: whether to look for causes; without, every difference is unexplained.
    isolation, minimum: of the strategies' processes, as STRATEGY_ISOLATION and STRATEGY_ISOLATION_MINIMUM; `thread` is
    for code that is trusted.  publish: put the result where the engine's metrics find it.
    Raises JournalError, DataError, ConfigError, and SandboxError where no process is isolated as it must be.
    """
    part = _part(date, start, end)
    chosen = None if strategy is None else frozenset([strategy] if isinstance(strategy, str) else strategy)
    source = open_source(journal, code, data)
    try:
        used = _costs(source, costs)
        instead, notes = _instead(source, prices, part)
        wanted = reference(used, instead)
        runs, live = _apart(lambda: _run(source, wanted, part, chosen, attribute, isolation, minimum))
        found = _result(source, runs, live, chosen, notes, str(journal))
        if publish:
            publish_result(source.folder, found)
    finally:
        source.close()
    return found


def _part(date: Moment | None, start: Moment | None, end: Moment | None) -> Part:
    if date is not None:
        if start is not None or end is not None:
            raise ConfigError("expected a date, or start and end; found both")
        start = end = date
    usual = Part()
    return Part(
        usual.start if start is None else as_span(start)[0].value,
        usual.end if end is None else as_span(end)[1].value + 1,
    )


def _costs(source: Source, costs: Costs | Mapping[str, Costs] | None) -> dict[str, Costs]:
    """What the replay assumes at each venue."""
    known = source.setup.costs
    if costs is None:
        return {name: msgspec.structs.replace(own, latency_seconds=0.0) for name, own in known.items()}
    given = dict.fromkeys(known, costs) if isinstance(costs, Costs) else dict(costs)
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        raise ConfigError(f"costs of {', '.join(unknown)}: no such venue; there is: {', '.join(known)}")
    return {name: given.get(name, own).checked() for name, own in known.items()}


def _instead(source: Source, prices: str | Path | bool, part: Part) -> tuple[Instead, list[str]]:
    """Prices that the recording has otherwise than the journal, and what is to be said of that."""
    if prices is False:
        return {}, []
    if prices is True:
        folder = None if source.folder is None else source.folder / MARKET
        if folder is None or not folder.is_dir():
            return {}, []
    else:
        folder = Path(prices)
    found = differing_prices(source, folder, part)
    return found.differ, found.notes()


async def _run(
    source: Source,
    wanted: Step,
    part: Part,
    chosen: Collection[str] | None,
    attribute: bool,
    isolation: str,
    minimum: str,
) -> tuple[list[tuple[str, Ran]], Ran]:
    """The runs from live to the replay, each with the cause that it adds; and live."""
    async with Sandbox(sandbox_settings(isolation, minimum, source.folder)) as sandbox:
        live = await Rerun(source, sandbox, LIVE, part, chosen).run()
        replay = await Rerun(source, sandbox, wanted, part, chosen, live).run()
        runs = [("live", live)]
        if attribute and live.fills != replay.fills:
            remote = bool(source.setup.remote)
            for step in steps_between(live, source.setup.costs, remote, wanted):
                last = step._replace(cause=wanted.cause) == wanted
                ran = replay if last else await Rerun(source, sandbox, step, part, chosen, live).run()
                runs.append((step.cause, ran))
        runs.append((UNEXPLAINED, replay))
    return runs, live


def _result(
    source: Source,
    runs: list[tuple[str, Ran]],
    live: Ran,
    chosen: Collection[str] | None,
    notes: list[str],
    journal: str,
) -> Reconciliation:
    multipliers = {i.name: i.multiplier for i in source.setup.instruments}
    problems = {**live.problems, **runs[-1][1].problems}
    logic = _logic(live)
    causes = {cause for cause, _ in runs}
    found = differences(runs, multipliers, problems, logic if "logic" in causes else ())
    traded = {key.strategy_id for _, run in runs for key in run.fills} | set(live.owners.values())
    names = sorted(name for name in traded if chosen is None or name in chosen)
    sums = dict.fromkeys(names, (0, 0.0))
    for key, fill in live.fills.items():
        count, amount = sums[key.strategy_id]
        size = abs(fill.quantity * fill.price) * multipliers[f"{fill.symbol}@{fill.venue}"]
        sums[key.strategy_id] = count + 1, amount + size
    return Reconciliation(
        journal=journal,
        span_ns=live.span,
        prices=live.prices,
        live_fills=sums,
        differences=found,
        effects=_effects(found),
        problems=problems,
        logic=logic,
        notes=notes,
    )


def _effects(found: list[Difference]) -> dict[str, float]:
    effects: dict[str, float] = {}
    for one in found:
        effects[one.cause] = effects.get(one.cause, 0.0) + one.pnl
    return effects


def _logic(live: Ran) -> dict[str, str]:
    """By strategy: how many of its answers are others than they were."""
    told: dict[str, int] = {}
    for launch, _ in logic_differs(live):
        owner = live.owners[launch]
        told[owner] = told.get(owner, 0) + 1
    return {
        owner: f"{count:,} of its answers are others than live, to the same prices"
        for owner, count in told.items()
    }


def _apart[T](work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it in an event loop, also where one runs already, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work())
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(asyncio.run(work()))
        except BaseException as error:  # noqa: BLE001 - raised again where it was asked for
            failed.append(error)

    thread = threading.Thread(target=run, name="reconcile")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]

"""From a script to a process that is ready, and the seat that it asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from live.admission import Ticket
from live.engine.catalog import Script
from live.engine.runner import Runner
from live.machine import Machine
from live.messages import FromStrategy, Hello, Raised, Ready
from live.sandbox import Sandbox, Worker, WorkerExit
from live.sandbox.contract import OnAlarm, OnExit, OnMessages
from workbench.core.build import Seat
from workbench.core.codes import Sizing
from workbench.errors import SandboxError, StrategyError

__all__ = ["Launch", "launch", "seat_of"]


class Launch(NamedTuple):
    """A process that is ready, what it said of itself, and its seat.  ticket: what it was admitted with."""

    runner: Runner
    ready: Ready
    seat: Seat
    ticket: Ticket


async def launch(
    sandbox: Sandbox,
    machine: Machine,
    script: Script,
    ticket: Ticket,
    confirm: Callable[[Worker], Awaitable[None]],
    runner: Runner,
    on_messages: OnMessages,
    on_exit: OnExit,
    on_alarm: OnAlarm,
) -> Launch:
    """Start a process for `script` and wait until it is ready; `runner` then has it.

    confirm: called once the process is ready, asks once more whether what it has loaded is what was admitted.
    Raises StrategyError where it cannot be loaded: what it raised, or how it ended.
    """
    ready: asyncio.Future[Ready] = asyncio.get_running_loop().create_future()
    trouble: list[str] = []

    def first_messages(worker: Worker, messages: list[FromStrategy]) -> None:
        if not ready.done():
            for place, message in enumerate(messages):
                if isinstance(message, Ready):
                    ready.set_result(message)
                    messages = messages[place + 1 :]
                    break
                if isinstance(message, Raised):
                    trouble.append(message.error)
            else:
                return
        if messages:
            on_messages(worker, messages)

    def first_exit(worker: Worker, ended: WorkerExit) -> None:
        if not ready.done():
            why = trouble[-1] if trouble else f"{ended.reason} {ended.detail}".strip()
            ready.set_exception(StrategyError(f"{script.name} could not be started: {why}"))
            return
        on_exit(worker, ended)

    instruments = list(machine.setup.instruments)
    hello = Hello(
        runner.strategy_id, script.source, script.name, script.class_name, dict(ticket.config), instruments
    )
    try:
        worker = await sandbox.launch(hello, first_messages, first_exit, on_alarm)
    except SandboxError as error:
        raise StrategyError(f"{script.name} could not be started: {error}") from error
    said = await ready
    try:
        await confirm(worker)
        seat = seat_of(runner.strategy_id, said)
        runner.symbols = _symbols(machine, said, ticket)
    except StrategyError:
        worker.kill("it is not what it should be")
        raise
    if worker.exit is not None:
        raise StrategyError(f"{script.name} ended as soon as it was ready: {worker.exit.reason}")
    runner.worker = worker
    return Launch(runner, said, seat, ticket)


def seat_of(strategy_id: str, said: Ready) -> Seat:
    """The seat that a strategy asks for; untrusted.  Raises StrategyError on a sizing or unit that cannot be."""
    name = said.sizing.upper()
    if name not in Sizing.__members__:
        raise StrategyError(f"{strategy_id}: sizing must be order or target, found {said.sizing!r:.50}")
    units = said.unit.values() if isinstance(said.unit, dict) else [said.unit]
    if not all(0.0 <= unit < float("inf") for unit in units):
        raise StrategyError(f"{strategy_id}: unit must be finite and not below 0, found {said.unit!r:.100}")
    return Seat(strategy_id, Sizing[name], said.unit)


def _symbols(machine: Machine, said: Ready, ticket: Ticket) -> frozenset[str]:
    """Of which it is shown prices: what it wants, of what it was tested on.  Raises StrategyError."""
    known = frozenset(instrument.symbol for instrument in machine.setup.instruments)
    wanted = frozenset(said.symbols) or known
    unknown = sorted(wanted - known)
    if unknown:
        raise StrategyError(
            f"{said.name}: no venue has {', '.join(unknown)[:200]}; there is: {', '.join(sorted(known))}"
        )
    if ticket.symbols is None:
        return wanted
    shown = wanted.intersection(ticket.symbols)
    if not shown:
        raise StrategyError(
            f"{said.name} asks for {', '.join(sorted(wanted))[:200]}, and its certificate {ticket.id} is of "
            f"{', '.join(ticket.symbols)[:200]}; certify it on what it asks for"
        )
    return shown

"""What the processes of strategies do, added up over all that a strategy has had since the engine started."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

from live.engine.runner import Runner
from live.engine.strategies import Strategies
from live.metrics.families import EXECUTION_BOUNDS
from live.metrics.sheet import Names, Sheet, Tally

__all__ = ["Processes"]


class _Meter:
    """How far one process has been read."""

    def __init__(self, runner: Runner, name: str) -> None:
        self.runner = runner
        self.name = name
        self.answered = self.conflated = self.late = 0


class Processes:
    """Follows every process from launch to end; one that ended between two updates is read once more."""

    def __init__(self) -> None:
        self._meters: dict[int, _Meter] = {}
        self._seconds: dict[str, Tally] = {}
        self._conflated: dict[str, int] = {}
        self._late: dict[str, int] = {}

    def read(self, sheet: Sheet, strategies: Strategies, names: Names) -> None:
        running = set()
        for strategy_id, slot in strategies.slots.items():
            for runner in (slot.runner, slot.candidate, *slot.draining):
                if runner is not None:
                    running.add(runner.launch)
                    if runner.launch not in self._meters:
                        self._meters[runner.launch] = _Meter(runner, names.of(strategy_id))
        for launch, meter in list(self._meters.items()):
            self._take(meter)
            if launch not in running:
                del self._meters[launch]
        self._tell(sheet)

    def _take(self, meter: _Meter) -> None:
        runner, name = meter.runner, meter.name
        times = runner.own_seconds
        fresh = min(runner.answered - meter.answered, len(times))  # it keeps the newest alone
        tally = self._seconds.setdefault(name, Tally(EXECUTION_BOUNDS))
        tally.add(islice(times, len(times) - fresh, None))
        late = runner.worker.late if runner.worker is not None else 0
        self._conflated[name] = self._conflated.get(name, 0) + runner.conflated - meter.conflated
        self._late[name] = self._late.get(name, 0) + late - meter.late
        meter.answered, meter.conflated, meter.late = runner.answered, runner.conflated, late

    def _tell(self, sheet: Sheet) -> None:
        sheet.tallies["trading_engine_strategy_execution_time"] = self._seconds
        _put_all(sheet, "trading_engine_conflated_prices_total", self._conflated.items())
        _put_all(sheet, "trading_engine_late_answers_total", self._late.items())
        for meter in self._meters.values():
            sheet.add("trading_engine_unanswered", meter.runner.unanswered, meter.name)


def _put_all(sheet: Sheet, name: str, values: Iterable[tuple[str, int]]) -> None:
    for label, value in values:
        sheet.put(name, value, label)

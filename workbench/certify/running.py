"""Taking all measures of a subject: here, and in a second process, with a bar for whoever waits."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from workbench.backtest.compiling import is_watched, say_compiling
from workbench.certify.checks import FAMILIES, Check, Family, Subject
from workbench.certify.families import LONGEST_FIRST, Task, take, tasks_of
from workbench.certify.helper import Helper, HelperGone, helper_for

__all__ = ["run_checks"]


def run_checks(
    subject: Subject, families: Sequence[Family] = FAMILIES, progress: bool | None = None
) -> tuple[Check, ...]:
    """Every line of the scorecard, in its order.

    progress: a bar; None shows one where somebody looks.  Ctrl-C ends it: half a scorecard says nothing.
    """
    tasks = tasks_of(families)
    say_compiling(progress, subject.strategy)
    with _bar(len(tasks), progress) as bar:
        found = _Work(subject, tasks, bar).run()
    return tuple(check for task in tasks for check in found[task])


class _Work:
    """What is still to be done, and what was found; two threads take from it, one of which asks the helper."""

    def __init__(self, subject: Subject, tasks: Sequence[Task], bar: _Bar) -> None:
        begun = {family: place for place, family in enumerate(LONGEST_FIRST)}
        self._waiting = deque(sorted(tasks, key=lambda task: begun[task.family]))
        self._subject, self._tasks, self._bar = subject, tasks, bar
        self._found: dict[Task, tuple[Check, ...]] = {}
        self._lock = threading.Lock()

    def run(self) -> dict[Task, tuple[Check, ...]]:
        helper = helper_for(self._subject, self._tasks)
        if helper is None:
            self._here()
            return self._found
        asking = threading.Thread(target=self._there, args=(helper,), name="certify", daemon=True)
        with helper:
            asking.start()
            self._here()
            asking.join()
        self._here()  # what the helper could not do
        return self._found

    def _here(self) -> None:
        while (task := self._next()) is not None:
            self._done(task, take(self._subject, task, self._bar.say))

    def _there(self, helper: Helper) -> None:
        while (task := self._next()) is not None:
            try:
                self._done(task, helper.take(task, self._bar.say))
            except HelperGone:
                with self._lock:
                    self._waiting.append(task)
                return

    def _next(self) -> Task | None:
        with self._lock:
            return self._waiting.popleft() if self._waiting else None

    def _done(self, task: Task, checks: tuple[Check, ...]) -> None:
        with self._lock:
            self._found[task] = checks
        self._bar.tick()


class _Bar:
    """How far it is, and at what; two threads tell it."""

    def __init__(self, shown: Any = None) -> None:
        self._shown, self._lock = shown, threading.Lock()

    def say(self, what: str) -> None:
        if self._shown is not None:
            with self._lock:
                self._shown.set_postfix_str(what)

    def tick(self) -> None:
        if self._shown is not None:
            with self._lock:
                self._shown.update()


@contextmanager
def _bar(total: int, wanted: bool | None) -> Iterator[_Bar]:
    if not (is_watched() if wanted is None else wanted):
        yield _Bar()
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, unit="check", desc="certify", leave=False) as shown:
        yield _Bar(shown)

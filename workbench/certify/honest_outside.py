"""What a strategy owes to luck and to the world: hash seed, clock, network, files, environment, global generators.

Two processes run it, each several times; see `honest_witness`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from types import CodeType
from typing import Final, NamedTuple

import msgspec

from workbench.certify.checks import Check, Progress, Subject
from workbench.certify.honest_trace import sampled_feed
from workbench.certify.honest_witness import CHANGES, Job, Report, Run
from workbench.errors import StrategyError
from workbench.sweeps.payload import arguments_of, pack

__all__ = ["outside_world", "witnesses", "written_clocks"]

PATIENCE: Final = 300.0  # seconds for a process that plays some hundred thousand updates
COMMAND: Final = "from workbench.certify.honest_witness import main; main()"


NOW: Final = frozenset({"now", "today"})
READERS: Final = frozenset({"datetime64", "Timestamp", "to_datetime"})


class _Line(NamedTuple):
    """A check: its name, the kinds of events that count, the run that tells, and words for a person."""

    name: str
    kinds: tuple[str, ...]
    change: str
    reaches: str
    changes: str


LINES: Final = (
    _Line("wall_clock", ("clock",), "clock", "the clock", "with the clock 400 days ahead"),
    _Line("network", ("network",), "", "the network", ""),
    _Line("files", ("files", "processes"), "", "files or other programs", ""),
    _Line(
        "environment", ("environment",), "environment", "the environment", "in another environment and folder"
    ),
    _Line("callers_frames", ("frames",), "", "its callers' frames or all objects of the process", ""),
)


def outside_world(subject: Subject, progress: Progress) -> tuple[Check, ...]:
    """Determinism in two processes, and what the strategy reaches for beside its prices."""
    progress("two processes, other hash seeds, clocks, environments")
    reports = witnesses(subject)
    failed = next((report.failed for report in reports if report.failed), "")
    if failed:
        names = ("determinism", "global_random", *(line.name for line in LINES))
        return tuple(_check(subject, name, False, failed, "a run in a process of its own") for name in names)
    return (
        _determinism(subject, reports),
        _global_random(subject, reports),
        *(_line(subject, line, reports) for line in LINES),
    )


def witnesses(subject: Subject) -> list[Report]:
    """What two processes saw, each with another hash seed."""
    plan = subject.plan()
    arguments = {**arguments_of(plan, subject.strategy), "config": dict(subject.config)}
    rows = len(sampled_feed(subject, plan, 2 * len(CHANGES)))
    job = Job(
        tuple(sys.path), pack(arguments), rows, str(getattr(sys.modules["__main__"], "__file__", "") or "")
    )
    data = pack(tuple(job))
    started = [_started(seed) for seed in ("1", "2")]
    try:
        for process in started:  # both read all of it before they begin
            assert process.stdin is not None, "it was given one"
            process.stdin.write(data)
            process.stdin.close()
            process.stdin = None
        return [_report(subject, process) for process in started]
    except BrokenPipeError as error:
        raise StrategyError(f"{subject.name}: a process that was to run it ended at once") from error
    finally:
        for process in started:
            process.kill()
            process.wait()


def _started(seed: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    return subprocess.Popen(
        [sys.executable, "-c", COMMAND],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    )


def _report(subject: Subject, process: subprocess.Popen[bytes]) -> Report:
    try:
        told, errors = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return Report({}, [], f"{subject.name} did not come to an end within {PATIENCE:.0f} seconds")
    try:
        return msgspec.json.decode(told, type=Report)
    except msgspec.MsgspecError:
        last = errors.decode(errors="replace").strip().splitlines()[-1:] or ["without a word"]
        return Report(
            {}, [], f"{subject.name} ended the process that ran it ({process.returncode}): {last[0]:.200}"
        )


def _determinism(subject: Subject, reports: list[Report]) -> Check:
    """Equal runs are equal, in one process and in two."""
    one, two = (report.runs for report in reports)
    if one["base"].raised:
        return _check(subject, "determinism", False, one["base"].raised, "equal runs, none of which raises")
    within = next((run for run in (one["again"], two["again"]) if run.first), None)
    across = one["base"].digest != two["base"].digest
    said = f"{one['base'].said} and {two['base'].said} signals in two processes"
    if within is not None:
        measured = f"two runs in one process differ, first at {within.first}"
    elif across or any(runs["again"].digest != runs["base"].digest for runs in (one, two)):
        measured = f"runs with another hash seed differ: {said}, {_short(one)} and {_short(two)}"
    else:
        measured = f"the same in 4 runs: {said}, {_short(one)}"
    return _check(
        subject,
        "determinism",
        within is None and not across and measured.startswith("the same"),
        measured,
        "the same signals and fills in each run of two processes with different hash seeds",
        f"[{subject.backtest_code('.fingerprint')} for _ in range(2)]",
    )


def _short(runs: dict[str, Run]) -> str:
    return runs["base"].digest[:16]


def _global_random(subject: Subject, reports: list[Report]) -> Check:
    """No generator that others use too: what it draws would depend on who drew before."""
    runs = reports[0].runs
    used = next((run.global_random for run in runs.values() if run.global_random), "")
    moved = _moved(runs, "random")
    measured = (
        f"it draws from the generator of the module {used}"
        if used
        else "no generator of the process was used"
    )
    if moved:
        measured += f"; with other seeds there it says something else, first at {moved}"
    return _check(
        subject,
        "global_random",
        not used and not moved,
        measured,
        "none: a generator of its own, seeded from its parameter `seed`",
    )


def _line(subject: Subject, line: _Line, reports: list[Report]) -> Check:
    seen = [what for report in reports for kind, what in report.events if kind in line.kinds]
    seen.sort(key=lambda what: "'/sys/" in what or "'/proc/" in what)  # what libraries look at comes last
    if "clock" in line.kinds:
        seen += written_clocks(subject.strategy)
    moved = _moved(reports[0].runs, line.change) if line.change else ""
    measured = (
        f"it reaches for {line.reaches}: {seen[0]}" if seen else f"it does not reach for {line.reaches}"
    )
    if len(set(seen)) > 1:
        measured += f", and {len(set(seen)) - 1} more"
    if moved:
        measured += f"; {line.changes} it says something else, first at {moved}"
    return _check(subject, line.name, not seen and not moved, measured, f"nothing of {line.reaches}")


def written_clocks(kind: type) -> list[str]:
    """Readings of the clock that nobody can watch or shift, since compiled code does them: `np.datetime64("now")`.

    What the functions of the strategy's module have in their code, in words.
    """
    module = sys.modules.get(kind.__module__)
    found = set()
    for thing in [*vars(module).values(), *vars(kind).values()] if module is not None else []:
        own = isinstance(thing, type) and thing.__module__ == kind.__module__
        for function in [*vars(thing).values()] if own else [thing]:
            code = getattr(getattr(function, "__func__", function), "__code__", None)
            if isinstance(code, CodeType) and NOW & {*code.co_consts} and READERS & {*code.co_names}:
                found.add(f"now in {code.co_name} ({code.co_filename}:{code.co_firstlineno})")
    return sorted(found)


def _moved(runs: dict[str, Run], change: str) -> str:
    """When a run first said something else than the base run; "" where equal runs differ already, or it did not."""
    if runs["again"].digest != runs["base"].digest or runs[change].digest == runs["base"].digest:
        return ""
    return runs[change].first or "the fills"


def _check(
    subject: Subject, name: str, passed: bool, measured: str, required: str, closer: str = ""
) -> Check:
    return Check(
        name=name,
        family="honest",
        passed=passed,
        measured=measured,
        required=required,
        look_closer=closer
        or f"print(__import__('inspect').getsource(wb.load_strategy({subject.strategy_code})))",
    )

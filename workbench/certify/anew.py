"""Before a certificate is signed: is what was tested what its hashes name?

A module that was imported stays in memory as it was, whatever becomes of its file.  So a fresh process loads the
strategy from the very texts that were hashed, and has to have the same code in memory, and to say the same in a run.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from workbench.certify.checks import Subject
from workbench.certify.honest_trace import first_rows, sampled_feed, trace
from workbench.certify.honest_witness import channels
from workbench.certify.issue import Source
from workbench.certify.loaded import differing, states_of
from workbench.errors import CertificateError, StrategyError, WorkbenchError
from workbench.sweeps.payload import arguments_of, pack, unpack

__all__ = ["Job", "Report", "confirm", "main"]

PATIENCE: Final = 300.0  # seconds for a process that plays some hundred thousand updates
COMMAND: Final = "from workbench.certify.anew import main; main()"
MEND: Final = "restart the kernel and certify again"


class Job(NamedTuple):
    """path: of the caller's modules.  script: its path, "" for a cell.  text: of a cell.  name: of the class.

    files: hash by name, the script first.  plan: packed arguments of `plan_run`, all but the strategy.  rows: updates
    that are played.
    """

    path: tuple[str, ...]
    script: str
    text: str
    name: str
    files: Mapping[str, str]
    plan: bytes
    rows: int


class Report(msgspec.Struct, frozen=True):
    """digest: of what was said and what came of it.  states: of `states_of`.  failed: why there is neither."""

    digest: str = ""
    states: dict[str, dict[str, str]] = {}
    failed: str = ""


def confirm(subject: Subject, source: Source) -> None:
    """Raise CertificateError, in one line, where a fresh process finds another strategy in the texts of `source`."""
    plan = subject.plan()
    feed = sampled_feed(subject, plan, 1)
    arguments = arguments_of(plan, subject.strategy)
    (strategy_id,) = arguments.pop("strategy")
    arguments |= {"config": dict(subject.config), "strategy": strategy_id}
    path = "" if subject.path is None else str(subject.path)
    names = tuple(str(each) for each in sys.path)
    job = Job(names, path, source.text, subject.name, dict(source.files), pack(arguments), len(feed))
    command = [sys.executable, *("-O" for _ in range(sys.flags.optimize)), "-c", COMMAND]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            report = _asked(process, subject, pack(tuple(job)))
        finally:
            process.kill()
    if report.failed:
        raise CertificateError(
            f"{subject.name} cannot be run from its text alone, as an engine would run it: {report.failed}"
        )
    module = sys.modules[subject.strategy.__module__]
    other = differing(
        states_of(source.files, source.script, module, os.path.dirname(path)),
        report.states,
    )
    if other is not None:
        file, name = other
        raise CertificateError(
            f"{file}: {name} is not what was tested: it was edited since it was imported here; {MEND}"
        )
    if trace(plan, feed).digest != report.digest:
        raise CertificateError(
            f"{subject.name}: loaded anew from {source.script} it trades otherwise than what was tested here; {MEND}"
        )


def _asked(process: subprocess.Popen[bytes], subject: Subject, data: bytes) -> Report:
    try:
        told, errors = process.communicate(data, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        return Report(failed=f"it did not come to an end within {PATIENCE:.0f} seconds")
    try:
        return msgspec.json.decode(told, type=Report)
    except msgspec.MsgspecError:
        last = errors.decode(errors="replace").strip().splitlines()[-1:] or ["without a word"]
        return Report(failed=f"{subject.name} ended the process ({process.returncode}): {last[0]:.200}")


# -- the fresh process ----------------------------------------------------------------------------------------------


def main() -> None:
    """Do the job on stdin, and leave."""
    inbox, outbox = channels()
    data = inbox.read()
    try:
        report = _loaded(Job(*unpack(data)))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - the caller tells it in one line
        kind = "" if isinstance(error, WorkbenchError) else f"{type(error).__name__}: "
        report = Report(failed=" ".join(f"{kind}{error}".split()))
    outbox.write(msgspec.json.encode(report))
    outbox.flush()


def _loaded(job: Job) -> Report:
    from workbench.backtest.api import plan_run
    from workbench.strategy.loader import load_source, load_strategy, source_hash

    sys.path.extend(path for path in job.path if path not in sys.path)
    # What an earlier process compiled of a file is taken for that of a later one of the same size and second.
    sys.dont_write_bytecode, sys.pycache_prefix = True, os.devnull
    script = next(iter(job.files))
    _check(job)
    kind = load_strategy(job.script, job.name) if job.script else load_source(job.text, script, job.name)
    if source_hash(kind) != job.files[script]:
        raise StrategyError(f"{script} was edited while it was certified; certify again")
    states = states_of(job.files, script, sys.modules[kind.__module__], os.path.dirname(job.script))
    _check(job)
    arguments = unpack(job.plan)
    plan = plan_run(**{**arguments, "strategy": {arguments["strategy"]: kind}})
    found = trace(plan, first_rows(plan.feed, job.rows))
    return Report(found.digest, states, found.raised)


def _check(job: Job) -> None:
    """Raise StrategyError where a file is not what was hashed."""
    from workbench.certificates.sources import closure_of, source_closure

    script = next(iter(job.files))
    now = source_closure(job.script) if job.script else closure_of(script, job.text)
    for name in {**job.files, **now}:
        if now.get(name) != job.files.get(name):
            raise StrategyError(f"{name} was edited while it was certified; certify again")

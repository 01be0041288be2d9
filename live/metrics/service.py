"""What the engine round the machine says: its state, the writer, the journal, venues."""

from __future__ import annotations

from collections import Counter
from typing import Final

from live.engine import Engine
from live.metrics.sheet import Sheet

__all__ = ["STATES", "STRATEGY_STATES", "read_engine", "read_journal", "read_venues"]

STATES: Final = ("starting", "running", "halted", "stopping", "stopped")
STRATEGY_STATES: Final = (
    "available",
    "validating",
    "starting",
    "running",
    "paused",
    "draining",
    "stopped",
    "failed",
)


def read_engine(sheet: Sheet, engine: Engine) -> None:
    pump, strategies = engine.pump, engine.strategies
    sheet.put("trading_engine_start_time_seconds", engine.started_ns / 1e9)
    sheet.put("trading_engine_halted", float(engine.state == "halted"))
    sheet.put("trading_engine_uncertified_allowed", float(not engine.gate.required))
    for state in STATES:
        sheet.put("trading_engine_state", float(engine.state == state), state)
    sheet.put("trading_engine_problems", len(engine.problems))
    counts = Counter(record.state for record in engine.machine.strategies.values())
    for state in STRATEGY_STATES:
        sheet.put("trading_engine_strategies", counts[state], state)
    for kind, count in engine.tasks.failures.items():
        sheet.put("trading_engine_task_failures_total", count, kind)
    sheet.put("trading_engine_hot_swaps_total", strategies.swaps)
    sheet.put("trading_engine_sandbox_level", int(engine.sandbox.level))
    sheet.put("trading_engine_recovery_seconds", engine.recovered.seconds)
    sheet.put("trading_engine_recovery_inputs", engine.recovered.inputs)
    sheet.put("trading_engine_inbox_inputs", pump.waiting)
    sheet.put("trading_engine_unsaved_blocks", pump.unsaved)
    sheet.put("trading_engine_unfit_inputs_total", pump.unfit)
    sheet.put("trading_engine_late_signals_total", pump.refused_late)
    sheet.put("trading_engine_events_total", engine.events.sequence)
    sheet.put("trading_engine_stream_readers", engine.events.readers)
    sheet.put("trading_engine_log_lines_dropped_total", engine.tracer.suppressed)


def read_journal(sheet: Sheet, engine: Engine) -> None:
    found = engine.journal.info()
    sheet.put("trading_engine_journal_commit_latency_seconds", found["commit_ms"] / 1e3)
    sheet.put("trading_engine_journal_lag_seconds", found["lag_ms"] / 1e3)
    sheet.put("trading_engine_journal_backlog_records", found["backlog"])
    sheet.put("trading_engine_journal_warnings", len(found["warnings"]))
    sheet.put("trading_engine_journal_size_bytes", found["size_bytes"])
    sheet.put("trading_engine_journal_records_total", found["head"])
    sheet.put("trading_engine_journal_commits_total", found["commits"])


def read_venues(sheet: Sheet, engine: Engine) -> None:
    desk, problems = engine.machine.desk, engine.sessions.problems
    for venue in engine.venues:
        status, name = venue.status(), venue.name
        halted = desk.view.venues[desk.venues.index(name)].halted
        sheet.put("trading_venue_up", float(status.up), name)
        sheet.put("trading_venue_halted", float(halted), name)
        sheet.put("trading_venue_problem", float(name in problems), name)
        sheet.put("trading_venue_last_event_time_seconds", status.last_event_ns / 1e9, name)
        sheet.put("trading_venue_reports_total", status.reports, name)
        sheet.put("trading_venue_reconnects_total", status.reconnects, name)
        sheet.put("trading_venue_events_dropped_total", status.dropped, name)

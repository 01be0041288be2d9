"""The durable journal: every input of the engine, before its effect leaves the process."""

from live.journal.journal import Journal
from live.journal.records import Record, Retention, Snapshot

__all__ = ["Journal", "Record", "Retention", "Snapshot"]

"""The durable journal: every input of the engine, before its effect leaves the process.

What holds, on SQLite and on PostgreSQL alike:

- A record that was called durable survives kill -9 and a power cut. One that was not may be there after a crash, once.
- Each record's CRC32 goes on from the one before it. A changed, missing or moved record refuses the start and is named;
  an end that was torn off opens to its sound part, with a line in the log and in `Journal.warnings`. At the start all
  after the newest snapshot and at least the newest 250,000 records are verified; the rest whenever they are read.
- One engine per journal. SQLite: a lock of the system on `PATH.lock`, and SQLite's own write lock held all the time;
  readers of other processes are welcome. PostgreSQL: an advisory lock, held by the very connection that writes.
- A failure halts: `append` raises, `on_failure` is called once, nothing is tried again by itself. `JournalFailed.final`
  tells what a person can do. Disk full, server gone or read-only: `resume()`, which first looks what has landed and
  whether another engine has written meanwhile, then writes what waits. A failed sync (EIO), a removed file, somebody
  else's records: only a new start.
- Records wait in a bounded queue; beyond it `append` raises with cause "backlog" and takes nothing. So ask `backlog`
  before acting on what is about to be appended.

`PATH.lock` also holds the newest durable sequence. It is not synced, but a journal that ends before it is told apart
from a sound one; to begin a new journal at the same path remove it with the others (PATH, PATH-wal, PATH-shm).
For PostgreSQL the engine's data folder has such a file (`mark` of `Journal.open`), and the database itself the newest
record of the last orderly end: a server that was restored from a copy, or replaced by one that lagged, is noticed.

Where `Retention.days` is set, old records are dropped after a snapshot, a thousand in a transaction;
`Journal.pruned` says up to where. What is left begins with a snapshot whose meta holds what the first record had held.

`market.MarketRecorder` keeps prices in Parquet, by a process of its own (`market_process`: pyarrow takes 60 MB, which
the engine does without), and `market_reading` reads them. After a crash `recorder.recorded` says from which record on
the engine may feed it again from the journal.
"""

from live.journal.journal import Journal
from live.journal.records import Record, Snapshot
from live.journal.retention import Retention

__all__ = ["Journal", "Record", "Retention", "Snapshot"]

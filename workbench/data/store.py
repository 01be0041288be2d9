"""A folder of Parquet files, one per set of prices, and DuckDB over them."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path
from typing import Any, Final

import msgspec
import pandas as pd

from workbench.core.messages import Instrument
from workbench.data.frames import split_table
from workbench.data.prices import Prices
from workbench.data.readers import read_table
from workbench.errors import DataError

__all__ = ["Catalog", "from_stored", "is_stored", "write_parquet"]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
# pandas keeps a frame's `attrs` in the Parquet file; what a plain table cannot say goes there.
_KEY: Final = "trading_workbench"


class Catalog:
    """Prices kept under names in the folder `root`, which is made at the first `add`.

    Each name is one Parquet file with columns timestamp, symbol, venue, open, high, low, close, volume and any of
    bid, ask, bid_size, ask_size, which other tools read as well.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        if self.root.exists() and not self.root.is_dir():
            raise DataError(f"{self.root}: expected a folder for prices, found a file")

    def add(self, prices: Prices, name: str) -> Path:
        """Write `prices` under `name`, whole or not at all; what was there under this name is replaced."""
        path = self._path(name)
        write_parquet(prices, path)
        return path

    def names(self) -> list[str]:
        """Names of what is kept, sorted."""
        return sorted(path.stem for path in self.root.glob("*.parquet") if _NAME.fullmatch(path.stem))

    def load(self, name: str) -> Prices:
        """Prices kept under `name`, checked again.  Raises DataError naming what there is."""
        path = self._existing(name)
        return from_stored(read_table(path).data, str(path))

    def query(self, sql: str) -> pd.DataFrame:
        """Answer of DuckDB to `sql`, in which each name is a table: `select avg(close) from "btc-2023"`.

        Only the files of this catalog can be read.  Raises DataError with DuckDB's reason in one line.
        """
        import duckdb  # here, so that prices load without it

        with duckdb.connect(":memory:") as connection:
            try:
                connection.execute("SET TimeZone = 'UTC'")
                for name in self.names():
                    source = str(self._path(name).resolve()).replace("'", "''")
                    connection.execute(f"""CREATE VIEW "{name}" AS SELECT * FROM read_parquet('{source}')""")
                connection.execute("SET allowed_directories = [?]", [str(self.root.resolve())])
                connection.execute("SET enable_external_access = false")
                answer = connection.execute(sql).df()
            except duckdb.Error as error:
                reason = " ".join(str(error).split())[:300]
                tables = ", ".join(self.names()) or "none yet"
                raise DataError(f"query: {reason}; tables are {tables}") from error
        for label in answer.select_dtypes("datetime"):  # DuckDB has no zone for nanoseconds
            answer[label] = answer[label].dt.tz_localize("UTC")
        return answer

    def __repr__(self) -> str:
        return f"Catalog({str(self.root)!r}: {', '.join(self.names()) or 'empty'})"

    def _path(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise DataError(f"expected a name of letters, digits, '-', '_' and '.', found {name!r}")
        return self.root / f"{name}.parquet"

    def _existing(self, name: str) -> Path:
        path = self._path(name)
        if not path.is_file():
            raise DataError(
                f"no prices {name!r} in {self.root}; there are {', '.join(self.names()) or 'none yet'}"
            )
        return path


def write_parquet(prices: Prices, path: Path) -> None:
    """Write `prices` to `path`, whole or not at all: a file beside it is renamed when all is on the disk.

    Raises DataError where the folder or the file cannot be written.
    """
    table = _table(prices)
    part = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, part = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        with os.fdopen(handle, "wb") as stream:
            table.to_parquet(stream, index=False)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(part, path)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written ({error.strerror or error}); choose another place"
        ) from error
    finally:
        if part:
            Path(part).unlink(missing_ok=True)


def is_stored(table: pd.DataFrame) -> bool:
    """Whether `table` was read from a file of `write_parquet`."""
    return _KEY in table.attrs


def from_stored(table: pd.DataFrame, where: str) -> Prices:
    """Prices of a table that `write_parquet` wrote, with the same instruments and bar lengths, checked again."""
    kept: Any = table.attrs.get(_KEY)
    if not isinstance(kept, dict):
        raise DataError(
            f"{where}: expected prices written by the workbench, found another table; use load(path)"
        )
    try:
        instruments = msgspec.convert(kept["instruments"], list[Instrument])
        intervals = msgspec.convert(kept["intervals_ns"], dict[str, int])
    except (KeyError, msgspec.ValidationError) as error:
        raise DataError(
            f"{where}: expected the workbench's own notes in the file, found others ({error})"
        ) from error
    parts = {}
    for instrument, (key, part) in zip(instruments, split_table(table, where).items(), strict=False):
        if instrument.name != key.name or instrument.name not in intervals:
            raise DataError(f"{where}: expected {instrument.name}, found {key.name}; write the file anew")
        parts[instrument] = part.frame
    return Prices.of_checked(parts, intervals)


def _table(prices: Prices) -> pd.DataFrame:
    parts = []
    for instrument in prices.instruments:
        part = prices.frame(instrument.name).reset_index()
        part.insert(1, "symbol", instrument.symbol)
        part.insert(2, "venue", instrument.venue)
        parts.append(part)
    table = pd.concat(parts, ignore_index=True)
    table.attrs[_KEY] = {
        "instruments": [msgspec.to_builtins(instrument) for instrument in prices.instruments],
        "intervals_ns": {name: int(prices.interval_of(name).value) for name in prices.names},
    }
    return table

"""Price files to tables: CSV (plain, .gz, or alone in a .zip), Parquet, and Binance kline files."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zipfile
from pathlib import Path
from typing import IO, Final, NamedTuple

import pandas as pd

from workbench.errors import DataError

__all__ = ["KLINE_COLUMNS", "Table", "read_table"]

# https://github.com/binance/binance-public-data: spot klines; open time in ms, from 2025-01-01 in us.
KLINE_COLUMNS: Final = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
)
_KLINE_NAME: Final = re.compile(r"([A-Z0-9]+)-\d+(?:s|m|h|d|w|mo)-\d{4}-\d{2}(?:-\d{2})?")
_CSV: Final = (".csv", ".txt", ".csv.gz", ".zip")
_PARQUET: Final = (".parquet", ".pq")


class Table(NamedTuple):
    """What a file holds, as it stands there, and what its name tells: `symbol`, `venue` (None: nothing)."""

    data: pd.DataFrame
    symbol: str | None
    venue: str | None


def read_table(path: Path) -> Table:
    """The table in `path`, not yet checked.

    Raises DataError for a missing, empty or broken file, and for a kind of file that is not understood.
    """
    if not path.exists():
        raise DataError(f"{path}: no such file; check the path")
    if not path.is_file():
        raise DataError(f"{path}: expected a file of prices, found a folder; name one file")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: expected prices, found an empty file")
    name = path.name.lower()
    if name.endswith(_PARQUET):
        return Table(_read_parquet(path), _symbol_of(path), None)
    if name.endswith(_CSV):
        return _read_csv(path)
    raise DataError(
        f"{path}: expected a file named {', '.join((*_CSV, *_PARQUET))}, found {path.suffix or 'none of these'}"
    )


def _symbol_of(path: Path) -> str:
    stem = path.name.partition(".")[0]
    return stem.replace("@", "_").strip() or "ASSET"


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_parquet(path)
    except (OSError, ValueError) as error:  # pyarrow's errors are one or the other
        raise DataError(
            f"{path}: expected a Parquet file, found one that cannot be read ({_line(error)})"
        ) from error
    if table.empty:
        raise DataError(f"{path}: expected prices, found a table without rows")
    return table


def _read_csv(path: Path) -> Table:
    try:
        content = _content(path)
        text = content.decode("utf-8-sig")
    except (OSError, EOFError, zipfile.BadZipFile, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: expected a CSV file in UTF-8, found one that cannot be read ({_line(error)})"
        ) from error
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise DataError(f"{path}: expected prices, found an empty file")
    separator = max(",;\t", key=first.count)
    cells = next(csv.reader([first], delimiter=separator))
    klines = _all_numbers(cells)
    if klines and len(cells) != len(KLINE_COLUMNS):
        raise DataError(
            f"{path}: expected a header line, or the 12 columns of a Binance kline file, found {len(cells)} columns "
            "of numbers; put timestamp,open,high,low,close,volume on top"
        )
    table = _parse(path, io.StringIO(text), separator, klines)
    if table.empty:
        raise DataError(f"{path}: expected prices below the header, found none")
    match = _KLINE_NAME.fullmatch(path.name.partition(".")[0])
    if klines or match:
        return Table(table, match[1] if match else _symbol_of(path), "binance")
    return Table(table, _symbol_of(path), None)


def _content(path: Path) -> bytes:
    if path.name.lower().endswith(".gz"):
        with gzip.open(path) as stream:
            return stream.read()
    if path.suffix.lower() != ".zip":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        inside = [name for name in archive.namelist() if name.lower().endswith(".csv")]
        if len(inside) != 1:
            raise DataError(f"{path}: expected one CSV file in it, found {len(inside)}")
        return archive.read(inside[0])


def _parse(path: Path, stream: IO[str], separator: str, klines: bool) -> pd.DataFrame:
    try:
        return pd.read_csv(
            stream,
            sep=separator,
            header=None if klines else 0,
            names=list(KLINE_COLUMNS) if klines else None,
            index_col=False,
            low_memory=False,  # or a bad cell far down would give a column of two types and a warning
        )
    except ValueError as error:  # pandas' parser errors are of this kind
        raise DataError(
            f"{path}: expected a table of {separator!r}-separated columns ({_line(error)})"
        ) from error


def _all_numbers(cells: list[str]) -> bool:
    try:
        return all(float(cell) == float(cell) for cell in cells)
    except ValueError:
        return False


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__

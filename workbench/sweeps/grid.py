"""The columns of a sweep: every combination of the parameters' values that a strategy allows."""

from __future__ import annotations

import difflib
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ConfigError, ParameterError, WorkbenchError
from workbench.strategy.compiled import CompiledStrategy, allowed, rules_of
from workbench.strategy.contract import TradingStrategy

__all__ = [
    "MOST_COLUMNS",
    "UNIT",
    "Grid",
    "Where",
    "as_number",
    "check_name",
    "check_where",
    "make_grid",
    "permitted",
]

UNIT: Final = "unit"
MOST_COLUMNS: Final = 10_000_000  # more than that is a typing error, and would not fit the memory

type Where = Callable[[pd.DataFrame], Any]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """values: one array per parameter, all of one length, a row being a column of the sweep.  dropped: combinations
    that the strategy's constraints or `where` left out.
    """

    values: Mapping[str, npt.NDArray[Any]]
    dropped: int

    def __len__(self) -> int:
        return len(next(iter(self.values.values()))) if self.values else 1

    def config(self, row: int) -> dict[str, Any]:
        """The parameters of one column as plain values."""
        return {name: _plain(column[row]) for name, column in self.values.items()}

    def frame(self) -> pd.DataFrame:
        """One row per column."""
        return pd.DataFrame(dict(self.values), index=pd.RangeIndex(len(self)))

    def take(self, rows: npt.NDArray[Any], dropped: int = 0) -> Grid:
        """Some of the columns.  dropped: how many of the others count as left out."""
        return Grid({name: column[rows] for name, column in self.values.items()}, self.dropped + dropped)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def make_grid(
    strategy: type[TradingStrategy],
    params: Mapping[str, Iterable[Any]],
    where: Where | None = None,
    config: Mapping[str, Any] | None = None,
) -> Grid:
    """Every combination of `params` (a range, list or array of values for each name, or one value), in the order of an
    odometer, less those that the strategy's CONSTRAINTS or `where` (frame of combinations -> booleans) leave out.

    config: parameters that stay the same, which constraints may name as well.
    Raises ParameterError for a name that the strategy does not have, a value that it cannot take, or an empty grid.
    """
    lists = {
        str(name): _values(strategy, str(name), values) for name, values in _named(strategy, params).items()
    }
    count = math.prod(len(values) for values in lists.values())
    if count > MOST_COLUMNS:
        raise ParameterError(f"the grid has {count:,} combinations, more than {MOST_COLUMNS:,}; thin it out")
    values = _product(lists, count)
    kept = permitted(strategy, values, count, where, config)
    if not kept.any():
        rules = ", ".join(getattr(strategy, "CONSTRAINTS", ())) or "no constraint"
        raise ParameterError(
            f"{strategy.__name__}: none of the {count:,} combinations is allowed ({rules}"
            f"{'' if where is None else ', and where='}); widen the grid"
        )
    return Grid({name: column[kept] for name, column in values.items()}, int(count - kept.sum()))


def permitted(
    strategy: type[TradingStrategy],
    values: Mapping[str, npt.NDArray[Any]],
    count: int,
    where: Where | None = None,
    config: Mapping[str, Any] | None = None,
) -> npt.NDArray[np.bool_]:
    """bool[count]: which combinations, rows of `values`, the CONSTRAINTS of a compiled strategy and `where` allow."""
    kept = np.ones(count, dtype=np.bool_)
    if issubclass(strategy, CompiledStrategy):
        same = {**(strategy.PARAMETERS or {}), **(config or {})}
        numbers = {name: value for name, value in same.items() if isinstance(value, int | float)}
        for rule in rules_of(strategy):
            answer = np.asarray(allowed(rule, {**numbers, **values}), dtype=np.bool_)
            kept &= np.broadcast_to(answer, (count,))
    if where is not None:
        kept &= _filter(where, values, count)
    return kept


def _named(
    strategy: type[TradingStrategy], params: Mapping[str, Iterable[Any]]
) -> Mapping[str, Iterable[Any]]:
    given: object = params
    if not isinstance(given, Mapping):
        raise ParameterError(f"params must map parameters to their values, found {type(given).__name__}")
    if not given:
        raise ParameterError(
            f'the grid is empty: params must name at least one parameter, as in {{"fast": range(5, 50)}}; '
            f"{strategy.__name__} has {', '.join(strategy.PARAMETERS or {}) or 'none'}"
        )
    return given


def check_name(strategy: type[TradingStrategy], name: str) -> None:
    """Raise ParameterError unless the strategy has this parameter; every one has `unit`."""
    known = strategy.PARAMETERS
    if known is not None and name not in known and name != UNIT:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(known) or 'none'}, and {UNIT}"
        raise ParameterError(f"{strategy.__name__} has no parameter {name!r}; {hint}")


def _values(strategy: type[TradingStrategy], name: str, given: object) -> Sequence[Any]:
    check_name(strategy, name)
    known = strategy.PARAMETERS
    single = isinstance(given, str | Real | Mapping) or given is None
    values = [given] if single or not isinstance(given, Iterable) else list(given)
    if not values:
        raise ParameterError(f"the grid is empty: {name} has no values")
    if name == UNIT or (known is not None and isinstance(known[name], int | float)):
        default = 1.0 if known is None or name not in known else known[name]
        return list(dict.fromkeys(as_number(strategy, name, value, default) for value in values))
    if issubclass(strategy, CompiledStrategy):
        raise ParameterError(
            f"{strategy.__name__}: {name} is no number, and cannot be swept; put one value into config="
        )
    try:
        return list({(type(value), value): value for value in values}.values())
    except TypeError:  # what cannot be hashed is not compared
        return values


def as_number(strategy: type[TradingStrategy], name: str, value: object, default: Any) -> Any:
    """`value` as a number of the kind that `default` is.  Raises ParameterError where it is none."""
    plain = _plain(value)
    if isinstance(default, bool):
        if plain not in (True, False):
            raise ParameterError(f"{strategy.__name__}: {name} must be True or False, found {plain!r}")
        return bool(plain)
    if isinstance(plain, bool) or not isinstance(plain, int | float) or not -math.inf < plain < math.inf:
        raise ParameterError(
            f"{strategy.__name__}: {name} must be finite numbers like {default!r}, found {plain!r}"
        )
    if isinstance(default, int) and plain != int(plain):
        raise ParameterError(
            f"{strategy.__name__}: {name} must be whole numbers like {default!r}, found {plain!r}"
        )
    if name == UNIT and plain < 0:
        raise ParameterError(
            f"{strategy.__name__}: unit must be a finite number of units >= 0, found {plain!r}"
        )
    most = 2**63 if isinstance(default, int) else sys.float_info.max
    if issubclass(strategy, CompiledStrategy) and not -most <= plain < most:
        raise ParameterError(f"{strategy.__name__}: {name} must be a number of 64 bits, found {plain!r:.40}")
    return int(plain) if isinstance(default, int) else float(plain)


def _product(lists: Mapping[str, Sequence[Any]], count: int) -> dict[str, npt.NDArray[Any]]:
    """Columns of the product, the last name running fastest."""
    columns: dict[str, npt.NDArray[Any]] = {}
    repeat = count
    for name, values in lists.items():
        repeat //= len(values)
        column = np.asarray(values) if all(isinstance(v, int | float) for v in values) else _objects(values)
        columns[name] = np.tile(np.repeat(column, repeat), count // (repeat * len(values)))
    return columns


def _objects(values: Sequence[Any]) -> npt.NDArray[Any]:
    column = np.empty(len(values), dtype=object)
    for place, value in enumerate(values):
        column[place] = value
    return column


def check_where(where: object) -> None:
    """Raise ConfigError unless it is a function, or None."""
    if where is not None and not callable(where):
        raise ConfigError(
            f"where must be a function of a frame of combinations, such as lambda f: f['fast'] < f['slow'], "
            f"found {where!r:.80}"
        )


def _filter(where: Where, values: Mapping[str, npt.NDArray[Any]], count: int) -> npt.NDArray[np.bool_]:
    check_where(where)
    try:
        answer = np.asarray(where(pd.DataFrame(dict(values))))
    except WorkbenchError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigError(
            f"where raised {reason}; it is given a frame with the columns {', '.join(values)}"
        ) from error
    if answer.shape != (count,) or answer.dtype != np.bool_:
        raise ConfigError(
            f"where must answer a frame of {count:,} combinations with as many booleans, found "
            f"{answer.dtype} of shape {answer.shape}"
        )
    return answer

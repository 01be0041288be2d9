"""Splits of rows in time order into training and test rows, without what leaks from one to the other.

They have scikit-learn's interface, and need no scikit-learn: `split(X, y=None, groups=None)` yields pairs of row
numbers (int64), `get_n_splits()` says how many, and `cross_val_score(model, X, y, cv=...)` takes them.

Two things leak.  A label that is made of the next rows (the return over the next ten, say) is known to rows on either
side of a border: `purge` is how far a label looks ahead, and training rows whose labels would overlap a test row's are
left out, on both sides.  What follows a test is still like it: `embargo` leaves out that much more after it.  Both are
numbers of rows, or spans of time such as "5D" where X has times as its index.  So between a training row and a test
row that comes later lies more than `purge`, and between a test row and a training row that comes later more than
`purge` + `embargo`.  (Walking forward there is no row after a test to train on; the whole gap is before it.)

Source: M. López de Prado, "Advances in financial machine learning", Wiley 2018, chapters 7 and 12.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ConfigError, DataError
from workbench.performance.arithmetic import Floats
from workbench.performance.calendar import times_of
from workbench.performance.inputs import check_count

__all__ = ["CombinatorialPurgedCV", "PurgedKFold", "TimeSplitter", "WalkForward"]

type Rows = npt.NDArray[np.int64]
type Gap = int | str | pd.Timedelta
"""A number of rows, or a span of time."""


class TimeSplitter(ABC):
    """Base of the splitters: tests made of contiguous blocks of rows, trained without what leaks."""

    def __init__(self, purge: Gap = 0, embargo: Gap = 0) -> None:
        self.purge = _gap("purge", purge)
        self.embargo = _gap("embargo", embargo)
        if 0 not in (self.purge, self.embargo) and type(self.purge) is not type(self.embargo):
            raise ConfigError(
                f"purge and embargo must both be rows or both be spans of time, found {purge!r} and {embargo!r}"
            )

    @abstractmethod
    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:  # noqa: N803
        """How many pairs `split` yields; the arguments are ignored."""

    @abstractmethod
    def _tests(self, rows: int) -> Iterator[list[tuple[int, int]]]:
        """For each split, its test blocks: first row, and the row after the last."""

    def split(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: object = None,  # noqa: ARG002
        groups: object = None,  # noqa: ARG002
    ) -> Iterator[tuple[Rows, Rows]]:
        """Training and test rows of each split.  X: anything with a length; rows in time order.

        Where several rows have one time (a panel), give spans of time: with "0s", too, no time is both trained on and
        tested.

        Raises DataError for too few rows, or where nothing is left to train on; ConfigError for spans of time without
        times.
        """
        count = int(X.shape[0]) if hasattr(X, "shape") else len(X)
        where = self._places(X, count)
        before, behind = self._gaps()
        for number, blocks in enumerate(self._tests(count)):
            train = self._candidates(count, blocks)
            for first, after in blocks:
                train[_reach(where, first, after, before, behind)] = False
            chosen = np.flatnonzero(train).astype(np.int64)
            if not len(chosen):
                raise DataError(
                    f"split {number} of {count} rows has nothing to train on: purge {self.purge} and "
                    f"embargo {self.embargo} leave out all of it; make them or the number of splits smaller"
                )
            yield self._trimmed(chosen), np.concatenate([np.arange(a, b, dtype=np.int64) for a, b in blocks])

    def _gaps(self) -> tuple[int, int]:
        """How far around a test rows are left out: before it, and after."""
        purge, embargo = _width(self.purge), _width(self.embargo)
        return purge, purge + embargo

    def _candidates(self, count: int, blocks: list[tuple[int, int]]) -> npt.NDArray[np.bool_]:  # noqa: ARG002
        """Rows that may be trained on, the test rows among them."""
        return np.ones(count, dtype=np.bool_)

    def _trimmed(self, train: Rows) -> Rows:
        return train

    def _places(self, X: Any, count: int) -> Rows:  # noqa: N803
        """What gaps are measured on: row numbers, or times in ns."""
        if isinstance(self.purge, int) and isinstance(self.embargo, int):
            return np.arange(count, dtype=np.int64)
        index = X if isinstance(X, pd.Index) else getattr(X, "index", None)
        if not isinstance(
            index, pd.DatetimeIndex | pd.PeriodIndex
        ):  # before times_of says it of periods_per_year
            raise ConfigError(
                "purge and embargo are spans of time, so X needs times as its index "
                f"(found {type(X).__name__}); pass numbers of rows instead"
            )
        return times_of(index, repeated=True)  # a panel has one row a stock and time

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in vars(self).items())
        return f"{type(self).__name__}({settings})"


def _gap(what: str, value: object) -> int | pd.Timedelta:
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return check_count(what, value, 0)
    if not isinstance(value, str | pd.Timedelta | np.timedelta64):
        raise ConfigError(f"{what} must be a number of rows or a span of time such as '5D', found {value!r}")
    try:
        span = pd.Timedelta(value)
    except ValueError as reason:
        raise ConfigError(
            f"{what} must be a span of time such as '5D', found {value!r} ({reason})"
        ) from reason
    if not span >= pd.Timedelta(0):
        raise ConfigError(f"{what} must be a span of time of 0 or more, found {value!r}")
    return span


def _width(gap: int | pd.Timedelta) -> int:
    return gap if isinstance(gap, int) else int(gap.as_unit("ns").value)


def _reach(where: Rows, first: int, after: int, before: int, behind: int) -> slice:
    """The rows of a test block, and those around it that leak."""
    begin, end = int(where[first]) - before, int(where[after - 1]) + behind
    return slice(
        int(np.searchsorted(where, begin, side="left")), int(np.searchsorted(where, end, side="right"))
    )


def _blocks(rows: int, number: int) -> list[tuple[int, int]]:
    """`number` contiguous blocks of all rows, the first ones a row longer where it does not come out even."""
    if rows < number:
        raise DataError(f"expected at least {number} rows, one a block, found {rows}")
    sizes = np.full(number, rows // number)
    sizes[: rows % number] += 1
    edges = np.concatenate([[0], np.cumsum(sizes)]).tolist()
    return list(pairwise(edges))


class WalkForward(TimeSplitter):
    """Train on what came before, test on what comes next, step forward.

    Tests are the last `n_splits` blocks of `test_size` rows, each tested once, in order; without a purge and an embargo
    this is scikit-learn's TimeSeriesSplit.  What lies before all tests is only trained on.
    """

    def __init__(
        self,
        n_splits: int = 5,
        *,
        test_size: int | None = None,
        max_train_size: int | None = None,
        purge: Gap = 0,
        embargo: Gap = 0,
    ) -> None:
        """n_splits: 1 or more.  test_size: rows a test; None takes len(X) // (n_splits + 1).

        max_train_size: the latest rows to train on, a rolling window; None takes all before, an expanding one.  purge,
        embargo: see the module; here the gap before a test is both together, since nothing after it is trained on.
        """
        super().__init__(purge, embargo)
        self.n_splits = check_count("n_splits", n_splits, 1)
        self.test_size = None if test_size is None else check_count("test_size", test_size, 1)
        self.max_train_size = (
            None if max_train_size is None else check_count("max_train_size", max_train_size, 1)
        )

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:  # noqa: N803, ARG002
        """How many pairs `split` yields; the arguments are ignored."""
        return self.n_splits

    def _tests(self, rows: int) -> Iterator[list[tuple[int, int]]]:
        size = rows // (self.n_splits + 1) if self.test_size is None else self.test_size
        start = rows - self.n_splits * size
        if not size or start < 1:
            raise DataError(
                f"{self.n_splits} tests of {max(size, 1)} rows and something to train on before them need "
                f"{self.n_splits * max(size, 1) + 1} rows or more, found {rows}"
            )
        for first in range(start, rows, size):
            yield [(first, first + size)]

    def _gaps(self) -> tuple[int, int]:
        purge, behind = super()._gaps()
        return behind, purge  # nothing after a test is trained on: the embargo is kept before it

    def _candidates(self, count: int, blocks: list[tuple[int, int]]) -> npt.NDArray[np.bool_]:
        return np.arange(count) < blocks[0][0]

    def _trimmed(self, train: Rows) -> Rows:
        return train if self.max_train_size is None else train[-self.max_train_size :]


class PurgedKFold(TimeSplitter):
    """Contiguous folds, each tested once, trained on what comes before and after it less what leaks."""

    def __init__(self, n_splits: int = 5, *, purge: Gap = 0, embargo: Gap = 0) -> None:
        """n_splits: 2 or more.  purge, embargo: see the module."""
        super().__init__(purge, embargo)
        self.n_splits = check_count("n_splits", n_splits, 2)

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:  # noqa: N803, ARG002
        """How many pairs `split` yields; the arguments are ignored."""
        return self.n_splits

    def _tests(self, rows: int) -> Iterator[list[tuple[int, int]]]:
        for block in _blocks(rows, self.n_splits):
            yield [block]


class CombinatorialPurgedCV(TimeSplitter):
    """Every choice of `n_test_groups` out of `n_groups` contiguous groups is a test.

    So each row is tested in several splits, and the tests can be put together to several whole paths through the data,
    each row once in each: `paths`.
    """

    def __init__(
        self, n_groups: int = 6, n_test_groups: int = 2, *, purge: Gap = 0, embargo: Gap = 0
    ) -> None:
        """n_groups: 2 or more.  n_test_groups: at least 1, fewer than n_groups.  purge, embargo: see the module."""
        super().__init__(purge, embargo)
        self.n_groups = check_count("n_groups", n_groups, 2)
        self.n_test_groups = check_count("n_test_groups", n_test_groups, 1)
        if self.n_test_groups >= self.n_groups:
            raise ConfigError(
                f"n_test_groups must be fewer than n_groups, {n_groups}, found {n_test_groups}: "
                "nothing would be left to train on"
            )

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:  # noqa: N803, ARG002
        """Number of choices, n_groups over n_test_groups; the arguments are ignored."""
        return math.comb(self.n_groups, self.n_test_groups)

    @property
    def n_paths(self) -> int:
        """Number of paths: how many splits test each group."""
        return math.comb(self.n_groups - 1, self.n_test_groups - 1)

    def _tests(self, rows: int) -> Iterator[list[tuple[int, int]]]:
        blocks = _blocks(rows, self.n_groups)
        for chosen in combinations(blocks, self.n_test_groups):
            yield list(chosen)

    def path_splits(self) -> Rows:
        """int64[n_paths, n_groups]: the split whose test of the group belongs to the path."""
        found: list[list[int]] = [[] for _ in range(self.n_groups)]
        for number, chosen in enumerate(combinations(range(self.n_groups), self.n_test_groups)):
            for group in chosen:
                found[group].append(number)
        return np.array(found, dtype=np.int64).T

    def paths(self, predictions: Sequence[npt.ArrayLike], rows: int) -> Floats:
        """Put predictions together to whole paths, float64[n_paths, rows].

        predictions: for each split, in the order of `split`, one value for each of its test rows.  Raises DataError
        where their numbers do not fit.
        """
        splits = list(self._tests(rows))
        if len(predictions) != len(splits):
            raise DataError(f"expected predictions of {len(splits)} splits, found {len(predictions)}")
        whole = np.full((len(splits), rows), np.nan)
        for number, (blocks, given) in enumerate(zip(splits, predictions, strict=True)):
            values = np.asarray(given, dtype=np.float64)
            tested = np.concatenate([np.arange(a, b) for a, b in blocks])
            if values.shape != tested.shape:
                raise DataError(
                    f"split {number}: expected one prediction for each of {len(tested)} test rows, "
                    f"found shape {values.shape}"
                )
            whole[number, tested] = values
        paths = np.empty((self.n_paths, rows))
        for path, chosen in enumerate(self.path_splits()):
            for (first, after), number in zip(_blocks(rows, self.n_groups), chosen, strict=True):
                paths[path, first:after] = whole[number, first:after]
        return paths

"""Splits in time order: what leaks is left out, and every row is tested as often as is promised."""

from __future__ import annotations

import contextlib
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit, cross_val_score

from workbench.errors import ConfigError, DataError
from workbench.performance.splitters import CombinatorialPurgedCV, PurgedKFold, TimeSplitter, WalkForward

type Pairs = list[tuple[list[int], list[int]]]


def pairs(splitter: TimeSplitter, rows: Any) -> Pairs:
    X = np.zeros((rows, 2)) if isinstance(rows, int) else rows  # noqa: N806
    return [(train.tolist(), test.tolist()) for train, test in splitter.split(X)]


def test_walk_forward_by_hand() -> None:
    assert pairs(WalkForward(2, test_size=3), 10) == [
        ([0, 1, 2, 3], [4, 5, 6]),
        ([0, 1, 2, 3, 4, 5, 6], [7, 8, 9]),
    ]
    assert pairs(WalkForward(2, test_size=3, purge=1, embargo=1), 10) == [
        ([0, 1], [4, 5, 6]),
        ([0, 1, 2, 3, 4], [7, 8, 9]),
    ]
    assert pairs(WalkForward(2, test_size=3, max_train_size=2, purge=1), 10) == [
        ([1, 2], [4, 5, 6]),
        ([4, 5], [7, 8, 9]),
    ]
    assert pairs(WalkForward(3), 9)[0] == ([0, 1, 2], [3, 4])  # 9 // 4 rows a test


def test_purged_k_fold_by_hand() -> None:
    # Labels look one row ahead; two more rows after a test are left out as well.
    assert pairs(PurgedKFold(3, purge=1, embargo=2), 12) == [
        ([7, 8, 9, 10, 11], [0, 1, 2, 3]),
        ([0, 1, 2, 11], [4, 5, 6, 7]),
        ([0, 1, 2, 3, 4, 5, 6], [8, 9, 10, 11]),
    ]
    assert [test for _, test in pairs(PurgedKFold(3), 8)] == [[0, 1, 2], [3, 4, 5], [6, 7]]


def test_combinations_by_hand() -> None:
    cv = CombinatorialPurgedCV(4, 2, embargo=1)
    found = pairs(cv, 8)
    assert [test for _, test in found] == [
        [0, 1, 2, 3],
        [0, 1, 4, 5],
        [0, 1, 6, 7],
        [2, 3, 4, 5],
        [2, 3, 6, 7],
        [4, 5, 6, 7],
    ]
    assert found[1][0] == [3, 7]  # 2 and 6 come right after a test
    assert (cv.get_n_splits(), cv.n_paths) == (6, 3)
    assert cv.path_splits().tolist() == [[0, 0, 1, 2], [1, 3, 3, 4], [2, 4, 5, 5]]


def test_six_groups_two_at_a_time_make_five_paths() -> None:
    """M. López de Prado, "Advances in financial machine learning", figure 12.1: 15 splits, 5 paths."""
    cv = CombinatorialPurgedCV(6, 2)
    assert (cv.get_n_splits(), cv.n_paths) == (15, 5)


def test_spans_of_time_need_times_and_follow_them() -> None:
    days = pd.DatetimeIndex(
        ["2024-01-01", "2024-01-02", "2024-01-05", "2024-01-08", "2024-01-09", "2024-01-10"]
    )
    frame = pd.DataFrame({"x": range(6)}, index=days)
    cv = WalkForward(1, test_size=2, purge="2D")
    assert pairs(cv, frame) == [([0, 1, 2], [4, 5])]  # the 8th is a day before the test, the 5th is four
    assert pairs(cv, frame.index) == pairs(cv, frame["x"]) == pairs(cv, frame)
    assert pairs(WalkForward(1, test_size=2, purge="4D"), frame) == [([0, 1], [4, 5])]
    kfold = pairs(PurgedKFold(3, purge="0D", embargo=pd.Timedelta("3D")), frame)
    assert kfold[0] == ([3, 4, 5], [0, 1])  # the 5th is three days after the 2nd, the 8th six


def test_rows_of_one_time_are_never_on_both_sides() -> None:
    panel = pd.DataFrame(
        {"x": range(8)}, index=pd.DatetimeIndex(np.repeat(pd.date_range("2024", periods=4), 2))
    )
    train, test = pairs(WalkForward(1, test_size=3, purge="0s"), panel)[0]
    assert (train, test) == ([0, 1, 2, 3], [5, 6, 7])  # row 4 has the time of row 5


gaps = st.tuples(st.integers(0, 4), st.integers(0, 4))


def check_no_leak(found: Pairs, purge: int, embargo: int) -> None:
    for train, test in found:
        assert train
        assert not set(train) & set(test)
        assert train == sorted(set(train))
        before = [t - max(i for i in train if i < t) for t in test if any(i < t for i in train)]
        after = [min(i for i in train if i > t) - t for t in test if any(i > t for i in train)]
        assert all(distance > purge for distance in before)
        assert all(distance > purge + embargo for distance in after)


@given(st.integers(2, 6), gaps, st.integers(30, 90))
def test_purged_folds_leak_nothing_and_test_each_row_once(
    splits: int, gap: tuple[int, int], rows: int
) -> None:
    cv = PurgedKFold(splits, purge=gap[0], embargo=gap[1])
    found = pairs(cv, rows)
    check_no_leak(found, *gap)
    assert sorted(row for _, test in found for row in test) == list(range(rows))
    assert len(found) == cv.get_n_splits()
    for train, test in found:  # nothing is left out without a reason
        near = {r for t in test for r in range(t - gap[0], t + gap[0] + gap[1] + 1)}
        assert set(train) == set(range(rows)) - near


@given(st.integers(1, 6), gaps, st.integers(40, 90), st.one_of(st.none(), st.integers(1, 30)))
def test_walking_forward_never_trains_on_what_comes_later(
    splits: int, gap: tuple[int, int], rows: int, most: int | None
) -> None:
    assume(rows - splits * (rows // (splits + 1)) > sum(gap))
    found = pairs(WalkForward(splits, max_train_size=most, purge=gap[0], embargo=gap[1]), rows)
    size = rows // (splits + 1)
    assert [row for _, test in found for row in test] == list(range(rows - splits * size, rows))
    for train, test in found:
        assert test[0] - train[-1] == sum(gap) + 1
        assert train == list(range(train[0], train[-1] + 1))
        assert train[0] == 0 if most is None else len(train) <= most


@given(st.integers(3, 7), st.integers(1, 3), gaps, st.integers(80, 120))
def test_combinations_leak_nothing_and_test_each_row_once_a_path(
    groups: int, tests: int, gap: tuple[int, int], rows: int
) -> None:
    assume(tests < groups)
    cv = CombinatorialPurgedCV(groups, tests, purge=gap[0], embargo=gap[1])
    found = pairs(cv, rows)
    check_no_leak(found, *gap)
    assert len(found) == cv.get_n_splits()
    times_tested = np.bincount([row for _, test in found for row in test], minlength=rows)
    assert (times_tested == cv.n_paths).all()
    # Predictions that say in which split they were made: a path takes each row from a split that tested it.
    paths = cv.paths([np.full(len(test), number) for number, (_, test) in enumerate(found)], rows)
    assert paths.shape == (cv.n_paths, rows)
    for row in range(rows):
        testers = {number for number, (_, test) in enumerate(found) if row in test}
        assert set(paths[:, row]) == testers  # each of them once


@given(
    st.lists(st.integers(0, 300), min_size=12, max_size=40).map(sorted),
    st.integers(0, 20),
    st.integers(0, 20),
)
def test_spans_of_time_leak_nothing(hours: list[int], purge: int, embargo: int) -> None:
    index = pd.Timestamp("2024-01-01") + pd.to_timedelta(hours, unit="h")
    cv = PurgedKFold(3, purge=pd.Timedelta(hours=purge), embargo=f"{embargo}h")
    found = []
    with contextlib.suppress(DataError):  # a fold may leave nothing to train on
        found = pairs(cv, pd.DatetimeIndex(index))
    for train, test in found:
        for i in train:
            for t in test:
                distance = hours[t] - hours[i]
                assert distance > purge or -distance > purge + embargo


# -- beside scikit-learn --------------------------------------------------------------------------------------------


@given(st.integers(2, 6), st.integers(0, 5), st.integers(30, 80), st.one_of(st.none(), st.integers(1, 20)))
def test_walk_forward_is_scikit_learns_time_series_split(
    splits: int, gap: int, rows: int, most: int | None
) -> None:

    assume(rows - splits * (rows // (splits + 1)) > gap)
    X = np.zeros((rows, 1))  # noqa: N806
    theirs = TimeSeriesSplit(splits, gap=gap, max_train_size=most).split(X)
    ours = WalkForward(splits, purge=gap, max_train_size=most).split(X)
    for (train, test), (other_train, other_test) in zip(ours, theirs, strict=True):
        assert train.tolist() == other_train.tolist()
        assert test.tolist() == other_test.tolist()


@pytest.mark.parametrize(
    ("cv", "scores"),
    [
        (WalkForward(4, purge=2), 4),
        (PurgedKFold(5, purge=2, embargo=3), 5),
        (PurgedKFold(5, purge="2D", embargo="3D"), 5),
        (CombinatorialPurgedCV(5, 2, embargo=1), 10),
    ],
)
def test_scikit_learn_takes_them(cv: TimeSplitter, scores: int) -> None:
    rng = np.random.default_rng(1)
    X = pd.DataFrame(rng.normal(size=(200, 3)), pd.date_range("2024-01-01", periods=200))  # noqa: N806
    y = X @ np.array([1.0, -2.0, 0.5]) + rng.normal(0.0, 0.1, 200)
    found = cross_val_score(LinearRegression(), X, y, cv=cv)
    assert len(found) == scores
    assert (found > 0.9).all()
    search = clone(GridSearchCV(LinearRegression(), {"fit_intercept": [True, False]}, cv=cv))
    assert search.fit(X, y).n_splits_ == scores


# -- mistakes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WalkForward(0), r"n_splits must be a whole number of 1 or more, found 0"),
        (lambda: WalkForward(cast("int", 2.5)), r"n_splits must be a whole number of 1 or more, found 2.5"),
        (lambda: WalkForward(test_size=0), r"test_size must be a whole number of 1 or more, found 0"),
        (lambda: WalkForward(max_train_size=-1), r"max_train_size must be a whole number of 1 or more"),
        (lambda: PurgedKFold(1), r"n_splits must be a whole number of 2 or more, found 1"),
        (lambda: PurgedKFold(purge=-1), r"purge must be a whole number of 0 or more, found -1"),
        (
            lambda: PurgedKFold(embargo=cast("int", 0.01)),
            r"embargo must be a number of rows or a span of time such as '5D'",
        ),
        (lambda: PurgedKFold(purge="soon"), r"purge must be a span of time such as '5D', found 'soon'"),
        (lambda: PurgedKFold(purge="-5D"), r"purge must be a span of time of 0 or more, found '-5D'"),
        (
            lambda: PurgedKFold(purge=3, embargo="5D"),
            r"purge and embargo must both be rows or both be spans of time",
        ),
        (lambda: CombinatorialPurgedCV(3, 3), r"n_test_groups must be fewer than n_groups, 3, found 3"),
    ],
)
def test_settings_that_make_no_sense(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make()


@pytest.mark.parametrize(
    ("cv", "rows", "message"),
    [
        (
            WalkForward(5),
            5,
            r"5 tests of 1 rows and something to train on before them need 6 rows or more, found 5",
        ),
        (WalkForward(2, test_size=5), 10, r"2 tests of 5 rows .* need 11 rows or more, found 10"),
        (PurgedKFold(5), 4, r"expected at least 5 rows, one a block, found 4"),
        (
            PurgedKFold(2, purge=10),
            20,
            r"split 0 of 20 rows has nothing to train on: purge 10 and embargo 0 leave out all",
        ),
        (WalkForward(2, purge=10), 12, r"split 0 of 12 rows has nothing to train on"),
    ],
)
def test_too_few_rows(cv: TimeSplitter, rows: int, message: str) -> None:
    with pytest.raises(DataError, match=message):
        pairs(cv, rows)


def test_spans_of_time_without_times() -> None:
    with pytest.raises(
        ConfigError, match=r"X needs times as its index \(found ndarray\); pass numbers of rows instead"
    ):
        pairs(PurgedKFold(3, purge="1D"), 30)
    falling = pd.DataFrame({"x": range(9)}, index=pd.date_range("2024", periods=9)[::-1])
    with pytest.raises(
        DataError, match=r"expected times that rise, found 2024-01-08 .* after 2024-01-09 .*; sort them"
    ):
        pairs(PurgedKFold(3, purge="1D"), falling)


def test_paths_must_fit() -> None:
    cv = CombinatorialPurgedCV(3, 1)
    with pytest.raises(DataError, match=r"expected predictions of 3 splits, found 1"):
        cv.paths([[0.0]], 9)
    with pytest.raises(
        DataError, match=r"split 1: expected one prediction for each of 3 test rows, found shape \(2,\)"
    ):
        cv.paths([[0.0] * 3, [0.0] * 2, [0.0] * 3], 9)


def test_it_says_what_it_is() -> None:
    assert repr(PurgedKFold(5, embargo=3)) == "PurgedKFold(purge=0, embargo=3, n_splits=5)"

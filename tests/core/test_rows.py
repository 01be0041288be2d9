"""The layout of the state: field names must not hide behind numpy's own, and views must agree with the buffer."""

import numpy as np
import pytest

from workbench.core import rows, state

LAYOUTS = {name: value for name, value in vars(rows).items() if isinstance(value, np.dtype)}


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS)
def test_no_field_is_called_like_an_attribute_of_a_record(layout: np.dtype[np.void]) -> None:
    """`record.var` would be numpy's method in plain code and the field in compiled code."""
    names = set(layout.names or ())
    assert names
    assert names.isdisjoint(dir(np.record))
    assert all(layout[name].itemsize == 8 for name in names)


def test_sections_fill_the_buffer_without_overlap() -> None:
    buffer = state.allocate(
        strategies=2,
        instruments=3,
        venues=2,
        symbols=2,
        orders=5,
        queue=5,
        events=7,
        faults=1,
        window=8,
        executions=4,
    )
    desk = state.desk_views(buffer)
    for number, view in enumerate(desk[1:], 1):
        np.asarray(view).view(np.uint8)[:] = number
    counts = np.bincount(buffer[rows.HEADER.itemsize :], minlength=len(desk))
    assert counts[0] == 0
    assert counts[1:].tolist() == [np.asarray(view).nbytes for view in desk[1:]]

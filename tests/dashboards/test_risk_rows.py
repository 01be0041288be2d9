"""Whatever happens to orders, and whenever pages of them are read, the table ends as the engine's own list."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live.api.views import order_view
from live.machine.blotter import Blotter
from tests.dashboards.orders import Happening, carry_out, happenings
from workbench.client.frames import FILLS, ORDERS, frame_of
from workbench.dashboards.state.rows import newest, next_cursor

MOST = 3


def page(blotter: Blotter, after: int, limit: int) -> pd.DataFrame:
    """Orders as the engine answers a request for them, and the client reads it."""
    from msgspec import to_builtins

    lines = blotter.orders(after, 10**6)[:limit]
    return frame_of([to_builtins(order_view(line)) for line in lines], ORDERS, "order_id")


def the_engines_own(blotter: Blotter, most: int) -> list[tuple[int, str, float]]:
    lines = sorted(blotter.orders(0, 10**6), key=lambda line: -line.cursor)[:most]
    return [(line.order_id, line.state, line.filled) for line in lines]


def shown(table: pd.DataFrame) -> list[tuple[int, str, float]]:
    return list(zip(table.index.tolist(), table["state"], table["filled"], strict=True))


@settings(max_examples=40)
@given(events=happenings(), limit=st.integers(1, 5), reads=st.lists(st.booleans(), min_size=24, max_size=24))
def test_by_cursor_the_table_ends_as_the_engines_list(
    events: list[Happening], limit: int, reads: list[bool]
) -> None:
    blotter, table, cursor = Blotter(), None, 0
    for event, read in zip(events, reads, strict=False):
        carry_out(blotter, event)
        if read:
            table = newest(table, page(blotter, cursor, limit), MOST)
            cursor = next_cursor(table, cursor)
    while len(rest := page(blotter, cursor, limit)) or table is None:
        table = newest(table, rest, MOST)
        if rest.empty:
            break
        cursor = next_cursor(table, cursor)
    assert shown(table) == the_engines_own(blotter, MOST)


@settings(max_examples=30)
@given(events=happenings(), data=st.data())
def test_pages_in_any_order_and_twice_end_in_the_same_table(events: list[Happening], data: Any) -> None:
    blotter, pages = Blotter(), []
    for event in events:
        after = blotter.cursor
        carry_out(blotter, event)
        pages.append(page(blotter, after, 100))  # what this one changed, as it was then
    shuffled = data.draw(
        st.permutations(pages + data.draw(st.lists(st.sampled_from(pages or [page(blotter, 0, 1)]))))
    )
    table: pd.DataFrame | None = None
    for late in shuffled:
        table = newest(table, late, 10**6)
    if table is None:
        assert not events
        return
    assert shown(table) == the_engines_own(blotter, 10**6)


def test_an_order_whose_cancel_is_refused_is_seen_to_work_on() -> None:
    blotter = Blotter()
    for ns, what in enumerate(["accept", "acknowledge", "ask back"]):
        carry_out(blotter, Happening(what, 1, 1.0, ns))
    table = newest(None, page(blotter, 0, 10), MOST)
    assert table["state"].tolist() == ["cancelling"]
    carry_out(blotter, Happening("keep", 1, 1.0, 3))
    table = newest(table, page(blotter, next_cursor(table, 0), 10), MOST)
    assert table["state"].tolist() == ["working"]


def test_fills_are_kept_by_their_cursor_newest_first() -> None:
    rows = [
        dict.fromkeys((c.partition(":")[0] for c in FILLS.split()), 0) | {"cursor": k} for k in range(1, 8)
    ]
    table = newest(None, frame_of(rows[:4], FILLS, "cursor"), 5)
    table = newest(table, frame_of(rows[2:], FILLS, "cursor"), 5)
    assert table.index.tolist() == [7, 6, 5, 4, 3]
    assert next_cursor(table, 0) == 7
    assert next_cursor(newest(None, frame_of([], FILLS, "cursor"), 5), 12) == 12


def test_without_rows_a_table_has_its_columns() -> None:
    table = newest(None, frame_of([], ORDERS, "order_id"), 5)
    assert table.empty
    assert "state" in table.columns


@pytest.mark.parametrize("most", [1, 3])
def test_a_table_is_bounded(most: int) -> None:
    rows = [
        dict.fromkeys((c.partition(":")[0] for c in ORDERS.split()), 0) | {"cursor": k, "order_id": k}
        for k in range(50)
    ]
    assert len(newest(None, frame_of(rows, ORDERS, "order_id"), most)) == most

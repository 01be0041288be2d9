"""Tables that follow the engine's: bounded, newest first, the same whatever order their pages come in.

An order that changes comes again under a higher cursor, so that the newest row of each counts and older ones of it are
let go of.  However often, however late and in whichever order pages are put in, what is shown is what the engine itself
would list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["newest", "next_cursor"]


def newest(shown: pd.DataFrame | None, page: pd.DataFrame, most: int) -> pd.DataFrame:
    """`shown` with the rows of `page`, of each index entry the one with the highest cursor; the `most` newest, first.

    Both as `EngineClient.orders` (index: order_id) or `.fills` (index: cursor) gives them; `page` may come late, twice,
    or not next to what is shown.
    """
    import pandas as pd

    fresh = page.assign(cursor=page.index) if "cursor" not in page.columns else page
    fresh = fresh.rename_axis(index="key")  # an index may be called cursor as well
    if shown is None or shown.empty:
        rows = fresh
    elif fresh.empty:
        rows = shown
    else:
        rows = pd.concat([fresh, shown])
    rows = rows.sort_values("cursor", ascending=False, kind="stable")
    return rows[~rows.index.duplicated()].head(most)


def next_cursor(shown: pd.DataFrame | None, before: int) -> int:
    """Behind which cursor to ask from now on."""
    return before if shown is None or shown.empty else max(before, int(shown["cursor"].iloc[0]))

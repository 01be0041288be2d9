"""Cursors: every order and fill is seen, none twice, while more come in."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.live.api.server import Served


@pytest.fixture(scope="module", autouse=True)
def trading(served: Served) -> None:
    served.client.post("/api/v1/strategies/start", json={"script": "trader"})
    deadline = time.monotonic() + 20.0
    while len(_page(served, "fills")["fills"]) < 30 and time.monotonic() < deadline:
        time.sleep(0.05)


def _page(served: Served, kind: str, **query: Any) -> Any:
    answer = served.client.get(f"/api/v1/{kind}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_pages_of_fills_join_up(served: Served) -> None:
    whole = _page(served, "fills", limit=1000)["fills"]
    after = 0
    seen: list[Any] = []
    while len(seen) < len(whole):
        page = _page(served, "fills", limit=7, after=after)
        assert len(page["fills"]) <= 7
        seen += page["fills"]
        after = page["next"]
    assert seen[: len(whole)] == whole
    assert [fill["cursor"] for fill in whole] == list(range(1, len(whole) + 1))


def test_an_order_that_changes_comes_again_behind_its_old_place(served: Served) -> None:
    last: dict[int, str] = {}
    after = 0
    for _ in range(400):
        page = _page(served, "orders", limit=5, after=after)
        cursors = [order["cursor"] for order in page["orders"]]
        assert cursors == sorted(set(cursors))
        assert all(cursor > after for cursor in cursors)
        last |= {order["order_id"]: order["state"] for order in page["orders"]}
        after = page["next"]
        if not page["more"]:
            break
    fills = _page(served, "fills", limit=1000)["fills"]
    assert {fill["order_id"] for fill in fills} <= last.keys()


def test_a_page_behind_the_newest_is_empty_and_keeps_its_cursor(served: Served) -> None:
    page = _page(served, "fills", after=10**12)
    assert (page["fills"], page["next"], page["more"]) == ([], 10**12, False)
    assert _page(served, "orders", after=10**12)["orders"] == []


def test_filters_match_what_they_say(served: Served) -> None:
    assert all(o["state"] == "filled" for o in _page(served, "orders", state="filled")["orders"])
    assert _page(served, "orders", symbol="ETH-USD")["orders"] == []
    assert _page(served, "fills", strategy_id="nobody")["fills"] == []
    assert _page(served, "fills", strategy_id="trader", symbol="BTC-USD")["fills"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "after=-1", "after=1e3", "after=" + "9" * 30, "state=odd"]
)
def test_a_page_that_cannot_be_is_422(served: Served, query: str) -> None:
    for kind in ("orders", "fills"):
        if query.startswith("state") and kind == "fills":
            continue
        answer = served.client.get(f"/api/v1/{kind}?{query}")
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"


def test_prices_of_a_market_order_that_do_not_exist_are_null(served: Served) -> None:
    order = _page(served, "orders", state="filled")["orders"][0]
    assert order["order_type"] == "market"
    assert order["limit_price"] is None
    assert order["stop_price"] is None
    assert order["correlation_id"].startswith("trader-1-")

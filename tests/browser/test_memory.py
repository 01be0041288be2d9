"""The server's memory while pages come and go."""

from __future__ import annotations

from typing import Final

import psutil
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, served

_VIEWS: Final = 5
_MOST: Final = 25 * 2**20  # bytes for a page; one that ran all by itself took 115 MB


def test_a_page_more_takes_little_memory(open_page: OpenPage) -> None:
    before = {child.pid for child in psutil.Process().children()}
    with served("research") as url:
        (server,) = [child for child in psutil.Process().children() if child.pid not in before]
        used = []
        for _ in range(_VIEWS + 1):
            page = open_page(f"{url}/research")
            expect(page.get_by_role("button", name="Pin to compare")).to_be_visible()
            page.close()
            used.append(server.memory_info().rss)
    assert used[-1] - used[0] < _VIEWS * _MOST, [one // 2**20 for one in used]

"""What a server says of pages that have gone, and of all else."""

from __future__ import annotations

import logging

import pytest
from tornado.websocket import WebSocketClosedError

from workbench.dashboards.quiet import hear_no_closed_pages


def test_a_page_that_was_closed_is_no_trouble_and_anything_else_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    hear_no_closed_pages()
    log = logging.getLogger("tornado.application")
    for error in (WebSocketClosedError(), ValueError("a fault")):
        log.error("Uncaught exception", exc_info=error)
    logging.getLogger("bokeh.server.views.ws").warning("Failed sending message as connection was closed")
    assert [record.exc_info and str(record.exc_info[1]) for record in caplog.records] == ["a fault"]

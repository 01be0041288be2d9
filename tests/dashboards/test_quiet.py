"""What a server says of pages that have gone, and of all else."""

from __future__ import annotations

import logging

import pytest
from bokeh.server.connection import ServerConnection
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


def test_a_page_that_went_before_its_session_began_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    hear_no_closed_pages()
    connection = ServerConnection.__new__(ServerConnection)
    connection._session = None  # as bokeh leaves one whose session has ended
    log = logging.getLogger("tornado.application")
    for assertion in (lambda: connection.session, _fail):
        try:
            assertion()
        except AssertionError:
            log.exception("Uncaught exception")
    assert [str(record.exc_info and record.exc_info[1]) for record in caplog.records] == ["ours"]


def _fail() -> None:
    raise AssertionError("ours")

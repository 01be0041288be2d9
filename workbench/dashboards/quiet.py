"""What a server would complain of though nothing is wrong: a page was closed while something was on its way to it."""

from __future__ import annotations

import logging
from traceback import walk_tb
from typing import Final

from tornado.iostream import StreamClosedError
from tornado.websocket import WebSocketClosedError

__all__ = ["hear_no_closed_pages"]

_LOGGERS: Final = ("bokeh.server.views.ws", "panel", "tornado.application", "asyncio")
_TOLD: Final = "Failed sending message as connection was closed"


class _Closed(logging.Filter):
    """Lets through all but what tells that a page has gone."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        gone = isinstance(error, WebSocketClosedError | StreamClosedError) or _before_it_began(error)
        return not (gone or record.getMessage().startswith(_TOLD))


def _before_it_began(error: BaseException | None) -> bool:
    """Whether bokeh asserts that a connection has a session, of one that has none yet or no longer."""
    if not isinstance(error, AssertionError) or error.__traceback__ is None:
        return False
    code = list(walk_tb(error.__traceback__))[-1][0].f_code
    return code.co_qualname == "ServerConnection.session"


_CLOSED: Final = _Closed()


def hear_no_closed_pages() -> None:
    """Have the loggers of the server leave it out; asked again, nothing more happens."""
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_CLOSED)

"""`workbench dashboard`: the apps in one server, all of it from installed packages."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import panel as pn
from tornado.httpclient import AsyncHTTPClient
from tornado.ioloop import IOLoop
from tornado.web import RequestHandler

from workbench.dashboards.apps import APPS, App, Session, app_named
from workbench.dashboards.apps.reports import FILES
from workbench.dashboards.files import ReportFiles
from workbench.dashboards.look import start_panel
from workbench.dashboards.quiet import hear_no_closed_pages
from workbench.dashboards.shell import index_page, page
from workbench.errors import ConfigError
from workbench.reporting.runner import OUTPUT

__all__ = ["PORT", "lends_token", "make_server", "origins_of", "serve"]

PORT: Final = 5006
_VISIT_S: Final = 120.0

_log = logging.getLogger(__name__)


class _Index(RequestHandler):
    """The page that lists the apps."""

    def initialize(self, apps: Sequence[App]) -> None:
        """apps: to be listed."""
        self._apps = apps

    def get(self) -> None:
        """The page."""
        self.write(index_page(self._apps))


def make_server(
    apps: Sequence[str] = (),
    *,
    port: int = 0,
    address: str = "127.0.0.1",
    origins: Sequence[str] = (),
    engine: str | None = None,
    folder: Path | None = None,
) -> Any:
    """A Bokeh server with the apps that are named (none: all), listening, and not yet running.

    port: 0 takes a free one; it is the server's `.port`.  origins: further hosts (`name:port`) whose pages may connect,
    for a proxy under another name.  engine, folder: as in `Session`.
    Raises ConfigError for an app that is not there, or an address that cannot be listened at.
    """
    chosen = [app_named(name) for name in apps] or list(APPS.values())
    start_panel()
    hear_no_closed_pages()
    where = folder or Path.cwd()
    pages: dict[str, Any] = {
        app.name: _opener(app, chosen, engine, where, lends_token(address, origins)) for app in chosen
    }
    _warm_up(chosen, Session(engine, where))
    try:
        port = _free_port(address, port)
        return pn.io.server.get_server(
            pages,
            port=port,
            address=address,
            websocket_origin=origins_of(port, address, origins),
            title={app.name: f"{app.title} · Trading workbench" for app in chosen},
            extra_patterns=[
                (r"/", _Index, {"apps": chosen}),
                (rf"/{FILES}/(.*)", ReportFiles, {"path": str((where / OUTPUT).resolve())}),
            ],
            start=False,
            show=False,
            location=False,
            use_index=False,
            keep_alive_milliseconds=20_000,
            unused_session_lifetime_milliseconds=30_000,
        )
    except OSError as error:
        raise ConfigError(
            f"cannot listen at {address}:{port}: {error.strerror or error}; name another one with --port"
        ) from error


def _opener(
    app: App, apps: Sequence[App], engine: str | None, folder: Path, lends: bool
) -> Callable[[], Any]:
    """What makes one page for each that somebody opens.  Panel wants a plain function.  lends: as in `Session`."""

    def opened() -> Any:
        viewable = app.view(Session(engine, folder, lends))
        # The page itself says when the server is gone, and the session is taken up again when it is back.
        if pn.state.curdoc is not None:
            pn.state.curdoc.config.update(
                reconnect_session=True, notifications=None, notify_connection_status=False
            )
        return page(app, viewable, apps, note=f"engine: {engine}" if engine else "")

    return opened


def lends_token(address: str, origins: Sequence[str]) -> bool:
    """Only this machine can open pages there: whoever does acts with the token of who started the server.

    Where other hosts' pages may connect, a proxy hands ours on to others, who sign in with tokens of their own.
    """
    if origins:
        return False
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:  # a name
        return address == "localhost"


def origins_of(port: int, address: str, further: Sequence[str]) -> list[str]:
    """Hosts whose pages may open a socket here: this machine's, the address itself, and those that were named."""
    hosts = dict.fromkeys(["localhost", "127.0.0.1", address])
    if address == "0.0.0.0":
        hosts = dict.fromkeys([*hosts, socket.gethostname(), socket.getfqdn()])
    return [*(f"{host}:{port}" for host in hosts), *further]


def _free_port(address: str, port: int) -> int:
    """`port`, or with 0 one that nobody listens at: the origins have to name it before the server has it.

    Raises OSError where it cannot be listened at.
    """
    with socket.create_server((address, port)) as found:
        free: int = found.getsockname()[1]
    return free


def _warm_up(apps: Sequence[App], session: Session) -> None:
    """Load and work out what every first page would wait for."""
    from workbench.plotting.style import load

    load()
    for app in apps:
        # In a thread, since what is worked out has an event loop of its own; one that fails is told by its page.
        with ThreadPoolExecutor(1) as aside:
            error = aside.submit(app.warm, session).exception()
        if error is not None:
            _log.warning("%s could not be made ready: %s", app.title, error)


async def _visit(url: str, apps: Sequence[App]) -> None:
    """Make each page once, for nobody: what its parts load when they are first drawn is there for the first visitor."""
    client = AsyncHTTPClient()
    for app in apps:
        answer = await client.fetch(f"{url}{app.name}", raise_error=False, request_timeout=_VISIT_S)
        if answer.code != HTTPStatus.OK:
            _log.warning("%s could not be made ready: %s", app.title, answer.reason)


def serve(
    apps: Sequence[str] = (),
    *,
    port: int = PORT,
    address: str = "127.0.0.1",
    origins: Sequence[str] = (),
    engine: str | None = None,
    browser: bool = True,
    ready: Callable[[str], object],
) -> None:
    """Serve until Ctrl-C.  ready: told the address once pages are answered; others are as for `make_server`."""
    server = make_server(apps, port=port, address=address, origins=origins, engine=engine)
    host = "localhost" if address in ("0.0.0.0", "::") else address
    root = f"http://{host}:{server.port}/"
    server.start()
    server.io_loop.run_sync(partial(_visit, root, [app_named(name) for name in apps] or list(APPS.values())))
    ready(f"{root}{apps[0] if len(apps) == 1 else ''}")
    if browser:
        server.io_loop.add_callback(partial(server.show, f"/{apps[0] if len(apps) == 1 else ''}"))
    try:
        IOLoop.current().start()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()

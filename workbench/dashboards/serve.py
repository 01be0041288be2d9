"""`workbench dashboard`: the apps in one server, all of it from installed packages."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import panel as pn
from tornado.ioloop import IOLoop
from tornado.web import RequestHandler

from workbench.dashboards.apps import APPS, App, Session, app_named
from workbench.dashboards.apps.reports import FILES
from workbench.dashboards.files import ReportFiles
from workbench.dashboards.look import start_panel
from workbench.dashboards.shell import index_page, page
from workbench.errors import ConfigError
from workbench.reporting.runner import OUTPUT

__all__ = ["PORT", "make_server", "serve"]

PORT: Final = 5006


class _Index(RequestHandler):
    """The page that lists the apps."""

    def get(self) -> None:
        self.write(index_page())


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
    _warm_up()
    where = folder or Path.cwd()
    pages: dict[str, Any] = {app.name: _opener(app, engine, where) for app in chosen}
    try:
        port = port or _free_port(address)
        return pn.io.server.get_server(
            pages,
            port=port,
            address=address,
            websocket_origin=_origins(port, address, origins),
            title={app.name: f"{app.title} · Trading workbench" for app in chosen},
            extra_patterns=[
                (r"/", _Index),
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


def _opener(app: App, engine: str | None, folder: Path) -> Callable[[], Any]:
    """What makes one page for each that somebody opens.  Panel wants a plain function."""

    def opened() -> Any:
        given = pn.state.session_args
        arguments = {
            str(name): values[0].decode("utf-8", "replace") for name, values in given.items() if values
        }
        viewable = app.view(Session(engine, folder, arguments))
        return page(app, viewable, note=f"engine: {engine}" if engine else "")

    return opened


def _origins(port: int, address: str, further: Sequence[str]) -> list[str]:
    """Hosts whose pages may open a socket here: this machine's, the address itself, and those that were named."""
    hosts = dict.fromkeys(["localhost", "127.0.0.1", address])
    if address == "0.0.0.0":
        hosts = dict.fromkeys([*hosts, socket.gethostname(), socket.getfqdn()])
    return [*(f"{host}:{port}" for host in hosts), *further]


def _free_port(address: str) -> int:
    """A port that nobody listens at just now: the origins have to name it before the server has it."""
    with socket.create_server((address, 0)) as found:
        port: int = found.getsockname()[1]
    return port


def _warm_up() -> None:
    """Load what every first page would wait for."""
    from workbench.plotting.style import load

    load()


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
    url = f"http://{host}:{server.port}/{apps[0] if len(apps) == 1 else ''}"
    server.start()
    ready(url)
    if browser:
        server.io_loop.add_callback(partial(server.show, f"/{apps[0] if len(apps) == 1 else ''}"))
    try:
        IOLoop.current().start()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()

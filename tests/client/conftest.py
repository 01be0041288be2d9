"""A real engine with REST, in a loop of its own thread, for clients that block."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import structlog

from live.api.auth import Tokens
from live.api.commands import Commands
from live.api.rest import RestServer
from live.engine import Engine
from live.metrics import Metrics
from tests.live.engine.desk import open_engine, paper_market, settings_for


class Running(NamedTuple):
    """An engine that runs.  data: its folder, with the admin's token."""

    engine: Engine
    tokens: Tokens
    url: str
    data: Path
    loop: asyncio.AbstractEventLoop


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """On a made-up market, for all tests of a module; it logs nothing: what commands print is looked at."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    folder = tmp_path_factory.mktemp("engine")
    settings = settings_for(folder, requests_per_second=1000.0)
    loop, there, over = asyncio.new_event_loop(), threading.Event(), asyncio.Event()
    found: list[Running] = []

    async def serve() -> None:
        async with open_engine(settings, paper_market()) as engine:
            tokens, commands = Tokens(settings.data), Commands(engine)
            rest = RestServer(engine, tokens, commands, Metrics(engine))
            await rest.start()
            found.append(Running(engine, tokens, f"http://127.0.0.1:{rest.port}", settings.data, loop))
            there.set()
            await over.wait()
            await rest.stop()
            await commands.finish()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert there.wait(120)
    yield found[0]
    loop.call_soon_threadsafe(over.set)
    thread.join(30)
    loop.close()
    structlog.reset_defaults()

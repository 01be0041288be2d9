from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from tests.live.journal.postgres_server import PostgresServer

_numbers = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[PostgresServer]:
    """One PostgreSQL for all tests that do not hurt it."""
    running = PostgresServer()
    yield running
    running.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where there is no journal yet: a file, or a schema of its own in the server's database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/journal.db"
    return fresh_schema(request.getfixturevalue("server"))


def fresh_schema(server: PostgresServer) -> str:
    name = f"journal_{next(_numbers)}"
    server.ask(f"CREATE SCHEMA {name}")
    return f"{server.url}&options=-csearch_path%3D{name}"

"""One server for the tests of a module."""

from collections.abc import Iterator

import pytest

from tests.live.api.server import Served, serve


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("engine")) as found:
        yield found

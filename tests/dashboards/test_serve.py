"""The server before a browser comes: what it refuses, and who may connect."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from tornado.web import HTTPError

from workbench.cli.app import run
from workbench.dashboards.apps import APPS, app_named
from workbench.dashboards.files import ReportFiles
from workbench.dashboards.serve import lends_token, origins_of
from workbench.errors import ConfigError


def test_an_app_that_is_not_there_is_told_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["dashboard", "nonsense", "--no-browser", "--port", "0"]) == 2
    assert capsys.readouterr().err == f"error: no dashboard 'nonsense'; there is: {', '.join(APPS)}\n"


def test_a_port_that_is_taken_is_told_with_how_to_mend_it(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["dashboard", "--no-browser", "--port", str(port)]) == 2
    said = capsys.readouterr().err
    assert f"cannot listen at 127.0.0.1:{port}" in said
    assert "--port" in said


def test_pages_of_this_machine_and_of_named_hosts_may_connect_and_no_others() -> None:
    assert origins_of(5006, "127.0.0.1", ["hub.example:443"]) == [
        "localhost:5006",
        "127.0.0.1:5006",
        "hub.example:443",
    ]


@pytest.mark.parametrize(
    ("address", "origins", "lends"),
    [
        ("127.0.0.1", [], True),
        ("::1", [], True),
        ("localhost", [], True),
        ("0.0.0.0", [], False),
        ("10.0.0.7", [], False),
        ("desk.example", [], False),
        ("127.0.0.1", ["hub.example:443"], False),  # a proxy shows the pages to others
    ],
)
def test_the_servers_token_is_lent_to_pages_of_this_machine_alone(
    address: str, origins: list[str], lends: bool
) -> None:
    assert lends_token(address, origins) is lends


@pytest.mark.parametrize(
    "path",
    [
        "daily/1/../../../etc/passwd",
        ".working/1/report.html",
        "daily/../report.html",
        "daily/1/run.json",
        "index.html",
        "",
    ],
)
def test_only_what_a_run_has_published_is_handed_out(path: str, tmp_path: Path) -> None:
    with pytest.raises(HTTPError, match="404"):
        ReportFiles.get_absolute_path(str(tmp_path), path)
    assert ReportFiles.get_absolute_path(str(tmp_path), "daily/1/report.html") == str(
        tmp_path / "daily/1/report.html"
    )


def test_every_app_is_known_by_its_name() -> None:
    assert app_named("research").title == "Research lab"
    with pytest.raises(ConfigError, match="no dashboard"):
        app_named("Research")

"""Where the client looks for an engine, and whom it gives the token."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workbench.client import address
from workbench.client.address import find_engine
from workbench.errors import ConfigError

VARIABLES = (
    "WORKBENCH_ENGINE_URL",
    "WORKBENCH_ENGINE_TOKEN",
    "TRADING_ENGINE_DATA",
    "TRADING_ENGINE_HOST",
    "TRADING_ENGINE_PORT",
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder without an engine, an environment without settings, and a package beside which none lies."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(address, "__file__", str(tmp_path / "beside" / "workbench" / "client" / "address.py"))


def data(folder: Path, url: str = "", token: str = "t-1") -> Path:
    folder.mkdir(parents=True)
    (folder / "admin.token").write_text(token + "\n")
    (folder / "admin.token").chmod(0o600)
    if url:
        (folder / "service.json").write_text(json.dumps({"url": url}))
    return folder


def test_without_anything_it_is_the_usual_port_and_no_token() -> None:
    assert find_engine(None, None, None) == ("http://127.0.0.1:8083", "", "")


def test_the_folder_tells_where_and_gives_the_token(tmp_path: Path) -> None:
    data(tmp_path / "var" / "engine", "http://127.0.0.1:9")
    assert find_engine(None, None, None)[:2] == ("http://127.0.0.1:9", "t-1")


def test_the_folder_beside_the_package_is_found(tmp_path: Path) -> None:
    data(tmp_path / "beside" / "var" / "engine", "http://127.0.0.1:8")
    assert find_engine(None, None, None)[:2] == ("http://127.0.0.1:8", "t-1")


def test_what_is_given_counts_before_the_environment_and_that_before_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRADING_ENGINE_DATA", str(data(tmp_path / "d", "http://127.0.0.1:9")))
    assert find_engine(None, None, None)[:2] == ("http://127.0.0.1:9", "t-1")
    monkeypatch.setenv("WORKBENCH_ENGINE_URL", "http://127.0.0.1:10/")
    monkeypatch.setenv("WORKBENCH_ENGINE_TOKEN", "t-2")
    assert find_engine(None, None, None)[:2] == ("http://127.0.0.1:10", "t-2")
    assert find_engine("localhost:11", "t-3", None)[:2] == ("http://localhost:11", "t-3")


def test_host_and_port_of_the_environment_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRADING_ENGINE_PORT", "9000")
    monkeypatch.setenv("TRADING_ENGINE_HOST", "0.0.0.0")
    assert find_engine(None, None, None).url == "http://127.0.0.1:9000"


@pytest.mark.parametrize(
    ("url", "is_local"),
    [
        ("http://127.0.0.1:1", True),
        ("http://localhost:1/", True),
        ("https://[::1]:1", True),
        ("https://engine.example.com", False),
        ("http://127.example.com:1", False),
        ("http://127.0.0.1@example.com", False),
        ("http://localhost.example.com", False),
    ],
)
def test_the_token_of_this_machine_is_sent_nowhere_else(tmp_path: Path, url: str, is_local: bool) -> None:
    folder = data(tmp_path / "d")
    assert find_engine(url, None, folder).token == ("t-1" if is_local else "")


def test_a_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    folder = data(tmp_path / "d")
    (folder / "admin.token").chmod(0o644)
    with pytest.raises(ConfigError, match="others can read it; expected mode 600, found 644"):
        find_engine(None, None, folder)
    assert find_engine(None, "t-9", folder).token == "t-9"


def test_half_a_file_of_the_service_is_passed_over(tmp_path: Path) -> None:
    folder = data(tmp_path / "d")
    (folder / "service.json").write_text('{"url": "htt')
    assert find_engine(None, None, folder).url == "http://127.0.0.1:8083"

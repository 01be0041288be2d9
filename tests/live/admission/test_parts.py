"""The parts of the gate by themselves: files of the project, the store, the time, and what counts as simulated."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from live.admission import CertificateStore, LatestTime, ProjectFiles, check_simulated, project
from tests.live.admission.world import certified, later, script_text
from workbench.certificates import key_pair
from workbench.errors import CertificateError, ConfigError


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[ProjectFiles, Path]:
    """A project with one module, and its states as of now."""
    module = tmp_path / "workbench" / "helper.py"
    module.parent.mkdir()
    module.write_text("X = 1\n")
    monkeypatch.setattr(project, "PROJECT", tmp_path)
    monkeypatch.setattr(project, "project_file", lambda name: tmp_path / name)
    return ProjectFiles(), module


def sources(module: Path) -> dict[str, str]:
    return {"mine.py": "0" * 64, "workbench/helper.py": hashlib.sha256(module.read_bytes()).hexdigest()}


def test_files_as_they_were_certified_are_good(files: tuple[ProjectFiles, Path]) -> None:
    found, module = files
    found.check(sources(module), "mine.py", None)


def test_an_edited_file_is_told(files: tuple[ProjectFiles, Path]) -> None:
    found, module = files
    wanted = {**sources(module), "workbench/helper.py": "1" * 64}
    with pytest.raises(
        CertificateError, match=r"workbench/helper\.py, which it imports, is not what was certified"
    ):
        found.check(wanted, "mine.py", None)


@pytest.mark.parametrize("how", ["edited", "put back", "put back with its times", "exchanged", "linked"])
def test_a_file_that_was_touched_since_the_beginning_is_told(
    files: tuple[ProjectFiles, Path], how: str, tmp_path: Path
) -> None:
    """What is loaded already may be another text: the host of strategies' processes has begun with the engine."""
    found, module = files
    status, wanted, text = module.stat(), sources(module), module.read_text()
    if how == "exchanged":
        other = tmp_path / "other.py"
        other.write_text(text)
        os.replace(other, module)
    elif how == "linked":
        module.unlink()
        (tmp_path / "other.py").write_text(text)
        os.link(tmp_path / "other.py", module)
    else:
        module.write_text("X = 2\n")
        if how != "edited":
            module.write_text(text)
        if how == "put back with its times":
            os.utime(module, ns=(status.st_atime_ns, status.st_mtime_ns))
    with pytest.raises(CertificateError, match="was touched since the engine began"):
        found.check(wanted, "mine.py", None)


@pytest.mark.parametrize("name", ["./../mine.py", "helper.py", "./a/../../b.py"])
def test_a_name_that_leads_elsewhere_is_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(CertificateError, match="which this engine does not have"):
        ProjectFiles().check({name: "0" * 64}, "mine.py", tmp_path)


def test_the_store_keeps_what_it_is_given_once(tmp_path: Path) -> None:
    key = key_pair(tmp_path / "keys")
    store = CertificateStore(tmp_path / "store")
    data = certified(key, "w.py", script_text())
    name = store.keep(data).certificate.id
    assert store.keep(data).certificate.id == name
    assert store.read(name) == data
    (tmp_path / "store" / f"{name}.json").write_bytes(certified(key, "w.py", script_text()))
    with pytest.raises(CertificateError, match="another certificate has the id"):
        store.keep(data)


def test_where_there_is_no_room_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where a folder should be")
    store = CertificateStore(tmp_path / "store")
    with pytest.raises(CertificateError, match=r"cannot be kept in .*: File exists"):
        store.keep(certified(key_pair(tmp_path / "keys"), "w.py", script_text()))


def test_of_several_the_newest_of_the_text_comes_first(tmp_path: Path) -> None:
    key = key_pair(tmp_path / "keys")
    store = CertificateStore(tmp_path / "store")
    text, other = script_text(), script_text(version="2")
    names = [
        store.keep(certified(key, "w.py", source, now=later(-days))).certificate.id
        for source, days in ((text, 2), (text, 1), (other, 0))
    ]
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert store.about(digest, "Watcher") == [names[1], names[0], names[2]]
    (tmp_path / "store" / f"{names[1]}.json").write_text("{}")
    assert store.about(digest, "Watcher") == [names[0], names[2]]


@pytest.mark.parametrize("name", ["", "../x", "A" * 32, "0" * 31, "0" * 33, "0" * 31 + "/"])
def test_an_id_that_is_none_is_no_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(CertificateError, match="32 hexadecimal digits"):
        CertificateStore(tmp_path).read(name)


def test_time_never_goes_back() -> None:
    now = [100]
    time = LatestTime(lambda: now[0], 150)
    assert time.now_ns() == 150
    now[0] = 200
    assert time.now_ns() == 200
    now[0] = 50
    assert time.now_ns() == 200


def test_uncertified_strategies_are_for_simulated_venues_alone() -> None:
    check_simulated({"a": "paper", "b": "book", "c": "websocket"})
    with pytest.raises(
        ConfigError, match=r"REQUIRE_CERTIFICATE=false is for simulated venues only, found b \(fix\)"
    ):
        check_simulated({"a": "paper", "b": "fix"})

"""Uploads: what is good is kept under its hash, and what is not leaves no trace."""

from __future__ import annotations

import gzip
import hashlib
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from live.scripts import LARGEST_SCRIPT
from tests.live.api.server import TRADER, Served

UPLOAD = "/api/v1/strategies/upload"
PYTHON = {"Content-Type": "text/x-python"}


def _files(served: Served) -> set[Path]:
    return {path for path in served.engine.settings.data.parent.rglob("*") if "journal" not in path.name}


def _raw(served: Served, name: str, data: bytes) -> Any:
    return served.client.post(UPLOAD, params={"name": name}, content=data, headers=PYTHON)


def test_a_good_script_is_kept_under_its_hash_listed_and_started(served: Served) -> None:
    source = TRADER.replace('VERSION = "1.0.0"', 'VERSION = "2.5.0"')
    answer = _raw(served, "fresh.py", source.encode())
    assert answer.status_code == 201, answer.text
    digest = hashlib.sha256(source.encode()).hexdigest()
    assert answer.json() == {
        "name": "fresh.py",
        "strategy_name": "TraderStrategy",
        "version": "2.5.0",
        "source_hash": digest,
        "certificate": "",
    }
    assert (served.engine.settings.data / "uploads" / digest / "fresh.py").read_text() == source
    scripts = served.client.get("/api/v1/strategies/available").json()["scripts"]
    assert [s["source_hash"] for s in scripts if s["uploaded"] and s["name"] == "fresh.py"] == [digest]
    started = served.client.post("/api/v1/strategies/start", json={"script": digest, "strategy_id": "up"})
    assert (started.json()["state"], started.json()["version"]) == ("running", "2.5.0")
    served.client.post("/api/v1/strategies/stop", json={"strategy_id": "up"})


def test_json_does_the_same(served: Served) -> None:
    answer = served.client.post(UPLOAD, json={"name": "as_json.py", "source": TRADER})
    assert answer.status_code == 201


@pytest.mark.parametrize(
    "name",
    [
        "../escape.py",
        "..%2fescape.py",
        "/etc/cron.d/x.py",
        "a/b.py",
        "a\\b.py",
        ".hidden.py",
        "con.py\x00.txt",
        "tr\u0430der.py",  # a Cyrillic letter
        "ﬁne.py",
        "Trader.py",
        "trader.pyc",
        "trader",
        "",
        "__init__.py",
        "x" * 100 + ".py",
        "-c.py",
    ],
)
def test_a_name_that_goes_elsewhere_or_looks_like_another_is_refused(served: Served, name: str) -> None:
    before = _files(served)
    answer = served.client.post(UPLOAD, json={"name": name, "source": TRADER})
    assert answer.status_code == 422, answer.text
    assert _files(served) == before


@pytest.mark.parametrize(
    ("what", "data", "status"),
    [
        ("two classes", TRADER.encode() + TRADER.replace("TraderS", "OtherS").encode(), 422),
        ("none", b"x = 1\n", 422),
        ("syntax", b"class A(TradingStrategy)\n", 422),
        ("nothing", b"", 422),
        ("zero bytes", b"\x00" * 1000, 422),
        ("UTF-16", TRADER.encode("utf-16"), 400),
        ("latin-1", "class Ä(TradingStrategy): ...".encode("latin-1"), 400),
        ("zip bomb", gzip.compress(b"\x00" * 50_000_000), 400),
        ("deep", b"(" * 5000, 422),
        ("deep unary", b"-" * 100_000 + b"1", 422),
        ("long chain", b"x = " + b"a." * 100_000 + b"b", 422),
        ("one too many", b"#" * (LARGEST_SCRIPT + 1), 413),
    ],
)
def test_what_is_no_strategy_script_is_refused(served: Served, what: str, data: bytes, status: int) -> None:
    before = _files(served)
    answer = _raw(served, "bad.py", data)
    assert answer.status_code == status, (what, answer.text)
    assert "\n" not in answer.json()["detail"]
    assert _files(served) == before


def test_a_hundred_megabytes_are_refused(served: Served) -> None:
    before = _files(served)
    answer = _raw(served, "large.py", b"#" * 104_857_600)
    assert answer.status_code == 413
    assert _files(served) == before


def test_a_script_that_keeps_the_parser_busy_does_not_keep_the_engine_busy(served: Served) -> None:
    busy = b"x = f'" + b"{a}" * 80_000 + b"'\n" + TRADER.encode()
    answered: list[float] = []
    stop = threading.Event()

    def watch() -> None:
        with served.with_token(served.admin) as client:
            while not stop.is_set():
                client.get("/health")
                answered.append(time.monotonic())

    thread = threading.Thread(target=watch)
    thread.start()
    begun = time.monotonic()
    answer = _raw(served, "busy.py", busy)
    taken = time.monotonic() - begun
    stop.set()
    thread.join()
    assert answer.status_code == 201, answer.text
    assert taken > 0.5  # it is busy indeed
    meanwhile = [at for at in answered if begun + 0.1 * taken < at < begun + 0.9 * taken]
    assert len(meanwhile) > 3
    begun = time.monotonic()
    assert served.client.get("/api/v1/strategies/available").status_code == 200
    assert time.monotonic() - begun < taken / 2  # it is not parsed again


def test_code_is_not_run_by_being_uploaded(served: Served, tmp_path: Path) -> None:
    witness = tmp_path / "was_here"
    evil = f"open({str(witness)!r}, 'w').close()\n{TRADER}"
    assert _raw(served, "evil.py", evil.encode()).status_code == 201
    assert served.client.get("/api/v1/strategies/available").status_code == 200
    assert not witness.exists()


def test_links_and_devices_in_the_folder_are_not_followed(served: Served, tmp_path: Path) -> None:
    uploads = served.engine.settings.data / "uploads" / "0000"
    uploads.mkdir(parents=True)
    secret = tmp_path / "secret.py"
    secret.write_text(TRADER)
    (uploads / "link.py").symlink_to(secret)
    (uploads / "device.py").symlink_to("/dev/zero")
    os.mkfifo(uploads / "pipe.py")
    try:
        scripts = served.client.get("/api/v1/strategies/available").json()["scripts"]
        broken = {s["name"]: s["broken"] for s in scripts if s["name"] in ("link.py", "device.py", "pipe.py")}
        assert all(broken.values()), broken
        assert len(broken) == 3
        started = served.client.post("/api/v1/strategies/start", json={"script": "link.py"})
        assert started.status_code == 422
    finally:
        for path in uploads.iterdir():
            path.unlink()


def test_the_store_does_not_grow_without_end(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("live.api.uploads.MOST_UPLOADS", 1)
    answer = _raw(served, "more.py", TRADER.encode() + b"# more\n")
    assert answer.status_code == 429

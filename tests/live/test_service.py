"""The engine as a process: it starts, says where, ends on a signal, comes back after kill -9, refuses bad settings."""

from __future__ import annotations

import ipaddress
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import pandas as pd
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from live.__main__ import main
from live.api.generated import trading_pb2 as pb
from live.api.generated.trading_pb2_grpc import TradingServiceStub
from tests.live.engine.desk import paper_market
from tests.waiting import until
from workbench.client import EngineClient
from workbench.client.address import SERVICE_FILE as CLIENT_SERVICE_FILE
from workbench.errors import RequestError

ROOT = Path(__file__).parents[2]


class Service:
    """An engine in a process of its own, with everything below `folder`.

    program: in place of `python -m live`.  terminal: a descriptor that it writes to; None for a file, and a pipe of
    what it complains of.
    """

    def __init__(
        self, folder: Path, program: str = "", terminal: int | None = None, /, **settings: str
    ) -> None:
        self.folder = folder
        self.data = folder / "data"
        folder.mkdir(exist_ok=True)
        venues = folder / "venues.yaml"
        venues.write_text(yaml.safe_dump(paper_market()))
        own = {
            "TRADING_ENGINE_DATA": str(self.data),
            "TRADING_ENGINE_PORT": "0",
            "TRADING_ENGINE_GRPC_PORT": "0",
            "TRADING_ENGINE_VENUES": str(venues),
            "STRATEGY_ISOLATION": "thread",
            "STRATEGY_ISOLATION_MINIMUM": "none",
            "REQUIRE_CERTIFICATE": "false",
            **settings,
        }
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TRADING_ENGINE_", "STRATEGY_"))
        }
        self.out = (folder / "out").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, *(("-c", program) if program else ("-m", "live"))],
            cwd=ROOT,
            env={**clean, **own},
            stdout=self.out if terminal is None else terminal,
            stderr=subprocess.PIPE if terminal is None else terminal,
            text=True,
        )

    def ready(self) -> str:
        """The line that says where it listens."""
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert line.startswith("trading engine: "), line + self.process.stderr.read()
        return line

    def client(self) -> EngineClient:
        return EngineClient(data=self.data)

    def signal(self, number: int) -> tuple[int, str]:
        """Send a signal; exit status and the rest of stderr."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        _, errors = self.process.communicate(timeout=60)
        self.out.close()
        return self.process.returncode, errors

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "out").read_text().splitlines()]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    made: list[Service] = []

    def start(folder: str = "one", **settings: str) -> Service:
        made.append(Service(tmp_path / folder, **settings))
        return made[-1]

    yield start
    for service in made:
        if service.process.poll() is None:
            service.process.kill()
            service.ended()


def test_it_starts_says_where_and_ends_on_sigterm(serve: Callable[..., Service]) -> None:
    service = serve()
    line = service.ready()
    told = json.loads((service.data / CLIENT_SERVICE_FILE).read_text())
    for part in (told["url"], told["grpc"], str(service.data / "admin.token")):
        assert part in line
    assert told["pid"] == service.process.pid
    for private in ("admin.token", "tokens.json", CLIENT_SERVICE_FILE, "engine.log"):
        assert (service.data / private).stat().st_mode & 0o777 == 0o600, private
    with service.client() as engine:
        until(lambda: engine.health().status == "ok")
    assert service.signal(signal.SIGTERM) == (0, "")
    assert not (service.data / CLIENT_SERVICE_FILE).exists()


def test_its_log_is_json_on_stdout_and_in_a_file(serve: Callable[..., Service]) -> None:
    service = serve()
    service.ready()
    service.signal(signal.SIGINT)
    lines = service.lines()
    events = [line["event"] for line in lines]
    assert {"engine_started", "listening", "stopping", "engine_stopped"} <= set(events)
    for line in lines:
        assert list(line)[:5] == ["timestamp", "level", "service", "logger", "event"]
        assert line["service"] == "trading-engine"
        assert len(line["timestamp"]) == len("2025-09-16T14:23:45.123Z")
        assert line["timestamp"].endswith("Z")
    assert (service.data / "engine.log").read_text() == (service.folder / "out").read_text()


def test_after_kill_9_it_is_where_it_was(serve: Callable[..., Service]) -> None:
    service = serve()
    service.ready()
    with service.client() as engine:
        engine.start("momentum", "m", config={"lookback": 5, "unit": 0.1})
        until(lambda: len(engine.fills()) >= 5)
        engine.set_limits({"notional_limits": {"per_strategy": 123_456}}, reason="a test")
        engine.stop("m")
        before = engine.fills(), engine.pnl()[["fees", "capital"]], engine.audit()
    assert service.signal(signal.SIGKILL)[0] == -signal.SIGKILL
    again = serve()
    again.ready()
    with again.client() as engine:
        after = engine.fills(), engine.pnl()[["fees", "capital"]], engine.audit()
        for one, two in zip(before, after, strict=True):
            pd.testing.assert_frame_equal(one, two)
        assert engine.limits().limits["notional_limits"]["per_strategy"] == 123_456
        assert engine.strategy("m").state == "stopped"
    assert again.signal(signal.SIGTERM)[0] == 0


def test_what_ran_runs_again_after_a_restart(serve: Callable[..., Service]) -> None:
    service = serve()
    service.ready()
    with service.client() as engine:
        engine.start("momentum", "m")
    service.signal(signal.SIGKILL)
    again = serve()
    again.ready()
    with again.client() as engine:
        assert engine.strategy("m").state == "running"


def test_autostart_starts_what_the_file_enables(serve: Callable[..., Service], tmp_path: Path) -> None:
    file = tmp_path / "strategies.yaml"
    entries = [
        {"name": "quick", "class": "MomentumStrategy", "config": {"lookback": 5}},
        {"name": "off", "class": "SmaCrossStrategy", "enabled": False},
        {"name": "gone", "class": "NoSuchStrategy"},
    ]
    file.write_text(yaml.safe_dump({"default_strategies": entries}))
    service = serve(TRADING_ENGINE_AUTOSTART="true", TRADING_ENGINE_STRATEGIES=str(file))
    service.ready()
    with service.client() as engine:
        until(lambda: list(engine.strategies().index) == ["quick"])
        assert engine.strategy("quick").config == {"lookback": 5}
    service.signal(signal.SIGTERM)
    (said,) = (line for line in service.lines() if line["event"] == "strategy_not_started")
    assert said["strategy_name"] == "gone"


def test_one_engine_for_each_journal(serve: Callable[..., Service]) -> None:
    serve().ready()
    status, errors = serve().ended()
    assert status == 1
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert "journal" in errors


@pytest.mark.parametrize("variable", ["TRADING_ENGINE_PORT", "TRADING_ENGINE_GRPC_PORT"])
def test_a_port_that_is_taken_is_one_line(serve: Callable[..., Service], variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, errors = serve(**{variable: str(port)}).ended()
    assert status == 1
    assert errors.startswith(f"error: cannot listen at 127.0.0.1:{port}")
    assert variable in errors
    assert errors.count("\n") == 1


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "a port in words": ({"port": "http"}, "TRADING_ENGINE_PORT"),
    "a level that there is not": ({"log_level": "loud"}, "TRADING_ENGINE_LOG_LEVEL"),
    "no limits": ({"limits_file": "/none/limits.yaml"}, "TRADING_ENGINE_LIMITS: expected a file"),
    "no venues": ({"venues_file": "/none/venues.yaml"}, "TRADING_ENGINE_VENUES: expected a file"),
    "no strategies": ({"strategies_path": "/none"}, "STRATEGIES_PATH: expected a file or folder"),
    "strategies in a file": ({"strategies_path": __file__}, "STRATEGIES_PATH: expected a folder"),
    "half a certificate": ({"tls_cert": "cert.pem"}, "go together"),
    "an isolation that there is not": ({"strategy_isolation": "hope"}, "STRATEGY_ISOLATION"),
    "no strategies to start": (
        {"autostart": True, "strategies_file": "/none/strategies.yaml"},
        "TRADING_ENGINE_STRATEGIES: expected a file",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_settings_are_one_line_and_status_2(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given, says = BAD[name]
    assert main(**{"data": tmp_path / "data", **given}) == 2
    out, errors = capsys.readouterr()
    assert (out, errors.count("\n")) == ("", 1)
    assert errors.startswith("error: ")
    assert says in errors


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("TRADING_ENGINE_PROT", "8083", "TRADING_ENGINE_PROT is no setting"),
        ("TRADING_ENGINE_DATA", "/proc/none", "TRADING_ENGINE_DATA: /proc/none cannot be written"),
    ],
    ids=["unknown", "not writable"],
)
def test_a_process_with_bad_settings_ends_at_once(
    serve: Callable[..., Service], variable: str, value: str, says: str
) -> None:
    service = serve(**{variable: value})
    status, errors = service.ended()
    assert (status, errors.count("\n")) == (2, 1), errors
    assert errors.startswith(f"error: {says}")
    assert (service.folder / "out").read_text() == ""


def test_arguments_are_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "live", "--port", "1"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "expected no arguments, found '--port'" in done.stderr


def test_a_client_waits_for_an_engine_that_comes_back(serve: Callable[..., Service]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    service = serve(TRADING_ENGINE_PORT=port)
    service.ready()
    with service.client() as engine:
        events = engine.stream("prices")
        first = next(events)
        assert first.kind == "prices"
        service.signal(signal.SIGKILL)
        again = serve(TRADING_ENGINE_PORT=port)
        again.ready()
        kinds = [next(events).kind for _ in range(300)]
        gap = kinds.index("gap")  # what came before was on its way already
        assert set(kinds[gap + 1 :]) == {"prices"}
        assert engine.health().state == "running"
        again.signal(signal.SIGTERM)
    with (
        EngineClient(f"http://127.0.0.1:{port}", "x", retry_s=0.2) as gone,
        pytest.raises(RequestError, match=r"no engine answers at http://127\.0\.0\.1:\d+ .*is it running\?"),
    ):
        gone.health()


def test_with_a_certificate_everything_is_encrypted(serve: Callable[..., Service], tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    service = serve(TRADING_ENGINE_TLS_CERT=str(certificate), TRADING_ENGINE_TLS_KEY=str(key))
    service.ready()
    told = json.loads((service.data / CLIENT_SERVICE_FILE).read_text())
    assert told["url"].startswith("https://")
    with service.client() as engine:  # trusts the certificate that the engine says it has
        assert engine.health().state == "running"
        assert next(engine.stream("prices")).kind == "prices"
    with (
        EngineClient(told["url"].replace("https", "http"), data=service.data, retry_s=0.1) as plain,
        pytest.raises(RequestError, match="no engine answers"),
    ):
        plain.health()
    credentials = grpc.ssl_channel_credentials(certificate.read_bytes())
    token = (service.data / "admin.token").read_text().strip()
    with grpc.secure_channel(told["grpc"], credentials) as channel:
        stub = TradingServiceStub(channel)
        who = (("authorization", f"Bearer {token}"),)
        answer = stub.GetPortfolio(pb.GetPortfolioRequest(), metadata=who, timeout=10)
        assert answer.initial_cash == 1_000_000.0


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, *form))
    return files

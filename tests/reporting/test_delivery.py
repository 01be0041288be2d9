"""Where reports go: a folder, a real mail server, a real webhook; further attempts, and what is told of failures."""

from __future__ import annotations

import email
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.reporting.notebooks import free_port, write_notebook
from workbench.configuration.reports import FolderDelivery, MailDelivery, WebhookDelivery
from workbench.reporting import Library, Run, run_report
from workbench.reporting.delivery import deliver

DONE = Run(
    "20260310T060000Z-abc", "daily", "daily_risk", "done", "2026-03-10T06:00:00+00:00", 12.0, {"date": "x"}
)
FAILED = msgspec.structs.replace(
    DONE, outcome="failed", cell=3, source="day.limits()", error="DataError: none"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    made.mkdir()
    (made / "report.html").write_text("<p>héllo</p>")
    (made / "report.pdf").write_bytes(b"%PDF-1.4 ...")
    (made / "run.json").write_text("{}")
    return made


class Mailbox:
    """Keeps what arrives; refuses the first `busy` messages."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.busy = 0
        self.secure: list[bool] = []

    async def handle_DATA(self, _server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802  # its name
        if self.busy:
            self.busy -= 1
            return "451 busy"
        assert isinstance(envelope.content, bytes)
        self.messages.append(email.message_from_bytes(envelope.content, policy=policy.default))
        self.secure.append(session.ssl is not None)
        return "250 taken"


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def server(mailbox: Mailbox) -> Iterator[Controller]:
    controller = Controller(mailbox, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield controller
    controller.stop()


def mail(port: int, **given: Any) -> MailDelivery:
    chosen = {"tls": "none", **given}
    return MailDelivery(
        "mail", "127.0.0.1", "desk@firm.example", ("pm@firm.example", "risk@firm.example"), port, **chosen
    )


def test_a_folder_gets_a_whole_copy_and_again_the_same(folder: Path, tmp_path: Path) -> None:
    for _ in range(2):
        (told,) = deliver(DONE, folder, [FolderDelivery("desk", str(tmp_path / "desk"))])
        assert told.error == ""
    copied = tmp_path / "desk" / "daily" / DONE.id
    assert {path.name for path in copied.iterdir()} == {"report.html", "report.pdf", "run.json"}
    assert [path.name for path in copied.parent.iterdir()] == [DONE.id]


def test_a_mail_has_the_report_attached(folder: Path, server: Controller, mailbox: Mailbox) -> None:
    (told,) = deliver(DONE, folder, [mail(server.port)])
    assert told.error == ""
    (message,) = mailbox.messages
    assert message["Subject"] == "daily 2026-03-10"
    assert message["To"] == "pm@firm.example, risk@firm.example"
    page, paper = message.iter_attachments()
    assert page.get_filename() == f"daily-{DONE.id}.html"
    assert page.get_payload(decode=True).decode() == "<p>héllo</p>"
    assert paper.get_payload(decode=True).startswith(b"%PDF")


def test_a_failure_is_told_with_its_cell(folder: Path, server: Controller, mailbox: Mailbox) -> None:
    deliver(FAILED, folder, [mail(server.port)])
    (message,) = mailbox.messages
    assert message["Subject"] == "daily 2026-03-10 FAILED"
    lines = message.get_body(("plain",)).get_content().splitlines()
    assert lines[:2] == ["It failed at cell 3: day.limits()", "DataError: none"]


def test_a_busy_server_gets_further_attempts_with_the_same_message_id(
    folder: Path, server: Controller, mailbox: Mailbox
) -> None:
    mailbox.busy = 2
    (told,) = deliver(DONE, folder, [mail(server.port)], pause_s=0.01)
    assert told.error == ""
    assert mailbox.messages[0]["Message-ID"] == f"<{DONE.id}.daily@firm.example>"
    mailbox.busy = 9
    (told,) = deliver(DONE, folder, [mail(server.port)], pause_s=0.01)
    assert "451" in told.error
    assert len(mailbox.messages) == 1


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that signs itself, and its key."""
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return folder / "cert.pem", folder / "key.pem"


def test_starttls_and_a_password_out_of_a_file(
    folder: Path, tmp_path: Path, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        right = (data.login, data.password) == (b"desk", b"secret")
        return AuthResult(success=right, handled=right)  # it answers a wrong one by itself

    controller = Controller(
        mailbox,
        hostname="127.0.0.1",
        port=free_port(),
        tls_context=context,
        authenticator=check,
        auth_required=True,
    )
    controller.start()
    try:
        password = tmp_path / "password"
        password.write_text("secret\n")
        to = mail(controller.port, tls="starttls", user="desk", password_file=str(password))
        password.chmod(0o644)
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
        (told,) = deliver(DONE, folder, [to], pause_s=0.01)
        assert "others may read" in told.error
        password.chmod(0o600)
        (told,) = deliver(DONE, folder, [to], pause_s=0.01)
        assert (told.error, mailbox.secure) == ("", [True])
        password.write_text("wrong\n")
        (told,) = deliver(DONE, folder, [to], pause_s=0.01)
        assert "SMTPAuthenticationError" in told.error
        monkeypatch.delenv("SSL_CERT_FILE")
        (told,) = deliver(DONE, folder, [to], pause_s=0.01)
        assert "certificate verify failed" in told.error  # it is not talked to without knowing who it is
    finally:
        controller.stop()


class Hook(BaseHTTPRequestHandler):
    seen: list[tuple[dict[str, str], Any]]
    codes: list[int]

    def do_POST(self) -> None:  # its name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((dict(self.headers), msgspec.json.decode(body)))
        self.send_response(self.codes.pop(0) if self.codes else 204)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def hook() -> Iterator[tuple[str, type[Hook]]]:
    kind = type("OneHook", (Hook,), {"seen": [], "codes": []})
    web = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    thread = threading.Thread(target=web.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{web.server_port}/hook", kind
    web.shutdown()
    thread.join()
    web.server_close()


def test_a_webhook_is_told_again_until_it_takes_it(
    folder: Path, tmp_path: Path, hook: tuple[str, type[Hook]]
) -> None:
    url, kind = hook
    token = tmp_path / "token"
    token.write_text("t0ken\n")
    token.chmod(0o600)
    kind.codes = [500, 503]
    (told,) = deliver(FAILED, folder, [WebhookDelivery("chat", url, str(token))], pause_s=0.01)
    assert told.error == ""
    keys = {headers["Idempotency-Key"] for headers, _ in kind.seen}
    assert (len(kind.seen), keys) == (3, {f"daily-{DONE.id}"})
    headers, body = kind.seen[-1]
    assert headers["Authorization"] == "Bearer t0ken"
    assert body["text"] == "daily 2026-03-10 FAILED"
    assert (body["run"]["cell"], body["run"]["outcome"]) == (3, "failed")
    kind.codes = [400, 400, 400]
    (told,) = deliver(DONE, folder, [WebhookDelivery("chat", url)], pause_s=0.01)
    assert "127.0.0.1 answered 400" in told.error


def test_an_address_that_makes_no_sense_is_told_and_stops_no_other_delivery(
    folder: Path, tmp_path: Path
) -> None:
    targets = (
        WebhookDelivery("hook", "http://desk.example:abc/hook"),
        MailDelivery("mail", "127.0.0.1", "a@b.c\nBcc: d@e.f", ("g@h.i",), port=9, tls="none"),
        FolderDelivery("kept", str(tmp_path / "kept")),
    )
    hook, mail, kept = deliver(DONE, folder, targets, pause_s=0.0)
    assert "desk.example cannot be reached: Invalid port" in hook.error
    assert "linefeed" in mail.error
    assert not kept.error


def test_what_could_not_be_delivered_is_on_record_and_the_report_is_kept(tmp_path: Path) -> None:
    write_notebook(tmp_path / "reports" / "r.ipynb", "1 + 1")
    (tmp_path / "file").write_text("")
    run = run_report(
        "r",
        folder=tmp_path / "reports",
        output=tmp_path / "out",
        pdf=False,
        deliveries=[
            FolderDelivery("lost", str(tmp_path / "file" / "below")),
            FolderDelivery("desk", str(tmp_path / "desk")),
        ],
    )
    assert [bool(one.error) for one in run.deliveries] == [True, False]
    assert Library(tmp_path / "out").runs() == [run]
    assert "not delivered to lost" in (tmp_path / "out" / "index.html").read_text()
    assert (tmp_path / "desk" / run.place / "report.html").is_file()

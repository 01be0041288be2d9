"""Where a finished report goes besides its folder: another folder, a mail, a webhook."""

from __future__ import annotations

import shutil
import smtplib
import ssl
import time
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from workbench.configuration.reports import Delivery, FolderDelivery, MailDelivery, WebhookDelivery
from workbench.errors import ReportError
from workbench.reporting.library import DONE, Delivered, Run

__all__ = ["deliver"]

_ATTEMPTS: Final = 3
_PAUSE_S: Final = 2.0
_SECONDS: Final = 30.0
_TROUBLE: Final = (
    OSError,
    smtplib.SMTPException,
    ReportError,
    ValueError,
)  # the last of a text that no header takes
_LARGEST: Final = 20_000_000  # bytes of attachments; mail servers refuse more


def deliver(
    run: Run, folder: Path, deliveries: Sequence[Delivery], pause_s: float = _PAUSE_S
) -> tuple[Delivered, ...]:
    """Hand a run's files to each delivery, with further attempts; how that went.  A failed run is told of, too."""
    return tuple(_attempts(run, folder, delivery, pause_s) for delivery in deliveries)


def _attempts(run: Run, folder: Path, delivery: Delivery, pause_s: float) -> Delivered:
    send: Callable[[], None] = {
        FolderDelivery: lambda: _to_folder(run, folder, delivery),
        MailDelivery: lambda: _by_mail(run, folder, delivery),
        WebhookDelivery: lambda: _to_webhook(run, delivery),
    }[type(delivery)]
    error = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(pause_s * 2 ** (attempt - 1))
        try:
            send()
        except _TROUBLE as problem:
            error = f"{type(problem).__name__}: {' '.join(str(problem).split())}"[:500]
        else:
            return Delivered(delivery.name)
    return Delivered(delivery.name, error)


def _to_folder(run: Run, folder: Path, delivery: Any) -> None:
    """A copy that appears whole: NAME/ID, as in the library."""
    target = Path(delivery.path) / run.place
    part = target.with_name(f".{target.name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(folder, part)
    if target.exists():
        shutil.rmtree(target)
    part.rename(target)


def _by_mail(run: Run, folder: Path, delivery: Any) -> None:
    message = EmailMessage()
    message["Subject"] = _subject(run)
    message["From"], message["To"] = delivery.sender, ", ".join(delivery.to)
    # The same each time, so that a second attempt after a lost answer is seen as the same message.
    message["Message-ID"] = f"<{run.id}.{run.name}@{delivery.sender.rpartition('@')[2]}>"
    message.set_content(_words(run))
    room = _LARGEST
    for name in ("report.html", "report.pdf"):
        path = folder / name
        if path.is_file() and path.stat().st_size <= room:
            room -= path.stat().st_size
            kind = ("text", "html") if name.endswith("html") else ("application", "pdf")
            shown = f"{run.name}-{run.id}{path.suffix}"
            message.add_attachment(path.read_bytes(), maintype=kind[0], subtype=kind[1], filename=shown)
    context = ssl.create_default_context()
    if delivery.tls == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            delivery.host, delivery.port, timeout=_SECONDS, context=context
        )
    else:
        server = smtplib.SMTP(delivery.host, delivery.port, timeout=_SECONDS)
    with server:
        if delivery.tls == "starttls":
            server.starttls(context=context)
        if delivery.user:
            server.login(delivery.user, _secret(delivery.password_file, delivery.name))
        refused = server.send_message(message)
    if refused:
        raise ReportError(f"{', '.join(refused)} not accepted by {delivery.host}")


def _to_webhook(run: Run, delivery: Any) -> None:
    import httpx

    headers = {"Content-Type": "application/json", "Idempotency-Key": f"{run.name}-{run.id}"}
    if delivery.token_file:
        headers["Authorization"] = f"Bearer {_secret(delivery.token_file, delivery.name)}"
    body = {"text": _subject(run), "run": msgspec.to_builtins(run)}
    try:
        answer = httpx.post(
            delivery.url,
            content=msgspec.json.encode(body),
            headers=headers,
            timeout=_SECONDS,
            trust_env=False,
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ReportError(f"{urlsplit(delivery.url).hostname} cannot be reached: {error}") from error
    if not answer.is_success:
        raise ReportError(
            f"{urlsplit(delivery.url).hostname} answered {answer.status_code}: {answer.text[:200]}"
        )


def _subject(run: Run) -> str:
    return (
        f"{run.name} {run.started[:10]}" if run.outcome == DONE else f"{run.name} {run.started[:10]} FAILED"
    )


def _words(run: Run) -> str:
    parameters = "\n".join(f"  {name}: {value}" for name, value in run.parameters.items())
    made = f"{run.report}, run {run.id}, {run.seconds:.0f} s.\n\n{parameters}\n"
    if run.outcome == DONE:
        return made
    where = f"cell {run.cell}: {run.source}" if run.cell else "before its first cell"
    return f"It failed at {where}\n{run.error}\nThe executed notebook is kept with the run.\n\n{made}"


def _secret(path: str, name: str) -> str:
    """The first line of a file that only its owner may read."""
    if not path:
        raise ReportError(f"delivery {name}: expected a file with its secret, found none named")
    file = Path(path)
    if file.stat().st_mode & 0o077:
        raise ReportError(f"delivery {name}: others may read {path}; chmod 600 it")
    lines = file.read_text(encoding="utf-8").splitlines()
    if not lines or not lines[0].strip():
        raise ReportError(f"delivery {name}: expected a secret in the first line of {path}, found none")
    return lines[0].strip()

"""reports.yaml: which reports run when, with what parameters, and where they go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from workbench.configuration.chaos import parameter_table
from workbench.configuration.located import Located, load_yaml
from workbench.configuration.reading import check_keys, items, number, required, table, text, word
from workbench.core.limit_bounds import Bound, Words

__all__ = [
    "Delivery",
    "FolderDelivery",
    "Job",
    "MailDelivery",
    "ReportsConfig",
    "WebhookDelivery",
    "load_reports_config",
]

_MINUTES: Final = Bound("a number of minutes from 0.01 to 1440", 0.01, 1440.0)
_RETRIES: Final = Bound("a whole number of retries from 0 to 10", 0.0, 10.0, whole=True)
_DAYS: Final = Bound("a whole number of days from 1 to 36500", 1.0, 36_500.0, whole=True)
_PORT: Final = Bound("a port from 0 (none) to 65535", 0.0, 65_535.0, whole=True)
_MAIL_PORT: Final = Bound("a port from 1 to 65535", 1.0, 65_535.0, whole=True)
_KINDS: Final = Words({"folder": 0, "mail": 1, "webhook": 2})
_TLS: Final = Words({"none": 0, "starttls": 1, "tls": 2})


class FolderDelivery(msgspec.Struct, frozen=True):
    """A copy of each report in a folder.  path: from where the schedule runs."""

    name: str
    path: str


class MailDelivery(msgspec.Struct, frozen=True):
    """A message with the report attached.

    tls: none, starttls or tls.  password_file: its first line is the password.
    """

    name: str
    host: str
    sender: str
    to: tuple[str, ...]
    port: int = 587
    tls: str = "starttls"
    user: str = ""
    password_file: str = ""


class WebhookDelivery(msgspec.Struct, frozen=True):
    """A POST of what ran and how it went, as JSON.  token_file: its first line is a bearer token."""

    name: str
    url: str
    token_file: str = ""


type Delivery = FolderDelivery | MailDelivery | WebhookDelivery


class Job(msgspec.Struct, frozen=True):
    """A report that runs on schedule.

    name: once in the file.  report: a notebook in reports/.  cron: minute hour day month weekday, in `time_zone` of the
    file.  parameters: of the notebook.  deliver: names of deliveries.  retries: further attempts after a failure.
    """

    name: str
    report: str
    cron: str
    parameters: dict[str, Any] = {}
    time_limit_minutes: float = 20.0
    retries: int = 1
    deliver: tuple[str, ...] = ()


class ReportsConfig(msgspec.Struct, frozen=True):
    """What a reports.yaml says.

    keep_days: how long runs are kept.  metrics_port: of the schedule's /metrics, 0 for none.
    """

    jobs: tuple[Job, ...] = ()
    deliveries: Mapping[str, Delivery] = {}
    output: str = "reports/output"
    keep_days: int = 90
    time_zone: str = "UTC"
    metrics_port: int = 9108


def load_reports_config(path: Path | str, check_cron: Callable[[str], None]) -> ReportsConfig:
    """What a file says.  check_cron: raises ValueError where a cron line makes no sense.

    Raises ConfigError, which names file, line and key.
    """
    tree = load_yaml(path)
    check_keys(tree, ("reports",))
    node = required(tree, "reports")
    check_keys(node, ("output", "keep_days", "time_zone", "metrics_port", "jobs", "deliveries"))
    entries = table(node)
    deliveries = {
        name: _delivery(name, entry)
        for name, entry in (table(entries["deliveries"]) if "deliveries" in entries else {}).items()
    }
    jobs = [
        _job(entry, deliveries, check_cron) for entry in (items(entries["jobs"]) if "jobs" in entries else ())
    ]
    _refuse_same_names(items(entries["jobs"]) if jobs else ())
    given: dict[str, Any] = {}
    if "output" in entries:
        given["output"] = text(entries["output"], "a folder")
    if "time_zone" in entries:
        given["time_zone"] = _zone(entries["time_zone"])
    if "keep_days" in entries:
        given["keep_days"] = int(number(entries["keep_days"], _DAYS))
    if "metrics_port" in entries:
        given["metrics_port"] = int(number(entries["metrics_port"], _PORT))
    return ReportsConfig(tuple(jobs), deliveries, **given)


def _zone(node: Located) -> str:
    name = text(node, "a time zone such as Europe/London")
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise node.error(f"expected a time zone such as Europe/London or UTC, found {name!r}") from error
    return name


def _job(node: Located, deliveries: Mapping[str, Delivery], check_cron: Callable[[str], None]) -> Job:
    check_keys(node, ("name", "report", "cron", "parameters", "time_limit_minutes", "retries", "deliver"))
    entries = table(node)
    cron = required(node, "cron")
    line = text(cron, "five fields: minute hour day month weekday")
    try:
        check_cron(line)
    except ValueError as error:
        raise cron.error(
            f'expected five fields, minute hour day month weekday, such as "30 6 * * mon-fri", found {line!r} ({error})'
        ) from error
    given: dict[str, Any] = {}
    if "parameters" in entries:
        given["parameters"] = parameter_table(entries["parameters"])
    if "time_limit_minutes" in entries:
        given["time_limit_minutes"] = number(entries["time_limit_minutes"], _MINUTES)
    if "retries" in entries:
        given["retries"] = int(number(entries["retries"], _RETRIES))
    if "deliver" in entries:
        given["deliver"] = tuple(_known(entry, deliveries) for entry in items(entries["deliver"]))
    return Job(_file_name(required(node, "name")), text(required(node, "report"), "a report"), line, **given)


def _file_name(node: Located) -> str:
    """A name that may also be a folder's."""
    name = text(node, "a name")
    if not name.replace("_", "").replace("-", "").isalnum() or not name.isascii() or len(name) > 64:
        raise node.error(f"expected a name of letters, digits, - and _, at most 64, found {name!r:.80}")
    return name


def _known(node: Located, deliveries: Mapping[str, Delivery]) -> str:
    name = text(node, "the name of a delivery")
    if name not in deliveries:
        raise node.error(
            f"expected one of the deliveries ({', '.join(deliveries) or 'there are none'}), found {name!r}; "
            "add it under `deliveries`"
        )
    return name


def _delivery(name: str, node: Located) -> Delivery:
    kind = word(required(node, "kind"), _KINDS)
    if kind == "folder":
        check_keys(node, ("kind", "path"))
        return FolderDelivery(name, text(required(node, "path"), "a folder"))
    entries = table(node)
    if kind == "webhook":
        check_keys(node, ("kind", "url", "token_file"))
        url = text(required(node, "url"), "an address")
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise required(node, "url").error(f"expected an address such as https://host/path, found {url!r}")
        return WebhookDelivery(name, url, text(entries["token_file"]) if "token_file" in entries else "")
    check_keys(node, ("kind", "host", "port", "from", "to", "tls", "user", "password_file"))
    to = tuple(_address(entry) for entry in items(required(node, "to")))
    if not to:
        raise required(node, "to").error("expected at least one address, found none")
    given: dict[str, Any] = {key: text(entries[key]) for key in ("user", "password_file") if key in entries}
    if "port" in entries:
        given["port"] = int(number(entries["port"], _MAIL_PORT))
    if "tls" in entries:
        given["tls"] = word(entries["tls"], _TLS)
    return MailDelivery(
        name, text(required(node, "host"), "a mail server"), _address(required(node, "from")), to, **given
    )


def _address(node: Located) -> str:
    address = text(node, "an e-mail address")
    name, at, host = address.rpartition("@")
    if not name or not at or not host or any(c.isspace() or c in ",;<>" for c in address):
        raise node.error(f"expected an e-mail address such as desk@firm.example, found {address!r}")
    return address


def _refuse_same_names(nodes: tuple[Located, ...]) -> None:
    seen: dict[str, int] = {}
    for node in nodes:
        name = required(node, "name")
        if name.text in seen:
            raise name.error(
                f"expected each name once, found {name.text!r} again after line {seen[name.text]}"
            )
        seen[name.text] = name.line

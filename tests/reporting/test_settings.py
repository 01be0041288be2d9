"""reports.yaml: what it says, and one line for what makes no sense."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.configuration.reports import FolderDelivery, MailDelivery, ReportsConfig, load_reports_config
from workbench.errors import ConfigError
from workbench.reporting.cron import check_cron
from workbench.reporting.notebooks import find_report, report_folder

ROOT = Path(__file__).parents[2]


def read(folder: Path, text: str) -> ReportsConfig:
    path = folder / "reports.yaml"
    path.write_text(text)
    return load_reports_config(path, check_cron)


def test_the_shipped_file_names_reports_and_parameters_that_there_are() -> None:
    config = load_reports_config(ROOT / "config" / "reports.yaml", check_cron)
    assert {job.report for job in config.jobs} == {path.stem for path in (ROOT / "reports").glob("*.ipynb")}
    for job in config.jobs:
        find_report(job.report, report_folder(ROOT / "reports"), job.parameters)


def test_every_key(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        """
reports:
  output: made
  keep_days: 5
  time_zone: Europe/London
  metrics_port: 0
  jobs:
    - {name: one, report: daily_risk, cron: "0 6 * * 1-5", parameters: {journal: x}, time_limit_minutes: 0.5,
       retries: 3, deliver: [desk, mail]}
  deliveries:
    desk: {kind: folder, path: /srv/desk}
    mail: {kind: mail, host: smtp.example, from: a@b.example, to: [c@d.example], port: 25, tls: none}
""",
    )
    (job,) = config.jobs
    assert (config.output, config.keep_days, config.time_zone, config.metrics_port) == (
        "made", 5, "Europe/London", 0,
    )  # fmt: skip
    assert (job.time_limit_minutes, job.retries, job.deliver) == (0.5, 3, ("desk", "mail"))
    assert config.deliveries["desk"] == FolderDelivery("desk", "/srv/desk")
    assert config.deliveries["mail"] == MailDelivery(
        "mail", "smtp.example", "a@b.example", ("c@d.example",), 25, "none"
    )


JOB = "  jobs: [{name: a, report: b, cron: '0 6 * * *'"
BAD = {
    "an unknown key": ("  outputs: x", "found 'outputs'; did you mean 'output'?"),
    "a cron line of four fields": ("  jobs: [{name: a, report: b, cron: '0 6 * *'}]", "expected five fields"),
    "a day that never comes": ("  jobs: [{name: a, report: b, cron: '0 6 31 2 *'}]", "no day that there is"),
    "no cron line": ("  jobs: [{name: a, report: b}]", "expected the key 'cron'"),
    "a name that is a path": ("  jobs: [{name: ../a, report: b, cron: '0 6 * * *'}]", "letters, digits"),
    "a time zone": ("  time_zone: Europe/Atlantis", "expected a time zone"),
    "no days": ("  keep_days: 0", "whole number of days from 1"),
    "half a retry": (f"{JOB}, retries: 0.5}}]", "whole number of retries"),
    "no time at all": (f"{JOB}, time_limit_minutes: 0}}]", "number of minutes"),
    "an unknown delivery": (f"{JOB}, deliver: [nobody]}}]", "there are none"),
    "the same name twice": (
        "  jobs:\n    - {name: a, report: b, cron: '0 6 * * *'}\n    - {name: a, report: c, cron: '0 7 * * *'}",
        "expected each name once",
    ),
    "a webhook without an address": ("  deliveries: {w: {kind: webhook, url: host}}", "https://host/path"),
    "mail to nobody": ("  deliveries: {m: {kind: mail, host: h, from: a@b.c, to: []}}", "at least one address"),
    "mail to two in one": (
        "  deliveries: {m: {kind: mail, host: h, from: a@b.c, to: ['a@b.c,d@e.f']}}", "an e-mail address",
    ),
    "an unknown kind": ("  deliveries: {m: {kind: pigeon}}", "expected one of folder, mail, webhook"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_makes_no_sense_is_one_line_with_its_place(tmp_path: Path, name: str) -> None:
    text, says = BAD[name]
    with pytest.raises(ConfigError) as told:
        read(tmp_path, f"reports:\n{text}\n")
    message = str(told.value)
    assert says in message
    assert "\n" not in message
    assert "reports.yaml" in message

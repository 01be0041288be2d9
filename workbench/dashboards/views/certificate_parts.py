"""A strategy's certificate as a scorecard, its trial, and its history, as HTML."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from workbench.dashboards.parts import badge
from workbench.dashboards.state.figures import clock, percent
from workbench.dashboards.state.notices import words
from workbench.dashboards.views.live import text

if TYPE_CHECKING:
    import pandas as pd

    from workbench.client.answers import CertificateView, StrategyStatus, TrialView

__all__ = ["history_lines", "scorecard", "trial_lines"]

_LONGEST: Final = 160


def scorecard(found: CertificateView | None, known: bool, lax: bool) -> str:
    """Every check with what was measured and required; failed ones first in each family."""
    if found is None:
        if not known:
            return '<p class="soft">A moment, please.</p>'
        why = (
            "This engine starts strategies that nobody has certified."
            if lax
            else "It cannot be started again without a certificate."
        )
        says = f"Nobody has tested this version. {why}"
        return f'<p>{badge("not certified", "warn")} <span class="soft">{text(says)}</span></p>'
    document = found.document
    mark = badge("holds", "good") if found.holds else badge("does not hold", "bad")
    problem = f'<p class="undone">{text(found.problem)}</p>' if found.problem else ""
    scores: list[dict[str, Any]] = list(document.get("scores", ()))
    passed = sum(bool(score.get("passed")) for score in scores)
    facts = {
        "Certificate": str(found.certificate),
        "Version": f"{document.get('strategy', '')} {document.get('version', '')}",
        "Issued": f"{document.get('issued_at', '')}, until {document.get('expires_at', '')}",
        "Signed by": str(document.get("issuer", "")),
    }
    items = "".join(f"<dt>{text(name)}</dt><dd>{text(value)}</dd>" for name, value in facts.items())
    return (
        f'<div class="strip">{mark}<span class="says">{passed} of {len(scores)} checks passed</span></div>{problem}'
        f'<dl class="facts">{items}</dl>{_checks(scores)}'
    )


def _checks(scores: list[dict[str, Any]]) -> str:
    parts = []
    for family, group in groupby(scores, key=lambda score: str(score.get("family", ""))):
        rows = "".join(_check(score) for score in sorted(group, key=lambda score: bool(score.get("passed"))))
        parts.append(f'<h3>{text(words(family).capitalize())}</h3><ul class="list">{rows}</ul>')
    return "".join(parts)


def _check(score: dict[str, Any]) -> str:
    mark = badge("passed", "good") if score.get("passed") else badge("failed", "bad")
    says = str(score.get("note") or f"{score.get('measured', '')}; required: {score.get('required', '')}")
    name = words(str(score.get("name", "")))
    return f'<li>{mark}<span class="what">{text(name)}</span><span class="says">{text(says)}</span></li>'


def trial_lines(trial: TrialView | None, status: StrategyStatus | None = None) -> str:
    """How a version on trial stands: steps of capital, and what the present one still needs; or how its trial ended.

    status: of the strategy now, which may have gone back to the version before.
    """
    if trial is None:
        return ""
    tones: dict[str, Any] = {"growing": "accent", "passed": "good", "failed": "bad"}
    mark = badge(trial.state, tones.get(trial.state, ""))
    steps = ", ".join(percent(share, 0) for share in trial.steps)
    step = f"step {trial.step + 1} of {len(trial.steps)}"
    match trial.state:
        case "growing":
            needs = f"{trial.fills:,} of {trial.min_fills:,} fills, at least {trial.minutes:g} minutes"
            says = (
                f"On trial with {percent(trial.share, 0)}: {step} ({steps} of capital and limits); {needs}."
            )
        case "passed":
            says = f"Its trial is over: all steps passed ({steps}), and it has its whole capital and limits."
        case _:
            says = f"Demoted at {step}, with {percent(trial.share, 0)} of capital and limits. {_after(trial, status)}"
    return f"<p>{mark} {text(says)}</p>"


def _after(trial: TrialView, status: StrategyStatus | None) -> str:
    """What is there after a demotion."""
    version = f"The version on trial ({trial.source_hash[:12]}) has lost its certificate"
    if status is None:
        return f"{version}."
    if status.certificate == trial.certificate:
        return f"{version}; nothing took its place, and it is {status.state}."
    return f"{version}; the version before ({status.source_hash[:12]}) took its place, and is {status.state}."


def history_lines(history: pd.DataFrame | None) -> str:
    """Who did what, newest first."""
    if history is None or history.empty:
        return '<p class="soft">Nothing yet.</p>'
    items = []
    for moment, row in history.iloc[::-1].iterrows():
        at = clock(int(moment.value))  # type: ignore[attr-defined]  # a Timestamp
        outcome = "" if row["outcome"] in ("done", "") else f" ({row['outcome']})"
        items.append(
            f'<li><span class="what">{text(words(str(row["action"]).replace(".", " ")))}{text(outcome)}</span>'
            f'<span class="says">{text(row["person"])}{_why(str(row["reason"]))}</span>'
            f"<time>{text(at)}</time></li>"
        )
    lines = "".join(items)
    return f'<div class="tall" tabindex="0" role="region" aria-label="History"><ul class="list">{lines}</ul></div>'


def _why(reason: str) -> str:
    """The reason, which of a command is what was asked for: shortened, and left out where it is but a name."""
    if not reason or (reason.startswith('"') and reason.endswith('"')):
        return ""
    return text(f": {reason[:_LONGEST]}{'…' if len(reason) > _LONGEST else ''}")

"""Significant: how likely it is that a strategy's figures are luck, given all that was tried before it was chosen."""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from workbench.certify.checks import UNMEASURED, Check, Measure, Progress, Subject
from workbench.certify.significant_trials import Evidence, evidence_of
from workbench.configuration.certification_evidence import SignificantThresholds
from workbench.errors import DataError
from workbench.performance.overfitting import probability_of_backtest_overfitting
from workbench.performance.sharpe import estimate_sharpe, probabilistic_sharpe_ratio, sharpe_of
from workbench.performance.splitters import WalkForward
from workbench.performance.trials import Trials, deflated_sharpe_ratio

__all__ = [
    "MEASURES",
    "earns_in_both_halves",
    "judge_deflated",
    "judge_halves",
    "judge_overfitting",
    "judge_walk_forward",
    "not_overfitted",
    "not_the_best_of_many",
    "walks_forward",
]

type Floats = npt.NDArray[np.float64]

FEWEST: Final = 30  # periods, below which no figure means anything
IDLE: Final = "it does not trade: its returns have no deviation"


def earns_in_both_halves(subject: Subject, progress: Progress) -> Check:
    """A Sharpe ratio above 0 in the first half of the prices, and in the second."""
    progress("both halves")
    return judge_halves(evidence_of(subject), subject.backtest_code(".equity.resample('YE').last()"))


def walks_forward(subject: Subject, progress: Progress) -> Check:
    """Chosen on the past of each test, with a gap for what leaks; judged on the tests."""
    progress("walk-forward")
    closer = subject.backtest_code(".equity.pct_change().groupby(lambda time: time.year).sum()")
    return judge_walk_forward(evidence_of(subject), subject.thresholds.significant, closer)


def not_the_best_of_many(subject: Subject, progress: Progress) -> Check:
    """The deflated Sharpe ratio, with the number of trials that there were."""
    progress("deflated Sharpe ratio")
    evidence = evidence_of(subject)
    closer = subject.backtest_code(
        f".equity.pct_change().agg(['mean', 'std', 'skew'])  # of {evidence.tried}"
    )
    return judge_deflated(evidence, subject.thresholds.significant, closer)


def not_overfitted(subject: Subject, progress: Progress) -> Check:
    """The probability of backtest overfitting, over all that was tried."""
    progress("probability of overfitting")
    closer = "trials.best('sharpe_ratio', 20)  # the search that was given as trials="
    return judge_overfitting(evidence_of(subject), subject.thresholds.significant, closer)


# -- judgements: of returns alone -----------------------------------------------------------------------------------


def judge_halves(evidence: Evidence, closer: str = "") -> Check:
    """Both halves have to earn.  One that loses in both is as steady as can be, and no use; less of a loss in the
    second is no improvement.
    """
    returns = evidence.returns
    middle = len(returns) // 2
    root = math.sqrt(evidence.per_year)
    first, second = sharpe_of(returns[:middle], 0.0) * root, sharpe_of(returns[middle:], 0.0) * root
    enough = len(returns) >= FEWEST
    return _check(
        "earns_in_both_halves",
        enough and first > 0.0 and second > 0.0,
        f"Sharpe ratio a year {_shown(first)} in the first half, {_shown(second)} in the second"
        if enough
        else _too_few(returns),
        "above 0 in each half",
        closer,
        min(first, second),
        0.0,
    )


def judge_walk_forward(evidence: Evidence, rules: SignificantThresholds, closer: str = "") -> Check:
    """In each test the trial that was best before it; all tests together have to earn, and so do enough of them.

    The trial that is best may still lose: then it is chosen for a loss, and its smaller loss in the test is no merit.
    """
    required = (
        f"out of sample, a Sharpe ratio above 0 with probability {rules.min_walk_forward_confidence:.2f}, and "
        f"{rules.min_positive_folds:.0%} of the tests that earn; in sample above 0, too"
    )
    rows = len(evidence.returns)
    splits = WalkForward(rules.folds, purge=evidence.lookback, embargo=math.ceil(rules.embargo_share * rows))
    inside, outside = [], []
    try:
        for train, test in splits.split(evidence.returns):
            ratios = _sharpes(evidence.trials[train])
            best = int(np.argmax(ratios))
            inside.append(float(ratios[best]))
            outside.append(evidence.trials[test, best])
    except DataError as error:
        return _check("walks_forward", False, str(error), required, closer)
    joined = np.concatenate(outside)
    earned = sum(float(part.mean()) > 0.0 for part in outside)
    confidence = float(probabilistic_sharpe_ratio(joined))
    chosen, root = float(np.mean(inside)), math.sqrt(evidence.per_year)
    passed = (
        len(joined) >= FEWEST
        and chosen > 0.0
        and confidence >= rules.min_walk_forward_confidence
        and earned >= rules.min_positive_folds * len(outside)
    )
    measured = (
        f"Sharpe ratio a year {sharpe_of(joined, 0.0) * root:.2f} out of sample (above 0 with probability "
        f"{confidence:.2f}), {chosen * root:.2f} in sample; {earned} of {len(outside)} tests earn"
    )
    return _check(
        "walks_forward",
        passed,
        IDLE if math.isnan(confidence) else measured,
        required,
        closer,
        confidence,
        rules.min_walk_forward_confidence,
        "; ".join(_walk_notes(evidence)),
    )


def _walk_notes(evidence: Evidence) -> list[str]:
    notes = []
    if not evidence.known:
        notes.append("no search was given: the parameters are the same in each test, chosen on all of it")
    if not evidence.declared:
        notes.append(
            "it declares no LOOKBACK: nothing is left out before each test for what its signals look back on"
        )
    return notes


def judge_deflated(evidence: Evidence, rules: SignificantThresholds, closer: str = "") -> Check:
    """The probability that the true Sharpe ratio is above what the best of all trials shows by luck alone."""
    required = f"a deflated Sharpe ratio of at least {rules.min_deflated_sharpe:.2f}, and a profit"
    returns = evidence.returns
    estimate = estimate_sharpe(returns)
    if len(returns) < FEWEST or math.isnan(estimate.sharpe):
        return _check(
            "not_the_best_of_many",
            False,
            IDLE if len(returns) >= FEWEST else _too_few(returns),
            required,
            closer,
        )
    trials, tried, note = _lucky(evidence, rules)
    luck = trials.expected_maximum_sharpe
    deflated = float(deflated_sharpe_ratio(estimate, trials=trials))
    root = math.sqrt(evidence.per_year)
    return _check(
        "not_the_best_of_many",
        estimate.sharpe > 0.0 and deflated >= rules.min_deflated_sharpe,
        f"{deflated:.3f}: Sharpe ratio a year {estimate.sharpe * root:.2f}, where the best of {tried} shows "
        f"{luck * root:.2f} by luck",
        required,
        closer,
        deflated,
        rules.min_deflated_sharpe,
        note,
    )


def judge_overfitting(evidence: Evidence, rules: SignificantThresholds, closer: str = "") -> Check:
    """Combinatorially symmetric cross-validation.

    Where everything loses, the best of it loses least: no merit.  Where everything earns alike, which one is ahead is
    chance in either half, and no harm: then it is enough that hardly any pair of halves ends in a loss.
    """
    required = (
        f"at most {rules.max_overfitting:.0%} probability of overfitting (or a loss out of sample in at most "
        f"{rules.negligible_loss:.0%} of the pairs), a loss in at most {rules.max_probability_of_loss:.0%}, and a "
        "profit on average"
    )
    moving = evidence.trials[:, evidence.trials.std(axis=0) > 0.0]
    if not evidence.known:
        note = "no search was given: that nothing was chosen among many is the word of whoever certifies; give trials="
        return _check("not_overfitted", True, UNMEASURED, required, closer, note=note)
    if evidence.number < 2:
        return _check(
            "not_overfitted", True, UNMEASURED, required, closer, note="nothing was chosen: one trial"
        )
    if len(evidence.returns) < FEWEST:
        return _check("not_overfitted", False, _too_few(evidence.returns), required, closer)
    try:
        found = probability_of_backtest_overfitting(moving, blocks=rules.blocks)
    except DataError as error:
        return _check("not_overfitted", False, str(error), required, closer)
    earned = float(found.out_of_sample.mean())
    harmless = found.probability_of_loss <= rules.negligible_loss
    return _check(
        "not_overfitted",
        (found.probability <= rules.max_overfitting or harmless)
        and found.probability_of_loss <= rules.max_probability_of_loss
        and earned > 0.0,
        f"{found.probability:.0%} probability of overfitting over {evidence.tried}; the best of one half loses in the "
        f"other in {found.probability_of_loss:.0%} of {len(found.logits):,} pairs, and has a Sharpe ratio a year of "
        f"{earned * math.sqrt(evidence.per_year):.2f} there",
        required,
        closer,
        found.probability,
        rules.max_overfitting,
    )


def _lucky(evidence: Evidence, rules: SignificantThresholds) -> tuple[Trials, str, str]:
    """What luck had to choose from: all that was tried, in words, and a note.

    It never had less than is assumed of who gives no search: else two sets of parameters that are nearly the same
    would make any result look significant.
    """
    given = Trials(float(evidence.number), _variance(evidence))
    assumed = Trials(float(rules.assumed_trials), _without_skill(evidence))
    if not evidence.known:
        note = "how many sets of parameters were tried is the word of whoever certifies; give trials="
        return given, evidence.tried, note
    if given.expected_maximum_sharpe >= assumed.expected_maximum_sharpe:
        return given, evidence.tried, ""
    note = (
        f"the search, of {evidence.tried}, leaves luck less than that, and counts as if none were given: nobody knows "
        "what was tried beside it"
    )
    return assumed, f"{rules.assumed_trials:,} trials without skill", note


def _without_skill(evidence: Evidence) -> float:
    """Variance of the Sharpe ratios of so many returns, where there is no skill."""
    return 1.0 / (len(evidence.returns) - 1)


def _variance(evidence: Evidence) -> float:
    """Of the Sharpe ratios of the trials; where they are not known, that of ratios without any skill."""
    ratios = _sharpes(evidence.trials)
    ratios = ratios[np.isfinite(ratios)]
    if evidence.known and len(ratios) > 1:
        return float(ratios.var(ddof=1))
    return _without_skill(evidence)


def _sharpes(returns: Floats) -> Floats:
    """Per period, float64[n], of float64[t, n]; minus infinity where a trial does not move: nobody chooses it."""
    spread = returns.std(axis=0, ddof=1)
    idle = spread <= 1e-15 * np.abs(returns).max(initial=1e-300)
    return np.where(idle, -math.inf, returns.mean(axis=0) / np.where(idle, 1.0, spread))


def _shown(ratio: float) -> str:
    return "none (no return differs from the others)" if math.isnan(ratio) else f"{ratio:.2f}"


def _too_few(returns: Floats) -> str:
    return f"{len(returns)} periods are too few to tell; expected {FEWEST} or more, take more prices"


def _check(
    name: str,
    passed: bool,
    measured: str,
    required: str,
    closer: str,
    value: float | None = None,
    threshold: float | None = None,
    note: str = "",
) -> Check:
    known = value if value is not None and math.isfinite(value) else None
    return Check(name, "significant", bool(passed), measured, required, closer, known, threshold, note)


MEASURES: Final[tuple[Measure, ...]] = (
    earns_in_both_halves,
    walks_forward,
    not_the_best_of_many,
    not_overfitted,
)
"""In the order of the scorecard."""

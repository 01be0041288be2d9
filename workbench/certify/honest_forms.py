"""Every form of a strategy does the same, bit for bit: compiled, of columns, and update by update."""

from __future__ import annotations

from workbench.backtest.api import RunPlan
from workbench.backtest.replay import replay
from workbench.backtest.result import BacktestResult
from workbench.certify.checks import UNMEASURED, Check, Progress, Subject
from workbench.certify.honest_trace import sampled_feed
from workbench.core.feed import Feed
from workbench.errors import StrategyError
from workbench.strategy.compiled import CompiledStrategy, parameter_rows
from workbench.strategy.vector import SignalStrategy

__all__ = ["forms_agree"]


def forms_agree(subject: Subject, progress: Progress) -> Check:
    """The fingerprint of the event replay, against that of the loop that a sweep runs."""
    progress("forms: event replay against the compiled loop")
    if subject.form == "plain":
        return Check(
            name="forms_agree",
            family="honest",
            passed=True,
            measured=UNMEASURED,
            required="equal fingerprints",
            look_closer=subject.backtest_code(".fingerprint"),
            note="it has one form, update by update, and every runner uses that",
        )
    plan = subject.plan()
    feed = sampled_feed(subject, plan, 1)
    event, other = _by_event(plan, feed), _by_loop(subject, feed)
    same = event.fingerprint == other.fingerprint
    fills = f"{len(event.record.recorder.fills)} fills against {len(other.record.recorder.fills)}"
    return Check(
        name="forms_agree",
        family="honest",
        passed=same,
        measured=f"event {event.fingerprint[:16]}, {subject.form} {other.fingerprint[:16]}; {fills}",
        required="equal fingerprints",
        look_closer=_closer(subject),
    )


def _by_event(plan: RunPlan, feed: Feed) -> BacktestResult:
    return plan.result(
        replay(
            feed,
            plan.players,
            limits=plan.limits,
            costs=plan.costs,
            initial_cash=plan.initial_cash,
            contain_errors=True,
            progress=False,
        )
    )


def _by_loop(subject: Subject, feed: Feed) -> BacktestResult:
    """The same run by the kernels of a sweep."""
    from workbench.sweeps.columns import in_full
    from workbench.sweeps.setting import Setting
    from workbench.sweeps.vector import SignalSetting, told_rows

    plan = subject.plan()._replace(feed=feed)
    kind = subject.strategy
    if issubclass(kind, SignalStrategy):
        told = SignalSetting(plan)
        quotes = told.quotes()
        told.tell(quotes, {})
        return in_full(told, told_rows(1)[0], quotes)
    if not issubclass(kind, CompiledStrategy):
        raise StrategyError(f"{subject.name}: expected a compiled strategy or a function of columns")
    setting = Setting(plan, kind)
    return in_full(setting, parameter_rows(kind, [setting.player.strategy.config])[0])


def _closer(subject: Subject) -> str:
    event = subject.backtest_code(".equity")
    name = next(iter(subject.strategy.PARAMETERS or {}), "unit")
    value = subject.make().config.get(name, 1.0)
    rest = {key: given for key, given in subject.config.items() if key != name}
    options = f", config={rest!r}" if rest else ""
    grid = f"{{{name!r}: [{value!r}]}}"
    sweep = f"wb.sweep({subject.strategy_code}, {subject.prices_code}, {grid}{options}).column({name}={value!r}).equity"
    return f"{event}.compare({sweep})"

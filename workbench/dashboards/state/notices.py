"""What a risk manager should look at: breakers, kills, limits that are nearly used, venues, strategies, refusals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from workbench.dashboards.state.figures import amount, percent

if TYPE_CHECKING:
    from workbench.client.answers import Exposures, Health, LimitLine, RiskStatus

__all__ = ["LIMIT_NAMES", "Breaches", "Notice", "limit_name", "notices", "words"]

LIMIT_NAMES: Final = {
    "total_portfolio": "gross notional",
    "max_portfolio_value": "gross notional, hard cap",
    "net_portfolio": "net notional",
    "max_leverage": "buying power",
    "daily_loss": "loss of the day",
    "max_daily_loss": "loss of the day, hard cap",
    "max_drawdown": "drawdown",
    "portfolio_loss_pct": "loss since the start",
    "portfolio_var": "value at risk, one day",
    "order_queue": "working orders",
    "max_symbol_share": "share of gross exposure",
    "per_strategy": "gross notional",
    "net_per_strategy": "net notional",
    "max_position_notional": "largest position",
    "max_daily_trades": "orders of the day",
    "stop_loss_pct": "loss, stop",
    "single_strategy_loss": "loss, breaker",
    "strategy_drawdown": "drawdown",
    "max_long": "units long",
    "max_short": "units short",
    "per_instrument": "gross notional",
    "per_venue": "gross notional",
}


class Notice(NamedTuple):
    """level: bad (something is stopped), warn (look at it) or info.  what: a few words.  says: one line.

    ns: when it came to be, 0 where it is simply so now.
    """

    level: Literal["bad", "warn", "info"]
    what: str
    says: str
    ns: int = 0


def words(name: str) -> str:
    """A name out of a program, for people."""
    return name.replace("_", " ")


def limit_name(line: LimitLine) -> str:
    """A limit in words, and whose it is."""
    name = LIMIT_NAMES.get(line.limit_type, words(line.limit_type))
    return f"{line.target}: {name}" if line.target else name


def notices(
    risk: RiskStatus,
    exposures: Exposures,
    health: Health,
    failed: Mapping[str, str],
    breaches: Sequence[Notice],
) -> tuple[Notice, ...]:
    """What is so now, worst first, then what happened, newest first.  failed: strategies that are down, and why."""
    now = [
        *_engine(health),
        *_stopped(risk),
        *(Notice("bad", f"{name} is down", why or "it died too often") for name, why in failed.items()),
        *_venues(risk),
        *_limits(exposures),
    ]
    past = [
        Notice(
            "info",
            f"breaker: {words(line.reason)}",
            f"{line.strategy_id or 'whole portfolio'} tripped"
            # what a person has pulled has no figures
            + (f" at {line.value:,.4g}, limit {line.limit:,.4g}" if line.value or line.limit else ""),
            line.timestamp_ns,
        )
        for line in risk.alerts
    ]
    rank = {"bad": 0, "warn": 1, "info": 2}
    now.sort(key=lambda notice: rank[notice.level])
    return (*now, *sorted([*past, *breaches], key=lambda notice: -notice.ns))


def _engine(health: Health) -> list[Notice]:
    level: Literal["bad", "warn"] = "bad" if health.status == "down" else "warn"
    return [
        Notice(level, part, why) for part, why in health.problems.items() if not part.startswith("venue ")
    ]


def _stopped(risk: RiskStatus) -> list[Notice]:
    found = [
        Notice(
            "bad",
            "kill switch: everything" if kill.scope == "all" else f"kill switch: {kill.scope} {kill.target}",
            f"pulled by {kill.person}: {kill.reason}",
        )
        for kill in risk.kills
    ]
    if risk.halted:
        found.append(Notice("bad", "all trading is stopped", ", ".join(map(words, risk.halted))))
    found += [
        Notice("bad", f"{name} is stopped", ", ".join(map(words, reasons)))
        for name, reasons in risk.halted_strategies.items()
    ]
    if not risk.circuit_breakers_enabled:
        found.append(Notice("warn", "automatic breakers are off", "losses stop nothing by themselves"))
    if not risk.pre_trade_enabled:
        found.append(
            Notice("warn", "pre-trade checks are off", "orders are not looked at before they are sent")
        )
    return found


def _venues(risk: RiskStatus) -> list[Notice]:
    found = []
    for venue in risk.venues:
        if not venue.up:
            found.append(
                Notice("warn", f"{venue.venue} is down", venue.problem or "no orders can be sent there")
            )
        elif venue.halted:
            found.append(
                Notice("warn", f"{venue.venue} is halted", venue.problem or "nothing is traded there")
            )
    return found


def _limits(exposures: Exposures) -> list[Notice]:
    found = []
    for line in exposures.lines:
        if line.use >= exposures.warn_at:
            used = (
                f"{amount(line.value, line.unit)} of {amount(line.limit, line.unit)} ({percent(line.use, 0)})"
            )
            full = "used up" if line.use >= 1.0 else "nearly used up"
            found.append(Notice("warn", f"{limit_name(line)} {full}", used))
    return found


class Breaches:
    """Refusals, which the engine counts since it began: a notice for each kind whose count has risen."""

    def __init__(self, most: int = 50) -> None:
        self._most = most
        self._counts: dict[tuple[str, str], int] | None = None
        self._seen: dict[tuple[str, str], Notice] = {}

    def see(self, risk: RiskStatus) -> tuple[Notice, ...]:
        """Notices, those that rose last first."""
        counts = {(line.breach_type, line.strategy_id): line.count for line in risk.breaches}
        before = counts if self._counts is None else self._counts
        for key, count in counts.items():
            if count > before.get(key, 0):
                kind, strategy = key
                more = count - before.get(key, 0)
                says = f"{strategy or 'the desk'}: {more:,} more just now, {count:,} in all"
                self._seen.pop(key, None)
                self._seen[key] = Notice("info", f"refused: {words(kind)}", says, risk.timestamp_ns)
        self._counts = counts
        while len(self._seen) > self._most:
            self._seen.pop(next(iter(self._seen)))
        return tuple(reversed(self._seen.values()))

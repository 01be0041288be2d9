"""How a desk says things: figures, ages, limits as bars, what to look at, and why nobody answers."""

from __future__ import annotations

import math
import time

import pytest

from workbench.client.answers import (
    AlertLine,
    BreachCount,
    Exposures,
    Health,
    JournalHealth,
    KillView,
    LimitLine,
    RiskStatus,
    VenueRisk,
)
from workbench.dashboards.state.bars import Bar, gains, limit_bars
from workbench.dashboards.state.figures import age, amount, clock, money, percent, signed, units
from workbench.dashboards.state.kill_switch import latches
from workbench.dashboards.state.link import lost, wait_after
from workbench.dashboards.state.notices import Breaches, notices
from workbench.errors import ConfigError, RequestError

MINUS = "\u2212"
DASH = "\u2013"


def test_figures_are_written_as_a_desk_reads_them() -> None:
    for shown, expected in (
        (money(1234567.4), "1,234,567"),
        (money(-9.5), f"{MINUS}9.50"),
        (money(-0.001), "0.00"),
        (money(math.nan), DASH),
        (signed(12.0), "+12.00"),
        (signed(-12.0), f"{MINUS}12.00"),
        (percent(0.1234), "12.34 %"),
        (percent(math.inf), DASH),
        (units(0.5), "0.5"),
        (units(-1200.0), f"{MINUS}1,200"),
        (amount(0.5, "share"), "50.00 %"),
        (amount(12.0, "orders"), "12"),
        (age(0.42), "0.4 s"),
        (age(42.4), "42 s"),
        (age(600.0), "10 min"),
        (age(math.inf), "never"),
        (clock(0), DASH),
        (clock(1_704_067_200_000_000_000), "2024-01-01 00:00:00"),
    ):
        assert shown == expected


def line(use: float, scope: str = "portfolio", target: str = "", kind: str = "total_portfolio") -> LimitLine:
    return LimitLine(scope, target, kind, "money", use * 1_000.0, 1_000.0, use)


def test_bars_are_grouped_by_scope_the_fullest_first_and_say_what_their_colour_says() -> None:
    exposures = Exposures(
        0,
        0.8,
        (
            line(0.2),
            line(1.5),
            line(0.85, "strategy", "m", "per_strategy"),
            line(math.nan, kind="portfolio_var"),
        ),
    )
    bars = limit_bars(exposures)
    assert [(bar.scope, bar.use, bar.level, bar.says) for bar in bars] == [
        ("portfolio", DASH, "unknown", "not known yet"),
        ("portfolio", "150 %", "bad", "used up"),
        ("portfolio", "20 %", "good", "within"),
        ("strategy", "85 %", "warn", "nearly used up"),
    ]
    assert bars[1] == Bar("portfolio", "", "gross notional", "1,500", "1,000", 1.0, "150 %", "bad", "used up")
    assert [bar.use for bar in limit_bars(exposures, most=2)] == [DASH, "150 %"]


def test_gains_are_measured_by_the_largest_beside_them() -> None:
    rows = gains([("a", -50.0), ("b", 100.0), ("c", math.nan)])
    assert [(row.name, row.share) for row in rows] == [("b", 1.0), ("a", -0.5), ("c", 0.0)]


def risk(**given: object) -> RiskStatus:
    plain: dict[str, object] = {
        "status": "ok",
        "timestamp_ns": 5,
        "halted": (),
        "halted_strategies": {},
        "kills": (),
        "venues": (VenueRisk("a", "paper", True, False, ""),),
        "pre_trade_enabled": True,
        "circuit_breakers_enabled": True,
        "uses": (),
        "value_at_risk": math.nan,
        "drawdown": 0.0,
        "day_pnl": 0.0,
        "working_orders": 0,
        "orders_accepted": 0,
        "orders_refused": 0,
        "breaches": (),
        "alerts": (),
    }
    return RiskStatus(**{**plain, **given})  # type: ignore[arg-type]


HEALTH = Health("ok", "running", {}, "1", 1.0, "none", 0, JournalHealth(0, 0, 0.0, ""))
QUIET = Exposures(5, 0.8, ())


def test_what_is_stopped_comes_first_and_what_happened_last() -> None:
    found = notices(
        risk(
            kills=(KillView("venue", "a", "ana", "odd fills", False),),
            halted_strategies={"m": ("stop_loss",)},
            alerts=(AlertLine("daily_loss", "", -5.0, -4.0, 3),),
            venues=(VenueRisk("b", "book", False, False, "no route"),),
        ),
        Exposures(5, 0.8, (line(0.9),)),
        Health(
            "degraded", "running", {"venue b": "no route"}, "1", 1.0, "none", 0, JournalHealth(0, 0, 0.0, "")
        ),
        {"s": "it died too often"},
        (),
    )
    assert [(notice.level, notice.what) for notice in found] == [
        ("bad", "kill switch: venue a"),
        ("bad", "m is stopped"),
        ("bad", "s is down"),
        ("warn", "b is down"),
        ("warn", "gross notional nearly used up"),
        ("info", "breaker: daily loss"),
    ]
    assert found[0].says == "pulled by ana: odd fills"
    assert found[-1].says == "whole portfolio tripped at -5, limit -4"
    (pulled,) = notices(risk(alerts=(AlertLine("kill_switch", "m", 0.0, 0.0, 3),)), QUIET, HEALTH, {}, ())
    assert pulled.says == "m tripped"  # by a person, not at a figure
    assert notices(risk(), QUIET, HEALTH, {}, ()) == ()


def test_controls_that_are_off_are_told() -> None:
    found = notices(risk(circuit_breakers_enabled=False, pre_trade_enabled=False), QUIET, HEALTH, {}, ())
    assert [notice.what for notice in found] == ["automatic breakers are off", "pre-trade checks are off"]


def test_refusals_are_told_when_their_count_rises() -> None:
    seen = Breaches()
    old = BreachCount("order_size", "m", 7)
    assert seen.see(risk(breaches=(old,))) == ()  # from before anybody looked
    (told,) = seen.see(risk(breaches=(BreachCount("order_size", "m", 9),)))
    assert (told.what, told.says) == ("refused: order size", "m: 2 more just now, 9 in all")
    newer = (BreachCount("order_size", "m", 9), BreachCount("price_collar", "s", 1))
    assert [notice.what for notice in seen.see(risk(breaches=newer))] == [
        "refused: price collar",
        "refused: order size",
    ]


def test_a_kill_is_told_once_and_not_as_its_breaker_too() -> None:
    found = latches(
        risk(
            kills=(KillView("all", "", "ana", "stop", True),),
            halted=("kill_switch", "daily_loss"),
            halted_strategies={"m": ("kill_switch",)},
        )
    )
    assert [(latch.kind, latch.target, latch.says) for latch in found] == [
        ("kill", "", "ana: stop"),
        ("breaker", "", "daily loss"),
        ("breaker", "m", "kill switch"),
    ]


def test_the_longer_nobody_answers_the_longer_is_waited_up_to_ten_seconds() -> None:
    assert [wait_after(n) for n in (0, 1, 2, 3, 4, 5, 50)] == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]


@pytest.mark.parametrize(
    ("error", "state", "title"),
    [
        (RequestError("refused", "unavailable"), "lost", "No engine answers"),
        (RequestError("late", "slow"), "lost", "The engine is slow to answer"),
        (RequestError("who?", "unauthenticated"), "refused", "The engine does not know this token"),
        (RequestError("no", "forbidden"), "refused", "This token may not read"),
        (RequestError("?", "malformed"), "refused", "Something else answers there"),
        (RequestError("wait", "too_many"), "lost", "The engine asks for fewer questions"),
        (ConfigError("others can read it"), "refused", "The engine's token cannot be used"),
        (ValueError("odd"), "lost", "The dashboard cannot read the engine"),
    ],
)
def test_each_way_to_have_no_engine_has_its_words(error: Exception, state: str, title: str) -> None:
    link = lost(error, "http://engine", 0, now=time.monotonic())
    assert (link.state, link.title) == (state, title)
    assert link.says
    assert link.retry_at > time.monotonic()

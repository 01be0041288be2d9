"""An override of a limit: two people, a time, a reason; written down, over by itself, never of what stops trading."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from live.api.roles import Role
from live.machine import Answered, LimitOverride, Machine, Setup
from live.session import read_session
from tests.live.api.server import Served, serve
from tests.waiting import until
from workbench.core.build import Seat
from workbench.core.costs import Costs
from workbench.core.facts import BreakerTripped, OrderAccepted, OrderRefused
from workbench.core.intents import ClockTick, SeatStrategy, SetLimits, TripBreaker
from workbench.core.limits import OrderLimits, RiskLimits
from workbench.core.messages import Instrument, MarketSignal, PriceUpdate, RiskAlert
from workbench.errors import EngineError, LimitsError

KEY = "order_limits.max_order_value"
SECOND = 10**9
LIMITS = RiskLimits(order_limits=OrderLimits(max_order_value=1_000.0))
NAN = float("nan")


def price(second: float) -> PriceUpdate:
    return PriceUpdate("X", "v", int(second * SECOND), 100.0, 100.0, 100.0, NAN, NAN, NAN, 0.0, int(second))


def machine() -> Machine:
    made = Machine(Setup((Instrument("X", "v"),), {"v": Costs()}, limits=LIMITS))
    made.apply(SeatStrategy(Seat("s", capital=1e6)))
    made.apply(price(1))
    return made


def asks(
    person: str, value: float | None = 5_000.0, seconds: float = 60.0, limit: str = KEY
) -> LimitOverride:
    return LimitOverride(limit, value, seconds, person, "a block trade")


def passes(made: Machine, units: float = 20.0) -> bool:
    """Whether an order for two thousand is let through."""
    signal = MarketSignal("X", None, 1.0, 1.0, {"quantity": units})
    facts = made.apply(Answered("s", 1, [signal]))
    assert any(isinstance(fact, OrderAccepted | OrderRefused) for fact in facts)
    return any(isinstance(fact, OrderAccepted) for fact in facts)


def test_two_people_and_a_time() -> None:
    made = machine()
    assert not passes(made)
    assert made.apply(asks("ana")) == []
    assert not passes(made)  # one person is not enough, however often
    assert made.apply(asks("ana")) == []
    assert not passes(made)
    (alert,) = made.apply(asks("ben"))
    assert isinstance(alert, RiskAlert)
    assert (alert.monitor, alert.value, alert.limit) == (f"override:{KEY}", 5_000.0, 1_000.0)
    assert passes(made)
    assert made.limits == LIMITS  # what people have set is as it was
    made.apply(price(60.5))
    assert passes(made)
    (alert,) = [fact for fact in made.apply(ClockTick(61 * SECOND)) if isinstance(fact, RiskAlert)]
    assert (alert.value, alert.limit) == (1_000.0, 1_000.0)
    assert not passes(made)
    assert made.desk.limits == LIMITS


def test_a_second_person_who_asks_for_something_else_only_proposes_it() -> None:
    made = machine()
    made.apply(asks("ana", 5_000.0))
    assert made.apply(asks("ben", 6_000.0)) == []
    assert not passes(made)
    assert made.overrides.lines[KEY].person == "ben"
    made.apply(ClockTick(20 * 60 * SECOND))  # nobody agreed
    assert made.overrides.lines == {}


def test_one_person_may_end_it() -> None:
    made = machine()
    made.apply(asks("ana"))
    made.apply(asks("ben"))
    with pytest.raises(EngineError, match="overridden already, by ana and ben"):
        made.apply(asks("eve", 9_000.0))
    assert [type(fact) for fact in made.apply(asks("eve", None))] == [RiskAlert]
    assert not passes(made)
    with pytest.raises(EngineError, match="no override"):
        made.apply(asks("eve", None))


def test_other_limits_may_be_set_meanwhile() -> None:
    made = machine()
    made.apply(asks("ana"))
    made.apply(asks("ben"))
    made.apply(SetLimits(RiskLimits(restricted_list=["X"], order_limits=OrderLimits(max_order_value=900.0))))
    assert made.desk.limits.order_limits.max_order_value == 5_000.0
    assert not passes(made)  # restricted, whatever is overridden
    made.apply(ClockTick(90 * SECOND))
    assert made.desk.limits.order_limits.max_order_value == 900.0


@pytest.mark.parametrize(
    "limit",
    [
        "restricted_list",
        "permitted_instruments",
        "circuit_breakers.portfolio_loss_pct",
        "circuit_breakers.single_strategy_loss",
        "drawdown_limits.daily_loss",
        "drawdown_limits.strategy_drawdown",
        "global.max_drawdown",
        "per_strategy.stop_loss_pct",
        "repeated_execution.max_executions",
        "strategy_errors.max_errors",
        "order_limits.bad_tick_pct",
        "enable_circuit_breakers",
        "enable_pre_trade",
        "kill_switch",
        "position_limits.X",
        "",
    ],
)
def test_a_hard_block_is_never_overridden(limit: str) -> None:
    made = machine()
    before = made.dump()
    with pytest.raises(LimitsError, match="cannot be overridden"):
        made.apply(asks("ana", 1.0, limit=limit))
    made.applied -= 1
    assert made.dump() == before


def test_a_latched_breaker_refuses_whatever_is_overridden() -> None:
    made = machine()
    assert any(isinstance(fact, BreakerTripped) for fact in made.apply(TripBreaker("ana", "stop")))
    made.apply(asks("ana"))
    made.apply(asks("ben"))
    assert not passes(made)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (asks("ana", float("inf")), "finite"),
        (asks("ana", NAN), "finite"),
        (asks("ana", -5.0), "wrong sign"),
        (asks("ana", seconds=0.0), "28800"),
        (asks("ana", seconds=1e6), "28800"),
        (asks("ana", seconds=NAN), "28800"),
        (asks(" "), "named person"),
    ],
)
def test_what_makes_no_sense_is_refused(asked: LimitOverride, message: str) -> None:
    with pytest.raises((EngineError, LimitsError), match=message):
        machine().apply(asked)


def test_a_snapshot_in_the_middle_ends_at_the_same_time() -> None:
    made = machine()
    made.apply(asks("ana"))
    made.apply(asks("ben"))
    again = Machine(made.setup, made.dump())
    assert again.overrides.lines == made.overrides.lines
    for one in (made, again):
        assert passes(one)
        one.apply(ClockTick(61 * SECOND))
        assert not passes(one)
    assert again.overrides.lines == made.overrides.lines == {}
    assert again.desk.state.tobytes() == made.desk.state.tobytes()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serve(tmp_path_factory.mktemp("served"), limits=LIMITS) as found:
        yield found


def put(client: httpx.Client, **changes: Any) -> httpx.Response:
    body = {"limit": KEY, "value": 5_000.0, "seconds": 2.0, "reason": "a block trade", **changes}
    return client.put("/api/v1/risk/overrides", json=body)


def test_over_rest_it_is_proposed_agreed_written_down_and_over(served: Served) -> None:
    risk, admin = served.as_role(Role.RISK), served.client
    (line,) = put(risk).json()["overrides"]
    assert (line["in_force"], line["approver"], line["usual"]) == (False, "", 1_000.0)
    (line,) = put(admin).json()["overrides"]
    assert line["in_force"]
    assert {line["person"], line["approver"]} == {"risk", "admin"}
    tag = admin.get("/api/v1/risk/limits").json()
    assert tag["limits"]["order_limits"]["max_order_value"] == 1_000.0  # to be read, changed and put back
    while risk.get("/api/v1/risk/overrides").json()["overrides"]:
        pass
    assert served.engine.machine.desk.limits == LIMITS
    written = [row for row in admin.get("/api/v1/audit").json()["lines"] if row["action"] == "risk.override"]
    assert [(row["person"], row["outcome"]) for row in written] == [("risk", "done"), ("admin", "done")]
    until(lambda: read_session(served.engine.settings.data).machine.overrides.lines == {})  # once on the disk
    assert read_session(served.engine.settings.data).machine.desk.limits == LIMITS


def test_over_rest_it_is_refused_in_one_line(served: Served) -> None:
    risk = served.as_role(Role.RISK)
    assert put(served.as_role(Role.TRADER)).status_code == 403
    for changes, status in (
        ({"limit": "restricted_list"}, 422),
        ({"value": -1.0}, 422),
        ({"reason": " "}, 422),
        ({"seconds": 1e9}, 422),
        ({"value": None}, 409),
    ):
        answer = put(risk, **changes)
        assert answer.status_code == status, answer.text
        assert "\n" not in answer.json()["detail"]
    assert risk.get("/api/v1/risk/overrides").json() == {"overrides": []}

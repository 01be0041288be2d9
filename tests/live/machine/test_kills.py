"""A kill ends by its own reset alone."""

from __future__ import annotations

import pytest

from live.machine import Input, KillReset, KillSwitch, Machine
from tests.live.machine.test_admissions import buys, machine
from workbench.core.intents import ResetBreaker, TripBreaker


@pytest.mark.parametrize(
    "reset",
    [
        ResetBreaker("ben", "looked into it", "s"),
        ResetBreaker("ben", "looked into it"),
        KillReset("all", "", "ben", "over"),
    ],
    ids=["its breakers", "all breakers", "another kill"],
)
def test_a_kill_of_a_strategy_outlives_other_resets(reset: Input) -> None:
    made = machine()
    made.apply(KillSwitch("strategy", "s", "ana", "what is it doing"))
    if isinstance(reset, KillReset):
        made.apply(KillSwitch("all", "", "ana", "all of them"))
    else:
        made.apply(TripBreaker("ana", "a drill", "s"))
    made.apply(reset)
    for each in (made, Machine(made.setup, made.dump())):
        assert list(each.kills) == [("strategy", "s")]
        assert (each.desk.halted(), each.desk.halted("s")) == ((), ("kill_switch",))
        assert "circuit_breaker" in buys(each, 1.0)
    made.apply(KillReset("strategy", "s", "ben", "over"))
    assert buys(made, 1.0) == ["accepted"]


def test_a_kill_of_everything_outlives_the_reset_of_breakers() -> None:
    made = machine()
    made.apply(KillSwitch("all", "", "ana", "what are they doing"))
    made.apply(ResetBreaker("ben", "looked into it"))
    assert made.desk.halted() == ("kill_switch",)
    assert "circuit_breaker" in buys(made, 1.0)
    made.apply(KillReset("all", "", "ben", "over"))
    assert buys(made, 1.0) == ["accepted"]

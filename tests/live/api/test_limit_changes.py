"""Limits that two people change at the same moment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

import pytest

from live.api.commands import Commands
from live.api.limit_changes import limits_tag
from live.api.requests import BreakerRequest, LimitsRequest, LimitsResponse
from live.api.roles import Caller, Role
from live.machine import LimitsChanged, Machine
from tests.live.engine.desk import open_engine, paper_market, settings_for
from tests.live.machine.test_machine import SETUP
from workbench.core.limits import RiskLimits
from workbench.errors import RequestError, StaleChange

TIGHT = {"notional_limits": {"per_strategy": 50_000.0}}
OTHER = {"order_limits": {"max_order_value": 900_000.0}}
ANA, BEN = Caller("ana", Role.ADMIN), Caller("ben", Role.ADMIN)


def at_once(
    folder: Path, make: Callable[[Commands], Iterable[Coroutine[Any, Any, Any]]]
) -> tuple[RiskLimits, RiskLimits, list[Any]]:
    """Limits before and after commands that come in the same moment, and what they answer."""

    async def run() -> tuple[RiskLimits, RiskLimits, list[Any]]:
        async with open_engine(settings_for(folder), paper_market()) as engine:
            commands, before = Commands(engine), engine.machine.limits
            answers = await asyncio.gather(*make(commands), return_exceptions=True)
            await commands.finish()
            return before, engine.machine.limits, answers

    return asyncio.run(run())


def test_neither_of_two_changes_in_one_turn_takes_the_other_back(tmp_path: Path) -> None:
    _, now, (first, second) = at_once(
        tmp_path, lambda c: (c.set_limits(ANA, LimitsRequest(TIGHT)), c.set_limits(BEN, LimitsRequest(OTHER)))
    )
    assert (now.notional_limits.per_strategy, now.order_limits.max_order_value) == (50_000.0, 900_000.0)
    assert first.changed == ("notional_limits.per_strategy",)
    assert second.changed == ("order_limits.max_order_value",)


def test_of_two_that_have_read_the_same_the_second_is_told(tmp_path: Path) -> None:
    def both(c: Commands) -> tuple[Coroutine[Any, Any, Any], ...]:
        tag = limits_tag(c.engine.machine.limits)
        return (
            c.set_limits(ANA, LimitsRequest(TIGHT, tag=tag)),
            c.set_limits(BEN, LimitsRequest(OTHER, tag=tag)),
        )

    before, now, (first, second) = at_once(tmp_path, both)
    assert isinstance(first, LimitsResponse)
    assert isinstance(second, RequestError)
    assert second.kind == "stale"
    assert now.notional_limits.per_strategy == 50_000.0
    assert now.order_limits == before.order_limits


def test_breakers_are_switched_without_taking_limits_back(tmp_path: Path) -> None:
    before, now, (first, second) = at_once(
        tmp_path,
        lambda c: (
            c.set_limits(ANA, LimitsRequest(TIGHT)),
            c.breaker(BEN, BreakerRequest("disable", reason="drill")),
        ),
    )
    assert before.enable_circuit_breakers
    assert (now.notional_limits.per_strategy, now.enable_circuit_breakers) == (50_000.0, False)
    assert (first.changed, second.enabled) == (("notional_limits.per_strategy",), False)


def test_the_machine_refuses_what_was_made_out_of_other_limits() -> None:
    made = Machine(SETUP)
    before, tight = made.limits, RiskLimits(restricted_list=["X"])
    made.apply(LimitsChanged(tight, before))
    with pytest.raises(StaleChange, match="other limits have come into force"):
        made.apply(LimitsChanged(before, before))
    assert made.limits == tight

"""Signal faults: a well-behaved strategy whose signals are bent on their way, beside a bystander.

The victim is the momentum strategy with sizing "order", so that each of its signals is an order; the fault strikes it
from minute 20 to minute 60, and the bystander never.
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from strategies.momentum import MomentumStrategy
from tests.chaos.arena import BTC, ETH, bystander, event, limits, market, minutes, play, seated, wave
from tests.chaos.verdict import assert_contained, undisturbed, violated
from workbench.backtest.replay import ReplayRecord
from workbench.backtest.seating import Player
from workbench.core.codes import Sizing
from workbench.core.feed import Feed
from workbench.core.limits import CircuitBreakers, DrawdownLimits, OrderLimits, RiskLimits

WAVES = market({BTC: wave(80, 100.0, 0.03, 16), ETH: wave(80, 50.0, 0.01, 12)})
LIMITS = limits(10.0)
STOP_AT_60 = CircuitBreakers(portfolio_loss_pct=-0.5, single_strategy_loss=-60.0, rapid_drawdown_rate=-0.5)


def victim(sizing: Sizing = Sizing.ORDER) -> Player:
    return seated(MomentumStrategy({"lookback": 4, "entry": 0.6}), "victim", sizing, symbols=BTC)


def struck(
    kind: str,
    intensity: float,
    controls: RiskLimits = LIMITS,
    feed: Feed = WAVES,
    sizing: Sizing = Sizing.ORDER,
) -> ReplayRecord:
    fault = event(kind, 20.0, 40.0, intensity, "victim", seed=3)
    return play(feed, victim(sizing), bystander(), limits=controls, chaos=[fault])


def contained(record: ReplayRecord, controls: RiskLimits, feed: Feed = WAVES) -> None:
    assert_contained(record, controls, play(feed, bystander(), limits=controls), strategy="victim")


def refusals(record: ReplayRecord) -> set[str]:
    return {check for refused in record.recorder.refused for check in refused.failed_checks}


def test_victim_alone_breaks_no_rule() -> None:
    record = play(WAVES, victim(), bystander(), limits=LIMITS)
    assert violated(record, LIMITS) == set()
    assert record.recorder.breaches == []
    undisturbed(record, play(WAVES, bystander(), limits=LIMITS))


# -- runaway ---------------------------------------------------------------------------------------------------------


def test_runaway_contained() -> None:
    """A hundred buys an update from minute 20 to 59: ten of them pass at first, and ten units are the most."""
    record = struck("runaway", 1.0)
    contained(record, LIMITS)
    assert {"position_limit", "duplicate_order", "message_rate"} <= refusals(record)
    refused = minutes(record.recorder.refused, "victim")
    assert {minute for minute, count in refused.items() if count > 1} == set(range(20, 60))
    assert record.desk.view.symbols[0].worst_long <= 11.0  # ten of the victim, one of the bystander


@pytest.mark.parametrize("control", ["position_limit", "duplicate_order", "message_rate"])
def test_runaway_without_a_control_is_not_contained(control: str) -> None:
    tighter = limits(30.0) if control == "duplicate_order" else LIMITS
    assert violated(struck("runaway", 1.0, tighter.without(control)), tighter) == {control}


def test_runaway_of_a_target_sized_strategy_contained() -> None:
    record = struck("runaway", 1.0, sizing=Sizing.TARGET)
    contained(record, LIMITS)
    assert {"position_limit", "duplicate_order", "message_rate"} <= refusals(record)


# -- risk ignorant ---------------------------------------------------------------------------------------------------


BARRED = limits(10.0, permitted_instruments={"victim": [ETH]})
SMALL = limits(10.0, order_limits=OrderLimits(max_order_value=150.0))


def test_risk_ignorant_contained() -> None:
    """It may not trade BTC and tries all the same; each refusal makes its next order three times as large."""
    record = struck("risk_ignorant", 2.0, BARRED)
    contained(record, BARRED)
    bent = [s.signal.metadata["quantity"] for s in record.recorder.signals if "quantity" in s.signal.metadata]
    assert bent == sorted(bent)
    assert (bent[0], bent[-1] > 50.0) == (3.0, True)
    assert {"permitted_instruments", "position_limit"} <= refusals(record)
    assert {o.strategy_id for o in record.recorder.accepted} == {"bystander"}


def test_risk_ignorant_without_position_limit_is_not_contained() -> None:
    """The breaches come from a second fault, signals out of range; each is followed by larger orders."""
    faults = [event(kind, 20.0, 40.0, 2.0, "victim") for kind in ("volatility_amplifier", "risk_ignorant")]
    for control in ("position_limit", "max_order_value"):
        controls = SMALL.without({"position_limit": "max_order_value"}.get(control, "position_limit"))
        held = play(WAVES, victim(), bystander(), limits=controls, chaos=faults)
        assert violated(held, controls) == set()
        assert control in refusals(held)
        loose = play(WAVES, victim(), bystander(), limits=controls.without(control), chaos=faults)
        assert violated(loose, controls) == {control}


# -- volatility amplifier --------------------------------------------------------------------------------------------


def test_volatility_amplifier_contained() -> None:
    """Moves of more than 1 % a minute are chased with strength 4, which is told and clipped to 1."""
    record = struck("volatility_amplifier", 2.0)
    contained(record, LIMITS)
    told = [b for b in record.recorder.breaches if b.breach_type == "signal_out_of_range"]
    assert told
    assert {abs(b.value) for b in told} == {4.0}
    assert {a.quantity for a in record.recorder.accepted} == {1.0}


def test_volatility_amplifier_without_signal_out_of_range_is_not_contained() -> None:
    record = struck("volatility_amplifier", 2.0, LIMITS.without("signal_out_of_range"))
    assert violated(record, LIMITS) == {"signal_out_of_range"}


# -- correlation breaker ---------------------------------------------------------------------------------------------


RALLY = market(
    {
        BTC: wave(24, 100.0, 0.01, 8) + [round(100.0 * 1.025**i, 2) for i in range(56)],
        ETH: wave(24, 50.0, 0.01, 8) + [round(50.0 * 1.01**i, 2) for i in range(56)],
    }
)


def test_correlation_breaker_contained() -> None:
    """Each rise of BTC by 2.5 % sells a unit of ETH, which rises as well: ten short, and the loss stops it."""
    controls = limits(10.0, circuit_breakers=STOP_AT_60)
    record = struck("correlation_breaker", 1.0, controls, RALLY)
    contained(record, controls, RALLY)
    assert "position_limit" in refusals(record)
    assert [(t.reason, t.strategy_id) for t in record.recorder.trips] == [("single_strategy_loss", "victim")]
    assert record.desk.position(0, ETH) == 0.0


@pytest.mark.parametrize("control", ["position_limit", "single_strategy_loss"])
def test_correlation_breaker_without_a_control_is_not_contained(control: str) -> None:
    controls = limits(10.0, circuit_breakers=STOP_AT_60)
    record = struck("correlation_breaker", 1.0, controls.without(control), RALLY)
    assert violated(record, controls) == {control}


# -- slow leak -------------------------------------------------------------------------------------------------------

LONG = market({BTC: wave(600, 100.0, 0.05, 24), ETH: wave(600, 50.0, 0.01, 12)})
DRAWDOWN = limits(10.0, drawdown_limits=DrawdownLimits(daily_loss=-20_000.0, strategy_drawdown=-0.0006))


def leaking(controls: RiskLimits, seed: int = 1, kinds: Sequence[str] = ("slow_leak",)) -> ReplayRecord:
    faults = [event(kind, 20.0, 560.0, 1_000.0, "victim", seed) for kind in kinds]
    return play(LONG, victim(Sizing.TARGET), bystander(), limits=controls, chaos=faults)


def test_slow_leak_contained() -> None:
    """Half of all decisions turned round: no order is refused for it, the drawdown of 0.06 % of 50,000 stops it."""
    sound = leaking(DRAWDOWN, kinds=())
    assert sound.recorder.trips == []
    record = leaking(DRAWDOWN)
    contained(record, DRAWDOWN, LONG)
    assert [(t.reason, t.strategy_id) for t in record.recorder.trips] == [("strategy_drawdown", "victim")]
    assert record.curves[-1, 1] < sound.curves[-1, 1]


def test_slow_leak_without_strategy_drawdown_is_not_contained() -> None:
    record = leaking(DRAWDOWN.without("strategy_drawdown"))
    assert violated(record, DRAWDOWN) == {"strategy_drawdown"}

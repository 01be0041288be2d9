"""What every script in strategies/chaos has in common, and that the guide lists them all."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from workbench.chaos.events import parse_events
from workbench.chaos.kinds import KINDS
from workbench.core.messages import PriceUpdate
from workbench.strategy.loader import available, load_source

type Script = Callable[..., Any]
type Quote = Callable[..., PriceUpdate]

ROOT = Path(__file__).parents[2]
SCRIPTS = {info.name: info for info in available(ROOT / "strategies" / "chaos")}
GUIDE = ROOT / "docs" / "chaos_guide.md"


def market(quote: Quote, bad: bool) -> list[PriceUpdate]:
    """A wild random walk of two symbols; with bad prices among them if asked."""
    generator = np.random.default_rng(11)
    updates = []
    prices = {"BTC-USD": 100.0, "ETH-USD": 10.0}
    for minute in range(150):
        for symbol in prices:
            change = float(generator.normal(0.0, 0.02))
            prices[symbol] *= math.exp(change)
            updates.append(quote(minute, prices[symbol], symbol=symbol, change=change))
            if bad and minute % 10 == 5:
                spoilt = (math.nan, 0.0, -5.0, math.inf)[minute // 10 % 4]
                updates.append(quote(minute, spoilt, symbol=symbol, change=math.nan))
    return updates


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_is_whole_and_documented(name: str) -> None:
    info = SCRIPTS[name]
    assert info.broken is None
    text = (ROOT / "strategies" / "chaos" / f"{name}.py").read_text()
    for part in ("Misbehaviour: ", "start_after_minutes", "Expected response: "):
        assert part in text
    for parameter in info.parameters:
        assert f"{parameter}" in text.split("CHAOS_TYPE")[0], f"{parameter} is not documented"


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_sends_marked_signals_the_same_in_each_run(script: Script, quote: Quote, name: str) -> None:
    updates = market(quote, bad=False)
    first, second = script(name), script(name)
    signals = [first.on_market_data(update) for update in updates]
    sent = [signal for answer in signals for signal in answer]
    assert sent
    assert {s.metadata["chaos_type"] for s in sent} == {type(first).CHAOS_TYPE}
    assert repr(signals) == repr([second.on_market_data(update) for update in updates])


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_survives_bad_prices(script: Script, quote: Quote, name: str) -> None:
    strategy = script(name)
    for update in market(quote, bad=True):
        for signal in strategy.on_market_data(update):
            prices = [signal.metadata.get(key, 1.0) for key in ("limit_price", "quantity")]
            assert name == "nan_signals" or all(math.isfinite(p) and p > 0.0 for p in prices)


def test_chaos_types_are_all_different(script: Script) -> None:
    types = [type(script(name)).CHAOS_TYPE for name in SCRIPTS]
    assert len(set(types)) == len(types) == 11


def test_guide_lists_every_script_and_every_kind() -> None:
    rows = [line for line in GUIDE.read_text().splitlines() if line.startswith("| `")]
    for info in SCRIPTS.values():
        assert any(info.class_name in row for row in rows), f"{info.class_name} is missing in the guide"
    for kind, entry in KINDS.items():
        expected = f"| `{kind}` | {entry.unit} | {entry.least:g} .. {entry.most:g} | {entry.effect} |"
        assert expected in rows


def blocks(language: str) -> list[str]:
    """The code blocks of the guide in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", GUIDE.read_text(), re.DOTALL | re.MULTILINE)


def test_strategy_of_the_guide_loads_and_misbehaves(quote: Quote) -> None:
    (code,) = (block for block in blocks("python") if "class " in block)
    strategy = load_source(code)({"duration_minutes": 2.0})
    sent = [len(strategy.on_market_data(quote(minute))) for minute in range(3)]
    assert sent == [3, 3, 0]


def test_events_of_the_guide_can_be_read() -> None:
    (text,) = blocks("yaml")
    events = parse_events(yaml.safe_load(text))
    assert [(e.kind, e.duration.total_seconds()) for e in events] == [
        ("stale_feed", 2_700.0),
        ("volatility_burst", 21_600.0),
    ]

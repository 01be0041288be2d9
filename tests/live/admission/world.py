"""What an attempt to get past the gate works with: an engine behind its API, keys, scripts and certificates of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import msgspec

from live.engine import Engine
from live.settings import Settings
from live.venues.clock import WallClock
from live.venues.settings import load_venues
from tests.live.api.server import Served
from tests.live.engine.desk import paper_market, settings_for, until
from workbench.certificates import (
    KeyPair,
    canonical,
    closure_of,
    new_certificate,
    read_signed,
    sign,
)
from workbench.core.limits import RiskLimits

__all__ = [
    "ShiftedClock",
    "World",
    "certified",
    "engine_of",
    "resigned",
    "script_text",
    "settings_of",
    "trading_text",
]

_TEXT = '''"""For a test."""

from workbench.strategy import TradingStrategy


class {name}(TradingStrategy):
    """Looks on{what}."""

    VERSION = "{version}"{more}

    def on_market_data(self, price_update):
        return []

    def on_order_fill(self, fill):
        pass

    def on_risk_breach(self, breach):
        pass
'''
_TRADING = '''"""For a test ({number})."""

from workbench.strategy import MarketSignal, TradingStrategy


class Watcher(TradingStrategy):
    """Buys or sells everything at every venue, whatever it is shown: at each one in ten prices of an instrument."""

    VERSION = "{version}"

    def __init__(self, config):
        super().__init__(config)
        self.seen = {{}}

    def on_market_data(self, price_update):
        name = price_update.symbol, price_update.venue
        self.seen[name] = seen = self.seen.get(name, 0) + 1
        if seen % 10:
            return []
        side = 1.0 if seen % 20 else -1.0
        there = {{"quantity": 0.01, "venue": price_update.venue}}
        return [MarketSignal(symbol, None, side, 1.0, there) for symbol in ("BTC-USD", "ETH-USD")]

    def on_order_fill(self, fill):
        pass

    def on_risk_breach(self, breach):
        pass
'''
_numbers = count(1)


def script_text(name: str = "Watcher", *, version: str = "1", what: str = "", more: str = "") -> str:
    """A script with one strategy class that does nothing."""
    return _TEXT.format(name=name, version=version, what=what, more=more)


def trading_text(number: int = 0, version: str = "1") -> str:
    """A script with one strategy class that now and then trades everything at every venue."""
    return _TRADING.format(number=number, version=version)


def certified(key: KeyPair, script: str, source: str, **changes: Any) -> bytes:
    """A signed certificate of a script, as of now; changes: of `new_certificate`."""
    settings: dict[str, Any] = {
        "strategy": "Watcher",
        "version": "1",
        "script": script,
        "sources": closure_of(script, source),
        "parameters": {},
        "data_fingerprint": "f" * 64,
        "instruments": ["BTC-USD@elsewhere", "ETH-USD@elsewhere"],
        "limits": RiskLimits(),
        "thresholds": {},
        "scores": [],
        "passed": True,
        "seeds": {"seed": 1},
        "versions": {},
        "issuer": key.id,
    }
    return sign(new_certificate(**{**settings, **changes}), key)


def resigned(data: bytes, key: KeyPair, **changes: Any) -> bytes:
    """A certificate with other fields, signed with `key` whatever it says."""
    other = msgspec.structs.replace(read_signed(data).certificate, **changes)
    signature = key.private.sign(b"trading workbench certificate\n" + canonical(other))
    return canonical({"certificate": other, "signature": signature.hex()})


class World:
    """A served engine.  key: that it trusts.  stranger: that it does not.  folder: its strategies."""

    def __init__(self, served: Served, key: KeyPair, stranger: KeyPair) -> None:
        self.served, self.key, self.stranger = served, key, stranger
        self.engine = served.engine
        self.folder = served.engine.settings.strategies_path
        self.number = next(_numbers)
        self.id = f"s{self.number}"
        self.script = f"w{self.number}.py"
        self.answers: list[httpx.Response] = []

    # --- what an honest person does -----------------------------------------------------------------------------------

    def text(self, **changes: Any) -> str:
        """A script that no other attempt has."""
        return script_text(**{"what": f" ({self.number})", **changes})

    def trading(self, version: str = "1") -> str:
        """A script that no other attempt has, and that trades everything."""
        return trading_text(self.number, version)

    def certificate(self, source: str, **changes: Any) -> bytes:
        """An honest certificate of a script of this name."""
        return certified(self.key, changes.pop("script", self.script), source, **changes)

    def write(self, source: str, name: str = "") -> Path:
        """Put a script into the engine's folder."""
        path = self.folder / (name or self.script)
        path.write_text(source)
        return path

    def keep(self, data: bytes) -> str:
        """Have the engine keep a certificate as if it had come with an upload long ago; its id."""
        return self.engine.gate.store.keep(data).certificate.id

    def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        answer = self.served.client.post(f"/api/v1/strategies/{path}", json=body, headers=headers)
        self.answers.append(answer)
        return answer

    def start(self, script: str = "", **more: Any) -> httpx.Response:
        return self.post("start", {"script": script or self.script, "strategy_id": self.id, **more})

    def upload(self, source: str, data: bytes = b"", name: str = "") -> httpx.Response:
        body = {"name": name or self.script, "source": source, "certificate": data.decode("latin-1")}
        return self.post("upload", body)

    def promote(self, source: str, data: bytes | str = b"", **more: Any) -> httpx.Response:
        text = data if isinstance(data, str) else data.decode("latin-1")
        body = {"script": self.script, "source": source, "certificate": text, "strategy_id": self.id}
        return self.post("promote", {**body, "reason": "an attempt", "canary": False, **more})

    def call(self, work: Any) -> Any:
        """Run something in the engine's loop."""
        return self.served.call(work)

    def wait(self, fact: Any) -> None:
        self.served.call(until(fact))

    @property
    def state(self) -> str:
        record = self.engine.machine.strategies.get(self.id)
        return record.state if record else ""

    @property
    def running(self) -> str:
        """Source hash of what runs under the id of this attempt; "" for nothing."""
        slot = self.engine.strategies.slots.get(self.id)
        return slot.record.source_hash if slot is not None and slot.runner is not None else ""

    def traded(self, after: int = 0) -> set[str]:
        """Instruments that its orders behind a place in the order of changes are in."""
        lines = self.engine.machine.blotter.orders(after, 100_000)
        return {f"{line.symbol}@{line.venue}" for line in lines if line.strategy_id == self.id}

    def over(self) -> None:
        """Stop what this attempt has started."""
        slot = self.engine.strategies.slots.get(self.id)
        if slot is not None:
            self.call(self.engine.strategies.stop(self.id, "the test"))


class ShiftedClock(WallClock):
    """A machine's clock that is wrong by so many days."""

    def __init__(self, days: float) -> None:
        super().__init__()
        self._offset += round(days * 86_400e9)


def settings_of(folder: Path, keys: Path, **given: Any) -> Settings:
    """Settings of an engine with its own strategies' folder that trusts `keys`."""
    scripts = folder / "strategies"
    (scripts / "chaos").mkdir(parents=True, exist_ok=True)
    chosen = {"strategies_path": scripts, "trusted_keys": keys, "require_certificate": True}
    return settings_for(folder, **{**chosen, **given})


@asynccontextmanager
async def engine_of(
    settings: Settings,
    *,
    days: float = 0.0,
    limits: RiskLimits | None = None,
    market: Mapping[str, Any] | None = None,
) -> AsyncIterator[Engine]:
    """A started engine.  days: by which its clock is wrong."""
    engine = Engine(
        settings, load_venues(market or paper_market()), ShiftedClock(days), limits=limits or RiskLimits()
    )
    await engine.start()
    try:
        yield engine
    finally:
        await engine.stop()


def later(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)

"""One run of two exchanges with faults, orders and time; prints the digest of all that came out of it."""

from __future__ import annotations

import hashlib
import random
import sys

from live.messages import CancelOrder, NewOrder
from live.venues.contract import Order, ReplaceOrder
from live.venues.opening import Markets
from live.venues.settings import load_venues
from tests.live.venues.kit import START, digest

FAULTS = [
    {"kind": "bad_tick", "per_hour": 600, "duration_seconds": 1},
    {"kind": "flapping", "after_seconds": 5, "duration_seconds": 3, "intensity": 0.5},
    {"kind": "out_of_order", "after_seconds": 10, "duration_seconds": 3},
    {"kind": "latency_spike", "after_seconds": 14, "duration_seconds": 1, "intensity": 0.2},
    {"kind": "unsolicited_cancel", "after_seconds": 16, "duration_seconds": 5},
]


def run(seed: int) -> str:
    symbols = {name: {"price": 100, "volatility": 0.8} for name in ("BTC-USD", "ETH-USD", "SOL-USD")}
    grid = {name: {"tick": 0.01, "lot": 0.001} for name in symbols}
    venue = {"kind": "book", "feed": "m", "instruments": grid, "faults": FAULTS}
    late = {"lag_ms": 300, "noise_bps": 5}
    tables = {"feeds": {"m": {"kind": "synthetic", "seed": seed, "symbols": symbols}}}
    settings = load_venues(tables | {"venues": {"a": venue, "b": venue | late}})
    markets = Markets(settings, START)
    exchanges = [markets.exchange(one) for one in settings.venues]
    hand = random.Random(5)
    told = hashlib.sha256()
    now = START
    for number in range(1, 2_000):
        now += hand.randrange(1, 25_000_000)
        for exchange in exchanges:
            exchange.advance(now)
            account = exchange.open_account("me")
            if exchange.down:
                continue
            if not account.connected:
                told.update(digest(exchange.connect("me", account.last_report_id - 5, now)))
            price = round(100 + hand.uniform(-0.5, 0.5), 2)
            side, kind = hand.choice((1, -1)), hand.choice(("market", "limit"))
            limit = price if kind == "limit" else None
            orders: list[Order] = [
                NewOrder(number, hand.choice(list(symbols)), side, 1.5, kind, "GTC", limit)
            ]
            if number % 3 == 0:
                orders.append(CancelOrder(number - hand.randrange(10)))
            if number % 7 == 0:
                orders.append(ReplaceOrder(number - hand.randrange(10), 1.0, price))
            exchange.submit("me", orders, now)
            told.update(digest(exchange.take("me", now)))
    for exchange in exchanges:
        told.update(digest(exchange.reports("me", 0)))
        told.update(repr(exchange.account("me", now)).encode())
    return told.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(run(int(sys.argv[1])) + "\n")

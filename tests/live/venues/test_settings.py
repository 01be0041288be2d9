"""venues.yaml: what the project's own file says, and errors that name the line."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from live.venues.settings import load_venues
from live.venues.venue_settings import FAULT_KINDS, RULES, WORDS
from workbench.errors import ConfigError

ROOT = Path(__file__).parents[3]
GOOD = """\
feeds:
  market:
    kind: synthetic
    symbols:
      BTC-USD: {price: 30000, volatility: 0.6}
  tape:
    kind: recorded
    path: prices.csv
    speed: off
venues:
  one:
    kind: book
    feed: market
    lag_ms: 100
    instruments:
      BTC-USD: {tick: 0.01, lot: 0.0001, min_notional: 10}
    costs: {maker_bps: -0.5, taker_bps: 4}
    faults:
      - {kind: reject_storm, intensity: 0.5, per_hour: 2}
      - kind: late_ack
  two:
    kind: websocket
    feed: market
    instruments:
      BTC-USD: {tick: 0.01, lot: 0.0001}
    link:
      url: ws://127.0.0.1:9000
      heartbeat_seconds: 2
  three:
    kind: paper
    feed: tape
    latency_ms: 50
    instruments:
      SPX: {tick: 0.01, lot: 1}
    costs: {participation: off}
"""


def read(folder: Path, text: str) -> str:
    """The error of a file, without its folder."""
    path = folder / "venues.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_venues(path)
    return str(caught.value).removeprefix(f"{folder}/")


def test_the_projects_own_venues() -> None:
    config = load_venues(ROOT / "config" / "venues.yaml")
    assert [(venue.name, venue.kind) for venue in config.venues] == [
        ("exchange-1", "book"),
        ("exchange-2", "book"),
    ]
    assert [i.symbol for i in config.venues[0].instruments] == ["BTC-USD", "ETH-USD", "SOL-USD"]
    assert config.venues[1].lag_ms > config.venues[0].lag_ms == 0.0
    assert all(instrument.venue == "exchange-1" for instrument in config.venues[0].instruments)


def test_what_a_file_may_say(tmp_path: Path) -> None:
    (tmp_path / "venues.yaml").write_text(GOOD)
    (tmp_path / "prices.csv").write_text("timestamp,close\n")
    config = load_venues(tmp_path / "venues.yaml")
    one, two, three = config.venues
    assert (one.costs.maker_bps, one.costs.taker_bps, one.costs.latency_seconds) == (-0.5, 4.0, 0.0)
    assert [(f.kind, f.intensity, f.per_hour) for f in one.faults] == [
        ("reject_storm", 0.5, 2.0),
        ("late_ack", 2.0, 0.0),
    ]
    assert (two.link.url, two.link.heartbeat_seconds, two.link.session) == (
        "ws://127.0.0.1:9000",
        2.0,
        "engine",
    )
    assert (three.costs.latency_seconds, three.costs.participation) == (0.05, math.inf)
    assert config.feeds["tape"].path == str(tmp_path / "prices.csv")
    assert config.feeds["tape"].speed == math.inf
    assert config.venue("two") is two
    assert config.venue("four") is None


ONE, TWO = "venues.one", "venues.two"
BTC = "BTC-USD: {tick: 0.01, lot: 0.0001, min"


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ("kind: book", "kind: bok", f"venues.yaml:12: {ONE}.kind: expected one of paper, book, websocket"),
        ("lag_ms: 100", "lag_ms: -100", f"venues.yaml:14: {ONE}.lag_ms: expected milliseconds of 0 or more"),
        ("lag_ms: 100", "lagms: 100", f"venues.yaml:14: {ONE}.lagms: expected a known key"),
        ("feed: tape", "feed: tap", "venues.yaml:31: venues.three.feed: expected a feed of this file"),
        (BTC, "BTC-USD: {lot: 1, min", f"venues.yaml:16: {ONE}.instruments.BTC-USD: expected the key 'tick'"),
        (BTC, "BTC-USD: {tick: 0, lot: 1, min", f"venues.yaml:16: {ONE}.instruments.BTC-USD.tick: expected"),
        (BTC, "ETH-USD: {tick: 1, lot: 1, min", "ETH-USD: expected a symbol of the feed market (BTC-USD)"),
        (
            "intensity: 0.5",
            "intensity: 50",
            f"{ONE}.faults[0].intensity: expected a chance from 0 to 1, found 50",
        ),
        ("kind: late_ack", "kind: late_akc", "did you mean 'late_ack'?"),
        ("url: ws://127", "url: 127", f"venues.yaml:27: {TWO}.link.url: expected ws://host:port"),
        ("speed: off", "speed: fast", "venues.yaml:9: feeds.tape.speed: expected a number above 0"),
        ("volatility: 0.6", "volatility: 60%", "write 0.6"),
        ("maker_bps: -0.5", "maker_bps: x", f"venues.yaml:17: {ONE}.costs.maker_bps"),
        ("    latency_ms: 50\n", "    faults: [{kind: late_ack}]\n", "expected none at a paper venue"),
        ("    lag_ms: 100\n", "    link: {url: ws://x}\n", "expected none at a venue of kind book"),
        ("  one:\n", "  one@two:\n", "expected a name of letters"),
        ("volatility: 0.6", "volatilty: 0.6", "did you mean 'volatility'?"),
    ],
)
def test_a_bad_file_says_where_and_what(tmp_path: Path, old: str, new: str, error: str) -> None:
    assert old in GOOD
    assert error in read(tmp_path, GOOD.replace(old, new, 1))


def test_a_correlation_that_cannot_be_is_refused() -> None:
    symbols = {name: {"price": 1, "volatility": 1} for name in "ABC"}
    feed = {"kind": "synthetic", "symbols": symbols, "correlation": -0.6}
    venue = {"kind": "paper", "feed": "m", "instruments": {"A": {"tick": 1, "lot": 1}}}
    with pytest.raises(ConfigError, match=r"more than -0\.5 for 3 symbols"):
        load_venues({"feeds": {"m": feed}, "venues": {"v": venue}})


def test_every_fault_and_figure_is_told_in_the_file_itself() -> None:
    text = (ROOT / "config" / "venues.yaml").read_text()
    missing = [kind for kind in FAULT_KINDS if kind not in text]
    missing += [key for key in (*RULES, *WORDS) if key.partition(".")[2] not in text]
    assert missing == []

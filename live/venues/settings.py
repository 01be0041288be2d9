"""venues.yaml: which venues there are, what is traded there, on what terms, and where their prices come from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from live.venues.venue_settings import (
    FAULT_KINDS,
    RULES,
    WORDS,
    FaultSettings,
    FeedSettings,
    LinkSettings,
    LiquiditySettings,
    SymbolSettings,
    VenuesConfig,
    VenueSettings,
)
from workbench.configuration.located import Located, load_yaml, locate
from workbench.configuration.reading import check_keys, flag, items, number, required, table, text, word
from workbench.core.costs import Costs
from workbench.core.messages import Instrument

__all__ = ["load_venues"]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_SYMBOL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./-]{0,31}")
_VENUE_TABLES: Final = ("instruments", "costs", "liquidity", "faults", "link")


def load_venues(source: Path | str | Mapping[str, Any]) -> VenuesConfig:
    """Venues and feeds from a YAML file with the top keys `feeds` and `venues`, or from a mapping of the same form.

    A recorded feed's path is taken from the folder of the file.  Raises ConfigError, which names file, line and key.
    """
    tree = locate(source) if isinstance(source, Mapping) else load_yaml(source)
    folder = None if isinstance(source, Mapping) else Path(source).parent
    check_keys(tree, ("feeds", "venues"))
    feeds = {name: _read_feed(name, node, folder) for name, node in table(required(tree, "feeds")).items()}
    entries = table(required(tree, "venues"))
    if not entries:
        raise required(tree, "venues").error("expected at least one venue, found none")
    venues = tuple(_read_venue(name, node, feeds) for name, node in entries.items())
    return VenuesConfig(feeds, venues)


def _read_feed(name: str, node: Located, folder: Path | None) -> FeedSettings:
    _check_name(name, node)
    values = _settings("feed", FeedSettings, node, apart=("symbols", "path"), hidden=("name",))
    entries = table(node)
    if "symbols" in entries:
        values["symbols"] = {
            symbol: SymbolSettings(**_settings("symbol", SymbolSettings, _symbol(symbol, entry)))
            for symbol, entry in table(entries["symbols"]).items()
        }
    feed = FeedSettings(name, **values)
    if feed.kind == "recorded":
        path = text(required(node, "path"), "the path of a price file, or the name of a sample")
        beside = folder / path if folder is not None and Path(path).suffix else Path(path)
        return msgspec.structs.replace(feed, path=str(beside) if beside.exists() else path)
    if not feed.symbols:
        raise node.error("expected at least one symbol in a synthetic feed, found none; add `symbols:`")
    lowest = -1.0 / max(len(feed.symbols) - 1, 1)
    if not feed.correlation > lowest:
        raise entries["correlation"].error(
            f"expected more than {lowest:g} for {len(feed.symbols)} symbols, found {feed.correlation:g}"
        )
    return feed


def _read_venue(name: str, node: Located, feeds: Mapping[str, FeedSettings]) -> VenueSettings:
    _check_name(name, node)
    values = _settings("venue", VenueSettings, node, apart=_VENUE_TABLES, hidden=("name",), texts=("feed",))
    entries = table(node)
    kind = word(required(node, "kind"), WORDS["venue.kind"])
    feed = text(required(node, "feed"), "the name of a feed")
    if feed not in feeds:
        raise entries["feed"].error(f"expected a feed of this file ({', '.join(feeds)}), found {feed!r}")
    values["instruments"] = _read_instruments(name, required(node, "instruments"), feeds[feed])
    latency = values.get("latency_ms", 0.0) / 1e3 if kind == "paper" else 0.0
    costs = _settings("costs", Costs, entries["costs"]) if "costs" in entries else {}
    values["costs"] = Costs(**costs | {"latency_seconds": latency}).checked()
    if "liquidity" in entries:
        values["liquidity"] = LiquiditySettings(
            **_settings("liquidity", LiquiditySettings, entries["liquidity"])
        )
    if "faults" in entries:
        values["faults"] = tuple(_read_fault(entry) for entry in items(entries["faults"]))
        if kind == "paper" and values["faults"]:
            raise entries["faults"].error("expected none at a paper venue, found some; its kind must be book")
    if kind == "websocket":
        values["link"] = _read_link(required(node, "link"))
    elif "link" in entries:
        raise entries["link"].error(f"expected none at a venue of kind {kind}, found one; take it out")
    return VenueSettings(name, **values)


def _read_instruments(venue: str, node: Located, feed: FeedSettings) -> tuple[Instrument, ...]:
    found = []
    for symbol, entry in table(node).items():
        if feed.kind == "synthetic" and symbol not in feed.symbols:
            raise entry.error(
                f"expected a symbol of the feed {feed.name} ({', '.join(feed.symbols)}), found {symbol!r}"
            )
        values = _settings("instrument", Instrument, _symbol(symbol, entry), hidden=("symbol", "venue"))
        for key in ("tick", "lot"):
            required(entry, key)
        found.append(Instrument(symbol, venue, **values))
    if not found:
        raise node.error("expected at least one instrument, found none")
    return tuple(found)


def _read_fault(node: Located) -> FaultSettings:
    kind = word(required(node, "kind"), WORDS["fault.kind"])
    meaning, usual = FAULT_KINDS[kind]
    fault = FaultSettings(**{"intensity": usual} | _settings("fault", FaultSettings, node))
    if meaning.startswith("chance that") and fault.intensity > 1.0:
        raise required(node, "intensity").error(f"expected a chance from 0 to 1, found {fault.intensity:g}")
    return fault


def _read_link(node: Located) -> LinkSettings:
    values = _settings("link", LinkSettings, node, texts=("url", "session", "secret_file"))
    url = text(required(node, "url"), "ws://host:port")
    if not re.fullmatch(r"wss?://[^\s/]+(/\S*)?", url):
        raise required(node, "url").error(f"expected ws://host:port or wss://host:port, found {url!r}")
    link = LinkSettings(**values)
    if _NAME.fullmatch(link.session) is None:
        raise required(node, "session").error(
            f"expected a name of letters, digits, _ . and -, found {link.session!r}"
        )
    if link.backoff_most_seconds < link.backoff_seconds:
        raise node.error("expected backoff_most_seconds at or above backoff_seconds, found it below")
    return link


def _settings(
    section: str,
    kind: type[msgspec.Struct],
    node: Located,
    *,
    apart: tuple[str, ...] = (),
    hidden: tuple[str, ...] = (),
    texts: tuple[str, ...] = (),
) -> dict[str, Any]:
    """What a table says of the fields of `kind`; those `apart` are left to the caller, those `hidden` are no keys."""
    names = [field.name for field in msgspec.structs.fields(kind) if field.name not in hidden]
    if kind is Costs:
        names.remove("latency_seconds")  # a venue's latency_ms
    check_keys(node, names)
    values: dict[str, Any] = {}
    for name, entry in table(node).items():
        key = f"{section}.{name}"
        if name in apart:
            continue
        if name in texts:
            values[name] = text(entry)
        elif key in RULES:
            value = number(entry, RULES[key])
            values[name] = int(value) if RULES[key].whole else value
        else:
            values[name] = word(entry, WORDS[key]) if key in WORDS else flag(entry)
    return values


def _check_name(name: str, node: Located) -> None:
    if _NAME.fullmatch(name) is None:
        raise node.error(f"expected a name of letters, digits, _ . and -, at most 64, found {name!r}")


def _symbol(name: str, node: Located) -> Located:
    if _SYMBOL.fullmatch(name) is None:
        raise node.error(f"expected a symbol such as BTC-USD, found {name!r}")
    return node

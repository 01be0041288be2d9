"""The page and the notebook cell: whole, self-contained, and with what a reader looks for in them."""

from __future__ import annotations

import json
import re
import stat
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from workbench.backtest.api import backtest
from workbench.backtest.html import page
from workbench.backtest.result import BacktestResult
from workbench.core.limits import OrderLimits, RiskLimits
from workbench.data.prices import Prices
from workbench.errors import ConfigError
from workbench.strategy import TradingStrategy

Run = Callable[..., BacktestResult]
Table = Callable[..., Prices]

VOID = frozenset({"meta", "br", "line", "path", "rect", "polygon", "polyline", "i"})
DAYS = (100.0, 100.0, 104.0, 103.0, 106.0, 90.0, 90.0, 91.0, 92.0, 93.0)


class Reader(HTMLParser):
    """Reads a page and refuses tags that are not closed in turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "br", "img"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def count(self, tag: str, style: str) -> int:
        """How many elements of this tag have this class."""
        return sum(name == tag and style in (attrs.get("class") or "").split() for name, attrs in self.tags)


@pytest.fixture
def busy(table: Table, scripted: type[TradingStrategy]) -> BacktestResult:
    """Two strategies, a chaos window, a refused order, and breakers that trip on the fall to 90."""
    config: dict[str, Any] = {
        "<b>bull</b>": {"script": {0: [1.0, (1.0, {"quantity": 900.0})]}, "unit": 60.0},
        "bear": {"script": {0: [-1.0], 2: [1.0]}, "unit": 1.0},
    }
    return backtest(
        {"<b>bull</b>": scripted, "bear": scripted},
        table("1D", X=DAYS),
        config=config,
        initial_cash=10_000.0,
        limits=RiskLimits(order_limits=OrderLimits(max_order_volume=500.0)),
        chaos=[{"kind": "latency_spike", "start": "2024-01-04", "duration": "2d", "intensity": 1.0}],
    )


def test_the_page_parses_and_fetches_nothing(busy: BacktestResult) -> None:
    text = page(busy)
    reader = Reader(text)
    assert "http" not in text
    assert "//" not in re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
    assert not {"link", "img", "iframe", "object", "embed", "base"} & {tag for tag, _ in reader.tags}
    assert not any(name in attrs for _, attrs in reader.tags for name in ("src", "href", "xlink:href"))
    assert "@import" not in text
    assert "url(" not in text


def test_the_page_shows_chaos_windows_breaker_trips_and_reasons(busy: BacktestResult) -> None:
    reader = Reader(page(busy))
    words = " ".join(reader.text)
    charts = reader.count("svg", "chart")
    assert charts == 4  # equity, drawdown, P&L by strategy, prices
    assert reader.count("rect", "chaos") == charts
    assert reader.count("text", "chaos-label") == 1
    assert "latency_spike, intensity 1, 2024-01-04 00:00 for 2 d" in words
    trips = busy.stats()["breaker_trips"]
    assert trips > 0
    assert reader.count("g", "trip") == charts * trips
    assert "stop_loss" in words
    assert "max_order_volume" in words
    assert reader.count("path", "buy") + reader.count("path", "sell") == len(busy.fills)
    for name, value in (("fingerprint", busy.fingerprint), ("equity", f"{busy.final_equity:,.2f}")):
        assert value in words, name


def test_names_are_text_and_never_markup(busy: BacktestResult) -> None:
    for text in (page(busy), busy._repr_html_()):
        assert "<b>bull" not in text
        assert "&lt;b&gt;bull" in text


def test_the_pointer_reads_what_the_curve_shows(busy: BacktestResult) -> None:
    found = re.search(r'id="points">(.*?)</script>', page(busy))
    assert found is not None
    points = json.loads(found[1])
    assert points["equity"] == [round(value, 2) for value in busy.equity]
    assert points["time"][0] == 1_704_153_600_000  # 2024-01-02
    assert points["drawdown"][-1] == pytest.approx(busy.drawdown.iloc[-1], abs=1e-6)


def test_a_page_without_orders_or_with_one_bar(run: Run) -> None:
    for result in (run((100.0, 101.0)), run((100.0,))):
        reader = Reader(page(result))
        assert reader.count("svg", "chart") == 3
        assert "What was stopped" not in reader.text
        assert "nan" not in page(result).lower()


def test_a_long_page_stays_small(run: Run) -> None:
    closes = [100.0 + (n * 7919 % 101) / 10.0 for n in range(20_000)]
    result = run(closes, {n: [1.0 if n % 2 else -1.0] for n in range(2_000)}, step="1min")
    text = page(result)
    assert len(text) < 400_000
    assert "too many to mark" in text


def test_the_page_is_written_whole(busy: BacktestResult, tmp_path: Path) -> None:
    path = tmp_path / "run.html"
    assert busy.to_html(str(path)) == path
    assert path.read_text(encoding="utf-8") == page(busy)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [p.name for p in tmp_path.iterdir()] == ["run.html"]


@pytest.mark.parametrize("name", ["missing/run.html", "."])
def test_a_page_that_cannot_be_written_says_so_in_one_line(
    busy: BacktestResult, tmp_path: Path, name: str
) -> None:
    with pytest.raises(ConfigError, match="the page cannot be written") as error:
        busy.to_html(tmp_path / name)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_the_cell_takes_the_colours_around_it(busy: BacktestResult) -> None:
    text = busy._repr_html_()
    reader = Reader(text)
    assert "background" not in text
    assert "color:inherit" in text
    assert "http" not in text
    assert [tag for tag, _ in reader.tags].count("img") == 2
    words = " ".join(reader.text)
    assert "max_order_volume 1" in words
    assert "stop_loss" in words
    assert len(text) < 16_000


def test_the_plot_has_curves_windows_stops_and_fills(busy: BacktestResult) -> None:
    layout = busy.plot(width=500, height=200)
    upper, lower = list(layout)
    kinds = [type(element).__name__ for element in upper]
    assert kinds == ["VSpans", "Curve", "Scatter", "Scatter", "VLines"]
    assert [type(element).__name__ for element in lower] == ["VSpans", "Area", "VLines"]
    curve = list(upper)[1]
    assert curve["equity"].tolist() == busy.equity.tolist()


@pytest.mark.parametrize("size", [{"width": 0}, {"height": 1.5}, {"width": True}])
def test_a_plot_needs_whole_pixels(six: BacktestResult, size: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="must be a whole number of pixels above 0"):
        six.plot(**size)

"""What reports show: figures worked by hand, sums that must agree, and every shipped report run whole."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import workbench as wb
from live.engine import StartRequest
from live.engine.reconciled import read_reconciled
from tests.live.engine.desk import open_engine, recorded_market, settings_for
from workbench import performance
from workbench.data.store import write_parquet
from workbench.errors import DataError
from workbench.reporting import run_report
from workbench.reporting.content import chaos_report, day_book, day_of, week_book
from workbench.reporting.content.book import DayBook
from workbench.reporting.content.parts import frame_part, months_part

ROOT = Path(__file__).parents[2]
BUY_ONCE = '''
from workbench.strategy import TradingStrategy

class BuyOnce(TradingStrategy):
    """Buys ten on the second update, sells them on the sixth."""
    seen = 0
    def on_market_data(self, price_update):
        self.seen += 1
        strength = {2: 1.0, 6: -1.0}.get(self.seen)
        return [] if strength is None else [self.signal(price_update, strength)]
    def on_order_fill(self, fill):
        pass
    def on_risk_breach(self, breach):
        pass
    def signal(self, update, strength):
        from workbench.strategy import MarketSignal
        return MarketSignal(symbol=update.symbol, timestamp=update.timestamp, signal_strength=strength,
                            confidence=1.0, metadata={})
'''


@pytest.fixture(scope="module")
def bought(tmp_path_factory: pytest.TempPathFactory) -> tuple[wb.BacktestResult, wb.Prices]:
    """120 days of a price that rises by one a day from 100; ten units from the third day's close to the seventh's."""
    folder = tmp_path_factory.mktemp("bought")
    days = pd.date_range("2024-01-01", periods=120, tz="UTC")
    close = np.arange(100.0, 220.0)
    frame = pd.DataFrame(
        {
            "timestamp": days,
            "symbol": "X",
            "open": close,
            "high": close,
            "low": close,
            "close": close,
            "volume": 1e6,
        }
    )
    frame.to_csv(folder / "x.csv", index=False)
    (folder / "buy.py").write_text(BUY_ONCE)
    prices = wb.load(folder / "x.csv")
    costs = {"spread_bps": 0.0, "maker_bps": 0.0, "taker_bps": 0.0, "slippage_bps": 0.0}
    result = wb.backtest(
        folder / "buy.py",
        prices,
        config={"unit": 10.0},
        costs=costs,
        initial_cash=10_000.0,
        limits=None,
        progress=False,
    )
    return result, prices


def test_exposure_is_what_was_held_at_each_days_close(bought: tuple[wb.BacktestResult, wb.Prices]) -> None:
    result, _ = bought
    fills = result.fills
    assert fills["quantity"].tolist() == [10.0, -10.0]
    first, last = (round(fills["price"].iloc[k]) - 100 for k in (0, 1))  # on which days it was filled
    gross, net = wb.tearsheet(result)._exposure()
    closes = np.arange(100.0, 220.0)
    held = np.zeros(120)
    held[first:last] = 10.0
    equity = 10_000.0 + np.cumsum(np.concatenate([[0.0], held[:-1] * np.diff(closes)]))
    np.testing.assert_allclose(
        gross, held * closes / equity, rtol=1e-5
    )  # the price has half a tick of spread
    np.testing.assert_allclose(net, gross)


def test_the_benchmark_is_bought_at_the_first_close(bought: tuple[wb.BacktestResult, wb.Prices]) -> None:
    result, prices = bought
    sheet = wb.tearsheet(result, prices=prices, benchmark=prices)
    assert sheet.against is not None
    np.testing.assert_allclose(sheet.against, 10_000.0 * np.arange(100.0, 220.0) / 100.0)
    assert sheet.benchmark_name == "X"
    assert prices.fingerprint in sheet.evidence()
    assert result.fingerprint in sheet.evidence()


def test_more_trials_make_the_same_figures_weaker_evidence(
    bought: tuple[wb.BacktestResult, wb.Prices],
) -> None:
    result, _ = bought

    def shown(trials: int) -> float:
        found = re.search(
            r"deflated Sharpe ratio</div><div[^>]*>([\d.]+) %", wb.tearsheet(result, trials=trials).evidence()
        )
        assert found is not None
        return float(found[1])

    sheet = wb.tearsheet(result)
    estimate = performance.estimate_sharpe(sheet.returns)
    assert shown(1) == pytest.approx(
        100.0 * float(performance.probabilistic_sharpe_ratio(estimate)), abs=0.06
    )
    expected = performance.deflated_sharpe_ratio(
        estimate, trials=200.0, variance=1.0 / (len(sheet.returns) - 1)
    )
    assert shown(200) == pytest.approx(100.0 * float(expected), abs=0.06)
    assert shown(200) < shown(20) < shown(1)
    with pytest.raises(DataError, match="expected 1 or more"):
        wb.tearsheet(result, trials=0)


def test_every_part_shows_and_nothing_is_fetched(bought: tuple[wb.BacktestResult, wb.Prices]) -> None:
    result, prices = bought
    sheet = wb.tearsheet(result, prices=prices, benchmark=prices, trials=3)
    parts = (
        "summary",
        "cumulative",
        "months",
        "drawdowns",
        "rolling",
        "exposures",
        "trades",
        "exceedances",
        "events",
    )
    page = "".join(str(getattr(sheet, name)()) for name in (*parts, "evidence"))
    assert "a rolling Sharpe ratio takes 252 returns; there are 120" in page
    assert "forecasts of value at risk take 250 returns" in page
    assert "<script" not in page
    assert "nan" not in re.sub(r"<[^>]+>", " ", page).lower().split()


def test_months_have_their_figures_in_percent_with_a_sign() -> None:
    months = pd.DataFrame([[0.01, -0.02, *[np.nan] * 10, -0.0102]], index=[2024])
    cells = re.findall(r"<td[^>]*>([^<]*)</td>", months_part(months))
    assert cells == ["+1.0", "-2.0", *[""] * 10, "-1.0"]


def test_a_long_frame_says_how_much_is_left_out() -> None:
    frame = pd.DataFrame({"a_b": [0.5, 1234567.0, np.nan], "when": [pd.Timestamp("2024-01-02 03:04:05")] * 3})
    shown = frame_part(frame, "", most=2)
    assert "and 1 more" in shown
    assert "a b" in shown
    assert "0.5000" in shown
    assert "1,234,567" in shown
    assert "nothing" in frame_part(frame.head(0), "nothing")


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2026-03-10", date(2026, 3, 10)), ("today", date(2026, 11, 26)), ("yesterday", date(2026, 11, 25))],
)
def test_days(text: str, expected: date) -> None:
    assert day_of(text, datetime(2026, 11, 26, 0, 5, tzinfo=UTC)) == expected


def test_what_is_no_day() -> None:
    with pytest.raises(
        DataError, match="expected a day such as 2026-03-10, today or yesterday, found 'monday'"
    ):
        day_of("monday")


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data folder of an engine that has played two days of two symbols to two strategies."""
    folder = tmp_path_factory.mktemp("session")
    path = folder / "market.parquet"
    market = wb.synthetic(["BTC-USD", "ETH-USD"], venues=["v"], bars=400, seed=3, start="2026-03-09 21:00")
    write_parquet(market, path)

    async def play() -> None:
        async with open_engine(settings_for(folder), recorded_market(path, "BTC-USD", "ETH-USD")) as engine:
            await engine.strategies.start(StartRequest("sma_cross", config={"fast": 5, "slow": 20}))
            await engine.strategies.start(StartRequest("mean_reversion", config={"window": 15, "entry": 1.0}))
            await engine.play()

    asyncio.run(play())
    return folder / "data"


def test_days_add_up_to_the_week_and_strategies_to_the_book(journal: Path) -> None:
    whole = wb.replay(journal)
    first, second = day_book(journal, "2026-03-09"), day_book(journal, "2026-03-10")
    assert len(first.result.fills) + len(second.result.fills) == len(whole.fills)
    for book in (first, second):
        assert book.pnl["pnl"].sum() == pytest.approx(book.total, abs=1e-6)
    assert first.by_symbol["pnl"].sum() == pytest.approx(first.total, abs=1e-6)  # it began with nothing
    assert first.by_symbol["held_before"].eq(0.0).all()
    before = second.by_symbol.set_index("symbol")["held_before"]
    pd.testing.assert_series_equal(
        before.sort_index(), first.by_symbol.set_index("symbol")["held_after"].sort_index(), check_names=False
    )
    assert second.by_symbol["fees"].sum() == pytest.approx(second.result.fills["fee"].sum())
    week = week_book(journal, "2026-03-11", 7)
    assert [book.day.day for book in week.days] == [9, 10]
    both = pd.concat([first.result.equity, second.result.equity])  # what lies between the days is in the week
    assert sum(book.total for book in week.days) == pytest.approx(both.iloc[-1] - both.iloc[0], abs=1e-6)
    assert week.days[1].total == pytest.approx(
        second.total, abs=1e-6
    )  # a day begins where the one before ended
    assert second.by_symbol["pnl"].sum() == pytest.approx(second.total, abs=1e-6)
    for book in week.days:
        assert book.pnl["pnl"].sum() == pytest.approx(book.total, abs=1e-6)
    won = sum(book.total > 0.0 for book in week.days)
    assert f"{won} of 2" in week.summary()
    with pytest.raises(DataError, match="2026-04-01"):
        day_book(journal, "2026-04-01")
    with pytest.raises(DataError, match="expected prices on one day at least from 2026-03-26 to 2026-04-01"):
        week_book(journal, "2026-04-01")


def test_the_days_figures_know_multipliers_and_only_the_day(tmp_path: Path) -> None:
    (tmp_path / "buy.py").write_text(BUY_ONCE.replace("6: -1.0", "999: -1.0"))  # and holds
    market = wb.synthetic(["X"], venues=["v"], bars=60, seed=2, start="2026-03-10")
    result = wb.backtest(
        tmp_path / "buy.py",
        market.with_instrument("X@v", multiplier=50.0),
        config={"unit": 10.0},
        limits=wb.RiskLimits.unlimited(),
        progress=False,
    )
    book = DayBook(date(2026, 3, 10), result)
    held, fills = result.positions.iloc[0], result.fills
    assert f"{50.0 * held['quantity'] * held['mark']:,.0f}" in book.limits()
    expected = 50.0 * float((fills["quantity"].abs() * fills["price"]).sum())
    assert book.pnl["turnover"].sum() == pytest.approx(expected) == pytest.approx(result.stats()["turnover"])
    result.record.curves[:, 0] -= 50_000.0  # what was lost on days before is no drawdown of this one
    del result.equity
    equity = result.equity
    assert f"{100.0 * float((equity / equity.cummax() - 1.0).min()):.2f} %" in book.summary()
    assert "-5.0" not in book.summary()


def test_every_part_of_a_day(journal: Path) -> None:
    book = day_book(journal, "2026-03-10")
    parts = ("summary", "curve", "strategies", "symbols", "limits", "value_at_risk", "positions", "events")
    page = "".join(str(getattr(book, name)()) for name in parts)
    assert "Tuesday, 10 March 2026" in page
    assert "value at risk, 99 %, a minute" in page
    assert "<script" not in page


def test_chaos_parts() -> None:
    report = chaos_report(
        str(ROOT / "strategies" / "sma_cross.py"),
        wb.load("sp500").between("2007", "2009"),
        {"unit": 20},
        kinds=["price_gap", "runaway"],
        intensities=1,
        starts=1,
        stricter={"notional_limits": {"per_strategy": 10_000}},
    )
    page = "".join(
        str(getattr(report, name)()) for name in ("summary", "survival", "worst", "worst_case", "comparison")
    )
    for shown in ("price_gap", "runaway", "damage a", "survived"):
        assert shown in page


def test_every_shipped_report_runs_whole(journal: Path, tmp_path: Path) -> None:
    at = {"journal": str(journal)}
    parameters: dict[str, dict[str, object]] = {
        "strategy_tearsheet": {"start": "2007-01-01", "config": {"unit": 20}, "trials": 10},
        "daily_risk": {**at, "date": "2026-03-10"},
        "weekly_summary": {**at, "last": "2026-03-11"},
        "live_vs_replay": {**at, "date": "2026-03-10"},
        "chaos_report": {"kinds": ["price_gap"], "intensities": 1, "starts": 1},
    }
    assert set(parameters) == {path.stem for path in (ROOT / "reports").glob("*.ipynb")}
    for name, given in parameters.items():
        run = run_report(name, given, folder=ROOT / "reports", output=tmp_path / "out", pdf=False)
        assert run.outcome == "done", (name, run.cell, run.source, run.error)
        page = (tmp_path / "out" / run.place / "report.html").read_text()
        assert "Traceback" not in page
        assert "<script" not in page
        assert len(page) > 4_000
    assert all(line.ok for line in read_reconciled(journal).values())
    assert read_reconciled(journal), "the engine's metrics have nothing of live against replay"

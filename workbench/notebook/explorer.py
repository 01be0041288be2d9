"""`wb.explore`: sliders for a strategy's parameters, and its chart as they move."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np

from workbench.backtest.api import CostsLike, LimitsLike
from workbench.backtest.charts import money
from workbench.backtest.compiling import say_compiling
from workbench.backtest.pictures import picture
from workbench.backtest.result import BacktestResult
from workbench.backtest.statistics import show
from workbench.backtest.svg import Chart, Line
from workbench.cells import AMBER, QUIET, Picture, figures, ink
from workbench.data.catalog import PriceLike, as_prices
from workbench.data.times import Moment
from workbench.errors import ConfigError, WorkbenchError
from workbench.notebook.curves import Curve, Runs, runs_of
from workbench.notebook.sliders import Range, ranges_of
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.loader import load_strategy

__all__ = ["Explorer", "explore"]

_SLOW_S: Final = 0.3  # a chart that takes longer is drawn when the slider is let go
_MOST_PRICE_POINTS: Final = 20_000


def explore(
    strategy: type[TradingStrategy] | str | Path,
    prices: PriceLike,
    *,
    ranges: Mapping[str, Sequence[float]] | None = None,
    config: Mapping[str, Any] | None = None,
    limits: LimitsLike = None,
    costs: CostsLike = None,
    seed: int = 0,
    initial_cash: float = 1_000_000.0,
    start: Moment | None = None,
    end: Moment | None = None,
) -> Explorer:
    """Sliders for a strategy's parameters that are numbers, and its equity and trades as they are moved.

    ranges: (lowest, highest) or (lowest, highest, step) by parameter; the others' follow from the strategy's defaults
    and CONSTRAINTS.  All else as in `wb.backtest`; `unit` belongs into config.
    A compiled strategy is drawn from the kernel that sweeps run, any other one by event replay.
    """
    kind = load_strategy(strategy)
    base = dict(config or {})
    arguments = {
        "config": base,
        "limits": limits,
        "costs": costs,
        "seed": seed,
        "initial_cash": initial_cash,
        "start": start,
        "end": end,
    }
    return Explorer(kind, as_prices(prices), ranges_of(kind, base, ranges), arguments)


class Explorer:
    """What `explore` gives; a notebook shows its widget.

    config: the parameters as the sliders stand.  seconds: that the last change took, run and chart.
    """

    def __init__(
        self, kind: type[TradingStrategy], prices: Any, ranges: Sequence[Range], arguments: Mapping[str, Any]
    ) -> None:
        self.strategy, self.ranges = kind, tuple(ranges)
        self._prices, self._arguments = prices, dict(arguments)
        say_compiling(None, kind)
        self._runs: Runs = runs_of(kind, prices, arguments)
        self.config: dict[str, Any] = {r.name: int(r.value) if r.whole else r.value for r in ranges}
        self.seconds = 0.0
        self._widget: Any = None
        self._draw()  # this one compiles, and the next one's time counts
        self._draw()

    def set(self, **parameters: float) -> Picture:
        """Move parameters, and draw; what a slider does.  Raises ParameterError where they make no sense."""
        before = dict(self.config)
        self.config |= parameters
        try:
            return self._draw()
        except WorkbenchError:
            self.config = before
            raise

    def result(self) -> BacktestResult:
        """The whole backtest with the parameters as they are."""
        from workbench.backtest.api import backtest

        arguments = {**self._arguments, "config": {**self._arguments["config"], **self.config}}
        return backtest(self.strategy, self._prices, **arguments)

    def _draw(self) -> Picture:
        begun = time.perf_counter()
        self._curve = self._runs.run(self.config)
        self.picture = _pictured(self._curve)
        self.seconds = time.perf_counter() - begun
        return self.picture

    # -- how it shows -------------------------------------------------------------------------------------------

    @property
    def widget(self) -> Any:
        """The sliders and the chart, as an ipywidgets box; made once.  Raises ConfigError without ipywidgets."""
        if self._widget is None:
            self._widget = self._made()
        return self._widget

    def _made(self) -> Any:
        try:
            import ipywidgets
        except ImportError as error:
            raise ConfigError(
                "sliders need ipywidgets, which is not installed: pip install 'trading-workbench[lab]'"
            ) from error
        lively = self.seconds < _SLOW_S
        chart = ipywidgets.HTML(self._html(), layout=ipywidgets.Layout(width="100%"))
        sliders = [_slider(ipywidgets, r, self.config[r.name], lively) for r in self.ranges]

        def moved(change: Any) -> None:
            try:
                self.set(**{change["owner"].description: change["new"]})
                chart.value = self._html()
            except WorkbenchError as error:
                chart.value = self._html(str(error))

        for slider in sliders:
            slider.observe(moved, names="value")
        rows = ipywidgets.Box(sliders, layout=ipywidgets.Layout(flex_flow="row wrap", width="100%"))
        return ipywidgets.VBox([rows, chart])

    def _html(self, problem: str = "") -> str:
        how = "compiled kernel" if self._runs.fast else "event replay"
        if not self._runs.fast and self.seconds >= _SLOW_S:
            how += "; drawn when a slider is let go"
        said = figures([(n.replace("_", " "), show(n, v)) for n, v in self._curve.figures.items()], columns=4)
        trouble = f'<div style="{ink(AMBER)}">{escape(problem)}</div>' if problem else ""
        return (
            f'<div style="font-size:13px;line-height:1.5">{trouble}{said}{self.picture._repr_html_()}'
            f'<div style="{QUIET};font-size:12px">{how}, {1e3 * self._curve.seconds:.1f} ms for the run, '
            f"{1e3 * self.seconds:.1f} ms with the chart</div></div>"
        )

    def __repr__(self) -> str:
        set_to = ", ".join(f"{name}={value}" for name, value in self.config.items())
        return f"Explorer({self.strategy.__name__}: {set_to})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """The widget where widgets are shown, and the chart as it stands now where they are not."""
        still = {"text/plain": repr(self), "text/html": self._html()}
        shown = self.widget._repr_mimebundle_() or {}
        return {**still, **{kind: data for kind, data in shown.items() if kind not in still}}


def _slider(ipywidgets: Any, r: Range, value: float, lively: bool) -> Any:
    kind = ipywidgets.IntSlider if r.whole else ipywidgets.FloatSlider
    form = {} if r.whole else {"readout_format": f".{max(0, -int(np.floor(np.log10(r.step))))}f"}
    return kind(
        value=value,
        min=r.low,
        max=r.high,
        step=r.step,
        description=r.name,
        continuous_update=lively,
        style={"description_width": "initial"},
        layout=ipywidgets.Layout(width="360px"),
        **form,
    )


def _pictured(curve: Curve) -> Picture:
    charts = [
        Chart(
            "equity",
            curve.times_ns,
            [Line(curve.equity, "equity", filled=True)],
            money,
            base=curve.cash,
            height=260.0,
        )
    ]
    if curve.price is not None and len(curve.price.times_ns) <= _MOST_PRICE_POINTS:
        charts.append(curve.price)
    return picture(charts)

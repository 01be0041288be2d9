"""What a certification is made of: one line of the scorecard, and what is certified."""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import msgspec

from workbench.backtest.api import CostsLike, LimitsLike, RunPlan, backtest, plan_run
from workbench.backtest.result import BacktestResult
from workbench.configuration.certification import Thresholds, load_thresholds
from workbench.core.costs import Costs
from workbench.core.limits import RiskLimits
from workbench.data.catalog import PriceLike, as_prices
from workbench.data.prices import Prices
from workbench.errors import ConfigError, StrategyError
from workbench.strategy.compiled import CompiledStrategy
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.loader import load_strategy, source_hash
from workbench.strategy.seating import configured
from workbench.strategy.vector import SignalStrategy

if TYPE_CHECKING:
    from workbench.sweeps.optimize_result import OptimizeResult
    from workbench.sweeps.result import SweepResult

__all__ = ["FAMILIES", "UNMEASURED", "Check", "Family", "Measure", "Progress", "Subject", "Trials"]

type Family = Literal["normal", "honest", "significant", "stress", "chaos"]
type Progress = Callable[[str], object]
"""Called with what is being done, in a few words, whenever something new is begun."""
type Measure = Callable[[Subject, Progress], Check | tuple[Check, ...]]
"""A check function: pure, so that the same subject gives the same lines."""
type Trials = SweepResult | OptimizeResult | None

UNMEASURED: Final = "not measured"
"""What a line says that passed since it does not apply; its note says why."""
FAMILIES: tuple[Family, ...] = ("normal", "honest", "significant", "stress", "chaos")


class Check(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the scorecard.

    measured: what was found, in words with figures, "3 of 40 prefixes differ, first at row 812".  required: "0 differ".
    look_closer: a line of Python or a shell command that shows more.  value, threshold: the figures alone, where it is
    one.  note: why the check does not apply, where it passed without being measured.
    """

    name: str
    family: Family
    passed: bool
    measured: str
    required: str
    look_closer: str
    value: float | None = None
    threshold: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """What is certified; `Subject.of` makes one of what a person gives.

    strategy: the class; `make()` gives a fresh instance.  path: of its file, None for a class of a notebook or console.
    config: parameters and runner settings as they were given.  costs: by venue.  trials: the search that found the
    parameters.  strategy_code, prices_code, limits_code, costs_code: how a line of Python names each, in `look_closer`.
    """

    strategy: type[TradingStrategy]
    prices: Prices
    config: Mapping[str, Any]
    limits: RiskLimits
    costs: Mapping[str, Costs]
    seed: int
    thresholds: Thresholds
    trials: Trials = None
    initial_cash: float = 1_000_000.0
    path: Path | None = None
    strategy_code: str = "strategy"
    prices_code: str = "prices"
    limits_code: str = ""
    costs_code: str = ""

    @classmethod
    def of(
        cls,
        strategy: str | os.PathLike[str] | type[TradingStrategy],
        prices: PriceLike,
        *,
        config: Mapping[str, Any] | None = None,
        limits: LimitsLike = None,
        costs: CostsLike = None,
        trials: Trials = None,
        seed: int = 0,
        initial_cash: float = 1_000_000.0,
        thresholds: Thresholds | Mapping[str, Any] | str | Path | None = None,
    ) -> Self:
        """strategy: a class (of a notebook cell, too), a script's path or "package.module:Class".

        prices, config, limits, costs, seed, initial_cash: as for `backtest`.  thresholds: a file, a mapping in its
        layout, or None for the house figures.  Raises WorkbenchError of one line where anything makes no sense.
        """
        kind = _loaded(strategy)
        plan = plan_run(
            kind,
            as_prices(prices),
            config=config,
            limits=limits,
            costs=costs,
            seed=seed,
            initial_cash=initial_cash,
        )
        return cls(
            strategy=kind,
            prices=plan.prices,
            config=dict(config or {}),
            limits=plan.limits,
            costs=dict(plan.costs),
            seed=plan.seed,
            thresholds=load_thresholds(thresholds),
            trials=_checked_trials(trials, kind),
            initial_cash=plan.initial_cash,
            path=_path_of(strategy, kind),
            strategy_code=_strategy_code(strategy, kind),
            prices_code=repr(os.fspath(prices)) if isinstance(prices, str | os.PathLike) else "prices",
            limits_code=_code_of(limits, "limits"),
            costs_code=_code_of(costs, "costs"),
        )

    @property
    def name(self) -> str:
        """Name of the class, which is the strategy's id in runs."""
        return self.strategy.__name__

    @property
    def form(self) -> Literal["compiled", "vector", "plain"]:
        """How the strategy is written: a compiled step, a function of price columns, or any Python."""
        if issubclass(self.strategy, CompiledStrategy):
            return "compiled"
        return "vector" if issubclass(self.strategy, SignalStrategy) else "plain"

    @property
    def source_hash(self) -> str:
        """SHA-256 of its source text; raises StrategyLoadError where there is none."""
        return source_hash(self.strategy)

    def make(self) -> TradingStrategy:
        """A fresh instance, configured and seeded as a runner does it."""
        return configured(self.strategy, dict(self.config), self.seed)

    def replaced(self, **changes: Any) -> Self:
        """The same with other fields."""
        return replace(self, **changes)

    def plan(self, **changes: Any) -> RunPlan:
        """A checked run; changes: arguments of `backtest` in place of the subject's own."""
        return plan_run(**self._arguments(changes))

    def backtest(self, **changes: Any) -> BacktestResult:
        """A replay of the subject; changes: arguments of `backtest` in place of its own."""
        changes = {"progress": False, **changes}
        return backtest(**self._arguments(changes))

    def backtest_code(self, then: str = "", **changes: str) -> str:
        """The line of Python that makes `backtest(**changes)`, and reads `then` of it.

        changes: arguments in place of the subject's own, as code; "" leaves one out.
        """
        shown = {**self._options(), **changes}
        prices = shown.pop("prices", self.prices_code)
        options = "".join(f", {key}={code}" for key, code in shown.items() if code)
        return f"wb.backtest({self.strategy_code}, {prices}{options}){then}"

    def tester_code(self, then: str) -> str:
        """The line of Python that reads `then` of a StrategyTester for the subject, such as ".replay('crash')"."""
        options = "".join(f", {key}={code}" for key, code in self._options().items() if code)
        return f"wb.StrategyTester({self.strategy_code}, {self.prices_code}{options}){then}"

    def _options(self) -> dict[str, str]:
        """Arguments of the subject's own, as code; "" for those that are as usual."""
        usual = Subject.__dataclass_fields__["initial_cash"].default
        return {
            "config": repr(dict(self.config)) if self.config else "",
            "limits": self.limits_code,
            "costs": self.costs_code,
            "seed": repr(self.seed) if self.seed else "",
            "initial_cash": repr(self.initial_cash) if self.initial_cash != usual else "",
        }

    def _arguments(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "strategy": self.strategy,
            "prices": self.prices,
            "config": dict(self.config),
            "limits": self.limits,
            "costs": dict(self.costs),
            "seed": self.seed,
            "initial_cash": self.initial_cash,
            **changes,
        }


def _loaded(strategy: Any) -> type[TradingStrategy]:
    if not isinstance(strategy, str | os.PathLike | type):
        raise StrategyError(
            f"expected one strategy, a class, a script's path or 'package.module:Class', found {strategy!r:.80}"
        )
    return load_strategy(strategy)


def _checked_trials(trials: Any, kind: type[TradingStrategy]) -> Trials:
    """`trials` if it is a sweep or an optimisation; its class is looked up by name, as most runs bring none."""
    if trials is None or type(trials).__name__ in ("SweepResult", "OptimizeResult"):
        return trials  # type: ignore[no-any-return]
    raise ConfigError(
        f"trials of {kind.__name__}: expected the SweepResult or OptimizeResult that found its parameters, or None, "
        f"found {type(trials).__name__}"
    )


def _path_of(
    given: str | os.PathLike[str] | type[TradingStrategy], kind: type[TradingStrategy]
) -> Path | None:
    """The file that the class was written in; None where there is none, as for a cell of a notebook."""
    if not isinstance(given, type) and Path(given).suffix == ".py":
        return Path(given).resolve()
    try:
        file = inspect.getsourcefile(kind)
    except TypeError:
        return None
    return Path(file).resolve() if file and Path(file).is_file() else None


def _strategy_code(given: str | os.PathLike[str] | type[TradingStrategy], kind: type[TradingStrategy]) -> str:
    if not isinstance(given, type):
        return repr(os.fspath(given))
    module = sys.modules.get(kind.__module__)
    if kind.__module__ == "__main__" or "<locals>" in kind.__qualname__ or module is None:
        return kind.__name__
    if getattr(module, "__spec__", None) is not None:
        return repr(f"{kind.__module__}:{kind.__qualname__}")
    file = str(getattr(module, "__file__", ""))  # of a script that was loaded by its path
    return repr(file) if Path(file).is_file() else kind.__name__


def _code_of(given: Any, name: str) -> str:
    """A setting as a person would write it; `name`, the variable that it came in, where it is an object."""
    if given is None:
        return ""
    if isinstance(given, str | os.PathLike):
        return repr(os.fspath(given))
    if isinstance(given, Costs):
        return f"wb.{given!r}"
    plain = isinstance(given, Mapping) and not any(isinstance(value, Costs) for value in given.values())
    return repr(dict(given)) if plain else name

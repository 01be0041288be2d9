"""`wb.StrategyTester`: how a strategy behaves in normal, stressed and chaotic conditions."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.backtest.api import CostsLike, LimitsLike
from workbench.backtest.result import BacktestResult
from workbench.certify.chaos import chaos_names, replay_chaos
from workbench.certify.checks import Check, Family, Subject
from workbench.certify.markets import house_market
from workbench.certify.running import run_checks
from workbench.certify.scenarios import replay_scenario, scenario_names
from workbench.certify.scorecard import cell_html, failed_lines, rich_table, verdict
from workbench.configuration.certification import Thresholds
from workbench.data.catalog import PriceLike
from workbench.errors import ConfigError
from workbench.strategy.contract import TradingStrategy

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["Conditions", "StrategyTester", "TestResult"]


class Conditions(tuple[Check, ...]):
    """The lines of one family."""

    __slots__ = ()

    @property
    def passed(self) -> bool:
        """Whether every line passed."""
        return all(check.passed for check in self)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The lines that did not."""
        return tuple(check for check in self if not check.passed)


@dataclass(frozen=True, slots=True)
class TestResult:
    """What `StrategyTester.test_strategy_behavior` found, line by line."""

    __test__ = False  # no test, whatever its name says to pytest

    strategy: str
    normal: Conditions
    stress: Conditions
    chaos: Conditions

    @property
    def checks(self) -> tuple[Check, ...]:
        """All lines."""
        return (*self.normal, *self.stress, *self.chaos)

    @property
    def passed(self) -> bool:
        """Whether every line passed."""
        return all(check.passed for check in self.checks)

    def __iter__(self) -> Iterator[Check]:
        return iter(self.checks)

    def __repr__(self) -> str:
        return "\n".join([verdict(self.strategy, self.checks), *failed_lines(self.checks)])

    def __rich__(self) -> Table:
        return rich_table(verdict(self.strategy, self.checks), self.checks)

    def _repr_html_(self) -> str:
        return cell_html(
            verdict(self.strategy, self.checks), self.checks, "wb.certify asks for more, and signs"
        )


class StrategyTester:
    """Tests of one strategy over the same prices, limits and costs.

    strategy_class: a class, a script's path or "package.module:Class".  prices: left out, the house's made-up market
    (`wb.house_market()`).  limits, costs, seed, initial_cash: as for `backtest`.  config: of `replay`, and of a test
    that brings none.  thresholds: as for `certify`.  progress: a bar; None shows one where somebody looks.
    """

    def __init__(
        self,
        strategy_class: str | os.PathLike[str] | type[TradingStrategy],
        prices: PriceLike | None = None,
        *,
        config: Mapping[str, Any] | None = None,
        limits: LimitsLike = None,
        costs: CostsLike = None,
        seed: int = 0,
        initial_cash: float = 1_000_000.0,
        thresholds: Thresholds | Mapping[str, Any] | str | Path | None = None,
        progress: bool | None = None,
    ) -> None:
        self.strategy_class, self.prices, self.config = strategy_class, prices, config
        self._options: dict[str, Any] = {
            "limits": limits,
            "costs": costs,
            "seed": seed,
            "initial_cash": initial_cash,
            "thresholds": thresholds,
        }
        self.progress = progress

    def test_strategy_behavior(self, config: Mapping[str, Any] | None = None) -> TestResult:
        """Normal, stress and chaos, for one set of parameters.

        The same arguments give the same lines.  Raises WorkbenchError of one line before any long work begins.
        """
        subject = self._subject(config)
        checks = run_checks(subject, ("normal", "stress", "chaos"), self.progress)

        def of(family: Family) -> Conditions:
            return Conditions(check for check in checks if check.family == family)

        return TestResult(subject.name, of("normal"), of("stress"), of("chaos"))

    def replay(self, name: str, config: Mapping[str, Any] | None = None) -> BacktestResult:
        """Run one case again, in full: a scenario ("crash"), a crisis ("lehman_2008"), a fault ("runaway", or "runaway
        1.2": first level, second start), a neighbour ("beside fat_finger", "bystander of runaway"), or "calm" for the
        prices of the scenarios without any.

        Raises ConfigError for a name that is none.
        """
        subject = self._subject(config)
        stress, chaos = scenario_names(subject), chaos_names(subject)
        if name in stress:
            return replay_scenario(subject, name)
        if name in chaos or name.partition(" ")[0] in chaos:
            return replay_chaos(subject, name)
        raise ConfigError(f"no case {name!r}; there is: {', '.join(dict.fromkeys([*stress, *chaos]))}")

    def _subject(self, config: Mapping[str, Any] | None) -> Subject:
        prices = house_market() if self.prices is None else self.prices
        given = self.config if config is None else config
        subject = Subject.of(self.strategy_class, prices, config=given, **self._options)
        return subject if self.prices is not None else subject.replaced(prices_code="wb.house_market()")

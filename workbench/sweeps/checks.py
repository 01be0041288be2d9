"""What can be known of a sweep before it begins, and what has to be said of one in which nothing traded."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from functools import cache, reduce
from numbers import Integral, Real
from types import CodeType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from workbench.chaos.kinds import Family
from workbench.errors import ConfigError, ParameterError, StrategyError
from workbench.strategy.compiled import CompiledStrategy
from workbench.strategy.contract import TradingStrategy
from workbench.sweeps.grid import Grid
from workbench.sweeps.result import Part

if TYPE_CHECKING:
    from workbench.backtest.api import RunPlan
    from workbench.sweeps.job import Task

__all__ = [
    "NEEDED",
    "check_before",
    "check_look_back",
    "check_options",
    "look_back",
    "why_nothing_traded",
]

NEEDED: Final = ("fills", "signals")
"""Figures that `why_nothing_traded` reads, wanted or not."""
_SHOWN: Final = 3
_FUNCTIONS: Final = {  # one more argument of numpy's own would be where the answer is written
    "max": lambda *values: reduce(np.maximum, values),
    "min": lambda *values: reduce(np.minimum, values),
    "ceil": lambda value: np.ceil(value),  # noqa: PLW0108 - see above
    "sqrt": lambda value: np.sqrt(value),  # noqa: PLW0108
}
_NODES: Final = (
    *(ast.Expression, ast.Name, ast.Load, ast.Constant, ast.Call),
    *(ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop),
)


def check_options(periods_per_year: Any, workers: Any, config: Any) -> None:
    """Raise ConfigError for a number of periods or workers that makes no sense, ParameterError for no config."""
    if config is not None and not isinstance(config, Mapping):
        raise ParameterError(f"config must map parameters to values, found {config!r}")
    if periods_per_year is not None and not (
        _is_number(periods_per_year, Real) and 0 < periods_per_year < math.inf
    ):
        raise ConfigError(
            f"periods_per_year must be a finite number above 0, or None for what the prices show, found "
            f"{periods_per_year!r}"
        )
    if workers is not None and not (_is_number(workers, Integral) and workers >= 1):
        raise ConfigError(
            f"workers must be a whole number from 1, or None for one per core, found {workers!r}"
        )


def _is_number(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def check_before(
    kind: type[TradingStrategy], grid: Grid, base: Mapping[str, Any], tasks: Sequence[Task]
) -> None:
    """Raise a WorkbenchError where no column can be run, or none can say anything because the prices are too short."""
    for task in tasks:
        plan = _first_plan(kind, grid, base, task)
        # Faults of signals may speak for a strategy that cannot yet.
        if all(event.family is not Family.SIGNAL for event in plan.events):
            check_look_back(kind, grid, base, plan)


def _first_plan(kind: type[TradingStrategy], grid: Grid, base: Mapping[str, Any], task: Task) -> RunPlan:
    """The checked run of the first column that the strategy takes; a plain one may say only when it is made."""
    refusal: ParameterError | None = None
    for row in range(len(grid)):
        try:
            return task.plan({**base, **grid.config(row)})
        except ParameterError as error:
            if issubclass(kind, CompiledStrategy) or len(grid) == 1:
                raise
            refusal = refusal or error
    raise ParameterError(
        f"{kind.__name__} takes none of the {len(grid):,} combinations; the first: {refusal}"
    )


# -- look-back -------------------------------------------------------------------------------------------------------


def look_back(kind: type[TradingStrategy], values: Mapping[str, Any]) -> Any:
    """How many prices of an instrument a strategy needs before it can say anything: its LOOKBACK, worked out.

    values: numbers, or arrays of equal length, by parameter; defaults stand for those left out.  0 where the class
    declares nothing.  Raises StrategyError where LOOKBACK is no expression of parameters.
    """
    rule = getattr(kind, "LOOKBACK", "")
    if not rule:
        return 0
    known = {k: v for k, v in (kind.PARAMETERS or {}).items() if isinstance(v, int | float)}
    try:
        with np.errstate(divide="raise", invalid="raise", over="raise"):
            return eval(_expression(str(rule)), {"__builtins__": {}, **_FUNCTIONS}, {**known, **values})
    except (ArithmeticError, NameError, SyntaxError, TypeError, ValueError) as error:
        raise StrategyError(
            f"{kind.__name__}: LOOKBACK must be an expression of its parameters, such as 'window + 1', found {rule!r} "
            f"({error})"
        ) from error


@cache
def _expression(rule: str) -> CodeType:
    tree = ast.parse(rule, mode="eval")
    for node in ast.walk(tree):
        if not isinstance(node, _NODES):
            raise ValueError(f"no {type(node).__name__} may be in it")
    return compile(tree, "<look-back>", "eval")


def check_look_back(kind: type[TradingStrategy], grid: Grid, base: Mapping[str, Any], plan: RunPlan) -> None:
    """Raise StrategyError where the prices of a plan are too short for every column to say anything."""
    numbers = {k: v for k, v in base.items() if isinstance(v, int | float)}
    need = np.broadcast_to(look_back(kind, {**numbers, **grid.values}), (len(grid),))
    counts = np.bincount(plan.feed.instrument, minlength=len(plan.feed.instruments))
    shown = [k for k, i in enumerate(plan.feed.instruments) if i.symbol in plan.players[0].symbols]
    most = max(shown, key=lambda k: counts[k])
    if (need > counts[most]).all():
        least = int(np.min(need))
        raise StrategyError(
            f"{kind.__name__} needs at least {least:,} prices before its first signal "
            f"({getattr(kind, 'LOOKBACK', '')}), and {plan.feed.instruments[most].name} has {counts[most]:,}; "
            "load longer prices, or look back less far"
        )


# -- nothing traded --------------------------------------------------------------------------------------------------


def why_nothing_traded(parts: Sequence[Part]) -> str:
    """One line on a sweep in which no finished column has a fill; "" where one has, or nothing is finished.

    It plays the column that said most again, to see what became of what it said.
    """
    best: tuple[float, Part, int] | None = None
    for part in parts:
        rows = np.flatnonzero(np.asarray(part.finished))
        fills = np.asarray(part.figures["fills"], dtype=np.float64)[rows]
        if np.nansum(fills) > 0.0:
            return ""
        signals: npt.NDArray[np.float64] = np.asarray(part.figures["signals"], dtype=np.float64)[rows]
        for row, said in zip(rows.tolist(), signals.tolist(), strict=True):
            if said == said and (best is None or said > best[0]):
                best = (said, part, row)
    return "" if best is None else _explain(*best)


def _explain(said: float, part: Part, row: int) -> str:
    config = part.grid.config(row)
    result = part.replay(config)
    if not said:
        updates = f"{len(result.record.feed):,} price updates of {', '.join(result.instruments[:_SHOWN])}"
        return (
            f"no column traded: there is no signal in {updates}; is the look-back longer than the prices, "
            "or do the strategy's names not fit them?"
        )
    named = ", ".join(f"{name}={value}" for name, value in config.items())
    refused = [
        f"{what} {reason} {count:,}"
        for what, reason, count in result.refusals[["what", "reason", "count"]]
        .head(_SHOWN)
        .itertuples(index=False)
    ]
    why = (
        f"refused: {', '.join(refused)}" if refused else "none of them asked for a position of a lot or more"
    )
    return f"no column traded: {named} sent {int(said):,} signals and had no fill; {why}"

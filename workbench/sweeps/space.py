"""Where a search may look: ranges of parameters as Optuna takes them, read from what a person writes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from workbench.errors import ParameterError
from workbench.strategy.compiled import CompiledStrategy
from workbench.strategy.contract import TradingStrategy
from workbench.sweeps.checks import look_back
from workbench.sweeps.grid import UNIT, Grid, Where, as_number, check_name, permitted

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

__all__ = ["Space", "SpaceLike", "columns_of", "examples", "probe", "read_space", "size_of"]

type SpaceLike = Mapping[str, Any]
type Space = Mapping[str, "BaseDistribution"]

DRAWS: Final = 20_000
PROBED: Final = 64
_FORMS: Final = "a range, (low, high), (low, high, step), a list of values, or an optuna distribution"


def read_space(strategy: type[TradingStrategy], space: SpaceLike) -> Space:
    """Distributions by parameter.

    space: {"fast": range(5, 50), "slow": (50, 400), "entry": (0.5, 3.0, 0.25), "mode": ["a", "b"]}; both ends belong to
    it, except for the end of a range.  Whether numbers are whole follows from the strategy's default.
    Raises ParameterError for a parameter that it does not have, or values that it cannot take.
    """
    given: object = space
    if not isinstance(given, Mapping):
        raise ParameterError(f"space must map parameters to {_FORMS}, found {type(given).__name__}")
    if not given:
        raise ParameterError(
            f'the space is empty: it must name at least one parameter, as in {{"fast": range(5, 50)}}; '
            f"{strategy.__name__} has {', '.join(strategy.PARAMETERS or {}) or 'none'}"
        )
    found = {str(name): _read(strategy, str(name), entry) for name, entry in given.items()}
    if UNIT in found:
        _check_unit(strategy, found[UNIT])
    return found


def _check_unit(strategy: type[TradingStrategy], distribution: Any) -> None:
    """Raise ParameterError where a unit below 0, or none at all, could be drawn."""
    for value in getattr(distribution, "choices", None) or [distribution.low]:
        as_number(strategy, UNIT, value, 1.0)


def examples(space: SpaceLike) -> dict[str, Any]:
    """A value of each parameter as far as that is plain to see, for a function that gives it no default."""
    given: object = space
    found: dict[str, Any] = {}
    for name, entry in given.items() if isinstance(given, Mapping) else ():
        values = list(entry) if isinstance(entry, Iterable) and not isinstance(entry, str) else [entry]
        values = values if not hasattr(entry, "low") else [entry.low]
        if values:
            found[str(name)] = next((value for value in values if isinstance(value, float)), values[0])
    return found


def _read(strategy: type[TradingStrategy], name: str, entry: Any) -> BaseDistribution:
    from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

    check_name(strategy, name)
    if isinstance(entry, BaseDistribution):
        whole = isinstance(_default(strategy, name), int) and isinstance(entry, FloatDistribution)
        if whole and not isinstance(_default(strategy, name), bool):
            raise ParameterError(
                f"{strategy.__name__}: {name} must be whole numbers like {_default(strategy, name)!r}, found {entry!r}"
            )
        return entry
    if isinstance(entry, range):
        if not len(entry):
            raise ParameterError(f"the space is empty: {name} has no values")
        low, high = sorted((entry[0], entry[-1]))
        return IntDistribution(low, high, step=abs(entry.step) if len(entry) > 1 else 1)
    if isinstance(entry, tuple):
        return _interval(strategy, name, entry)
    if isinstance(entry, str | Real) or not isinstance(entry, Iterable):
        entry = [entry]
    return _choices(strategy, name, list(entry))


def _default(strategy: type[TradingStrategy], name: str) -> Any:
    """What a parameter is like; None where nobody knows."""
    known = strategy.PARAMETERS
    if known is not None and name in known:
        return known[name]
    return 1.0 if name == UNIT else None


def _interval(strategy: type[TradingStrategy], name: str, entry: tuple[Any, ...]) -> BaseDistribution:
    from optuna.distributions import FloatDistribution, IntDistribution

    numbers = all(isinstance(value, Real) and not isinstance(value, bool) for value in entry)
    if len(entry) not in (2, 3) or not numbers:
        raise ParameterError(f"{strategy.__name__}: expected for {name} {_FORMS}, found {entry!r}")
    default = _default(strategy, name)
    if default is None:
        default = 1 if all(value == int(value) for value in entry) else 1.0
    if isinstance(default, bool) or not isinstance(default, int | float):
        raise ParameterError(f"{strategy.__name__}: {name} is no number like {default!r}; list its values")
    low, high, *rest = (as_number(strategy, name, value, default) for value in entry)
    step = rest[0] if rest else None
    if low > high or (step is not None and step <= 0):
        raise ParameterError(
            f"{strategy.__name__}: expected for {name} low <= high and a step above 0, found {entry!r}"
        )
    if step is not None:
        # The last step that is inside; in decimals, since 0.1 + 2 x 0.1 is not 0.3.
        first, each = Decimal(str(low)), Decimal(str(step))
        high = type(low)(first + (Decimal(str(high)) - first) // each * each)
    if isinstance(default, int):
        return IntDistribution(low, high, step=step or 1)
    return FloatDistribution(low, high, step=step)


def _choices(strategy: type[TradingStrategy], name: str, values: Sequence[Any]) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, IntDistribution

    if not values:
        raise ParameterError(f"the space is empty: {name} has no values")
    default = _default(strategy, name)
    plain = [value.item() if isinstance(value, np.generic) else value for value in values]
    if isinstance(default, int | float):
        plain = list(dict.fromkeys(as_number(strategy, name, value, default) for value in plain))
    elif issubclass(strategy, CompiledStrategy):
        raise ParameterError(
            f"{strategy.__name__}: {name} is no number, and cannot be searched; put one value into config="
        )
    if len(plain) > 2 and all(isinstance(value, int) and not isinstance(value, bool) for value in plain):
        steps = set(np.diff(plain).tolist())
        if len(steps) == 1 and min(steps) > 0:
            return IntDistribution(
                plain[0], plain[-1], step=steps.pop()
            )  # a sampler learns more from an order
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # it warns of values that a database could not hold, and there is none
        return CategoricalDistribution(plain)


# -- looking into it -------------------------------------------------------------------------------------------------


def size_of(space: Space) -> float:
    """How many combinations there are; infinite where a parameter is continuous."""
    return math.prod(_count(distribution) for distribution in space.values())


def _count(distribution: Any) -> float:
    if hasattr(distribution, "choices"):
        return len(distribution.choices)
    if distribution.single():
        return 1
    if distribution.step is None:
        return math.inf
    return 1 + round(float(distribution.high - distribution.low) / float(distribution.step))


def columns_of(values: Sequence[Mapping[str, Any]]) -> dict[str, npt.NDArray[Any]]:
    """One array per parameter, a row for each mapping."""
    columns: dict[str, npt.NDArray[Any]] = {}
    for name in values[0] if values else ():
        column = [one[name] for one in values]
        if all(isinstance(value, bool | int | float) for value in column):
            columns[name] = np.asarray(column)
        else:
            columns[name] = np.empty(len(column), dtype=object)
            for row, value in enumerate(column):
                columns[name][row] = value
    return columns


def probe(
    strategy: type[TradingStrategy],
    space: Space,
    where: Where | None,
    config: Mapping[str, Any] | None,
    seed: int,
) -> Grid:
    """Some combinations that are allowed, those that look back least first, out of many drawn at random.

    Raises ParameterError where none is.
    """
    generator = np.random.default_rng(seed)
    drawn = {name: _draw(distribution, generator) for name, distribution in space.items()}
    kept = np.flatnonzero(permitted(strategy, drawn, DRAWS, where, config))
    if not len(kept):
        rules = ", ".join(getattr(strategy, "CONSTRAINTS", ())) or "no constraint"
        raise ParameterError(
            f"{strategy.__name__}: none of {DRAWS:,} combinations from the space is allowed ({rules}"
            f"{'' if where is None else ', and where='}); widen the space"
        )
    numbers = {k: v for k, v in (config or {}).items() if isinstance(v, int | float)}
    fit = {name: column[kept] for name, column in drawn.items()}
    need = np.broadcast_to(look_back(strategy, {**numbers, **fit}), (len(kept),))
    first = np.argsort(need, kind="stable")[:PROBED]
    return Grid({name: column[first] for name, column in fit.items()}, 0)


def _draw(distribution: Any, generator: np.random.Generator) -> npt.NDArray[Any]:
    if hasattr(distribution, "choices"):
        picked = generator.integers(len(distribution.choices), size=DRAWS)
        return columns_of([{"": distribution.choices[k]} for k in picked.tolist()])[""]
    low, high, step = distribution.low, distribution.high, distribution.step
    if step is None:
        drawn: npt.NDArray[Any] = generator.uniform(low, high, size=DRAWS)
    else:
        drawn = low + step * generator.integers(round((high - low) / step) + 1, size=DRAWS)
    return drawn

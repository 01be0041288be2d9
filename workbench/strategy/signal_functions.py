"""A function of prices, as somebody wrote it: what it takes, what it answers, and whether it looks ahead.

What such a function is, stands in `strategy.vector`.
"""

from __future__ import annotations

import difflib
import inspect
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from workbench.errors import ParameterError, StrategyError, StrategyFailure
from workbench.strategy.contract import RUNNER_SETTINGS

__all__ = ["SignalFunction", "Signals"]

type Floats = npt.NDArray[np.float64]
type SignalFunction = Callable[..., Any]

TOLERANCE: Final = 1e-9  # two answers this close differ by rounding, as a sum over more rows does
GOLDEN: Final = 0.6180339887498949  # its multiples, less their whole part, fall on no grid of days or hours
CUTS: Final = 6
NAMELESS: Final = "signals"


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """A signal function that can be called.  name: what messages call it.  defaults: of every parameter."""

    function: SignalFunction
    name: str
    defaults: Mapping[str, Any]

    @classmethod
    def of(cls, function: SignalFunction, defaults: Mapping[str, Any], spare: Mapping[str, Any]) -> Signals:
        """Look at what `function` takes; see `signal_strategy`, and `from_signals` for the errors."""
        if isinstance(function, type) or not callable(function):
            raise StrategyError(f"expected a function signals(prices, **params), found {function!r}")
        name = str(getattr(function, "__name__", type(function).__name__))
        name = name if name.isidentifier() else NAMELESS
        return cls(function, name, _defaults(function, name, defaults, spare))

    def parameters(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments beside the prices: those of `config`, and the defaults, whole numbers where they are whole."""
        return {key: _like(default, config.get(key, default)) for key, default in self.defaults.items()}

    def shown(self, params: Mapping[str, Any]) -> str:
        """The call as a person writes it, such as `signals(fast=10, slow=50)`."""
        return f"{self.name}({', '.join(f'{key}={value!r}' for key, value in params.items())})"

    def call(self, prices: pd.DataFrame, params: Mapping[str, Any]) -> Floats:
        """One target per row, float64[n]; what the function raises is not touched.

        Raises StrategyError where the answer is not as many numbers.
        """
        # A shallow copy is cheap, and nothing that the function writes to it is seen in `prices`.
        return self._numbers(self.function(prices.copy(deep=False), **params), prices, params)

    def targets(self, prices: pd.DataFrame, params: Mapping[str, Any], note: str = "") -> Floats:
        """As `call`, but what the function raises is a StrategyFailure of one line, `note` at its end."""
        try:
            return self.call(prices, params)
        except StrategyError as error:
            raise type(error)(f"{error}{note}") from error
        except (Exception, SystemExit) as error:
            reason = " ".join(f"{type(error).__name__}: {error}{self._where(error)}".split())
            raise StrategyFailure(f"{self.shown(params)} raised {reason}{note}") from error

    def _where(self, error: BaseException) -> str:
        """Innermost line of the function's own file, or of whatever raised."""
        own = getattr(getattr(self.function, "__code__", None), "co_filename", "")
        places = [(f.f_code.co_filename, line) for f, line in traceback.walk_tb(error.__traceback__)]
        inside = [place for place in places if place[0] == own] or [p for p in places if p[0] != __file__]
        return f" ({inside[-1][0]}:{inside[-1][1]})" if inside else ""

    def _numbers(self, answer: Any, prices: pd.DataFrame, params: Mapping[str, Any]) -> Floats:
        count = len(prices)
        if isinstance(answer, pd.DataFrame) and answer.shape[1] == 1:
            answer = answer.iloc[:, 0]
        if isinstance(answer, pd.Series):
            dated = isinstance(answer.index, pd.DatetimeIndex)
            if dated and len(answer) == count and not answer.index.equals(prices.index):
                raise StrategyError(
                    f"{self.shown(params)} must answer in the order of its prices, found other times in the index; "
                    "reindex the answer like prices"
                )
            answer = _plain(answer)
        values = np.asarray(answer)
        if values.dtype.kind not in "biuf":
            found = "nothing" if answer is None else f"{values.dtype} of type {type(answer).__name__}"
            raise StrategyError(f"{self.shown(params)} must answer numbers, found {found}")
        if values.shape not in ((count,), (count, 1)):
            raise StrategyError(
                f"{self.shown(params)} must answer one target for each of the {count:,} rows, "
                f"found shape {values.shape}"
            )
        numbers: Floats = values.astype(np.float64, copy=False).reshape(count)
        return numbers

    # -- the prefix test ---------------------------------------------------------------------------------------

    def check(
        self, prices: pd.DataFrame, params: Mapping[str, Any], lookback: int | None = None, where: str = ""
    ) -> Floats:
        """Ask again with the later rows cut off, at several places; what it answered with all of them.

        lookback: cut off the rows before the last so many, too.  where: for messages.
        Raises StrategyError naming the first time at which answers differ, StrategyFailure where the function raises.
        """
        whole = self.targets(prices, params, where).copy()
        first: tuple[int, int, float] | None = None
        for cut in _cuts(len(prices)):
            note = f"{where}, with the first {cut:,} rows alone; answer NaN where they are too few"
            part = self.targets(prices.iloc[:cut], params, note)
            differ = np.flatnonzero(_differ(part, whole[:cut]))
            if len(differ) and (first is None or differ[0] < first[0]):
                first = int(differ[0]), cut, float(part[differ[0]])
        if first is not None:
            raise StrategyError(self._looks_ahead(prices, params, whole, first, where))
        if lookback is not None:
            self._check_lookback(prices, params, whole, lookback, where)
        return whole

    def _looks_ahead(
        self,
        prices: pd.DataFrame,
        params: Mapping[str, Any],
        whole: Floats,
        first: tuple[int, int, float],
        where: str,
    ) -> str:
        row, cut, early = first
        if _differ(self.targets(prices, params, where), whole).any():
            return (
                f"{self.shown(params)} does not answer the same when it is asked twice{where}; "
                "seed what is random in it, and keep nothing between calls"
            )
        return (
            f"{self.shown(params)} looks ahead{where}: for {_stamp(prices, row)} it answers {early:g} while the prices "
            f"end at {_stamp(prices, cut - 1)}, and {whole[row]:g} once it has seen later ones; "
            "a target may depend on its own and earlier rows alone"
        )

    def _check_lookback(
        self, prices: pd.DataFrame, params: Mapping[str, Any], whole: Floats, lookback: int, where: str
    ) -> None:
        for cut in _cuts(len(prices)):
            if cut > lookback:
                part = self.targets(prices.iloc[cut - lookback : cut], params, where)
                if _differ(part[-1:], whole[cut - 1 : cut]).any():
                    raise StrategyError(
                        f"{self.shown(params)} needs more than a look-back of {lookback:,} updates{where}: for "
                        f"{_stamp(prices, cut - 1)} it answers {part[-1]:g} with them, and {whole[cut - 1]:g} with "
                        "all; give from_signals a longer lookback"
                    )


def _cuts(count: int) -> list[int]:
    """How many rows to leave: one, two, all but one, and some in between that fit no calendar."""
    inside = {int(count * (k * GOLDEN % 1.0)) for k in range(1, CUTS + 1)}
    return sorted(cut for cut in {1, 2, count - 1} | inside if 0 < cut < count)


def _differ(a: Floats, b: Floats) -> npt.NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):  # infinity less infinity, which are equal
        near = np.abs(a - b) <= TOLERANCE
    alike: npt.NDArray[np.bool_] = near | (a == b) | (np.isnan(a) & np.isnan(b))
    return ~alike


def _stamp(prices: pd.DataFrame, row: int) -> str:
    return f"{prices.index[row]:%Y-%m-%d %H:%M:%S}".removesuffix(":00") + " UTC"


def _plain(series: pd.Series[Any]) -> Any:
    """The values of a Series, missing ones of pandas' own types as NaN."""
    kind = series.dtype
    if isinstance(kind, np.dtype) or not (
        pd.api.types.is_bool_dtype(kind) or pd.api.types.is_numeric_dtype(kind)
    ):
        return series.to_numpy()
    return series.to_numpy(dtype=np.float64, na_value=np.nan)


def _like(default: Any, value: Any) -> Any:
    """`value` as the kind of number that `default` is: 10.0 is a window of 10 rows to pandas only as 10."""
    if isinstance(default, bool):
        return bool(value)
    if isinstance(default, int | float) and isinstance(value, int | float | np.number):
        return int(value) if isinstance(default, int) else float(value)
    return value


def _defaults(
    function: SignalFunction, name: str, given: Mapping[str, Any], spare: Mapping[str, Any]
) -> dict[str, Any]:
    """Every parameter with its default, in the function's order."""
    named, anything = _named(function, name)
    for key in given:
        if key not in named and not anything:
            close = difflib.get_close_matches(key, named, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"it has: {', '.join(named) or 'none'}"
            raise ParameterError(f"{name} has no parameter {key!r}; {hint}")
    missing = {key for key, value in named.items() if value is inspect.Parameter.empty}
    loose = {k: v for k, v in spare.items() if k in missing or (anything and k not in named)}
    defaults = {**named, **{k: v for k, v in loose.items() if k not in RUNNER_SETTINGS}, **given}
    for key, value in defaults.items():
        if key in RUNNER_SETTINGS:
            raise ParameterError(f"{name}: {key} is a setting of the runner; give the parameter another name")
        if value is inspect.Parameter.empty:
            raise ParameterError(f"{name}: parameter {key!r} has no default; give it one, as in {key}=20")
    return defaults


def _named(function: SignalFunction, name: str) -> tuple[dict[str, Any], bool]:
    """The parameters after the prices with their own defaults, and whether it takes any others."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise StrategyError(
            f"{name}: its parameters cannot be told; wrap it in a function of your own"
        ) from error
    by_place = (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
        inspect.Parameter.VAR_POSITIONAL,
    )
    if not found or found[0].kind not in by_place:
        raise StrategyError(
            f"{name}: expected a function signals(prices, **params), found one that takes no prices"
        )
    named = {
        p.name: p.default
        for p in found[1:]
        if p.kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    }
    return named, any(p.kind is inspect.Parameter.VAR_KEYWORD for p in found)

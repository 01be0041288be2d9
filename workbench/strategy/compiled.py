"""Strategies that can be compiled: one function of parameters, state and the present prices, for every runner.

A sweep compiles it into its loop, the event replay and the live engine call the same function once per update. It
cannot look ahead, because it is never shown more than the present row.
"""

from __future__ import annotations

import operator
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, cast

import numba
import numpy as np
import numpy.typing as npt

from workbench.core.column import AGE, POSITION, TIME
from workbench.core.feed import ASK, ASK_SIZE, BID, BID_SIZE, CHANGE_PCT, LAST, VOLUME
from workbench.core.ledger import settle
from workbench.core.messages import Instrument, MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.errors import AnswerError, ParameterError, StrategyError, WorkbenchError
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.kernels import Kernels, kernels, ready
from workbench.strategy.parameters import allowed, names_in, parameter_rows, rules_of
from workbench.strategy.runner import Runner, Telling

__all__ = [
    "AGE",
    "ASK",
    "ASK_SIZE",
    "BID",
    "BID_SIZE",
    "CHANGE_PCT",
    "LAST",
    "POSITION",
    "TIME",
    "VOLUME",
    "CompiledStrategy",
    "Kernels",
    "allowed",
    "begin",
    "groups_of",
    "helper",
    "kernels",
    "parameter_rows",
    "ready",
    "rules_of",
]

type Floats = npt.NDArray[np.float64]


def helper[F: Callable[..., object]](function: F) -> F:
    """Compile `function` for use in `step` and `start`; it divides by zero as they do, into inf or NaN."""
    return cast("F", numba.njit(error_model="numpy", nogil=True)(function))


def _one_number(params: Any) -> Floats:  # noqa: ARG001 - as `start` is called
    return np.zeros(1)


class CompiledStrategy(TradingStrategy):
    """A strategy that is one numba-compilable function, `step`.

    step(params, state, prices) -> strength, called once per price.
    params: the numbers of PARAMETERS by name, `params.fast` (whole numbers stay whole).
    state: what `start(params)` returned, one array or a tuple of arrays; `step` writes to it.
    prices: one row, indexed by BID, ASK, LAST, VOLUME, BID_SIZE, ASK_SIZE, CHANGE_PCT; a copy of its own.
    strength: -1 .. 1, or NaN to say nothing.

    SCOPE "instrument" runs it on each instrument by itself. With "symbol" it sees all venues of one symbol, with
    "market" all instruments: then start(params, count) gets their number, prices is float64[count, 10] (the last row of
    each, NaN before the first; three more columns: POSITION, own signed units, 0 unless READS_POSITION is True; AGE,
    seconds since the price came; TIME, when it came, seconds since 1970 UTC), and `step` returns float64[count].

    CONSTRAINTS: comparisons that parameters must satisfy, such as "1 <= fast < slow"; a sweep leaves others out.
    LOOKBACK: prices of one instrument up to the first that can bring a signal, such as "window + 1"; a sweep refuses
    prices that are too short for all its columns.  "" where nobody can say.
    Both functions may use numbers of their module, numpy, `math`, `workbench.strategy.indicators`, and functions that
    are decorated with `helper` (or with `numba.njit`). What cannot be compiled is refused when an instance is made,
    with a StrategyError that names file, line and reason.
    """

    __slots__ = (
        "_telling",
    )  # not among the attributes: compiled functions cannot be pickled, and need not be

    SCOPE: ClassVar[str] = "instrument"
    READS_POSITION: ClassVar[bool] = False
    CONSTRAINTS: ClassVar[Sequence[str]] = ()
    LOOKBACK: ClassVar[str] = ""

    start: ClassVar[Callable[..., Any]] = staticmethod(_one_number)
    """State before the first price; one number where a strategy does not say."""

    @staticmethod
    @abstractmethod
    def step(params: Any, state: Any, prices: Any) -> Any:
        """Strength for the present prices."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._check_constraints()
        self._telling: Telling = ready(type(self))
        self._addresses: dict[tuple[str, str], Any] = {}  # of instruments that are run by themselves
        self._params = parameter_rows(type(self), [self.config])[0]
        if self.SCOPE == "instrument":
            begin(type(self), self._params)  # it fails here, and not in the middle of a run
        self._runners: dict[tuple[str, str], Runner] = {}
        self._seats: dict[tuple[str, str], _Seat] = {}
        self._started = False

    def __getstate__(self) -> dict[str, Any]:
        return dict(vars(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._telling = ready(type(self))
        for runner in (*self._runners.values(), *(seat.runner for seat in self._seats.values())):
            runner.bind(self._telling)
        self._addresses = {key: runner.address for key, runner in self._runners.items()}

    def _check_constraints(self) -> None:
        numbers = {key: value for key, value in self.config.items() if isinstance(value, int | float)}
        for rule in rules_of(type(self)):
            if not bool(allowed(rule, numbers)):
                names = [name for name in names_in(rule) if name in numbers]
                found = " and ".join(", ".join(f"{name}={numbers[name]}" for name in names).rsplit(", ", 1))
                raise ParameterError(f"{type(self).__name__}: expected {rule}, found {found}")

    @classmethod
    def groups(
        cls,
        config: Mapping[str, Any],  # noqa: ARG003 - for those who override it
        instruments: Sequence[Instrument],
    ) -> list[list[int]]:
        """Indices of the instruments that `step` runs on together; it runs on each group by itself.

        A strategy that takes its instruments from its config overrides this.
        """
        if cls.SCOPE == "instrument":
            return [[k] for k in range(len(instruments))]
        if cls.SCOPE == "market":
            return [list(range(len(instruments)))]
        symbols = dict.fromkeys(i.symbol for i in instruments)
        return [[k for k, i in enumerate(instruments) if i.symbol == symbol] for symbol in symbols]

    def on_start(self, instruments: Sequence[Instrument]) -> None:
        """Hear which instruments there are, before the first price."""
        self._started = True
        self._runners.clear()
        self._addresses.clear()
        self._seats.clear()
        groups = groups_of(type(self), self.config, instruments)
        if self.SCOPE == "instrument":
            return
        for members in groups:
            group = tuple(instruments[k] for k in members)
            begin(type(self), self._params, len(group))
            runner = Runner(self._telling, self._params, len(group))
            for place, instrument in enumerate(group):
                self._seats[instrument.symbol, instrument.venue] = _Seat(runner, place, group)

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        """Call `step` with the present prices."""
        u = price_update
        address = self._addresses.get((u.symbol, u.venue))
        if address is None:
            if self.SCOPE != "instrument":
                return self._tell_group(u)
            runner = self._runners[u.symbol, u.venue] = Runner(self._telling, self._params)
            address = self._addresses[u.symbol, u.venue] = runner.address
        strength = self._telling.tell(
            address, u.bid, u.ask, u.last, u.volume, u.bid_size, u.ask_size, u.change_pct
        )
        if strength != strength:
            return []
        return [MarketSignal(u.symbol, None, strength, 1.0, {"venue": u.venue})]

    def _tell_group(self, u: PriceUpdate) -> list[MarketSignal]:
        seat = self._seats.get((u.symbol, u.venue))
        if seat is None:
            if not self._started:
                raise StrategyError(
                    f"{type(self).__name__} sees several instruments: on_start(instruments) must be called first"
                )
            return []
        said = self._telling.tell(
            seat.runner.address,
            seat.place,
            u.timestamp_ns,
            u.bid,
            u.ask,
            u.last,
            u.volume,
            u.bid_size,
            u.ask_size,
            u.change_pct,
        )
        if said <= 0:
            if said < 0:
                raise AnswerError(type(self).__name__, len(seat.group), -1 - said)
            return []
        return [
            MarketSignal(i.symbol, None, strength, 1.0, {"venue": i.venue})
            for i, strength in zip(seat.group, seat.runner.said.tolist(), strict=True)
            if strength == strength
        ]

    def on_order_fill(self, fill: OrderFill) -> None:
        """Keep POSITION; a subclass that overrides this calls it."""
        seat = self._seats.get((fill.symbol, fill.venue))
        if seat is not None and self.READS_POSITION:
            held = seat.runner.prices[seat.place, POSITION]
            seat.runner.prices[seat.place, POSITION] = settle(held, fill.quantity)

    def on_risk_breach(self, breach: RiskBreach) -> None:
        """Tell of it; what a compiled strategy does about it follows from its POSITION."""
        self.logger.info("%s", breach.message)


def groups_of(
    strategy: type[CompiledStrategy], config: Mapping[str, Any], instruments: Sequence[Instrument]
) -> list[list[int]]:
    """What `strategy.groups` answers, checked: lists of indices of `instruments`, none of them twice.

    Raises StrategyError.
    """
    name = strategy.__name__
    if strategy.SCOPE == "instrument" and strategy.groups.__func__ is not CompiledStrategy.groups.__func__:  # type: ignore[attr-defined]
        raise StrategyError(
            f"{name}: groups is for strategies that see several instruments, found SCOPE = 'instrument'; set SCOPE to "
            "'symbol' or 'market', or leave it out"
        )
    answer: Any = strategy.groups(config, instruments)
    try:
        groups = [[operator.index(place) for place in group] for group in answer]
    except TypeError:
        groups = [[-1]]
    places = [place for group in groups for place in group]
    if len(set(places)) < len(places) or any(not 0 <= place < len(instruments) for place in places):
        raise StrategyError(
            f"{name}.groups must answer lists of whole numbers, each below {len(instruments)} (how many instruments "
            f"there are) and none of them twice, found {answer!r:.120}"
        )
    return groups


def begin(strategy: type[CompiledStrategy], params: Any, count: int | None = None) -> Any:
    """The state that `strategy.start` makes for one row of parameters.  count: instruments, where it sees several.

    Raises ParameterError where it fails, which depends on the parameters alone.
    """
    try:
        return ready(strategy).start(params, *(() if count is None else (count,)))
    except Exception as error:
        found = ", ".join(f"{name}={params[name]}" for name in params.dtype.names)
        said = str(error) if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {error}"
        raise ParameterError(f"{strategy.__name__} cannot start with {found}: {said}") from error


class _Seat(NamedTuple):
    """Where an instrument is looked after: its group's runner, its place there, and the instruments of the group."""

    runner: Runner
    place: int
    group: tuple[Instrument, ...]

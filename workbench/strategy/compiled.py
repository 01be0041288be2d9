"""Strategies that can be compiled: one function of parameters, state and the present prices, for every runner.

A sweep compiles it into its loop, the event replay and the live engine call the same function once per update. It
cannot look ahead, because it is never shown more than the present row.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from workbench.core import patterns
from workbench.core.column import AGE, GROUP_COLUMNS, POSITION, SECOND
from workbench.core.feed import QUOTE_COLUMNS
from workbench.core.jit import jit
from workbench.core.ledger import settle
from workbench.core.messages import Instrument, MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.errors import ParameterError, StrategyError
from workbench.strategy.contract import TradingStrategy

__all__ = ["CompiledStrategy", "Kernels", "allowed", "kernels", "parameter_rows"]

type Floats = npt.NDArray[np.float64]

SCOPES: Final = ("instrument", "symbol", "market")


class CompiledStrategy(TradingStrategy):
    """A strategy that is one numba-compilable function, `step`.

    step(params, state, prices) -> strength, called once per price.
    params: the numbers of PARAMETERS by name, `params.fast` (whole numbers stay whole).
    state: what `start(params)` returned, one array or a tuple of arrays; `step` writes to it.
    prices: float64[7], one row, indexed by BID, ASK, LAST, VOLUME, BID_SIZE, ASK_SIZE, CHANGE_PCT.
    strength: -1 .. 1, or NaN to say nothing.

    SCOPE "instrument" runs it on each instrument by itself. With "symbol" it sees all venues of one symbol, with
    "market" all instruments: then start(params, count) gets their number, prices is float64[count, 9] (the last row of
    each; two more columns: POSITION, own signed units, and AGE, seconds since the price came; NaN before the first), and
    `step` returns float64[count]. READS_POSITION must be True for POSITION to be filled in.

    CONSTRAINTS: comparisons that parameters must satisfy, such as "1 <= fast < slow"; a sweep leaves others out.
    Both functions may use numbers of their module, numpy, `math`, `workbench.strategy.indicators`, and functions of
    their own that are decorated with `numba.njit`.
    """

    SCOPE: ClassVar[str] = "instrument"
    READS_POSITION: ClassVar[bool] = False
    CONSTRAINTS: ClassVar[Sequence[str]] = ()

    @staticmethod
    def start(params: Any) -> Any:
        """State before the first price."""
        return np.zeros(1)

    @staticmethod
    def step(params: Any, state: Any, prices: Floats) -> Any:
        """Strength for the present prices."""
        raise NotImplementedError

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._check_constraints()
        self._kernels = kernels(type(self))
        self._params = parameter_rows(type(self), [self.config])
        self._seats: dict[tuple[str, str], _Seat] = {}
        self._groups: list[_Group] = []
        self._row = np.empty(QUOTE_COLUMNS)

    def _check_constraints(self) -> None:
        numbers = {key: value for key, value in self.config.items() if isinstance(value, int | float)}
        for rule in self.CONSTRAINTS:
            if not bool(allowed(rule, numbers)):
                names = [name for name in _names(rule) if name in numbers]
                found = " and ".join(f"{name}={numbers[name]}" for name in names)
                raise ParameterError(f"{type(self).__name__}: expected {rule}, found {found}")

    @classmethod
    def groups(cls, config: Mapping[str, Any], instruments: Sequence[Instrument]) -> list[list[int]]:
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
        if self.SCOPE == "instrument":
            return
        self._seats.clear()
        for members in self.groups(self.config, instruments):
            group = _Group(self._kernels, self._params, [instruments[k] for k in members])
            for place, k in enumerate(members):
                self._seats[instruments[k].symbol, instruments[k].venue] = _Seat(group, place)

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        """Call `step` with the present prices."""
        u = price_update
        key = (u.symbol, u.venue)
        seat = self._seats.get(key)
        if seat is None:
            if self.SCOPE != "instrument":
                return []
            seat = self._seats[key] = _Seat(None, 0, self._kernels.fresh(self._params, 1))
        row = (u.bid, u.ask, u.last, u.volume, u.bid_size, u.ask_size, u.change_pct)
        if seat.group is not None:
            return seat.group.step(seat.place, row, u.timestamp_ns)
        self._row[:] = row
        strength = self._kernels.call(self._params, seat.state, self._row)
        if strength != strength:
            return []
        return [MarketSignal(u.symbol, None, strength, 1.0, {"venue": u.venue})]

    def on_order_fill(self, fill: OrderFill) -> None:
        """Keep POSITION; a subclass that overrides this calls it."""
        seat = self._seats.get((fill.symbol, fill.venue))
        if seat is not None and seat.group is not None:
            held = seat.group.prices[seat.place, POSITION]
            seat.group.prices[seat.place, POSITION] = settle(held, fill.quantity)

    def on_risk_breach(self, breach: RiskBreach) -> None:
        """Tell of it; what a compiled strategy does about it follows from its POSITION."""
        self.logger.info("%s", breach.message)


class _Group:
    """What one group of instruments sees, and its state."""

    def __init__(self, compiled: Kernels, params: Any, instruments: Sequence[Instrument]) -> None:
        self.instruments = tuple(instruments)
        self.prices = np.full((len(instruments), GROUP_COLUMNS), math.nan)
        self.prices[:, POSITION] = 0.0
        self._seen = [-1] * len(instruments)
        self._call, self._params = compiled.call, params
        self._state = compiled.fresh(params, len(instruments))

    def step(self, place: int, row: Sequence[float], now_ns: int) -> list[MarketSignal]:
        """Signals after the price `row` of the instrument at `place`."""
        self.prices[place, :QUOTE_COLUMNS] = row
        self._seen[place] = now_ns
        for j, seen in enumerate(self._seen):
            if seen != -1:
                self.prices[j, AGE] = float(now_ns - seen) / SECOND
        strengths = self._call(self._params, self._state, self.prices)
        return [
            MarketSignal(i.symbol, None, strength, 1.0, {"venue": i.venue})
            for i, strength in zip(self.instruments, strengths.tolist(), strict=True)
            if strength == strength
        ]


class _Seat(NamedTuple):
    """Where an instrument is looked after: in a group, or by itself with a state of its own."""

    group: _Group | None
    place: int
    state: Any = None


# -- parameters ------------------------------------------------------------------------------------------------------


def _numeric(strategy: type[CompiledStrategy]) -> dict[str, type]:
    """The parameters that a compiled strategy can see: numbers, whole ones apart."""
    kinds: dict[str, type] = {}
    for name, default in (strategy.PARAMETERS or {}).items():
        if isinstance(default, bool | int | float):
            kinds[name] = np.int64 if isinstance(default, int) else np.float64
    return kinds or {"nothing": np.int64}


def parameter_rows(strategy: type[CompiledStrategy], configs: Sequence[Mapping[str, Any]]) -> Any:
    """A record array, one row for each config; every numeric parameter must be there."""
    kinds = _numeric(strategy)
    rows = np.zeros(len(configs), dtype=np.dtype((np.record, list(kinds.items()))))
    for name in kinds:
        rows[name] = [config.get(name, 0) for config in configs]
    return rows


def allowed(rule: str, values: Mapping[str, Any]) -> Any:
    """Whether `values` (numbers, or arrays of equal length) satisfy a comparison such as "1 <= fast < slow"."""
    return eval(_rule(rule), {"__builtins__": {}, "sqrt": np.sqrt}, dict(values))


@cache
def _rule(rule: str) -> CodeType:
    tree = ast.parse(rule, mode="eval")
    if not isinstance(tree.body, ast.Compare):
        raise StrategyError(f"CONSTRAINTS: expected comparisons such as '1 <= fast < slow', found {rule!r}")
    chain = tree.body
    terms = [chain.left, *chain.comparators]
    pairs: list[ast.expr] = [
        ast.Compare(left, [op], [right])
        for left, op, right in zip(terms[:-1], chain.ops, terms[1:], strict=True)
    ]
    joined = pairs[0]
    for pair in pairs[1:]:
        joined = ast.BinOp(joined, ast.BitAnd(), pair)
    return compile(ast.fix_missing_locations(ast.Expression(joined)), "<constraint>", "eval")


@cache
def _names(rule: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(n.id for n in ast.walk(ast.parse(rule)) if isinstance(n, ast.Name)))


# -- kernels ---------------------------------------------------------------------------------------------------------


class Kernels(NamedTuple):
    """The compiled functions of one strategy.

    call(params, state, prices), fresh(params, count): the strategy itself, params a record array of one row.
    run_one, run_many, run_cells, run_paths: see `core.patterns`.  digest: of everything that was compiled.
    """

    call: Callable[..., Any]
    fresh: Callable[..., Any]
    run_one: Callable[..., Any]
    run_many: Callable[..., Any]
    run_cells: Callable[..., Any]
    run_paths: Callable[..., Any]
    digest: str


@cache
def kernels(strategy: type[CompiledStrategy]) -> Kernels:
    """The compiled functions of `strategy`; nothing is compiled before the first call of one.

    Raises StrategyError where the class does not say what it should.
    """
    if strategy.SCOPE not in SCOPES:
        raise StrategyError(
            f"{strategy.__name__}: SCOPE must be one of {', '.join(SCOPES)}, found {strategy.SCOPE!r}"
        )
    step, start = (_plain(strategy, name) for name in ("step", "start"))
    together = strategy.SCOPE != "instrument"
    digest = _digest(step, start, repr((together, strategy.READS_POSITION)))
    # Whoever returns an array has to count references; alone, an instrument has a number for an answer.
    step, start = _stepped(step, digest, allocates=together), _stepped(start, digest, allocates=True)
    fresh_pattern, scan_pattern = (
        (patterns.fresh_group, patterns.scan_group) if together else (patterns.fresh_one, patterns.scan_one)
    )
    fresh = patterns.specialise(fresh_pattern, digest, allocates=True, start=start)
    scan = patterns.specialise(scan_pattern, digest, allocates=together, step=step)
    run_one = patterns.specialise(
        patterns.run_one, digest, allocates=True, scan=scan, fresh=fresh, FEEDBACK=strategy.READS_POSITION
    )
    return Kernels(
        call=patterns.specialise(patterns.call, digest, allocates=together, step=step),
        fresh=patterns.specialise(patterns.begin_state, digest, allocates=True, fresh=fresh),
        run_one=run_one,
        **{
            name: patterns.specialise(getattr(patterns, name), digest, allocates=True, run_one=run_one)
            for name in ("run_many", "run_cells", "run_paths")
        },
        digest=digest,
    )


def _plain(strategy: type[CompiledStrategy], name: str) -> FunctionType:
    found = inspect.getattr_static(strategy, name)
    function = found.__func__ if isinstance(found, staticmethod) else getattr(found, "py_func", found)
    function = getattr(function, "py_func", function)
    if not isinstance(found, staticmethod) or not isinstance(function, FunctionType):
        raise StrategyError(
            f"{strategy.__name__}: {name} must be a staticmethod, found {type(found).__name__}"
        )
    return function


def _stepped(function: FunctionType, digest: str, *, allocates: bool = False) -> Any:
    """A strategy's function under a name and a file that the kernel cache can go by, wherever it was written."""
    copy = FunctionType(
        function.__code__.replace(co_filename=patterns.__file__),
        function.__globals__,
        f"{function.__name__}_{digest}",
        function.__defaults__,
        function.__closure__,
    )
    copy.__module__ = patterns.__name__
    copy.__qualname__ = copy.__name__
    return jit(copy, allocates=allocates)


def _digest(*parts: object) -> str:
    digest = hashlib.sha256()
    seen: set[int] = set()
    for part in parts:
        _feed(digest, part, seen)
    return digest.hexdigest()[:20]


def _feed(digest: Any, part: object, seen: set[int]) -> None:
    """Take code, its constants, and whatever globals it uses into the digest; each object once."""
    part = getattr(part, "py_func", part)
    if isinstance(part, FunctionType):
        if id(part) in seen:
            return
        seen.add(id(part))
        _feed(digest, part.__code__, seen)
        for name in sorted(_used(part.__code__)):
            if name in part.__globals__:
                digest.update(f"|{name}=".encode())
                _feed(digest, part.__globals__[name], seen)
        for cell in part.__closure__ or ():
            _feed(digest, cell.cell_contents, seen)
        digest.update(repr(part.__defaults__).encode())
    elif isinstance(part, CodeType):
        digest.update(part.co_code)
        digest.update(repr((part.co_names, part.co_varnames, part.co_freevars)).encode())
        for constant in part.co_consts:
            _feed(digest, constant, seen)
    elif isinstance(part, ModuleType | BuiltinFunctionType | type):
        digest.update(getattr(part, "__name__", "").encode())
    elif isinstance(part, np.ndarray):
        digest.update(part.tobytes())
    else:
        digest.update(repr(part).encode())


def _used(code: CodeType) -> set[str]:
    names = set(code.co_names)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _used(constant)
    return names

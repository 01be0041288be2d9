"""Parameters of compiled strategies: as numbers that compiled code can read, and what must hold between them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import cache
from types import CodeType
from typing import Any

import numpy as np

from workbench.errors import ParameterError, StrategyError
from workbench.strategy.contract import TradingStrategy

__all__ = ["allowed", "names_in", "number_types", "parameter_rows", "rules_of"]


def number_types(strategy: type[TradingStrategy]) -> dict[str, type]:
    """The parameters that a compiled strategy can see: numbers, whole ones apart."""
    kinds: dict[str, type] = {}
    for name, default in (strategy.PARAMETERS or {}).items():
        if isinstance(default, bool | int | float):
            kinds[name] = np.int64 if isinstance(default, int) else np.float64
    return kinds


def parameter_rows(strategy: type[TradingStrategy], configs: Sequence[Mapping[str, Any]]) -> Any:
    """A record array, one row for each config; 0 where one lacks a parameter.

    A strategy without numbers gets one that is called `nothing`: numba knows no records without fields. Raises
    ParameterError for a whole number beyond 64 bits.
    """
    kinds = number_types(strategy)
    fields = list((kinds or {"nothing": np.int64}).items())
    rows = np.zeros(len(configs), dtype=np.dtype((np.record, fields)))
    for name in kinds:
        for row, config in enumerate(configs):
            value = config.get(name, 0)
            try:
                rows[name][row] = value
            except OverflowError as error:
                raise ParameterError(
                    f"{strategy.__name__}: {name} must be a number of 64 bits, found {value!r:.40}"
                ) from error
    return rows


def rules_of(strategy: type[TradingStrategy]) -> tuple[str, ...]:
    """The CONSTRAINTS of a compiled strategy.  Raises StrategyError where they are no texts, or not several."""
    rules: Any = getattr(strategy, "CONSTRAINTS", ())
    if not isinstance(rules, tuple | list) or not all(isinstance(rule, str) for rule in rules):
        raise StrategyError(
            f"{strategy.__name__}: CONSTRAINTS must be a tuple of texts, such as ('1 <= fast < slow',), "
            f"found {rules!r:.80}"
        )
    return tuple(rules)


def allowed(rule: str, values: Mapping[str, Any]) -> Any:
    """Whether `values` (numbers, or arrays of equal length) satisfy a comparison such as "1 <= fast < slow".

    Raises StrategyError where nobody can say.
    """
    code = _rule(rule)
    unknown = [name for name in names_in(rule) if name not in values and name != "sqrt"]
    if unknown:
        raise StrategyError(
            f"CONSTRAINTS: {rule!r} names {unknown[0]!r}, which is no parameter that is a number; there are: "
            f"{', '.join(values) or 'none'}"
        )
    try:
        return eval(code, {"__builtins__": {}, "sqrt": np.sqrt}, dict(values))
    except Exception as error:
        raise StrategyError(f"CONSTRAINTS: {rule!r} cannot be worked out: {error}") from error


@cache
def _rule(rule: str) -> CodeType:
    try:
        chain = ast.parse(rule, mode="eval").body
    except SyntaxError:
        chain = None
    if not isinstance(chain, ast.Compare):
        raise StrategyError(f"CONSTRAINTS: expected comparisons such as '1 <= fast < slow', found {rule!r}")
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
def names_in(rule: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(n.id for n in ast.walk(ast.parse(rule)) if isinstance(n, ast.Name)))

"""Parameters of compiled strategies: as numbers that compiled code can read, and what must hold between them."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import cache
from types import CodeType
from typing import Any

import numpy as np

from workbench.errors import StrategyError
from workbench.strategy.contract import TradingStrategy

__all__ = ["allowed", "names_in", "number_types", "parameter_rows"]


def number_types(strategy: type[TradingStrategy]) -> dict[str, type]:
    """The parameters that a compiled strategy can see: numbers, whole ones apart."""
    kinds: dict[str, type] = {}
    for name, default in (strategy.PARAMETERS or {}).items():
        if isinstance(default, bool | int | float):
            kinds[name] = np.int64 if isinstance(default, int) else np.float64
    return kinds or {"nothing": np.int64}


def parameter_rows(strategy: type[TradingStrategy], configs: Sequence[Mapping[str, Any]]) -> Any:
    """A record array, one row for each config; every numeric parameter must be there."""
    kinds = number_types(strategy)
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
def names_in(rule: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(n.id for n in ast.walk(ast.parse(rule)) if isinstance(n, ast.Name)))

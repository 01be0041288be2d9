"""What a PromQL expression asks for."""

from __future__ import annotations

import re

__all__ = ["metric_names"]

_STRINGS = re.compile(r'"[^"]*"')
_GROUPINGS = re.compile(r"\b(?:by|on|without|group_left|group_right|ignoring)\s*\([^)]*\)")
_LABELS = re.compile(r"\{[^}]*\}|\[[^\]]*\]")
_NAMES = re.compile(r"\b[a-z_:][a-z0-9_:]*\b(?!\s*\()")
_WORDS = {"and", "or", "unless", "by", "on", "without", "bool", "offset", "inf", "nan"}


def metric_names(expression: str) -> set[str]:
    """The names of metrics in `expression`: words that are neither functions, labels nor operators."""
    bare = _LABELS.sub("", _GROUPINGS.sub("", _STRINGS.sub("", expression)))
    return set(_NAMES.findall(bare)) - _WORDS

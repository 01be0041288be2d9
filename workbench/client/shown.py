"""How a typed answer of the engine shows itself in a notebook cell: its fields as words, times as times."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

__all__ = ["Answer"]

_LONGEST: Final = 160  # letters of one field
_HASH: Final = 12


class Answer(msgspec.Struct, frozen=True):
    """Base of all answers."""

    def _repr_html_(self) -> str:
        from workbench.cells import cell, figures

        pairs = [
            (name.removesuffix("_ns").replace("_", " "), _text(name, value))
            for name, value in msgspec.structs.asdict(self).items()
            if value not in ("", (), {})
        ]
        return cell(type(self).__name__, "", figures(pairs, columns=2 if len(pairs) > 8 else 1))


def _text(name: str, value: Any) -> str:
    from workbench.cells import figure

    if name.endswith("_ns"):
        moment = datetime.fromtimestamp(value / 1e9, UTC)
        return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if value else "-"
    if name.endswith("hash") or name == "certificate":
        return str(value)[:_HASH]
    if isinstance(value, float) and math.isinf(value):
        return "off"
    if isinstance(value, Mapping):
        value = ", ".join(f"{key} {_text('', part)}" for key, part in value.items())
    elif isinstance(value, tuple):
        simple = all(isinstance(part, str | int | float) for part in value)
        value = ", ".join(_text("", part) for part in value) if simple else f"{len(value):,} of them"
    elif isinstance(value, msgspec.Struct):
        value = ", ".join(f"{key} {_text(key, part)}" for key, part in msgspec.structs.asdict(value).items())
    shown = figure(value)
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"

"""Uncertified strategies may start where nothing is real, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from workbench.errors import ConfigError

__all__ = ["SIMULATED", "check_simulated"]

SIMULATED: Final = frozenset({"paper", "book", "websocket"})
"""Kinds of venues that are made up: the rulebook, our book, and our exchange in a process of its own."""


def check_simulated(kinds: Mapping[str, str]) -> None:
    """Raise ConfigError where a venue is real.  kinds: of the venues by name; what is not known is taken for real."""
    real = sorted(f"{name} ({kind})" for name, kind in kinds.items() if kind not in SIMULATED)
    if real:
        raise ConfigError(
            f"REQUIRE_CERTIFICATE=false is for simulated venues only, found {', '.join(real)}; "
            "set it true and promote strategies with their certificates, or take the venue out"
        )

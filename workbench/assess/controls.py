"""What a line of the self-assessment is made of."""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["ALWAYS_ON", "Control", "NotApplicable", "tests_in"]

ALWAYS_ON: Final = "always on"


class Control(msgspec.Struct, frozen=True):
    """A requirement and what answers it here.

    article: as it is cited.  requirement: in our own words.  control: what holds it.
    settings: `limits KEY` (dotted, of the limits' file), `engine VARIABLE` (of its environment), `certification KEY`,
    or `always on`; it is switched off where all of them are.  tests: path::name of each that proves it.
    """

    article: str
    requirement: str
    control: str
    settings: tuple[str, ...]
    tests: tuple[str, ...]


class NotApplicable(msgspec.Struct, frozen=True):
    """Articles that ask for nothing here, and why."""

    articles: str
    subject: str
    reason: str


def tests_in(path: str, *names: str) -> tuple[str, ...]:
    """Tests of one file, named without `test_`."""
    return tuple(f"tests/{path}::test_{name}" for name in names)

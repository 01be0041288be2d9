"""The names of the room."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from workbench import performance

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", performance.__all__)
def test_every_name_is_there_and_says_what_it_is(name: str) -> None:
    assert name in dir(performance)
    assert getattr(performance, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(
        AttributeError, match=r"module 'workbench.performance' has no attribute 'sharp_ratio'"
    ):
        getattr(performance, "sharp_ratio")  # noqa: B009 - the type checker knows that there is none


def test_importing_the_room_loads_nothing_heavy() -> None:
    code = (
        "import sys, workbench.performance as performance; dir(performance); "
        "print([m for m in ('numpy', 'pandas', 'scipy', 'numba') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

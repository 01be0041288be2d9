"""What the package exports, and what it costs to import it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import live.sandbox

ROOT = Path(__file__).parents[3]


def test_every_exported_name_is_there() -> None:
    assert all(getattr(live.sandbox, name) is not None for name in live.sandbox.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
        _ = live.sandbox.Nonsense


def test_the_package_itself_imports_nothing_large() -> None:
    code = "import sys, live.sandbox; assert not {'numpy', 'numba', 'asyncio'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


READER = """
import os, subprocess, sys
from live.sandbox import forbid_inspection
if sys.argv[1] == "on":
    forbid_inspection()
code = f"open('/proc/{os.getpid()}/environ').read()"
# A user like this one, without root's powers.
print(subprocess.run(["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", code]).returncode)
"""


@pytest.mark.parametrize(("switch", "status"), [("on", "1"), ("off", "0")])
def test_the_engines_environment_can_be_closed_to_its_own_user(switch: str, status: str) -> None:
    done = subprocess.run(
        ["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-c", READER, switch],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == status

"""`.ci/setup` on machines made up for the purpose, with a uv that only writes down what it is told."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
REAL_PYTHON = Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}"
TOOLS = ("awk", "cat", "cksum", "dirname", "env", "grep", "head", "id", "ln", "mkdir", "rm", "sh", "tail")

# A shim of pyenv: the right name, and a refusal.
SHIM = "#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n"
FAKE_UV = """#!/bin/sh
echo "$*" >>"$HOME/uv.log"
case "$1 ${2:-}" in
    "--version "*) echo "uv VERSION" ;;
    "venv "*) mkdir -p .venv/bin && ln -sf "$5" .venv/bin/python ;;
    "python find") cat "$HOME/fetched" 2>/dev/null || exit 2 ;;
    "python install") [ -n "${NETWORK:-}" ] && echo "$NETWORK" >"$HOME/fetched" ;;
esac
"""


class Machine:
    """A fresh clone, a home folder, and nothing on PATH but what a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "a clone"
        self.home = folder / "home"
        self.bin = folder / "bin"
        for made in (self.project / ".ci", self.home, self.bin):
            made.mkdir(parents=True)
        for name in (".ci/setup", ".ci/uv.lock", "pyproject.toml", "requirements.lock"):
            shutil.copy(ROOT / name, self.project / name)
        for tool in TOOLS:
            (self.bin / tool).symlink_to(shutil.which(tool) or f"/bin/{tool}")

    def program(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def python(self, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(REAL_PYTHON)
        return path

    def uv(self, version: str = "0.13.9") -> None:
        self.program(self.bin / "uv", FAKE_UV.replace("VERSION", version))

    def set_up(self, *path: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        places = os.pathsep.join(map(str, [*path, self.bin]))
        return subprocess.run(
            [self.project / ".ci" / "setup"],
            env={"PATH": places, "HOME": str(self.home), **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def uv_did(self) -> list[str]:
        """What uv was told since the last time, but for questions about its version."""
        log = self.home / "uv.log"
        told = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return [line for line in told if line != "--version"]


INSTALLS = [
    "pip install --python .venv/bin/python --quiet --compile-bytecode --require-hashes -r requirements.lock",
    "pip install --python .venv/bin/python --quiet --no-deps --no-build-isolation --editable .",
]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_a_shim_that_refuses_is_passed_over_for_the_python_under_pyenvs_versions(machine: Machine) -> None:
    machine.uv()
    pyenv = machine.home / "somewhere"
    machine.program(pyenv / "shims" / "python3.13", SHIM)
    machine.program(pyenv / "versions" / "3.12.1" / "bin" / "python3", SHIM)
    real = machine.python(pyenv / "versions" / "3.13.0" / "bin" / "python3")
    result = machine.set_up(pyenv / "shims")
    assert result.returncode == 0, result.stderr
    assert machine.uv_did() == [f"venv --quiet --clear --python {real} .venv", *INSTALLS]


def test_a_second_python_further_along_path_is_found(machine: Machine, tmp_path: Path) -> None:
    machine.uv()
    machine.program(tmp_path / "first" / "python3.13", SHIM)
    real = machine.python(tmp_path / "second" / "python3")
    assert machine.set_up(tmp_path / "first", tmp_path / "second").returncode == 0
    assert machine.uv_did()[0] == f"venv --quiet --clear --python {real} .venv"


def test_the_second_run_does_nothing_and_a_changed_lock_installs_again(machine: Machine) -> None:
    machine.uv()
    machine.python(machine.bin / "python3")
    machine.set_up()
    machine.uv_did()
    assert machine.set_up().returncode == 0
    assert machine.uv_did() == []
    with (machine.project / "requirements.lock").open("a") as lock:
        lock.write("# changed\n")
    assert machine.set_up().returncode == 0
    assert machine.uv_did() == INSTALLS


def test_a_line_is_said_for_each_step_and_nothing_of_what_uv_says(machine: Machine) -> None:
    noise = "[ $1 = --version ] || echo ' + package==1.0' >&2\n"
    machine.program(machine.bin / "uv", FAKE_UV.replace("VERSION", "1.0.0") + noise)
    machine.python(machine.bin / "python3")
    done = machine.set_up()
    steps = [line.removeprefix("set-up: ").split()[0] for line in done.stderr.splitlines()]
    assert steps == ["making", "installing", "ready:"], done.stderr
    assert done.stdout == ""


def test_a_clone_that_was_moved_gets_a_new_environment(machine: Machine, tmp_path: Path) -> None:
    machine.uv()
    machine.python(machine.bin / "python3")
    machine.set_up()
    machine.uv_did()
    machine.project = machine.project.rename(tmp_path / "moved")
    assert machine.set_up().returncode == 0
    assert machine.uv_did()[0].startswith("venv ")


def test_an_installation_that_failed_is_not_taken_for_done(machine: Machine) -> None:
    complaint = "[ $1 != pip ] || { echo 'error: no route to host' >&2; exit 3; }\n"
    machine.program(machine.bin / "uv", FAKE_UV.replace("VERSION", "1.0.0") + complaint)
    machine.python(machine.bin / "python3")
    failed = machine.set_up()
    assert failed.returncode == 1
    complaint, ours = failed.stderr.splitlines()[-2:]
    assert complaint == "error: no route to host"
    assert ours.startswith("set-up: this did not work: ")
    assert ours.endswith("--require-hashes -r requirements.lock")
    machine.uv()
    machine.uv_did()
    assert machine.set_up().returncode == 0
    assert machine.uv_did()[-2:] == INSTALLS


def test_uv_fetches_a_python_where_there_is_none(machine: Machine) -> None:
    machine.uv()
    fetched = machine.python(machine.home / "fetched by uv" / "python3.13")
    result = machine.set_up(NETWORK=str(fetched))
    assert result.returncode == 0, result.stderr
    assert machine.uv_did()[-3:] == [f"venv --quiet --clear --python {fetched} .venv", *INSTALLS]


def test_without_a_python_or_a_network_it_says_what_to_install(machine: Machine) -> None:
    machine.uv()
    machine.program(machine.bin / "python3.13", SHIM)
    result = machine.set_up()
    assert result.returncode == 1
    assert "no working Python 3.13 or later" in result.stderr
    assert "Install Python 3.13" in result.stderr
    assert not (machine.project / ".venv").exists()


def test_a_chosen_python_that_does_not_work_is_not_replaced_by_another(machine: Machine) -> None:
    machine.uv()
    machine.python(machine.bin / "python3")
    machine.program(machine.home / "mine", SHIM)
    result = machine.set_up(WORKBENCH_PYTHON=str(machine.home / "mine"))
    assert result.returncode == 1
    assert f"WORKBENCH_PYTHON={machine.home / 'mine'} is not a working" in result.stderr


@pytest.mark.parametrize("version", ["0.7.99", "0.0.1"])
def test_an_old_uv_is_as_good_as_none(machine: Machine, version: str) -> None:
    machine.uv(version)
    result = machine.set_up()
    assert result.returncode == 1
    assert "found neither uv nor a Python 3" in result.stderr


@pytest.mark.parametrize("version", ["0.8.0", "0.10.0 (abc 2026-01-01)", "1.0"])
def test_a_newer_uv_will_do(machine: Machine, version: str) -> None:
    machine.uv(version)
    machine.python(machine.bin / "python3")
    assert machine.set_up().returncode == 0

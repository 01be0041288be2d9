"""pyproject.toml, requirements.lock, environment.yml, and the texts that a newcomer meets first."""

import re
import subprocess
import tomllib
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

import workbench

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]
BUILD: list[str] = PYPROJECT["build-system"]["requires"]

# conda-forge's name: PyPI's name
CONDA_NAMES = {"arch-py": "arch", "python-duckdb": "duckdb"}


def bounds(lines: list[str]) -> dict[str, SpecifierSet]:
    """Distribution: versions that will do."""
    parsed = [Requirement(line) for line in lines]
    return {canonicalize_name(CONDA_NAMES.get(one.name, one.name)): one.specifier for one in parsed}


def wanted() -> dict[str, SpecifierSet]:
    """All that the lock and environment.yml have to name."""
    return bounds([*PROJECT["dependencies"], *EXTRAS["lab"], *EXTRAS["live"], *EXTRAS["test"], *BUILD])


def locked(text: str) -> dict[str, tuple[str, list[str]]]:
    """Distribution: its exact version, and its hashes."""
    entries = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"(?m)^\s*#.*\n?", "", text).strip())
    found: dict[str, tuple[str, list[str]]] = {}
    for entry in entries:
        name, _, rest = entry.partition("==")
        found[canonicalize_name(name.partition("[")[0])] = (
            rest.split()[0],
            re.findall(r"--hash=(\S+)", rest),
        )
    return found


def files_in_git() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    paths = [ROOT / name for name in listed.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def test_conda_gets_the_same_things_as_pip() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    from_conda = [line for line in environment if isinstance(line, str)]
    (from_pip,) = [line["pip"] for line in environment if isinstance(line, dict)]
    named = bounds([*from_conda, *from_pip])
    assert named.pop("python") == SpecifierSet(PROJECT["requires-python"])
    named.pop("pip")
    assert named == wanted()


def test_the_lock_has_every_dependency_in_a_version_that_will_do() -> None:
    lock = locked((ROOT / "requirements.lock").read_text())
    for name, specifier in wanted().items():
        assert name in lock, f"{name} is not in requirements.lock: run `make lock`"
        assert specifier.contains(lock[name][0]), (
            f"{name} {lock[name][0]} is not {specifier}: run `make lock`"
        )


def test_every_locked_file_has_a_hash() -> None:
    for path in (ROOT / "requirements.lock", ROOT / ".ci" / "uv.lock"):
        for name, (_, hashes) in locked(path.read_text()).items():
            assert hashes, f"{name} has no hash in {path.name}"
            assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes)


def test_a_lock_names_no_place_to_install_from() -> None:
    for path in (ROOT / "requirements.lock", ROOT / ".ci" / "uv.lock"):
        for line in path.read_text().splitlines():
            assert re.match(r"[A-Za-z0-9][\w.\[\]-]*==\S|    --hash=sha256:|    #( |$)", line), (
                f"{path.name}: {line}"
            )
            assert "/" not in line, f"{path.name}: {line}"


def test_all_is_everything_but_the_exchange_clients() -> None:
    (everything,) = EXTRAS["all"]
    assert Requirement(everything).extras == EXTRAS.keys() - {"all", "data"}
    assert canonicalize_name(Requirement(everything).name) == canonicalize_name(PROJECT["name"])


def test_the_version_is_the_same_everywhere() -> None:
    assert PROJECT["version"] == workbench.__version__


def test_no_file_names_a_registry_or_a_folder_of_one_machine() -> None:
    hosts = ("pypi" + ".org", "files." + "pythonhosted.org", "registry." + "npmjs", "conda." + "anaconda.org")
    folders = ("/" + "work/", "/" + "root/", "/" + "opt/")
    found = []
    for path in files_in_git():
        text = path.read_bytes().decode("utf-8", "replace")
        found += [f"{path.relative_to(ROOT)} names {host}" for host in hosts if host in text]
        # a folder of the same name inside the project is another thing
        found += [
            f"{path.relative_to(ROOT)} names {name}"
            for name in folders
            if re.search(rf"(?<![\w.-]){name}", text)
        ]
    assert not found, "\n".join(found)


def test_the_changelog_has_a_place_for_what_comes_next() -> None:
    headings = re.findall(r"(?m)^## \[(.+?)\]", (ROOT / "CHANGELOG.md").read_text())
    assert headings[0] == "Unreleased"


def test_the_readme_tells_a_newcomer_both_commands_and_the_licence_of_vectorbt() -> None:
    text = (ROOT / "README.md").read_text()
    for expected in ("make demo", "make test", "Commons Clause"):
        assert expected in text


def test_continuous_integration_runs_what_a_newcomer_runs() -> None:
    commands = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if "make" in line]
    assert commands == ["exec make test"]


def test_every_target_that_the_texts_name_is_in_the_makefile() -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text()))
    for name in ("README.md", "CONTRIBUTING.md"):
        named = set(re.findall(r"(?:^|`)make ([a-z-]+)", (ROOT / name).read_text(), re.MULTILINE))
        assert named <= targets, f"{name} names {sorted(named - targets)}"

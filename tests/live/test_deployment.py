"""Dockerfile and compose.yaml: what they copy exists, what they set is a setting, and nothing secret stands in them."""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from live.settings import PREFIXES, load_settings, variables
from tests.live.metrics.prometheus import serving

ROOT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
ENGINE: dict[str, Any] = COMPOSE["services"]["trading-engine"]
SETTINGS = variables()
DEFAULTS = load_settings({})
FALLBACK = re.compile(r"\$\{(\w+):-([^}]*)\}")
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|JOURNAL_URL")


def _instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile with its arguments; lines that go on are joined."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("#")).replace("\\\n", " ")
    return [
        (word, rest.strip()) for word, _, rest in (line.partition(" ") for line in text.splitlines() if line)
    ]


INSTRUCTIONS = _instructions()


def _of(word: str) -> list[str]:
    return [rest for found, rest in INSTRUCTIONS if found == word]


def _environment() -> dict[str, str]:
    pairs = (pair.partition("=") for line in _of("ENV") for pair in shlex.split(line))
    return {name: value for name, _, value in pairs}


def _sources() -> list[str]:
    copied = [shlex.split(line) for line in _of("COPY")]
    return [source for words in copied if not words[0].startswith("--from") for source in words[:-1]]


def _ignored(path: str) -> bool:
    """Whether .dockerignore keeps a path out: the last line that fits it, or a folder above it, decides."""
    verdict = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        pattern = line.removeprefix("!")
        above = [path, *map(str, Path(path).parents)][:-1]
        names = [part for p in above for part in (p, *(["x/" + p] if pattern.startswith("**/") else []))]
        if any(fnmatch.fnmatchcase(name, pattern) for name in names):
            verdict = not line.startswith("!")
    return verdict


# --- Dockerfile -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", _sources())
def test_what_is_copied_exists_and_reaches_the_build(source: str) -> None:
    assert (ROOT / source).exists()
    assert not _ignored(source)


@pytest.mark.parametrize(
    "path",
    [
        ".git",
        ".venv",
        ".env",
        "var",
        "tests",
        "notebooks",
        ".tools",
        "data",
        "live/__pycache__",
        "x.egg-info",
    ],
)
def test_what_is_none_of_its_business_stays_out_of_the_build(path: str) -> None:
    assert _ignored(path)


def test_the_package_can_be_built_from_what_is_copied() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    assert packages | {project["project"]["readme"], "pyproject.toml"} <= set(_sources())


def test_images_are_plain_names_of_the_python_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = project["requires-python"].removeprefix(">=")
    assert [line.split()[0] for line in _of("FROM")] == [f"python:{oldest}-slim"] * 2


def test_it_does_not_run_as_root_and_can_be_stopped() -> None:
    words = [word for word, _ in INSTRUCTIONS]
    last_stage = len(words) - words[::-1].index("FROM")
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", dict(INSTRUCTIONS[last_stage:])["USER"])
    assert _of("STOPSIGNAL") == ["SIGTERM"]
    assert json.loads(_of("CMD")[0]) == ["python", "-m", "live"]


def test_ports_are_those_of_the_settings() -> None:
    assert _of("EXPOSE") == [f"{DEFAULTS.port} {DEFAULTS.grpc_port}"]
    environment = _environment()
    assert environment["TRADING_ENGINE_PORT"] == str(DEFAULTS.port)
    assert environment["TRADING_ENGINE_GRPC_PORT"] == str(DEFAULTS.grpc_port)


def test_what_it_sets_are_settings_that_load() -> None:
    environment = _environment()
    assert {name for name in environment if name.startswith(PREFIXES)} <= SETTINGS.keys()
    loaded = load_settings({name: value for name, value in environment.items() if name in SETTINGS})
    assert (loaded.host, str(loaded.data)) == ("0.0.0.0", "/data/engine")
    assert "/data" in _of("VOLUME")[0]
    assert environment["WORKBENCH_CACHE_DIR"].startswith("/data/")


def _healthy(port: int) -> bool:
    _, _, command = _of("HEALTHCHECK")[0].partition(" CMD ")
    program, *arguments = json.loads(command)
    assert program == "python"
    environment = {"TRADING_ENGINE_PORT": str(port)}
    return (
        subprocess.run(
            [sys.executable, "-I", *arguments], env=environment, stderr=subprocess.DEVNULL, check=False
        ).returncode
        == 0
    )


def test_the_health_check_tells_an_answer_from_none() -> None:
    with serving(lambda: (b"{}", "application/json"), path="/health") as port:
        assert _healthy(port)
    assert not _healthy(port)


def test_the_health_check_takes_an_error_for_what_it_is() -> None:
    with serving(lambda: (b"{}", "application/json"), path="/other") as port:
        assert not _healthy(port)


# --- compose.yaml -----------------------------------------------------------------------------------------------------


def test_the_engine_needs_none_of_the_others() -> None:
    assert set(COMPOSE["services"]) == {"trading-engine", "prometheus", "grafana", "postgres"}
    assert "depends_on" not in ENGINE
    assert "profiles" not in ENGINE


def test_what_the_engine_is_given_are_settings_with_their_own_defaults() -> None:
    given = ENGINE["environment"]
    assert set(given) <= SETTINGS.keys()
    values = {}
    for name, text in given.items():
        match = FALLBACK.fullmatch(text)
        assert match, f"{name}: expected ${{{name}:-default}}, found {text}"
        assert match[1] == name
        values[name] = match[2]
    assert load_settings(values) == DEFAULTS


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_nothing_secret_stands_in_the_file(service: str) -> None:
    for name, value in COMPOSE["services"][service].get("environment", {}).items():
        if SECRET.search(name):
            match = FALLBACK.fullmatch(str(value))
            assert match, name
            assert match[2] == "", name


@pytest.mark.parametrize("service", COMPOSE["services"])
def test_services_listen_on_loopback_and_mount_what_exists(service: str) -> None:
    found = COMPOSE["services"][service]
    assert all(port.startswith("127.0.0.1:") for port in found.get("ports", []))
    for mount in found.get("volumes", []):
        source, _, target = mount.partition(":")
        if source.startswith("./"):
            assert (ROOT / source).exists()
            assert target.endswith(":ro")
        else:
            assert source in COMPOSE["volumes"]


@pytest.mark.parametrize("service", [name for name in COMPOSE["services"] if name != "trading-engine"])
def test_images_have_a_version_and_no_host(service: str) -> None:
    image = COMPOSE["services"][service]["image"]
    assert re.fullmatch(r"([a-z0-9]+/)?[a-z0-9]+:v?\d+(\.\d+)*", image), image


def test_the_engine_writes_nowhere_but_to_its_volume() -> None:
    assert ENGINE["read_only"] is True
    assert ENGINE["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in ENGINE["security_opt"]
    assert "engine-data:/data" in ENGINE["volumes"]


def test_prometheus_is_asked_to_scrape_the_engine_of_the_file() -> None:
    config = yaml.safe_load((ROOT / "config" / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"trading-engine:{DEFAULTS.port}"]}]
    (secret,) = COMPOSE["services"]["prometheus"]["secrets"]
    assert job["authorization"] == {"credentials_file": f"/run/secrets/{secret}"}
    folder = COMPOSE["secrets"][secret]["file"].removeprefix("./").partition("/")[0]
    assert f"{folder}/" in (ROOT / ".gitignore").read_text().splitlines()
    assert _ignored(folder)


# --- a real build -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.may_skip("needs a container daemon and a network")
@pytest.mark.timeout(1800)
def test_the_image_builds_and_runs_read_only() -> None:
    for program in ("docker", "podman"):
        if (
            shutil.which(program)
            and subprocess.run([program, "info"], capture_output=True, check=False).returncode == 0
        ):
            break
    else:
        pytest.skip("no container daemon answers: start docker, or install podman")
    (base,) = {line.split()[0] for line in _of("FROM")}
    if subprocess.run([program, "pull", base], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"{program} cannot fetch {base} from here")
    subprocess.run([program, "build", "-t", "trading-engine-test", str(ROOT)], check=True)
    code = "import os, live.engine, live.metrics; assert os.getuid() == 10001; print('well')"
    told = subprocess.run(
        [
            program,
            "run",
            "--rm",
            "--read-only",
            "--tmpfs",
            "/tmp",
            "trading-engine-test",
            "python",
            "-c",
            code,
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "well"

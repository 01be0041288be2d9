"""Which level holds, how it falls back, and that a weaker one than was asked for is refused in one clear line."""

from __future__ import annotations

import asyncio
import logging
import os
import stat
from pathlib import Path

import pytest

from live.sandbox import Isolation, Layer, Level, Sandbox, SandboxSettings, SandboxStatus
from live.sandbox.bubblewrap import why_no_bubblewrap
from live.sandbox.forked import level_of
from tests.live.sandbox.conftest import need
from tests.live.sandbox.harness import running, script
from workbench.errors import SandboxError


def status_of(settings: SandboxSettings) -> SandboxStatus:
    async def play() -> SandboxStatus:
        async with Sandbox(settings) as sandbox:
            worker = await running(sandbox, script())
            await worker.ask()
            return sandbox.status()

    return asyncio.run(play())


@pytest.mark.parametrize("level", [Level.BUBBLEWRAP, Level.FILTERED, Level.RLIMITS])
def test_the_strongest_level_that_is_allowed_is_in_force(level: Level) -> None:
    need(level)
    status = status_of(SandboxSettings(strongest=level, minimum=level))
    assert status.level == level
    assert status.layers == {
        Layer.BUBBLEWRAP: level >= Level.BUBBLEWRAP,
        Layer.LANDLOCK: level >= Level.FILTERED,
        Layer.SECCOMP: level >= Level.FILTERED,
        Layer.RLIMITS: True,
        Layer.ENVIRONMENT: True,
    }
    assert status.missing == ()
    (worker,) = status.workers
    assert (worker.strategy_id, worker.ready, worker.answers, worker.unanswered) == ("script", True, 1, 0)
    assert worker.usage is not None
    assert worker.usage.resident > 10 << 20
    assert 0 < worker.usage.proportional < worker.usage.resident


@pytest.fixture
def machine_without_bubblewrap(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    why_no_bubblewrap.cache_clear()


@pytest.fixture
def bubblewrap_that_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "bwrap"
    program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create a new namespace' >&2\nexit 1\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    why_no_bubblewrap.cache_clear()


@pytest.fixture(autouse=True)
def ask_again() -> None:
    why_no_bubblewrap.cache_clear()


@pytest.mark.usefixtures("machine_without_bubblewrap")
def test_without_bubblewrap_the_next_level_holds_and_says_how_to_mend_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    need(Level.FILTERED)
    with caplog.at_level(logging.WARNING, "live.sandbox"):
        status = status_of(SandboxSettings())
    assert status.level is Level.FILTERED
    assert status.missing == (
        "bubblewrap: there is no bwrap on PATH; install it (on Debian: apt-get install bubblewrap)",
    )
    assert status.missing[0] in caplog.text


@pytest.mark.usefixtures("bubblewrap_that_fails")
def test_a_bubblewrap_that_cannot_run_is_told_with_its_own_words() -> None:
    need(Level.FILTERED)
    status = status_of(SandboxSettings())
    assert status.level is Level.FILTERED
    assert status.missing[0].startswith("bubblewrap: bwrap: No permissions to create a new namespace (user")


@pytest.mark.usefixtures("machine_without_bubblewrap")
def test_below_the_minimum_nothing_starts() -> None:
    with pytest.raises(SandboxError) as refused:
        status_of(SandboxSettings(minimum=Level.BUBBLEWRAP))
    assert str(refused.value) == (
        "strategies must be isolated at level 'bubblewrap' at least, and only 'filtered' holds here: bubblewrap: "
        "there is no bwrap on PATH; install it (on Debian: apt-get install bubblewrap). Mend that, or allow a weaker "
        "level."
    )


@pytest.mark.parametrize("layer", [Layer.RLIMITS, Layer.ENVIRONMENT, Layer.SECCOMP])
def test_a_layer_that_is_missing_lowers_the_level(layer: Layer) -> None:
    off = frozenset({layer})
    with pytest.raises(SandboxError, match=f"only '(rlimits|none)' holds here: .*{layer}: left out"):
        status_of(SandboxSettings(without=off))


def test_levels_are_what_their_layers_come_to() -> None:
    base = {Layer.RLIMITS, Layer.ENVIRONMENT}
    assert level_of(frozenset()) is Level.NONE
    assert level_of(frozenset({Layer.LANDLOCK, Layer.SECCOMP, Layer.BUBBLEWRAP})) is Level.NONE
    assert level_of(frozenset(base)) is Level.RLIMITS
    assert level_of(frozenset({*base, Layer.BUBBLEWRAP})) is Level.RLIMITS
    assert level_of(frozenset({*base, Layer.SECCOMP})) is Level.RLIMITS
    assert level_of(frozenset({*base, Layer.LANDLOCK, Layer.SECCOMP})) is Level.FILTERED
    assert level_of(frozenset({*base, Layer.BUBBLEWRAP, Layer.SECCOMP})) is Level.BUBBLEWRAP


def test_threads_must_be_asked_for_twice_and_say_that_they_isolate_nothing() -> None:
    with pytest.raises(SandboxError, match="only 'none' holds here: thread: isolates nothing"):
        status_of(SandboxSettings(isolation=Isolation.THREAD))
    status = status_of(SandboxSettings(isolation=Isolation.THREAD, minimum=Level.NONE))
    assert status.level is Level.NONE
    assert not any(status.layers.values())


def test_what_is_not_started_says_so() -> None:
    with pytest.raises(SandboxError, match=r"`await sandbox\.start\(\)` comes first"):
        Sandbox().status()

"""A real engine as a process, for the browser tests of the live desks: started, killed, started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from live.api.auth import Tokens
from live.api.roles import Role
from tests.live.engine.desk import paper_market
from tests.waiting import until
from workbench.client import EngineClient

__all__ = ["EngineProcess", "until"]

ROOT = Path(__file__).parents[2]
OURS = ("TRADING_ENGINE_", "STRATEGY_", "STRATEGIES_", "WORKBENCH_ENGINE_")


class EngineProcess:
    """An engine with everything below `folder`, at a port of its own choice each time it is started."""

    def __init__(
        self,
        folder: Path,
        *,
        market: Mapping[str, Any] | None = None,
        limits: Path | None = None,
        **settings: str,
    ) -> None:
        """limits: a risk_limits.yaml; the project's where it is left out.  settings: variables besides."""
        self.folder, self.data = folder, folder / "data"
        folder.mkdir(exist_ok=True, parents=True)
        venues = folder / "venues.yaml"
        venues.write_text(yaml.safe_dump(dict(market or paper_market(50.0))))
        given = {
            "TRADING_ENGINE_DATA": str(self.data),
            "TRADING_ENGINE_PORT": "0",
            "TRADING_ENGINE_GRPC_PORT": "0",
            "TRADING_ENGINE_VENUES": str(venues),
            "STRATEGY_ISOLATION": "thread",
            "STRATEGY_ISOLATION_MINIMUM": "none",
            "REQUIRE_CERTIFICATE": "false",
            **({"TRADING_ENGINE_LIMITS": str(limits)} if limits else {}),
            **settings,
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        self._environment = {**clean, **given}
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """With which a dashboard finds this engine by itself, wherever it listens."""
        return {"TRADING_ENGINE_DATA": str(self.data)}

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "engine.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "live"], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        process = self.process
        until(lambda: (self.data / "service.json").exists() or process.poll() is not None, 120.0)
        if process.poll() is not None:
            raise AssertionError((self.folder / "engine.log").read_text()[-2_000:])

    def kill(self) -> None:
        """As a crash does: nothing is saved, nobody is told."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(20)
        (self.data / "service.json").unlink(missing_ok=True)

    def stop(self) -> None:
        """An orderly end."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(20)

    def client(self) -> EngineClient:
        """Of the admin."""
        return EngineClient(data=self.data, retry_s=20.0)

    def token(self, role: Role) -> str:
        """A new token of this role."""
        return Tokens(self.data).issue(role.name.lower(), role)

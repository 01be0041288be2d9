"""The last part of the demo: a strategy is certified, promoted into an engine, trades, and agrees with its replay."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
import yaml

from workbench.cli.demo.live_processes import Processes, wait_until
from workbench.errors import EngineError, WorkbenchError

if TYPE_CHECKING:
    from workbench.certify.certification import Certification
    from workbench.client import EngineClient
    from workbench.core.limits import RiskLimits
    from workbench.reconcile.result import Reconciliation

__all__ = ["STRATEGY", "Agreed", "Certified", "PromotionDemo", "promotion_steps", "run_promotion"]

STRATEGY: Final = "momentum"
_FILLS: Final = 4  # to be compared
_PATIENCE_S: Final = 60.0
_STEPS: Final = (
    "certified: every check of momentum",
    "certified: an engine that starts nothing else",
    "certified: promoted",
    "certified: trading on trial",
    "certified: live against replay",
)
_SETTINGS: Final = {
    "STRATEGY_ISOLATION": "sandbox",
    "STRATEGY_ISOLATION_MINIMUM": "none",  # the script is known
}

type Tick = Callable[[str], None]


class Certified(msgspec.Struct, frozen=True):
    """What was tested.  failed: names of checks that did not pass.  id: of the certificate; "" for none."""

    checks: int
    failed: tuple[str, ...]
    id: str
    seconds: float


class Agreed(msgspec.Struct, frozen=True):
    """Live against replay.  causes: fills that differ, by cause.  Money is quote currency."""

    fills: int
    turnover: float
    causes: dict[str, int]
    unexplained_pnl: float
    unexplained_bps: float
    ok: bool
    seconds: float


class PromotionDemo(msgspec.Struct, frozen=True):
    """refused: what the engine said to the same script without its certificate.  share: of the capital on trial."""

    certified: Certified
    refused: str
    share: float
    agreed: Agreed | None
    status: int
    seconds: float

    @property
    def good(self) -> bool:
        """It went as it should, to the end."""
        agreed = self.agreed
        return bool(self.refused) and agreed is not None and agreed.ok and agreed.fills > 0


def promotion_steps() -> int:
    """How many times the run ticks."""
    return len(_STEPS)


def run_promotion(scripts: Path, limits_file: Path | None, limits: RiskLimits, tick: Tick) -> PromotionDemo:
    """Play it, in real time, with a signing key of its own in a temporary folder.

    scripts, limits_file, limits, tick: as for `run_live`.  Raises EngineError where a process does not do its part.
    """
    from workbench.certificates.keys import PUBLIC  # an extra, which only this part of the demo needs
    from workbench.certify.certification import certify
    from workbench.certify.markets import house_market

    begun = time.monotonic()
    steps = iter(_STEPS)
    settings = {**_SETTINGS, "STRATEGIES_PATH": str(scripts.absolute())}
    if limits_file is not None:
        settings["TRADING_ENGINE_LIMITS"] = str(limits_file.absolute())
    with Processes(settings) as processes:
        keys = processes.folder / "keys"
        tick(next(steps))
        found = certify(scripts / f"{STRATEGY}.py", house_market(), limits=limits, key=keys, progress=False)
        certified = _certified(found)
        for _ in range(len(_STEPS) - 1 if certified.failed else 0):
            tick(next(steps))
        if certified.failed:
            return PromotionDemo(certified, "", 0.0, None, 0, time.monotonic() - begun)
        tick(next(steps))
        settings["TRADING_ENGINE_TRUSTED_KEYS"] = str(keys / PUBLIC)
        (processes.folder / "venues.yaml").write_text(yaml.safe_dump(_market()), encoding="utf-8")
        with processes.start_engine() as engine:
            refused = _refused(engine)
            tick(next(steps))
            share = _promoted(engine, found)
            tick(next(steps))
            wait_until(lambda: len(engine.fills()) >= _FILLS, "fills of the certified strategy", _PATIENCE_S)
            tick(next(steps))
            agreed = _agreed(processes.data)
        status = processes.stop_engine()
    return PromotionDemo(certified, refused, share, agreed, status, time.monotonic() - begun)


def _certified(found: Certification) -> Certified:
    failed = tuple(check.name for check in found.checks if not check.passed)
    made = found.certificate if found.signed is not None else None
    return Certified(len(found.checks), failed, "" if made is None else made.id, found.seconds)


def _refused(engine: EngineClient) -> str:
    """What the engine says to the same script where it comes without a certificate; "" where it takes it."""
    try:
        engine.start(STRATEGY, STRATEGY)
    except WorkbenchError as error:
        return " ".join(str(error).split())
    return ""


def _promoted(engine: EngineClient, found: Certification) -> float:
    from workbench.promote.api import promote

    handle = promote(found, engine, strategy_id=STRATEGY, reason="the demo")
    status = handle.status()
    if status.state != "running":
        raise EngineError(f"{STRATEGY} was promoted and is {status.state}: {status.reason}")
    return float(status.capital_share)


def _agreed(data: Path) -> Agreed:
    """While the engine runs."""
    from workbench.reconcile.api import reconcile

    begun = time.monotonic()
    found: Reconciliation = reconcile(data, strategy=STRATEGY, minimum="none")
    figures, causes = found.figures(), found.causes["fills"]
    return Agreed(
        figures.fills,
        figures.turnover,
        {str(cause): int(count) for cause, count in causes.items() if count},
        figures.unexplained_pnl,
        figures.unexplained_bps,
        figures.ok,
        time.monotonic() - begun,
    )


def _market() -> dict[str, Any]:
    """A venues.yaml: a made-up market at one venue that the rulebook matches, without latency."""
    symbols = {
        "BTC-USD": {"price": 30_000, "volatility": 1.5},
        "ETH-USD": {"price": 2_000, "volatility": 1.5},
    }
    feed = {"kind": "synthetic", "interval_ms": 20, "correlation": 0.5, "seed": 11, "symbols": symbols}
    venue = {
        "kind": "paper",
        "feed": "market",
        "instruments": {"BTC-USD": {"tick": 0.01, "lot": 0.0001}, "ETH-USD": {"tick": 0.01, "lot": 0.001}},
        "costs": {"maker_bps": 1, "taker_bps": 4, "spread_bps": 1},
    }
    return {"feeds": {"market": feed}, "venues": {"exchange-1": venue}}

"""Parts of an engine as its settings and its journal want them."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from typing import Final

from live.allocator import let_go
from live.machine import Machine, Setup, warm_up
from live.sandbox import Isolation, Level, SandboxSettings
from live.settings import Settings
from live.venues.venue_settings import VenuesConfig
from workbench.core.jit import is_cached
from workbench.core.limits import RiskLimits
from workbench.core.step import on_row

__all__ = ["load_rulebook", "newest_prices", "sandbox_settings", "setup_of"]

_COMPILER: Final = "libllvmlite"  # LLVM; some 70 MB of it are read to load compiled code


@cache
def load_rulebook() -> None:
    """Load what is compiled, once in a process, and let go of the compiler.  Blocks for a second or two.

    What was never compiled takes another process a minute first: its compiler takes 300 MB that it would not give back.
    """
    if not is_cached(on_row):
        program = f"import sys; sys.path[:] = {sys.path!r}; from live.machine import warm_up; warm_up()"
        subprocess.run([sys.executable, "-c", program], check=False)  # where it fails, so does the next line
    warm_up()
    let_go(_COMPILER)


def setup_of(settings: Settings, config: VenuesConfig, limits: RiskLimits) -> Setup:
    """What the machine is built from, by the settings."""
    venues = config.venues
    return Setup(
        tuple(instrument for venue in venues for instrument in venue.instruments),
        {venue.name: venue.costs for venue in venues},
        tuple(venue.name for venue in venues if venue.kind != "paper"),
        limits,
        settings.initial_cash,
        settings.order_queue_size,
    )


def sandbox_settings(settings: Settings) -> SandboxSettings:
    """How strategies are confined, by the settings."""
    return SandboxSettings(
        isolation=Isolation(settings.strategy_isolation),
        minimum=Level[settings.strategy_isolation_minimum.upper()],
        memory_mb=settings.strategy_memory_mb,
        soft_s=settings.strategy_soft_ms / 1000.0,
        hard_s=settings.strategy_hard_ms / 1000.0,
        kernels=settings.data / "kernels",
        owner=f"engine-{settings.port}",
    )


def newest_prices(machine: Machine) -> dict[str, float]:
    """Marks by symbol, so that a made-up market goes on from where it was; empty on a new journal."""
    found: dict[str, float] = {}
    desk = machine.desk
    for k, instrument in enumerate(desk.instruments):
        mark = float(desk.view.instruments[k].mark)
        if mark > 0.0:
            found.setdefault(instrument.symbol, mark)
    return found

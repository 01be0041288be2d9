"""From settings to an engine that can be started: limits, venues, clock, and the strategies that start with it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import structlog

import live
from live.engine import Engine, StartRequest
from live.settings import Settings
from live.venues.clock import WallClock
from live.venues.settings import load_venues
from workbench.configuration import load_limits, load_strategies_config
from workbench.core.limits import RiskLimits
from workbench.errors import ConfigError, WorkbenchError

__all__ = ["limits_of", "open_engine", "start_defaults"]

_log = structlog.get_logger("live.assembly")


def _found(setting: str, path: Path) -> Path:
    """`path`, or what lies under that name beside the packages, as in a checkout.  Raises ConfigError for neither."""
    beside = Path(live.__file__).resolve().parent.parent / path
    for place in (path, beside):
        if place.exists():
            return place
    raise ConfigError(f"{setting}: expected a file or folder, found nothing at {path}; set it, or make it")


def limits_of(settings: Settings) -> RiskLimits:
    """The limits of the file, and what the environment switches off on top.  Raises LimitsError, ConfigError."""
    limits = load_limits(_found("TRADING_ENGINE_LIMITS", settings.limits_file))
    breakers = msgspec.structs.replace(
        limits.circuit_breakers,
        liquidate=limits.circuit_breakers.liquidate and settings.emergency_liquidation_enabled,
    )
    return msgspec.structs.replace(
        limits,
        enable_pre_trade=limits.enable_pre_trade and settings.enable_pre_trade_risk,
        enable_circuit_breakers=limits.enable_circuit_breakers and settings.enable_circuit_breakers,
        circuit_breakers=breakers,
    ).checked()


def open_engine(settings: Settings) -> Engine:
    """An engine by these settings, not yet started.  Raises ConfigError, DataError of one line."""
    limits = limits_of(settings)
    scripts = _found("STRATEGIES_PATH", settings.strategies_path)
    if not scripts.is_dir():
        raise ConfigError(f"STRATEGIES_PATH: expected a folder, found a file at {scripts}")
    if settings.autostart:
        load_strategies_config(_found("TRADING_ENGINE_STRATEGIES", settings.strategies_file))
    if settings.enable_chaos_triggers:
        chaos = _found("TRADING_ENGINE_CHAOS", settings.chaos_file)
        settings = settings.model_copy(update={"chaos_file": chaos})
    config = load_venues(_found("TRADING_ENGINE_VENUES", settings.venues_file))
    clock = WallClock()
    return Engine(
        settings.model_copy(update={"strategies_path": scripts}),
        config,
        clock,
        limits=limits,
    )


async def start_defaults(engine: Engine) -> None:
    """Start the strategies that are enabled in strategies.yaml, but for those that the engine knows from before.

    What cannot be started is logged, and the others are started all the same.
    """
    settings = engine.settings
    config = load_strategies_config(_found("TRADING_ENGINE_STRATEGIES", settings.strategies_file))
    for strategy in config.default_strategies:
        if not strategy.enabled or strategy.name in engine.machine.strategies:
            continue
        request = StartRequest(
            strategy.strategy_class, strategy.name, strategy.config, person="strategies.yaml"
        )
        try:
            await engine.strategies.start(request)
        except WorkbenchError as error:
            _log.error("strategy_not_started", strategy_name=strategy.name, error=str(error))

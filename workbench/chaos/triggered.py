"""Chaos strategies that start and stop by themselves, for any runner: the triggers are inside the strategy.

A runner sees an ordinary strategy that is silent most of the time. Each of its updates first goes to the triggers
of chaos_strategies.yaml; while they say so, it goes on to the script, whose signals are the answer.

- Market conditions are those of the first instrument that the strategy is shown (`symbols` in its config chooses).
- Breaches are those that the runner tells this strategy of: its own. A strategy that has never sent an order has
  none, unless a rule on the whole book is charged to it.
- Each start makes the script anew, from the file's parameters. What a stop leaves behind, positions and resting
  orders, stays as it is: nobody tidies up after a program that was switched off.
- Intensity: a script's parameter `intensity` is multiplied by that of its trigger, up to what the script allows,
  and rounded where it is a whole number. A script without such a parameter starts and stops, but does not grow.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from workbench.chaos.trigger_watch import TriggerWatch, scaled_intensity
from workbench.chaos.triggers import ChaosTriggers, TriggerEvent, TriggerEventKind
from workbench.configuration.chaos import load_chaos_strategies
from workbench.configuration.chaos_settings import ChaosStrategyConfig, TriggerSettings
from workbench.core.messages import MarketSignal, OrderFill, PriceUpdate, RiskBreach
from workbench.errors import ChaosError
from workbench.strategy.contract import TradingStrategy
from workbench.strategy.loader import StrategyInfo, available, load_strategy

__all__ = ["TriggeredStrategy", "triggered_strategies"]


def triggered_strategies(
    source: Path | str, folder: Path | str = "strategies/chaos", seed: int = 0
) -> dict[str, type[TradingStrategy]]:
    """A strategy class for each entry of a chaos_strategies.yaml that test runs may start, by its name.

    They can be run beside others: `wb.backtest({"mine": Mine, **triggered_strategies(path)}, prices)`.
    folder: of the scripts.  seed: of the triggers, from 0; a script's own `seed` is the run's, or the file's where the
    file names one.
    Raises ConfigError (the file), StrategyLoadError (folder, script) or ChaosError (an entry that does not fit its
    script, a seed below 0).
    """
    config = load_chaos_strategies(source)
    entries = config.in_test()
    # Refuses what makes no sense now, not in the middle of a run.
    ChaosTriggers(entries, seed, config.settings)
    scripts = available(folder)
    return {entry.name: _triggered(entry, config.settings, seed, scripts, f"{source}") for entry in entries}


class TriggeredStrategy(TradingStrategy):
    """Base of the classes that `triggered_strategies` makes: a script that acts while its triggers say so.

    chaos_active: whether it acts now.  trigger_events: every start, escalation and stop so far, in order.
    config: over the file's parameters.  Raises what the script raises on parameters that it refuses.
    """

    SCRIPT: ClassVar[type[TradingStrategy]]
    ENTRY: ClassVar[ChaosStrategyConfig]
    SETTINGS: ClassVar[TriggerSettings]
    TRIGGER_SEED: ClassVar[int] = 0

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__({**self.ENTRY.parameters, **config})
        self.chaos_active = False
        self.trigger_events: list[TriggerEvent] = []
        self._watch = TriggerWatch(self.ENTRY, self.SETTINGS, self.TRIGGER_SEED)
        self._breach_count = 0
        self._intensity = 1.0
        self._script = self._fresh(1.0)

    def on_market_data(self, price_update: PriceUpdate) -> list[MarketSignal]:
        """Ask the triggers; answer as the script does while it acts, with nothing otherwise."""
        for event in self._watch.update(price_update, self._breach_count):
            self._obey(event)
        return self._script.on_market_data(price_update) if self.chaos_active else []

    def on_order_fill(self, fill: OrderFill) -> None:
        """Tell the script while it acts."""
        if self.chaos_active:
            self._script.on_order_fill(fill)

    def on_risk_breach(self, breach: RiskBreach) -> None:
        """Count the breach, and tell the script while it acts."""
        self._breach_count += 1
        if self.chaos_active:
            self._script.on_risk_breach(breach)

    def _obey(self, event: TriggerEvent) -> None:
        self.trigger_events.append(event)
        self.logger.info("%s by %s, intensity %g", event.kind, event.cause, event.intensity)
        self.chaos_active = event.kind is not TriggerEventKind.STOPPED
        if event.kind is TriggerEventKind.STARTED:
            self._script = self._fresh(event.intensity)
        elif event.kind is TriggerEventKind.ESCALATED:
            self._escalate(event.intensity)
        self._intensity = event.intensity

    def _fresh(self, intensity: float) -> TradingStrategy:
        """The script as after its constructor, on the view of the market that the runner keeps for this strategy."""
        config = dict(self.config)
        if "seed" in self.ENTRY.parameters:
            config["seed"] = self.ENTRY.parameters["seed"]
        if intensity != 1.0 and "intensity" in config:
            config["intensity"] = self._scaled(config["intensity"], intensity)
        script = self.SCRIPT(config)
        script.positions = self.positions
        script.price_cache = self.price_cache
        script.active_symbols = self.active_symbols
        script.performance_metrics = self.performance_metrics
        return script

    def _scaled(self, value: float, intensity: float) -> float:
        usual = (self.PARAMETERS or {}).get("intensity", value)
        return scaled_intensity(value, intensity, getattr(self.SCRIPT, "BOUNDS", {}), usual)

    def _escalate(self, intensity: float) -> None:
        """Let the running script grow: the numbers that its constructor works out from the intensity are replaced.

        Starting it anew would let it forget what it has built up, and so make it tamer with each breach.
        """
        before, after = vars(self._fresh(self._intensity)), vars(self._fresh(intensity))
        for name, value in after.items():
            if name == "config" or (isinstance(value, int | float) and value != before[name]):
                setattr(self._script, name, value)


def _triggered(
    entry: ChaosStrategyConfig,
    settings: TriggerSettings,
    seed: int,
    scripts: list[StrategyInfo],
    source: str,
) -> type[TradingStrategy]:
    """The class of one entry, called by its name; tried once, so that a wrong parameter shows before a run."""
    script = _script(entry, scripts, source)
    members = {
        "__doc__": script.__doc__,
        "__module__": __name__,
        "VERSION": script.VERSION,
        "PARAMETERS": script.PARAMETERS,
        "SIZING": script.SIZING,
        "SCRIPT": script,
        "ENTRY": entry,
        "SETTINGS": settings,
        "TRIGGER_SEED": seed,
    }
    made = type(entry.name, (TriggeredStrategy,), members)
    try:
        made({})
    except Exception as error:
        raise ChaosError(f"{source}: {entry.name}: {' '.join(str(error).split())}") from error
    return made


def _script(entry: ChaosStrategyConfig, scripts: list[StrategyInfo], source: str) -> type[TradingStrategy]:
    """The class that an entry names: that of a script, or `package.module.Class`."""
    wanted = entry.strategy_class
    if "." in wanted:
        return load_strategy(":".join(wanted.rsplit(".", 1)))
    for info in scripts:
        if info.class_name == wanted:
            return load_strategy(info.path)
    known = ", ".join(info.class_name for info in scripts if info.class_name) or "none"
    broken = "".join(f"; broken: {info.broken}" for info in scripts if info.broken)
    raise ChaosError(f"{source}: {entry.name}: no script has a class {wanted!r}; there is: {known}{broken}")

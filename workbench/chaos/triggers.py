"""When a chaos strategy starts and stops: a pure, seeded evaluator of the triggers in chaos_strategies.yaml.

Event time is cut into evaluation intervals, counted from 1970. At the first update of each interval every
market condition that holds is given its `probability`, and the strategy its `trigger_probability`, which is
per hour: over h hours the chance is 1 - (1 - p) ** h, so that sparse updates (daily bars, a closed market)
give the same rate. The first update of a run only opens the count. A breach count is looked at on every
update and needs no luck.

Luck is a number in 0..1 that depends on the seed, the strategy's name, the interval and the trigger, and on
nothing else: not on other strategies, not on what happened before, not on how a run was cut into parts. A
`TriggerState` is therefore the whole state, and a restart from it goes on as if there had been none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec
import numpy as np

from workbench.chaos.market_state import MarketMeasures, conditions
from workbench.configuration.chaos_settings import (
    MAX_INTENSITY,
    ChaosStrategyConfig,
    TriggerSettings,
    check_trigger,
)
from workbench.errors import ChaosError

__all__ = [
    "ChaosTrigger",
    "ChaosTriggers",
    "TriggerEvent",
    "TriggerEventKind",
    "TriggerState",
    "advance",
    "interval_ns",
    "luck",
]

_MINUTE_NS: Final = 60_000_000_000
_WORD: Final = (1 << 64) - 1
_HOURLY: Final = -1  # place of the hourly chance among a strategy's triggers


class TriggerEventKind(StrEnum):
    STARTED = "started"
    ESCALATED = "escalated"
    STOPPED = "stopped"


class TriggerEvent(msgspec.Struct, frozen=True):
    """A chaos strategy starts, grows or stops.

    cause: the market condition, `risk_breach_count` or `trigger_probability`.  intensity: from now on, 0 when
    stopped.
    """

    name: str
    kind: TriggerEventKind
    cause: str
    intensity: float
    timestamp_ns: int


class TriggerState(msgspec.Struct, frozen=True):
    """All that a trigger remembers.

    slot: the interval last evaluated, -1 before the first update.  intensity: 0 while stopped.  place: of the
    trigger condition that runs, -1 for the hourly chance.  breaches_from: count of breaches that the next
    ones are counted from.
    """

    slot: int = -1
    intensity: float = 0.0
    cause: str = ""
    place: int = _HOURLY
    started_ns: int = 0
    ends_ns: int = 0
    breaches_from: int = 0

    @property
    def active(self) -> bool:
        return self.intensity > 0.0


def interval_ns(settings: TriggerSettings) -> int:
    """Nanoseconds between two evaluations."""
    return round(settings.evaluation_interval_minutes * _MINUTE_NS)


def luck(key: int, slot: int, place: int) -> float:
    """A number in [0, 1) for one trigger and interval: SplitMix64 (Steele, Lea and Flood, 2014) of all
    three.
    """
    value = key
    for part in (slot, place):
        value = (value + (part + 1) * 0x9E3779B97F4A7C15) & _WORD
        value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _WORD
        value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _WORD
        value ^= value >> 31
    return (value >> 11) * 2.0**-53


def advance(
    config: ChaosStrategyConfig,
    settings: TriggerSettings,
    key: int,
    state: TriggerState,
    timestamp_ns: int,
    measures: MarketMeasures,
    breach_count: int,
) -> TriggerState:
    """The state after one update; `state` itself where nothing changed. Pure.

    A run lasts from its start up to, not including, its end; on the update that ends it nothing new starts.
    breach_count: breaches so far.  A time before one already seen evaluates nothing.
    """
    slot = timestamp_ns // interval_ns(settings)
    elapsed = slot - state.slot if state.slot >= 0 else 0
    if elapsed > 0 or state.slot < 0:
        state = msgspec.structs.replace(state, slot=slot)
    if state.active:
        if timestamp_ns >= state.ends_ns:
            return TriggerState(slot=state.slot, breaches_from=breach_count)
        intensity = _intensity(config, state, breach_count)
        return state if intensity == state.intensity else msgspec.structs.replace(state, intensity=intensity)
    holding = (
        conditions(measures, settings.thresholds)
        if elapsed > 0 and config.trigger_conditions
        else frozenset()
    )
    for place, condition in enumerate(config.trigger_conditions):
        if condition.risk_breach_count is not None:
            if breach_count - state.breaches_from >= condition.risk_breach_count:
                return _started(config, state, timestamp_ns, place, breach_count)
        elif condition.market_condition in holding and luck(key, slot, place) < condition.probability:
            return _started(config, state, timestamp_ns, place, breach_count)
    if elapsed > 0 and config.trigger_probability > 0.0:
        hours = elapsed * settings.evaluation_interval_minutes / 60.0
        if luck(key, slot, _HOURLY) < 1.0 - (1.0 - config.trigger_probability) ** hours:
            return _started(config, state, timestamp_ns, _HOURLY, breach_count)
    return state


def _started(
    config: ChaosStrategyConfig, state: TriggerState, timestamp_ns: int, place: int, breach_count: int
) -> TriggerState:
    minutes, cause = config.max_duration_minutes, "trigger_probability"
    if place != _HOURLY:
        condition = config.trigger_conditions[place]
        minutes = min(minutes, condition.duration_minutes or minutes)
        cause = str(condition.market_condition or "risk_breach_count")
    started = msgspec.structs.replace(
        state,
        intensity=1.0,
        cause=cause,
        place=place,
        started_ns=timestamp_ns,
        ends_ns=timestamp_ns + round(minutes * _MINUTE_NS),
    )
    return msgspec.structs.replace(started, intensity=_intensity(config, started, breach_count))


def _intensity(config: ChaosStrategyConfig, state: TriggerState, breach_count: int) -> float:
    """Intensity of a running strategy; it never falls while it runs."""
    condition = config.trigger_conditions[state.place] if state.place != _HOURLY else None
    if condition is None or condition.risk_breach_count is None or condition.escalation_factor <= 1.0:
        return state.intensity
    further = breach_count - state.breaches_from - condition.risk_breach_count
    if further * math.log(condition.escalation_factor) >= math.log(MAX_INTENSITY):
        return MAX_INTENSITY
    return max(state.intensity, condition.escalation_factor ** max(further, 0))


class ChaosTrigger:
    """The triggers of one chaos strategy over a run.

    seed: any integer from 0; with the strategy's name it fixes all luck.  state: to go on from.
    Raises ChaosError for settings that make no sense.
    """

    def __init__(
        self,
        config: ChaosStrategyConfig,
        seed: int,
        settings: TriggerSettings | None = None,
        state: TriggerState | None = None,
    ) -> None:
        self.config = config
        self.settings = settings or TriggerSettings()
        self.state = state or TriggerState()
        check_trigger(config, self.settings)
        if seed < 0:
            raise ChaosError(f"{config.name}: expected a seed of 0 or above, found {seed}")
        entropy = np.random.SeedSequence([seed, *config.name.encode()])
        self._key = int(entropy.generate_state(1, np.uint64)[0])

    def update(self, timestamp_ns: int, measures: MarketMeasures, breach_count: int) -> TriggerEvent | None:
        """Take one update; what changed, or None.

        timestamp_ns: UTC.  measures: read at the first update of an interval only.  breach_count: breaches so
        far.
        """
        before = self.state
        after = advance(self.config, self.settings, self._key, before, timestamp_ns, measures, breach_count)
        self.state = after
        if after.intensity == before.intensity:
            return None
        if before.active:
            kind = TriggerEventKind.ESCALATED if after.active else TriggerEventKind.STOPPED
        else:
            kind = TriggerEventKind.STARTED
        return TriggerEvent(
            self.config.name, kind, after.cause or before.cause, after.intensity, timestamp_ns
        )


class ChaosTriggers:
    """The triggers of several chaos strategies over one run; none of them changes another's luck.

    seed: an integer from 0, or a generator that one is drawn from.  Names must differ.
    states: by name, to go on from.  Raises ChaosError for settings that make no sense.
    """

    def __init__(
        self,
        configs: Iterable[ChaosStrategyConfig],
        seed: int | np.random.Generator,
        settings: TriggerSettings | None = None,
        states: Mapping[str, TriggerState] | None = None,
    ) -> None:
        self.settings = settings or TriggerSettings()
        root = int(seed.integers(2**63)) if isinstance(seed, np.random.Generator) else seed
        self._triggers: dict[str, ChaosTrigger] = {}
        for config in configs:
            name = config.name
            if name in self._triggers:
                raise ChaosError(f"expected chaos strategies of different names, found {name!r} twice")
            self._triggers[name] = ChaosTrigger(config, root, self.settings, (states or {}).get(name))
        self._interval_ns = interval_ns(self.settings)
        self._slot = -1
        self._breach_count = 0
        self.active: dict[str, float] = {}
        self._next_end_ns: float = math.inf
        self._note_active()

    @property
    def states(self) -> dict[str, TriggerState]:
        """The state of every trigger by name: all that a run needs to go on elsewhere."""
        return {name: one.state for name, one in self._triggers.items()}

    def due(self, timestamp_ns: int) -> bool:
        """Whether an update at this time begins an interval, so that its measures will be read."""
        return timestamp_ns // self._interval_ns > self._slot

    def update(self, timestamp_ns: int, measures: MarketMeasures, breach_count: int) -> list[TriggerEvent]:
        """Take one update (see ChaosTrigger.update); what started, escalated or stopped, in the order given.

        `active` holds name and intensity of every strategy that runs from here on.
        """
        slot = timestamp_ns // self._interval_ns
        same = slot <= self._slot and breach_count == self._breach_count
        if same and timestamp_ns < self._next_end_ns:
            return []  # nothing can start or stop; most updates end here
        self._slot = max(self._slot, slot)
        self._breach_count = breach_count
        changes = [one.update(timestamp_ns, measures, breach_count) for one in self._triggers.values()]
        events = [event for event in changes if event is not None]
        if events:
            self._note_active()
        return events

    def _note_active(self) -> None:
        running = {name: state for name, state in self.states.items() if state.active}
        self.active = {name: state.intensity for name, state in running.items()}
        self._next_end_ns = min((state.ends_ns for state in running.values()), default=math.inf)

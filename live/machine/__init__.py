"""The engine without its edges: inputs in, facts out, and nothing else decides what the state is.

A `Machine` holds a trading desk and everything that the engine knows besides. The same inputs give the same state, so a
journal of inputs is a journal of the engine: recovery, and the replay of an incident, carry them through again.
"""

from live.machine.admissions import looser
from live.machine.blotter import Blotter, FillLine, OrderLine
from live.machine.chaos import ChaosEpisode
from live.machine.codec import decode_block, encode_block, encode_input, join_block
from live.machine.inputs import (
    Answered,
    AuditLine,
    ChaosNoted,
    ChaosTriggered,
    Input,
    KillReset,
    KillSwitch,
    LateSignals,
    LimitsChanged,
    LimitsConfigured,
    StrategyNoted,
    StrategyRecord,
)
from live.machine.machine import Machine
from live.machine.overrides import LimitOverride, Override
from live.machine.promotion_inputs import (
    CanaryMoved,
    CanaryStep,
    PromotionNoted,
    StrategyAdmitted,
    version_of,
)
from live.machine.setup import Setup, read_setup, write_setup
from live.machine.warming import warm_up

__all__ = [
    "Answered",
    "AuditLine",
    "Blotter",
    "CanaryMoved",
    "CanaryStep",
    "ChaosEpisode",
    "ChaosNoted",
    "ChaosTriggered",
    "FillLine",
    "Input",
    "KillReset",
    "KillSwitch",
    "LateSignals",
    "LimitOverride",
    "LimitsChanged",
    "LimitsConfigured",
    "Machine",
    "OrderLine",
    "Override",
    "PromotionNoted",
    "Setup",
    "StrategyAdmitted",
    "StrategyNoted",
    "StrategyRecord",
    "decode_block",
    "encode_block",
    "encode_input",
    "join_block",
    "looser",
    "read_setup",
    "version_of",
    "warm_up",
    "write_setup",
]

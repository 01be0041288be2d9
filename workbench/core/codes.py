"""All closed sets of the trading core as integer codes, shared by compiled and plain code.

The lower-case name of a member (`label`) is its reason code in logs, frames, metrics and breaches.
"""

from enum import IntEnum

__all__ = [
    "AlertSeverity",
    "Breaker",
    "Check",
    "EventKind",
    "Liquidity",
    "Monitor",
    "OrderState",
    "OrderType",
    "OutOfRange",
    "Refusal",
    "Report",
    "SelfTrade",
    "Side",
    "SignalFault",
    "Sizing",
    "TimeInForce",
    "VenueReason",
    "label",
]


def label(code: IntEnum) -> str:
    """The name of a code as it stands in frames, logs and metric labels."""
    return code.name.lower()


class Side(IntEnum):
    BUY = 1
    SELL = -1


class OrderType(IntEnum):
    MARKET = 0
    LIMIT = 1
    STOP = 2
    STOP_LIMIT = 3


class TimeInForce(IntEnum):
    GTC = 0
    IOC = 1
    FOK = 2
    DAY = 3


class OrderState(IntEnum):
    NEW = 0
    REFUSED_BY_RISK = 1
    ACCEPTED = 2
    WORKING = 3
    PARTIALLY_FILLED = 4
    FILLED = 5
    CANCELLED = 6
    REJECTED_BY_VENUE = 7
    EXPIRED = 8
    UNKNOWN = 9


class Liquidity(IntEnum):
    TAKER = 0
    MAKER = 1


class Report(IntEnum):
    """What a remote venue says of an order."""

    ACKNOWLEDGED = 0
    FILLED = 1
    CANCELLED = 2
    REJECTED = 3
    EXPIRED = 4
    CANCEL_REJECTED = 5


class Sizing(IntEnum):
    """order: every signal is an order of that size.  target: the signal is the wanted position."""

    ORDER = 0
    TARGET = 1


class SelfTrade(IntEnum):
    """What happens when an order would meet an own resting order on the other side."""

    OFF = 0
    CANCEL_NEWEST = 1
    CANCEL_OLDEST = 2
    CANCEL_BOTH = 3


class OutOfRange(IntEnum):
    """What happens to a signal stronger than 1: refused, told and clipped, or taken as it is."""

    REFUSE = 0
    CLIP = 1
    OFF = 2


class Check(IntEnum):
    """Pre-trade checks; the value is the bit of the check in a failure mask."""

    POSITION_LIMIT = 0
    NOTIONAL_LIMIT = 1
    CONCENTRATION_LIMIT = 2
    STRATEGY_LIMIT = 3
    PRICE_COLLAR = 4
    MAX_ORDER_VALUE = 5
    MAX_ORDER_VOLUME = 6
    MESSAGE_RATE = 7
    REPEATED_EXECUTION_THROTTLE = 8
    DUPLICATE_ORDER = 9
    SELF_TRADE_PREVENTION = 10
    PERMITTED_INSTRUMENTS = 11
    RESTRICTED_LIST = 12
    BUYING_POWER = 13
    CIRCUIT_BREAKER = 14
    PORTFOLIO_VAR = 15
    QUEUE_FULL = 16


class Refusal(IntEnum):
    """Why a signal never became an order (before risk), or why a message was not acted on."""

    NONE = 0
    INVALID_SIGNAL = 1
    UNKNOWN_SYMBOL = 2
    SIGNAL_OUT_OF_RANGE = 3
    BAD_METADATA = 4
    BELOW_LOT = 5
    BELOW_MIN_NOTIONAL = 6
    NO_PRICE = 7
    RISK = 8
    NOTHING_TO_REDUCE = 9
    NO_CHANGE = 10
    RATE_LIMITED = 11
    UNKNOWN_ORDER = 12
    RISK_CHECK_TIMEOUT = 13


class VenueReason(IntEnum):
    """Why a venue ended an order."""

    NONE = 0
    REQUESTED = 1
    IOC_REMAINDER = 2
    FOK_NOT_FILLABLE = 3
    POST_ONLY_WOULD_CROSS = 4
    VENUE_DOWN = 5
    REJECT_STORM = 6
    NOTHING_TO_REDUCE = 7
    END_OF_DAY = 8
    BREAKER = 9
    SELF_TRADE = 10
    DISCONNECT = 11
    STRATEGY_STOPPED = 12
    AT_VENUE = 13


class Monitor(IntEnum):
    """Post-trade monitors."""

    DAILY_LOSS = 0
    STRATEGY_DRAWDOWN = 1
    MAX_DRAWDOWN = 2
    PORTFOLIO_VAR = 3
    CORRELATION = 4
    CONCENTRATION = 5
    STOP_LOSS = 6
    HOLDING_CORRELATION = 7


class Breaker(IntEnum):
    """Why trading was stopped; the value is the bit of the reason in a latch mask."""

    PORTFOLIO_LOSS_PCT = 0
    SINGLE_STRATEGY_LOSS = 1
    RAPID_DRAWDOWN_RATE = 2
    DAILY_LOSS = 3
    MAX_DRAWDOWN = 4
    STRATEGY_DRAWDOWN = 5
    STOP_LOSS = 6
    REPEATED_EXECUTION = 7
    STRATEGY_ERROR = 8
    EQUITY_NOT_FINITE = 9
    KILL_SWITCH = 10
    MANUAL = 11
    UNKNOWN_EXECUTION = 12


class AlertSeverity(IntEnum):
    INFO = 1
    WARNING = 2
    CRITICAL = 3
    EMERGENCY = 4


class EventKind(IntEnum):
    """Rows of the event buffer, in the words of the order life cycle."""

    SIGNAL_REFUSED = 1
    ORDER_REFUSED = 2
    ORDER_ACCEPTED = 3
    ORDER_FILLED = 4
    ORDER_CANCELLED = 5
    ORDER_REJECTED = 6
    ORDER_EXPIRED = 7
    STOP_TRIGGERED = 8
    BREACH = 9
    ALERT = 10
    BREAKER_TRIPPED = 11
    BREAKER_RESET = 12
    BAD_TICK = 13
    SEQUENCE_GAP = 14
    CLOCK_BACKWARDS = 15
    DUPLICATE_EXECUTION = 16
    EXECUTION_GAP = 17
    UNKNOWN_EXECUTION = 18
    VENUE_DOWN = 19
    VENUE_UP = 20
    EVENTS_LOST = 21
    CANCEL_REQUESTED = 22
    ORDER_ACKNOWLEDGED = 23
    VENUE_HALTED = 24
    VENUE_RESUMED = 25


class SignalFault(IntEnum):
    """Faults applied to a strategy's signals (chaos)."""

    NONE = 0
    RUNAWAY = 1
    RISK_IGNORANT = 2
    VOLATILITY_AMPLIFIER = 3
    CORRELATION_BREAKER = 4
    SLOW_LEAK = 5

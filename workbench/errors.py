"""Every error that the workbench raises on purpose.

WorkbenchError
├── DataError             prices that cannot be read or trusted
│   └── UnknownInstrumentError    a symbol or venue that the prices do not have
├── ConfigError           a configuration file or setting that makes no sense
│   └── LimitsError       a risk limit that makes no sense
├── StrategyError         a strategy that cannot be used
│   ├── StrategyLoadError     the script cannot be read, parsed or imported
│   ├── ParameterError        a parameter that the strategy does not have, or a value that it cannot take
│   ├── AnswerError           a step gave more or fewer strengths than it sees instruments
│   ├── StrategyFailure       the strategy raised while it ran
│   └── CertificateError      a certificate or key that is not believed, or a strategy that has none
├── ChaosError            a chaos event or scenario that makes no sense
├── JournalError          a journal that cannot be opened, read or written
│   ├── JournalLocked         another engine has it
│   ├── JournalDamaged        a record is missing, altered, or cannot be read
│   └── JournalFailed         it can no longer record, so nothing may be sent
├── SandboxError          a strategy process that cannot be started, or not as safely as is demanded
│   └── WorkerBehind          it takes in less than it is sent
├── VenueError            a venue that cannot be reached, or that does not answer as it should
├── ReportError           a report that cannot be made, or not delivered
├── RequestError          a request to the engine that is not carried out
└── EngineError           a message that the desk cannot act on

Each message is one line for a person: what was expected, what was found, how to mend it.
"""

__all__ = [
    "AnswerError",
    "CertificateError",
    "ChaosError",
    "ConfigError",
    "DataError",
    "EngineError",
    "JournalDamaged",
    "JournalError",
    "JournalFailed",
    "JournalLocked",
    "LimitsError",
    "OtherVersion",
    "ParameterError",
    "ReportError",
    "RequestError",
    "SandboxError",
    "StaleChange",
    "StrategyError",
    "StrategyFailure",
    "StrategyLoadError",
    "UnknownInstrumentError",
    "VenueError",
    "WorkbenchError",
    "WorkerBehind",
]


class WorkbenchError(Exception):
    """Base of all errors below; the command line prints its one line and leaves with status 2."""


class DataError(WorkbenchError):
    """Prices that cannot be read or trusted; nothing was loaded."""


class UnknownInstrumentError(DataError):
    """A symbol or venue that the prices do not have."""


class ConfigError(WorkbenchError):
    """A configuration file or setting that makes no sense; the former one stays in force."""


class LimitsError(ConfigError):
    """A risk limit that makes no sense; the former limits stay in force."""


class StrategyError(WorkbenchError):
    """A strategy that cannot be used."""


class StrategyLoadError(StrategyError):
    """A strategy script that cannot be read, parsed or imported."""


class ParameterError(StrategyError):
    """A parameter that the strategy does not have, or a value that it cannot take."""


class AnswerError(StrategyError):
    """A step gave more or fewer strengths than it sees instruments.

    args: the strategy's name, how many were expected, how many were found. Compiled code raises it, and cannot write a
    message.
    """

    def __str__(self) -> str:
        name, expected, found = self.args
        return (
            f"{name}.step: expected as many strengths as it sees instruments, {expected}, found {found}; return an "
            "array of `count`, NaN where there is nothing to say"
        )


class StrategyFailure(StrategyError):
    """A strategy raised while it ran; the cause is chained."""


class CertificateError(StrategyError):
    """A certificate or key that is not believed, or a strategy that may not start without one."""


class ChaosError(WorkbenchError):
    """A chaos event or scenario that makes no sense."""


class SandboxError(WorkbenchError):
    """A strategy process that cannot be started, or not as safely as is demanded."""


class WorkerBehind(SandboxError):
    """A strategy process takes in less than it is sent: the message was not taken, and nothing was lost before it."""


class VenueError(WorkbenchError):
    """A venue that cannot be reached, or that does not answer as it should."""


class JournalError(WorkbenchError):
    """A journal that cannot be opened, read or written."""


class JournalLocked(JournalError):
    """Another engine has the journal; one at a time."""


class JournalDamaged(JournalError):
    """A record of the journal is missing, altered, or cannot be read."""


class OtherVersion(JournalDamaged):
    """A snapshot that another version of the engine has written."""


class JournalFailed(JournalError):
    """The journal can no longer record; whatever is not durable may not be acted on.

    cause: "io" (the disk or server could not make sure: never retried), "full" (no room), "gone" (the file or server
    cannot be reached or written), "foreign" (somebody else wrote into it), "backlog" (written too slowly), "closed",
    "bug".
    final: True where only a new start on a checked journal helps; else a person may have it resumed.
    """

    def __init__(self, message: str, cause: str, final: bool) -> None:
        super().__init__(message)
        self.cause = cause
        self.final = final


class EngineError(WorkbenchError):
    """A message that the trading desk cannot act on."""


class StaleChange(EngineError):
    """A change of limits that was made out of others than are in force by now."""


class ReportError(WorkbenchError):
    """A report that cannot be made, or not delivered; what was made before stays."""


class RequestError(WorkbenchError):
    """A request to the engine that is not carried out; nothing was changed.

    kind: "malformed" (cannot be read), "invalid" (can be read, and makes no sense), "unauthenticated", "forbidden",
    "unknown" (what it names is not there), "conflict" (not as things are now), "stale" (made for another state),
    "too_large", "media" (of a type that is not read), "too_many" (later), "slow" (not there in time), "unavailable".
    retry_s: seconds after which it may be asked again; 0 where that is not known.
    """

    def __init__(self, message: str, kind: str, retry_s: float = 0.0) -> None:
        super().__init__(message)
        self.kind = kind
        self.retry_s = retry_s

"""How the link to the engine does, in words for a page, and when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from workbench.errors import ConfigError, RequestError, WorkbenchError

__all__ = ["CONNECTING", "STALE_S", "Link", "lost", "wait_after"]

STALE_S: Final = 5.0
"""After so long without an answer, what is shown is not taken for the present any more."""
_FIRST_S: Final = 0.5
_LONGEST_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Link:
    """state: connecting, live, lost (no answer) or refused (it answers, and lets us not read).

    title, says: for people; "" while live.  code: a command that may mend it.  retry_at: on the monotonic clock, when
    it is tried again; 0 while live.
    """

    state: str
    url: str = ""
    title: str = ""
    says: str = ""
    code: str = ""
    retry_at: float = 0.0
    attempts: int = 0


CONNECTING: Final = Link("connecting", title="Looking for the engine", says="A moment, please.")


def wait_after(attempts: int) -> float:
    """Seconds before the next attempt: twice as long each time, up to ten."""
    return float(min(_FIRST_S * 2.0 ** min(attempts, 10), _LONGEST_S))


def lost(error: Exception, url: str, attempts: int, now: float) -> Link:
    """The link after `attempts` attempts in a row that failed, the last with `error`."""
    at = now + wait_after(attempts)
    text = " ".join(str(error).split())
    if not isinstance(error, WorkbenchError):
        says = f"{type(error).__name__}: {text}. The log of the dashboard says more."
        return Link("lost", url, "The dashboard cannot read the engine", says, "", at, attempts)
    kind = error.kind if isinstance(error, RequestError) else ""
    if kind == "unauthenticated":
        says = (
            "It wants a token that is in force. Start the dashboard with TRADING_ENGINE_DATA set to the engine's data "
            "folder, where its admin.token lies, or with WORKBENCH_ENGINE_TOKEN set to a token."
        )
        return Link("refused", url, "The engine does not know this token", says, "", at, attempts)
    if kind == "forbidden":
        return Link("refused", url, "This token may not read", text, "", at, attempts)
    if isinstance(error, ConfigError):
        return Link("refused", url, "The engine's token cannot be used", text, "", at, attempts)
    if kind == "malformed":
        return Link("refused", url, "Something else answers there", text, "", at, attempts)
    if kind == "too_many":
        return Link("lost", url, "The engine asks for fewer questions", text, "", at, attempts)
    if kind == "slow":
        says = "It is busy, or has not come up yet."
        return Link("lost", url, "The engine is slow to answer", says, "", at, attempts)
    says = "It may be starting, or not run at all."
    return Link("lost", url, "No engine answers", says, "workbench live", at, attempts)

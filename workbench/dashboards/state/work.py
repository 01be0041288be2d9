"""Long work beside the event loop: the page stays alive, sees how far it is, and can stop it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import param

from workbench.errors import WorkbenchError

__all__ = ["Progress", "Stopped", "Working"]

LOOK_SECONDS = 0.1

log = logging.getLogger(__name__)


class Stopped(WorkbenchError):
    """Somebody stopped the work before it had anything to show."""


class Progress:
    """How far some work is; handed to it, and called by it from its own thread.

    done, total: 0 of 0 as long as nobody knows.
    """

    def __init__(self) -> None:
        self.done, self.total, self.stopping = 0, 0, False

    def __call__(self, done: int, total: int) -> None:
        """Raises KeyboardInterrupt once somebody has asked to stop."""
        self.done, self.total = done, total
        if self.stopping:
            raise KeyboardInterrupt


class Working(param.Parameterized):
    """State that does long work, one thing at a time.  Parameters change on the event loop alone, never in a thread."""

    doing = param.String("", doc="What is being done at the moment; empty when nothing is.")
    share = param.Number(-1.0, bounds=(-1.0, 1.0), doc="How much of it is done; -1 where nobody knows.")
    tried = param.Boolean(False, doc="Whether anything has come to its end, well or not.")
    error = param.String("", doc="Why the last thing failed, in one line; empty when it did not.")

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)  # type: ignore[no-untyped-call]  # param has no types
        self._progress = Progress()

    def stop(self) -> None:
        """Ask what is being done to stop; it keeps what is finished where it can."""
        self._progress.stopping = True

    async def work[T](self, doing: str, call: Callable[[Progress], T]) -> T | None:
        """What `call` answers, run in a thread; None where it failed (`error` says why) or was stopped.

        Nothing is begun, and None answered, while something else is being done.
        """
        if self.doing:
            return None
        self._progress = progress = Progress()
        self.param.update(doing=doing, share=-1.0, error="")
        running = asyncio.ensure_future(asyncio.to_thread(_uninterrupted, call, progress))
        try:
            while not running.done():
                await asyncio.wait([running], timeout=LOOK_SECONDS)
                if progress.total:
                    self.share = min(progress.done / progress.total, 1.0)
            return running.result()
        except Stopped:
            return None
        except WorkbenchError as error:
            self.error = " ".join(str(error).split())
        except Exception as error:  # whatever a strategy raises is told to whoever chose it
            log.exception("%s failed", doing)
            self.error = " ".join(f"{type(error).__name__}: {error}".split())
        finally:
            self.param.update(doing="", share=-1.0, tried=True)
        return None


def _uninterrupted[T](call: Callable[[Progress], T], progress: Progress) -> T:
    """An interrupt that nothing took for the end of its work must not reach the event loop, which it would end."""
    try:
        return call(progress)
    except KeyboardInterrupt:
        raise Stopped("stopped before there was anything to show") from None

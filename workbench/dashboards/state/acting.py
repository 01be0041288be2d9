"""Commands to the engine from a page: one at a time, in the name of who looks, with one line about how it ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import param

from workbench.dashboards.state.reader import EngineReader
from workbench.dashboards.state.viewer import Viewer
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.client import AsyncEngineClient

__all__ = ["Acting"]


class Acting(param.Parameterized):
    """Something that a person does to the engine.  said: how the last command ended; tone: good or bad, "" for none."""

    busy = param.Boolean(default=False)
    said = param.String()
    tone = param.String()

    def __init__(self, reader: EngineReader, viewer: Viewer) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.reader, self.viewer = reader, viewer

    async def carry_out[T](
        self, work: Callable[[AsyncEngineClient], Awaitable[T]], done: Callable[[T], str]
    ) -> bool:
        """Do it; whether it was done.  What went wrong is said, and nothing is raised.

        done: says what came of it.
        """
        if self.busy:
            return False
        self.param.update(busy=True, said="", tone="")
        try:
            answer = await self.viewer.ask(work)
        except WorkbenchError as error:
            self.tell(" ".join(str(error).split()), "bad")
            return False
        else:
            self.tell(done(answer), "good")
            return True
        finally:
            self.busy = False
            self.reader.nudge()

    def tell(self, said: str, tone: str = "") -> None:
        self.param.update(said=said, tone=tone)

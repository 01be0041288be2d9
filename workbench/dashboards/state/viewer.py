"""Who looks at a page: a token of the engine, the person and role that it stands for, and what that role may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import param

from workbench.client import AsyncEngineClient
from workbench.errors import RequestError, WorkbenchError

if TYPE_CHECKING:
    from workbench.client.answers import Identity

__all__ = ["Viewer"]


class Viewer(param.Parameterized):
    """One person at one page.

    The engine decides: it tells what the token may do, which says what can be pressed, and looks at the token again
    with each command.  Nothing is kept on disk or in the page's address.
    """

    person = param.String(doc='"" where nobody is known.')
    role = param.String(doc="viewer, trader, risk or admin.")
    may = param.ClassSelector(
        class_=tuple, default=(), doc="Actions that the engine allows, as strategy.start."
    )
    own = param.Boolean(default=False, doc="A token was typed in; else it is the one that the server has.")
    trouble = param.String(doc="Why the token is not good, in one line.")

    def __init__(self, url: str | None = None, data: str | None = None, *, lend: bool = True) -> None:
        """url, data: as `EngineClient` has them.  lend: who types no token acts with the one that this server finds."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._url, self._data = url, data
        self._token = ""
        self._client: AsyncEngineClient | None = None
        self._former: list[AsyncEngineClient] = []  # to be closed once nobody waits for an answer
        self._asking = 0
        self.lends = lend

    def allows(self, action: str) -> bool:
        """Whether the engine lets this person do it, as far as is known; it is asked again when it comes to that."""
        return action in self.may

    async def ask[T](self, work: Callable[[AsyncEngineClient], Awaitable[T]]) -> T:
        """What the engine answers this person.  Raises RequestError, ConfigError."""
        if not self._token and not self.lends:
            raise RequestError("sign in with a token of the engine first", "unauthenticated")
        if self._client is None:
            self._client = AsyncEngineClient(self._url, self._token or None, data=self._data, retry_s=0.0)
        self._asking += 1
        try:
            return await work(self._client)
        except RequestError as error:
            if error.kind in ("unavailable", "unauthenticated", "malformed"):
                self._let_go()  # it may be elsewhere by now, or have other tokens
            raise
        finally:
            self._asking -= 1
            await self._sweep()

    async def close(self) -> None:
        """Let go of the connection; the next question makes another one."""
        self._let_go()
        await self._sweep()

    def _let_go(self) -> None:
        if self._client is not None:
            self._former.append(self._client)
        self._client = None

    async def _sweep(self) -> None:
        while self._former and not self._asking:
            await self._former.pop().close()

    async def sign_in(self, token: str) -> bool:
        """Act with this token from now on; whether the engine knows it.  Else everything stays as it was."""
        token = token.strip()
        if not token:
            self.trouble = "expected a token of the engine, found nothing"
            return False
        before = self._token
        await self._take_token(token)
        try:
            who = await self.ask(lambda client: client.whoami())
        except WorkbenchError as error:
            await self._take_token(before)
            self.trouble = _shown(error)
            return False
        self._know(who)
        return True

    async def sign_out(self) -> None:
        """Forget the token that was typed in."""
        await self._take_token("")
        await self.learn()

    async def learn(self) -> bool:
        """Ask the engine who this is; whether it says so.  To be asked again after a break: a role may have changed."""
        token = self._token
        try:
            who = await self.ask(lambda client: client.whoami())
        except WorkbenchError as error:
            if token == self._token:  # else somebody signed in meanwhile
                self._know(None, trouble=_shown(error) if token or self.lends else "")
            return False
        if token == self._token:
            self._know(who)
        return True

    async def _take_token(self, token: str) -> None:
        self._token = token
        self._let_go()  # at once: whoever asks from now on asks with the new token
        await self._sweep()

    def _know(self, who: Identity | None, trouble: str = "") -> None:
        self.param.update(
            person=who.person if who else "",
            role=who.role if who else "",
            may=who.may if who else (),
            own=bool(self._token),
            trouble=trouble,
        )


def _shown(error: WorkbenchError) -> str:
    return " ".join(str(error).split())

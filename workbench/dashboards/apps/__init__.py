"""The apps, by the name in their address.

An app's module has a function `view(session) -> viewable`, called once for each page that somebody opens, and may have
`warm(session)`, called before the first of them; it is imported when it is first needed.  What an app knows is in
`workbench.dashboards.state`, and needs no Panel.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.errors import ConfigError

if TYPE_CHECKING:
    from panel.viewable import Viewable

__all__ = ["APPS", "App", "Session", "app_named"]


@dataclass(frozen=True, slots=True)
class Session:
    """What a page is opened with.

    engine: where the live engine is, None for the one that `EngineClient` finds by itself.  folder: what relative
    paths start from.  lends: who opens the page acts with the engine's token that this process finds; else each signs
    in with their own before they see anything.
    """

    engine: str | None = None
    folder: Path = field(default_factory=Path.cwd)
    lends: bool = True


@dataclass(frozen=True, slots=True)
class App:
    """name: in the address.  says: one line under the title.  kind: research, live or reports.  module: below here."""

    name: str
    title: str
    says: str
    kind: str
    module: str

    def view(self, session: Session) -> Viewable:
        """The app, ready to be shown."""
        found: Viewable = import_module(f"{__name__}.{self.module}").view(session)
        return found

    def warm(self, session: Session) -> None:
        """What the first page would wait for, where the app's module has something of the kind."""
        make = getattr(import_module(f"{__name__}.{self.module}"), "warm", None)
        if make is not None:
            make(session)


_ALL: Final = (
    App(
        "research",
        "Research lab",
        "Sweep a strategy's parameters and look into any cell.",
        "Research",
        "research",
    ),
    App(
        "chaos",
        "Chaos lab",
        "Throw faults at a strategy and see what the controls make of it.",
        "Research",
        "chaos",
    ),
    App(
        "risk", "Risk desk", "Equity, exposure against every limit, and what trades now.", "Live", "risk_desk"
    ),
    App(
        "strategies",
        "Strategy desk",
        "Start, stop, swap and watch strategies on the engine.",
        "Live",
        "strategy_desk",
    ),
    App("reports", "Reports", "What the report runner made.", "Reports", "reports"),
)
APPS: Final = {app.name: app for app in _ALL}


def app_named(name: str) -> App:
    """Raises ConfigError, which names what there is."""
    if name not in APPS:
        raise ConfigError(f"no dashboard {name!r}; there is: {', '.join(APPS)}")
    return APPS[name]

"""The research lab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.dashboards.parts import card, empty

if TYPE_CHECKING:
    from panel.viewable import Viewable

    from workbench.dashboards.apps import Session

__all__ = ["view"]


def view(session: Session) -> Viewable:
    """The lab for one page."""
    del session
    return card("Sweep", empty("Nothing yet", "here"))

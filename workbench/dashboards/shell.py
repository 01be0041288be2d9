"""The page around an app: header with links to the others, theme switch, footer."""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import panel as pn

from workbench.dashboards.apps import App
from workbench.dashboards.look import Look, page_style

__all__ = ["index_page", "page"]

_PAGES: Final = Path(__file__).parent / "pages"
_LOGO: Final = (
    '<svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round" '
    'stroke-linejoin="round" aria-hidden="true"><path d="M3 20h18M5 15l4-5 4 3 6-8"/></svg>'
)
_ICON: Final = (
    "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' fill='none' stroke='%231f77b8' "
    "stroke-width='2.6' stroke-linecap='round' stroke-linejoin='round'%3E"
    "%3Cpath d='M3 20h18M5 15l4-5 4 3 6-8'/%3E%3C/svg%3E"
)
_BUTTON: Final = (
    '<button class="theme" type="button" aria-label="Dark theme" aria-pressed="false">'
    '<svg class="moon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true">'
    '<path d="M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z" stroke-linejoin="round"/></svg>'
    '<svg class="sun" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" '
    'aria-hidden="true"><circle cx="12" cy="12" r="4"/>'
    '<path d="M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M19 5l-1.4 1.4M6.4 17.6 5 19"/></svg></button>'
)


def _script(name: str) -> str:
    return (_PAGES / f"{name}.js").read_text(encoding="utf-8")


def page(app: App, viewable: Any, apps: Sequence[App], *, note: str = "") -> pn.Template:
    """`viewable` in the shell.  apps: to be linked to.  note: at the right of the footer, such as an address."""
    shown = pn.Template((_PAGES / "app.html").read_text(encoding="utf-8"), design=Look)
    shown.add_panel("main", pn.Column(viewable, sizing_mode="stretch_width", margin=0, design=Look))
    for name, value in _common().items():
        shown.add_variable(name, value)
    shown.add_variable("apps", list(apps))
    shown.add_variable("current", app)
    shown.add_variable("note", html.escape(note))
    return shown


def _common() -> dict[str, Any]:
    return {
        "home": "./",
        "icon": _ICON,
        "logo": _LOGO,
        "style": page_style(),
        "theme_button": _BUTTON,
        "theme_script": _script("theme"),
        "page_script": _script("page") + _script("tables"),
        "version": import_module("workbench").__version__,  # by name: this room stands on no room above it
    }


def index_page(apps: Sequence[App]) -> str:
    """The page at the root: what there is.  Tornado's template language has no part in it."""
    items = "".join(
        f'<li><a href="{app.name}"><span class="kind">{app.kind}</span><h2>{html.escape(app.title)}</h2>'
        f"<p>{html.escape(app.says)}</p></a></li>"
        for app in apps
    )
    given = {**_common(), "items": items}
    text = (_PAGES / "index.html").read_text(encoding="utf-8")
    for name in ("icon", "logo", "style", "theme_button", "theme_script", "page_script", "version", "items"):
        text = text.replace(f"[[{name}]]", str(given[name]))
    return text

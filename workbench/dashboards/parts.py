"""Parts that all dashboards share: cards, figures in tiles, badges, tables, and what is shown where there is nothing.

Each is a thin wrapper of one of Panel's parts; the texts given are escaped.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import pandas as pd
import panel as pn

from workbench.errors import WorkbenchError

__all__ = [
    "Tile",
    "badge",
    "beside",
    "card",
    "columns",
    "empty",
    "failure",
    "html_part",
    "note",
    "progress",
    "skeleton",
    "stacked",
    "table",
    "tiles",
    "time_text",
    "words",
]

type Tone = Literal["", "good", "warn", "bad", "accent"]

_CARD: Final = """
:host(.wb-card) {
  background: var(--wb-card); border: 1px solid var(--wb-line); border-radius: 12px; box-shadow: var(--wb-shadow);
  padding: 14px 16px; margin: 0; min-width: 0; box-sizing: border-box;
}
"""
_TEXT: Final = """
:host { font: 13.5px/1.5 var(--wb-font); color: var(--wb-ink); }
.head { display: flex; align-items: baseline; gap: 4px 10px; flex-wrap: wrap; margin-bottom: 4px; }
h2 { margin: 0; font-size: 15px; font-weight: 650; }
h3 { margin: 0; font-size: 13.5px; font-weight: 650; }
p { margin: 0; }
a { color: var(--wb-accent); }
.soft { color: var(--wb-soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); gap: 10px 14px; margin: 0; }
.tiles div { min-width: 0; }
.tiles dt { color: var(--wb-soft); font-size: 12px; }
.tiles dd { margin: 0; font-size: 18px; font-weight: 600; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.tiles small { display: block; font-size: 12px; font-weight: 400; color: var(--wb-soft); }
.good { color: var(--wb-good); } .warn { color: var(--wb-warn); } .bad { color: var(--wb-bad); }
.accent { color: var(--wb-accent); }
.badge { display: inline-block; padding: 1px 9px; border-radius: 99px; font-size: 12px; font-weight: 600;
  background: var(--wb-sunk); color: var(--wb-ink); white-space: nowrap; }
.badge.good { background: var(--wb-good-wash); color: var(--wb-good); }
.badge.warn { background: var(--wb-warn-wash); color: var(--wb-warn); }
.badge.bad { background: var(--wb-bad-wash); color: var(--wb-bad); }
.badge.accent { background: var(--wb-wash); color: var(--wb-accent); }
.empty { text-align: center; padding: 34px 18px; color: var(--wb-soft); }
.empty h3 { color: var(--wb-ink); font-size: 15px; margin-bottom: 4px; }
.box { border: 1px solid var(--wb-bad); border-left-width: 4px; border-radius: 8px; padding: 10px 14px;
  background: var(--wb-bad-wash); color: var(--wb-ink); overflow-wrap: anywhere; }
.box h3 { color: var(--wb-bad); }
.box.warn { border-color: var(--wb-warn); background: var(--wb-warn-wash); }
.box.warn h3 { color: var(--wb-warn); }
.coming { display: grid; place-items: center; border-radius: 8px; background: var(--wb-sunk); color: var(--wb-soft);
  animation: coming 1.6s ease-in-out infinite alternate; }
@keyframes coming { to { background: var(--wb-wash); } }
@media (prefers-reduced-motion: reduce) { .coming { animation: none; } }
code { font: 12.5px var(--wb-code); background: var(--wb-sunk); padding: 1px 5px; border-radius: 5px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; color: var(--wb-soft); font-weight: 600; font-size: 12.5px; }
th, td { padding: 5px 10px 5px 0; border-bottom: 1px solid var(--wb-line); }
td.number, th.number { text-align: right; }
.scroll { overflow-x: auto; }
.fold { font-size: 13px; font-weight: 550; }
ul.plain { list-style: none; margin: 4px 0 8px; padding: 0; }
ul.plain b { display: inline-block; min-width: 18px; color: var(--wb-accent); }
.working { display: flex; flex-direction: column; gap: 4px; color: var(--wb-soft); }
.working progress { width: 100%; height: 6px; accent-color: var(--wb-accent); }
"""


class Tile(NamedTuple):
    """A figure with its name.  value: as it is to be read, unit and all.  tone: good, warn, bad, or none."""

    name: str
    value: str
    note: str = ""
    tone: Tone = ""


def html_part(text: str, **options: Any) -> pn.pane.HTML:
    """A piece of HTML in our type.  text: already escaped.  options: as Panel has them."""
    own = [_TEXT, *options.pop("stylesheets", [])]
    return pn.pane.HTML(text, **{"sizing_mode": "stretch_width", "margin": 0, **options}, stylesheets=own)


def card(title: str = "", *objects: Any, says: str = "", badges: str = "", **options: Any) -> pn.Column:
    """A card with a title.  says: a line beside the title.  badges: from `badge`.  options: as of a Column."""
    head = []
    if title or says or badges:
        soft = f'<p class="soft">{html.escape(says)}</p>' if says else ""
        head = [html_part(f'<div class="head"><h2>{html.escape(title)}</h2>{badges}{soft}</div>')]
    classes = ["wb-card", *options.pop("css_classes", [])]
    sheets = [_CARD, *options.pop("stylesheets", [])]
    look = {"sizing_mode": "stretch_width", "margin": 0, **options}
    return pn.Column(*head, *objects, css_classes=classes, stylesheets=sheets, **look)


def stacked(*objects: Any) -> pn.Column:
    """Cards below each other, with room between them."""
    sheets = [":host { gap: 14px; }"]
    return pn.Column(*objects, sizing_mode="stretch_width", margin=0, stylesheets=sheets)


def beside(*objects: Any, gap: int = 12, **options: Any) -> pn.FlexBox:
    """Small parts beside each other, and on the next line where there is no room."""
    look = {"gap": f"{gap}px", "align_items": "flex-end", "margin": 0, "sizing_mode": "stretch_width"}
    return pn.FlexBox(*objects, **{**look, **options})


def columns(side: Any, main: Any, *, width: int = 320) -> pn.FlexBox:
    """A narrow column and a wide one beside it; below it where there is no room, as on a phone."""
    side.stylesheets = [*side.stylesheets, f":host {{ flex: 1 1 {width}px; max-width: 100%; min-width: 0; }}"]
    main.stylesheets = [
        *main.stylesheets,
        f":host {{ flex: 999 1 calc(100% - {width + 40}px); min-width: min(560px, 100%); }}",
    ]
    return pn.FlexBox(
        side,
        main,
        gap="14px",
        align_items="flex-start",
        sizing_mode="stretch_width",
        margin=0,
    )


def words(name: str) -> str:
    """A figure's name as a person writes it: sharpe_ratio is Sharpe ratio."""
    text = name.replace("_", " ")
    return text.upper() if text in ("cagr", "pnl") else text[:1].upper() + text[1:]


def badge(text: str, tone: Tone = "") -> str:
    """A short word in a pill, as HTML; the word says what the colour says."""
    return f'<span class="badge {tone}">{html.escape(text)}</span>'


def tiles(figures: Sequence[Tile] | Mapping[str, str]) -> pn.pane.HTML:
    """Figures beside each other, as many in a row as there is room for."""
    rows = [Tile(name, value) for name, value in figures.items()] if isinstance(figures, Mapping) else figures
    cells = "".join(
        f'<div><dt>{html.escape(tile.name)}</dt><dd class="{tile.tone}">{html.escape(tile.value)}'
        + (f"<small>{html.escape(tile.note)}</small>" if tile.note else "")
        + "</dd></div>"
        for tile in rows
    )
    return html_part(f'<dl class="tiles">{cells}</dl>')


def empty(title: str, says: str = "", code: str = "") -> pn.pane.HTML:
    """What is shown where there is nothing: what would be here, and how to get it.  code: a command to type."""
    command = f"<p><code>{html.escape(code)}</code></p>" if code else ""
    return html_part(
        f'<div class="empty"><h3>{html.escape(title)}</h3><p>{html.escape(says)}</p>{command}</div>'
    )


def failure(error: BaseException | str, title: str = "That did not work") -> pn.pane.HTML:
    """An error as one readable box.  Our own errors say in one line what is wrong; others also give their type."""
    known = isinstance(error, str | WorkbenchError)
    text = str(error) if known else f"{type(error).__name__}: {error}"
    return html_part(
        f'<div class="box" role="alert"><h3>{html.escape(title)}</h3><p>{html.escape(" ".join(text.split()))}</p></div>'
    )


def note(title: str, says: str = "") -> pn.pane.HTML:
    """Something that a person should know, though nothing failed."""
    return html_part(
        f'<div class="box warn" role="status"><h3>{html.escape(title)}</h3><p>{html.escape(says)}</p></div>'
    )


def table(
    frame: pd.DataFrame, numbers: Mapping[str, str] | None = None, **options: Any
) -> pn.widgets.Tabulator:
    """A frame as a table that can be sorted; nothing in it can be edited.

    numbers: bokeh's letters, such as "0,0.00", by column.  Times become text.  options: as of Tabulator.
    """
    from bokeh.models.widgets.tables import NumberFormatter

    shown = frame.copy()
    for name in shown.columns:
        if isinstance(shown[name].dtype, pd.DatetimeTZDtype) or pd.api.types.is_datetime64_dtype(shown[name]):
            shown[name] = time_text(shown[name])
    formats = {name: NumberFormatter(format=form, nan_format="-") for name, form in (numbers or {}).items()}
    look: dict[str, Any] = {
        "disabled": True,
        "sizing_mode": "stretch_width",
        "layout": "fit_data_stretch",
        "margin": 0,
        "show_index": False,
        "formatters": {name: form for name, form in formats.items() if name in shown},
        "text_align": {name: "right" for name in formats if name in shown},
    }
    return pn.widgets.Tabulator(shown, **{**look, **options})


def time_text(times: pd.Series[Any]) -> pd.Series[str]:
    """Times (UTC) as text that sorts: the day alone where all are midnights; "" where there is none."""
    known = times.dropna()
    whole = bool((known == known.dt.normalize()).all())
    text: pd.Series[str] = times.dt.strftime("%Y-%m-%d" if whole else "%Y-%m-%d %H:%M:%S").fillna("")
    return text


def skeleton(says: str, height: int) -> pn.pane.HTML:
    """The place of something that is on its way, as high as it will be.  height: pixels."""
    return html_part(
        f'<div class="coming" role="status" style="height: {height}px">{html.escape(says)}</div>',
        min_height=height,
    )


def progress(doing: str, share: float) -> pn.pane.HTML:
    """How far something is.  share: 0 to 1, or below 0 where nobody knows."""
    known = f'value="{share:.3f}"' if share >= 0.0 else ""
    percent = f" {share:.0%}" if share >= 0.0 else ""
    return html_part(
        f'<div class="working" role="status"><span>{html.escape(doing)}{percent}</span>'
        f'<progress max="1" {known} aria-label="{html.escape(doing)}"></progress></div>'
    )

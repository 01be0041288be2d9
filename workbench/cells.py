"""What objects show in a notebook cell: tables with small curves and bars, and pictures, as HTML.

Nothing in it is fetched and nothing runs: a notebook that was saved with it reads the same anywhere. Drawings are SVG,
but as images: SVG among HTML is taken out by JupyterLab where a notebook is not trusted, and by viewers on the web.
Colours stand out on white and on black; text has the colour of the page around it, or a colour mixed with that (`ink`).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Sequence
from html import escape, unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "AMBER",
    "BLUE",
    "GREEN",
    "QUIET",
    "RED",
    "Html",
    "Picture",
    "bar",
    "cell",
    "figure",
    "figures",
    "frame_table",
    "image",
    "ink",
    "sparkline",
    "table",
]

type Floats = npt.NDArray[np.float64]

BLUE: Final = "#3b8ed0"
RED: Final = "#e05252"
GREEN: Final = "#2e9e5b"
AMBER: Final = "#c98a1b"
QUIET: Final = "opacity:.7;font-weight:400"


def ink(colour: str) -> str:
    """The style of text in one of these colours: mixed with that of the text around it, it is read easily on any page.

    By itself none of them has 4.5 times the contrast of white and of black.  Browsers of before 2023 show it as it is.
    """
    mixed = f";color:color-mix(in srgb,{colour} 60%,currentcolor)" if colour.startswith("#") else ""
    return f"color:{colour}{mixed}"


class Html(str):
    """Text that is HTML already, and is not escaped again."""

    __slots__ = ()


class Picture(str):
    """A drawing as SVG text, which a notebook shows, a viewer on the web too, and `save` writes to a file."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        named = re.search(r'aria-label="([^"]*)"', self)
        return image(self, unescape(named[1]) if named else "drawing", "width:100%;max-width:1080px")

    def __repr__(self) -> str:
        return f"Picture({len(self):,} characters of SVG)"

    def save(self, path: str | Path) -> Path:
        """Write it as an .svg file; the path."""
        Path(path).write_text(self, encoding="utf-8")
        return Path(path)


def image(svg: str, alt: str, style: str) -> Html:
    """A drawing as an image of its own, which is shown where SVG among HTML is not."""
    if "xmlns" not in svg:
        svg = svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    data = base64.b64encode(svg.encode()).decode("ascii")
    return Html(f'<img alt="{escape(alt)}" style="{style}" src="data:image/svg+xml;base64,{data}">')


def cell(title: str, about: str, *parts: str) -> str:
    """One object in a notebook: a title, a line about it, and `parts`, which are HTML."""
    line = f'<div style="{QUIET}">{escape(about)}</div>' if about else ""
    return (
        '<div style="color:inherit;font-size:13px;line-height:1.5;font-variant-numeric:tabular-nums">'
        f'<div style="font-weight:600">{escape(title)}</div>{line}{"".join(parts)}</div>'
    )


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: str = "", caption: str = "") -> Html:
    """A table; what is not Html is escaped.  numbers: one letter per column, "n" for right-aligned."""
    sides = ["right" if kind == "n" else "left" for kind in numbers.ljust(len(heads), "t")]
    head = "".join(
        f'<th style="text-align:{side};{QUIET};padding:2px 10px 2px 0">{_safe(name)}</th>'
        for name, side in zip(heads, sides, strict=True)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td style="text-align:{side};padding:2px 10px 2px 0;vertical-align:middle">{_safe(text)}</td>'
            for text, side in zip(row, sides, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    above = (
        f'<caption style="text-align:left;caption-side:top;{QUIET};padding:6px 0 2px">{escape(caption)}</caption>'
        if caption
        else ""
    )
    top = f"<thead><tr>{head}</tr></thead>" if any(heads) else ""
    return Html(
        f'<table style="margin:4px 0;border-collapse:collapse;font-size:13px">{above}{top}<tbody>{body}</tbody></table>'
    )


def frame_table(
    frame: pd.DataFrame | pd.Series[Any],
    caption: str = "",
    text: Callable[[str, Any], str] | None = None,
    most: int = 20,
) -> Html:
    """A frame (or a series, as one column) with its index; the first `most` rows.

    text: a figure as it is written, given the column's name; left out, `figure`.
    """
    given: Any = frame
    shown = given.to_frame() if given.ndim == 1 else given
    levels = [str(name) if name is not None else "" for name in shown.index.names]
    write = _as_figure if text is None else text
    rows = []
    for key, values in zip(
        shown.index[:most], shown.head(most).itertuples(index=False, name=None), strict=True
    ):
        keys = key if isinstance(key, tuple) else (key,)
        named = [write(name, part) for name, part in zip(levels, keys, strict=True)]
        rows.append(
            [*named, *(write(str(name), value) for name, value in zip(shown.columns, values, strict=True))]
        )
    kinds = "".join("n" if getattr(kind, "kind", "O") in "fiu" else "t" for kind in shown.dtypes)
    more = f", {most} of {len(shown):,} rows" if len(shown) > most else ""
    heads = [name.replace("_", " ") for name in [*levels, *map(str, shown.columns)]]
    return table(heads, rows, "t" * len(levels) + kinds, caption + more)


def _as_figure(_name: str, value: Any) -> str:
    return figure(value)


def figure(value: Any) -> str:
    """A value in few letters: numbers with four digits, times without what is zero, yes and no in words."""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        value = float(value)
        if not np.isfinite(value):
            return "-" if np.isnan(value) else "inf"
        return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:,.4g}"
    if isinstance(value, Html):
        return value
    if hasattr(value, "isoformat") and not hasattr(value, "total_seconds"):
        return str(value).removesuffix("+00:00").removesuffix(" 00:00:00")
    return str(value)


def figures(pairs: Iterable[tuple[str, str]], columns: int = 3) -> Html:
    """Names and figures side by side, `columns` of them."""
    given = list(pairs)
    height = -(-len(given) // columns)
    blocks = []
    for first in range(0, len(given), max(height, 1)):
        rows = "".join(
            f'<div style="{QUIET}">{_safe(name)}</div><div style="text-align:right">{_safe(text)}</div>'
            for name, text in given[first : first + height]
        )
        blocks.append(f'<div style="display:grid;grid-template-columns:auto auto;gap:0 14px">{rows}</div>')
    return Html(
        '<div style="display:flex;flex-wrap:wrap;gap:6px 30px;align-items:flex-start;margin-top:6px">'
        f"{''.join(blocks)}</div>"
    )


def sparkline(
    values: Any, base: float | None = None, colour: str = BLUE, width: int = 120, height: int = 22
) -> Html:
    """A small curve, filled towards `base` where there is one; values: float[n], of which NaN is left out."""
    given = np.asarray(values, dtype=np.float64)
    given = given[np.isfinite(given)]
    if not len(given):
        return Html("")
    kept = _thinned(given, width)
    low, high = float(kept.min()), float(kept.max())
    if base is not None:
        low, high = min(low, base), max(high, base)
    reach = (high - low) or 1.0
    across = np.linspace(1.0, width - 1.0, len(kept)) if len(kept) > 1 else np.array([width / 2])
    points = " ".join(
        f"{x:.1f},{2 + (high - v) / reach * (height - 4):.1f}"
        for x, v in zip(across.tolist(), kept.tolist(), strict=True)
    )
    area = ""
    if base is not None:
        floor = 2 + (high - base) / reach * (height - 4)
        area = (
            f'<polygon points="{across[0]:.1f},{floor:.1f} {points} {across[-1]:.1f},{floor:.1f}" '
            f'fill="{colour}" fill-opacity="0.18"/>'
        )
    said = f"curve from {figure(given[0])} to {figure(given[-1])}"
    return image(
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}">{area}'
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/></svg>',
        said,
        "display:inline-block;vertical-align:middle;max-width:none",
    )


def bar(share: float, colour: str | None = None, width: int = 110) -> Html:
    """A share as a bar beside its figure.

    colour: left out, that of a limit which fills: amber from 80 % on and red from 100 %.
    """
    if not np.isfinite(share):
        return Html("-")
    if colour is None:
        colour = RED if share >= 1.0 else AMBER if share >= 0.8 else BLUE
    filled = max(0.0, min(share, 1.0)) * width
    drawn = image(
        f'<svg width="{width}" height="9" viewBox="0 0 {width} 9">'
        f'<rect width="{width}" height="9" rx="2" fill="{colour}" fill-opacity="0.18"/>'
        f'<rect width="{filled:.1f}" height="9" rx="2" fill="{colour}"/></svg>',
        "",
        "display:inline-block;vertical-align:middle;max-width:none",
    )
    return Html(f"{drawn} {share:.0%}")


def _thinned(values: Floats, buckets: int) -> Floats:
    """At most about 2 x `buckets` values that look like all: the lowest and highest of each bucket, in their order."""
    if len(values) <= 2 * buckets:
        return values
    edges = np.linspace(0, len(values), buckets + 1).astype(np.int64)
    kept = {0, len(values) - 1}
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = values[begin:end]
        kept.update((begin + int(part.argmin()), begin + int(part.argmax())))
    return values[np.array(sorted(kept), dtype=np.int64)]


def _safe(text: str) -> str:
    return text if isinstance(text, Html) else escape(text)

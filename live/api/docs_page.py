"""/docs: the OpenAPI document as a page, made here; it loads nothing from anywhere and runs no script."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from typing import Any, Final

__all__ = ["POLICY", "docs_page"]

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; form-action 'none'"
"""Content-Security-Policy of the page."""

_STYLE: Final = """
:root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem;text-transform:capitalize}
details{border:1px solid #8885;border-radius:6px;margin:.4rem 0;padding:.3rem .8rem}summary{cursor:pointer}
code,pre{font:13px/1.45 ui-monospace,monospace}pre{overflow-x:auto;background:#8881;padding:.6rem;border-radius:4px}
b.method{display:inline-block;width:4rem}table{border-collapse:collapse;width:100%}
td,th{border-bottom:1px solid #8883;padding:.25rem .5rem;text-align:left;vertical-align:top}
"""


def docs_page(document: dict[str, Any]) -> str:
    """An OpenAPI document for people."""
    info = document["info"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8>",
        '<meta name=viewport content="width=device-width,initial-scale=1">',
        f"<title>{_text(info['title'])}</title><style>{_STYLE}</style>",
        f"<h1>{_text(info['title'])} {_text(info['version'])}</h1><p>{_text(info['description'])}</p>",
        '<p>For programs: <a href="/openapi.json">openapi.json</a></p>',
    ]
    operations = [
        (operation.get("tags", ["other"])[0], path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    for tag in dict.fromkeys(tag for tag, *_ in operations):
        parts.append(f"<h2>{_text(tag)}</h2>")
        parts += [_operation(path, method, one) for name, path, method, one in operations if name == tag]
    parts.append("<h2>schemas</h2>")
    for name, schema in document["components"]["schemas"].items():
        parts.append(
            f'<details id="{_text(name)}"><summary><code>{_text(name)}</code></summary>{_schema(schema)}</details>'
        )
    return "\n".join([*parts, "</html>"])


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    rows = [
        (f"{p['name']} ({p['in']})", p.get("description", ""), _kind(p["schema"]))
        for p in operation.get("parameters", [])
    ]
    lines = "".join(_row(*row) for row in rows)
    body = operation.get("requestBody", {}).get("content", {})
    lines += "".join(_row("body", media, _kind(content["schema"])) for media, content in body.items())
    for status, said in operation["responses"].items():
        kinds = " ".join(_kind(content["schema"]) for content in said.get("content", {}).values())
        lines += _row(status, said["description"], kinds)
    return (
        f"<details><summary><b class=method>{method.upper()}</b><code>{_text(path)}</code> "
        f"{_text(operation.get('summary', ''))}</summary><p>{_text(operation.get('description', ''))}</p>"
        f"<pre>{_text(_example(path, method, bool(body)))}</pre><table>{lines}</table></details>"
    )


def _example(path: str, method: str, body: bool) -> str:
    more = " -H 'Content-Type: application/json' -d @body.json" if body else ""
    verb = "" if method == "get" else f" -X {method.upper()}"
    return f'curl{verb} -H "Authorization: Bearer $TOKEN"{more} http://127.0.0.1:8083{path}'


def _row(name: str, about: str, kind: str) -> str:
    return f"<tr><td><code>{_text(name)}</code><td>{_text(about)}<td>{kind}"


def _schema(schema: dict[str, Any]) -> str:
    about = _text(schema.get("description", ""))
    needed = schema.get("required", [])
    rows = "".join(
        _row(name, "needed" if name in needed else "", _kind(one))
        for name, one in schema.get("properties", {}).items()
    )
    return f"<p>{about}</p><table>{rows}</table>"


def _kind(schema: dict[str, Any]) -> str:
    """A type in a few words, as HTML."""
    return " or ".join(dict.fromkeys(_kinds(schema)))


def _kinds(schema: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield f'<a href="#{_text(name)}">{_text(name)}</a>'
    elif "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from _kinds(one)
    elif "enum" in schema:
        yield _text(", ".join(json.dumps(value) for value in schema["enum"]))
    elif schema.get("type") == "array" and isinstance(schema.get("items"), dict):
        yield f"list of {_kind(schema['items'])}"
    else:
        kind = schema.get("type", "anything")
        yield _text(kind if isinstance(kind, str) else " or ".join(kind))


def _text(value: object) -> str:
    return html.escape(str(value))

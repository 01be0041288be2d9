"""Settings that people type one by one: `key=value`, or a JSON object of several."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from workbench.errors import ConfigError, ParameterError

__all__ = ["key_value", "read_parameters", "typed_value"]


def read_parameters(given: Sequence[str] | None, option: str = "--config") -> dict[str, Any]:
    """Parameters of repeated `key=value` and JSON objects; the last of a key counts.  Raises ParameterError."""
    found: dict[str, Any] = {}
    for entry in given or ():
        if entry.lstrip().startswith("{"):
            found |= _json_object(entry, option)
            continue
        try:
            key, text = key_value(entry, option, "fast=10")
        except ConfigError as error:
            raise ParameterError(str(error)) from error
        found[key] = typed_value(text)
    return found


def _json_object(text: str, option: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ParameterError(f'{option}: expected a JSON object such as {{"fast": 10}}: {error}') from error
    if not isinstance(value, dict):
        raise ParameterError(f"{option}: expected a JSON object, found {text!r}")
    return value


def key_value(entry: str, option: str, example: str) -> tuple[str, str]:
    """Both sides of `key=value`.  Raises ConfigError, which shows the `example`."""
    key, sign, value = entry.partition("=")
    if not sign or not key.strip():
        raise ConfigError(f"{option}: expected key=value such as {example}, found {entry!r}")
    return key.strip(), value.strip()


def typed_value(text: str) -> Any:
    """A number, true, false, null, a list or an object as JSON has it; anything else is text."""
    try:
        return json.loads(text)
    except ValueError:
        return text

"""Between gRPC's messages and the structs that every protocol shares: field by field, by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value

from workbench.errors import RequestError

__all__ = ["from_message", "struct_of", "to_message"]

_EXACT: Final = float(1 << 53)  # up to here a double holds every whole number


def to_message[M: Message](answer: msgspec.Struct, kind: type[M]) -> M:
    """An answer as a message of `kind`, whose fields have the names of the answer's."""
    message = kind()
    _fill(message, answer)
    return message


def _fill(message: Message, answer: Any) -> None:
    for field in message.DESCRIPTOR.fields:
        value = getattr(answer, field.name)
        if field.message_type is None:
            if field.is_repeated:
                getattr(message, field.name).extend(value)
            else:
                setattr(message, field.name, value)
        elif field.message_type.GetOptions().map_entry:
            table = getattr(message, field.name)
            for key, names in value.items():
                table[key].names.extend(names)
        elif field.message_type is Struct.DESCRIPTOR:
            getattr(message, field.name).CopyFrom(struct_of(value))
        else:
            for item in value:
                _fill(getattr(message, field.name).add(), item)


def struct_of(table: Mapping[str, Any]) -> Struct:
    """Plain values as JSON has them; what is no finite number is null, as in REST."""
    found = Struct()
    for key, value in table.items():
        found.fields[key].CopyFrom(_value_of(value))
    return found


def _value_of(value: Any) -> Value:
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, int | float):
        return Value(number_value=value) if math.isfinite(value) else Value(null_value=NULL_VALUE)
    if isinstance(value, str):
        return Value(string_value=value)
    if isinstance(value, Mapping):
        return Value(struct_value=struct_of(value))
    if value is None:
        return Value(null_value=NULL_VALUE)
    return Value(list_value=ListValue(values=[_value_of(item) for item in value]))


def from_message[R: msgspec.Struct](message: Message, kind: type[R]) -> R:
    """A request as the struct that it stands for; "" of a field that has a default is taken for "left out".

    Raises RequestError (invalid), which names the field.
    """
    found: dict[str, Any] = {}
    optional = {field.name for field in msgspec.structs.fields(kind) if not field.required}
    for field in message.DESCRIPTOR.fields:
        if field.message_type is Struct.DESCRIPTOR or not field.has_presence or message.HasField(field.name):
            value = _plain(message, field.name, field.is_repeated)
            if value != "" or field.name not in optional:
                found[field.name] = value
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise RequestError(_shown(str(error)), "invalid") from error


def _plain(message: Message, name: str, repeated: bool) -> Any:
    value = getattr(message, name)
    if isinstance(value, Struct):
        return _table(value, name)
    return list(value) if repeated else value


def _table(struct: Struct, where: str) -> dict[str, Any]:
    return {key: _json(value, f"{where}.{key}") for key, value in struct.fields.items()}


def _json(value: Value, where: str) -> Any:
    match value.WhichOneof("kind"):
        case "number_value":
            return _number(value.number_value, where)
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return _table(value.struct_value, where)
        case "list_value":
            return [_json(item, where) for item in value.list_value.values]
        case _:
            return None


def _number(number: float, where: str) -> int | float:
    """Whole numbers are integers: a Struct knows doubles alone."""
    if not math.isfinite(number):
        raise RequestError(f"{_shown(where)}: expected a finite number, found {number}", "invalid")
    return int(number) if number == int(number) and abs(number) <= _EXACT else number


def _shown(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)[:500]

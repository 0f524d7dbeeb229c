"""JSON ↔ the frozen dataclasses of `messages`, with the standard library only.

The standard reader alone is too kind for text from outside: it takes NaN and Infinity, duplicate
keys, and 100 000 nested brackets until it dies. Here such text is an error like any other.
"""

import dataclasses
import json
import math
import types
import typing
from enum import Enum
from typing import Any, TypeVar

MAX_JSON_BYTES = 1 << 20

T = TypeVar("T")


class JsonMismatch(ValueError):
    """The text is not JSON, or not of the expected form."""


def to_json(message: object) -> bytes:
    """The message in compact UTF-8 JSON."""
    text = json.dumps(_plain(message), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8")


def from_json(body: bytes, kind: type[T], *, max_bytes: int = MAX_JSON_BYTES) -> T:
    """The message of this kind that the body holds.

    Raises:
        JsonMismatch: It holds none; the sentence names the field.
    """
    return from_value(_parsed(body, max_bytes), kind)


def from_value(value: object, kind: type[T]) -> T:
    """The message of this kind that a part of parsed JSON holds.

    Raises:
        JsonMismatch: It holds none; the sentence names the field.
    """
    return typing.cast(T, _read(value, kind, "$"))


def _parsed(body: bytes, max_bytes: int) -> object:
    if len(body) > max_bytes:
        raise JsonMismatch(f"the text is longer than {max_bytes} bytes")
    try:
        parsed: object = json.loads(
            body.decode("utf-8"),
            parse_constant=_refuse_constant,
            object_pairs_hook=_refuse_duplicates,
        )
    except (ValueError, RecursionError) as error:
        raise JsonMismatch("the text is not JSON of our kind") from error
    return parsed


def _refuse_constant(name: str) -> float:
    raise JsonMismatch(f"{name} is not a number")


def _refuse_duplicates(pairs: list[tuple[str, object]]) -> dict[str, object]:
    read = dict(pairs)
    if len(read) != len(pairs):
        raise JsonMismatch("a name occurs twice")
    return read


def _plain(value: object) -> object:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    return value


def _read(value: object, kind: Any, where: str) -> object:
    if kind is Any:
        return value
    origin = typing.get_origin(kind)
    if origin is types.UnionType or origin is typing.Union:
        return _read_optional(value, kind, where)
    if origin is typing.Literal:
        if value in typing.get_args(kind) and isinstance(value, str):
            return value
        raise JsonMismatch(f"{where} is none of the allowed values")
    if origin is tuple:
        item_kind = typing.get_args(kind)[0]
        listed = _expect(value, list, where)
        return tuple(_read(item, item_kind, f"{where}[{i}]") for i, item in enumerate(listed))
    if origin is dict:
        named = _expect(value, dict, where)
        item_kind = typing.get_args(kind)[1]
        return {key: _read(item, item_kind, f"{where}.{key}") for key, item in named.items()}
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(_expect(value, dict, where), kind, where)
    return _read_scalar(value, kind, where)


def _read_optional(value: object, kind: Any, where: str) -> object:
    # Our messages know one union only: something or null.
    if value is None:
        return None
    (inner,) = (each for each in typing.get_args(kind) if each is not type(None))
    return _read(value, inner, where)


def _read_dataclass(value: dict[str, object], kind: Any, where: str) -> object:
    hints = typing.get_type_hints(kind)
    known = {
        each.name: _read(value[each.name], hints[each.name], f"{where}.{each.name}")
        for each in dataclasses.fields(kind)
        if each.name in value
    }
    try:
        return kind(**known)
    except (TypeError, ValueError) as error:
        raise JsonMismatch(f"{where}: {error}") from error


def _read_scalar(value: object, kind: Any, where: str) -> object:
    if kind is float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise JsonMismatch(f"{where} must be a number")
        # 1e999 is good JSON and reads as infinity; an integer may be longer than any float.
        if (isinstance(value, int) and abs(value) > 1 << 53) or not math.isfinite(value):
            raise JsonMismatch(f"{where} must be a finite number")
        return float(value)
    if kind is int:
        if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 1 << 53:
            raise JsonMismatch(f"{where} must be a whole number")
        return value
    if isinstance(kind, type) and issubclass(kind, Enum):
        try:
            return kind(value)
        except ValueError as error:
            raise JsonMismatch(f"{where} is none of the allowed values") from error
    return _expect(value, kind, where)


def _expect(value: object, kind: type[T], where: str) -> T:
    if not isinstance(value, kind):
        raise JsonMismatch(f"{where} must be of type {kind.__name__}")
    return value

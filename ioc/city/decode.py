"""Plain values of a parsed file into Structs, reporting every error instead of the first."""

import re
import types
import unicodedata
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin

import msgspec

from ioc.city.finding import Spot, near

S = TypeVar("S", bound=msgspec.Struct)

_PLACE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.(?P<key>[^.\[]+)|\[(?P<index>\d+)\]")
_PATTERN = "matching regex"
_NAMES = {
    "date": "a date such as 2026-01-01, without quotes",
    "duration": 'an ISO 8601 duration such as "PT5M" or "P7D"',
}

WRONG: Any = object()
"""Stands for a value whose error has been reported."""


def decode_table(cls: type[S], raw: object, at: Spot) -> S | None:
    """The Struct that a table describes; None when any error was reported."""
    value = _table(cls, raw, at)
    return None if value is WRONG else cast("S", value)


def slug(text: str) -> str:
    """An id made from a name: ASCII letters, digits and hyphens."""
    plain = unicodedata.normalize("NFD", text.replace("Đ", "D").replace("đ", "d"))
    letters = "".join(c for c in plain if not unicodedata.combining(c)).lower()
    return re.sub(r"[^a-z0-9]+", "-", letters).strip("-")[:64]


def _table(cls: type[msgspec.Struct], raw: object, at: Spot) -> Any:
    if not isinstance(raw, dict):
        at.report(f"a table is needed here, not {raw!r}")
        return WRONG
    table = cast("Mapping[str, object]", raw)
    fields = _fields(cls)
    good = True
    for key in table:
        if key not in fields:
            (at / key).report(f"the key {key!r} is not known here", near(key, fields, shown=16))
            good = False
    values: dict[str, Any] = {}
    for key, field in fields.items():
        if key in table:
            value = _value(field.type, table[key], at / key)
            good = good and value is not WRONG
            values[field.name] = value
        elif field.required:
            at.report(f"the key {key!r} is missing")
            good = False
    return cls(**values) if good else WRONG


@cache
def _fields(cls: type[msgspec.Struct]) -> dict[str, msgspec.structs.FieldInfo]:
    return {field.encode_name: field for field in msgspec.structs.fields(cls)}


def _value(of: Any, raw: object, at: Spot) -> Any:
    structs = [option for option in _options(of) if _is_struct(option)]
    if structs and isinstance(raw, dict):
        return _table(structs[0], cast("object", raw), at)
    if structs and len(_options(of)) == 1:
        return _table(structs[0], raw, at)
    element = _struct_element(of)
    if element is not None and isinstance(raw, list):
        items = cast("list[object]", raw)
        if not items and _wants_one(of):
            at.report("must not be empty")
            return WRONG
        parts = [_table(element, part, at / index) for index, part in enumerate(items)]
        return WRONG if any(part is WRONG for part in parts) else parts
    member = _dict_member(of)
    if member is not None and isinstance(raw, dict):
        table = cast("dict[str, object]", raw)
        values = {key: _value(member, value, at / key) for key, value in table.items()}
        return WRONG if any(value is WRONG for value in values.values()) else values
    return _converted(of, raw, at)


def _converted(of: Any, raw: object, at: Spot) -> Any:
    try:
        return msgspec.convert(raw, of)
    except msgspec.ValidationError as fault:
        _explain(of, raw, str(fault), at)
        return WRONG


def _explain(of: Any, raw: object, fault: str, at: Spot) -> None:
    place = _PLACE.search(fault)
    for step in _STEP.finditer(place["path"]) if place else ():
        key: str | int = int(step["index"]) if step["index"] else step["key"]
        at /= key
        raw = cast("Any", raw)[key] if key != "..." else raw
    said = _PLACE.sub("", fault)
    if _PATTERN in said and isinstance(raw, str):
        suggestion = slug(raw)
        hint = f"write {suggestion!r}" if suggestion else ""
        at.report(f"{raw!r} is not an id: use a-z, 0-9 and -, at most 64", hint)
    elif "Invalid enum value" in said:
        known = _members(of)
        at.report(f"{raw!r} is not one of {', '.join(known)}", near(str(raw), known, shown=0))
    else:
        for kind, wanted in _NAMES.items():
            if kind in said:
                said, place = f"{raw!r} is not {wanted}", None
        at.report(said if said.startswith(repr(raw)) else f"{said}, here {raw!r}")


def _options(of: Any) -> list[Any]:
    if get_origin(of) is Annotated:
        return _options(get_args(of)[0])
    if get_origin(of) in (Union, types.UnionType):
        return [part for option in get_args(of) for part in _options(option)]
    return [] if of is type(None) else [of]


def _is_struct(of: Any) -> bool:
    return isinstance(of, type) and issubclass(of, msgspec.Struct)


def _struct_element(of: Any) -> type[msgspec.Struct] | None:
    for option in _options(of):
        if get_origin(option) is list and _is_struct(get_args(option)[0]):
            return get_args(option)[0]
    return None


def _dict_member(of: Any) -> Any:
    """What the values of a mapping are; None for what is no mapping."""
    members = [get_args(o)[1] for o in _options(of) if get_origin(o) is dict]
    return members[0] if members else None


def _wants_one(of: Any) -> bool:
    notes = get_args(of)[1:] if get_origin(of) is Annotated else ()
    return any(isinstance(note, msgspec.Meta) and note.min_length for note in notes)


def _members(of: Any) -> list[str]:
    names: list[str] = []
    for option in _options(of):
        if get_origin(option) is Literal:
            names += [str(member) for member in get_args(option)]
        elif isinstance(option, type) and issubclass(option, Enum):
            names += [str(member.value) for member in option]
        elif get_args(option):
            names += _members(get_args(option)[0])
    return names

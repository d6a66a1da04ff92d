"""Mappings of `mapped` feeds: a document of JMESPath expressions, checked and compiled once."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import msgspec

from ingest.decoders.documents import as_object
from ingest.expression import Expression
from ingest.rows import key_fault
from ioc.errors import Invalid
from ioc.model import EPOCH, Feed
from ioc.model import Mapping as Version

MOST_VALUES: Final = 200
"""Properties that one row may give."""

QUICK: Final = 1_000_000
"""Bytes of a payload times characters of its mapping that are read in some milliseconds."""

TIME_FORMATS: Final = ("iso", "epoch_s", "epoch_ms")


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mapping as it is written down; every field but `values` and `time_format` is JMESPath.

    `items` finds the rows (without it the document is one row, or a list of them). `series` gives
    the series key of `value`; with `values` (property to expression) it gives what comes before
    the property: `{series}/{property}`.
    """

    series: str
    time: str = ""
    items: str = ""
    value: str = ""
    values: dict[str, str] = {}
    time_format: str = "iso"
    latitude: str = ""
    longitude: str = ""
    name: str = ""
    uom: str = ""


class Compiled(msgspec.Struct, frozen=True):
    """A mapping that is ready to be used."""

    series: Expression
    time: Expression | None
    items: Expression | None
    value: Expression | None
    values: tuple[tuple[str, Expression], ...]
    time_format: str
    latitude: Expression | None
    longitude: Expression | None
    name: Expression | None
    uom: Expression | None


def compile_mapping(document: Mapping[str, Any]) -> Compiled:
    """Check a mapping and make it ready; `Invalid` names what is wrong and how to write it."""
    try:
        encoded = msgspec.json.encode(document)
    except RecursionError:
        raise Invalid("mapping: nested too deeply; every field is a text") from None
    return _compiled(encoded)


def in_force(feed: Feed, received: datetime) -> Version | None:
    """The mapping of a feed for a payload of that moment: the one that took effect last.

    Of those that take effect at the same time it is the highest version.
    """
    known = [version for version in feed.mappings if version.effective_from <= received]
    return max(known, key=lambda each: (each.effective_from, each.version), default=None)


def takes_long(feed: Feed, size: int, received: datetime) -> bool:
    """Whether a payload of so many bytes may take long to be read by the mapping in force."""
    version = in_force(feed, received) if feed.format == "mapped" else None
    return version is not None and size * _characters(version.document) > QUICK


def _characters(document: Mapping[str, Any]) -> int:
    """Characters of all expressions: none has more steps for a row than it has characters."""
    values = as_object(document.get("values")) or {}
    texts = [text for text in (*document.values(), *values.values()) if isinstance(text, str)]
    return sum(map(len, texts))


@lru_cache(maxsize=256)
def _compiled(encoded: bytes) -> Compiled:
    try:
        given = msgspec.json.decode(encoded, type=Document)
    except msgspec.ValidationError as error:
        fields = ", ".join(Document.__struct_fields__)
        raise Invalid(f"mapping: {error}; the fields are {fields}") from error
    if bool(given.value) == bool(given.values):
        raise Invalid("mapping: give either `value`, or `values` with an expression by property")
    if bool(given.latitude) != bool(given.longitude):
        raise Invalid("mapping: `latitude` and `longitude` belong together")
    if len(given.values) > MOST_VALUES:
        raise Invalid(f"mapping: `values` may name {MOST_VALUES} properties at most")
    for name in given.values:
        fault = "a property holds no `/`" if "/" in name else key_fault(name)
        if fault:
            raise Invalid(f"mapping: values.{name[:80]}: {fault}")
    _check_time_format(given.time_format)
    return Compiled(
        series=_needed("series", given.series),
        time=_optional("time", given.time),
        items=_optional("items", given.items),
        value=_optional("value", given.value),
        values=tuple((name, _needed(f"values.{name}", e)) for name, e in given.values.items()),
        time_format=given.time_format,
        latitude=_optional("latitude", given.latitude),
        longitude=_optional("longitude", given.longitude),
        name=_optional("name", given.name),
        uom=_optional("uom", given.uom),
    )


def _check_time_format(given: str) -> None:
    if given in TIME_FORMATS:
        return
    try:
        datetime.strptime(EPOCH.strftime(given), given)  # noqa: DTZ007
        sound = "%" in given
    except ValueError:
        sound = False
    if not sound:
        listed = ", ".join(TIME_FORMATS)
        raise Invalid(
            f"mapping: time_format is {given[:80]!r}; use {listed}, or a pattern such as "
            "%d/%m/%Y %H:%M"
        )


def _needed(field: str, text: str) -> Expression:
    if not text.strip():
        raise Invalid(f"mapping: `{field}` is empty; write a JMESPath expression")
    try:
        return Expression(text)
    except Invalid as error:
        raise Invalid(f"mapping: {field}: {error}") from error


def _optional(field: str, text: str) -> Expression | None:
    return _needed(field, text) if text else None

"""Mappings of `mapped` feeds: a document of JMESPath expressions, checked and compiled once."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, cast

import jmespath
import jmespath.exceptions
import msgspec
from jmespath.functions import Functions

from ingest.decoders.documents import as_list, as_object
from ingest.rows import key_fault
from ioc.errors import Invalid
from ioc.model import EPOCH, Feed
from ioc.model import Mapping as Version

MOST_CHARACTERS: Final = 500
"""Of an expression."""

MOST_VALUES: Final = 200
"""Properties that one row may give."""

MOST_GROWTH: Final = 1_000
"""How much larger than the payload the lists and objects that an expression builds may become."""

ROOT: Final = "$."
"""Before an expression: it is read from the whole document instead of from the row."""

_FUNCTIONS: Final = frozenset(Functions.FUNCTION_TABLE)

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


class Expression:
    """A compiled expression, of the row or of the whole document."""

    def __init__(self, text: str) -> None:
        """Compile; `Invalid` says what is wrong with the text."""
        self._root = text.startswith(ROOT)
        self._compiled = _compile(text.removeprefix(ROOT))

    def of(self, row: object, root: object) -> Any:
        """The value, None where there is none; raises `Invalid` where a function cannot work."""
        try:
            return self._compiled.search(root if self._root else row)
        except (jmespath.exceptions.JMESPathError, ArithmeticError, TypeError, ValueError) as error:
            raise Invalid(str(error)[:300]) from error
        except RecursionError:
            raise Invalid("the document is nested too deeply") from None


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
    return _compiled(msgspec.json.encode(document))


def in_force(feed: Feed, received: datetime) -> Version | None:
    """The mapping of a feed for a payload of that moment: the highest version then in effect."""
    known = [version for version in feed.mappings if version.effective_from <= received]
    return max(known, key=lambda version: version.version, default=None)


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


class _Parsed:
    """What of a compiled JMESPath expression is used."""

    parsed: dict[str, Any]

    def search(self, value: object) -> Any: ...


def _compile(text: str) -> _Parsed:
    if len(text) > MOST_CHARACTERS:
        raise Invalid(f"longer than {MOST_CHARACTERS} characters")
    try:
        found = cast("_Parsed", jmespath.compile(text))
    except jmespath.exceptions.JMESPathError as error:
        place = str(error).strip().splitlines()[0]
        raise Invalid(f"{text[:80]!r} is not JMESPath: {place}") from error
    except RecursionError:
        raise Invalid("nested too deeply") from None
    _check_parts(found.parsed)
    return found


def _check_parts(parsed: dict[str, Any]) -> None:
    """Raise `Invalid` for functions that do not exist, and for an expression that grows.

    `[@,@][] | [@,@][] | …` would double at each step: the sizes of all lists and objects that an
    expression builds are multiplied.
    """
    product = 1
    pending = [parsed]
    while pending:
        node = pending.pop()
        inner = as_list(node.get("children")) or []
        if node.get("type") in ("multi_select_list", "multi_select_dict"):
            product *= max(len(inner), 1)
        if node.get("type") == "function_expression" and node.get("value") not in _FUNCTIONS:
            raise Invalid(f"there is no function `{node.get('value')}` in JMESPath")
        # The children of a slice are its numbers.
        pending.extend(child for each in inner if (child := as_object(each)) is not None)
    if product > MOST_GROWTH:
        raise Invalid("builds too many lists within lists; name what is needed directly")

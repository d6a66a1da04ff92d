"""What an attribute of an NGSI entity measures: plain or normalized, by data set, over time.

Numbers are measured, and texts that are written like one, because old agents send all values as
texts. Other texts, truths, relations and structures describe the entity and are passed over.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from ingest.decoders.documents import as_list, as_object, as_text
from ingest.numbers import read_number
from ingest.payload import Scalar
from ingest.rows import as_number, read_time

MOST_TEXT: Final = 200

Time = datetime | str | None
"""A text is a time that cannot be read."""

_OBSERVED: Final = ("observedAt", "TimeInstant", "timestamp", "dateObserved")
MODIFIED: Final = ("modifiedAt", "dateModified")

_NUMERIC: Final = frozenset({"Number", "Integer", "Float", "Double", "Long", "Quantity"})
"""Types of NGSI-v2 attributes by which a sender says that the value is a number."""

_AGGREGATES: Final = frozenset(
    {"totalCount", "distinctCount", "sum", "avg", "min", "max", "stddev", "sumsq"}
)


class Sample(NamedTuple):
    """One value, a text where only the series can tell whether it is a number.

    `kept` is the attribute with this value alone.
    """

    value: Scalar
    observed: Time
    modified: Time
    kept: Any


class Fault(NamedTuple):
    """A value that cannot be taken: why, and the attribute with this value alone."""

    detail: str
    kept: Any


class Instance(NamedTuple):
    """An attribute, or of several that a data set tells apart one."""

    dataset: str
    uom: str
    kept: Any
    found: list[Sample | Fault]


class _Given(NamedTuple):
    value: Any
    observed: Time
    modified: Time
    kept: Any


class _Told(NamedTuple):
    dataset: str
    uom: str
    kind: str
    kept: Any
    given: list[_Given | Fault]


def instances(attribute: object, *, plain_numbers: bool) -> Iterator[Instance]:
    """The measured values of an attribute; more than one instance only in a list of objects."""
    several = as_list(attribute)
    listed = [attribute] if several is None else [one for one in several if as_object(one)]
    told = [_told(one) for one in listed]
    given = [each for one in told for each in one.given if isinstance(each, _Given)]
    # A text among numbers is no description, but a value that went wrong.
    numeric = len(given) > 1 and any(as_number(each.value) is not None for each in given)
    for one in told:
        needed = numeric or one.kind in _NUMERIC
        found = _read(one, needed=needed, plain_numbers=plain_numbers)
        yield Instance(one.dataset, one.uom, one.kept, found)


def plain(value: object) -> Any:
    """The value that a typed value of JSON-LD holds."""
    typed = as_object(value)
    return typed["@value"] if typed is not None and "@value" in typed else value


def value_of(attribute: object) -> Any:
    """The value of a normalized attribute; of a plain one itself."""
    fields = as_object(attribute)
    return attribute if fields is None else plain(fields.get("value", fields))


def time_in(fields: dict[str, Any], names: tuple[str, ...]) -> Time:
    """The time that an attribute or its metadata state, best name first."""
    metadata = as_object(fields.get("metadata")) or {}
    for name in names:
        written = value_of(fields.get(name) or metadata.get(name))
        if written is not None:
            return _time(written)
    return None


def observed_at(fields: dict[str, Any]) -> Time:
    """When an attribute was observed, as it says itself."""
    return time_in(fields, _OBSERVED)


def _time(written: object) -> datetime | str:
    return read_time(written) or str(written)[:MOST_TEXT]


def _told(one: object) -> _Told:
    fields = as_object(one)
    if fields is None:
        return _Told("", "", "", one, [_Given(one, None, None, one)])
    dataset = as_text(fields.get("datasetId")).rsplit(":", 1)[-1].replace("/", ".")
    uom = _uom(fields)
    kind = as_text(fields.get("type"))
    return _Told(dataset, uom, kind, one, list(_over_time(fields, dataset, uom)))


def _over_time(fields: dict[str, Any], dataset: str, uom: str) -> Iterator[_Given | Fault]:
    """The values of one instance: one, or by the temporal representation of NGSI-LD many."""
    if "value" in fields:
        times = observed_at(fields), time_in(fields, MODIFIED)
        yield _Given(plain(fields["value"]), *times, fields)
        return
    pairs = as_list(fields.get("values"))
    normalized = fields.get("type") == "Property"
    if pairs is not None and (normalized or any(map(_pair, pairs))):
        told = {"datasetId": dataset} if dataset else {}
        told |= {"unitCode": uom} if uom else {}
        for each in pairs:
            pair = _pair(each)
            if pair is not None:
                kept = {"type": "Property", "value": pair[0], "observedAt": pair[1], **told}
                yield _Given(plain(pair[0]), _time(plain(pair[1])), None, kept)
            else:
                kept = {"type": "Property", "values": [each], **told}
                yield Fault('one of `values` is no value with its time, as [5, "2026-…"] is', kept)
    elif normalized and any(as_list(fields.get(name)) for name in _AGGREGATES):
        yield Fault("aggregates over time are not taken; ask for temporalValues", fields)


def _pair(given: object) -> list[Any] | None:
    pair = as_list(given)
    timed = pair is not None and len(pair) == 2 and isinstance(plain(pair[1]), str)
    return pair if timed else None


def _read(told: _Told, *, needed: bool, plain_numbers: bool) -> list[Sample | Fault]:
    """The values of an instance that are numbers; `needed` if others are faults."""
    found: list[Sample | Fault] = []
    for each in told.given:
        if isinstance(each, Fault):
            found.append(each)
            continue
        value = _number(each.value, told.kind, plain_numbers)
        if value is not None:
            found.append(Sample(value, each.observed, each.modified, each.kept))
        elif needed and each.value is not None:
            detail = "a number is needed; send null for what was not measured"
            found.append(Fault(detail, each.kept))
    return found


def _number(value: object, kind: str, plain_numbers: bool) -> Scalar | None:
    number = as_number(value)
    if number is not None or not isinstance(value, str):
        return number
    read = read_number(value, "plain" if plain_numbers else "vietnamese")
    return read if read is None or (plain_numbers and kind in _NUMERIC) else value


def _uom(fields: dict[str, Any]) -> str:
    metadata = as_object(fields.get("metadata")) or {}
    for name in ("unitCode", "unit", "unitText"):
        code = as_text(value_of(fields.get(name) or metadata.get(name)))
        if code:
            return code[:MOST_TEXT]
    return ""

"""Formats `ngsi-ld` and `ngsi-v2`: FIWARE notifications and entities, normalized or key-values.

Both are read by one decoder, because agencies mix them: an attribute is a plain value, an object
with `value` (NGSI-v2, or NGSI-LD with its `type`), or a list of such objects told apart by
`datasetId`. `@context` is not fetched: attributes keep the names that the sender gives them.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from ingest.decoders.documents import as_list, as_object, as_text, encode, read_documents
from ingest.payload import Decoded, Place, Setting, point
from ingest.rows import Rows, as_number, read_time
from ioc.model import Reason

URN: Final = "urn:ngsi-ld:"

LATER: Final = {
    "RoadAccident": "accidents are not taken yet; they will become imported alerts",
    "Alert": "alerts of other systems are not taken yet; they will become imported alerts",
    "KeyPerformanceIndicator": "indicators are not taken yet; they will become reported figures",
}
"""Entities that something else than observations is made of, which is built later."""

FEATURES: Final = frozenset({"RoadSegment", "Road"})
"""Entities that describe a thing: their numbers are attributes of the feature."""

_TIMES: Final = (
    "TimeInstant", "observedAt", "dateObserved", "dateObservedFrom", "dateObservedTo", "timestamp",
    "dateModified", "modifiedAt",
)  # fmt: skip
"""Where an entity says when it was observed, best first."""

_ATTRIBUTE_TIMES: Final = ("observedAt", "TimeInstant", "timestamp", "dateObserved", "modifiedAt")

_META: Final = frozenset({"id", "type", "@context", "@type", "@id", "createdAt", *_TIMES})

_OBSERVED_AT_END: Final = re.compile(r"[-_:.]\d{4}-\d\d-\d\dT[-\d:.+Z]+$")
"""Some harvesters append the time to the id, which would make a series of each observation."""

_MOST_TEXT: Final = 200


class _Value(NamedTuple):
    value: Any
    fields: dict[str, Any]
    dataset: str


def decode(body: bytes, setting: Setting) -> Decoded:
    """Read the numeric attributes of the entities, and where the entities are."""
    rows = Rows(setting.zone)
    for document in read_documents(body, rows, lines=setting.lines):
        entities = _entities(document.content)
        if entities is None:
            detail = "neither an NGSI entity with `id` and `type` nor a notification with `data`"
            rows.refuse(
                rows.next if setting.lines else -1, Reason.SHAPE_INVALID, detail, document.raw
            )
            continue
        for item in entities:
            _entity(rows, item, setting)
    return rows.done()


def _entities(content: object) -> list[Any] | None:
    listed = as_list(content)
    if listed is not None:
        return listed
    given = as_object(content)
    if given is None:
        return None
    for name in ("data", "entities", "features"):
        inner = as_list(given.get(name))
        if inner is not None:
            return inner
    return [given] if "id" in given or "@id" in given else None


def _entity(rows: Rows, item: object, setting: Setting) -> None:
    given = as_object(item)
    if given is not None and given.get("type") == "Feature":
        given = _flat(given)
    identity = "" if given is None else as_text(given.get("id") or given.get("@id"))
    if given is None or not identity:
        detail = "an NGSI entity is an object with an `id`"
        rows.refuse(rows.next, Reason.SHAPE_INVALID, detail, encode(item))
        return
    kind = _type(given.get("type") or given.get("@type"))
    if kind in LATER:
        rows.refuse(rows.next, Reason.ENTITY_UNSUPPORTED, f"{kind}: {LATER[kind]}", encode(given))
        return
    feature = _OBSERVED_AT_END.sub("", identity.removeprefix(URN)) or identity
    geometry, first = _geometry(given), rows.next
    if kind not in FEATURES:
        _attributes(rows, given, feature, setting, placed=geometry is not None)
    elif geometry is None:
        detail = f"the {kind} has no location; send it as `location` with GeoJSON"
        rows.refuse(rows.next, Reason.PLACE_INVALID, detail, encode(given))
    if geometry is not None:
        rows.put(
            Place(
                feature=feature,
                geometry=geometry,
                time=_placed_at(rows, given, first, setting),
                name=_name(given),
                attributes=_described(given) if kind in FEATURES else {},
                index=first,
                rows=rows.next - first,
            )
        )


def _attributes(
    rows: Rows, given: dict[str, Any], feature: str, setting: Setting, *, placed: bool
) -> None:
    common = _entity_time(given)
    numeric, timeless, wrong = 0, list[str](), list[str]()
    for name in given:
        for found in () if name in _META else _values(given[name]):
            number = as_number(found.value)
            if number is None:
                continue
            numeric += 1
            time = _attribute_time(found.fields) or common or setting.arrival
            if time is None:
                timeless.append(name)
            elif isinstance(time, str):
                wrong.append(name)
            else:
                part = name.replace("/", ".") + (f"@{found.dataset}" if found.dataset else "")
                rows.add(
                    rows.next, f"{feature}/{part}", time, number, _only(given, [name]),
                    uom=_uom(found.fields),
                )  # fmt: skip
    if timeless:
        detail = f"no observedAt, TimeInstant or dateObserved for {_some(timeless)}"
        rows.refuse(rows.next, Reason.TIME_MISSING, detail, _only(given, timeless))
    if wrong:
        detail = f"the time of {_some(wrong)} is not like 2026-11-22T09:00:00+07:00"
        rows.refuse(rows.next, Reason.TIME_INVALID, detail, _only(given, wrong))
    if not numeric and not placed:
        detail = "the entity has neither a numeric attribute nor a location"
        rows.refuse(rows.next, Reason.VALUE_MISSING, detail, encode(given))


def _flat(given: dict[str, Any]) -> dict[str, Any]:
    """The GeoJSON representation of an entity as the plain one."""
    properties = as_object(given.get("properties")) or {}
    located = {} if given.get("geometry") is None else {"location": given["geometry"]}
    return {**located, **properties, "id": given.get("id")}


def _type(given: object) -> str:
    listed = as_list(given)
    name = as_text(listed[0] if listed else given)
    return re.split(r"[/#:]", name)[-1]


def _values(attribute: object) -> Iterator[_Value]:
    """The values of an attribute; more than one only where `datasetId` tells them apart."""
    several = as_list(attribute)
    for one in [attribute] if several is None else several:
        fields = as_object(one)
        if fields is None:
            if several is None:
                yield _Value(one, {}, "")
        elif several is None or "value" in fields:
            dataset = as_text(fields.get("datasetId")).rsplit(":", 1)[-1].replace("/", ".")
            yield _Value(_plain(fields.get("value")), fields, dataset)


def _plain(value: object) -> Any:
    typed = as_object(value)
    return typed["@value"] if typed is not None and "@value" in typed else value


def _value_of(attribute: object) -> Any:
    fields = as_object(attribute)
    if fields is None:
        return attribute
    return _plain(fields.get("value", fields))


def _entity_time(given: dict[str, Any]) -> datetime | str | None:
    """When the entity was observed; a text is a time that cannot be read.

    Of `dateObserved` without an offset and `dateObservedFrom` with one the latter is sure.
    """
    unread, local = None, None
    for name in _TIMES:
        written = _value_of(given.get(name))
        if written is not None and written != "":
            time = read_time(written)
            if time is None:
                unread = unread or str(written)[:_MOST_TEXT]
            elif time.tzinfo is not None:
                return time
            else:
                local = local or time
    return local or unread


def _attribute_time(fields: dict[str, Any]) -> datetime | str | None:
    metadata = as_object(fields.get("metadata")) or {}
    for name in _ATTRIBUTE_TIMES:
        written = _value_of(fields.get(name) or metadata.get(name))
        if written is not None:
            return read_time(written) or str(written)[:_MOST_TEXT]
    return None


def _uom(fields: dict[str, Any]) -> str:
    metadata = as_object(fields.get("metadata")) or {}
    for name in ("unitCode", "unit", "unitText"):
        code = as_text(_value_of(fields.get(name) or metadata.get(name)))
        if code:
            return code
    return ""


def _placed_at(rows: Rows, given: dict[str, Any], first: int, setting: Setting) -> int:
    """When the entity was there: as its location says, else as its rows from `first` on do."""
    own = _attribute_time(as_object(given.get("location")) or {})
    if not isinstance(own, datetime):
        own = rows.newest(first) or _entity_time(given)
    return rows.instant(setting.received if own is None or isinstance(own, str) else own)


def _geometry(given: dict[str, Any]) -> dict[str, Any] | None:
    located = given.get("location")
    geometry = as_object(_value_of(located))
    if geometry is None and isinstance(written := _value_of(located), str):
        geometry = _latitude_first(written)
    return None if geometry is None or "type" not in geometry else geometry


def _name(given: dict[str, Any]) -> str:
    name = ""
    for label in ("name", "stationName", "roadName"):
        name = name or as_text(_value_of(given.get(label)))[:_MOST_TEXT].strip()
    return name


def _latitude_first(written: str) -> dict[str, Any] | None:
    """`geo:point` of NGSI-v2: "latitude, longitude"."""
    try:
        latitude, longitude = map(float, written.split(","))
    except ValueError:
        return None
    return point(longitude, latitude)


def _described(given: dict[str, Any]) -> dict[str, Any]:
    """What an entity says of the thing itself: its numbers, truths and short texts."""
    found: dict[str, Any] = {}
    for name in given.keys() - _META - {"location", "name"}:
        value = _value_of(given[name])
        if isinstance(value, bool | int | float) or (
            isinstance(value, str) and len(value) <= _MOST_TEXT
        ):
            found[name] = value
    return dict(sorted(found.items()))


def _only(given: dict[str, Any], names: list[str]) -> bytes:
    """The entity with no other attributes than these; it stands by itself."""
    return encode({name: value for name, value in given.items() if name in _META or name in names})


def _some(names: list[str]) -> str:
    return ", ".join(sorted(set(names)))[:_MOST_TEXT]

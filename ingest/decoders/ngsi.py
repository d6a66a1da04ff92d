"""Formats `ngsi-ld` and `ngsi-v2`: FIWARE notifications and entities, normalized or key-values.

Both are read by one decoder, because agencies mix them: an attribute is a plain value, an object
with `value` (NGSI-v2, or NGSI-LD with its `type`), or a list of such objects told apart by
`datasetId`. `@context` is not fetched: attributes keep the names that the sender gives them.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Any, Final

from ingest.decoders import performance, warned
from ingest.decoders.attributes import (
    MODIFIED,
    MOST_TEXT,
    Instance,
    Sample,
    Time,
    instances,
    observed_at,
    value_of,
)
from ingest.decoders.documents import as_list, as_object, as_text, encode, read_documents
from ingest.decoders.entity import (
    OBSERVED,
    Wrong,
    first_time,
    flat,
    geometry_of,
    name_of,
    type_of,
)
from ingest.payload import Decoded, Place, Setting
from ingest.rows import Rows, key_fault
from ioc.model import Reason

URN: Final = "urn:ngsi-ld:"

FEATURES: Final = frozenset({"RoadSegment", "Road"})
"""Entities that describe a thing: their numbers are attributes of the feature."""

_LISTS: Final = frozenset({"Notification", "FeatureCollection"})
"""What has an `id` and is no entity, but holds some."""

_META: Final = frozenset(
    {"id", "type", "@context", "@type", "@id", "createdAt", "dateCreated", *OBSERVED, *MODIFIED}
)

_OBSERVED_AT_END: Final = re.compile(r"[-_:.]\d{4}-\d\d-\d\dT[-\d:.+Z]+$")
"""Some harvesters append the time to the id, which would make a series of each observation."""


class _Entity:
    """What the values of an entity share; `kept` is what each of them is kept with."""

    def __init__(self, given: dict[str, Any], identity: str, kind: str) -> None:
        self.given = given
        self.kind = kind
        self.feature = _OBSERVED_AT_END.sub("", identity.removeprefix(URN)) or identity
        self.observed = first_time(given, OBSERVED)
        self.modified = first_time(given, MODIFIED)
        self._kept: dict[str, Any] = {"id": identity, "type": kind[:MOST_TEXT]}
        for name in (*OBSERVED, *MODIFIED):
            written = as_text(value_of(given.get(name)))
            if 0 < len(written) <= MOST_TEXT:
                self._kept[name] = written

    def time(self, sample: Sample) -> Time:
        """When a value was observed.

        NGSI-LD (ETSI GS CIM 009, 4.8) keeps `observedAt`, of the phenomenon, apart from
        `modifiedAt`, at which the broker wrote, as NGSI-v2 does `dateModified`. A broker that is
        filled later writes later: its time stands in only where nobody says when it was observed.
        """
        return sample.observed or self.observed or sample.modified or self.modified

    def only(self, values: dict[str, list[Any]]) -> bytes:
        """The entity with no other values than these; it stands by itself."""
        kept = {name: each if len(each) > 1 else each[0] for name, each in values.items()}
        return encode({**self._kept, **kept})


def decode(body: bytes, setting: Setting) -> Decoded:
    """Read the measured values of the entities, and where the entities are."""
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
    return rows.done(numeric_texts=True)


def _entities(content: object) -> list[Any] | None:
    listed = as_list(content)
    if listed is not None:
        return listed
    given = as_object(content)
    if given is None:
        return None
    identified = "id" in given or "@id" in given
    if not identified or type_of(given.get("type")) in _LISTS:
        for name in ("data", "entities", "features"):
            inner = as_object(given.get(name))
            listed = as_list(given.get(name) if inner is None else inner.get("features"))
            if listed is not None:
                return listed
    return [given] if identified else None


def _entity(rows: Rows, item: object, setting: Setting) -> None:
    given = as_object(item)
    if given is not None and given.get("type") == "Feature":
        given = flat(given)
    identity = "" if given is None else as_text(given.get("id") or given.get("@id"))
    if given is None or not identity:
        detail = "an NGSI entity is an object with an `id`; send it with the one of its broker"
        rows.refuse(rows.next, Reason.SHAPE_INVALID, detail, encode(item))
        return
    kind = type_of(given.get("type") or given.get("@type"))
    if kind == performance.KIND or kind in warned.KINDS:
        _no_observation(rows, given, identity, kind, setting)
        return
    fault = key_fault(identity)
    if fault is not None:
        detail = f"`id` of the entity: {fault}"
        rows.refuse(rows.next, Reason.SERIES_INVALID, detail, encode(given))
        return
    entity = _Entity(given, identity, kind)
    geometry, first = geometry_of(given), rows.next
    if kind not in FEATURES:
        _attributes(rows, entity, setting, placed=geometry is not None)
    elif geometry is None:
        detail = f"the {kind} has no location; send it as `location` with GeoJSON"
        rows.refuse(rows.next, Reason.PLACE_INVALID, detail, encode(given))
    if geometry is not None:
        rows.put(
            Place(
                feature=entity.feature,
                geometry=geometry,
                time=_placed_at(rows, entity, first, setting),
                name=name_of(given),
                attributes=_described(given) if kind in FEATURES else {},
                index=first,
                rows=rows.next - first,
            )
        )


def _no_observation(
    rows: Rows, given: dict[str, Any], identity: str, kind: str, setting: Setting
) -> None:
    """Take an entity that is a report or a warning."""
    try:
        if kind == performance.KIND:
            rows.report(rows.next, performance.report_of(given, identity))
        else:
            rows.warn(warned.warning_of(given, identity, kind, setting))
    except Wrong as wrong:
        rows.refuse(rows.next, wrong.reason, wrong.detail, encode(given))


def _attributes(rows: Rows, entity: _Entity, setting: Setting, *, placed: bool) -> None:
    first = rows.next
    timeless, wrong = dict[str, list[Any]](), dict[str, list[Any]]()
    for name, attribute in entity.given.items():
        if name in _META:
            continue
        for instance in instances(attribute, plain_numbers=setting.plain_numbers):
            for sample in _samples(rows, entity, name, instance):
                time = entity.time(sample) or setting.arrival
                if time is None:
                    timeless.setdefault(name, []).append(sample.kept)
                elif isinstance(time, str):
                    wrong.setdefault(name, []).append(sample.kept)
                else:
                    raw = partial(entity.only, {name: [sample.kept]})
                    key = _key(entity, name, instance)
                    rows.add(rows.next, key, time, sample.value, raw, uom=instance.uom)
    if timeless:
        detail = f"no observedAt, TimeInstant or dateObserved for {_some(timeless)}"
        rows.refuse(rows.next, Reason.TIME_MISSING, detail, entity.only(timeless))
    if wrong:
        detail = f"the time of {_some(wrong)} is not like 2026-11-22T09:00:00+07:00"
        rows.refuse(rows.next, Reason.TIME_INVALID, detail, entity.only(wrong))
    if rows.next == first and not placed:
        detail = "the entity has neither a numeric attribute nor a location"
        rows.refuse(rows.next, Reason.VALUE_MISSING, detail, encode(entity.given))


def _samples(rows: Rows, entity: _Entity, name: str, instance: Instance) -> Iterator[Sample]:
    """The values that can be taken of an instance; the others are refused."""
    fault = key_fault(_key(entity, name, instance))
    if fault is not None:
        # Once for all of its values: each would carry the whole of what is too long.
        if instance.found:
            raw = entity.only({name: [instance.kept]})
            rows.refuse(rows.next, Reason.SERIES_INVALID, fault, raw)
        return
    for found in instance.found:
        if isinstance(found, Sample):
            yield found
        else:
            raw = entity.only({name: [found.kept]})
            rows.refuse(rows.next, Reason.VALUE_INVALID, f"`{name}`: {found.detail}", raw)


def _key(entity: _Entity, name: str, instance: Instance) -> str:
    dataset = f"@{instance.dataset}" if instance.dataset else ""
    return f"{entity.feature}/{name.replace('/', '.')}{dataset}"


def _placed_at(rows: Rows, entity: _Entity, first: int, setting: Setting) -> int:
    """When the entity was there: as its location says, else as its rows from `first` on do."""
    own = observed_at(as_object(entity.given.get("location")) or {})
    if not isinstance(own, datetime):
        own = rows.newest(first) or entity.observed or entity.modified
    return rows.instant(setting.received if own is None or isinstance(own, str) else own)


def _described(given: dict[str, Any]) -> dict[str, Any]:
    """What an entity says of the thing itself: its numbers, truths and short texts."""
    found: dict[str, Any] = {}
    for name in given.keys() - _META - {"location", "name"}:
        value = value_of(given[name])
        if isinstance(value, bool | int | float) or (
            isinstance(value, str) and len(value) <= MOST_TEXT
        ):
            found[name] = value
    return dict(sorted(found.items()))


def _some(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))[:MOST_TEXT]

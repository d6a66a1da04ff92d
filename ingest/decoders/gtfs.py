"""Format `gtfs`: vehicle positions of GTFS-Realtime (https://gtfs.org/documentation/realtime)."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import numpy as np
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2

from ingest.payload import Decoded, Place, Setting, nothing, point
from ingest.rows import Rows, from_seconds
from ioc.model import Reason

PROTOBUF: Final = "application/x-protobuf"

_FIELDS: Final = (
    ("latitude", "latitude", "deg"),
    ("longitude", "longitude", "deg"),
    ("bearing", "bearing", "deg"),
    ("speed", "speed", "m/s"),
    ("odometer", "odometer", "m"),
)
"""Fields of a position, their property and what the specification says they are measured in."""


def decode(body: bytes, setting: Setting) -> Decoded:
    """Read each vehicle's position as observations, and as the place of the vehicle."""
    message: Any = gtfs_realtime_pb2.FeedMessage()
    try:
        message.ParseFromString(body)
        whole = message.IsInitialized()
    except (DecodeError, UnicodeDecodeError):
        whole = False
    if not whole:
        return nothing(Reason.SHAPE_INVALID, "not a FeedMessage of GTFS-Realtime", body)
    rows = Rows(setting.zone)
    others: list[Any] = []
    for entity in message.entity:
        # What is deleted may still carry what it was; it holds no observation.
        if entity.is_deleted:
            continue
        if entity.HasField("vehicle"):
            _vehicle(rows, _part(entity, _is_vehicle), message.header, setting)
        if not entity.HasField("vehicle") or _kinds(entity):
            others.append(_part(entity, lambda field: not _is_vehicle(field)))
    if others:
        counts = Counter(kind for entity in others for kind in _kinds(entity) or ["nothing"])
        named = ", ".join(f"{count} of {kind}" for kind, count in sorted(counts.items()))
        detail = f"{named}: only vehicle positions are taken"
        raw = _message(message.header, others)
        rows.refuse(rows.next, Reason.ENTITY_UNSUPPORTED, detail, raw, kind=PROTOBUF)
    return rows.done()


def _is_vehicle(field: str) -> bool:
    return field == "vehicle"


def _kinds(entity: Any) -> list[str]:
    """What an entity is of, beside a vehicle."""
    named = (field.name for field, _ in entity.ListFields())
    return [name for name in named if name not in ("id", "is_deleted", "vehicle")]


def _part(entity: Any, wanted: Callable[[str], bool]) -> Any:
    """The entity with the kinds of content that are wanted."""
    part: Any = gtfs_realtime_pb2.FeedEntity()
    part.CopyFrom(entity)
    for kind in ("vehicle", *_kinds(entity)):
        if not wanted(kind):
            part.ClearField(kind)
    return part


def _message(header: Any, entities: list[Any]) -> bytes:
    """A message with some of the entities, which stands by itself."""
    made: Any = gtfs_realtime_pb2.FeedMessage()
    # Not all that a header may hold: it is kept with each vehicle that is refused.
    made.header.gtfs_realtime_version = "2.0"
    made.header.timestamp = header.timestamp
    made.entity.extend(entities)
    return made.SerializeToString()


def _vehicle(rows: Rows, entity: Any, header: Any, setting: Setting) -> None:
    vehicle, raw = entity.vehicle, partial(_message, header, [entity])
    told = vehicle.vehicle
    # Protobuf gives a text that is not UTF-8 as bytes.
    if any(
        isinstance(each, bytes) for each in (told.id, told.label, told.license_plate, entity.id)
    ):
        detail = "id, label or licence plate of the vehicle is not UTF-8; send UTF-8"
        rows.refuse(rows.next, Reason.ENCODING_INVALID, detail, raw, kind=PROTOBUF)
        return
    name = told.id or told.label or entity.id
    if not vehicle.HasField("position"):
        detail = "the vehicle has no position"
        rows.refuse(rows.next, Reason.VALUE_MISSING, detail, raw, kind=PROTOBUF)
        return
    seconds = vehicle.timestamp or header.timestamp
    time = from_seconds(seconds) if seconds else setting.arrival
    if time is None:
        detail = "neither the vehicle nor the header has a timestamp"
        rows.refuse(rows.next, Reason.TIME_MISSING, detail, raw, kind=PROTOBUF)
        return
    position = vehicle.position
    place = point(_short(position.longitude), _short(position.latitude))
    label = told.label or told.license_plate
    first = rows.next
    for field, prop, uom in _FIELDS:
        if position.HasField(field):
            value = getattr(position, field)
            value = value if field == "odometer" else _short(value)
            rows.add(rows.next, f"{name}/{prop}", time, value, raw, uom=uom, kind=PROTOBUF)
    rows.put(
        Place(
            feature=name,
            geometry=place,
            time=rows.instant(time),
            name=label[:200],
            index=first,
            rows=rows.next - first,
        )
    )


def _short(single: float) -> float:
    """The shortest number that is the same in single precision: 12.3, not 12.300000190734863."""
    return float(str(np.float32(single)))

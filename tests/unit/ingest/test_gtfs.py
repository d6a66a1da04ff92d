"""GTFS-Realtime vehicle positions."""

from typing import Any

import pytest
from google.transit import gtfs_realtime_pb2
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.decoding import decoded, refusals, rows

AT = 1_795_312_800


def _message(stamp: int = AT, **more: Any) -> Any:
    message = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    if stamp:
        message.header.timestamp = stamp
    entity = message.entity.add(id="e1")
    entity.vehicle.position.latitude = 21.3
    entity.vehicle.position.longitude = 105.4
    for name, value in more.items():
        setattr(entity.vehicle.position, name, value)
    return message


@pytest.mark.parametrize(
    ("kind", "format"),
    [("application/x-protobuf", "auto"), ("application/octet-stream", "auto"), ("", "gtfs")],
)
def test_positions_are_observations_and_places(kind: str, format: str) -> None:
    found = decoded(_message(speed=12.3).SerializeToString(), kind, format=format)
    assert rows(found) == [
        ("e1/latitude", "2026-11-22T02:00:00Z", 21.3),
        ("e1/longitude", "2026-11-22T02:00:00Z", 105.4),
        ("e1/speed", "2026-11-22T02:00:00Z", 12.3),
    ]
    assert found.uoms == ["deg", "deg", "m/s"]
    assert found.places[0].geometry["coordinates"] == [105.4, 21.3]


def test_the_vehicle_has_its_own_name_and_time() -> None:
    message = _message()
    message.entity[0].vehicle.vehicle.id = "xe-7"
    message.entity[0].vehicle.timestamp = AT + 5
    found = decoded(message.SerializeToString(), "application/x-protobuf")
    assert rows(found)[0][:2] == ("xe-7/latitude", "2026-11-22T02:00:05Z")


def test_without_a_time_a_vehicle_is_refused_unless_the_arrival_counts() -> None:
    body = _message(stamp=0).SerializeToString()
    assert refusals(decoded(body, "", format="gtfs")) == {0: "time_missing"}
    assert len(decoded(body, "", format="gtfs", time_source="arrival").keys) == 2


def test_what_is_kept_of_a_vehicle_is_a_message_of_its_own() -> None:
    message = _message()
    message.entity[0].vehicle.vehicle.id = "x" * 300
    [first, *_] = decoded(message.SerializeToString(), "", format="gtfs").refused
    assert first.kind == "application/x-protobuf"
    kept = gtfs_realtime_pb2.FeedMessage.FromString(first.raw)
    assert [entity.id for entity in kept.entity] == ["e1"]


def test_deleted_vehicles_are_passed_over_and_other_entities_are_refused_together() -> None:
    message = _message()
    message.entity.add(id="gone").is_deleted = True
    message.entity.add(id="t1").trip_update.trip.trip_id = "t1"
    message.entity.add(id="a1").alert.header_text.translation.add(text="x")
    found = decoded(message.SerializeToString(), "", format="gtfs")
    assert refusals(found) == {2: "entity_unsupported"}
    assert found.received == 3


def test_a_deleted_vehicle_is_neither_stored_nor_placed_whatever_it_carries() -> None:
    message = _message(speed=12.3)
    message.entity[0].is_deleted = True
    message.entity[0].alert.header_text.translation.add(text="x")
    found = decoded(message.SerializeToString(), "", format="gtfs")
    assert (found.received, list(found.places)) == (0, [])


def test_what_an_entity_holds_beside_its_vehicle_is_refused_by_name() -> None:
    message = _message()
    message.entity[0].trip_update.trip.trip_id = "t1"
    message.entity[0].alert.header_text.translation.add(text="x")
    message.entity.add(id="t2").trip_update.trip.trip_id = "t2"
    found = decoded(message.SerializeToString(), "", format="gtfs")
    assert [row[0] for row in rows(found)] == ["e1/latitude", "e1/longitude"]
    assert refusals(found) == {2: "entity_unsupported"}
    [refused] = found.refused
    assert refused.problem.detail.startswith("1 of alert, 2 of trip_update")
    kept = gtfs_realtime_pb2.FeedMessage.FromString(refused.raw)
    assert [entity.id for entity in kept.entity] == ["e1", "t2"]
    assert not kept.entity[0].HasField("vehicle")


def test_what_is_kept_of_a_vehicle_holds_nothing_else() -> None:
    message = _message(stamp=0)
    message.entity[0].trip_update.trip.trip_id = "t1"
    found = decoded(message.SerializeToString(), "", format="gtfs")
    assert refusals(found) == {0: "time_missing", 1: "entity_unsupported"}
    kept = gtfs_realtime_pb2.FeedMessage.FromString(found.refused[0].raw)
    assert not kept.entity[0].HasField("trip_update")
    assert refusals(decoded(found.refused[0].raw, "", format="gtfs")) == {0: "time_missing"}


def test_milliseconds_are_named_where_seconds_are_meant() -> None:
    found = decoded(_message(stamp=AT * 1000).SerializeToString(), "", format="gtfs")
    assert refusals(found) == dict.fromkeys((0, 1), "time_invalid")
    assert "milliseconds" in found.refused[0].problem.detail


def test_a_name_that_is_not_utf8_is_refused_by_itself() -> None:
    message = _message()
    message.entity[0].vehicle.vehicle.label = "@@"
    message.entity.add().CopyFrom(_message().entity[0])
    found = decoded(message.SerializeToString().replace(b"@@", b"\xff@"), "", format="gtfs")
    assert refusals(found) == {0: "encoding_invalid"}
    assert [row[0] for row in rows(found)] == ["e1/latitude", "e1/longitude"]


_fields = st.sets(st.sampled_from(["bearing", "speed", "odometer"]))


@given(st.lists(st.tuples(st.booleans(), st.none() | _fields, st.booleans()), max_size=5))
def test_each_value_of_a_vehicle_is_a_row_or_a_refusal_and_all_else_is_refused_once(
    entities: list[tuple[bool, set[str] | None, bool]],
) -> None:
    message = _message()
    del message.entity[:]
    values = others = 0
    for deleted, fields, updated in entities:
        entity = message.entity.add(id="e", is_deleted=deleted)
        if fields is not None:
            entity.vehicle.position.latitude = entity.vehicle.position.longitude = 20
            for field in fields:
                setattr(entity.vehicle.position, field, float("nan"))
        if updated:
            entity.trip_update.trip.trip_id = "t"
        values += 0 if deleted or fields is None else 2 + len(fields)
        others += not deleted and (updated or fields is None)
    found = decoded(message.SerializeToString(), "", format="gtfs")
    assert found.received == values + bool(others)


def test_anything_else_is_refused_whole() -> None:
    for body in (b"\x0a\x03abc", b"xyz", _message().SerializeToString()[:-3]):
        assert refusals(decoded(body, "", format="gtfs")) == {-1: "shape_invalid"}

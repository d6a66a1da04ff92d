"""GTFS-Realtime vehicle positions."""

from typing import Any

import pytest
from google.transit import gtfs_realtime_pb2

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


def test_anything_else_is_refused_whole() -> None:
    for body in (b"\x0a\x03abc", b"xyz", _message().SerializeToString()[:-3]):
        assert refusals(decoded(body, "", format="gtfs")) == {-1: "shape_invalid"}

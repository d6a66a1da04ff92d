"""Markers on the map: they stand where the newest stored observation has them, and nowhere else."""

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
from google.transit import gtfs_realtime_pb2

from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

PROTOBUF = "application/x-protobuf"
NGSI = "application/ld+json"


def _position(longitude: float, at: datetime) -> bytes:
    message: Any = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    vehicle = message.entity.add(id="xe-01").vehicle
    vehicle.timestamp = int(at.timestamp())
    vehicle.position.latitude, vehicle.position.longitude = 21.25, longitude
    return message.SerializeToString()


def _road(longitude: float, at: datetime) -> dict[str, Any]:
    line = {"type": "LineString", "coordinates": [[longitude, 21.25], [105.5, 21.25]]}
    return {"id": "ql2", "type": "RoadSegment", "dateModified": stamp(at),
            "location": {"value": line}}  # fmt: skip


def _longitude(operator: httpx2.Client, feature: str) -> float | None:
    """Where the wall's map shows a feature, by its first position."""
    for found in operator.get("/layers/traffic").json()["features"]:
        if found["id"] == feature and found["geometry"] is not None:
            first = found["geometry"]["coordinates"]
            return first[0][0] if isinstance(first[0], list) else first[0]
    return None


def _written(server: Server, door: FeedDoor, feature: str) -> datetime | None:
    """Of which time the place is that the database knows."""
    with server.database() as conn:
        row = conn.execute(
            "SELECT placed_at FROM feature JOIN feed f USING (feed_key) "
            "WHERE f.id = %s AND feature.id = %s",
            [door.feed, feature],
        ).fetchone()
    return None if row is None else row[0]


def test_refused_late_and_old_positions_do_not_move_a_vehicle_over_a_restart_either(
    own_server: Server,
) -> None:
    own_server.start()
    operator = own_server.sign_in()
    door = own_server.feed("buses", domain="traffic", late_limit=7 * 86400.0)
    at = now().replace(microsecond=0)
    assert door.post(_position(105.25, at), PROTOBUF).json()["stored"] == 2
    eventually(lambda: _longitude(operator, "buses/xe-01") == 105.25)

    def send_wrong_ones() -> None:
        old = door.post(_position(105.75, at - timedelta(hours=1)), PROTOBUF).json()
        late = door.post(_position(105.5, at - timedelta(days=10)), PROTOBUF).json()
        ahead = door.post(_position(105.0, at + timedelta(hours=3)), PROTOBUF).json()
        assert old["received"] == old["stored"] + old["duplicate"] == 2
        assert (late["late"], ahead["quarantined"]) == (2, 2)

    send_wrong_ones()
    own_server.stop()
    own_server.start()
    door.wait_known()
    operator = own_server.sign_in()
    assert _longitude(operator, "buses/xe-01") == 105.25
    assert _written(own_server, door, "xe-01") == at
    send_wrong_ones()
    after = at + timedelta(seconds=1)
    assert door.post(_position(105.375, after), PROTOBUF).json()["stored"] == 2
    eventually(lambda: _longitude(operator, "buses/xe-01") == 105.375)


def test_a_road_is_where_its_newest_description_has_it_and_is_told_of_one_ahead_of_time(
    server: Server,
) -> None:
    door = server.feed("roads", domain="traffic", format="ngsi-ld")
    operator = server.sign_in()
    at = now().replace(microsecond=0)
    for longitude, age in ((105.25, 400), (105.0, 800), (105.375, 1)):
        answer = door.post([_road(longitude, at - timedelta(days=age))], NGSI).json()
        assert (answer["received"], answer["problems"]) == (0, [])
    answer = door.post([_road(105.125, at + timedelta(hours=3))], NGSI).json()
    assert [problem["reason"] for problem in answer["problems"]] == ["time_future"]
    eventually(lambda: _longitude(operator, "roads/ql2") == 105.375)


def test_degrees_that_cannot_be_read_are_told_and_their_observation_is_stored(
    server: Server, tmp_path: Path
) -> None:
    door = server.feed("mapped.places", domain="traffic", format="mapped")
    mapping = tmp_path / "mapping.json"
    fields = {"series": "id", "time": "at", "value": "x", "latitude": "lat", "longitude": "lon"}
    mapping.write_text(json.dumps(fields))
    server.command("feed", "mapping", door.feed, str(mapping))
    row = {"id": "a/x", "at": stamp(), "x": 1, "lat": "phía bắc", "lon": 105.4}
    eventually(lambda: door.post([row]).status_code == 200)
    answer = door.post([row, {**row, "id": "b/x", "lat": 21.3}]).json()
    assert (answer["duplicate"], answer["stored"], answer["quarantined"]) == (1, 1, 0)
    assert [(p["index"], p["reason"]) for p in answer["problems"]] == [(0, "place_invalid")]

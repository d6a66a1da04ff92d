"""What agencies already send, through the front door: stored, placed, and refused by its cure."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

from google.transit import gtfs_realtime_pb2

from ingest.decoders.sparkplug_message import Message
from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp


def _entity(longitude: float, latitude: float, value: float = 41.5) -> dict[str, Any]:
    return {
        "id": "urn:ngsi-ld:AirQualityObserved:viet-tri", "type": "AirQualityObserved",
        "name": {"type": "Property", "value": "Trạm Việt Trì"},
        "pm25": {"type": "Property", "value": value, "unitCode": "GQ", "observedAt": stamp()},
        "location": {"type": "GeoProperty",
                     "value": {"type": "Point", "coordinates": [longitude, latitude]}},
    }  # fmt: skip


def _keys(server: Server, feed: str) -> dict[str, str | None]:
    with server.database() as conn:
        found = conn.execute(
            "SELECT s.key, s.uom FROM series s JOIN feed f USING (feed_key) WHERE f.id = %s", [feed]
        ).fetchall()
    return dict(found)


def _placed(server: Server, layer: str, feature: str) -> Any:
    features = server.sign_in().get(f"/layers/{layer}").json()["features"]
    return next((f for f in features if f["id"] == feature), None)


def test_entities_are_stored_and_placed_on_the_map_and_move_there(server: Server) -> None:
    door = server.feed("air.ngsi", domain="environment")
    answer = door.post(_entity(105.39, 21.32), "application/ld+json").json()
    assert (answer["stored"], answer["problems"]) == (1, [])
    assert _keys(server, "air.ngsi") == {"AirQualityObserved:viet-tri/pm25": "ug/m3"}
    feature = "air.ngsi/AirQualityObserved:viet-tri"

    def at(longitude: float) -> bool:
        found = _placed(server, "environment", feature)
        return bool(
            found
            and found["geometry"] == {"type": "Point", "coordinates": [longitude, 21.32]}
            and found["properties"]["name"] == "Trạm Việt Trì"
        )

    eventually(lambda: at(105.39))
    door.publish(json.dumps(_entity(105.45, 21.32)).encode())
    eventually(lambda: at(105.45))


def test_a_swapped_place_is_told_and_its_observation_is_kept(server: Server) -> None:
    door = server.feed("air.swapped", domain="environment")
    answer = door.post(_entity(21.32, 105.39), "application/ld+json").json()
    assert (answer["received"], answer["stored"], answer["quarantined"]) == (1, 1, 0)
    [problem] = answer["problems"]
    assert problem["reason"] == "place_invalid"
    assert "longitude comes first" in problem["detail"]


def test_an_observation_with_another_unit_than_its_series_is_kept_aside(server: Server) -> None:
    door = server.feed("air.units", domain="environment")
    assert door.post(_entity(105.39, 21.32)).json()["stored"] == 1
    other = json.dumps(_entity(105.39, 21.32)).replace('"GQ"', '"GP"')
    answer = door.post(other.encode()).json()
    assert [problem["reason"] for problem in answer["problems"]] == ["uom_mismatch"]


def test_standard_topics_of_sensorthings_and_sparkplug_lie_below_the_feed(server: Server) -> None:
    things, plant = server.feed("sta"), server.feed("spb")
    observation = {"phenomenonTime": stamp(), "result": 37.5}
    things.publish(json.dumps(observation).encode(), below="/v1.1/Datastreams(7)/Observations")
    eventually(lambda: server.stored("sta") == 1)
    assert list(_keys(server, "sta")) == ["7"]
    birth: Any = Message()
    birth.timestamp = int((now() - timedelta(seconds=2)).timestamp() * 1000)
    birth.metrics.add(name="ap-suat", alias=7, datatype=10, double_value=4.25)
    plant.publish(birth.SerializeToString(), below="/spBv1.0/nuoc/NBIRTH/bom")
    data: Any = Message()
    data.timestamp = birth.timestamp + 1000
    data.metrics.add(alias=7, double_value=4.5)
    data.metrics.add(alias=8, double_value=1)
    plant.publish(data.SerializeToString(), below="/spBv1.0/nuoc/NDATA/bom")
    eventually(lambda: server.stored("spb") == 2)
    assert list(_keys(server, "spb")) == ["nuoc/bom/ap-suat"]
    [kept] = plant.quarantine()
    assert (kept["reason"], "rebirth" in kept["detail"]) == ("alias_unknown", True)


def test_a_node_goes_on_speaking_by_alias_after_a_restart(own_server: Server) -> None:
    own_server.start()
    door = own_server.feed("spb")
    birth: Any = Message()
    birth.timestamp = int((now() - timedelta(seconds=9)).timestamp() * 1000)
    birth.metrics.add(name="bdSeq", datatype=8, long_value=7)
    birth.metrics.add(name="muc", alias=1, datatype=1, int_value=2**32 - 5)
    door.publish(birth.SerializeToString(), below="/spBv1.0/nuoc/NBIRTH/bom")
    eventually(lambda: own_server.stored("spb") == 1)
    own_server.kill()
    own_server.start()
    late_will: Any = Message()
    late_will.metrics.add(name="bdSeq", datatype=8, long_value=6)
    data: Any = Message()
    data.timestamp = birth.timestamp + 1000
    data.metrics.add(alias=1, int_value=2**32 - 6)
    door.publish(late_will.SerializeToString(), below="/spBv1.0/nuoc/NDEATH/bom")
    door.publish(data.SerializeToString(), below="/spBv1.0/nuoc/NDATA/bom")
    eventually(lambda: own_server.stored("spb") == 2)
    with own_server.database() as conn:
        values = conn.execute("SELECT value FROM observation ORDER BY phenomenon_time").fetchall()
    assert values == [(-5.0,), (-6.0,)]


def test_vehicle_positions_are_stored_and_placed(server: Server) -> None:
    door = server.feed("buses", domain="traffic")
    message = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = int(now().timestamp())
    vehicle = message.entity.add(id="xe-01").vehicle
    vehicle.position.latitude, vehicle.position.longitude = 21.32, 105.39
    vehicle.position.speed = 12.3
    answer = door.post(message.SerializeToString(), "application/x-protobuf").json()
    assert (answer["stored"], answer["problems"]) == (3, [])
    assert _keys(server, "buses")["xe-01/speed"] == "m/s"
    eventually(lambda: (_placed(server, "traffic", "buses/xe-01") or {}).get("geometry"))


def test_a_mapping_and_other_settings_are_given_by_command(server: Server, tmp_path: Path) -> None:
    door = server.feed("rivers", domain="environment", format="auto")
    row = {"tram": "T01", "luc": now().strftime("%d/%m/%Y %H:%M:%S"), "muc": "1.803,5"}
    server.command("feed", "set", "rivers", "--format", "mapped", "--number-format", "vietnamese")
    eventually(lambda: door.post([row]).status_code == 400)
    assert door.post([row]).json()["values"]["reason"] == "mapping_missing"
    mapping = tmp_path / "mapping.json"
    mapping.write_text(
        json.dumps(
            {"series": "tram", "time": "luc", "time_format": "%d/%m/%Y %H:%M:%S",
             "values": {"level": "muc"}}
        )
    )  # fmt: skip
    server.command("feed", "mapping", "rivers", str(mapping), "--from", "2026-01-01T00:00:00Z")
    eventually(lambda: door.post([row]).status_code == 200)
    with server.database() as conn:
        found = conn.execute(
            "SELECT key, value FROM observation JOIN series USING (series_id) "
            "JOIN feed USING (feed_key) WHERE feed.id = 'rivers'"
        ).fetchall()
    assert found == [("T01/level", 1803.5)]


def _mapped(server: Server, feed: str, document: dict[str, Any]) -> FeedDoor:
    door = server.feed(feed, domain="environment", format="mapped")
    client = server.sign_in("administrator")
    told = {"mapping": document, "effective_from": "2026-01-01T00:00:00Z"}
    assert client.put(f"/feeds/{feed}/mapping", json=told).status_code == 200
    eventually(lambda: "mapping_missing" not in door.post({}).text)
    return door


def test_a_table_over_mqtt_is_read_by_the_mapping_of_its_feed(server: Server) -> None:
    document = {"series": "tram", "time": "luc", "value": "muc"}
    door = _mapped(server, "rivers.table", document)
    table = f"tram;luc;muc\na/x;{stamp()};3\nb/x;{stamp()};4\n"
    door.publish(table.encode())
    eventually(lambda: server.stored("rivers.table") == 2)


def test_a_mapping_that_takes_long_holds_up_no_other_feed(server: Server) -> None:
    document = {"series": "'a'", "value": "r[?@ == `2`] | length(@)", "time": "t"}
    slow, quick = _mapped(server, "long.mapping", document), server.feed("beside")
    row = {"series": "a/x", "time": stamp(), "value": 1}
    # The broker hands on in its order what it has acknowledged.
    slow.publish(json.dumps({"t": stamp(), "r": [1] * 500_000}).encode())
    slow.publish(json.dumps({"t": stamp(now() - timedelta(hours=1)), "r": [2]}).encode())
    quick.publish(json.dumps(row).encode())
    eventually(lambda: server.stored("beside") == 1)
    assert server.stored("long.mapping") == 0
    eventually(lambda: server.stored("long.mapping") == 2)


def test_json_that_is_nested_too_deeply_is_refused_for_its_depth(server: Server) -> None:
    document = {"series": "id", "time": "t", "value": "v"}
    door = _mapped(server, "deep.mapping", document)
    deep = b'{"a":' * 700 + b"1" + b"}" * 700
    answer = door.post(deep)
    assert (answer.status_code, "levels deep" in answer.json()["detail"]) == (400, True)
    client = server.sign_in("administrator")
    for levels, said in ((700, "levels deep"), (100_000, "recursion")):
        sample = b'{"a":' * levels + b"1" + b"}" * levels
        body = b'{"mapping":' + json.dumps(document).encode() + b',"sample":' + sample + b"}"
        tried = client.post(f"/feeds/{door.feed}/mapping/test", content=body)
        assert said in tried.text
        assert tried.status_code == (200 if levels == 700 else 400)

"""From an agency's hands to the store and back: REST and MQTT, receipts, ledger, quarantine."""

import gzip
import json
from datetime import timedelta

import httpx2
import zstandard

from tests.fixtures.server import Server, eventually, now, stamp


def _item(series: str, value: float, seconds_ago: float = 0) -> dict[str, object]:
    at = now() - timedelta(seconds=seconds_ago)
    return {"series": series, "time": stamp(at), "value": value}


def _adds_up(ledger: dict[str, int]) -> bool:
    parts = ("stored", "duplicate", "corrected", "late", "quarantined")
    return ledger["received"] == sum(ledger[part] for part in parts)


def test_an_observation_by_rest_is_stored_when_it_is_answered(server: Server) -> None:
    door = server.feed("rest.one")
    answer = door.post([_item("bv-1/beds-occupied", 37.5)])
    assert answer.status_code == 200
    assert answer.json() == {
        "received": 1, "stored": 1, "duplicate": 0, "corrected": 0, "late": 0,
        "quarantined": 0, "problems": [],
    }  # fmt: skip
    assert server.stored("rest.one") == 1


def test_the_same_value_again_is_a_duplicate_and_another_one_a_correction(server: Server) -> None:
    door = server.feed("rest.again")
    item = _item("bv-1/beds-occupied", 10)
    assert door.post([item]).json()["stored"] == 1
    assert door.post([item]).json()["duplicate"] == 1
    assert door.post([{**item, "value": 11}]).json()["corrected"] == 1
    assert server.stored("rest.again") == 1
    found = server.sign_in().get("/series", params={"key": "rest.again/bv-1/beds-occupied"})
    assert found.json()["items"][0]["latest"]["value"] == 11


def test_a_bad_item_costs_its_neighbours_nothing(server: Server) -> None:
    door = server.feed("rest.mixed")
    body = [
        _item("a/x", 1),
        {"series": "a/x", "value": 1},
        {"series": "a/x", "time": "yesterday", "value": 1},
        {"series": "", "time": stamp(), "value": 1},
        {"time": stamp(), "value": 1},
        {"series": "a/x", "time": stamp(now() + timedelta(hours=3)), "value": 1},
        {"series": "a/x", "time": stamp(now() - timedelta(days=8)), "value": 1},
        {"series": "a/y", "time": stamp(), "value": None},
        "not an object",
        _item("a/x", 2, 60),
    ]
    answer = door.post(body).json()
    assert (answer["received"], answer["stored"]) == (10, 2)
    assert (answer["late"], answer["quarantined"]) == (1, 7)
    reasons = {problem["index"]: problem["reason"] for problem in answer["problems"]}
    assert reasons == {
        1: "time_missing", 2: "time_invalid", 3: "series_invalid", 4: "series_missing",
        5: "time_future", 6: "time_late", 7: "value_missing", 8: "shape_invalid",
    }  # fmt: skip
    assert _adds_up(door.ledger())
    kept = {item["index"]: item for item in door.quarantine()}
    assert json.loads(kept[2]["payload"]) == body[2]


def test_a_body_that_cannot_be_read_gets_400_with_the_reason(server: Server) -> None:
    door = server.feed("rest.broken")
    answer = door.post(b'[{"series": "a/x",')
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["values"]["reason"] == "json_invalid"
    assert _adds_up(door.ledger())


def test_a_key_opens_its_own_feed_only(server: Server) -> None:
    door, other = server.feed("rest.mine"), server.feed("rest.theirs")
    door.feed = "rest.theirs"
    assert door.post([_item("a/x", 1)]).status_code == 403
    door.key = "nonsense"
    assert door.post([_item("a/x", 1)]).status_code == 401
    assert server.stored(other.feed) == 0


def test_unknown_series_are_kept_aside_unless_the_feed_makes_them(server: Server) -> None:
    door = server.feed("rest.strict", auto_series=False)
    assert door.post([_item("bv-9/beds-occupied", 1)]).json()["quarantined"] == 1
    described = httpx2.put(
        f"{server.base}/api/v1/feeds/rest.strict/series",
        json=[{"key": "bv-9/beds-occupied", "uom": "{beds}", "low": 0, "high": 500}],
        headers={"Authorization": f"Bearer {door.key}"},
    )
    assert described.json() == {"described": 1}
    eventually(lambda: door.post([_item("bv-9/beds-occupied", 5)]).json()["stored"] == 1)
    # A value beyond its limits is stored; that it is suspect stands beside it.
    assert door.post([_item("bv-9/beds-occupied", 900, 1)]).json()["stored"] == 1
    with server.database() as conn:
        flagged = conn.execute("SELECT flags FROM observation_flag JOIN series USING (series_id) "
                               "WHERE key = 'bv-9/beds-occupied'").fetchall()  # fmt: skip
    assert flagged == [(1,)]


def test_gzip_and_zstd_bodies_are_taken(server: Server) -> None:
    door = server.feed("rest.packed")
    one = json.dumps([_item("a/x", 1, 2)]).encode()
    two = json.dumps([_item("a/x", 1, 1)]).encode()
    packed = door.post(gzip.compress(one), **{"Content-Encoding": "gzip"})
    assert packed.json()["stored"] == 1
    packed = door.post(zstandard.compress(two), **{"Content-Encoding": "zstd"})
    assert packed.json()["stored"] == 1
    cut = door.post(gzip.compress(one)[:-9], **{"Content-Encoding": "gzip"})
    assert cut.status_code == 400
    strange = door.post(one, **{"Content-Encoding": "br"})
    assert strange.status_code == 415


def test_a_gzip_bomb_is_refused_at_the_limit(server: Server) -> None:
    door = server.feed("rest.bomb")
    bomb = gzip.compress(b" " * 64_000_000)
    answer = door.post(bomb, **{"Content-Encoding": "gzip"})
    assert answer.status_code == 413


def test_lines_and_csv_stream_in_blocks_and_answer_once(server: Server) -> None:
    door = server.feed("rest.lines", late_limit=None)
    start = now() - timedelta(days=2)
    times = [stamp(start + timedelta(seconds=n)) for n in range(40_000)]
    lines = "\n".join(
        json.dumps({"series": "a/x", "time": at, "value": n}) for n, at in enumerate(times)
    )
    answer = door.post((lines + "\n{broken\n").encode(), "application/x-ndjson").json()
    assert (answer["received"], answer["stored"], answer["quarantined"]) == (40_001, 40_000, 1)
    assert answer["problems"][0]["index"] == 40_000
    table = "series,time,value\n" + "\n".join(f"a/x,{at},{n}" for n, at in enumerate(times))
    again = door.post(table.encode(), "text/csv").json()
    assert (again["received"], again["duplicate"]) == (40_000, 40_000)


def test_senml_goes_both_ways(server: Server) -> None:
    door = server.feed("rest.senml")
    base = now().timestamp() - 100
    pack = [
        {"bn": "tram-1/", "bt": base, "n": "pm25", "u": "ug/m3", "v": 41.5},
        {"n": "temperature", "t": 5, "v": 27.1},
        {"n": "open", "t": 6, "vb": True},
        {"n": "total", "t": 7, "s": 12},
    ]
    answer = door.post(pack, "application/senml+json").json()
    assert (answer["stored"], answer["quarantined"]) == (3, 1)
    assert answer["problems"][0]["reason"] == "sum_unsupported"
    door.publish(json.dumps(pack[:3]).encode())
    eventually(lambda: door.ledger()["duplicate"] == 3)


def test_an_observation_by_mqtt_is_stored_and_a_retry_makes_no_double(server: Server) -> None:
    door = server.feed("mqtt.one")
    body = json.dumps([_item("a/x", 1), _item("a/y", 2)]).encode()
    door.publish(body, body)
    eventually(lambda: door.ledger()["received"] == 4)
    assert door.ledger()["stored"] == 2
    assert door.ledger()["duplicate"] == 2
    assert server.stored("mqtt.one") == 2


def test_compressed_payloads_by_mqtt_are_told_by_their_first_bytes(server: Server) -> None:
    door = server.feed("mqtt.packed")
    bodies = [json.dumps([_item(f"a/{n}", n)]).encode() for n in range(2)]
    broken = gzip.compress(bodies[0])[:-9]
    door.publish(gzip.compress(bodies[0]), zstandard.compress(bodies[1]), broken)
    eventually(lambda: door.ledger()["received"] == 3)
    ledger = door.ledger()
    assert (ledger["stored"], ledger["quarantined"]) == (2, 1)
    assert ledger["bytes"] == len(bodies[0]) + len(bodies[1]) + len(broken)
    kept = door.quarantine()[0]
    assert (kept["reason"], kept["size"]) == ("compression_invalid", len(broken))
    assert "cut off" in kept["detail"]


def test_the_topic_below_the_feed_names_the_series(server: Server) -> None:
    door = server.feed("mqtt.topic")
    body = json.dumps({"time": stamp(), "value": 7}).encode()
    door.publish(body, below="/bv-2/beds-occupied")
    eventually(lambda: server.stored("mqtt.topic") == 1)
    found = server.sign_in().get("/series", params={"key": "mqtt.topic/bv-2/beds-occupied"})
    assert found.json()["items"][0]["latest"]["value"] == 7


def test_a_refused_payload_is_told_to_the_agency_alone(server: Server) -> None:
    door = server.feed("mqtt.refused")
    heard: list[bytes] = []
    client = door.mqtt()
    client.on_message = lambda _c, _d, message: heard.append(bytes(message.payload))
    client.subscribe(f"ioc/errors/{door.agency}/{door.feed}", qos=0)
    eventually(lambda: client.publish(door.topic, b"{broken", qos=1) and heard)
    client.disconnect()
    client.loop_stop()
    assert json.loads(heard[0])["reason"] == "json_invalid"
    eventually(lambda: door.ledger()["quarantined"] >= 1)
    assert _adds_up(door.ledger())


def test_a_publish_outside_of_the_own_topics_is_counted_and_not_stored(server: Server) -> None:
    door = server.feed("mqtt.mine", "so-noi-vu")
    other = server.feed("mqtt.theirs", "so-tu-phap")
    door.agency, owner = "so-tu-phap", door.agency
    topic = door.topic.replace(door.feed, other.feed)
    door.agency = owner
    client = door.mqtt()
    client.publish(topic, json.dumps([_item("a/x", 1)]).encode(), qos=1)
    eventually(lambda: door.ledger_answer().json()["forbidden"] == 1)
    client.disconnect()
    client.loop_stop()
    assert server.stored(other.feed) == 0


def test_the_server_answers_on_ipv4_and_ipv6(server: Server) -> None:
    assert httpx2.get(f"http://127.0.0.1:{server.http_port}/healthz").status_code == 200
    assert httpx2.get(f"http://[::1]:{server.http_port}/healthz").status_code == 200


def test_text_and_boolean_series_keep_their_kind(server: Server) -> None:
    door = server.feed("rest.kinds")
    at = stamp()
    mixed = [
        {"series": "a/open", "time": at, "value": True},
        {"series": "a/state", "time": at, "value": "đang mở"},
        {"series": "a/level", "time": at, "value": 1.5},
    ]
    assert door.post(mixed).json()["stored"] == 3
    assert door.post(mixed).json()["duplicate"] == 3
    wrong = [{**item, "value": value} for item, value in zip(mixed, (2.5, 1, "x"), strict=True)]
    refused = door.post(wrong).json()
    assert refused["quarantined"] == 3
    assert {p["reason"] for p in refused["problems"]} == {"value_kind"}

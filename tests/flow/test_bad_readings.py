"""Readings that are wrong in the ways of the field: each gets a reason that names the cure."""

import json
import math
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx2
import pytest

from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

TWINS = Path(__file__).parents[1] / "data"
CSV = "text/csv"


def _door(server: Server, **more: Any) -> FeedDoor:
    return server.feed(f"wrong.{uuid4().hex[:8]}", **more)


def _item(series: str, value: object = 1, hours_ahead: float = 0) -> dict[str, object]:
    return {"series": series, "time": stamp(now() + timedelta(hours=hours_ahead)), "value": value}


def _refused(door: FeedDoor, bad: Any, kind: str = "application/json", *, good: int = 1) -> str:
    """Send bad items by both ways; each is refused alone with the same reason, and its detail."""
    body = bad if isinstance(bad, bytes) else json.dumps(bad).encode()
    before = door.ledger()["received"]
    receipt = door.post(body, kind).json()
    assert receipt["stored"] == good, receipt
    many = receipt["quarantined"]
    assert many == receipt["received"] - good > 0
    if kind != CSV:
        door.publish(body)
        eventually(lambda: door.ledger()["received"] - before == 2 * receipt["received"])
        assert door.ledger()["quarantined"] == 2 * many
    reasons = {(item["reason"], item["detail"]) for item in door.quarantine()}
    assert len({reason for reason, _ in reasons}) == 1
    problem = receipt["problems"][0]
    return f"{problem['reason']}: {problem['detail']}"


def test_a_clock_hours_ahead_is_told_to_look_at_the_clock(server: Server) -> None:
    door = _door(server)
    said = _refused(door, [_item("a/x", hours_ahead=3), _item("a/x")])
    assert said.startswith("time_future: ")
    assert "check clock and time zone" in said


def test_local_time_sent_as_utc_is_recognised(server: Server) -> None:
    door = _door(server)
    local = now().astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).replace(tzinfo=None)
    bad = {"series": "a/x", "time": local.isoformat() + "Z", "value": 1}
    said = _refused(door, [bad, _item("a/x")])
    assert "local time sent as UTC" in said
    assert "+07:00" in said
    without = {"series": "a/y", "time": local.isoformat(), "value": 1}
    assert door.post([without]).json()["stored"] == 1


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1969-12-31T00:00:00Z"]
)
def test_a_year_that_cannot_be_is_refused(server: Server, time: str) -> None:
    said = _refused(_door(server), [{"series": "a/x", "time": time, "value": 1}, _item("a/x")])
    assert said.startswith("time_invalid: ")
    assert "check the clock" in said


def test_vietnamese_numbers_are_read_where_the_feed_says_so_and_else_named(server: Server) -> None:
    plain = _door(server)
    assert plain.post([_item("a/x", 1)]).json()["stored"] == 1
    said = _refused(plain, [_item("a/x", "1.803,5"), _item("a/y", 2)])
    assert said.startswith("value_kind: ")
    assert "--number-format vietnamese" in said
    told = _door(server, number_format="vietnamese")
    rows = "\n".join(["series,time,value", f'a/x,{stamp()},"1.803,5"', f'a/y,{stamp()},"-0,25"'])
    assert told.post(rows.encode(), CSV).json()["stored"] == 2
    with server.database() as conn:
        found = conn.execute(
            "SELECT key, value FROM observation JOIN series USING (series_id) "
            "JOIN feed USING (feed_key) WHERE feed.id = %s ORDER BY 1",
            [told.feed],
        ).fetchall()
    assert found == [("a/x", 1803.5), ("a/y", -0.25)]


def test_a_first_value_that_is_no_text_makes_no_series_that_refuses_the_numbers(
    server: Server,
) -> None:
    door = _door(server)
    for first, reason in (("1.803,5", "value_kind"), ("N/A", "value_missing")):
        key = f"a/{reason}"
        [problem] = door.post([_item(key, first), _item(key, 2, -1)]).json()["problems"]
        assert problem["reason"] == reason
        assert door.post([_item(key, 3)]).json()["stored"] == 1
    rows = f'series,time,value\na/csv,{stamp()},"12,5"\n'.encode()
    [problem] = door.post(rows, CSV).json()["problems"]
    assert "--number-format vietnamese" in problem["detail"]


def test_a_series_of_texts_is_changed_to_take_numbers_and_keeps_its_texts(server: Server) -> None:
    door = _door(server)
    own = {"Authorization": f"Bearer {door.key}"}
    at = f"{server.base}/api/v1/feeds/{door.feed}"
    assert door.post([_item("a/x", "đang mở", -1)]).json()["stored"] == 1
    said = door.post([_item("a/x", 12.5)]).json()["problems"][0]["detail"]
    change = json.loads(said[said.index("[") : said.index("]") + 1])
    assert f"PUT /api/v1/feeds/{door.feed}/series" in said
    assert httpx2.put(f"{at}/series", json=change, headers=own).status_code == 200
    eventually(lambda: door.post([_item("a/x", 13)]).json()["stored"] == 1)
    again = httpx2.post(f"{at}/quarantine/replay", json={}, headers=own).json()
    assert again["stored"] >= 1
    assert server.stored(door.feed) >= 2
    with server.database() as conn:
        texts = conn.execute(
            "SELECT t.value FROM observation_text t JOIN series USING (series_id) "
            "JOIN feed USING (feed_key) WHERE feed.id = %s",
            [door.feed],
        ).fetchall()
    assert texts == [("đang mở",)]


def test_latin_1_is_read_where_it_is_named_and_else_refused_with_the_cure(server: Server) -> None:
    rows = f"series,time,value\nSaint-Rémi/x,{stamp()},1\nb/x,{stamp()},2\n".encode("latin-1")
    door = _door(server)
    said = _refused(door, rows, CSV)
    assert said.startswith("encoding_invalid: ")
    assert "UTF-8" in said
    answer = door.post(rows, "text/csv; charset=iso-8859-1")
    assert answer.json()["stored"] == 1
    assert answer.json()["duplicate"] == 1
    named = _door(server, charset="latin-1")
    assert named.post(rows, CSV).json()["stored"] == 2


def test_a_byte_order_mark_is_no_fault(server: Server) -> None:
    door = _door(server)
    mark = b"\xef\xbb\xbf"
    assert door.post(mark + json.dumps([_item("a/x")]).encode()).json()["stored"] == 1
    rows = f"series,time,value\na/y,{stamp()},1\n".encode()
    assert door.post(mark + rows, CSV).json()["stored"] == 1
    door.publish(mark + json.dumps([_item("a/z")]).encode())
    eventually(lambda: server.stored(door.feed) == 3)
    wide = json.dumps([_item("a/x")]).encode("utf-16")
    answer = door.post(wide)
    assert answer.status_code == 400
    assert "UTF-8" in answer.json()["detail"]


def test_a_nul_is_refused_alone(server: Server) -> None:
    said = _refused(_door(server), [_item("a/x", "x\x00y"), _item("a/y", "xy")], good=1)
    assert said.startswith("value_invalid: ")
    assert "NUL" in said
    said = _refused(_door(server), [_item("a\x00/x"), _item("a/y")])
    assert said.startswith("series_invalid: ")


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
def test_what_is_no_number_is_refused(server: Server, value: float) -> None:
    door = _door(server)
    answer = door.post(json.dumps([_item("a/x", value)]).encode())
    assert answer.status_code == 400
    assert server.stored(door.feed) == 0


def test_a_wrong_uom_is_refused_and_nothing_is_converted(server: Server) -> None:
    door = _door(server)
    described = [{"key": "s1/temperature", "property": "temperature", "uom": "Cel"}]
    answer = httpx2.put(
        f"{server.base}/api/v1/feeds/{door.feed}/series",
        json=described,
        headers={"Authorization": f"Bearer {door.key}"},
    )
    assert answer.status_code == 200, answer.text
    second = now().timestamp()
    records = [
        {"n": "s1/temperature", "u": "Fahr", "t": second - 60, "v": 75.2},
        {"n": "s1/temperature", "u": "Cel", "t": second, "v": 24},
    ]
    receipt = door.post(records, "application/senml+json").json()
    assert (receipt["stored"], receipt["quarantined"]) == (1, 1)
    problem = receipt["problems"][0]
    assert problem["reason"] == "uom_mismatch"
    assert "convert before sending" in problem["detail"]


def _place(server: Server, door: FeedDoor, longitude: float, latitude: float) -> httpx2.Response:
    feature = {
        "type": "Feature", "id": "s1", "properties": {"name": "Trạm 1"},
        "geometry": {"type": "Point", "coordinates": [longitude, latitude]},
    }  # fmt: skip
    return httpx2.put(
        f"{server.base}/api/v1/feeds/{door.feed}/features",
        json={"type": "FeatureCollection", "features": [feature]},
        headers={"Authorization": f"Bearer {door.key}"},
    )


def test_swapped_coordinates_are_recognised_and_the_reading_is_kept(server: Server) -> None:
    door = _door(server, format="ngsi-v2")
    assert _place(server, door, 105.6, 21.3).status_code == 200
    answer = _place(server, door, 21.3, 105.6)
    assert answer.status_code == 400
    assert "swapped" in answer.json()["detail"]
    entity = {
        "id": "s2", "type": "AirQualityObserved",
        "dateObserved": {"type": "DateTime", "value": stamp()},
        "pm25": {"type": "Number", "value": 12},
        "location": {"type": "geo:json",
                     "value": {"type": "Point", "coordinates": [21.3, 105.6]}},
    }  # fmt: skip
    receipt = door.post([entity]).json()
    assert receipt["stored"] == 1
    assert [problem["reason"] for problem in receipt["problems"]] == ["place_invalid"]
    assert "swapped" in receipt["problems"][0]["detail"]


def test_the_counters_of_montreal_are_refused_for_their_charset_and_then_for_their_columns(
    server: Server, data: Path
) -> None:
    body = (data / "traffic" / "montreal_counters_2012_latin1.csv").read_bytes()
    door = _door(server)
    answer = door.post(body, CSV)
    assert answer.status_code == 400
    assert "name its charset" in answer.json()["detail"]
    answer = door.post(body, "text/csv; charset=iso-8859-1")
    assert answer.status_code == 400
    assert "series" in answer.json()["detail"]
    assert door.ledger()["quarantined"] == door.ledger()["received"] > 1


def test_one_wrong_reading_of_each_kind_costs_the_right_ones_nothing(server: Server) -> None:
    door = _door(server)
    assert door.post([_item("a/x", 1, -1)]).json()["stored"] == 1
    bad = [
        _item("a/x", hours_ahead=3), _item("a/x", "1.803,5"), {"series": "a/x", "value": 1},
        {"series": "a/x", "time": stamp()}, {"time": stamp(), "value": 1}, _item("k" * 256),
        {"series": "a/x", "time": "yesterday", "value": 1}, _item("a/x", {"deep": [1]}), 7, None,
    ]  # fmt: skip
    good = [_item(f"good/{n}", n) for n in range(len(bad) + 1)]
    body = [good[0]]
    for one, other in zip(bad, good[1:], strict=True):
        body += [one, other]
    for send in (door.post, lambda items: door.publish(json.dumps(items).encode())):
        send(body)
    eventually(lambda: door.ledger()["received"] == 2 * len(body) + 1)
    ledger = door.ledger()
    assert (ledger["stored"], ledger["duplicate"]) == (len(good) + 1, len(good))
    assert ledger["quarantined"] == 2 * len(bad)
    assert all(item["detail"] for item in door.quarantine())


def test_a_dossier_at_the_door_of_observations_is_kept_as_a_hash_alone(server: Server) -> None:
    door = server.feed("nham.cua")
    sent = json.dumps([{"code": "H1", "hoTen": "Nguyễn Thị Bí Mật", "cccd": "025190001234"}])
    answer = door.post(sent.encode())
    problem = answer.json()["problems"][0]
    assert (problem["index"], problem["reason"]) == (0, "personal_data")
    assert "cccd, hoTen" in problem["detail"]
    door.publish(sent.encode())
    eventually(lambda: door.ledger()["quarantined"] == 2)
    kept = door.quarantine()
    assert [(item["payload"], item["replayable"]) for item in kept] == [("", False)] * 2
    assert {len(item["sha256"]) for item in kept} == {64}
    with server.database() as conn:
        rows = conn.execute("SELECT q::text FROM quarantine q").fetchall()
    assert not [row for row in rows if "025190001234" in row[0] or "Bí Mật" in row[0]]
    assert "025190001234" not in server.log

"""Warnings of others: CAP and FIWARE in by feeds, alerts and areas out, until they are over."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.fixtures.server import FeedDoor, Server, eventually, now

SENDER = "kttv@example.vn"


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx2.Client]:
    with server.sign_in() as client:
        yield client


@pytest.fixture(scope="module")
def door(server: Server) -> FeedDoor:
    return server.feed(
        "canh-bao.kttv", "so-nong-nghiep-moi-truong", format="cap", domain="environment"
    )


def _time(minutes: float = 0) -> str:
    at = now().replace(microsecond=0) + timedelta(minutes=minutes)
    return at.isoformat().replace("+00:00", "-00:00")


def _cap(
    name: str,
    *,
    severity: str = "Severe",
    kind: str = "Alert",
    references: tuple[str, str] | None = None,
    minutes: float = 60,
    more: str = "",
) -> bytes:
    named = (
        f"<references>{SENDER},{references[0]},{references[1]}</references>" if references else ""
    )
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>{name}</identifier><sender>{SENDER}</sender><sent>{_time()}</sent>
  <status>Actual</status><msgType>{kind}</msgType><scope>Public</scope>{named}
  <info><language>vi-VN</language><category>Met</category><event>Mưa lớn {name}</event>
    <urgency>Expected</urgency><severity>{severity}</severity><certainty>Likely</certainty>
    <expires>{_time(minutes)}</expires><senderName>Đài KTTV</senderName>
    <parameter><valueName>national-level</valueName><value>3</value></parameter>
    <area><areaDesc>Việt Trì</areaDesc>
      <polygon>21.3,105.3 21.3,105.5 21.5,105.5 21.3,105.3</polygon></area>
  </info>{more}
</alert>""".encode()


def _send(door: FeedDoor, body: bytes) -> httpx2.Response:
    return door.post(body, "application/cap+xml", "warnings")


def _alerts(client: httpx2.Client, name: str) -> list[dict[str, Any]]:
    items = client.get("/alerts").json()["items"]
    return [one for one in items if one["title"]["vi"] == f"Mưa lớn {name}"]


def _areas(client: httpx2.Client, name: str) -> list[dict[str, Any]]:
    features = client.get("/layers/canh-bao").json()["features"]
    return [one for one in features if one["properties"]["name"] == f"Mưa lớn {name}"]


def test_a_warning_becomes_an_alert_with_its_area(door: FeedDoor, client: httpx2.Client) -> None:
    assert _send(door, _cap("a")).json()["stored"] == 1
    assert _send(door, _cap("a")).json()["duplicate"] == 1
    eventually(lambda: _alerts(client, "a"))
    (alert,) = _alerts(client, "a")
    assert (alert["kind"], alert["severity"], alert["national_level"]) == ("warning", "high", 3)
    assert alert["place"]["name"] == "Việt Trì"
    assert "Đài KTTV" in alert["reason"]["vi"]
    (area,) = _areas(client, "a")
    assert area["geometry"]["coordinates"][0][0][0] == [105.3, 21.3]
    message = client.get(f"/alerts/{alert['id']}.cap.xml").text
    assert "<polygon>21.30000,105.30000" in message
    closed = client.post(f"/alerts/{alert['id']}/acknowledge").json()
    assert closed["acknowledged"]


def test_what_nobody_verified_is_not_critical(door: FeedDoor, client: httpx2.Client) -> None:
    signature = '<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo/></Signature>'
    assert _send(door, _cap("s", severity="Extreme", more=signature)).json()["stored"] == 1
    eventually(lambda: _alerts(client, "s"))
    assert _alerts(client, "s")[0]["severity"] == "high"
    item = client.get("/warnings").json()["items"][0]
    assert item["signature"] == "unverified"


def test_an_update_that_is_worse_is_to_be_acknowledged_anew(
    door: FeedDoor, client: httpx2.Client
) -> None:
    sent = _time()
    assert _send(door, _cap("u1", severity="Minor")).json()["stored"] == 1
    eventually(lambda: _alerts(client, "u1"))
    alert = _alerts(client, "u1")[0]["id"]
    assert client.post(f"/alerts/{alert}/acknowledge").status_code == 200
    assert _send(door, _cap("u2", kind="Update", references=("u1", sent))).json()["stored"] == 1
    eventually(lambda: _alerts(client, "u2"))
    (after,) = _alerts(client, "u2")
    assert (after["id"], after["severity"], after["acknowledged"]) == (alert, "high", False)
    assert not _alerts(client, "u1")
    assert not _areas(client, "u1")


def test_a_cancel_clears_the_alert_and_the_map(door: FeedDoor, client: httpx2.Client) -> None:
    sent = _time()
    assert _send(door, _cap("c1")).json()["stored"] == 1
    eventually(lambda: _alerts(client, "c1"))
    assert _send(door, _cap("c2", kind="Cancel", references=("c1", sent))).json()["stored"] == 1
    eventually(lambda: _alerts(client, "c1")[0]["state"] == "cleared")
    assert not _areas(client, "c1")
    alert = _alerts(client, "c1")[0]["id"]
    assert client.post(f"/alerts/{alert}/close").status_code == 200
    assert "<msgType>Cancel</msgType>" in client.get(f"/alerts/{alert}.cap.xml").text


def test_a_warning_ends_by_itself(door: FeedDoor, client: httpx2.Client) -> None:
    assert _send(door, _cap("e", minutes=0.06)).json()["stored"] == 1
    eventually(lambda: [one for one in _alerts(client, "e") if one["state"] == "cleared"])


BOMB = b"""<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<alert>&b;</alert>"""


@pytest.mark.parametrize(
    ("body", "cure"),
    [
        (BOMB, "leave out <!DOCTYPE"),
        (_cap("h")[:700], "send the whole document again"),
        (b"<html><body>404</body></html>", "send a CAP 1.2 message"),
        (b"", "send the whole document again"),
        (b'{"warning": 1}', "send the whole document again"),
        (b"\x00\xff\xfe<alert>", "send"),
        (b"<alert>" * 100, "nested deeper"),
    ],
)
def test_what_cannot_be_read_is_put_aside_with_its_cure(
    door: FeedDoor, body: bytes, cure: str
) -> None:
    before = len(door.quarantine())
    answer = _send(door, body)
    assert answer.status_code == 400
    assert cure in answer.json()["detail"]
    newest = door.quarantine()[0]
    assert newest["kind"] == "warnings"
    assert len(door.quarantine()) == before + 1


def test_a_repaired_message_is_taken_out_of_quarantine_once(
    door: FeedDoor, client: httpx2.Client
) -> None:
    answer = _send(door, _cap("r").replace(b"Actual", b"Nonsense"))
    assert answer.json()["quarantined"] == 1
    item = door.quarantine()[0]
    assert "write one of" in item["detail"]
    base = f"{door.server.base}/api/v1/feeds/{door.feed}/quarantine"
    headers = {"Authorization": f"Bearer {door.key}", "Content-Type": "application/cap+xml"}
    put = httpx2.put(f"{base}/{item['id']}", content=_cap("r"), headers=headers)
    assert put.status_code == 200
    replay = {"headers": {"Authorization": f"Bearer {door.key}"}, "json": {"ids": [item["id"]]}}
    assert httpx2.post(f"{base}/replay", **replay).json()["replayed"] == [item["id"]]
    assert httpx2.post(f"{base}/replay", **replay).json()["skipped"] == [item["id"]]
    eventually(lambda: _alerts(client, "r"))


@pytest.fixture(scope="module")
def entities(server: Server) -> FeedDoor:
    return server.feed("canh-bao.ngsi", "so-gtvt", format="ngsi-ld", domain="traffic")


def _alert(name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": f"urn:ngsi-ld:Alert:{name}", "type": "Alert", "name": f"Mưa lớn {name}",
        "category": {"type": "Property", "value": "weather"}, "severity": "medium",
        "dateIssued": {"type": "Property", "value": {"@type": "DateTime", "@value": _time(-5)}},
        "address": {"streetAddress": "QL2", "addressLocality": "Phù Ninh"},
        "location": {"type": "Point", "coordinates": [105.4, 21.31]}, **more,
    }  # fmt: skip


def test_alerts_of_fiware_stand_until_they_are_solved_and_spare_what_else_was_sent(
    entities: FeedDoor, client: httpx2.Client
) -> None:
    rain = {"id": "W:1", "type": "W", "rain": 1.5, "dateObserved": _time(-1)}
    odd = [_alert("n0", dateIssued=None), _alert("n0", location={"type": "Point"}), {"type": "W"}]
    sent = [_alert("n"), rain, *odd]
    receipt = entities.post(sent).json()
    assert (receipt["received"], receipt["stored"], receipt["quarantined"]) == (5, 2, 3)
    assert [(p["index"], p["reason"]) for p in receipt["problems"]] == [
        (2, "time_missing"), (3, "place_invalid"), (4, "shape_invalid"),
    ]  # fmt: skip
    receipt = entities.post(sent[:2]).json()
    assert (receipt["stored"], receipt["duplicate"]) == (0, 2)
    assert entities.server.stored("canh-bao.ngsi") == 1
    eventually(lambda: _alerts(client, "n"))
    (alert,) = _alerts(client, "n")
    assert (alert["kind"], alert["severity"], alert["place"]["name"]) == (
        "warning", "medium", "QL2, Phù Ninh",
    )  # fmt: skip
    assert len(_areas(client, "n")) == 1
    worse = _alert("n", severity="high", dateModified=_time(-3))
    entities.publish(json.dumps({"type": "Notification", "data": [worse]}).encode())
    eventually(lambda: _alerts(client, "n")[0]["severity"] == "high")
    assert _alerts(client, "n")[0]["id"] == alert["id"]
    assert len(_areas(client, "n")) == 1
    solved = _alert("n", status="solved", dateModified=_time(-2))
    assert entities.post(solved).json()["stored"] == 1
    eventually(lambda: _alerts(client, "n")[0]["state"] == "cleared")
    assert not _areas(client, "n")
    total = entities.ledger()
    parts = ("stored", "duplicate", "corrected", "late", "quarantined")
    assert [total[part] for part in parts] == [4, 2, 0, 0, 3]
    assert total["received"] == sum(total[part] for part in parts)


def test_an_accident_of_fiware_that_was_put_aside_is_repaired_and_taken(
    entities: FeedDoor, client: httpx2.Client
) -> None:
    accident = {"id": "a", "type": "RoadAccident", "name": "Mưa lớn tai-nan"}
    assert entities.post(accident).json()["quarantined"] == 1
    item = entities.quarantine()[0]
    assert "send `dateIssued`" in item["detail"]
    base = f"{entities.server.base}/api/v1/feeds/{entities.feed}/quarantine"
    headers = {"Authorization": f"Bearer {entities.key}", "Content-Type": "application/json"}
    body = json.dumps({**accident, "accidentDate": _time(-1)})
    assert httpx2.put(f"{base}/{item['id']}", content=body, headers=headers).status_code == 200
    answer = httpx2.post(f"{base}/replay", headers=headers, json={"ids": [item["id"]]}).json()
    assert (answer["stored"], answer["replayed"]) == (1, [item["id"]])
    eventually(lambda: _alerts(client, "tai-nan"))
    assert not _areas(client, "tai-nan")


def test_observations_of_a_feed_of_warnings_are_led_to_its_door(door: FeedDoor) -> None:
    answer = door.post(_cap("o"), "application/xml")
    assert answer.status_code == 400
    assert f"/feeds/{door.feed}/warnings" in answer.json()["detail"]


def test_the_ledger_of_warnings_adds_up(door: FeedDoor) -> None:
    total = door.ledger()
    parts = ("stored", "duplicate", "corrected", "late", "quarantined")
    assert total["received"] == sum(total[part] for part in parts) > 10


def _note(name: str, **more: Any) -> dict[str, Any]:
    ends = (now() + timedelta(hours=6)).isoformat()
    text = "Mưa 100–200 mm trong đêm"
    return {
        "level": 4, "hazard": f"Mưa lớn {name}", "text": text, "ends": ends,
        "units": ["phu-tho"], "source": "Đài KTTV tỉnh", **more,
    }  # fmt: skip


RING = [[105.3, 21.3], [105.5, 21.3], [105.5, 21.5], [105.3, 21.3]]


def test_a_bulletin_that_is_typed_in_becomes_an_alert_until_it_is_taken_back(
    client: httpx2.Client,
) -> None:
    area = {"type": "Polygon", "coordinates": [RING]}
    answer = client.post("/warnings", json=_note("h", area=area, units=[]))
    assert answer.status_code == 201
    said = answer.json()
    warning = said["id"]
    assert (said["by_hand"], said["national_level"]) == (True, 4)
    eventually(lambda: _alerts(client, "h"))
    (alert,) = _alerts(client, "h")
    assert (alert["severity"], alert["national_level"]) == ("critical", 4)
    assert "Đài KTTV tỉnh" in alert["reason"]["vi"]
    assert "Mưa 100–200 mm" in alert["reason"]["vi"]
    assert _areas(client, "h")[0]["geometry"]["coordinates"] == [[RING]]
    assert client.post(f"/warnings/{warning}/cancel", json={"why": "nhập nhầm"}).json()["replaced"]
    eventually(lambda: _alerts(client, "h")[0]["state"] == "cleared")
    again = client.post(f"/warnings/{warning}/cancel", json={"why": "nhập nhầm"})
    assert again.status_code == 409


def test_an_exercise_is_told_as_one(client: httpx2.Client) -> None:
    assert client.post("/warnings", json=_note("d", exercise=True)).status_code == 201
    eventually(lambda: _alerts(client, "d"))
    (alert,) = _alerts(client, "d")
    assert alert["exercise"]
    assert "<status>Exercise</status>" in client.get(f"/alerts/{alert['id']}.cap.xml").text


def test_the_bulletin_comes_back_as_it_was_attached(door: FeedDoor, client: httpx2.Client) -> None:
    warning = client.post("/warnings", json=_note("p")).json()["id"]
    address = f"/warnings/{warning}/bulletin"
    assert client.get(address).status_code == 404
    assert client.put(address, content=b"<html>").status_code == 400
    assert client.put(address, content=b"%PDF-1.7 x").json()["bulletin"]
    answer = client.get(address)
    assert answer.content == b"%PDF-1.7 x"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert client.put(address, content=b"%PDF-" + b"0" * 10_000_000).status_code == 413


@pytest.mark.parametrize(
    ("more", "cure"),
    [
        ({"level": 6}, "<= 5"),
        ({"units": []}, "name `units`, or draw an `area`"),
        ({"units": ["khong-co"]}, "see GET /units"),
        ({"ends": "2020-01-01T00:00:00+07:00"}, "after `starts` and now"),
        ({"ends": "2099-01-01T00:00:00+07:00"}, "within 30 days"),
        ({"starts": "2026-11-28T15:00:00"}, "time zone"),
        ({"area": {"type": "Point", "coordinates": [1, 2]}}, "Polygon"),
        ({"area": {"type": "Polygon", "coordinates": [RING[:2]]}}, "area:"),
        ({"hazard": " "}, "what is warned of"),
        ({"text": "x" * 20_001}, "20000"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bulletin_that_is_not_whole_is_refused_with_its_cure(
    client: httpx2.Client, more: dict[str, Any], cure: str
) -> None:
    answer = client.post("/warnings", json=_note("x", **more))
    assert answer.status_code == 400
    assert cure in answer.json()["detail"]


def test_what_came_by_a_feed_is_not_taken_back_by_hand(
    door: FeedDoor, client: httpx2.Client
) -> None:
    assert _send(door, _cap("f")).json()["stored"] == 1
    items = client.get("/warnings").json()["items"]
    (taken,) = [one for one in items if one["message"]["identifier"] == "f"]
    warning = taken["id"]
    assert (taken["by_hand"], taken["national_level"]) == (False, 3)
    assert client.post(f"/warnings/{warning}/cancel", json={"why": "x"}).status_code == 409
    assert client.put(f"/warnings/{warning}/bulletin", content=b"%PDF-").status_code == 409

"""Repair and replay from an agency's hands: exactly once, and through kills."""

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

SECRET = "Nguyễn Văn Bí Mật"


def _ask(door: FeedDoor, method: str, path: str = "", content: Any = None) -> httpx2.Response:
    body = (
        content if isinstance(content, bytes) or content is None else json.dumps(content).encode()
    )
    return httpx2.request(
        method, f"{door.server.base}/api/v1/feeds/{door.feed}/quarantine{path}", content=body,
        headers={"Authorization": f"Bearer {door.key}", "Content-Type": "application/json"},
        timeout=60,
    )  # fmt: skip


def _items(door: FeedDoor, **query: str) -> list[dict[str, Any]]:
    path = "?" + "&".join(f"{name}={value}" for name, value in query.items())
    answer = _ask(door, "GET", path)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def _adds_up(ledger: dict[str, Any]) -> bool:
    parts = ("stored", "duplicate", "corrected", "late", "quarantined")
    return ledger["received"] == sum(ledger[part] for part in parts)


def _describe(door: FeedDoor, *keys: str) -> None:
    answer = httpx2.put(
        f"{door.server.base}/api/v1/feeds/{door.feed}/series",
        json=[{"key": key} for key in keys],
        headers={"Authorization": f"Bearer {door.key}"},
    )
    assert answer.status_code == 200
    known = {"Authorization": f"Bearer {door.key}"}
    path = f"{door.server.base}/api/v1/series"
    eventually(
        lambda: all(
            httpx2.get(path, params={"key": f"{door.feed}/{key}"}, headers=known).json()["items"]
            for key in keys
        )
    )


def test_what_is_repaired_by_describing_its_series_is_stored_by_a_replay_once(
    server: Server,
) -> None:
    door = server.feed("giu.unknown", auto_series=False)
    sent = [{"series": "a/x", "time": stamp(now() - timedelta(seconds=n)), "value": n}
            for n in range(3)]  # fmt: skip
    assert door.post(sent).json()["quarantined"] == 3
    still = _ask(door, "POST", "/replay").json()
    assert (still["received"], still["quarantined"]) == (3, 3)
    assert (len(still["kept"]), still["replayed"], still["next"]) == (3, [], None)
    assert [item["attempts"] for item in _items(door)] == [1, 1, 1]
    _describe(door, "a/x")
    done = _ask(door, "POST", "/replay", {"reason": "series_unknown"}).json()
    assert (done["received"], done["stored"], done["problems"]) == (3, 3, [])
    assert sorted(done["replayed"]) == sorted(item["id"] for item in _items(door))
    assert server.stored(door.feed) == 3
    again = _ask(door, "POST", "/replay", {"ids": done["ids"]}).json()
    assert (again["received"], sorted(again["skipped"])) == (0, sorted(done["ids"]))
    ledger = door.ledger()
    assert _adds_up(ledger)
    assert (ledger["received"], ledger["replayed"], ledger["stored"]) == (9, 6, 3)
    assert _items(door, state="open") == []


def test_an_item_is_edited_keeps_what_was_sent_and_is_stored(server: Server) -> None:
    door = server.feed("giu.edit")
    wrong = {"series": "a/x", "time": "hôm qua", "value": 5}
    door.post([{"series": "a/x", "time": stamp(), "value": 1}, wrong])
    [item] = _items(door)
    assert (item["index"], item["reason"], item["state"]) == (1, "time_invalid", "open")
    right = {**wrong, "time": stamp(now() - timedelta(hours=1))}
    client = server.sign_in("agency", "so-y-te")
    path = f"/feeds/{door.feed}/quarantine"
    repaired = client.put(f"{path}/{item['id']}", json=right).json()
    assert json.loads(repaired["payload"]) == right
    assert repaired["repaired_by"].startswith("agency-")
    sent = client.get(f"{path}/{item['id']}/payload", params={"original": "true"})
    assert json.loads(sent.content) == wrong
    assert sent.headers["content-type"] == "application/octet-stream"
    assert json.loads(client.get(f"{path}/{item['id']}/payload").content) == right
    done = client.post(f"{path}/replay", json={"ids": [item["id"]]}).json()
    assert (done["stored"], done["replayed"]) == (1, [item["id"]])
    assert client.put(f"{path}/{item['id']}", json=right).status_code == 409
    with server.database() as conn:
        found = conn.execute(
            "SELECT action, actor FROM audit WHERE subject LIKE %s ORDER BY audit_id",
            [f"{door.feed}%"],
        ).fetchall()
    assert [action for action, _ in found] == ["quarantine.repair", "quarantine.replay"]
    assert {actor for _, actor in found} == {repaired["repaired_by"]}


def test_a_whole_body_a_line_of_csv_and_a_topic_come_back_as_they_were(server: Server) -> None:
    door = server.feed("giu.forms")
    at = stamp()
    assert door.post(f'[{{"series":"a/x","time":"{at}","value":1}}'.encode()).status_code == 400
    door.post(f"series,time,value\na/y,{at},2\na/z,never,3\n".encode(), "text/csv")
    door.publish(json.dumps({"value": 4}).encode(), below="/b/x")
    eventually(lambda: len(_items(door)) == 3)
    kept = {item["reason"]: item for item in _items(door)}
    body, line, topic = (kept[r] for r in ("json_invalid", "time_invalid", "time_missing"))
    assert (topic["channel"], topic["topic_key"]) == ("mqtt", "b/x")
    raw = _ask(door, "GET", f"/{line['id']}/payload").content
    _ask(door, "PUT", f"/{body['id']}", body["payload"].encode() + b"]")
    _ask(door, "PUT", f"/{line['id']}", raw.replace(b"never", at.encode()))
    _ask(door, "PUT", f"/{topic['id']}", {"time": at, "value": 4})
    done = _ask(door, "POST", "/replay").json()
    assert (done["stored"], done["problems"]) == (3, []), done
    listed = server.sign_in().get("/series", params={"feed": door.feed}).json()["items"]
    assert {s["key"] for s in listed if s["feed"] == door.feed} == {"a/x", "a/y", "a/z", "b/x"}


def test_what_came_in_time_is_not_late_because_it_was_repaired_late(server: Server) -> None:
    door = server.feed("giu.late", late_limit=3_600.0)
    door.post([{"series": "a/x", "time": "x", "value": 5}])
    [item] = _items(door)
    with server.database() as conn:
        conn.execute(
            "UPDATE quarantine SET received_at = received_at - INTERVAL '2 hours' "
            "WHERE quarantine_id = %s",
            [item["id"]],
        )
    in_time = stamp(now() - timedelta(hours=2, minutes=30))
    _ask(door, "PUT", f"/{item['id']}", {"series": "a/x", "time": in_time, "value": 5})
    assert _ask(door, "POST", "/replay").json()["stored"] == 1
    assert door.post([{"series": "a/x", "time": in_time, "value": 6}]).json()["late"] == 1


def test_two_replays_at_once_store_once_and_count_once(server: Server) -> None:
    door = server.feed("giu.twice", auto_series=False)
    start = now() - timedelta(hours=1)
    sent = [{"series": "a/x", "time": stamp(start + timedelta(seconds=n)), "value": n}
            for n in range(200)]  # fmt: skip
    door.post(sent)
    _describe(door, "a/x")
    with ThreadPoolExecutor(4) as pool:
        done = [f.result().json() for f in
                [pool.submit(_ask, door, "POST", "/replay") for _ in range(4)]]  # fmt: skip
    assert sum(answer["received"] for answer in done) == 200
    ledger = door.ledger()
    assert (ledger["received"], ledger["stored"], ledger["duplicate"]) == (400, 200, 0)
    assert ledger["replayed"] == 200


def test_what_may_be_personal_is_nowhere_and_cannot_be_replayed(server: Server) -> None:
    door = server.feed("giu.nguoi", "vp-ubnd", domain="service", late_limit=None)
    dossier = {
        "code": "N-1", "procedure": "1.000894", "received_unit": "so-noi-vu",
        "handling_unit": "so-noi-vu", "channel": "online", "received_at": stamp(),
    }  # fmt: skip
    nested = {**dossier, "applicant": {"name": SECRET, "home": {"phone": SECRET}}}
    answer = door.post([nested, SECRET, {**dossier, "code": {"of": SECRET}}], part="dossiers")
    cut = door.post(json.dumps([nested], ensure_ascii=False).encode()[:-1], part="dossiers")
    assert (answer.json()["quarantined"], cut.status_code) == (3, 400)
    items = _items(door)
    assert {item["reason"] for item in items} == {"personal_data", "json_invalid"}
    assert all(item["sha256"] and item["size"] and not item["payload"] for item in items)
    assert not any(item["replayable"] for item in items)
    assert "applicant.home.phone, applicant.name" in answer.json()["problems"][0]["detail"]
    first = items[-1]["id"]
    for refused in (
        _ask(door, "PUT", f"/{first}", dossier),
        _ask(door, "GET", f"/{first}/payload"),
    ):
        assert refused.status_code in (404, 409)
        assert "not kept" in refused.json()["detail"]
    replay = _ask(door, "POST", "/replay", {"ids": [first]}).json()
    assert (replay["ids"], replay["skipped"]) == ([], [first])
    said = [answer.text, cut.text, json.dumps(items), door.ledger_answer().text, server.log]
    with server.database() as conn:
        for table in ("quarantine", "ledger", "audit"):
            said += [repr(row) for row in conn.execute(f"SELECT * FROM {table}").fetchall()]
    for text in said:
        assert SECRET not in text
        assert SECRET.encode().hex() not in text
        assert json.dumps(SECRET)[1:-1] not in text


def test_a_dossier_is_repaired_and_replayed_but_not_with_fields_about_people(
    server: Server,
) -> None:
    door = server.feed("giu.ho-so", "vp-ubnd", domain="service", late_limit=None)
    dossier = {
        "code": "R-1", "procedure": "1.000894", "received_unit": "so-noi-vu",
        "handling_unit": "no-such-unit", "channel": "online", "received_at": stamp(),
    }  # fmt: skip
    door.post([dossier], part="dossiers")
    [item] = _items(door)
    assert item["kind"] == "dossiers"
    assert _ask(door, "POST", "/replay").json()["kept"] == [item["id"]]
    right = {**dossier, "handling_unit": "so-noi-vu"}
    refused = _ask(door, "PUT", f"/{item['id']}", {**right, "applicant_name": SECRET})
    assert refused.status_code == 400
    assert "applicant_name" in refused.json()["detail"]
    assert SECRET not in refused.text
    assert _ask(door, "PUT", f"/{item['id']}", right).status_code == 200
    with ThreadPoolExecutor(2) as pool:
        done = [f.result().json() for f in
                [pool.submit(_ask, door, "POST", "/replay") for _ in range(2)]]  # fmt: skip
    assert sorted(answer["stored"] for answer in done) == [0, 1]
    ledger = door.ledger()
    assert _adds_up(ledger)
    assert (ledger["received"], ledger["stored"], ledger["replayed"]) == (3, 1, 2)


def test_an_agency_lets_an_item_go_and_the_ledger_says_so(server: Server) -> None:
    door = server.feed("giu.bo")
    door.post([{"series": "a/x", "time": "x", "value": 5}])
    [item] = _items(door)
    assert _ask(door, "DELETE", f"/{item['id']}").status_code == 204
    assert _ask(door, "DELETE", f"/{item['id']}").status_code == 409
    [gone] = _items(door, state="dropped")
    assert (gone["payload"], gone["dropped_by"]) == ("", f"feed:{door.feed}")
    assert door.ledger()["dropped"] == 1
    assert _adds_up(door.ledger())
    assert _ask(door, "POST", "/replay").json()["ids"] == []


def test_the_list_is_read_page_by_page_and_by_reason(server: Server) -> None:
    door = server.feed("giu.trang")
    door.post([{"series": "a/x", "time": "x", "value": n} for n in range(5)] + [{"series": "b"}])
    assert len(_items(door, reason="time_missing")) == 1
    page = _ask(door, "GET", "?limit=4").json()
    rest = _ask(door, "GET", f"?limit=4&before={page['next']}").json()
    assert [len(page["items"]), len(rest["items"]), rest["next"]] == [4, 2, None]
    assert page["held"]["items"] == 6
    assert _ask(door, "GET", "?reason=nonsense").status_code == 400


def test_the_ledger_shows_bytes_and_how_late_rows_come(server: Server) -> None:
    door = server.feed("giu.tre")
    sent = [{"series": "a/x", "time": stamp(now() - timedelta(seconds=s)), "value": 1}
            for s in (100, 200, 4_000)]  # fmt: skip
    body = json.dumps(sent).encode()
    door.post(body)
    answer = door.ledger_answer().json()
    total = answer["total"]
    assert total["bytes"] == len(body)
    assert total["lag_p50"] == pytest.approx(200, rel=0.15)
    assert 4_000 <= total["lag_max"] < 4_100
    assert [row["lag_max"] for row in answer["items"]] == [total["lag_max"]]


def test_a_kill_amid_replays_leaves_each_item_replayed_or_not(own_server: Server) -> None:
    own_server.start()
    door = own_server.feed("giu.kill", auto_series=False, late_limit=None)
    start = now() - timedelta(days=1)
    sent = [{"series": "a/x", "time": stamp(start + timedelta(seconds=n)), "value": n}
            for n in range(6_000)]  # fmt: skip
    assert door.post(sent).json()["quarantined"] == 6_000
    _describe(door, "a/x")
    for seed in range(3):

        def replay() -> None:
            try:
                while _ask(door, "POST", "/replay").json()["next"]:
                    pass
            except httpx2.HTTPError:
                return

        working = threading.Thread(target=replay)
        working.start()
        # A random moment of the work, not a wait for it.
        time.sleep(random.Random(seed).uniform(0.05, 0.4))
        own_server.kill()
        working.join()
        own_server.start()
        with own_server.database() as conn:
            row = conn.execute(
                "SELECT count(*) FROM quarantine WHERE replayed_at IS NOT NULL"
            ).fetchone()
        assert row is not None
        assert own_server.stored(door.feed) == row[0]
        ledger = door.ledger()
        assert _adds_up(ledger)
        assert (ledger["replayed"], ledger["stored"]) == (row[0], row[0])
    while _ask(door, "POST", "/replay").json()["next"]:
        pass
    ledger = door.ledger()
    assert own_server.stored(door.feed) == ledger["stored"] == ledger["replayed"] == 6_000
    assert (ledger["received"], ledger["duplicate"]) == (12_000, 0)


def test_a_mapping_is_tried_put_in_force_and_repairs_what_was_held_back(server: Server) -> None:
    door = server.feed("giu.anh-xa", format="mapped")
    sent = {"tram": [{"ma": "kk-1", "luc": stamp(), "do": {"pm25": 41.5}}]}
    assert door.post(sent).status_code == 400
    assert _items(door)[0]["reason"] == "mapping_missing"
    mapping = {"items": "tram", "series": "ma", "time": "luc", "values": {"pm25": "do.pm25"}}
    path = f"/feeds/{door.feed}/mapping"
    client = server.sign_in("agency", "so-y-te")
    wrong = client.post(
        f"{path}/test", json={"mapping": {"series": "((", "value": "v"}, "sample": 1}
    )
    assert wrong.json()["trial"]["problems"][0]["reason"] == "mapping_invalid"
    for sample in (sent, json.dumps(sent)):
        tried = client.post(f"{path}/test", json={"mapping": mapping, "sample": sample}).json()
        assert [row["series"] for row in tried["trial"]["rows"]] == ["kk-1/pm25"]
    assert server.stored(door.feed) == 0
    assert client.get(path).json()["items"] == []
    assert client.put(path, json={"mapping": {**mapping, "series": "(("}}).status_code == 400
    later = stamp(now() + timedelta(days=1))
    assert client.put(path, json={"mapping": mapping}).json()["version"] == 1
    other = {"mapping": {**mapping, "series": "tram"}, "effective_from": later}
    assert client.put(path, json=other).json()["version"] == 2
    listed = client.get(path).json()
    assert [item["version"] for item in listed["items"]] == [2, 1]
    eventually(lambda: client.get(path).json()["in_force"] == 1)
    eventually(lambda: _ask(door, "POST", "/replay").json()["stored"] == 1)
    assert server.stored(door.feed) == 1

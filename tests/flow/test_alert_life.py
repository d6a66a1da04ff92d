"""What people and causes do with an alert: put it aside, assign it, keep it quiet, explain it."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest

from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

SLOW, FREE = 5, 60
TOMORROW = now() + timedelta(days=1)


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx2.Client]:
    with server.sign_in() as client:
        yield client


def a_door(server: Server, feed: str) -> FeedDoor:
    return server.feed(feed, "so-xay-dung", domain="traffic")


def send(door: FeedDoor, series: str, *pairs: tuple[float, float]) -> None:
    """Send speeds, each so many minutes ago."""
    body = [
        {"series": series, "time": stamp(now() - timedelta(minutes=ago)), "value": value}
        for ago, value in pairs
    ]
    assert door.post(body).json()["stored"] == len(body)


def found(client: httpx2.Client, feed: str, *, closed: bool = False) -> list[dict[str, Any]]:
    items = client.get("/alerts", params={"closed": closed}).json()["items"]
    return [item for item in items if item["feed"] == feed]


def streamed(client: httpx2.Client) -> list[str]:
    """The alerts that a console is sent when it opens."""
    with client.stream("GET", "/stream/sse", params={"topic": "alerts"}) as answer:
        for line in answer.iter_lines():
            if line.startswith("data:") and '"snapshot"' in line:
                items = json.loads(line.removeprefix("data:"))["data"]["items"]
                return [item["id"] for item in items]
    raise AssertionError("the stream ended before it said anything")


def a_jam(server: Server, client: httpx2.Client, feed: str) -> tuple[FeedDoor, dict[str, Any]]:
    door = a_door(server, feed)
    send(door, "ql-1/speed", (12, SLOW), (1, SLOW))
    eventually(lambda: found(client, feed))
    return door, found(client, feed)[0]


def test_a_shelved_alert_says_until_when_by_whom_and_why(
    server: Server, client: httpx2.Client
) -> None:
    _, alert = a_jam(server, client, "life.shelf")
    until = stamp(now() + timedelta(hours=2))
    body = {"until": until, "comment": "đang sửa đường", "version": alert["version"]}
    shelved = client.post(f"/alerts/{alert['id']}/shelve", json=body).json()
    assert shelved["shelved"]["why"] == "đang sửa đường"
    assert shelved["shelved"]["by"] == client.get("/me").json()["name"]
    assert shelved["version"] == alert["version"] + 1
    back = client.post(f"/alerts/{alert['id']}/unshelve").json()
    assert back["shelved"] is None
    log = client.get(f"/alerts/{alert['id']}/log").json()["items"]
    assert [entry["change"] for entry in log][-2:] == ["shelve", "unshelve"]


def test_a_shelf_ends_by_itself(server: Server, client: httpx2.Client) -> None:
    _, alert = a_jam(server, client, "life.wakes")
    until = stamp(now() + timedelta(seconds=2))
    answer = client.post(
        f"/alerts/{alert['id']}/shelve", json={"until": until, "comment": "chờ"}
    ).json()
    assert answer["shelved"] is not None
    eventually(lambda: found(client, "life.wakes")[0]["shelved"] is None)


@pytest.mark.parametrize(
    ("body", "status", "cure"),
    [
        ({"comment": "x"}, 400, "until"),
        ({"until": "2026-11-28T15:00:00", "comment": "x"}, 400, "time zone"),
        ({"until": "2020-01-01T00:00:00Z", "comment": "x"}, 409, "after now"),
        ({"until": "2099-01-01T00:00:00Z", "comment": "x"}, 409, "24 hours"),
        ({"until": "2099-01-01T00:00:00Z"}, 400, "comment"),
    ],
)
def test_shelving_needs_an_end_within_a_day_and_a_reason(
    server: Server, client: httpx2.Client, body: dict[str, Any], status: int, cure: str
) -> None:
    alert = (found(client, "life.shelf") or [a_jam(server, client, "life.shelf")[1]])[0]
    answer = client.post(f"/alerts/{alert['id']}/shelve", json=body)
    assert answer.status_code == status
    assert cure in answer.text


def test_who_saw_an_older_version_is_told_that_somebody_was_faster(
    server: Server, client: httpx2.Client
) -> None:
    _, alert = a_jam(server, client, "life.race")
    place = f"/alerts/{alert['id']}"
    seen = {"version": alert["version"]}
    assert client.post(f"{place}/acknowledge", json=seen).status_code == 200
    late = client.post(f"{place}/assign", json={**seen, "assignee": "so-y-te"})
    assert late.status_code == 409
    assert late.json()["values"]["refusal"] == "overtaken"
    assert late.json()["values"]["version"] == alert["version"] + 1
    now_seen = {"version": alert["version"] + 1, "assignee": "so-y-te"}
    assigned = client.post(f"{place}/assign", json=now_seen).json()
    assert assigned["assignee"]["id"] == "so-y-te"
    refused = client.post(f"{place}/assign", json={"assignee": "so-nao-do"})
    assert refused.status_code == 400


def test_an_active_alert_cannot_be_closed_and_a_cleared_one_can(
    server: Server, client: httpx2.Client
) -> None:
    door, alert = a_jam(server, client, "life.close")
    refused = client.post(f"/alerts/{alert['id']}/close")
    assert (refused.status_code, refused.json()["values"]["refusal"]) == (409, "still_active")
    send(door, "ql-1/speed", (0, FREE))
    eventually(lambda: found(client, "life.close")[0]["state"] == "cleared")
    assert client.post(f"/alerts/{alert['id']}/close").status_code == 200
    assert found(client, "life.close") == []


def test_a_silence_keeps_alerts_quiet_with_its_reason_until_it_is_ended(
    server: Server, client: httpx2.Client
) -> None:
    door, alert = a_jam(server, client, "life.silence")
    note = {
        "matcher": {"feed": "life.silence"}, "starts": stamp(now() - timedelta(minutes=1)),
        "ends": stamp(now() + timedelta(hours=8)), "why": "thi công mặt đường", "plan": "KH 12",
    }  # fmt: skip
    silence = client.post("/silences", json=note).json()
    eventually(lambda: found(client, "life.silence")[0]["muted"])
    muted = found(client, "life.silence")[0]["muted"]
    assert (muted["cause"], muted["by"]) == ("planned", silence["id"])
    assert "thi công mặt đường" in muted["reason"]["vi"]
    send(door, "ql-9/speed", (12, SLOW), (1, SLOW))
    eventually(lambda: len(found(client, "life.silence")) == 2)
    assert all(item["muted"] for item in found(client, "life.silence"))
    ended = client.post(f"/silences/{silence['id']}/end").json()
    assert ended["ended_by"] is not None
    eventually(lambda: not any(item["muted"] for item in found(client, "life.silence")))
    assert client.post(f"/silences/{silence['id']}/end").status_code == 409
    log = client.get(f"/alerts/{alert['id']}/log").json()["items"]
    assert [entry["change"] for entry in log][-2:] == ["muted", "unmuted"]


def windows(door: FeedDoor, **change: Any) -> dict[str, Any]:
    """Send a planned window, that of works on the road unless told."""
    window = {
        "id": "KH-7", "from": stamp(TOMORROW - timedelta(days=2)), "until": stamp(TOMORROW),
        "reason": "thay dầm cầu", "features": ["ql-1"],
    } | change  # fmt: skip
    answer = httpx2.put(
        f"{door.server.base}/api/v1/feeds/{door.feed}/windows",
        json=[window], headers={"Authorization": f"Bearer {door.key}"},
    )  # fmt: skip
    assert answer.status_code == 200, answer.text
    return answer.json()


def log_of(client: httpx2.Client, alert: dict[str, Any]) -> list[str]:
    items = client.get(f"/alerts/{alert['id']}/log").json()["items"]
    return [entry["change"] for entry in items]


def test_planned_works_keep_their_alerts_quiet_until_they_overrun(
    server: Server, client: httpx2.Client
) -> None:
    door, alert = a_jam(server, client, "life.works")
    assert windows(door)["begun"] == 1
    assert windows(door)["same"] == 1, "the same list again changes nothing"
    eventually(lambda: found(client, "life.works")[0]["muted"])
    muted = found(client, "life.works")[0]["muted"]
    assert muted["cause"] == "planned"
    assert muted["reason"]["vi"].startswith("Theo kế hoạch")
    assert "thay dầm cầu" in muted["reason"]["vi"]
    send(door, "ql-2/speed", (12, SLOW), (1, SLOW))
    eventually(lambda: len(found(client, "life.works")) == 2)
    [other] = [item for item in found(client, "life.works") if item["id"] != alert["id"]]
    assert other["muted"] is None, "beside the works it is a jam like any other"
    assert windows(door, until=stamp(now() + timedelta(seconds=2)))["changed"] == 1
    eventually(lambda: log_of(client, alert)[-1] == "overrun")
    shown = [item for item in found(client, "life.works") if item["id"] == alert["id"]]
    assert shown[0]["muted"] is None


def test_a_window_that_is_withdrawn_ends_and_what_people_ended_stays_ended(
    server: Server, client: httpx2.Client
) -> None:
    door, alert = a_jam(server, client, "life.withdrawn")
    windows(door)
    eventually(lambda: found(client, "life.withdrawn")[0]["muted"])
    assert windows(door, withdrawn=True, features=[])["ended"] == 1
    eventually(lambda: log_of(client, alert)[-1] == "unmuted")
    assert windows(door)["changed"] == 1
    [listed] = [s for s in client.get("/silences").json()["items"] if s["feed"] == door.feed]
    assert (listed["window"], listed["ended_by"]) == ("KH-7", None)
    assert client.post(f"/silences/{listed['id']}/end").status_code == 200
    assert windows(door, reason="thay mặt cầu")["same"] == 1


def test_windows_come_as_a_table_too_and_a_wrong_one_is_told_its_cure(server: Server) -> None:
    door = a_door(server, "life.table")
    send(door, "ql-3/speed", (1, FREE))
    place = f"{server.base}/api/v1/feeds/life.table/windows"
    headers = {"Authorization": f"Bearer {door.key}", "Content-Type": "text/csv"}
    table = "mã,từ,đến,lý do,trạm,khu vực\nKH-1,{},{},sửa mặt đường,{},xa-lam-thao\n"
    first, last, late = (f"{day}T07:30+07:00" for day in ("2026-11-28", "2026-12-28", "2030-01-01"))
    body = table.format(first, last, "ql-3")
    taken = httpx2.put(place, content=body.encode(), headers=headers)
    assert (taken.status_code, taken.json()["begun"]) == (200, 1), taken.text
    for wrong, cure in (
        (table.format(first, late, "ql-3"), "366"),
        (table.format(first, last, "ql-nowhere"), "FEED/FEATURE"),
        (table.format("mai", last, "ql-3"), "line 2"),
    ):
        refused = httpx2.put(place, content=wrong.encode(), headers=headers)
        assert refused.status_code == 400
        assert cure in refused.json()["detail"]


@pytest.mark.parametrize(
    ("change", "cure"),
    [
        ({"matcher": {}}, "every alert"),
        ({"matcher": {"feeds": "x"}}, "feeds"),
        ({"why": " "}, "why"),
        ({"ends": "2020-01-01T00:00:00Z"}, "ends"),
        ({"starts": "2026-11-28T15:00:00"}, "time zone"),
    ],
)
def test_a_wrong_silence_is_told_its_cure(
    client: httpx2.Client, change: dict[str, Any], cure: str
) -> None:
    note = {
        "matcher": {"rule": "traffic-jam"}, "starts": stamp(), "why": "x",
        "ends": stamp(now() + timedelta(hours=1)),
    }  # fmt: skip
    answer = client.post("/silences", json=note | change)
    assert answer.status_code == 400
    assert cure in answer.json()["detail"]


def test_a_jam_explains_that_traffic_is_slow_at_the_same_place(
    server: Server, client: httpx2.Client
) -> None:
    door = a_door(server, "life.cause")
    features = {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature", "id": "ql-1", "properties": {"name": "QL 1", "slow_speed": 20},
                "geometry": {"type": "Point", "coordinates": [105.4, 21.3]},
            }
        ],
    }  # fmt: skip
    placed = httpx2.put(
        f"{server.base}/api/v1/feeds/life.cause/features",
        json=features, headers={"Authorization": f"Bearer {door.key}"},
    )  # fmt: skip
    assert placed.status_code == 200, placed.text
    send(door, "ql-1/speed", (14, SLOW), (1, SLOW))
    eventually(lambda: len(found(client, "life.cause")) == 2)
    by_rule = {item["rule"]: item for item in found(client, "life.cause")}
    eventually(lambda: {i["rule"]: i for i in found(client, "life.cause")}["traffic-slow"]["muted"])
    slow = {item["rule"]: item for item in found(client, "life.cause")}["traffic-slow"]
    assert slow["muted"]["cause"] == "inhibited"
    assert slow["muted"]["by"] == by_rule["traffic-jam"]["id"]
    assert "Tắc đường" in slow["muted"]["reason"]["vi"]
    assert by_rule["traffic-jam"]["muted"] is None
    assert slow["matter"] == by_rule["traffic-jam"]["matter"], "one place, one matter"


def test_what_comes_late_is_noted_on_what_is_past_and_raises_nothing(
    server: Server, client: httpx2.Client
) -> None:
    door = a_door(server, "life.late")
    send(door, "ql-1/speed", (0, FREE))
    send(door, "ql-1/speed", (90, SLOW), (70, SLOW))
    eventually(lambda: found(client, "life.late", closed=True))
    assert found(client, "life.late") == []
    (past,) = found(client, "life.late", closed=True)
    assert (past["noted"], past["state"], past["value"]) == (True, "cleared", SLOW)
    log = client.get(f"/alerts/{past['id']}/log").json()["items"]
    assert [entry["change"] for entry in log] == ["late_note"]
    assert past["id"] not in streamed(client)


def test_one_alert_tells_the_levels_it_was_judged_by_and_what_raised_it_after_it_has_cleared(
    server: Server, client: httpx2.Client
) -> None:
    door, alert = a_jam(server, client, "life.sheet")
    send(door, "ql-1/speed", (0, FREE))
    eventually(lambda: found(client, "life.sheet")[0]["state"] == "cleared")
    sheet = client.get(f"/alerts/{alert['id']}").json()
    assert sheet["alert"]["state"] == "cleared"
    assert sheet["raised"] == {"value": SLOW, "value_time": alert["value_time"]}
    levels = sheet["levels"]
    assert (levels["level"], levels["clear"], levels["hold"], levels["sign"]) == (8, 15, 600, -1)
    assert sheet["advice"]["vi"].startswith("Phân luồng")
    assert sheet["pending_since"] < alert["since"]
    nowhere = client.get("/alerts/0192f5a0-0000-7000-8000-000000000000")
    assert nowhere.status_code == 404


def test_a_move_on_many_alerts_is_done_where_it_can_be_and_says_where_it_was_overtaken(
    server: Server, client: httpx2.Client
) -> None:
    (_, one), (_, other) = (a_jam(server, client, f"life.bulk.{n}") for n in (1, 2))
    assert client.post(f"/alerts/{other['id']}/acknowledge").status_code == 200
    gone = "0192f5a0-0000-7000-8000-000000000000"
    body = {
        "move": "assign",
        "assignee": "so-y-te",
        "comment": "cùng một vụ",
        "alerts": [
            *({"id": each["id"], "version": each["version"]} for each in (one, other)),
            {"id": gone, "version": 1},
        ],
    }
    answer = client.post("/alerts/bulk", json=body).json()
    assert answer["done"] == 1
    assert [item["refusal"] for item in answer["items"]] == [None, "overtaken", "gone"]
    assert answer["items"][1]["version"] == other["version"] + 1
    assert found(client, "life.bulk.1")[0]["assignee"]["id"] == "so-y-te"
    assert found(client, "life.bulk.2")[0]["assignee"] is None
    last = client.get(f"/alerts/{one['id']}/log").json()["items"][-1]
    assert (last["change"], last["comment"]) == ("assign", "cùng một vụ")


@pytest.mark.parametrize(
    "wrong",
    [
        {"move": "close"},
        {"move": "assign", "assignee": "khong-co"},
        {"move": "shelve", "until": "2026-11-28T15:00:00", "comment": "x"},
        {"move": "shelve", "until": "2026-11-28T15:00:00+07:00"},
        {"alerts": []},
        {"alerts": [{"id": "0192f5a0-0000-7000-8000-000000000000", "version": 1}] * 2},
        {"alerts": [{"id": "0192f5a0-0000-7000-8000-000000000000"}]},
    ],
)
def test_a_move_on_many_alerts_that_cannot_be_meant_is_refused_whole(
    client: httpx2.Client, wrong: dict[str, Any]
) -> None:
    body = {
        "move": "acknowledge",
        "alerts": [{"id": "0192f5a0-0000-7000-8000-000000000000", "version": 1}],
        **wrong,
    }
    assert client.post("/alerts/bulk", json=body).status_code == 400


def test_health_counts_what_was_told_what_was_explained_and_who_was_there(
    server: Server, client: httpx2.Client
) -> None:
    _, alert = a_jam(server, client, "life.health")
    assert client.post(f"/alerts/{alert['id']}/acknowledge").status_code == 200
    found = client.get("/alerts/health").json()
    health, figures = found["health"], found["health"]["figures"]
    assert figures["acknowledged"]["numerator"] >= 1
    assert figures["rate"]["numerator"] == health["told"] == sum(health["hours"])
    assert figures["rate"]["benchmark"]["source"].startswith("ANSI/ISA-18.2")
    staff = found["staff"]
    assert staff["hours_by_sign_in"] > 0, "this operator is signed in, and no shift runs"
    clock = sum(staff[f"hours_by_{how}"] for how in ("shift", "sign_in", "position"))
    assert clock == pytest.approx(30 * 24)
    assert found["names"]["traffic-jam"]["name"]["vi"] == "Tắc đường"
    month = now().astimezone(ZoneInfo("Asia/Ho_Chi_Minh")).strftime("%Y-%m")
    board = client.get("/boards/alert-health", params={"period": month}).json()["items"]
    (rate,) = [one for one in board if one["indicator"] == "alerts-per-operator-hour"]
    assert rate["denominator"] > 0, "there is somebody, or one position"
    own = client.get("/alerts/health", params={"unit": "so-xay-dung"}).json()
    other = client.get("/alerts/health", params={"unit": "so-y-te"}).json()
    assert own["health"]["raised"] == health["raised"]
    assert other["health"]["raised"] == 0


def test_health_of_more_than_a_quarter_is_refused_with_the_cure(client: httpx2.Client) -> None:
    answer = client.get("/alerts/health", params={"since": "2020-01-01T00:00:00Z"})
    assert answer.status_code == 400
    assert "92 days" in answer.text

"""From a measured value to an alert that somebody acknowledges, over restarts."""

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.fixtures.server import (
    ROOT,
    FeedDoor,
    Server,
    eventually,
    external_database,
    now,
    stamp,
)

SLOW = 5
FREE = 60

HEARTBEAT = re.compile(r'(id = "it-missing"[^\[]*\nafter = )"[^"]+"')
"""The rule of the city that is made impatient: a system is silent after three seconds."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo's city, in which a system must report every few seconds."""
    folder = tmp_path_factory.mktemp("alerts")
    shutil.copytree(ROOT / "city", folder / "city")
    rules = folder / "city" / "rules.toml"
    text, found = HEARTBEAT.subn(r'\1"PT3S"', rules.read_text(encoding="utf-8"))
    assert found == 1
    rules.write_text(text, encoding="utf-8")
    with external_database() as url:
        settings = {"IOC_DEMO": "1", "IOC_CITY_DIR": str(folder / "city")}
        if url is not None:
            settings["IOC_DATABASE_URL"] = url
        running = Server(folder / "data", settings)
        try:
            yield running.start()
        finally:
            running.close()


def _speeds(door: FeedDoor, series: str, *pairs: tuple[float, float]) -> None:
    """Send speeds, each so many minutes ago."""
    body = [
        {"series": series, "time": stamp(now() - timedelta(minutes=ago)), "value": value}
        for ago, value in pairs
    ]
    answer = door.post(body)
    assert answer.json()["stored"] == len(body), answer.text


def _open(client: httpx2.Client, feed: str) -> list[dict[str, Any]]:
    items = client.get("/alerts").json()["items"]
    return [item for item in items if item["feed"] == feed]


def _door(server: Server, feed: str) -> FeedDoor:
    return server.feed(feed, "so-xay-dung", domain="traffic")


def test_an_alert_is_raised_only_after_its_hold_time_in_event_time(server: Server) -> None:
    door, client = _door(server, "alerts.hold"), server.sign_in()
    _speeds(door, "ql-1/speed", (8, SLOW), (4, SLOW))
    assert _open(client, "alerts.hold") == []
    _speeds(door, "ql-1/speed", (9, SLOW))
    assert _open(client, "alerts.hold") == [], "late data must not lengthen the hold"
    _speeds(door, "ql-2/speed", (12, SLOW), (1, SLOW))
    eventually(lambda: _open(client, "alerts.hold"))
    alert = _open(client, "alerts.hold")[0]
    assert alert["rule"] == "traffic-jam"
    assert alert["severity"] == "high"
    assert (alert["state"], alert["acknowledged"]) == ("active", False)
    assert alert["value"] == SLOW
    assert alert["unit"]["id"] == "so-xay-dung"
    assert "kéo dài 10 phút" in alert["reason"]["vi"]


def test_an_alert_is_acknowledged_once_and_closes_when_it_has_cleared(server: Server) -> None:
    door, client = _door(server, "alerts.life"), server.sign_in()
    _speeds(door, "ql-1/speed", (12, SLOW), (1, SLOW))
    eventually(lambda: _open(client, "alerts.life"))
    alert = _open(client, "alerts.life")[0]["id"]
    first = client.post(f"/alerts/{alert}/acknowledge", json={"comment": "đã cử đội"}).json()
    assert first["acknowledged"] is True
    other = server.sign_in("leader")
    again = other.post(f"/alerts/{alert}/acknowledge").json()
    assert again["acknowledged_by"] == first["acknowledged_by"]
    _speeds(door, "ql-1/speed", (0, FREE))
    eventually(lambda: _open(client, "alerts.life") == [])
    assert client.post(f"/alerts/{alert}/acknowledge").status_code == 404
    log = client.get(f"/alerts/{alert}/log").json()["items"]
    assert [entry["change"] for entry in log] == [
        "breach_began", "held", "acknowledge", "level_cleared",
    ]  # fmt: skip
    assert log[2]["comment"] == "đã cử đội"
    closed = client.get("/alerts", params={"closed": True}).json()["items"]
    assert alert in [item["id"] for item in closed]


def test_a_cleared_alert_stays_until_somebody_has_seen_it(server: Server) -> None:
    door, client = _door(server, "alerts.seen"), server.sign_in()
    _speeds(door, "ql-1/speed", (15, SLOW), (3, SLOW), (1, FREE))
    eventually(lambda: _open(client, "alerts.seen"))
    alert = _open(client, "alerts.seen")[0]
    assert (alert["state"], alert["acknowledged"]) == ("cleared", False)
    client.post(f"/alerts/{alert['id']}/acknowledge")
    assert _open(client, "alerts.seen") == []


def test_alerts_are_listed_by_what_is_asked_page_by_page(server: Server) -> None:
    door, client = _door(server, "alerts.asked"), server.sign_in()
    _speeds(door, "ql-1/speed", (15, SLOW), (2, SLOW))
    _speeds(door, "ql-2/speed", (14, SLOW), (1, SLOW))
    eventually(lambda: len(_open(client, "alerts.asked")) == 2)
    for asked in (
        {"feed": "alerts.asked", "domain": "traffic", "severity": "high", "rule": "traffic-jam"},
        {"feed": "alerts.asked", "q": "ùn tắc", "unit": "so-xay-dung", "muted": False},
    ):
        first = client.get("/alerts", params={**asked, "limit": 1}).json()
        rest = client.get("/alerts", params={**asked, "cursor": first["next"]}).json()
        assert first["counts"]["high"] == 2
        assert (rest["next"], rest["counts"]) == (None, None)
        found = [item["id"] for item in first["items"] + rest["items"]]
        assert found == [item["id"] for item in _open(client, "alerts.asked")]
    for other in ({"domain": "health"}, {"q": "khong-co"}, {"bbox": "1,1,2,2"}):
        asked = {"feed": "alerts.asked", **other}
        assert client.get("/alerts", params=asked).json()["items"] == [], other


def test_history_never_raises_an_alert_about_now(server: Server) -> None:
    door, client = _door(server, "alerts.past"), server.sign_in()
    _speeds(door, "ql-1/speed", (600, SLOW), (500, SLOW))
    assert _open(client, "alerts.past") == []


def test_an_agency_and_a_wall_may_not_acknowledge(server: Server) -> None:
    door, client = _door(server, "alerts.rights"), server.sign_in()
    _speeds(door, "ql-1/speed", (12, SLOW), (1, SLOW))
    eventually(lambda: _open(client, "alerts.rights"))
    alert = _open(client, "alerts.rights")[0]["id"]
    agency = server.sign_in("agency", "so-y-te")
    assert agency.post(f"/alerts/{alert}/acknowledge").status_code == 403


def test_alerts_hold_times_and_acknowledgements_survive_a_restart(own_server: Server) -> None:
    own_server.start()
    door, client = _door(own_server, "alerts.restart"), own_server.sign_in()
    _speeds(door, "ql-1/speed", (12, SLOW), (2, SLOW))
    _speeds(door, "ql-2/speed", (11, SLOW))
    eventually(lambda: len(_open(client, "alerts.restart")) == 1)
    alert = _open(client, "alerts.restart")[0]["id"]
    client.post(f"/alerts/{alert}/acknowledge")
    own_server.kill()
    own_server.start()
    survived = _open(client, "alerts.restart")
    assert [item["id"] for item in survived] == [alert]
    assert survived[0]["acknowledged"] is True
    _speeds(door, "ql-2/speed", (0, SLOW))
    eventually(lambda: len(_open(client, "alerts.restart")) == 2)
    held = next(i for i in _open(client, "alerts.restart") if i["id"] != alert)
    log = client.get(f"/alerts/{held['id']}/log").json()["items"]
    assert [entry["change"] for entry in log] == ["breach_began", "held"]


def test_a_feed_that_falls_silent_is_an_alert_of_its_owner_until_data_comes(server: Server) -> None:
    door, client = server.feed("alerts.silent", "so-tu-phap", domain="it"), server.sign_in()
    assert door.post([{"series": "portal/up", "time": stamp(), "value": 1}]).status_code == 200
    eventually(lambda: _open(client, door.feed))
    alert = _open(client, door.feed)[0]
    assert (alert["rule"], alert["state"]) == ("it-missing", "active")
    assert alert["unit"]["id"] == "so-tu-phap"
    assert alert["unit"]["name"] == "Sở Tư pháp"
    assert "Không có dữ liệu mới quá" in alert["reason"]["vi"]
    client.post(f"/alerts/{alert['id']}/acknowledge", json={"comment": "đã gọi cho Sở"})
    assert _open(client, door.feed)[0]["acknowledged"] is True
    door.publish(f'[{{"series":"portal/up","time":"{stamp()}","value":1}}]'.encode())
    eventually(lambda: _closed(client, alert["id"]))
    log = client.get(f"/alerts/{alert['id']}/log").json()["items"]
    assert [entry["change"] for entry in log] == ["feed_silent", "acknowledge", "feed_resumed"]


def _closed(client: httpx2.Client, alert: str) -> bool:
    found = client.get("/alerts", params={"closed": True}).json()["items"]
    return alert in [item["id"] for item in found]

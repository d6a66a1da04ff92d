"""Rules through the API: written, tried on the past, read back, removed; and what they raise."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

NAME = {"vi": "Nước dâng nhanh", "en": "Fast rise"}
HIGH: dict[str, Any] = {
    "kind": "threshold", "name": NAME, "severity": "high", "domain": "environment",
    "property": "level", "above": 5, "clear": 4, "hold": "PT5M", "where": {"feed": "rules.gauge"},
}  # fmt: skip
RISING: dict[str, Any] = {
    "kind": "rate", "name": NAME, "severity": "high", "domain": "environment",
    "property": "level", "above": 0.5, "window": "PT1H", "where": {"feed": "rules.gauge"},
}  # fmt: skip


@pytest.fixture(scope="module")
def admin(server: Server) -> Iterator[httpx2.Client]:
    with server.sign_in("administrator") as client:
        yield client


@pytest.fixture(scope="module")
def gauge(server: Server) -> FeedDoor:
    """A gauge that rose and fell two days ago, and is calm since."""
    door = server.feed("rules.gauge", "so-nong-nghiep-va-moi-truong", domain="environment")
    began = now() - timedelta(days=2)
    levels = [3.0] * 6 + [3 + 0.2 * n for n in range(1, 16)] + [6.0] * 6 + [3.0] * 12
    send(door, *[(began + timedelta(minutes=10 * n), level) for n, level in enumerate(levels)])
    return door


def send(door: FeedDoor, *rows: tuple[Any, float], series: str = "cau/level") -> None:
    body = [{"series": series, "time": stamp(at), "value": value} for at, value in rows]
    assert door.post(body).json()["stored"] == len(body)


def raised(client: httpx2.Client, rule: str) -> list[dict[str, Any]]:
    return [item for item in client.get("/alerts").json()["items"] if item["rule"] == rule]


def test_a_rule_is_tried_on_the_past_and_raises_nothing(
    gauge: FeedDoor, admin: httpx2.Client
) -> None:
    trial = admin.post("/rules/gauge-high/trial", json=HIGH, params={"days": 7}).json()
    assert (trial["series"], trial["observations"], trial["raised"]) == (1, 39, 1)
    (alert,) = trial["alerts"]
    assert alert["until"] > alert["since"]
    assert alert["value"] > 5
    assert raised(admin, "gauge-high") == []
    slower = admin.post("/rules/x/trial", json={**HIGH, "hold": "P1D"}, params={"days": 7}).json()
    assert (slower["raised"], slower["pending"]) == (0, 1)
    nothing = admin.post("/rules/x/trial", json=HIGH, params={"days": 1}).json()
    assert (nothing["observations"], nothing["raised"]) == (0, 0)


def test_change_and_silence_are_tried_too(gauge: FeedDoor, admin: httpx2.Client) -> None:
    trial = admin.post("/rules/x/trial", json=RISING, params={"days": 7}).json()
    assert trial["raised"] == 1
    silent = {
        "kind": "missing", "name": NAME, "severity": "low", "feed": "rules.gauge",
        "after": "PT12H", "each": "series",
    }  # fmt: skip
    trial = admin.post("/rules/x/trial", json=silent, params={"days": 7}).json()
    assert (trial["raised"], trial["alerts"][0]["until"]) == (1, None)


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "figure", "name": NAME, "severity": "low", "domain": "service",
         "indicator": "online-share", "standing": "behind"},
        {"kind": "missing", "name": NAME, "severity": "low", "feed": "x", "after": "PT1H"},
    ],
)  # fmt: skip
def test_what_has_no_stored_past_cannot_be_tried(
    admin: httpx2.Client, document: dict[str, Any]
) -> None:
    answer = admin.post("/rules/x/trial", json=document)
    assert answer.status_code == 400
    assert "can" in answer.json()["detail"]


def test_a_written_rule_watches_at_once_and_a_removed_one_ends_its_alerts(
    gauge: FeedDoor, admin: httpx2.Client
) -> None:
    assert admin.put("/rules/gauge-now", json={**HIGH, "hold": "PT0S"}).status_code == 201
    eventually(lambda: _send_and_see(gauge, admin, "gauge-now"))
    changed = {**HIGH, "hold": "PT0S", "severity": "low"}
    assert admin.put("/rules/gauge-now", json=changed).status_code == 200
    history = admin.get("/rules/gauge-now/history").json()["items"]
    assert [change["document"]["severity"] for change in history] == ["low", "high"]
    assert admin.delete("/rules/gauge-now").status_code == 204
    eventually(lambda: all(a["state"] == "cleared" for a in raised(admin, "gauge-now")))
    assert admin.delete("/rules/gauge-now").status_code == 404
    assert admin.get("/rules/gauge-now/history").json()["items"][0]["document"] is None


def _send_and_see(gauge: FeedDoor, admin: httpx2.Client, rule: str) -> bool:
    """Another high level each time: the rule watches from some moment on."""
    send(gauge, (now(), 7.0))
    return bool(raised(admin, rule))


def test_a_rate_survives_a_restart_in_the_middle_of_its_window(own_server: Server) -> None:
    own_server.start()
    door = own_server.feed("rules.gauge", "so-y-te", domain="environment")
    admin = own_server.sign_in("administrator")
    began = now() - timedelta(minutes=55)
    send(door, *[(began + timedelta(minutes=5 * n), 3 + 0.01 * n) for n in range(9)])
    assert admin.put("/rules/rise", json=RISING).status_code == 201
    own_server.kill()
    own_server.start()
    send(door, (now(), 6.0))
    eventually(lambda: raised(admin, "rise"))
    alert = raised(admin, "rise")[0]
    assert alert["kind"] == "rate"
    assert alert["value"] == pytest.approx(3 * 60 / 55, rel=0.05)
    assert "mỗi giờ" in alert["reason"]["vi"]


@pytest.mark.parametrize(
    ("change", "cure"),
    [
        ({"property": "levle"}, "known are"),
        ({"where": {"feed": "no-such"}}, "no feed"),
        ({"where": {"zone": "xa-khong-co"}}, "no unit"),
        ({"kind": "treshold"}, "write one of threshold"),
        ({"hold": "5 minutes"}, "PT10M"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_cure(
    gauge: FeedDoor, admin: httpx2.Client, change: dict[str, Any], cure: str
) -> None:
    answer = admin.put("/rules/wrong", json=HIGH | change)
    assert answer.status_code == 400
    assert cure in answer.json()["detail"]
    assert "wrong" not in [rule["id"] for rule in admin.get("/rules").json()["items"]]

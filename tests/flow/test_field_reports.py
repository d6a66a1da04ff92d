"""Open field reports on the map: they come, move and leave live, each for whom it is meant."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from websockets.sync.client import ClientConnection, connect

from tests.fixtures.server import DEADLINE, FeedDoor, Server, eventually, now, stamp

LAYER = "/layers/field-reports"
PLACE = {"longitude": 105.317642, "latitude": 20.868489}
SECRETS = ("Nguyễn Thị Bí Mật", "0912345678", "ổ gà trước nhà bà Mật")


@pytest.fixture(scope="module")
def door(server: Server) -> FeedDoor:
    return server.feed("phan-anh.ban-do", "vp-ubnd", domain="service", late_limit=None)


@pytest.fixture(scope="module")
def operator(server: Server) -> httpx2.Client:
    return server.sign_in("operator")


def _hand_in(door: FeedDoor, operator: httpx2.Client, **more: Any) -> dict[str, Any]:
    """A ticket that is stored, as somebody sees it."""
    code = f"HT-{uuid4().hex[:8]}"
    ticket = {
        "code": code, "category": "o-ga-mat-duong", "description": SECRETS[2], **PLACE,
        "received_at": stamp(now() - timedelta(hours=1)),
        "contact": {"name": SECRETS[0], "phone": SECRETS[1]}, **more,
    }  # fmt: skip
    assert door.post([ticket], part="tickets").json()["stored"] == 1
    [item] = operator.get("/tickets", params={"q": code}).json()["items"]
    return item


def _move(client: httpx2.Client, ticket: dict[str, Any], move: str, **more: Any) -> dict[str, Any]:
    body = {"version": ticket["version"], "reason": "vì thế", **more}
    answer = client.post(f"/tickets/{ticket['id']}/{move}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _shown(client: httpx2.Client, **query: str) -> dict[str, dict[str, Any]]:
    features = client.get(LAYER, params=query).json()["features"]
    return {feature["id"]: feature for feature in features}


def _words(feature: dict[str, Any]) -> tuple[str, str, str]:
    values = feature["properties"]["values"]
    return values["clock"]["value"], values["state"]["value"], values["category"]["value"]


def test_an_open_field_report_is_a_point_until_it_is_closed(
    door: FeedDoor, operator: httpx2.Client
) -> None:
    ticket = _hand_in(door, operator)
    eventually(lambda: ticket["id"] in _shown(operator))
    feature = _shown(operator, bbox="105.3,20.8,105.4,20.9")[ticket["id"]]
    assert feature["geometry"]["coordinates"] == [PLACE["longitude"], PLACE["latitude"]]
    assert feature["properties"]["name"] == "Ổ gà, hư hỏng mặt đường"
    assert _words(feature) == ("running", "received", "o-ga-mat-duong")
    assert ticket["id"] not in _shown(operator, bbox="106,20.8,107,20.9")
    _move(operator, ticket, "reject", outcome="false_report")
    eventually(lambda: ticket["id"] not in _shown(operator))


def test_only_reports_of_a_place_are_on_the_map(door: FeedDoor, operator: httpx2.Client) -> None:
    petition = _hand_in(door, operator, category="quy-dinh-hanh-chinh")
    placeless = _hand_in(door, operator, longitude=None, latitude=None)
    late = _hand_in(door, operator, received_at=stamp(now() - timedelta(days=100)))
    eventually(lambda: late["id"] in _shown(operator))
    shown = _shown(operator)
    assert not {petition["id"], placeless["id"]} & shown.keys()
    assert _words(shown[late["id"]])[0] == "missed"
    assert shown[late["id"]]["properties"]["severity"] == "medium"


def test_the_map_says_neither_who_reported_nor_what_was_said(
    server: Server, door: FeedDoor, operator: httpx2.Client
) -> None:
    ticket = _hand_in(door, operator)
    eventually(lambda: ticket["id"] in _shown(operator))
    text = operator.get(LAYER).text
    assert not any(secret in text for secret in (*SECRETS, ticket["code"]))


@contextmanager
def _following(server: Server, client: httpx2.Client) -> Iterator[ClientConnection]:
    with connect(
        f"ws://127.0.0.1:{server.http_port}/api/v1/stream",
        additional_headers={"Authorization": client.headers["Authorization"]},
    ) as socket:
        assert json.loads(socket.recv(DEADLINE))["type"] == "hello"
        yield socket


def _subscribe(socket: ClientConnection, topic: str = "layer:field-reports") -> dict[str, Any]:
    socket.send(json.dumps({"type": "subscribe", "id": "r", "topic": topic}))
    return json.loads(socket.recv(DEADLINE))


def _until(socket: ClientConnection, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    while True:
        frame = json.loads(socket.recv(DEADLINE))
        if frame["type"] == "delta" and holds(frame["data"]):
            return frame["data"]


def test_who_follows_the_map_sees_reports_come_change_and_go(
    server: Server, door: FeedDoor, operator: httpx2.Client
) -> None:
    with _following(server, operator) as socket:
        assert _subscribe(socket)["type"] == "snapshot"
        ticket = _hand_in(door, operator)
        id = ticket["id"]
        _until(socket, lambda data: id in {item["id"] for item in data["add"]})
        ticket = _move(operator, ticket, "verify")
        data = _until(socket, lambda data: id in {item["id"] for item in data["update"]})
        assert "verified" in {_words(item)[1] for item in data["update"]}
        _move(operator, ticket, "reject")
        _until(socket, lambda data: id in data["remove"])


def test_an_agency_is_shown_the_reports_of_its_own_units_alone(
    server: Server, door: FeedDoor, operator: httpx2.Client
) -> None:
    own, other = server.sign_in("agency", "so-xay-dung"), server.sign_in("agency", "so-y-te")
    ticket = _move(operator, _hand_in(door, operator), "verify")
    with _following(server, own) as socket:
        assert ticket["id"] not in str(_subscribe(socket))
        ticket = _move(operator, ticket, "assign", unit="so-xay-dung")
        id = ticket["id"]
        _until(socket, lambda data: id in {item["id"] for item in data["add"]})
        assert id in _shown(own)
        assert id not in _shown(other)
        _move(operator, ticket, "assign", unit="so-y-te")
        _until(socket, lambda data: id in data["remove"])
        assert (id in _shown(own), id in _shown(other)) == (False, True)


def test_nobody_follows_the_reports_of_others_by_the_name_of_their_topic(
    server: Server, door: FeedDoor, operator: httpx2.Client
) -> None:
    own, other = server.sign_in("agency", "so-xay-dung"), server.sign_in("agency", "so-y-te")
    with _following(server, own) as mine, _following(server, other) as theirs:
        assert _subscribe(mine)["type"] == "snapshot"
        assert _subscribe(theirs, "layer:field-reports:so-xay-dung")["code"] == "not_found"

"""The topic of incidents: every change once and in order, over a restart, to whom it concerns."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import connect

from tests.fixtures.server import DEADLINE, Server, eventually, product_at

Frame = dict[str, Any]


@asynccontextmanager
async def _frames(server: Server, token: str, cursor: str | None = None) -> AsyncIterator[Any]:
    """The frames of the topic, from a cursor on."""
    async with connect(
        f"ws://127.0.0.1:{server.http_port}/api/v1/stream",
        subprotocols=["ioc.v1"],  # pyright: ignore[reportArgumentType]
        additional_headers={"Authorization": f"Bearer {token}"},
        compression=None,
    ) as socket:
        assert json.loads(await socket.recv())["type"] == "hello"
        asked = {"type": "subscribe", "id": "i", "topic": "incidents"}
        await socket.send(json.dumps({**asked, **({"cursor": cursor} if cursor else {})}))

        async def frame() -> Frame:
            return json.loads(await asyncio.wait_for(socket.recv(), DEADLINE))

        yield frame


def _token(client: httpx2.Client) -> str:
    return client.headers["Authorization"].removeprefix("Bearer ")


def _open(client: httpx2.Client, title: str, **more: Any) -> dict[str, Any]:
    body = {"category": "chay-no", "title": title, "place": {"name": "x"}, **more}
    answer = client.post("/incidents", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _move(client: httpx2.Client, item: dict[str, Any], move: str, **more: Any) -> dict[str, Any]:
    answer = client.post(
        f"/incidents/{item['id']}/{move}", json={"version": item["version"], **more}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def _told(frame: Frame) -> list[tuple[str, str, int | None]]:
    """What a delta says, by incident: the kind of change, of which one, in which version."""
    data = frame["data"]
    told = [
        *[("add", item["id"], item["version"]) for item in data["add"]],
        *[("update", item["id"], item["version"]) for item in data["update"]],
        *[("remove", gone, None) for gone in data["remove"]],
    ]
    # Changes of different incidents share a frame, in which each stands once.
    assert len({id for _, id, _ in told}) == len(told)
    return told


async def _collect(frame: Any, count: int) -> tuple[list[tuple[str, str, int | None]], str]:
    """So many changes, and the cursor after them."""
    told: list[tuple[str, str, int | None]] = []
    cursor = ""
    while len(told) < count:
        got = await frame()
        assert got["type"] == "delta", got
        told += _told(got)
        cursor = got["cursor"]
    return told, cursor


@pytest.fixture
def own(tmp_path: Path) -> Any:
    with product_at(tmp_path / "data") as server:
        server.start()
        yield server


async def test_a_client_that_comes_back_over_a_restart_misses_and_repeats_nothing(
    own: Server,
) -> None:
    operator = await asyncio.to_thread(own.sign_in, "operator")
    agency = await asyncio.to_thread(own.sign_in, "agency", "so-y-te")
    cursors: dict[str, str] = {}
    seen = await asyncio.to_thread(_open, operator, "một", support=["so-y-te"])
    for name, client in (("all", operator), ("own", agency)):
        async with _frames(own, _token(client)) as frame:
            first = await frame()
            assert [item["id"] for item in first["data"]["items"]] == [seen["id"]]
            cursors[name] = first["cursor"]
    seen = await asyncio.to_thread(_move, operator, seen, "acknowledge")
    hidden = await asyncio.to_thread(_open, operator, "hai")
    await asyncio.to_thread(own.kill)
    await asyncio.to_thread(own.start)
    token = _token(operator)
    seen = await asyncio.to_thread(_move, operator, seen, "assign", person="đội 1")
    async with _frames(own, token, cursors["all"]) as frame:
        told, cursor = await _collect(frame, 3)
        assert sorted(told[:2]) == [("add", hidden["id"], 1), ("update", seen["id"], 2)]
        assert told[2:] == [("update", seen["id"], 3)]
        cursors["all"] = cursor
    async with _frames(own, _token(agency), cursors["own"]) as frame:
        told, cursor = await _collect(frame, 2)
        assert told == [("update", seen["id"], 2), ("update", seen["id"], 3)]
        # What is taken from an agency is gone for it, and an update for all others.
        seen = await asyncio.to_thread(_move, operator, seen, "support", support=[])
        assert (await _collect(frame, 1))[0] == [("remove", seen["id"], None)]
        await asyncio.to_thread(_move, operator, hidden, "support", support=["so-y-te"])
        assert (await _collect(frame, 1))[0] == [("add", hidden["id"], 2)]
    async with _frames(own, token, cursors["all"]) as frame:
        told, _ = await _collect(frame, 2)
        assert told == [("update", seen["id"], 4), ("update", hidden["id"], 2)]
        seen = await asyncio.to_thread(_move, operator, seen, "resolve", result="false_alarm")
        await asyncio.to_thread(_move, operator, seen, "close")
        told, _ = await _collect(frame, 2)
        assert told == [("update", seen["id"], 5), ("remove", seen["id"], None)]


async def test_nobody_follows_the_incidents_of_others_by_name(own: Server) -> None:
    agency = await asyncio.to_thread(own.sign_in, "agency", "so-y-te")
    answer = await asyncio.to_thread(
        agency.get, "/stream/sse", params={"topic": "incidents:cong-an-tinh"}
    )
    assert answer.status_code == 404


def test_an_incident_that_nobody_acknowledges_rises_by_itself(own: Server) -> None:
    operator = own.sign_in("operator")
    item = _open(operator, "ba")
    with own.database() as conn:
        conn.execute(
            "UPDATE incident SET opened_at = opened_at - interval '10 min',"
            " since = since - interval '10 min' WHERE incident_id = %s", [item["id"]],
        )  # fmt: skip
    eventually(lambda: operator.get(f"/incidents/{item['id']}").json()["level"] == 1)
    risen = operator.get(f"/incidents/{item['id']}").json()
    entry = risen["log"][-1]
    assert (entry["change"], entry["actor"], entry["comment"]) == (
        "escalate", "engine", "unacknowledged",
    )  # fmt: skip

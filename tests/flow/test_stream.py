"""The live stream through a third party's websocket client, and the same as server-sent events."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2
import psutil
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.fixtures.server import DEADLINE, FeedDoor, Server, now, stamp

Frame = dict[str, Any]
Item = dict[str, Any]


def _item(series: str, value: float, seconds_ago: float = 0) -> dict[str, object]:
    return {"series": series, "time": stamp(now() - timedelta(seconds=seconds_ago)), "value": value}


@dataclass
class Follower:
    """One connection, and for each subscription what its frames have made of it."""

    socket: ClientConnection
    items: dict[str, dict[str, Item]] = field(default_factory=dict[str, dict[str, Item]])
    cursors: dict[str, str] = field(default_factory=dict[str, str])

    async def frame(self) -> Frame:
        """The next frame, taken in."""
        frame: Frame = json.loads(await asyncio.wait_for(self.socket.recv(), DEADLINE))
        key, data = frame.get("id"), frame.get("data")
        if frame["type"] == "snapshot":
            self.items[str(key)] = {item["id"]: item for item in frame["data"]["items"]}
        elif frame["type"] == "delta":
            assert data is not None
            held = self.items.setdefault(str(key), {})
            for gone in data["remove"]:
                held.pop(gone, None)
            held |= {item["id"]: item for item in data["update"] + data["add"]}
        if "cursor" in frame:
            self.cursors[str(key)] = frame["cursor"]
        return frame

    async def until(self, holds: Callable[[Frame], object]) -> Frame:
        while True:
            frame = await self.frame()
            if holds(frame):
                return frame

    async def send(self, **frame: Any) -> None:
        await self.socket.send(json.dumps(frame))

    async def subscribe(self, key: str, topic: str, **more: Any) -> Frame:
        """Ask for a topic; the first frame that answers."""
        await self.send(type="subscribe", id=key, topic=topic, **more)
        return await self.until(lambda frame: frame.get("id") == key)


@asynccontextmanager
async def _following(server: Server, token: str, **how: Any) -> AsyncIterator[Follower]:
    async with connect(
        f"ws://127.0.0.1:{server.http_port}/api/v1/stream",
        subprotocols=["ioc.v1"],  # pyright: ignore[reportArgumentType]
        additional_headers={"Authorization": f"Bearer {token}"},
        compression=None,
        max_size=None,
        **how,
    ) as socket:
        follower = Follower(socket)
        hello = await follower.frame()
        assert hello["type"] == "hello"
        assert abs((datetime.fromisoformat(hello["server_time"]) - now()).total_seconds()) < 60
        assert socket.subprotocol == "ioc.v1"
        yield follower


def _token(client: httpx2.Client) -> str:
    return client.headers["Authorization"].removeprefix("Bearer ")


@pytest.fixture(scope="module")
def token(server: Server) -> str:
    """An operator's."""
    return _token(server.sign_in("operator"))


@pytest.fixture(scope="module")
def air(server: Server) -> FeedDoor:
    return server.feed("dong.khong-khi", "so-xay-dung", domain="environment")


async def test_a_snapshot_is_followed_by_what_changes(
    server: Server, token: str, air: FeedDoor
) -> None:
    async with _following(server, token) as follower:
        first = await follower.subscribe("a", "layer:environment")
        assert first["type"] == "snapshot"
        assert "dong.khong-khi/tram-moi" not in follower.items["a"]
        await asyncio.to_thread(air.post, [_item("tram-moi/pm25", 41.5)])
        made = await _feature(follower, "a", "dong.khong-khi/tram-moi", 41.5)
        assert made["type"] == "delta"
        values = follower.items["a"]["dong.khong-khi/tram-moi"]["properties"]["values"]
        assert (values["pm25"]["value"], values["pm25"]["state"]) == (41.5, "fresh")
        await asyncio.to_thread(air.post, [_item("tram-moi/pm25", 42)])
        moved = await _feature(follower, "a", "dong.khong-khi/tram-moi", 42)
        assert [item["id"] for item in moved["data"]["update"]] == ["dong.khong-khi/tram-moi"]
        assert moved["cursor"] != made["cursor"]


async def _feature(follower: Follower, key: str, id: str, value: float) -> Frame:
    """The frame after which a feature shows a value."""

    def shown(_: Frame) -> bool:
        values = follower.items[key].get(id, {}).get("properties", {}).get("values", {})
        return any(each["value"] == value for each in values.values())

    return await follower.until(shown)


async def test_a_cursor_brings_only_what_came_after_it(
    server: Server, token: str, air: FeedDoor
) -> None:
    at = "dong.khong-khi/tram-con-tro"
    await asyncio.to_thread(air.post, [_item("tram-con-tro/pm25", 1, 60)])
    async with _following(server, token) as follower:
        await follower.subscribe("a", "layer:environment")
        if at not in follower.items["a"]:
            await _feature(follower, "a", at, 1)
        cursor = follower.cursors["a"]
    await asyncio.to_thread(air.post, [_item("tram-con-tro/pm25", 2, 30)])
    async with _following(server, token) as follower:
        frame = await follower.subscribe("b", "layer:environment", cursor=cursor)
        assert frame["type"] == "delta"
        assert [item["id"] for item in frame["data"]["update"]] == [at]
        assert (frame["data"]["add"], frame["data"]["remove"]) == ([], [])
        # At the newest cursor there is nothing to say.
        await follower.send(type="unsubscribe", id="b")
        newest = follower.cursors["b"]
        await follower.send(type="subscribe", id="c", topic="layer:environment", cursor=newest)
        await follower.send(type="ping")
        assert (await follower.frame())["type"] == "pong"
        await asyncio.to_thread(air.post, [_item("tram-con-tro/pm25", 3)])
        frame = await follower.until(lambda frame: frame.get("id") == "c")
        assert frame["type"] == "delta"
        assert follower.items["c"].keys() == {at}


@pytest.mark.parametrize("cursor", ["elsewhere.7", "", "7", "{epoch}.999999999", "{epoch}.-1"])
async def test_a_cursor_that_is_not_held_starts_over(
    server: Server, token: str, cursor: str
) -> None:
    async with _following(server, token) as follower:
        await follower.subscribe("a", "layer:traffic")
        epoch = follower.cursors["a"].rpartition(".")[0]
        foreign = cursor.format(epoch=epoch)
        assert (await follower.subscribe("b", "layer:traffic", cursor=foreign))["type"] == "resync"
        snapshot = await follower.until(lambda frame: frame.get("id") == "b")
        assert snapshot["type"] == "snapshot"
        assert follower.items["b"] == follower.items["a"]


async def test_a_box_brings_what_lies_in_it(server: Server, token: str) -> None:
    async with _following(server, token) as follower:
        await follower.subscribe("all", "layer:traffic")
        await follower.subscribe("box", "layer:traffic", bbox=[105.55, 21.25, 105.75, 21.35])
    inside = {
        key
        for key, item in follower.items["all"].items()
        if 105.55 <= item["geometry"]["coordinates"][0] <= 105.75
        and 21.25 <= item["geometry"]["coordinates"][1] <= 21.35
    }
    assert 0 < len(inside) < len(follower.items["all"])
    assert follower.items["box"].keys() == inside


async def test_snapshot_and_deltas_make_a_fresh_snapshot(server: Server, token: str) -> None:
    chance = random.Random(20261122)
    grid = await asyncio.to_thread(
        server.feed, "dong.luoi-dien", "dien-luc-phu-tho", domain="electricity"
    )
    topics = {"layer": "layer:electricity", "alerts": "alerts", "feeds": "feeds"}
    async with _following(server, token) as follower, _following(server, token) as other:
        for key, topic in topics.items():
            await follower.subscribe(key, topic)
        reading = asyncio.create_task(follower.until(lambda _: False))
        start = now() - timedelta(minutes=50)
        for n in range(40):
            body = [
                {
                    "series": f"tram-{chance.randrange(12)}/customers-out",
                    "time": stamp(start + timedelta(minutes=n, seconds=chance.randrange(90))),
                    "value": chance.choice([0, 100, 1000, 5000, 20_000]),
                }
                for _ in range(chance.randrange(1, 9))
            ]
            await asyncio.to_thread(grid.post, body)
            if chance.random() < 0.2:
                # Reconnecting in the middle is part of life.
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
                key = chance.choice(list(topics))
                await follower.send(type="unsubscribe", id=key)
                await follower.send(
                    type="subscribe", id=key, topic=topics[key], cursor=follower.cursors[key]
                )
                reading = asyncio.create_task(follower.until(lambda _: False))
        for key, topic in topics.items():
            await _same(follower, other, key, topic)
        assert len(follower.items["alerts"]) > 0
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _same(follower: Follower, other: Follower, key: str, topic: str) -> None:
    """Compare with a fresh snapshot at the very same cursor."""
    async with asyncio.timeout(DEADLINE):
        while True:
            await other.send(type="unsubscribe", id=key)
            await other.subscribe(key, topic)
            fresh = other.cursors[key]
            while _offset(follower.cursors[key]) < _offset(fresh):  # noqa: ASYNC110, a socket's work
                await asyncio.sleep(0.02)
            if follower.cursors[key] == fresh:
                assert follower.items[key] == other.items[key]
                return


def _offset(cursor: str) -> int:
    return int(cursor.rpartition(".")[2])


async def test_alerts_go_on_where_a_client_left_over_a_killed_server(own_server: Server) -> None:
    server = own_server
    await asyncio.to_thread(server.start)
    client = await asyncio.to_thread(server.sign_in)
    token = _token(client)
    grid = await asyncio.to_thread(
        server.feed, "dong.dut", "dien-luc-phu-tho", domain="electricity"
    )
    async with _following(server, token) as follower:
        await follower.subscribe("a", "alerts")
        assert follower.items["a"] == {}
        await asyncio.to_thread(grid.post, [_item("tram-1/customers-out", 9000, 300)])
        await follower.until(lambda _: follower.items["a"])
        (first,) = follower.items["a"]
        cursor = follower.cursors["a"]

    # Nobody listens while all this happens.
    answer = await asyncio.to_thread(client.post, f"/alerts/{first}/acknowledge")
    assert answer.status_code == 200
    said = {"comment": "đội trực đã lên đường"}
    answer = await asyncio.to_thread(client.post, f"/alerts/{first}/comment", json=said)
    assert answer.status_code == 200
    await asyncio.to_thread(server.kill)
    await asyncio.to_thread(server.start)
    await asyncio.to_thread(grid.post, [_item("tram-2/customers-out", 8000, 200)])
    await asyncio.to_thread(grid.post, [_item("tram-1/customers-out", 0, 100)])

    seen: list[tuple[str, str]] = []
    async with _following(server, token) as follower:
        follower.items["a"] = {}
        await follower.send(type="subscribe", id="a", topic="alerts", cursor=cursor)
        while len(seen) < 4:
            frame = await follower.until(lambda frame: frame.get("id") == "a")
            assert frame["type"] == "delta"
            data = frame["data"]
            seen += [("update", item["id"]) for item in data["update"]]
            seen += [("add", item["id"]) for item in data["add"]]
            seen += [("remove", key) for key in data["remove"]]
        (second,) = follower.items["a"]
    assert [change for change in seen if change[1] == first] == [
        ("update", first), ("update", first), ("remove", first),
    ]  # fmt: skip
    assert [change for change in seen if change[1] == second] == [("add", second)]
    history = client.get(f"/alerts/{first}/log").json()["items"]
    assert [change["comment"] for change in history if change["comment"]] == [said["comment"]]


async def test_server_sent_events_carry_the_same_frames(
    server: Server, token: str, air: FeedDoor
) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        _following(server, token) as follower,
        httpx2.AsyncClient(base_url=f"{server.base}/api/v1", headers=headers) as client,
    ):
        snapshot = await follower.subscribe("sse", "layer:environment")
        query = {"topic": "layer:environment"}
        async with client.stream("GET", "/stream/sse", params=query, timeout=DEADLINE) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            events = _events(answer)
            assert await anext(events) == snapshot
            await asyncio.to_thread(air.post, [_item("tram-sse/pm25", 12)])
            delta = await follower.until(lambda frame: frame.get("id") == "sse")
            assert await anext(events) == delta
        query["cursor"] = snapshot["cursor"]
        async with client.stream("GET", "/stream/sse", params=query, timeout=DEADLINE) as answer:
            assert await anext(_events(answer)) == delta


async def _events(answer: httpx2.Response) -> AsyncIterator[Frame]:
    async for line in answer.aiter_lines():
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


async def test_clients_that_do_not_read_cost_no_memory_and_nobody_else_anything(
    server: Server, token: str
) -> None:
    places, idle, rounds = 400, 25, 40
    many = await asyncio.to_thread(
        server.feed, "dong.nhieu", "so-nong-nghiep-moi-truong", domain="environment"
    )
    start = now() - timedelta(minutes=60)

    def post(n: int) -> None:
        at = stamp(start + timedelta(seconds=n))
        body = [{"series": f"tram-{k}/pm25", "time": at, "value": n} for k in range(places)]
        assert many.post(body).json()["stored"] == places

    await asyncio.to_thread(post, 0)
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    sockets: list[ClientConnection] = []
    try:
        for _ in range(idle):
            socket = await connect(
                f"ws://127.0.0.1:{server.http_port}/api/v1/stream",
                additional_headers={"Authorization": f"Bearer {token}"},
                compression=None, max_queue=1, ping_interval=None, max_size=None,
            )  # fmt: skip
            sockets.append(socket)
            ask = {"type": "subscribe", "id": "a", "topic": "layer:environment"}
            await socket.send(json.dumps(ask))
        async with _following(server, token) as follower:
            await follower.subscribe("a", "layer:environment")
            before = process.memory_info().rss
            sent = 0
            for n in range(1, rounds + 1):
                await asyncio.to_thread(post, n)
                last = f"dong.nhieu/tram-{places - 1}"
                await _feature(follower, "a", last, n)
                sent += sum(len(json.dumps(item)) for item in follower.items["a"].values())
            grown = process.memory_info().rss - before
        queued = sent * idle
        assert queued > 100_000_000
        assert grown < queued / 3
    finally:
        for socket in sockets:
            socket.transport.abort()


BAD = [
    "{broken",
    "[]",
    "7",
    "null",
    '{"type":"dance"}',
    '{"type":"subscribe"}',
    '{"type":"subscribe","id":7,"topic":"alerts"}',
    '{"type":"subscribe","id":"a","topic":"alerts","bbox":[1,2,3]}',
    '{"type":"subscribe","id":"a","topic":"alerts","bbox":["w",2,3,4]}',
    '{"type":"unsubscribe"}',
    '{"id":"\\ud800","type":"ping","type":"subscribe"}',
    "[" * 9000,
    '{"type":"ping","x":"' + "x" * 17_000 + '"}',
    b"\xff\xfe\x00",
    b"",
]


async def test_bad_frames_get_an_error_and_the_connection_stays(server: Server, token: str) -> None:
    async with _following(server, token) as follower:
        for bad in BAD:
            await follower.socket.send(bad)
            frame = await follower.frame()
            assert (frame["type"], frame["id"]) == ("error", None), bad[:60]
            assert frame["code"] in ("invalid", "too_large")
        for topic in ("layer:nowhere", "board:", "series:x", "series:999999999", "x" * 5000, ""):
            frame = await follower.subscribe("t", topic)
            assert (frame["type"], frame["code"]) == ("error", "not_found"), topic[:60]
        await follower.send(type="ping")
        assert (await follower.frame())["type"] == "pong"
        assert (await follower.subscribe("fine", "alerts"))["type"] == "snapshot"


async def test_a_connection_holds_so_many_subscriptions_and_no_more(
    server: Server, token: str
) -> None:
    async with _following(server, token) as follower:
        for n in range(64):
            assert (await follower.subscribe(f"s{n}", "incidents"))["type"] == "snapshot"
        refused = await follower.subscribe("one-too-many", "incidents")
        assert (refused["type"], refused["code"]) == ("error", "invalid")
        await follower.send(type="unsubscribe", id="s0")
        assert (await follower.subscribe("again", "incidents"))["type"] == "snapshot"


async def test_a_frame_beyond_all_measure_ends_the_connection_and_no_other(
    server: Server, token: str
) -> None:
    async with _following(server, token) as follower, _following(server, token) as other:
        await follower.socket.send("x" * 100_000)
        with pytest.raises(ConnectionClosed) as closed:
            await follower.frame()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009
        await other.send(type="ping")
        assert (await other.frame())["type"] == "pong"

"""Too much of something: refused early with the cure, in bounded memory, nobody else is hurt."""

import gzip
import json
import socket
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from datetime import timedelta
from uuid import uuid4

import httpx2
import psutil
import pytest
import zstandard

from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

MEGABYTE = 1_000_000
MOST_GROWTH = 100 * MEGABYTE
"""Bytes by which the process may grow while it is sent far more than that."""

JSON, NDJSON, CSV = "application/json", "application/x-ndjson", "text/csv"


def _item(series: str, value: object = 1, seconds_ago: float = 0) -> dict[str, object]:
    return {"series": series, "time": stamp(now() - timedelta(seconds=seconds_ago)), "value": value}


@pytest.fixture
def door(server: Server) -> FeedDoor:
    return server.feed(f"size.{uuid4().hex[:8]}", late_limit=None)


@pytest.fixture(autouse=True)
def unhurt(server: Server) -> Iterator[None]:
    """The process does not grow by what it refuses, answers others, and logs nothing unexpected."""
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    before, size = len(server.log), process.memory_info().rss
    yield
    assert process.memory_info().rss - size < MOST_GROWTH
    neighbour = server.feed(f"good.{uuid4().hex[:8]}")
    assert neighbour.post([_item("a/x")]).json()["stored"] == 1
    for word in ("unexpected error", "a decoder failed", "Traceback"):
        assert word not in server.log[before:]


def _post(door: FeedDoor, body: bytes, kind: str = JSON, packing: str = "") -> httpx2.Response:
    headers = {"Content-Encoding": packing} if packing else {}
    return door.post(body, kind, **headers)


def test_a_body_of_100_megabytes_is_refused_before_it_is_sent(
    server: Server, door: FeedDoor
) -> None:
    head = (
        f"POST /api/v1/feeds/{door.feed}/observations HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {door.key}\r\nContent-Type: {JSON}\r\n"
        f"Content-Length: {100 * MEGABYTE}\r\n\r\n["
    )
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=20) as sock:
        sock.sendall(head.encode())
        answer = ""
        while "NDJSON" not in answer:
            more = sock.recv(4_096).decode()
            assert more, answer
            answer += more
    assert answer.startswith("HTTP/1.1 413 ")


@pytest.mark.parametrize("framing", ["Content-Length: 104857600", "Transfer-Encoding: chunked"])
def test_nobody_fills_the_memory_at_the_door_where_people_sign_in(
    server: Server, framing: str
) -> None:
    head = f"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: {JSON}\r\n{framing}\r\n\r\n"
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=20) as sock:
        sock.sendall(head.encode())
        sock.sendall(chunk * 2)
        assert sock.recv(4_096).startswith(b"HTTP/1.1 413 ")


def test_many_slow_bodies_take_bounded_memory_and_the_others_are_told_to_wait(
    server: Server, door: FeedDoor
) -> None:
    head = (
        f"POST /api/v1/feeds/{door.feed}/observations HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {door.key}\r\nContent-Type: {JSON}\r\n"
        f"Content-Length: {15 * MEGABYTE}\r\n\r\n["
    )
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    with ExitStack() as stack:
        slow: list[socket.socket] = []
        for _ in range(25):
            sock = socket.create_connection(("127.0.0.1", server.http_port), timeout=20)
            slow.append(stack.enter_context(sock))
            sock.sendall(head.encode() + b" " * (9 * MEGABYTE))
        answers = [slow[-1].recv(4_096).decode()]  # all that came before it is held or refused
        for sock in slow[:-1]:
            sock.setblocking(False)
            with suppress(BlockingIOError):
                answers.append(sock.recv(4_096).decode())
        assert process.memory_info().rss - before < MOST_GROWTH
    assert len(answers) > 10
    for answer in answers:
        assert answer.startswith("HTTP/1.1 429 ")
        assert "retry-after: 1\r\n" in answer
        assert "send it again after a pause" in answer
    eventually(lambda: door.post([_item("a/x")]).status_code == 200)


def test_a_body_of_unknown_length_is_refused_at_the_limit(door: FeedDoor) -> None:
    def endless() -> Iterator[bytes]:
        yield b"["
        for _ in range(100):
            yield b" " * MEGABYTE

    answer = httpx2.post(
        f"{door.server.base}/api/v1/feeds/{door.feed}/observations",
        content=endless(),
        headers={"Authorization": f"Bearer {door.key}", "Content-Type": JSON},
        timeout=60,
    )
    assert answer.status_code == 413
    assert "NDJSON" in answer.json()["detail"]


def _gzip_bomb(megabytes: int, filling: bytes) -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(filling * (MEGABYTE // len(filling))) for _ in range(megabytes)]
    return b"".join(parts) + packer.flush()


def _zstd_bomb(megabytes: int, filling: bytes) -> bytes:
    packer = zstandard.ZstdCompressor(level=3).compressobj()
    parts = [packer.compress(filling * (MEGABYTE // len(filling))) for _ in range(megabytes)]
    return b"".join(parts) + packer.flush()


BOMBS = {"gzip": _gzip_bomb, "zstd": _zstd_bomb}


@pytest.mark.parametrize("packing", BOMBS)
@pytest.mark.parametrize("kind", [JSON, NDJSON, CSV])
def test_a_bomb_of_one_piece_is_refused_at_the_limit(
    door: FeedDoor, packing: str, kind: str
) -> None:
    bomb = BOMBS[packing](150, b"1")
    assert len(bomb) < MEGABYTE
    answer = _post(door, bomb, kind, packing)
    assert answer.status_code == 413, answer.text
    assert "bytes" in answer.json()["detail"]


@pytest.mark.parametrize("packing", BOMBS)
def test_a_bomb_of_many_lines_is_answered_and_others_are_served_meanwhile(
    server: Server, door: FeedDoor, packing: str
) -> None:
    bomb = BOMBS[packing](50, b"\n")
    answer = _post(door, bomb, NDJSON, packing)
    assert answer.status_code in (200, 400), answer.text
    assert door.ledger()["stored"] == 0


@pytest.mark.parametrize("packing", BOMBS)
def test_a_bomb_in_a_bomb_is_not_unpacked_twice(door: FeedDoor, packing: str) -> None:
    answer = _post(door, BOMBS[packing](1, gzip.compress(b"[" * 1_000)), JSON, packing)
    assert answer.status_code == 400
    assert door.ledger()["quarantined"] == 1


def test_what_says_that_it_is_packed_and_is_not_is_refused_with_the_reason(door: FeedDoor) -> None:
    for packing in BOMBS:
        answer = _post(door, json.dumps([_item("a/x")]).encode(), JSON, packing)
        assert answer.status_code == 400
        assert f"not {packing}" in answer.json()["detail"]
    answer = _post(door, b"[]", JSON, "br")
    assert answer.status_code == 415
    assert "gzip or zstd" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"a":' * 100_000, b'[{"series":' * 50_000 + b"1"]
)
def test_deep_nesting_is_refused_with_a_reason(door: FeedDoor, body: bytes) -> None:
    answer = _post(door, body)
    assert answer.status_code == 400
    assert answer.json()["values"]["reason"] in ("json_invalid", "shape_invalid")
    door.publish(body)
    eventually(lambda: door.ledger()["quarantined"] == 2)
    assert {item["reason"] for item in door.quarantine()} <= {"json_invalid", "shape_invalid"}


@pytest.mark.parametrize("body", [b"", b" \r\n", b"\xef\xbb\xbf", b"\x00", b"\x00" * 1_000])
@pytest.mark.parametrize("kind", [JSON, NDJSON, CSV])
def test_a_body_without_anything_in_it_is_refused_and_counted(
    door: FeedDoor, body: bytes, kind: str
) -> None:
    answer = _post(door, body, kind)
    # A line is an item, and an item that cannot be read stands in the receipt.
    assert answer.status_code == (200 if kind == NDJSON and b"\x00" in body else 400)
    kept = door.quarantine()
    assert [bool(item["detail"]) for item in kept] == [True]
    assert door.ledger()["received"] == door.ledger()["quarantined"] == 1


def test_payloads_by_mqtt_without_anything_in_them_are_counted_and_told(door: FeedDoor) -> None:
    client = door.mqtt()
    told: list[bytes] = []
    client.on_message = lambda _c, _d, message: told.append(bytes(message.payload))
    client.subscribe(f"ioc/errors/{door.agency}/{door.feed}", qos=1)
    for body in (b"", b" ", b"\x00"):
        client.publish(door.topic, body, qos=1).wait_for_publish(60)
    eventually(lambda: door.ledger()["quarantined"] == 3)
    eventually(lambda: len(told) == 3)
    client.disconnect()
    client.loop_stop()


def test_a_payload_by_mqtt_of_8_megabytes_is_taken_and_a_larger_one_never(door: FeedDoor) -> None:
    item = json.dumps(_item("a/x")).encode()
    most = 8 * 1024 * 1024 - 1_000  # the topic counts too
    client = door.mqtt()
    client.publish(door.topic, b"[" + b" " * (most - len(item) - 2) + item + b"]", qos=1)
    eventually(lambda: door.ledger()["stored"] == 1)
    lost: list[object] = []
    client.on_disconnect = lambda *_: lost.append(True)
    client.publish(door.topic, b" " * (8 * 1024 * 1024 + 1), qos=1)
    eventually(lambda: lost)
    client.loop_stop()
    door.publish(json.dumps([_item("a/x", 2, 5)]).encode())
    eventually(lambda: door.ledger()["stored"] == 2)


LONG_TOPICS = ("k" * 60_000, "/".join(["k"] * 200), "đ" * 200, "\u200b" * 100)
ODD_TOPICS = ("a.b", "a/b/c", "trạm-1/đo", "$SYS", "a//b", "a/", "*", ">", "a/b>c", "';--")
NO_TOPICS = ("a b", " ", "\t", "\x7f")
"""The embedded broker takes no topic with a space or a control character in it."""


def test_long_topics_are_refused_with_a_reason_and_odd_ones_are_series(door: FeedDoor) -> None:
    client = door.mqtt()
    item = json.dumps({"time": stamp(), "value": 1}).encode()
    for below in (*LONG_TOPICS, *ODD_TOPICS):
        client.publish(f"{door.topic}/{below}", item, qos=1)
    eventually(lambda: door.ledger()["received"] == len(LONG_TOPICS) + len(ODD_TOPICS))
    ledger = door.ledger()
    assert (ledger["stored"], ledger["quarantined"]) == (len(ODD_TOPICS), len(LONG_TOPICS))
    assert {kept["reason"] for kept in door.quarantine()} == {"series_invalid"}
    client.disconnect()
    client.loop_stop()


@pytest.mark.parametrize("below", NO_TOPICS)
def test_a_topic_that_the_broker_cannot_keep_is_not_acknowledged(
    door: FeedDoor, below: str
) -> None:
    client = door.mqtt()
    lost: list[object] = []
    client.on_disconnect = lambda *_: lost.append(True)
    sent = client.publish(f"{door.topic}/{below}", b'{"value":1}', qos=1)
    eventually(lambda: lost)
    client.loop_stop()
    assert not sent.is_published()
    assert door.ledger()["received"] == 0


def test_signs_of_wildcards_in_keys_are_kept_as_they_are(server: Server, door: FeedDoor) -> None:
    keys = ["a/#", "+/x", "#", "a+b/c#d", "*", "%", "_", "a/%/x", ">", "a.>.b", "a.*.b", "\\", "?"]
    assert door.post([_item(key, n) for n, key in enumerate(keys)]).json()["stored"] == len(keys)
    client = server.sign_in()
    for key in keys:
        found = client.get("/series", params={"key": f"{door.feed}/{key}"}).json()["items"]
        assert [item["key"] for item in found] == [key]


def _unknown_series(door: FeedDoor, many: int, block: int = 20_000) -> None:
    """Send that many keys which nobody has described."""
    for start in range(0, many, block):
        at = stamp()
        lines = [
            f'{{"series":"key-{n}/x","time":"{at}","value":1}}' for n in range(start, start + block)
        ]
        answer = _post(door, "\n".join(lines).encode(), NDJSON)
        assert answer.status_code == 200
        assert answer.json()["received"] == block


def _limited(server: Server, many: int) -> None:
    small = server.feed(f"size.{uuid4().hex[:8]}", late_limit=None, most_series=100)
    other = server.feed(f"size.{uuid4().hex[:8]}", late_limit=None, most_series=100)
    assert small.post([_item("known/x", 1)]).json()["stored"] == 1
    before = server.figure("series")
    _unknown_series(small, many)
    assert server.figure("series") == before + 99
    ledger = small.ledger()
    assert (ledger["received"], ledger["stored"]) == (many + 1, 100)
    assert ledger["quarantined"] == many - 99
    newest = small.quarantine()[0]
    assert newest["reason"] == "series_unknown"
    assert "100 series" in newest["detail"]
    assert "raise its limit" in newest["detail"]
    assert small.post([_item("known/x", 2)]).json()["stored"] == 1
    assert other.post([_item("known/x", 2)]).json()["stored"] == 1


def test_unknown_series_end_at_the_limit_of_the_feed_and_the_others_go_on(server: Server) -> None:
    _limited(server, 20_000)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_million_unknown_series_end_at_the_limit_of_the_feed(server: Server) -> None:
    _limited(server, 1_000_000)

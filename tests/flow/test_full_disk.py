"""A full disk: a clear state, no false acknowledgement, and all goes on once there is room."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import psycopg
import pytest

from ioc.embedded.database import embedded_database
from tests.fixtures.disk import SmallDisk, small_disk
from tests.fixtures.senders import MqttSender, RestSender, Sender, all_is_stored_once, finish
from tests.fixtures.server import Server, eventually

MEGABYTES = 300

DATABASE = "The database's disk is full"
BROKER = "The MQTT broker's disk is full"

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "small", MEGABYTES) as made:
        yield made


def _make_cluster(server: Server) -> None:
    async def make() -> None:
        async with embedded_database(server.data_dir):
            pass

    asyncio.run(make())


def _reasons(server: Server) -> list[str]:
    answer = httpx2.get(f"{server.base}/readyz", headers={"Accept-Language": "en"})
    assert answer.json()["failed"] is None
    return answer.json()["reasons"] if answer.status_code == 503 else []


def _use_up_wal(server: Server) -> None:
    """The log of the database is made in large files: go through those that it has already."""
    with suppress(psycopg.Error), server.database() as conn:
        while True:
            conn.execute("SELECT pg_logical_emit_message(false, 'x', 'x'), pg_switch_wal()")


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        pytest.param(["nats"], [BROKER], marks=pytest.mark.long),
        (["postgres", "nats"], [DATABASE, BROKER]),
        pytest.param(["postgres/base"], [DATABASE], marks=pytest.mark.long),
        pytest.param(["postgres/pg_wal"], [DATABASE], marks=pytest.mark.long),
    ],
    ids=["the broker", "everything", "the data", "the write-ahead log"],
)
def test_a_full_disk_is_named_acknowledges_nothing_falsely_and_is_overcome(
    own_server: Server, disk: SmallDisk, folders: list[str], expected: list[str]
) -> None:
    server = own_server
    if DATABASE in expected:
        if "IOC_DATABASE_URL" in server.settings:
            pytest.skip("the disk of a database server that is given is not ours to fill")
        _make_cluster(server)
    for folder in folders:
        disk.move(server.data_dir / folder)
    server.prefix = disk.prefix
    server.start()
    door = server.feed("disk.full", late_limit=None)
    rest, mqtt = RestSender(door, "rest", size=300), MqttSender(door, "mqtt", size=50)
    senders: list[Sender] = [rest, mqtt]
    for sender in senders:
        sender.start()
    eventually(lambda: all(sender.acknowledged > 3 for sender in senders))

    def full() -> bool:
        disk.fill()
        if "postgres/pg_wal" in folders:
            _use_up_wal(server)
        return [reason.split(":")[0] for reason in _reasons(server)] == expected

    eventually(full)
    if DATABASE in expected:
        seen = rest.acknowledged
        eventually(lambda: server.log.count("disk is full") >= 3)
        assert rest.acknowledged == seen
    if BROKER in expected:
        eventually(lambda: mqtt.sent - mqtt.acknowledged >= mqtt.window)
    assert server.process is not None
    assert server.process.poll() is None
    disk.free()
    server.wait_ready()
    before = {sender: sender.acknowledged for sender in senders}
    eventually(lambda: all(sender.acknowledged > before[sender] for sender in senders))
    finish(senders)
    all_is_stored_once(server, door, senders)
    assert "vital task" not in server.log

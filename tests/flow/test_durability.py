"""Pull the plug: each part is killed, and nothing that was acknowledged is lost."""

import json
import os
import random
import threading
import time
from datetime import timedelta
from pathlib import Path

import httpx2
import psutil
import pytest

from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

START = now() - timedelta(hours=20)


def _body(sender: str, number: int, size: int = 10) -> bytes:
    """A payload whose observations nobody else sends."""
    first = number * size
    return json.dumps(
        [
            {
                "series": f"{sender}/x",
                "time": stamp(START + timedelta(seconds=first + n)),
                "value": n,
            }
            for n in range(size)
        ]
    ).encode()


class RestSender(threading.Thread):
    """Posts until told to stop, each body until it is acknowledged."""

    def __init__(self, door: FeedDoor) -> None:
        super().__init__(daemon=True)
        self.door, self.acknowledged, self.ending = door, 0, threading.Event()

    def run(self) -> None:
        while not self.ending.is_set():
            body = _body("rest", self.acknowledged)
            while True:
                try:
                    if self.door.post(body).status_code == 200:
                        break
                except httpx2.HTTPError:
                    pass
                time.sleep(0.05)
            self.acknowledged += 1

    def finish(self) -> int:
        self.ending.set()
        self.join(60)
        assert not self.is_alive()
        return self.acknowledged


class MqttSender(threading.Thread):
    """Publishes with QoS 1 until told to stop, at most 20 unacknowledged; paho sends again."""

    def __init__(self, door: FeedDoor) -> None:
        super().__init__(daemon=True)
        self.door, self.sent, self.ending = door, 0, threading.Event()
        self.acknowledged = 0
        self.client = door.mqtt(f"plug-{door.feed.replace('.', '-')}")
        self.client.reconnect_delay_set(1, 1)
        self.client.on_publish = self._published

    def _published(self, *_: object) -> None:
        self.acknowledged += 1

    def run(self) -> None:
        while not self.ending.is_set():
            if self.sent - self.acknowledged < 20:
                # Without a connection paho keeps the message and sends it later.
                self.client.publish(self.door.topic, _body("mqtt", self.sent), qos=1)
                self.sent += 1
            time.sleep(0.002)

    def finish(self) -> int:
        self.ending.set()
        self.join(90)
        eventually(lambda: self.acknowledged >= self.sent)
        self.client.disconnect()
        self.client.loop_stop()
        return self.sent


def _kill_program(server: Server) -> None:
    server.kill()
    server.start()


def _child(server: Server, program: str) -> psutil.Process:
    """The topmost process of that name which the server has started."""
    assert server.process is not None
    family = psutil.Process(server.process.pid).children(recursive=True)
    return next(child for child in family if child.name() == program)


def _kill_inner(program: str, server: Server) -> None:
    eventually(lambda: _runs(server, program))
    _child(server, program).kill()


def _runs(server: Server, program: str) -> bool:
    try:
        return _child(server, program).is_running()
    except (StopIteration, psutil.NoSuchProcess):
        return False


KILLS = {
    "program": _kill_program,
    "database": lambda server: _kill_inner("postgres", server),
    "broker": lambda server: _kill_inner("nats-server", server),
}


def _rounds(server: Server, victims: list[str], pauses: list[float]) -> None:
    door = server.feed("plug.all", late_limit=None)
    rest, mqtt = RestSender(door), MqttSender(door)
    rest.start()
    mqtt.start()
    for victim, pause in zip(victims, pauses, strict=True):
        time.sleep(pause)
        KILLS[victim](server)
        server.wait_ready()
    time.sleep(0.5)
    acknowledged = (rest.finish() + mqtt.finish()) * 10
    eventually(lambda: server.stored("plug.all") >= acknowledged)
    # A body that was sent but never acknowledged may be stored too, one at most.
    assert acknowledged <= server.stored("plug.all") <= acknowledged + 10
    ledger = door.ledger()
    assert ledger["stored"] == server.stored("plug.all")
    parts = ("stored", "duplicate", "corrected", "late", "quarantined")
    assert ledger["received"] == sum(ledger[part] for part in parts)
    assert ledger["quarantined"] == ledger["late"] == ledger["corrected"] == 0


@pytest.mark.skipif(
    "IOC_TEST_DATABASE_URL" in os.environ, reason="the embedded database is the one to be killed"
)
def test_nothing_acknowledged_is_lost_when_each_part_is_killed(own_server: Server) -> None:
    own_server.start()
    _rounds(own_server, ["program", "database", "broker"], [0.8, 0.8, 0.8])


@pytest.mark.long
@pytest.mark.skipif(
    "IOC_TEST_DATABASE_URL" in os.environ, reason="the embedded database is the one to be killed"
)
def test_nothing_acknowledged_is_lost_in_many_random_kills(own_server: Server) -> None:
    own_server.start()
    chance = random.Random(766)
    victims = [chance.choice(list(KILLS)) for _ in range(20)]
    _rounds(own_server, victims, [chance.uniform(0.1, 1.5) for _ in victims])


def test_a_stop_in_the_middle_of_a_stream_drains_and_loses_nothing(own_server: Server) -> None:
    own_server.start()
    door = own_server.feed("stop.middle", late_limit=None)
    rest = RestSender(door)
    rest.start()
    time.sleep(0.5)
    assert own_server.stop() == 0
    own_server.start()
    time.sleep(0.3)
    acknowledged = rest.finish() * 10
    assert acknowledged <= own_server.stored("stop.middle") <= acknowledged + 10
    assert "Traceback" not in own_server.log


def test_a_stalled_database_pushes_back_and_catches_up(own_server: Server) -> None:
    if "IOC_DATABASE_URL" in own_server.settings:
        pytest.skip("a stall is made in the embedded database")
    own_server.settings["IOC_INTAKE_BYTES"] = "1000000"
    own_server.start()
    door = own_server.feed("stall.rest", late_limit=None)
    assert door.post(_body("warm", 0)).status_code == 200
    with own_server.database() as conn:
        conn.execute("LOCK TABLE ledger IN ACCESS EXCLUSIVE MODE")
        statuses: list[int] = []
        senders = [
            threading.Thread(
                target=lambda n=n: statuses.append(door.post(_body(f"s{n}", 0, 3_000)).status_code)
            )
            for n in range(40)
        ]
        for sender in senders:
            sender.start()
        eventually(lambda: statuses.count(429) >= 10)
        assert set(statuses) == {429}
        conn.rollback()
    for sender in senders:
        sender.join(60)
    assert set(statuses) == {200, 429}
    assert own_server.stored("stall.rest") == 10 + 3_000 * statuses.count(200)


def test_what_the_broker_holds_while_the_server_is_down_is_stored_when_it_is_back(
    own_server: Server,
) -> None:
    own_server.start()
    door = own_server.feed("down.mqtt", late_limit=None)
    door.publish(_body("before", 0))
    eventually(lambda: own_server.stored("down.mqtt") == 10)
    own_server.kill()
    own_server.start()
    door.publish(_body("after", 0))
    eventually(lambda: own_server.stored("down.mqtt") == 20)


@pytest.mark.long
def test_a_vital_task_that_dies_takes_the_process_down_with_a_clear_last_line(
    own_server: Server, tmp_path: Path
) -> None:
    if "IOC_DATABASE_URL" in own_server.settings:
        pytest.skip("the embedded database is the vital task to be killed")
    own_server.start()
    assert own_server.process is not None
    # A broker that cannot come back: where its messages were, there is a file.
    store = next(own_server.data_dir.rglob("jetstream"))
    broker = _child(own_server, "nats-server")
    broker.suspend()
    store.rename(tmp_path / "gone")
    store.write_text("not a folder")
    broker.kill()
    own_server.process.wait(60)
    own_server.process = None
    assert "vital task" in own_server.log


def test_the_first_publish_that_the_broker_takes_is_stored(own_server: Server) -> None:
    """Agencies get their users only once our session is subscribed, else it would be lost."""
    own_server.command("feed", "add", "first.one", "--agency", "so-y-te", "--auto-series")
    own_server.command("feed", "key", "first.one")
    password = own_server.command("feed", "key", "--mqtt", "so-y-te").strip()
    door = FeedDoor(own_server, "first.one", "so-y-te", "", password)
    publisher = threading.Thread(target=lambda: door.publish(_body("first", 0)), daemon=True)
    publisher.start()
    own_server.start()
    publisher.join(60)
    assert not publisher.is_alive()
    eventually(lambda: own_server.stored("first.one") == 10)

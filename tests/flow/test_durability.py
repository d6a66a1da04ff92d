"""Pull the plug: each part is killed at random moments, and nothing acknowledged is lost."""

import json
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import psutil
import psycopg
import pytest

from tests.fixtures.mosquitto import Mosquitto
from tests.fixtures.senders import (
    CarefulSender,
    MqttSender,
    RestSender,
    Sender,
    all_is_stored_once,
    finish,
)
from tests.fixtures.server import FeedDoor, Server, eventually, external_database, stamp

log = logging.getLogger(__name__)

SEED: Final = int(os.environ.get("IOC_TEST_SEED") or random.SystemRandom().randrange(2**32))
"""Of what is killed and when; IOC_TEST_SEED repeats the order, if not the moments, of a run."""

MOSQUITTO: Final = "mosquitto"
"""It acknowledges a message before it saves it, in the same turn of its loop: each kill may cost
each of its clients the one message of that turn, but a careful one nothing (record 0002)."""

Kill = Callable[[Server, random.Random], None]


def _kill_program(server: Server, _: random.Random) -> None:
    server.kill()
    server.start()


def _stop_program(server: Server, _: random.Random) -> None:
    """A stop in the middle of the streams is as harmless as a kill, and ends in order."""
    assert server.stop() == 0
    server.start()


def _kill_all_at_once(server: Server, _: random.Random) -> None:
    assert server.process is not None
    family = psutil.Process(server.process.pid).children(recursive=True)
    server.process.kill()
    for child in family:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    server.kill()
    server.start()


def _kill_database(server: Server, _: random.Random) -> None:
    eventually(lambda: server.children("postgres"))
    with suppress(IndexError, psutil.NoSuchProcess):
        server.children("postgres")[0].kill()


def _kill_part_of_database(server: Server, chance: random.Random) -> None:
    """One process of PostgreSQL dies, which makes it throw away the others and recover."""
    eventually(lambda: server.children("postgres"))
    with suppress(IndexError, psutil.NoSuchProcess):
        chance.choice(server.children("postgres")[1:]).kill()


def _end_connections(server: Server, _: random.Random) -> None:
    # What recovers from the kill before has no connections to end.
    with suppress(psycopg.OperationalError), server.database() as conn:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def _kill_broker(server: Server, _: random.Random) -> None:
    eventually(lambda: server.children("nats-server"))
    with suppress(IndexError, psutil.NoSuchProcess):
        server.children("nats-server")[0].kill()


OURS: Final[dict[str, Kill]] = {
    "program": _kill_program,
    "program, in order": _stop_program,
    "everything": _kill_all_at_once,
    "broker": _kill_broker,
    "connections": _end_connections,
}
"""What can be killed whatever the database is."""

EMBEDDED: Final[dict[str, Kill]] = {
    "database": _kill_database,
    "part of the database": _kill_part_of_database,
}


def _victims(server: Server) -> dict[str, Kill]:
    return OURS if "IOC_DATABASE_URL" in server.settings else OURS | EMBEDDED


def _rounds(server: Server, kills: dict[str, Kill], order: list[str], longest_pause: float) -> None:
    """Kill one after the other while agencies send; now and then before all is well again."""
    chance = random.Random(SEED)
    log.warning("IOC_TEST_SEED=%s kills %s", SEED, order)
    door = server.feed("plug.all", late_limit=None)
    senders: list[Sender] = [
        RestSender(door, "rest", bad_every=7),
        RestSender(door, "lines", kind="application/x-ndjson", packing="gzip", size=100),
        MqttSender(door, "mqtt", bad_every=5),
        MqttSender(door, "single", size=1),
        CarefulSender(door, "careful"),
    ]
    for sender in senders:
        sender.start()
    for victim in order:
        time.sleep(chance.uniform(0.05, longest_pause))
        kills[victim](server, chance)
        if chance.random() < 0.7:
            server.wait_ready()
    server.wait_ready()
    before = {sender: sender.acknowledged for sender in senders}
    eventually(lambda: all(sender.acknowledged > before[sender] for sender in senders))
    finish(senders)
    log.warning("acknowledged %s", {sender.name: sender.acknowledged for sender in senders})
    all_is_stored_once(server, door, senders, mqtt_may_lack=order.count(MOSQUITTO))


def test_nothing_acknowledged_is_lost_when_each_part_is_killed(own_server: Server) -> None:
    own_server.start()
    kills = _victims(own_server)
    order = random.Random(SEED).sample(list(kills), len(kills))
    _rounds(own_server, kills, order, 0.8)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_nothing_acknowledged_is_lost_in_many_random_kills(own_server: Server) -> None:
    own_server.start()
    kills = _victims(own_server)
    _rounds(own_server, kills, random.Random(SEED).choices(list(kills), k=40), 1.5)


@pytest.fixture
def on_mosquitto(tmp_path: Path) -> Iterator[tuple[Server, Mosquitto]]:
    """A product with mosquitto as its broker, by exactly docker/mosquitto.conf; not started yet."""
    broker = Mosquitto()
    try:
        with external_database() as url:
            settings = {"IOC_DEMO": "1", **broker.settings()}
            if url is not None:
                settings["IOC_DATABASE_URL"] = url
            server = Server(tmp_path / "data", settings, mqtt_port=broker.port)
            try:
                yield server, broker
            finally:
                server.close()
    finally:
        broker.close()


def _on_mosquitto(server: Server, broker: Mosquitto, rounds: int) -> None:
    def kill_mosquitto(_: Server, __: random.Random) -> None:
        broker.kill()
        broker.start()

    server.start()
    kills = {name: kill for name, kill in _victims(server).items() if name != "broker"}
    others = list(kills)
    kills[MOSQUITTO] = kill_mosquitto
    chance = random.Random(SEED)
    order = [MOSQUITTO, chance.choice(others), MOSQUITTO]
    for _ in range(rounds):
        order += [chance.choice(others), chance.choice([MOSQUITTO, *others])]
    _rounds(server, kills, order, 0.8)


def test_a_careful_client_of_mosquitto_loses_nothing_and_others_a_turn_when_it_is_killed(
    on_mosquitto: tuple[Server, Mosquitto],
) -> None:
    _on_mosquitto(*on_mosquitto, 0)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_careful_clients_of_mosquitto_lose_nothing_and_others_turns_in_many_random_kills(
    on_mosquitto: tuple[Server, Mosquitto],
) -> None:
    _on_mosquitto(*on_mosquitto, 15)


@pytest.mark.long
def test_a_vital_task_that_dies_takes_the_process_down_with_a_clear_last_line(
    own_server: Server, tmp_path: Path
) -> None:
    own_server.start()
    assert own_server.process is not None
    # A broker that cannot come back: where its messages were, there is a file.
    store = next(own_server.data_dir.rglob("jetstream"))
    broker = own_server.children("nats-server")[0]
    broker.suspend()
    store.rename(tmp_path / "gone")
    store.write_text("not a folder")
    broker.kill()
    own_server.process.wait(60)
    own_server.process = None
    assert "vital task" in own_server.log


def test_a_broker_that_shall_sync_before_each_puback_does(own_server: Server) -> None:
    own_server.settings["IOC_MQTT_SYNC"] = "always"
    own_server.start()
    [settings] = own_server.data_dir.rglob("nats.conf")
    assert 'sync_interval: "always"' in settings.read_text()
    door = own_server.feed("sync.always")
    door.publish(json.dumps([{"series": "a/x", "time": stamp(), "value": 1}]).encode())
    eventually(lambda: own_server.stored(door.feed) == 1)


def test_the_first_publish_that_the_broker_takes_is_stored(own_server: Server) -> None:
    """Agencies get their users only once our session is subscribed, else it would be lost."""
    own_server.command("feed", "add", "first.one", "--agency", "so-y-te", "--auto-series")
    own_server.command("feed", "key", "first.one")
    password = own_server.command("feed", "key", "--mqtt", "so-y-te").strip()
    door = FeedDoor(own_server, "first.one", "so-y-te", "", password)
    body = json.dumps([{"series": "a/x", "time": stamp(), "value": 1}]).encode()
    publisher = threading.Thread(target=lambda: door.publish(body), daemon=True)
    publisher.start()
    own_server.start()
    publisher.join(60)
    assert not publisher.is_alive()
    eventually(lambda: own_server.stored("first.one") == 1)

"""Minutes of everything at once, with clients that die and come back: nothing may grow."""

import os
import random
import socket
import time
from collections import Counter
from contextlib import suppress
from typing import Any, Final

import psutil
import pytest

from tests.fixtures.senders import MqttSender, RestSender, Sender, all_is_stored_once, finish
from tests.fixtures.server import FeedDoor, Server, eventually

MINUTES: Final = int(os.environ.get("IOC_TEST_SOAK_MINUTES", "4"))
RESTING: Final = 20.0
"""Seconds after which what a start needs has been taken, and growth is growth."""

MOST_GROWTH: Final = {"rss": 120_000_000, "files": 60, "threads": 8, "tables": 10}


def _taken(server: Server) -> Counter[str]:
    """What the process and the database hold."""
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    with server.database() as conn:
        row = conn.execute(
            "SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p', 'i')"
        ).fetchone()
    assert row is not None
    return Counter(
        rss=process.memory_info().rss,
        files=process.num_fds(),
        threads=process.num_threads(),
        tables=row[0],
    )


def _senders(door: FeedDoor, generation: int) -> list[Sender]:
    """A few thousand observations a second together, on a machine with two cores."""
    names = [f"{name}-{generation}" for name in ("plain", "gzip", "zstd", "mqtt", "single")]
    return [
        RestSender(door, names[0], size=200, bad_every=50),
        RestSender(door, names[1], size=500, packing="gzip"),
        RestSender(door, names[2], size=500, kind="application/x-ndjson", packing="zstd"),
        MqttSender(door, names[3], size=100, pause=0.1),
        MqttSender(door, names[4], size=1, pause=0.01),
    ]


def _die(sender: Sender) -> None:
    """A client loses its connection; paho comes back by itself."""
    if isinstance(sender, MqttSender):
        found: Any = sender.client.socket()
        with suppress(OSError, AttributeError):
            found.shutdown(socket.SHUT_RDWR)


@pytest.mark.long
@pytest.mark.timeout(1_200)
def test_nothing_grows_in_minutes_of_load_with_clients_that_come_and_go(
    own_server: Server,
) -> None:
    own_server.start()
    door = own_server.feed("soak.all", late_limit=None)
    chance = random.Random(766)
    all_senders: list[Sender] = []
    before: Counter[str] | None = None
    start = time.monotonic()
    generation = 0
    while time.monotonic() - start < MINUTES * 60:
        # Every half minute all clients are new ones; in between they lose their connections.
        senders = _senders(door, generation)
        all_senders += senders
        for sender in senders:
            sender.start()
        end = time.monotonic() + 30
        while time.monotonic() < end:
            time.sleep(chance.uniform(0.5, 3))
            _die(chance.choice(senders))
            if before is None and time.monotonic() - start > RESTING:
                before = _taken(own_server)
        finish(senders)
        generation += 1
    assert before is not None
    eventually(lambda: own_server.figure("intake_bytes") == 0)
    after = _taken(own_server)
    grown = {name: after[name] - before[name] for name in MOST_GROWTH}
    assert {name: many for name, many in grown.items() if many > MOST_GROWTH[name]} == {}
    assert sum(sender.acknowledged * sender.size for sender in all_senders) > 60_000 * MINUTES
    all_is_stored_once(own_server, door, all_senders)
    assert "Traceback" not in own_server.log

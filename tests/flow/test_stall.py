"""A database that stands still: senders are pushed back, memory stays bounded, nothing is lost."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx2
import psutil
import pytest

from tests.fixtures.senders import MqttSender, RestSender, Sender, all_is_stored_once, finish
from tests.fixtures.server import Server, eventually

INTAKE_BYTES = 1_000_000
MOST_GROWTH = 150_000_000
"""Bytes by which the process may grow in a minute's stall; what is offered is far more."""


@contextmanager
def _stalled(server: Server) -> Iterator[None]:
    """The embedded PostgreSQL is stopped in its tracks; of another server, the ledger is locked."""
    if "IOC_DATABASE_URL" in server.settings:
        with server.database() as conn:
            conn.execute("LOCK TABLE ledger IN ACCESS EXCLUSIVE MODE")
            yield
        return
    stopped = server.children("postgres")
    assert len(stopped) > 3
    for process in stopped:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for process in stopped:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)


def _ready(server: Server) -> tuple[int, dict[str, Any]]:
    answer = httpx2.get(f"{server.base}/readyz", headers={"Accept-Language": "en"})
    return answer.status_code, answer.json()


def _pushed_back(server: Server, rest: list[RestSender], mqtt: MqttSender) -> Callable[[], bool]:
    """Whether requests are refused, and the broker takes more while we take nothing from it."""
    received, acknowledged = -1.0, 0

    def so() -> bool:
        nonlocal received, acknowledged
        before, received = received, server.figure("mqtt_received_total")
        if received != before:
            acknowledged = mqtt.acknowledged
        refused = sum(sender.statuses[429] for sender in rest)
        return refused >= 10 and mqtt.acknowledged - acknowledged >= 100

    return so


def _stall(server: Server, seconds: float) -> None:
    """Stall the database under load, at least as long as told and until all is pushed back."""
    server.settings["IOC_INTAKE_BYTES"] = str(INTAKE_BYTES)
    server.start()
    door = server.feed("stall.all", late_limit=None)
    rest = [RestSender(door, f"rest{n}", size=2_000) for n in range(6)]
    mqtt = [MqttSender(door, f"mqtt{n}", size=60, window=200, pause=0.003) for n in range(2)]
    senders: list[Sender] = [*rest, *mqtt]
    for sender in senders:
        sender.start()
    eventually(lambda: all(sender.acknowledged > 3 for sender in senders))
    assert _ready(server)[0] == 200
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    size = process.memory_info().rss
    with _stalled(server):
        end = time.monotonic() + seconds
        so = _pushed_back(server, rest, mqtt[0])
        pushed_back = False
        unready = False
        while not (pushed_back and unready) or time.monotonic() < end:
            assert time.monotonic() < end + 60, "nothing is pushed back"
            pushed_back = pushed_back or so()
            assert server.figure("intake_bytes") <= 2 * INTAKE_BYTES
            assert process.memory_info().rss - size < MOST_GROWTH
            status, said = _ready(server)
            unready = status == 503
            if unready:
                assert (said["database"], said["failed"]) == (False, None)
                assert said["reasons"][0].startswith("The database does not answer")
            time.sleep(0.1)
    for sender in rest:
        assert {int(after or 0) for after in sender.retry_after} <= set(range(1, 61))
        assert sender.problem is None
    server.wait_ready()
    finish(senders)
    assert all(sender.statuses[200] for sender in rest)
    all_is_stored_once(server, door, senders)
    assert "Traceback" not in server.log


def test_a_stalled_database_pushes_back_and_catches_up(own_server: Server) -> None:
    _stall(own_server, 0)


@pytest.mark.long
@pytest.mark.timeout(400)
def test_a_database_stalled_for_a_minute_pushes_back_in_bounded_memory_and_catches_up(
    own_server: Server,
) -> None:
    _stall(own_server, 60)


@pytest.mark.long
def test_a_stop_while_the_database_stands_still_comes_to_an_end(own_server: Server) -> None:
    own_server.start()
    door = own_server.feed("stall.stop", late_limit=None)
    sender = MqttSender(door, "mqtt")
    sender.start()
    eventually(lambda: sender.acknowledged)
    with _stalled(own_server):
        own_server.stop()
    own_server.start()
    sender.finish()
    all_is_stored_once(own_server, door, [sender])

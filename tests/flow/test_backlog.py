"""A backlog of large payloads behind an intake that stands still: it comes once, when it moves."""

import asyncio
import time
from pathlib import Path
from uuid import uuid4

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from ingest.intake import Intake
from ingest.mqtt import MqttSource
from ioc.embedded import sessions
from ioc.embedded.broker import EmbeddedBroker
from ioc.model import Receipt
from tests.fixtures.decoding import RECEIVED, a_feed
from tests.fixtures.embedded import eventually
from tests.fixtures.server import free_port

FEED = a_feed()
SIZE = 9_600


class House:
    """A broker, our session at it, and an intake of one megabyte."""

    def __init__(self, directory: Path) -> None:
        self.broker = EmbeddedBroker(directory, port=free_port())
        self.intake = Intake(limit_bytes=1_000_000)
        self.reconnects = 0

    async def open(self) -> None:
        await self.broker.start()
        self.source = MqttSource(
            self.broker.url, self.intake, feed_of=lambda agency, feed: FEED,
            learn=self._nothing, unknown=lambda topic, body: None, now=lambda: RECEIVED,
            reconnected=self._reconnected,
        )  # fmt: skip
        self.source.start()
        async with asyncio.timeout(20):
            await self.source.subscribed.wait()

    async def close(self) -> None:
        await self.source.stop()
        await self.broker.stop()

    async def _nothing(self) -> None:
        """All feeds are known."""

    def _reconnected(self) -> None:
        self.reconnects += 1

    def publish(self, count: int) -> None:
        """Publish so many payloads, all different, and return when the broker has them."""
        client = paho.Client(CallbackAPIVersion.VERSION2, f"sender-{uuid4().hex[:8]}")
        client.username_pw_set(self.broker.user, self.broker.password)
        client.max_queued_messages_set(0)
        client.max_inflight_messages_set(500)
        client.connect("127.0.0.1", self.broker.port)
        client.loop_start()
        sent = [client.publish("ioc/v1/a/f", b"%d " % n + bytes(SIZE), qos=1) for n in range(count)]
        for info in sent:
            info.wait_for_publish(120)
            assert info.is_published()
        client.disconnect()
        client.loop_stop()

    async def take(self, count: int) -> set[bytes]:
        """Take and answer until so many different payloads have come."""
        found: set[bytes] = set()
        async with asyncio.timeout(120):
            while len(found) < count:
                for payload in await self.intake.take(most=500, most_bytes=4_000_000):
                    found.add(payload.body.split(b" ", 1)[0])
                    payload.answer(Receipt())
        return found


@pytest.fixture
async def house(tmp_path: Path):
    made = House(tmp_path)
    await made.open()
    yield made
    await made.close()


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_backlog_of_150_megabytes_comes_once_after_a_long_stall(house: House) -> None:
    began, count = time.monotonic(), 16_000
    await asyncio.to_thread(house.publish, count)
    await asyncio.sleep(max(0.0, 30 - (time.monotonic() - began)))
    assert house.intake.held[0] < count // 2
    await house.take(count)
    # What comes again was given up by the broker with all that was on its way.
    assert (house.source.received, house.reconnects) == (count, 0)


async def test_the_window_fits_the_size_of_what_waits(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "IN_FLIGHT_BYTES", 1_000_000)
    await asyncio.to_thread(house.publish, 600)
    await eventually(lambda: house.broker.window < 110)
    await house.take(600)
    await eventually(lambda: house.broker.window > 1_000)

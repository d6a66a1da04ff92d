"""Our side of the broker's connection, against NATS and mosquitto: windows, sessions, answers."""

import asyncio
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from ingest.intake import Intake
from ingest.mqtt import MqttSource
from ingest.payload import Payload
from ioc.embedded.broker import EmbeddedBroker
from ioc.errors import ConfigError, Unavailable
from ioc.model import Feed, Problem, Reason, Receipt
from tests.fixtures.decoding import a_feed
from tests.fixtures.embedded import eventually
from tests.fixtures.outside import a_certificate
from tests.fixtures.server import ROOT, free_port

NOW = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
TOPIC = "ioc/v1/a/f"
FEED = a_feed()


@dataclass
class Place:
    """A broker by its address, and what asks it to deliver again."""

    url: str
    port: int
    user: str
    password: str
    nats: EmbeddedBroker | None = None
    unknown: list[str] = field(default_factory=list[str])
    feeds: dict[tuple[str, str], Feed] = field(default_factory=lambda: {("a", "f"): FEED})
    learn: Callable[[], None] = lambda: None

    def source(self, intake: Intake, client_id: str, **more: object) -> MqttSource:
        return MqttSource(
            self.url,
            intake,
            feed_of=lambda agency, feed: self.feeds.get((agency, feed)),
            learn=self._learn,
            unknown=lambda topic, _: self.unknown.append(topic),
            now=lambda: NOW,
            client_id=client_id,
            **more,  # pyright: ignore[reportArgumentType]
        )

    async def _learn(self) -> None:
        self.learn()

    def sender(self) -> paho.Client:
        client = paho.Client(CallbackAPIVersion.VERSION2, f"sender-{uuid4().hex[:8]}")
        client.username_pw_set(self.user, self.password)
        client.max_queued_messages_set(0)
        client.max_inflight_messages_set(1_000)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        return client


@asynccontextmanager
async def _nats(directory: Path) -> AsyncIterator[Place]:
    broker = EmbeddedBroker(directory, port=free_port())
    await broker.start()
    try:
        yield Place(broker.url, broker.port, broker.user, broker.password, broker)
    finally:
        await broker.stop()


@asynccontextmanager
async def _mosquitto(
    directory: Path, scheme: str, certificate: Path | None = None
) -> AsyncIterator[Place]:
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    assert program is not None, "mosquitto is missing; cure: apt-get install mosquitto"
    port = free_port()
    shipped = (ROOT / "docker" / "mosquitto.conf").read_text(encoding="utf-8")
    lines = [
        line
        for line in shipped.splitlines()
        # Saving at every change is for promises, and here only the window is looked at.
        if not line.startswith(("listener", "persistence", "autosave", "allow", "password", "acl"))
    ]
    config = directory / "mosquitto.conf"
    if certificate is not None:
        lines += [f"certfile {certificate}", f"keyfile {certificate}", "user root"]
    config.write_text("\n".join([f"listener {port} 127.0.0.1", *lines, "allow_anonymous true\n"]))
    process = await asyncio.create_subprocess_exec(
        program, "-c", str(config), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    await eventually(lambda: _listens(port))
    try:
        yield Place(f"{scheme}://127.0.0.1:{port}", port, "", "")
    finally:
        process.terminate()
        await process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module", params=["nats", "mqtt", "mqtt5"])
async def place(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Place]:
    directory = tmp_path_factory.mktemp("broker")
    opening = _nats(directory) if request.param == "nats" else _mosquitto(directory, request.param)
    async with opening as opened:
        yield opened


async def _taken(intake: Intake, count: int) -> list[Payload]:
    found: list[Payload] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            found += await intake.take(most=100_000, most_bytes=1 << 40)
    return found


async def _running(place: Place, client_id: str, **more: object) -> tuple[MqttSource, Intake]:
    intake = Intake(limit_bytes=1 << 30)
    source = place.source(intake, client_id, **more)
    source.start()
    async with asyncio.timeout(20):
        await source.subscribed.wait()
    return source, intake


def _publish(client: paho.Client, *bodies: bytes, topic: str = TOPIC, retain: bool = False) -> None:
    sent = [client.publish(topic, body, qos=1, retain=retain) for body in bodies]
    for info in sent:
        info.wait_for_publish(60)
        assert info.is_published()


async def test_what_was_not_answered_comes_again_and_a_late_answer_acknowledges_nothing(
    place: Place,
) -> None:
    client, name = place.sender(), f"again-{uuid4().hex[:6]}"
    source, intake = await _running(place, name)
    await asyncio.to_thread(_publish, client, *(b"%d" % n for n in range(20)))
    first = await _taken(intake, 20)
    for payload in first[:12]:
        payload.answer(Receipt())
    # What comes after the acknowledgements shows that the broker has read them.
    await asyncio.to_thread(_publish, client, b"after")
    first += await _taken(intake, 1)
    await source.stop()

    source, intake = await _running(place, name)
    if place.nats is not None:
        await place.nats.redeliver()
    second = await _taken(intake, 9)
    assert sorted(payload.body for payload in second) == sorted(p.body for p in first[12:])
    assert all(payload.redelivered for payload in second)
    # The old connection is gone: its packet ids are those of other payloads now.
    for payload in first:
        payload.answer(Receipt())
    await source.stop()

    source, intake = await _running(place, name)
    if place.nats is not None:
        await place.nats.redeliver()
    third = await _taken(intake, 9)
    assert len(third) == 9
    for payload in third:
        payload.answer(Receipt())
    await asyncio.to_thread(_publish, client, b"last")
    assert [payload.body for payload in await _taken(intake, 1)] == [b"last"]
    await source.stop()
    client.disconnect()
    client.loop_stop()


async def test_more_than_two_commits_of_payloads_come_without_an_acknowledgement(
    place: Place,
) -> None:
    client = place.sender()
    source, intake = await _running(place, f"window-{uuid4().hex[:6]}")
    sending = asyncio.create_task(
        asyncio.to_thread(_publish, client, *(b"%d" % n for n in range(11_000)))
    )
    found = await _taken(intake, 11_000)
    await sending
    assert len({payload.body for payload in found}) == 11_000
    for payload in found:
        payload.answer(Receipt())
    await source.stop()
    client.disconnect()
    client.loop_stop()


async def test_a_full_intake_leaves_the_rest_with_the_broker(place: Place) -> None:
    client = place.sender()
    limit = 100_000
    intake = Intake(limit_bytes=limit)
    source = place.source(intake, f"full-{uuid4().hex[:6]}")
    source.start()
    async with asyncio.timeout(20):
        await source.subscribed.wait()
    body = b"x" * 20_000
    sending = asyncio.create_task(asyncio.to_thread(_publish, client, *([body] * 200)))
    most = 0
    got = 0
    async with asyncio.timeout(60):
        while got < 200:
            await asyncio.sleep(0.001)
            most = max(most, intake.held[1])
            for payload in await intake.take(most=3, most_bytes=1 << 30):
                payload.answer(Receipt())
                got += 1
    await sending
    assert 0 < most <= limit + (1 << 19), "one piece of the stream at most on top of the limit"
    await source.stop()
    client.disconnect()
    client.loop_stop()


async def test_refusals_go_out_and_payloads_of_no_feed_are_told_and_acknowledged(
    place: Place,
) -> None:
    client = place.sender()
    heard: list[tuple[str, bytes]] = []
    client.on_message = lambda _c, _d, m: heard.append((m.topic, bytes(m.payload)))
    client.subscribe("ioc/errors/#", qos=1)
    source, intake = await _running(place, f"refuse-{uuid4().hex[:6]}")
    await asyncio.to_thread(_publish, client, b"?", topic="ioc/v1/a/nobody")
    await eventually(lambda: "ioc/v1/a/nobody" in place.unknown)
    await asyncio.to_thread(_publish, client, b"bad", topic=f"{TOPIC}/below")
    (payload,) = await _taken(intake, 1)
    assert (payload.topic_key, payload.body) == ("below", b"bad")
    problem = Problem(0, Reason.TIME_MISSING, "no time")
    payload.answer(Receipt(received=1, quarantined=1, problems=[problem]))
    await eventually(lambda: heard)
    assert heard[0][0] == f"ioc/errors/{FEED.agency}/{FEED.id}"
    assert b"time_missing" in heard[0][1]
    await source.stop()
    client.disconnect()
    client.loop_stop()


async def test_a_retained_payload_is_known_as_one_that_the_broker_kept(place: Place) -> None:
    client = place.sender()
    await asyncio.to_thread(_publish, client, b"kept", topic=f"{TOPIC}/kept", retain=True)
    source, intake = await _running(place, f"kept-{uuid4().hex[:6]}")
    found = await _taken(intake, 1)
    assert [(p.body, p.retained) for p in found] == [(b"kept", True)]
    await asyncio.to_thread(_publish, client, b"live", topic=f"{TOPIC}/kept", retain=True)
    assert [(p.body, p.retained) for p in await _taken(intake, 1)] == [(b"live", False)]
    await asyncio.to_thread(_publish, client, b"", topic=f"{TOPIC}/kept", retain=True)
    await source.stop()
    client.disconnect()
    client.loop_stop()


async def test_a_payload_that_comes_before_word_of_its_feed_waits_for_it(place: Place) -> None:
    client, name = place.sender(), f"new-{uuid4().hex[:6]}"
    source, intake = await _running(place, name)
    feed = f"new-{uuid4().hex[:6]}"
    asked: list[int] = []

    def learn() -> None:
        asked.append(1)
        if len(asked) == 1:
            raise Unavailable("the database is away")
        place.feeds["a", feed] = FEED

    place.learn = learn
    bodies = [b"%d" % n for n in range(50)]
    await asyncio.to_thread(_publish, client, *bodies, topic=f"ioc/v1/a/{feed}")
    taken = await _taken(intake, 50)
    assert [payload.body for payload in taken] == bodies
    assert len(asked) == 2
    assert f"ioc/v1/a/{feed}" not in place.unknown
    for payload in taken:
        payload.answer(Receipt())
    await source.stop()
    client.disconnect()
    client.loop_stop()


async def test_payloads_of_no_feed_are_given_up_once_that_is_sure(place: Place) -> None:
    client, name = place.sender(), f"none-{uuid4().hex[:6]}"
    source, intake = await _running(place, name)
    asked: list[int] = []
    place.learn = lambda: asked.append(1)
    topic = f"ioc/v1/a/none-{uuid4().hex[:6]}"
    await asyncio.to_thread(_publish, client, *(b"x" for _ in range(300)), topic=topic)
    await eventually(lambda: place.unknown.count(topic) == 300)
    assert 1 <= len(asked) < 100
    await asyncio.to_thread(_publish, client, b"after")
    assert [payload.body for payload in await _taken(intake, 1)] == [b"after"]
    await source.stop()
    client.disconnect()
    client.loop_stop()

    source, intake = await _running(place, name)
    if place.nats is not None:
        await place.nats.redeliver()
    # Given up is acknowledged: only what nobody answered comes again.
    assert [payload.body for payload in await _taken(intake, 1)] == [b"after"]
    assert place.unknown.count(topic) == 300
    await source.stop()


async def test_two_sources_divide_by_topic_where_nothing_is_shared(place: Place) -> None:
    client = place.sender()
    one, mine = await _running(place, f"one-{uuid4().hex[:6]}", topics=["ioc/v1/a/#"])
    two, theirs = await _running(place, f"two-{uuid4().hex[:6]}", topics=["ioc/v1/b/#"])
    await asyncio.to_thread(_publish, client, b"1")
    await asyncio.to_thread(_publish, client, b"2", topic="ioc/v1/b/f")
    assert [payload.body for payload in await _taken(mine, 1)] == [b"1"]
    await eventually(lambda: "ioc/v1/b/f" in place.unknown)
    assert mine.held == theirs.held == (0, 0)
    for source in (one, two):
        await source.stop()
    client.disconnect()
    client.loop_stop()


@pytest.mark.parametrize("place", ["mqtt", "mqtt5"], indirect=True)
async def test_sources_of_one_share_get_each_payload_once_between_them(place: Place) -> None:
    client = place.sender()
    share = f"$share/s{uuid4().hex[:6]}/ioc/v1/#"
    sources = [await _running(place, f"s{n}-{uuid4().hex[:6]}", topics=[share]) for n in range(2)]
    await asyncio.to_thread(_publish, client, *(b"%d" % n for n in range(200)))
    got: list[list[bytes]] = [[], []]
    async with asyncio.timeout(30):
        while sum(map(len, got)) < 200:
            for bodies, (_, intake) in zip(got, sources, strict=True):
                if intake.held[0]:
                    for payload in await intake.take(most=1_000, most_bytes=1 << 30):
                        payload.answer(Receipt())
                        bodies.append(payload.body)
            await asyncio.sleep(0.01)
    assert sorted(got[0] + got[1]) == sorted(b"%d" % n for n in range(200))
    assert all(got)
    for source, _ in sources:
        await source.stop()
    client.disconnect()
    client.loop_stop()


def _errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [str(getattr(record, "error", "")) for record in caplog.records]


@pytest.mark.parametrize("scheme", ["mqtts", "mqtts5"])
async def test_a_broker_over_tls_is_believed_when_its_authority_is(
    tmp_path: Path, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    own, other = a_certificate(tmp_path), a_certificate(tmp_path, "other")
    async with _mosquitto(tmp_path, scheme, own) as place:
        doubting = place.source(Intake(limit_bytes=1000), "doubting", ca=other)
        doubting.start()
        await eventually(lambda: any("CERTIFICATE_VERIFY_FAILED" in at for at in _errors(caplog)))
        assert not doubting.connected.is_set()
        await doubting.stop()
        source, intake = await _running(place, "trusting", ca=own)
        client = paho.Client(CallbackAPIVersion.VERSION2, "sender")
        client.tls_set(ca_certs=str(own))
        client.connect("127.0.0.1", place.port)
        client.loop_start()
        bodies = [bytes([n]) * 50_000 for n in range(1, 40)]
        await asyncio.to_thread(_publish, client, *bodies)
        taken = await _taken(intake, len(bodies))
        assert [payload.body for payload in taken] == bodies
        for payload in taken:
            payload.answer(Receipt())
        await source.stop()
        client.disconnect()
        client.loop_stop()


def test_authorities_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    place = Place("mqtts://localhost", 8883, "", "")
    with pytest.raises(ConfigError, match=r"IOC_MQTT_CA .*none\.pem"):
        place.source(Intake(limit_bytes=1000), "x", ca=tmp_path / "none.pem")

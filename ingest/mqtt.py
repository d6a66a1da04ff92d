"""One connection to the broker: payloads in, acknowledged after their commit, refusals out."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final, cast

import msgspec

from ingest import mqtt_packets as packets
from ingest.broker import broker_address, trusting
from ingest.compression import inflated_or_kept
from ingest.intake import Intake
from ingest.mqtt_packets import Greeting, Kind, Malformed, Publish
from ingest.payload import Channel, Payload, held
from ioc.clock import monotonic
from ioc.errors import Unavailable
from ioc.model import Feed, Receipt

log = logging.getLogger(__name__)

PREFIX: Final = "ioc/v1/"
EVERYTHING: Final = "ioc/v1/#"
ERRORS: Final = "ioc/errors"

RECEIVE_MAXIMUM: Final = 20_000
"""Payloads that may wait for their acknowledgement over MQTT 5: several commits of the pipeline,
or the broker would pause during each. Over 3.1.1 the broker's own setting holds."""

KEEPALIVE: Final = 30
"""Seconds after half as many again the broker gives a silent client up."""

PATIENCE: Final = 10.0
"""Seconds for the broker's answer to a CONNECT."""

SHORTEST_PAUSE, LONGEST_PAUSE = 0.2, 10.0
"""Seconds between attempts to connect."""

MOST_UNSENT: Final = 1 << 20
"""Bytes that may wait to be sent; refusals beyond are left out, the ledger has them anyway."""

MOST_DOUBTFUL: Final = 1 << 24
"""Bytes of payloads of feeds that are not known that may wait until the feeds are read anew."""

DOUBT_SECONDS: Final = 0.2
"""Rest between two readings of the feeds, however many payloads of unknown feeds come."""

_SUBSCRIBE, _UNSUBSCRIBE = 1, 2

FeedOf = Callable[[str, str], Feed | None]
"""Agency id and feed id to the feed, if the feed belongs to the agency."""


def split_topic(topic: str) -> tuple[str, str, str | None] | None:
    """Agency, feed and the series key below them; None for a topic that is not of a feed."""
    parts = topic.removeprefix(PREFIX).split("/", 2)
    if not topic.startswith(PREFIX) or len(parts) < 2 or not parts[0] or not parts[1]:
        return None
    return parts[0], parts[1], parts[2] if len(parts) > 2 and parts[2] else None


class MqttSource:
    """Subscribes with a persistent session and acknowledges what the pipeline has committed.

    The protocol is our own few packets in the pipeline's loop: a client in a thread of its own
    spends more on handing over each payload than all the rest costs (docs/decisions/0002). While
    the intake is full nothing is read, so that what cannot be taken stays in the broker.
    """

    def __init__(
        self,
        url: str,
        intake: Intake,
        *,
        feed_of: FeedOf,
        learn: Callable[[], Awaitable[None]],
        unknown: Callable[[str, bytes], None],
        now: Callable[[], datetime],
        reconnected: Callable[[], None] = lambda: None,
        client_id: str = "ioc-ingest",
        topics: Sequence[str] = (EVERYTHING,),
        ca: Path | None = None,
    ) -> None:
        """Take from the broker at `url`, see `ingest.broker`.

        A broker over TLS must show a certificate that `ca` (PEM) vouches for, without it one of
        the authorities that the system trusts.
        `learn` reads the feeds anew before a payload is given up that is of no known feed: the feed
        may have been made a moment ago. `unknown` is told of payloads for feeds that do not exist,
        which are acknowledged.
        `reconnected` is called after each connection but the first, for a broker that must be
        asked to deliver again what was not acknowledged.
        """
        self.address = broker_address(url)
        self._tls = trusting(ca) if self.address.tls else None
        self.client_id = client_id
        self.topics = topics
        self.intake = intake
        self.feed_of = feed_of
        self._learn = learn
        self.unknown = unknown
        self.now = now
        self.connected = asyncio.Event()
        self.subscribed = asyncio.Event()
        self.received = 0
        self._reconnected = reconnected
        self._link: _Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._doubtful: list[tuple[_Link, Publish, datetime]] = []
        self._doubted = 0
        self._learning: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to connect, and keep connecting until `stop`."""
        self._task = asyncio.create_task(self._keep(), name="mqtt")

    async def stop(self) -> None:
        """Disconnect; the broker keeps the session and what is not acknowledged."""
        tasks = [task for task in (self._task, self._learning) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def refuse(self, feed: Feed, text: bytes) -> None:
        """Publish a short reason to the agency, where only the product may publish."""
        if self._link is not None:
            self._link.refuse(f"{ERRORS}/{feed.agency}/{feed.id}", text)

    async def _keep(self) -> None:
        pause = SHORTEST_PAUSE
        while True:
            try:
                if await self._connect():
                    pause = SHORTEST_PAUSE
            except (OSError, TimeoutError) as error:
                log.warning("the broker cannot be reached", extra={"error": str(error)})
            except Exception:
                log.exception("the connection to the broker failed; it is made anew")
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _connect(self) -> bool:
        """One connection from its beginning to its end; whether the broker let us in."""
        link = _Link(self)
        loop = asyncio.get_running_loop()
        host, port = self.address.host, self.address.port
        opening = loop.create_connection(lambda: link, host, port, ssl=self._tls)
        await asyncio.wait_for(opening, PATIENCE)
        try:
            greeting = await asyncio.wait_for(link.greeted, PATIENCE)
            if greeting.code:
                log.error(
                    "the broker refused the connection", extra={"code": f"0x{greeting.code:02x}"}
                )
                return False
            self._link = link
            self.connected.set()
            again = self.subscribed.is_set()
            if not (again and greeting.session_present):
                # A subscription of an earlier division of the work would go on beside the new.
                if EVERYTHING not in self.topics:
                    link.send(
                        packets.unsubscribe(_UNSUBSCRIBE, [EVERYTHING], five=self.address.five)
                    )
                link.send(packets.subscribe(_SUBSCRIBE, self.topics, five=self.address.five))
            if again:
                self._reconnected()
            await link.lasts()
        finally:
            self._link = None
            self.connected.clear()
            link.close()
        return True

    def granted(self, codes: Sequence[int]) -> None:
        """Take the broker's answer to the subscription."""
        refused = [
            topic
            for topic, code in zip(self.topics, codes, strict=False)
            if code >= packets.REFUSED
        ]
        if refused:
            log.critical("the broker refused the subscription", extra={"topics": refused})
        else:
            log.info("subscribed", extra={"topics": list(self.topics)})
            self.subscribed.set()

    def payload(
        self, link: "_Link", publish: Publish, now: datetime, *, learned: bool = False
    ) -> Payload | None:
        """The payload for the intake; None for one of no feed, or of none that is known yet."""
        parts = split_topic(publish.topic)
        feed = self.feed_of(parts[0], parts[1]) if parts else None
        if parts is None or feed is None:
            if parts is None or learned or self._doubted >= MOST_DOUBTFUL:
                self.unknown(publish.topic, publish.body)
                if publish.qos:
                    link.acknowledge(publish.mid)
            else:
                self._doubt(link, publish, now)
            return None
        mid, qos = publish.mid, publish.qos

        def answer(receipt: Receipt) -> None:
            if qos:
                link.acknowledge(mid)
            if receipt.problems:
                self.refuse(feed, _short(receipt))

        return Payload(
            feed_key=feed.key,
            channel=Channel.MQTT,
            content_type=publish.content_type,
            body=inflated_or_kept(publish.body),
            received_at=now,
            answer=answer,
            topic_key=parts[2],
            redelivered=publish.redelivered,
            retained=publish.retained,
        )

    def _doubt(self, link: "_Link", publish: Publish, now: datetime) -> None:
        self._doubtful.append((link, publish, now))
        self._doubted += held(publish.body)
        if self._learning is None or self._learning.done():
            self._learning = asyncio.create_task(self._settle_doubts(), name="mqtt-doubts")

    async def _settle_doubts(self) -> None:
        """Read the feeds anew, and take or give up what waited for that."""
        while self._doubtful:
            waiting = len(self._doubtful)
            try:
                await self._learn()
            except Unavailable as error:
                log.warning("payloads of unknown feeds wait: %s", error)
            else:
                settled, self._doubtful = self._doubtful[:waiting], self._doubtful[waiting:]
                self._doubted = sum(held(publish.body) for _, publish, _ in self._doubtful)
                found = [self.payload(*doubt, learned=True) for doubt in settled]
                self.intake.take_in([payload for payload in found if payload is not None])
            await asyncio.sleep(DOUBT_SECONDS)


class _Link(asyncio.Protocol):
    """One connection. Packet ids are its own, so what it did not acknowledge dies with it."""

    def __init__(self, source: MqttSource) -> None:
        self._source = source
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._needed = 0
        self._acks = bytearray()
        self._heard_at = monotonic()
        self._paused = False
        self._closed = asyncio.Event()
        self.greeted: asyncio.Future[Greeting] = self._loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Introduce ourselves."""
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)
        source = self._source
        self._transport.write(
            packets.connect(
                source.client_id,
                source.address.user,
                source.address.password,
                keepalive=KEEPALIVE,
                five=source.address.five,
                receive_maximum=RECEIVE_MAXIMUM,
            )
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget what was to be acknowledged: the next connection uses the ids for others."""
        self._transport = None
        self._acks.clear()
        self._closed.set()
        if not self.greeted.done():
            self.greeted.set_exception(exc or ConnectionResetError("the broker closed"))

    def data_received(self, data: bytes) -> None:
        """Take the whole packets, and keep what is cut for later."""
        self._heard_at = monotonic()
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._needed:
                return
            data = bytes(self._buffer)
            self._buffer.clear()
        try:
            spans, used, self._needed = packets.split(data)
            self._take(data, spans)
        except Malformed as error:
            log.exception("the broker sent what is not MQTT", extra={"error": str(error)})
            self.close()
            return
        if used < len(data):
            self._buffer += data[used:] if used else data

    def _take(self, data: bytes, spans: Sequence[packets.Span]) -> None:
        source, five = self._source, self._source.address.five
        payloads: list[Payload] = []
        now = source.now()
        for first, start, end in spans:
            match first & 0xF0:
                case Kind.PUBLISH:
                    publish = packets.publish_of(data, first, start, end, five=five)
                    payload = source.payload(self, publish, now)
                    if payload is not None:
                        payloads.append(payload)
                    source.received += 1
                case Kind.CONNACK if not self.greeted.done():
                    self.greeted.set_result(packets.greeting_of(data, start, end))
                case Kind.SUBACK:
                    source.granted(packets.codes_of(data, start, end, five=five))
                case Kind.DISCONNECT:
                    code = data[start] if end > start else 0
                    log.warning("the broker ends the connection", extra={"code": f"0x{code:02x}"})
                    self.close()
                case _:
                    pass
        if payloads and not source.intake.take_in(payloads):
            self._pause()

    def _pause(self) -> None:
        if self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()
            self._source.intake.when_room(self._resume)

    def _resume(self) -> None:
        self._paused = False
        self._heard_at = monotonic()
        if self._transport is not None:
            self._transport.resume_reading()

    def acknowledge(self, mid: int) -> None:
        """Acknowledge a payload; those of one turn of the loop leave in one write."""
        if self._transport is None:
            return
        if not self._acks:
            self._loop.call_soon(self._send_acks)
        self._acks += b"\x40\x02" + mid.to_bytes(2)

    def _send_acks(self) -> None:
        acks, self._acks = self._acks, bytearray()
        self.send(acks)

    def refuse(self, topic: str, text: bytes) -> None:
        """Publish at QoS 0, unless much waits to be sent already."""
        if self._transport is not None and (self._transport.get_write_buffer_size() < MOST_UNSENT):
            self.send(packets.publish(topic, text, five=self._source.address.five))

    def send(self, data: bytes | bytearray) -> None:
        """Send packets, unless the connection is gone."""
        if self._transport is not None and data:
            self._transport.write(data)

    async def lasts(self) -> None:
        """Return when the connection has ended; ask the broker meanwhile whether it is there."""
        while not self._closed.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._closed.wait(), KEEPALIVE / 2)
                return
            # While we do not read we cannot hear it either.
            if not self._paused and monotonic() - self._heard_at > 1.5 * KEEPALIVE:
                log.warning("the broker is silent; the connection is made anew")
                return
            self.send(packets.PINGREQ)

    def close(self) -> None:
        """Take leave; what was acknowledged before goes out first."""
        if self._transport is not None:
            self._send_acks()
            self.send(packets.DISCONNECT)
            self._transport.close()


def _short(receipt: Receipt) -> bytes:
    """The first refusal of a payload in one line of JSON."""
    first = receipt.problems[0]
    return msgspec.json.encode(
        {
            "reason": first.reason,
            "detail": first.detail,
            "index": first.index,
            "refused": receipt.quarantined + receipt.late,
            "received": receipt.received,
        }
    )

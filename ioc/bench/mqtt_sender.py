"""Publish prebuilt observations at QoS 1; packets by hand, so that it never is the limit."""

import asyncio
from collections import deque
from typing import Final, cast

import msgspec
import uvloop

from ingest.mqtt_packets import DISCONNECT, length, text
from ioc.bench.figures import BenchFailed, percentile
from ioc.bench.observations import at, template, timed
from ioc.bench.processes import jobs, reply
from ioc.clock import SystemClock, monotonic

_CONNACK, _PUBACK = 0x20, 0x40
_PUBLISH_QOS1: Final = 0x32
_MIDS: Final = 65_535
_PATIENCE: Final = 20.0
"""Seconds within which a broker that was just told of a user comes to know it."""


class Publish(msgspec.Struct, tag="publish"):
    """Publish so many payloads as fast as the broker acknowledges them."""

    host: str
    port: int
    user: str
    password: str
    topic: str
    payloads: int
    rows: int
    series: int
    """Series that take turns."""
    window: int
    """Payloads that may wait for their PUBACK."""
    base_ms: int
    first_step: int


class Offer(msgspec.Struct, tag="offer"):
    """Publish at a rate for so many seconds; the value of each observation is its send time."""

    host: str
    port: int
    user: str
    password: str
    topic: str
    rate: float
    seconds: float
    rows: int
    series: list[str]


class Published(msgspec.Struct):
    """When it began and when the last PUBACK came (monotonic), and how much was sent.

    `p50` and `p99` are seconds from a payload's sending to its PUBACK.
    """

    started: float
    ended: float
    rows: int
    steps: int
    """Steps of time that were used."""
    p50: float
    p99: float


class _Link(asyncio.Protocol):
    def __init__(self, client_id: str, user: str, password: str) -> None:
        self._words = (client_id, user, password)
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._moved = asyncio.Event()
        self.acknowledged = 0
        self.delays: list[float] = []
        self._sent: deque[float] = deque()
        self.welcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)
        body = b"\x00\x04MQTT\x04\xc2\x00\x00" + b"".join(text(word) for word in self._words)
        self._transport.write(b"\x10" + length(len(body)) + body)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.welcome.done():
            self.welcome.set_result(False)
        self._transport = None
        self._moved.set()

    def data_received(self, data: bytes) -> None:
        data = self._rest + data
        at, now = 0, monotonic()
        while len(data) - at >= 4:
            if data[at] == _PUBACK:
                self.acknowledged += 1
                self.delays.append(now - self._sent.popleft())
            elif data[at] == _CONNACK and not self.welcome.done():
                self.welcome.set_result(data[at + 3] == 0)
            at += 4
        self._rest = data[at:]
        self._moved.set()

    def write(self, packets: list[bytes]) -> None:
        """Send PUBLISH packets, or raise when the connection is gone."""
        if self._transport is None:
            raise BenchFailed("the broker closed the connection of the sender")
        self._sent.extend([monotonic()] * len(packets))
        self._transport.write(b"".join(packets))

    def published(self, started: float, rows: int, steps: int) -> Published:
        """What to say once all is acknowledged."""
        ended, delays = monotonic(), sorted(self.delays)
        return Published(
            started, ended, rows, steps, percentile(delays, 0.5), percentile(delays, 0.99)
        )

    async def moved(self) -> None:
        """Wait until something was acknowledged."""
        if self._transport is None:
            raise BenchFailed("the broker closed the connection of the sender")
        self._moved.clear()
        await asyncio.wait_for(self._moved.wait(), _PATIENCE)

    def close(self) -> None:
        """Take leave."""
        if self._transport is not None:
            self._transport.write(DISCONNECT)
            self._transport.close()


def _publish(topic: bytes, mid: int, payload: bytes) -> bytes:
    size = len(topic) + 2 + len(payload)
    return b"%c%b%b%b%b" % (_PUBLISH_QOS1, length(size), topic, mid.to_bytes(2), payload)


async def _link(job: Publish | Offer) -> _Link:
    loop = asyncio.get_running_loop()
    deadline = monotonic() + _PATIENCE
    while monotonic() < deadline:
        link = _Link("bench-sender", job.user, job.password)
        await loop.create_connection(lambda made=link: made, job.host, job.port)
        if await link.welcome:
            return link
        await asyncio.sleep(0.1)
    raise BenchFailed(f"the broker does not let {job.user} in")


async def _send_all(job: Publish) -> Published:
    topic = text(job.topic)
    bodies = [template(n, job.rows) for n in range(0, job.series, job.rows)]
    packets: list[bytes] = []
    for n in range(job.payloads):
        step, place = divmod(n, len(bodies))
        body = timed(bodies[place], job.base_ms, job.first_step + step)
        packets.append(_publish(topic, n % _MIDS + 1, body))
    link = await _link(job)
    started, sent = monotonic(), 0
    while link.acknowledged < job.payloads:
        room = min(job.window - (sent - link.acknowledged), job.payloads - sent)
        if room > 0 and (room >= job.window // 4 or sent + room == job.payloads):
            link.write(packets[sent : sent + room])
            sent += room
        await link.moved()
    published = link.published(started, job.payloads * job.rows, job.payloads // len(bodies) + 1)
    link.close()
    return published


async def _offer(job: Offer) -> Published:
    topic = text(job.topic)
    link = await _link(job)
    started, sent = monotonic(), 0
    payloads = round(job.rate * job.seconds / job.rows)
    places = len(job.series)
    while sent < payloads:
        due = min(payloads, int((monotonic() - started) * job.rate / job.rows) + 1)
        out: list[bytes] = []
        while sent < due:
            now = at(int(SystemClock().now().timestamp() * 1e3), 0).decode()
            items = [
                f'{{"series":"{job.series[(sent * job.rows + row) % places]}","time":"{now}"'
                f',"value":{monotonic() * 1e6:.0f}}}'
                for row in range(job.rows)
            ]
            out.append(_publish(topic, sent % _MIDS + 1, f"[{','.join(items)}]".encode()))
            sent += 1
        link.write(out)
        await asyncio.sleep(0.002)
    while link.acknowledged < sent:
        await link.moved()
    published = link.published(started, sent * job.rows, 0)
    link.close()
    return published


async def main() -> None:
    """Do the jobs that come on standard input."""
    decoder: msgspec.json.Decoder[Publish | Offer] = msgspec.json.Decoder(Publish | Offer)
    async for job in jobs(decoder):
        reply(await (_send_all(job) if isinstance(job, Publish) else _offer(job)))


if __name__ == "__main__":
    uvloop.run(main())

"""Post prebuilt bodies over several kept connections, by hand, so that it never is the limit."""

import asyncio
from itertools import chain
from typing import cast

import msgspec
import uvloop

from ioc.bench.figures import BenchFailed, percentile
from ioc.bench.observations import Bodies
from ioc.bench.processes import jobs, reply
from ioc.clock import monotonic


class Post(msgspec.Struct):
    """Post so many bodies; each connection sends for its own share of the series.

    `first_step` counts on from job to job, so that no observation is sent twice.
    """

    port: int
    path: str
    key: str
    bodies: int
    rows: int
    series: int
    connections: int
    base_ms: int
    first_step: int


class Posted(msgspec.Struct):
    """When it began and when the last answer came (monotonic), and what the answers say.

    `p50` and `p99` are seconds from a body's sending to its answer.
    """

    started: float
    ended: float
    bodies: int
    stored: int
    p50: float
    p99: float


class _Receipt(msgspec.Struct):
    stored: int


class _Sender(asyncio.Protocol):
    def __init__(self, job: Post, place: int, bodies: int) -> None:
        self._job = job
        self._bodies = Bodies(place, job.connections, job.series, job.rows)
        self._head = (
            f"POST {job.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {job.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {self._bodies.length}\r\n\r\n"
        ).encode()
        self._most = bodies
        self._sent = 0
        self._sent_at = 0.0
        self._answer = b""
        self.delays: list[float] = []
        self._transport: asyncio.Transport | None = None
        self.stored = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(BenchFailed(f"the server closed a connection: {exc}"))

    def post(self) -> None:
        """Send the next body, or be done."""
        if self.done.done():
            return
        if self._sent == self._most:
            self.done.set_result(None)
            return
        assert self._transport is not None
        body = self._bodies.body(self._sent, self._job.base_ms, self._job.first_step + 1)
        self._sent += 1
        self._sent_at = monotonic()
        self._transport.writelines([self._head, body])

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, found, body = self._answer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        if len(body) < length:
            return
        if not head.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(BenchFailed(self._answer[:500].decode("utf-8", "replace")))
            return
        self._answer = b""
        self.delays.append(monotonic() - self._sent_at)
        self.stored += msgspec.json.decode(body, type=_Receipt).stored
        self.post()


async def _post(job: Post) -> Posted:
    loop = asyncio.get_running_loop()
    share, more = divmod(job.bodies, job.connections)
    senders = [_Sender(job, n, share + (n < more)) for n in range(job.connections)]
    transports = [
        (await loop.create_connection(lambda s=sender: s, "127.0.0.1", job.port))[0]
        for sender in senders
    ]
    started = monotonic()
    for sender in senders:
        sender.post()
    await asyncio.gather(*(sender.done for sender in senders))
    ended = monotonic()
    for transport in transports:
        transport.close()
    delays = sorted(chain.from_iterable(sender.delays for sender in senders))
    return Posted(
        started, ended, job.bodies, sum(sender.stored for sender in senders),
        percentile(delays, 0.5), percentile(delays, 0.99),
    )  # fmt: skip


async def main() -> None:
    """Do the jobs that come on standard input."""
    decoder: msgspec.json.Decoder[Post] = msgspec.json.Decoder(Post)
    async for job in jobs(decoder):
        reply(await _post(job))


if __name__ == "__main__":
    uvloop.run(main())

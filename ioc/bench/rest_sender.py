"""Post prebuilt bodies over several kept connections, by hand, so that it never is the limit."""

import asyncio
from typing import cast

import msgspec
import uvloop

from ioc.bench.figures import BenchFailed
from ioc.bench.observations import template, timed
from ioc.bench.processes import jobs, reply
from ioc.clock import monotonic


class Post(msgspec.Struct):
    """Post so many bodies; each connection sends for series of its own.

    `first_step` counts on from job to job, so that no observation is sent twice.
    """

    port: int
    path: str
    key: str
    bodies: int
    rows: int
    connections: int
    base_ms: int
    first_step: int


class Posted(msgspec.Struct):
    """When it began and when the last answer came (monotonic), and what the answers say."""

    started: float
    ended: float
    bodies: int
    stored: int


class _Receipt(msgspec.Struct):
    stored: int


class _Sender(asyncio.Protocol):
    def __init__(self, job: Post, place: int, bodies: int) -> None:
        self._job = job
        self._template = template(place * job.rows, job.rows)
        self._head = (
            f"POST {job.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {job.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(self._template)}\r\n\r\n"
        ).encode()
        self._left = bodies
        self._step = job.first_step
        self._answer = b""
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
        if not self._left:
            self.done.set_result(None)
            return
        assert self._transport is not None
        self._left -= 1
        self._step += 1
        body = timed(self._template, self._job.base_ms, self._step)
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
    return Posted(started, ended, job.bodies, sum(sender.stored for sender in senders))


async def main() -> None:
    """Do the jobs that come on standard input."""
    decoder: msgspec.json.Decoder[Post] = msgspec.json.Decoder(Post)
    async for job in jobs(decoder):
        reply(await _post(job))


if __name__ == "__main__":
    uvloop.run(main())

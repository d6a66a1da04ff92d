"""The limit of the fan-out: `websockets` alone, sending equal frames to everybody."""

import asyncio
from typing import Final

import msgspec
import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

from ioc.bench.processes import jobs, reply
from ioc.clock import monotonic

_BACKLOG: Final = 2_048
_MOST_BUFFERED: Final = 65_536
"""`broadcast` buffers without bound; beyond this it waits for the slowest client."""


class Send(msgspec.Struct):
    """Send frames of these sizes to everybody, as fast as they are taken, for so many seconds."""

    seconds: float
    sizes: list[int]


class Listening(msgspec.Struct):
    """The port that clients connect to."""

    port: int


class Sent(msgspec.Struct):
    """Frames sent to all clients together."""

    frames: int


async def _send(clients: set[ServerConnection], job: Send) -> Sent:
    frames = ["x" * size for size in job.sizes]
    started, rounds = monotonic(), 0
    while monotonic() - started < job.seconds:
        for frame in frames:
            broadcast(clients, frame)
        rounds += 1
        await asyncio.sleep(0)
        while _full(clients):  # noqa: ASYNC110, transports tell nobody
            await asyncio.sleep(0.001)
    return Sent(rounds * len(frames) * len(clients))


def _full(clients: set[ServerConnection]) -> bool:
    return any(c.transport.get_write_buffer_size() > _MOST_BUFFERED for c in clients)


async def main() -> None:
    """Serve, and do the jobs that come on standard input."""
    decoder: msgspec.json.Decoder[Send] = msgspec.json.Decoder(Send)
    clients: set[ServerConnection] = set()

    async def greet(client: ServerConnection) -> None:
        clients.add(client)
        try:
            await client.wait_closed()
        finally:
            clients.discard(client)

    async with serve(
        greet, "127.0.0.1", 0, backlog=_BACKLOG, compression=None, ping_interval=None
    ) as server:
        reply(Listening(next(iter(server.sockets)).getsockname()[1]))
        async for job in jobs(decoder):
            reply(await _send(clients, job))


if __name__ == "__main__":
    uvloop.run(main())

"""Websocket clients by the thousand in one process: they count frames and take delays, no more.

Handshake and frames are made by hand, because a full client would be the limit itself.
"""

import asyncio
import re
from typing import Final, cast

import msgspec
import uvloop

from ioc.bench.figures import percentile
from ioc.bench.processes import jobs, reply
from ioc.clock import monotonic

_HANDSHAKE: Final = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n{more}\r\n"
)
_VALUE: Final = re.compile(rb'"value":(\d[\d.e+]*)')
_DELTA: Final = b'{"type":"delta"'
_TEXT, _PING, _PONG = 1, 9, 10
_SAY_SECONDS: Final = 60.0
_AT_ONCE: Final = 200
"""Handshakes under way at a time."""


class Connect(msgspec.Struct, tag="connect"):
    """Connect clients that each send these frames first."""

    port: int
    path: str
    clients: int
    headers: dict[str, str] = {}
    say: list[str] = []
    await_frames: int = 0
    """Frames that each client must have received before all count as connected."""


class Say(msgspec.Struct, tag="say"):
    """Let the clients of the first `Connect` send these frames, each answered by a frame."""

    say: list[str]


class Count(msgspec.Struct, tag="count"):
    """Count for so many seconds; `delays` takes values as send times in µs (monotonic)."""

    seconds: float
    delays: bool = False


class Counted(msgspec.Struct):
    """What came in: frames, payload bytes, clients that got any, delays in ms."""

    seconds: float = 0.0
    frames: int = 0
    bytes: int = 0
    clients: int = 0
    values: int = 0
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    most: float | None = None


class _Crowd:
    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0
        self.taking = False
        self.delays: list[float] = []
        self.clients: list[_Client] = []


class _Client(asyncio.Protocol):
    def __init__(self, crowd: _Crowd, job: Connect) -> None:
        self._crowd = crowd
        self._job = job
        self.path = job.path
        self._rest = b""
        self._open = False
        self.frames = 0
        self.transport: asyncio.Transport | None = None
        self.welcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are none of asyncio's classes.
        self.transport = cast(asyncio.Transport, transport)
        more = "".join(f"{name}: {value}\r\n" for name, value in self._job.headers.items())
        head = _HANDSHAKE.format(path=self._job.path, port=self._job.port, more=more)
        self.transport.write(head.encode())

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.welcome.done():
            self.welcome.set_exception(ConnectionError("the server closed the connection"))

    def say(self, text: str) -> None:
        """Send a frame."""
        if self.transport is not None:
            self.transport.write(_masked(_TEXT, text.encode()))

    def data_received(self, data: bytes) -> None:
        if self._rest:
            data = self._rest + data
        at = 0
        if not self._open:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                self.welcome.set_exception(ConnectionError(data[:200].decode("latin-1")))
                return
            self._open = True
            at = end + 4
            for text in self._job.say:
                self.say(text)
        self._rest = data[self._frames(data, at) :]
        if self.frames >= self._job.await_frames and not self.welcome.done():
            self.welcome.set_result(None)

    def _frames(self, data: bytes, at: int) -> int:
        """Take the whole frames; returns where the first cut one begins."""
        crowd = self._crowd
        end = len(data)
        while end - at >= 2:
            length, head = data[at + 1], 2
            if length == 126:
                if end - at < 4:
                    break
                length, head = int.from_bytes(data[at + 2 : at + 4]), 4
            elif length == 127:
                if end - at < 10:
                    break
                length, head = int.from_bytes(data[at + 2 : at + 10]), 10
            after = at + head + length
            if after > end:
                break
            kind = data[at] & 15
            if kind == _TEXT:
                self.frames += 1
                crowd.frames += 1
                crowd.bytes += length
                if crowd.taking and data.startswith(_DELTA, at + head):
                    now = monotonic() * 1e6
                    found = _VALUE.findall(data, at + head, after)
                    crowd.delays += [(now - float(value)) / 1e3 for value in found]
            elif kind == _PING and self.transport is not None:
                self.transport.write(_masked(_PONG, data[at + head : after]))
            at = after
        return at


def _masked(kind: int, payload: bytes) -> bytes:
    """A client's frame; masked with zeros, which the protocol allows and costs nothing."""
    length = len(payload)
    size = bytes([128 | length]) if length < 126 else b"\xfe" + length.to_bytes(2)
    return bytes([128 | kind]) + size + bytes(4) + payload


async def _connect(crowd: _Crowd, job: Connect) -> None:
    loop = asyncio.get_running_loop()
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one() -> None:
        async with slots:
            made = _Client(crowd, job)
            await loop.create_connection(lambda: made, "127.0.0.1", job.port)
            crowd.clients.append(made)
            await asyncio.wait_for(made.welcome, 60)

    await asyncio.gather(*(one() for _ in range(job.clients)))


async def _say(crowd: _Crowd, job: Say) -> None:
    path = crowd.clients[0].path
    clients = [client for client in crowd.clients if client.path == path]
    wanted = [client.frames + len(job.say) for client in clients]
    for client in clients:
        for text in job.say:
            client.say(text)
    async with asyncio.timeout(_SAY_SECONDS):
        while any(c.frames < due for c, due in zip(clients, wanted, strict=True)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def _count(crowd: _Crowd, job: Count) -> Counted:
    crowd.delays, crowd.taking = [], job.delays
    before = {client: client.frames for client in crowd.clients}
    frames, size, started = crowd.frames, crowd.bytes, monotonic()
    await asyncio.sleep(job.seconds)
    counted = Counted(
        seconds=monotonic() - started,
        frames=crowd.frames - frames,
        bytes=crowd.bytes - size,
        clients=sum(client.frames > before.get(client, 0) for client in crowd.clients),
    )
    crowd.taking = False
    if crowd.delays:
        crowd.delays.sort()
        counted.values = len(crowd.delays)
        counted.p50, counted.p95, counted.p99, counted.most = (
            percentile(crowd.delays, share) for share in (0.5, 0.95, 0.99, 1.0)
        )
    return counted


async def main() -> None:
    """Do the jobs that come on standard input."""
    decoder: msgspec.json.Decoder[Connect | Say | Count] = msgspec.json.Decoder(
        Connect | Say | Count
    )
    crowd = _Crowd()
    async for job in jobs(decoder):
        match job:
            case Connect():
                await _connect(crowd, job)
                reply(Counted(clients=len(crowd.clients)))
            case Say():
                await _say(crowd, job)
                reply(Counted(clients=len(crowd.clients)))
            case Count():
                reply(await _count(crowd, job))


if __name__ == "__main__":
    uvloop.run(main())

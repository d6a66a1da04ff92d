"""An export whose reader does not read is cut off, its connection given back, the next let in."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, cast

import httpx2
import uvicorn

from ioc.api import deps
from ioc.api.deps import Facts, State
from ioc.api.transfers import Transfers
from ioc.app import create_app
from ioc.auth.policy import Role, Subject
from ioc.clock import SystemClock
from ioc.live.latest import Latest
from ioc.model import to_micros
from ioc.store import identity
from ioc.store.city import NOTHING
from ioc.store.pool import ReadPool, connect, open_pools
from ioc.store.registry import Registry
from ioc.store.writer import BatchWriter
from tests.fixtures.server import DEADLINE
from tests.fixtures.store import NOW, ZONE, a_feed_key, a_part, real_series, rows_of

ROWS = 20_000
PATH = "/api/v1/observations.csv"
WANTED = {"since": (NOW - timedelta(days=2)).isoformat(), "until": NOW.isoformat()}

_READING = """
    SELECT 1 FROM pg_stat_activity
     WHERE datname = current_database() AND backend_xmin IS NOT NULL AND pid <> pg_backend_pid()
       AND backend_type = 'client backend'
"""


async def _fill(url: str) -> None:
    feed = await a_feed_key(url)
    [series] = await real_series(url, feed, "a/x")
    writer = BatchWriter(url, Latest())
    await writer.open()
    start = to_micros(NOW - timedelta(days=1))
    await writer.flush([a_part(feed, [(series, start + n, 1.0) for n in range(ROWS)])], NOW)
    await writer.close()


@asynccontextmanager
async def _served(url: str, reads: ReadPool, transfers: Transfers) -> AsyncIterator[int]:
    """The application on a port, with small buffers, for somebody who may read everything."""
    async with await connect(url) as conn:
        known = await identity.read(conn)
    registry = Registry()
    await registry.load(reads)
    facts = Facts(known, NOTHING, "0", ZONE, known.bounds)
    state = {
        "reads": reads, "registry": registry, "facts": facts, "clock": SystemClock(),
        "transfers": transfers,
    }  # fmt: skip
    app = create_app(cast(State, state))
    app.dependency_overrides[deps._subject] = lambda: Subject(role=Role.OPERATOR, name="x")
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, http="httptools"))
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        serving = asyncio.create_task(server.serve(sockets=[sock]))
        try:
            yield sock.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def _begun(port: int) -> AsyncIterator[socket.socket]:
    """A connection on which an export has begun, of which nothing is read for now."""
    query = "&".join(f"{name}={value}" for name, value in WANTED.items()).replace("+", "%2B")
    loop = asyncio.get_running_loop()
    with socket.socket() as sock:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        await loop.sock_connect(sock, ("127.0.0.1", port))
        await loop.sock_sendall(sock, f"GET {PATH}?{query} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert (await loop.sock_recv(sock, 12)).endswith(b" 200")
        yield sock


async def _rest(sock: socket.socket) -> bytes:
    loop, found = asyncio.get_running_loop(), b""
    while more := await loop.sock_recv(sock, 65_536):
        found += more
    return found


async def _taken(port: int) -> httpx2.Response:
    """The export, once there is room for it."""
    async with asyncio.timeout(DEADLINE), httpx2.AsyncClient() as client:
        while True:
            answer: Any = await client.get(f"http://127.0.0.1:{port}{PATH}", params=WANTED)
            if answer.status_code != 429:
                return answer
            assert int(answer.headers["retry-after"]) > 0
            await asyncio.sleep(0.02)


async def test_an_export_that_nobody_reads_is_cut_off_and_the_next_one_is_whole(
    database: str,
) -> None:
    await _fill(database)
    async with open_pools(database) as (reads, _):
        transfers = Transfers(most=1, patience=0.3)
        async with _served(database, reads, transfers) as port, _begun(port) as idle:
            answer = await _taken(port)
            assert answer.status_code == 200
            assert answer.text.count("\r\n") == ROWS + 1
            cut = await _rest(idle)
            assert cut.count(b"\r\n") < ROWS
            assert not cut.endswith(b"0\r\n\r\n")
            # Nobody looks at old rows any longer, so that partitions can be dropped.
            assert await rows_of(database, _READING) == []

"""Open the two pools; the one for reads is read-only on the server too."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from ioc.errors import Unavailable

log = logging.getLogger(__name__)

Row = tuple[Any, ...]
Connection = AsyncConnection[Row]

SESSION = "-c timezone=UTC -c jit=off"
"""Compiling a statement costs more than it saves here: up to 0.5 s a flush on TimescaleDB."""

CHECKOUT_TIMEOUT = 5.0
"""Seconds a request waits for a connection before it is told that the database is away."""


class _Pool:
    """A pool whose losses of the database come out as `Unavailable`."""

    def __init__(self, url: str, *, options: str, size: int) -> None:
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            kwargs={"options": options, "autocommit": False},
            min_size=1,
            max_size=size,
            timeout=CHECKOUT_TIMEOUT,
            check=AsyncConnectionPool.check_connection,
            open=False,
        )

    async def open(self) -> None:
        """Connect, waiting for the first connection."""
        await self._pool.open(wait=True)

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close(timeout=2)

    @asynccontextmanager
    async def connection(self) -> AsyncGenerator[Connection]:
        """One connection in one transaction, committed when the block ends well."""
        try:
            async with self._pool.connection() as conn:
                yield conn
        except psycopg.errors.DiskFull as error:
            raise Unavailable("the database's disk is full: free space on it") from error
        except (psycopg.OperationalError, PoolTimeout) as error:
            raise Unavailable("the database cannot be reached now") from error


class ReadPool(_Pool):
    """Connections that may only read."""

    def __init__(self, url: str) -> None:
        """Make the pool; nothing is opened yet."""
        super().__init__(url, options=f"-c default_transaction_read_only=on {SESSION}", size=6)


class WritePool(_Pool):
    """Connections that may write."""

    def __init__(self, url: str) -> None:
        """Make the pool; nothing is opened yet."""
        super().__init__(url, options=SESSION, size=4)


@asynccontextmanager
async def open_pools(url: str) -> AsyncGenerator[tuple[ReadPool, WritePool]]:
    """Both pools, open for the length of the block."""
    reads, writes = ReadPool(url), WritePool(url)
    await reads.open()
    try:
        await writes.open()
        try:
            yield reads, writes
        finally:
            await writes.close()
    finally:
        await reads.close()


async def close_quietly(conn: Connection) -> None:
    """Drop a connection that may be broken."""
    try:
        await asyncio.wait_for(conn.close(), 2)
    except (psycopg.Error, TimeoutError):
        log.debug("a broken connection did not close cleanly")


async def connect(url: str) -> Connection:
    """A connection of one's own, outside the pools, with autocommit off and times in UTC."""
    try:
        return await AsyncConnection.connect(url, options=SESSION)
    except psycopg.OperationalError as error:
        raise Unavailable("the database cannot be reached now") from error

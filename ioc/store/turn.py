"""A role that one process at a time may play: who holds its lock; the next one stands by."""

import asyncio
import logging
from typing import Final

import psycopg

from ioc.errors import Unavailable
from ioc.store.pool import Connection, connect

log = logging.getLogger(__name__)

PAUSE: Final = 0.5
"""Seconds between looks whether the turn has come, and whether it still is ours."""

_KIND: Final = 0x10C5

_TAKE: Final = "SELECT pg_try_advisory_lock(%s, hashtext(%s))"
_ALIVE: Final = "SELECT 1"


class Turn:
    """Holds an advisory lock by name; it ends with our connection, however we end."""

    def __init__(self, url: str, role: str) -> None:
        """Want the turn of a role of that name; nothing is asked for yet."""
        self._url = url
        self._role = role
        self._conn: Connection | None = None

    async def wait(self) -> None:
        """Return when it is our turn; a database that is away is waited for."""
        told = False
        while not await self._try():
            if not told:
                log.info("another process is `%s`: this one stands by", self._role)
                told = True
            await asyncio.sleep(PAUSE)

    async def keep(self) -> None:
        """Last as long as it is our turn: return once another process has it."""
        while True:
            await asyncio.sleep(PAUSE)
            try:
                assert self._conn is not None
                await self._conn.execute(_ALIVE)
            except psycopg.OperationalError:
                await self._again()
                if self._conn is None:
                    log.critical("another process has become `%s`", self._role)
                    return

    async def end(self) -> None:
        """Let the next one have its turn."""
        if self._conn is not None:
            await self._conn.close()
            self._conn = None

    async def _again(self) -> None:
        """After a lost connection: take the turn again unless another was faster."""
        await self.end()
        while True:
            try:
                self._conn = await self._taken()
            except (psycopg.OperationalError, Unavailable):
                await asyncio.sleep(PAUSE)
            else:
                return

    async def _try(self) -> bool:
        try:
            self._conn = await self._taken()
        except (psycopg.OperationalError, Unavailable):
            log.debug("the database is away; nobody has a turn")
        return self._conn is not None

    async def _taken(self) -> Connection | None:
        conn = await connect(self._url)
        await conn.set_autocommit(True)
        row = await (await conn.execute(_TAKE, [_KIND, self._role])).fetchone()
        if row is not None and row[0]:
            return conn
        await conn.close()
        return None

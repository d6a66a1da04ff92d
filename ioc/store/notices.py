"""Hear from other processes what changed: feeds and keys, stored batches, alerts."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import psycopg
from psycopg import AsyncConnection, sql

from ioc.errors import Unavailable

log = logging.getLogger(__name__)

GATHER = 0.1
"""Seconds in which further notices join the first, where nobody waits for them."""

PAUSE = 1.0
"""Seconds between attempts to listen again."""


ANYTHING = ""
"""What may have changed while nobody listened."""

Changed = Callable[[frozenset[str]], Awaitable[None]]
"""Told the words of the notices that came together."""


async def listen(url: str, channel: str, changed: Changed, *, gather: float = GATHER) -> None:
    """Call `changed` at first, after each notice, and after a lost connection; for ever."""
    while True:
        try:
            async with await AsyncConnection.connect(url, autocommit=True) as conn:
                await conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
                await changed(frozenset({ANYTHING}))
                while True:
                    words: set[str] = set()
                    # Notices that come close together, as from a script, are one change.
                    async for notice in conn.notifies(stop_after=1):
                        words.add(notice.payload)
                        await asyncio.sleep(gather)
                    async for notice in conn.notifies(timeout=0):
                        words.add(notice.payload)
                    await changed(frozenset(words))
        except (psycopg.OperationalError, Unavailable):
            log.debug("not listening for now: the database is away")
        await asyncio.sleep(PAUSE)

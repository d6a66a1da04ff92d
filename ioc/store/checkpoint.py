"""The newest observation of every series, kept in the database so that a start need not search."""

import asyncio
import logging
from typing import Any, Final

import numpy as np
import psycopg
from numpy.typing import NDArray

from ioc.errors import Unavailable
from ioc.live.latest import Latest
from ioc.model import Columns
from ioc.store.pool import Connection, close_quietly, connect
from ioc.store.upsert import OBSERVATION_DTYPE, as_copy

log = logging.getLogger(__name__)

SLICE: Final = 20_000
"""Series in one transaction, which takes some tenths of a second."""

_STAGE: Final = """
    CREATE TEMP TABLE IF NOT EXISTS newest (
        series_id integer NOT NULL, phenomenon_time timestamptz NOT NULL,
        value double precision NOT NULL, received_at timestamptz NOT NULL
    ) ON COMMIT DELETE ROWS
"""

_COPY: Final = """
    COPY newest (series_id, phenomenon_time, value, received_at) FROM STDIN (FORMAT BINARY)
"""

_KEEP: Final = """
    INSERT INTO series_latest AS l (series_id, phenomenon_time, value, received_at)
    SELECT series_id, phenomenon_time, value, received_at FROM newest
    ON CONFLICT (series_id) DO UPDATE
       SET phenomenon_time = excluded.phenomenon_time, value = excluded.value,
           received_at = excluded.received_at
     WHERE (excluded.phenomenon_time, excluded.received_at) >= (l.phenomenon_time, l.received_at)
"""


class Checkpoint:
    """Writes what has changed of `latest`, on a connection of its own beside the flushes.

    What it has not written yet costs the next start a look-up in a little more of the table, no
    observation: it may lag, and is given up for the time being where the database is away.
    """

    def __init__(self, url: str, latest: Latest) -> None:
        """Connect when there is something to write."""
        self._url = url
        self._latest = latest
        self._dirty = np.zeros(0, np.bool_)
        self._conn: Connection | None = None
        # At its end the flow writes what is left while a slice may be on its way.
        self._turn = asyncio.Lock()

    def note(self, series: NDArray[Any]) -> None:
        """Remember that these series have a new newest observation."""
        if not len(series):
            return
        if (more := int(series.max()) + 1 - len(self._dirty)) > 0:
            self._dirty = np.append(self._dirty, np.zeros(max(more, len(self._dirty)), np.bool_))
        self._dirty[series] = True

    async def keep(self) -> None:
        """Write the newest observations of all series that were noted."""
        for some in self.slices():
            if not await self.keep_some(some):
                return

    def slices(self) -> list[NDArray[np.int32]]:
        """The series that are noted now, so many at a time that a flush need not wait for them."""
        ids = np.flatnonzero(self._dirty).astype(np.int32)
        return [ids[at : at + SLICE] for at in range(0, len(ids), SLICE)]

    async def keep_some(self, ids: NDArray[np.int32]) -> bool:
        """Write the newest observations of some series; whether the database took them."""
        self._dirty[ids] = False
        try:
            async with self._turn:
                await self._write(ids)
        except (psycopg.OperationalError, Unavailable) as error:
            self.note(ids)
            log.debug("the newest observations are kept later: %s", error)
            await self.close()
            return False
        return True

    async def _write(self, ids: NDArray[np.int32]) -> None:
        if self._conn is None or self._conn.closed:
            self._conn = await connect(self._url)
            await self._conn.execute(_STAGE)
            await self._conn.commit()
        latest = self._latest
        # Copied at once: later flushes change the columns while this one is on its way.
        block = as_copy(
            OBSERVATION_DTYPE,
            Columns(ids, latest.time[ids], latest.value[ids]),
            latest.received[ids],
        )
        async with self._conn.cursor() as cur:
            async with cur.copy(_COPY) as copy:
                await copy.write(block)
            await cur.execute(_KEEP)
        await self._conn.commit()

    async def close(self) -> None:
        """Give up the connection."""
        conn, self._conn = self._conn, None
        if conn is not None:
            await close_quietly(conn)

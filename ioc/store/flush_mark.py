"""Which flush of a writer is committed: what is asked when the answer to a commit was lost."""

from typing import Final
from uuid import UUID

from ioc.store.pool import Connection

_OPEN: Final = """
    INSERT INTO flush_mark (writer, flush, flushed_at) VALUES (%s, 0, now())
    ON CONFLICT (writer) DO NOTHING
"""

_DROP_OLD: Final = "DELETE FROM flush_mark WHERE flushed_at < now() - interval '7 days'"

# A flush that is under way, on a connection that only we have lost, holds the row: the lock waits
# until its outcome is sure.
_FLUSH: Final = "SELECT flush FROM flush_mark WHERE writer = %s FOR UPDATE"


async def begin(conn: Connection, writer: UUID) -> None:
    """Make the row of a writer before its first flush, and drop those of writers long gone."""
    await conn.execute(_DROP_OLD)
    await conn.execute(_OPEN, [writer])


async def stands(conn: Connection, writer: UUID, flush: int) -> bool:
    """Whether a flush whose commit was not answered took place all the same."""
    row = await (await conn.execute(_FLUSH, [writer])).fetchone()
    await conn.rollback()
    return row is not None and row[0] == flush

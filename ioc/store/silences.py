"""Silences and inhibitions: what keeps alerts quiet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from alerts.mute import Inhibition
from ioc.errors import Conflict, NotFound
from ioc.store.alerts import CHANNEL
from ioc.store.pool import Connection, ReadPool


@dataclass(frozen=True, slots=True, kw_only=True)
class SilenceRow:
    """A silence as it is stored; `feed` and `window_id` say which planned window it is part of."""

    silence_id: UUID
    matcher: dict[str, Any]
    starts: datetime
    ends: datetime
    why: str
    plan: str | None
    created_by: str
    created_at: datetime
    ended_by: str | None = None
    ended_at: datetime | None = None
    feed: str | None = None
    window_id: str | None = None


_COLUMNS: Final = """
    SELECT silence_id, matcher, lower(validity) AS starts, upper(validity) AS ends, why, plan,
           created_by, s.created_at, ended_by, ended_at, f.id AS feed, window_id
      FROM silence s LEFT JOIN feed f USING (feed_key)
"""

_ADD: Final = """
    INSERT INTO silence (silence_id, matcher, validity, why, plan, created_by, created_at)
    VALUES (%(silence_id)s, %(matcher)s, tstzrange(%(starts)s, %(ends)s), %(why)s, %(plan)s,
            %(created_by)s, %(created_at)s)
    ON CONFLICT (silence_id) DO NOTHING
"""

_FIND: Final = _COLUMNS + " WHERE silence_id = %s"

_COMING: Final = _COLUMNS + " WHERE upper(validity) > %s ORDER BY lower(validity), silence_id"

_LISTED: Final = (
    _COLUMNS + " WHERE silence_id < %(before)s ORDER BY silence_id DESC LIMIT %(limit)s"
)

# One that has not begun yet is taken away whole: it ends at its own start and a moment.
_END: Final = """
    UPDATE silence
       SET validity = tstzrange(lower(validity),
                                greatest(%(at)s, lower(validity) + interval '1 microsecond')),
           ended_by = %(by)s, ended_at = %(at)s
     WHERE silence_id = %(silence)s AND upper(validity) > %(at)s
"""

_TELL: Final = "SELECT pg_notify(%s, '')"

_FORGET: Final = "DELETE FROM inhibition WHERE id <> ALL(%s)"

_PUT: Final = """
    INSERT INTO inhibition (id, document) VALUES (%s, %s)
    ON CONFLICT (id) DO UPDATE SET document = excluded.document
"""

_INHIBITIONS: Final = "SELECT id, document FROM inhibition ORDER BY id"


async def add(conn: Connection, silence: SilenceRow) -> None:
    """Keep a silence, and tell the processes. Raises `Conflict` where its id is taken."""
    columns = {name: getattr(silence, name) for name in SilenceRow.__slots__}
    done = await conn.execute(_ADD, {**columns, "matcher": Jsonb(silence.matcher)})
    if done.rowcount == 0:
        raise Conflict(f"there is a silence {silence.silence_id} already")
    await conn.execute(_TELL, [CHANNEL])


async def end(conn: Connection, silence: UUID, *, by: str, at: datetime) -> SilenceRow:
    """End a silence now. Raises `NotFound`, and `Conflict` where it has ended already."""
    done = await conn.execute(_END, {"silence": silence, "by": by, "at": at})
    row = await _find(conn, silence)
    if row is None:
        raise NotFound(f"there is no silence {silence}")
    if done.rowcount == 0:
        raise Conflict(f"the silence has ended at {row.ends:%Y-%m-%d %H:%M} UTC already")
    await conn.execute(_TELL, [CHANNEL])
    return row


async def _find(conn: Connection, silence: UUID) -> SilenceRow | None:
    async with conn.cursor(row_factory=class_row(SilenceRow)) as cur:
        await cur.execute(_FIND, [silence])
        return await cur.fetchone()


async def coming(pool: ReadPool, now: datetime) -> list[SilenceRow]:
    """The silences that are in force or will be."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(SilenceRow)) as cur:
        await cur.execute(_COMING, [now])
        return await cur.fetchall()


async def listed(pool: ReadPool, *, before: UUID, limit: int) -> list[SilenceRow]:
    """All silences, the newest first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(SilenceRow)) as cur:
        await cur.execute(_LISTED, {"before": before, "limit": limit})
        return await cur.fetchall()


async def put_inhibitions(conn: Connection, wanted: Sequence[Inhibition]) -> None:
    """Let these be the causes that explain other alerts, and no others."""
    await conn.execute(_FORGET, [[one.id for one in wanted]])
    for one in wanted:
        await conn.execute(_PUT, [one.id, Jsonb(msgspec.to_builtins(one))])


async def inhibitions(pool: ReadPool) -> list[Inhibition]:
    """The causes that explain other alerts."""
    async with pool.connection() as conn:
        rows = await (await conn.execute(_INHIBITIONS)).fetchall()
    return [msgspec.convert(row[1], Inhibition) for row in rows]

"""What a shift leaves behind: entries of those on duty, and the alerts of its time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from ioc.errors import NotFound
from ioc.store.pool import Connection, ReadPool


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """Something that was written into the log of a shift."""

    entry_id: UUID
    shift_id: UUID
    at: datetime
    actor: str
    text: str


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """An alert as clients saw it last within a time, JSON, and what was done with it then."""

    item: bytes
    raised: bool
    acknowledged: bool


_PUT: Final = """
    INSERT INTO shift_entry (entry_id, shift_id, at, actor, text)
    VALUES (%(entry_id)s, %(shift_id)s, %(at)s, %(actor)s, %(text)s)
"""

_ENTRIES: Final = """
    SELECT entry_id, shift_id, at, actor, text FROM shift_entry
     WHERE shift_id = %s ORDER BY at, entry_id
"""

# The last change of an alert that closes it shows nothing: it is told as it stood before that.
_ALERTS: Final = """
    SELECT t.item, w.raised, w.acknowledged
      FROM (SELECT alert_id, bool_or(verb = 'add') AS raised, min(at) AS first_at,
                   bool_or(change = 'acknowledge') AS acknowledged
              FROM alert_log WHERE at >= %(since)s AND at < %(until)s
             GROUP BY alert_id HAVING bool_or(verb <> 'none')) AS w
     CROSS JOIN LATERAL (
           SELECT item FROM alert_log l
            WHERE l.alert_id = w.alert_id AND l.at < %(until)s AND length(l.item) > 0
            ORDER BY l.log_offset DESC LIMIT 1) AS t
     ORDER BY w.raised DESC, w.first_at LIMIT %(limit)s
"""


async def put(conn: Connection, row: EntryRow) -> None:
    """Write into the log of a shift; `NotFound` without it."""
    try:
        await conn.execute(_PUT, {name: getattr(row, name) for name in EntryRow.__slots__})
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotFound(f"there is no shift {row.shift_id}") from error


async def entries(pool: ReadPool, shift: UUID) -> list[EntryRow]:
    """The log of a shift, oldest first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(EntryRow)) as cur:
        await cur.execute(_ENTRIES, [shift])
        return await cur.fetchall()


async def alerts(
    pool: ReadPool, since: datetime, until: datetime, *, limit: int
) -> list[ShownAlert]:
    """The alerts with which something happened in a time: those that came in it first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(ShownAlert)) as cur:
        await cur.execute(_ALERTS, {"since": since, "until": until, "limit": limit})
        return await cur.fetchall()

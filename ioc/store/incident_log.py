"""What was done with incidents, in the order of commits: their history, and news for clients."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ioc.store import incident_rows
from ioc.store.incident_rows import IncidentRow
from ioc.store.pool import Connection, ReadPool

CHANNEL: Final = "ioc_incident"
"""The channel on which a commit says that incidents have changed."""

_LOG_LOCK: Final = 0x10C_0008
"""Held until the commit by whoever adds to the log, so that offsets follow commits."""

LOG_DAYS: Final = 7
"""A cursor older than that starts over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """One change of an incident; `item` as it is sent to clients.

    `units_before` are those that saw the incident before it: who is not among `units` any more
    is told that it is gone.
    """

    at: datetime
    change: str
    actor: str
    comment: str
    detail: dict[str, Any]
    verb: str
    units_before: Sequence[str]
    item: bytes


@dataclass(frozen=True, slots=True)
class News:
    """One change for clients."""

    log_offset: int
    verb: str
    incident_id: UUID
    units: Sequence[str]
    units_before: Sequence[str]
    item: bytes


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One change of an incident as people read it."""

    at: datetime
    change: str
    actor: str
    comment: str
    detail: dict[str, Any]
    version: int


_NEXT: Final = "SELECT COALESCE(max(log_offset), 0) FROM incident_log"

_ADD: Final = """
    INSERT INTO incident_log (log_offset, incident_id, at, change, actor, comment, detail,
           version, verb, units, units_before, item)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""

_TAIL: Final = """
    SELECT log_offset, verb, incident_id, units, units_before, item FROM incident_log
     WHERE at >= %(since)s ORDER BY log_offset DESC LIMIT %(limit)s
"""

_AFTER: Final = """
    SELECT log_offset, verb, incident_id, units, units_before, item FROM incident_log
     WHERE log_offset > %s ORDER BY log_offset LIMIT %s
"""

_HISTORY: Final = """
    SELECT at, change, actor, comment, detail, version FROM incident_log
     WHERE incident_id = %s ORDER BY log_offset
"""


async def save(conn: Connection, changes: Sequence[tuple[IncidentRow, LogRow]]) -> None:
    """Store incidents with what was done with each.

    The order of offsets is the order of commits: a reader that has seen one has seen all below
    it. The incidents are locked before, or new: the lock of the log is always the last one.
    """
    for row, _ in changes:
        await incident_rows.put(conn, row)
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", [_LOG_LOCK])
    found = await (await conn.execute(_NEXT)).fetchone()
    assert found is not None
    async with conn.cursor() as cur:
        await cur.executemany(
            _ADD,
            [
                (offset, row.incident_id, log.at, log.change, log.actor, log.comment,
                 Jsonb(log.detail), row.version, log.verb, row.units, list(log.units_before),
                 log.item)
                for offset, (row, log) in enumerate(changes, start=found[0] + 1)
            ],
        )  # fmt: skip
    await conn.execute("SELECT pg_notify(%s, '')", [CHANNEL])


async def tail(pool: ReadPool, *, since: datetime, limit: int) -> tuple[int, list[News]]:
    """The newest offset, and the changes since a time, oldest first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(News)) as cur:
        newest = await (await conn.execute(_NEXT)).fetchone()
        await cur.execute(_TAIL, {"since": since, "limit": limit})
        rows = await cur.fetchall()
    assert newest is not None
    return newest[0], list(reversed(rows))


async def changed_after(pool: ReadPool, offset: int, *, limit: int) -> list[News]:
    """The next changes after an offset."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(News)) as cur:
        await cur.execute(_AFTER, [offset, limit])
        return await cur.fetchall()


async def history(pool: ReadPool, incident: UUID) -> list[HistoryRow]:
    """All that was done with one incident, oldest first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(HistoryRow)) as cur:
        await cur.execute(_HISTORY, [incident])
        return await cur.fetchall()

"""The ledger and the quarantine as agencies read them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from ioc.store.pool import ReadPool

_MINUTES: Final = """
    SELECT minute, received, stored, duplicate, corrected, late, quarantined, stored_late,
           redelivered
      FROM ledger
     WHERE feed_key = %(feed)s AND minute >= %(since)s AND minute < %(until)s
     ORDER BY minute LIMIT %(limit)s
"""

_SUM: Final = """
    SELECT %(until)s::timestamptz AS minute, COALESCE(sum(received), 0)::bigint AS received,
           COALESCE(sum(stored), 0)::bigint AS stored,
           COALESCE(sum(duplicate), 0)::bigint AS duplicate,
           COALESCE(sum(corrected), 0)::bigint AS corrected,
           COALESCE(sum(late), 0)::bigint AS late,
           COALESCE(sum(quarantined), 0)::bigint AS quarantined,
           COALESCE(sum(stored_late), 0)::bigint AS stored_late,
           COALESCE(sum(redelivered), 0)::bigint AS redelivered
      FROM ledger
     WHERE feed_key = %(feed)s AND minute >= %(since)s AND minute < %(until)s
"""

_RECENT: Final = """
    SELECT feed_key, minute, received, stored, late, quarantined FROM ledger WHERE minute >= %s
"""

_QUARANTINE: Final = """
    SELECT quarantine_id AS id, received_at, channel, content_type, item_index AS index, reason,
           detail, payload, replayed_at
      FROM quarantine
     WHERE feed_key = %(feed)s AND quarantine_id < %(before)s
     ORDER BY quarantine_id DESC LIMIT %(limit)s
"""

_FORBIDDEN: Final = """
    SELECT COALESCE(sum(forbidden), 0)::bigint FROM agency_ledger
     WHERE agency_key = %(agency)s AND minute >= %(since)s AND minute < %(until)s
"""


@dataclass(frozen=True, slots=True)
class Minute:
    """What came of a feed in one minute: received = stored + duplicate + … + quarantined."""

    minute: datetime
    received: int
    stored: int
    duplicate: int
    corrected: int
    late: int
    quarantined: int
    stored_late: int
    redelivered: int


@dataclass(frozen=True, slots=True)
class Kept:
    """One thing in quarantine with its own bytes."""

    id: int
    received_at: datetime
    channel: str
    content_type: str
    index: int
    reason: str
    detail: str
    payload: bytes
    replayed_at: datetime | None


async def minutes(
    pool: ReadPool, feed: int, *, since: datetime, until: datetime, limit: int
) -> list[Minute]:
    """The minutes in which something came, oldest first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(Minute)) as cur:
        await cur.execute(_MINUTES, {"feed": feed, "since": since, "until": until, "limit": limit})
        return await cur.fetchall()


async def total(pool: ReadPool, feed: int, *, since: datetime, until: datetime) -> Minute:
    """The sums over a time."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(Minute)) as cur:
        await cur.execute(_SUM, {"feed": feed, "since": since, "until": until})
        row = await cur.fetchone()
    assert row is not None
    return row


async def recent(pool: ReadPool, since: datetime) -> list[tuple[int, datetime, int, int, int, int]]:
    """Feed, minute, received, stored, late and quarantined of all feeds since a time."""
    async with pool.connection() as conn:
        return await (await conn.execute(_RECENT, [since])).fetchall()  # pyright: ignore


async def forbidden(pool: ReadPool, agency: int, *, since: datetime, until: datetime) -> int:
    """How often an agency published outside of its own topics."""
    async with pool.connection() as conn:
        row = await (
            await conn.execute(_FORBIDDEN, {"agency": agency, "since": since, "until": until})
        ).fetchone()
    assert row is not None
    return row[0]


async def quarantine(pool: ReadPool, feed: int, *, before: int, limit: int) -> list[Kept]:
    """What is in quarantine of a feed, newest first, below the id `before`."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(Kept)) as cur:
        await cur.execute(_QUARANTINE, {"feed": feed, "before": before, "limit": limit})
        return await cur.fetchall()

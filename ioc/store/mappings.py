"""Mappings of feeds: versions that are only ever added, each in effect from a time on."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ioc.model import Mapping as Version
from ioc.store.pool import Connection, ReadPool

# The feed's row is locked, so that two who add at the same time do not want the same number.
_LOCK: Final = "SELECT 1 FROM feed WHERE feed_key = %s FOR UPDATE"

_ADD: Final = """
    INSERT INTO mapping (feed_key, version, effective_from, document, created_at, created_by)
    SELECT %(feed)s, COALESCE(max(version), 0) + 1, %(from)s, %(document)s, %(now)s, %(by)s
      FROM mapping WHERE feed_key = %(feed)s
    RETURNING version
"""

_ALL: Final = """
    SELECT version, effective_from, document, created_at, created_by
      FROM mapping WHERE feed_key = %s ORDER BY version DESC
"""


class Kept(Version, frozen=True, kw_only=True):
    """A version of a mapping, with who made it and when."""

    created_at: datetime
    created_by: str


async def add(
    conn: Connection,
    feed_key: int,
    document: Mapping[str, Any],
    effective_from: datetime,
    by: str,
    now: datetime,
) -> int:
    """Add a version that is used for what is received from `effective_from` on; returns its number.

    The document must have been checked (`ingest.mapping.compile_mapping`), and the change must be
    announced (`ioc.store.registry.announce`) in the same transaction.
    """
    await conn.execute(_LOCK, [feed_key])
    given = {
        "feed": feed_key, "from": effective_from, "document": Jsonb(dict(document)), "now": now,
        "by": by,
    }  # fmt: skip
    row = await (await conn.execute(_ADD, given)).fetchone()
    assert row is not None
    return row[0]


async def versions(pool: ReadPool, feed_key: int) -> list[Kept]:
    """All versions of a feed's mapping, the newest first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(Kept)) as cur:
        await cur.execute(_ALL, [feed_key])
        return await cur.fetchall()

"""Definitions of indicators in all their versions, as the city or people wrote them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from ioc.store.pool import Connection, ReadPool

CITY: Final = "city"
"""Who wrote what the city's files say."""

# What a person changed is kept by the check before a load, or given up by force.
_PUT: Final = """
    INSERT INTO indicator (id, version, document, changed_at, changed_by)
    VALUES (%(id)s, %(version)s, %(document)s, %(now)s, %(by)s)
    ON CONFLICT (id, version) DO UPDATE
       SET document = excluded.document, changed_at = excluded.changed_at,
           changed_by = excluded.changed_by
"""

_ALL: Final = """
    SELECT id, version, document, changed_at, changed_by FROM indicator ORDER BY id, version
"""

_THESE: Final = """
    SELECT id, version, document, changed_at, changed_by FROM indicator WHERE id = %s
     ORDER BY version FOR UPDATE
"""

_STAMP: Final = "SELECT count(*), max(changed_at) FROM indicator"


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of a definition, and who wrote it when."""

    id: str
    version: int
    document: Mapping[str, Any]
    changed_at: datetime
    changed_by: str


async def put(
    conn: Connection, id: str, version: int, document: Mapping[str, Any], *, by: str, now: datetime
) -> None:
    """Write one version of a definition, or write it anew."""
    given = {"id": id, "version": version, "document": Jsonb(dict(document)), "by": by, "now": now}
    await conn.execute(_PUT, given)


async def read(pool: ReadPool) -> list[Stored]:
    """All versions of all definitions."""
    async with pool.connection() as conn:
        return await all_of(conn)


async def all_of(conn: Connection) -> list[Stored]:
    """The same on a connection that is there."""
    return [Stored(*row) for row in await (await conn.execute(_ALL)).fetchall()]


async def locked(conn: Connection, id: str) -> list[Stored]:
    """All versions of one definition, which nobody else changes before the transaction ends."""
    return [Stored(*row) for row in await (await conn.execute(_THESE, [id])).fetchall()]


async def stamp(pool: ReadPool) -> tuple[int, datetime | None]:
    """What differs once any definition was written."""
    async with pool.connection() as conn:
        row = await (await conn.execute(_STAMP)).fetchone()
    assert row is not None
    return row[0], row[1]

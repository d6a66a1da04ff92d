"""Who called about an incident: kept apart from it, forgotten some time after its close."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.rows import class_row

from ioc.store.pool import Connection, ReadPool


@dataclass(frozen=True, slots=True)
class CallerRow:
    """Who called, and who took the call."""

    name: str
    phone: str
    taken_by: str


_PUT: Final = """
    INSERT INTO incident_contact (incident_id, name, phone, taken_by, stored_at)
    VALUES (%s, %s, %s, %s, %s)
"""

_READ: Final = "SELECT name, phone, taken_by FROM incident_contact WHERE incident_id = %s"

_KNOWN: Final = "SELECT EXISTS (SELECT FROM incident_contact WHERE incident_id = %s)"

_EXPIRE: Final = """
    DELETE FROM incident_contact c
     USING incident i, incident_plan p
     WHERE i.incident_id = c.incident_id
       AND i.closed_at < %s - make_interval(days => (p.document ->> 'keep_contact')::int)
"""


async def put(conn: Connection, incident: UUID, caller: CallerRow, now: datetime) -> None:
    """Keep who called."""
    await conn.execute(_PUT, [incident, caller.name, caller.phone, caller.taken_by, now])


async def read(conn: Connection, incident: UUID) -> CallerRow | None:
    """Who called; None where that is not known, or not any more."""
    async with conn.cursor(row_factory=class_row(CallerRow)) as cur:
        await cur.execute(_READ, [incident])
        return await cur.fetchone()


async def is_known(pool: ReadPool, incident: UUID) -> bool:
    """Whether it is known who called."""
    async with pool.connection() as conn:
        row = await (await conn.execute(_KNOWN, [incident])).fetchone()
    assert row is not None
    return row[0]


async def expire(conn: Connection, now: datetime) -> int:
    """Forget who called about incidents that were closed too long ago; returns how many."""
    return (await conn.execute(_EXPIRE, [now])).rowcount

"""Who reported a ticket: kept apart from it, read by few, forgotten after a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from psycopg.rows import class_row

from ioc.store.pool import Connection

_PUT: Final = """
    INSERT INTO ticket_contact (ticket_id, name, phone, email, stored_at)
    VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (ticket_id) DO UPDATE
       SET name = excluded.name, phone = excluded.phone, email = excluded.email,
           stored_at = excluded.stored_at
"""

_READ: Final = "SELECT name, phone, email FROM ticket_contact WHERE ticket_id = %s"

_OF: Final = "SELECT ticket_id, name, phone, email FROM ticket_contact WHERE ticket_id = ANY(%s)"

_FORGET: Final = "DELETE FROM ticket_contact WHERE ticket_id = %s"

_EXPIRE: Final = """
    DELETE FROM ticket_contact c
     USING ticket t, ticket_plan p
     WHERE t.ticket_id = c.ticket_id
       AND t.changed_at < %s - make_interval(days => (p.document ->> 'keep_contact')::int)
"""


@dataclass(frozen=True, slots=True)
class ContactRow:
    """Who reported."""

    name: str
    phone: str
    email: str


async def put(conn: Connection, contacts: Mapping[UUID, ContactRow], now: datetime) -> None:
    """Keep who reported which ticket."""
    async with conn.cursor() as cur:
        await cur.executemany(
            _PUT, [(id, c.name, c.phone, c.email, now) for id, c in contacts.items()]
        )


async def read(conn: Connection, ticket: UUID) -> ContactRow | None:
    """Who reported a ticket; None where that is not known, or not any more."""
    async with conn.cursor(row_factory=class_row(ContactRow)) as cur:
        await cur.execute(_READ, [ticket])
        return await cur.fetchone()


async def of(conn: Connection, tickets: Sequence[UUID]) -> dict[UUID, ContactRow]:
    """Who reported each of some tickets, where that is known."""
    rows = await (await conn.execute(_OF, [list(tickets)])).fetchall()
    return {row[0]: ContactRow(*row[1:]) for row in rows}


async def forget(conn: Connection, ticket: UUID) -> bool:
    """Delete who reported a ticket; whether there was something to delete."""
    return (await conn.execute(_FORGET, [ticket])).rowcount > 0


async def expire(conn: Connection, now: datetime) -> int:
    """Delete who reported the tickets that changed too long ago; returns how many."""
    return (await conn.execute(_EXPIRE, [now])).rowcount

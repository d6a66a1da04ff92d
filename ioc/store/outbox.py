"""What people are to be told: stored with its cause, taken one by one, settled with a reason."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ioc.errors import Conflict, NotFound, Unavailable
from ioc.store.pool import Connection, ReadPool, close_quietly, connect

KEPT: Final = timedelta(days=30)
"""What was settled longer ago is forgotten unless its alert is open."""

MOST_DEAD: Final = 10_000
"""The dead-letter list keeps the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What one person is told by one channel, before it has a number."""

    alert_id: UUID | None
    stage: str
    person: str
    channel: str
    reason: str
    message: dict[str, Any]
    due_at: datetime
    created_at: datetime
    created_by: str
    held: str | None = None
    state: str = "waiting"
    incident_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """A letter as it is stored."""

    outbox_id: int
    alert_id: UUID | None
    stage: str
    person: str
    channel: str
    reason: str
    held: str | None
    message: dict[str, Any]
    state: str
    due_at: datetime
    next_at: datetime
    attempts: int
    detail: str
    created_at: datetime
    created_by: str
    settled_at: datetime | None
    incident_id: UUID | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ToldRow:
    """What was decided of an alert; `withheld` where it is never sent."""

    alert_id: UUID
    stage: str
    person: str
    channel: str
    reason: str
    held: str | None
    due_at: datetime
    withheld: bool


# The key is unique: what another process has decided as well is there already.
_ADD: Final = """
    INSERT INTO outbox (alert_id, stage, person, channel, reason, held, message, state, due_at,
                        next_at, created_at, created_by, incident_id, settled_at)
    VALUES (%(alert_id)s, %(stage)s, %(person)s, %(channel)s, %(reason)s, %(held)s, %(message)s,
            %(state)s, %(due_at)s, %(due_at)s, %(created_at)s, %(created_by)s, %(incident_id)s,
            CASE WHEN %(state)s <> 'waiting' THEN %(created_at)s::timestamptz END)
    ON CONFLICT DO NOTHING
"""

_ADD_ONE: Final = _ADD + " RETURNING *"

_TOLD: Final = """
    SELECT o.alert_id, o.stage, o.person, o.channel, o.reason, o.held, o.due_at,
           o.state = 'withheld' AS withheld
      FROM outbox o JOIN alert a USING (alert_id)
     WHERE a.closed_at IS NULL
     ORDER BY o.outbox_id
"""

_PACE: Final = """
    SELECT person, due_at FROM outbox
     WHERE due_at > %s AND state <> 'withheld' AND alert_id IS NOT NULL
     ORDER BY due_at
"""

_EXERCISES: Final = """
    SELECT alert_id FROM incident_alert JOIN incident USING (incident_id)
     WHERE exercise AND closed_at IS NULL
"""

_TESTS: Final = """
    SELECT count(*) FROM outbox WHERE due_at > %s AND person = %s AND reason = 'test'
"""

_WAITING: Final = """
    SELECT DISTINCT channel FROM outbox WHERE state = 'waiting' AND next_at <= %s
"""

# The row stays locked until it is settled: whoever dies gives it back at once.
_TAKE: Final = """
    SELECT * FROM outbox
     WHERE state = 'waiting' AND channel = %s AND next_at <= %s
     ORDER BY next_at, outbox_id LIMIT 1
       FOR UPDATE SKIP LOCKED
"""

_STANDS: Final = """
    SELECT a.severity, a.active_since, a.state = 'cleared', a.acknowledged_at IS NOT NULL,
           a.muted IS NOT NULL, a.shelved_until IS NOT NULL, a.noted, a.flapping,
           EXISTS (SELECT FROM incident_alert i JOIN incident n USING (incident_id)
                    WHERE i.alert_id = a.alert_id AND n.exercise),
           EXISTS (SELECT FROM outbox o
                    WHERE o.alert_id = a.alert_id AND o.person = %(person)s
                      AND o.channel = %(channel)s AND o.state = 'sent')
      FROM alert a WHERE a.alert_id = %(alert)s
"""

_SETTLE: Final = """
    UPDATE outbox
       SET state = %(state)s, held = COALESCE(%(held)s, held), detail = %(detail)s,
           attempts = %(attempts)s, settled_at = %(at)s
     WHERE outbox_id = %(id)s
"""

_LATER: Final = """
    UPDATE outbox SET attempts = %(attempts)s, detail = %(detail)s, next_at = %(next_at)s
     WHERE outbox_id = %(id)s
"""

_LISTED: Final = """
    SELECT * FROM outbox
     WHERE outbox_id < %(before)s AND (%(state)s::text IS NULL OR state = %(state)s)
     ORDER BY outbox_id DESC LIMIT %(limit)s
"""

_OF_ALERT: Final = """
    SELECT * FROM outbox WHERE alert_id = %s ORDER BY outbox_id LIMIT %s
"""

_AGAIN: Final = """
    UPDATE outbox
       SET state = 'waiting', attempts = 0, next_at = %(at)s, settled_at = NULL
     WHERE outbox_id = %(id)s AND state = 'dead'
    RETURNING *
"""

_FIND: Final = "SELECT state FROM outbox WHERE outbox_id = %s"

_FORGET: Final = """
    DELETE FROM outbox o
     WHERE o.settled_at < %s
       AND NOT EXISTS (SELECT FROM alert a WHERE a.alert_id = o.alert_id AND a.closed_at IS NULL)
"""

_FORGET_DEAD: Final = """
    DELETE FROM outbox
     WHERE state = 'dead'
       AND outbox_id <= (SELECT outbox_id FROM outbox WHERE state = 'dead'
                          ORDER BY outbox_id DESC OFFSET %s LIMIT 1)
"""


async def add(conn: Connection, letters: Sequence[Letter]) -> None:
    """Store letters in the transaction of their cause; one whose key is there already is it."""
    if letters:
        async with conn.cursor() as cur:
            await cur.executemany(_ADD, [_columns(letter) for letter in letters])


async def add_test(conn: Connection, letter: Letter) -> OutboxRow:
    """Store a letter that has no alert as its cause."""
    async with conn.cursor(row_factory=class_row(OutboxRow)) as cur:
        await cur.execute(_ADD_ONE, _columns(letter))
        row = await cur.fetchone()
    assert row is not None
    return row


def _columns(letter: Letter) -> dict[str, Any]:
    columns = {name: getattr(letter, name) for name in Letter.__slots__}
    return {**columns, "message": Jsonb(letter.message)}


async def tests_since(conn: Connection, person: str, since: datetime) -> int:
    """How many tests somebody was sent since a time."""
    row = await (await conn.execute(_TESTS, [since, person])).fetchone()
    assert row is not None
    return row[0]


async def told(pool: ReadPool) -> list[ToldRow]:
    """What was decided of alerts that are open, in order."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(ToldRow)) as cur:
        await cur.execute(_TOLD)
        return await cur.fetchall()


async def pace(pool: ReadPool, since: datetime) -> list[tuple[str, datetime]]:
    """When whom was told since a time, or will be; in order."""
    async with pool.connection() as conn:
        rows = await (await conn.execute(_PACE, [since])).fetchall()
    return [(row[0], row[1]) for row in rows]


async def exercises(pool: ReadPool) -> frozenset[UUID]:
    """The alerts that belong to exercises."""
    async with pool.connection() as conn:
        rows = await (await conn.execute(_EXERCISES)).fetchall()
    return frozenset(row[0] for row in rows)


async def waiting(pool: ReadPool, now: datetime) -> set[str]:
    """The channels by which something is to be sent now."""
    async with pool.connection() as conn:
        rows = await (await conn.execute(_WAITING, [now])).fetchall()
    return {row[0] for row in rows}


@asynccontextmanager
async def desk(url: str) -> AsyncGenerator[Connection]:
    """A connection of one's own, on which a letter may stay locked while it is sent."""
    conn = await connect(url)
    try:
        yield conn
    except psycopg.OperationalError as error:
        raise Unavailable("the database cannot be reached now") from error
    finally:
        await close_quietly(conn)


async def take(conn: Connection, channel: str, now: datetime) -> OutboxRow | None:
    """Lock the next letter of a channel that nobody else has in hand."""
    async with conn.cursor(row_factory=class_row(OutboxRow)) as cur:
        await cur.execute(_TAKE, [channel, now])
        return await cur.fetchone()


async def stands(conn: Connection, row: OutboxRow) -> tuple[Any, ...] | None:
    """How the alert of a letter stands now, and whether its person was told of it at all."""
    given = {"alert": row.alert_id, "person": row.person, "channel": row.channel}
    return await (await conn.execute(_STANDS, given)).fetchone()


async def settle(
    conn: Connection,
    row: OutboxRow,
    state: str,
    *,
    at: datetime,
    attempts: int,
    held: str | None = None,
    detail: str = "",
) -> None:
    """Say what became of a letter, for good, and commit."""
    given = {"id": row.outbox_id, "state": state, "at": at, "attempts": attempts,
             "held": held, "detail": detail}  # fmt: skip
    await conn.execute(_SETTLE, given)
    await conn.commit()


async def put_off(
    conn: Connection, row: OutboxRow, *, until: datetime, attempts: int, detail: str
) -> None:
    """Try a letter again later, and commit."""
    given = {"id": row.outbox_id, "next_at": until, "attempts": attempts, "detail": detail}
    await conn.execute(_LATER, given)
    await conn.commit()


async def listed(pool: ReadPool, *, state: str | None, before: int, limit: int) -> list[OutboxRow]:
    """Letters, the newest first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(OutboxRow)) as cur:
        await cur.execute(_LISTED, {"state": state, "before": before, "limit": limit})
        return await cur.fetchall()


async def of_alert(pool: ReadPool, alert: UUID, *, limit: int) -> list[OutboxRow]:
    """The letters about one alert, the oldest first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(OutboxRow)) as cur:
        await cur.execute(_OF_ALERT, [alert, limit])
        return await cur.fetchall()


async def again(conn: Connection, id: int, *, at: datetime) -> OutboxRow:
    """Send a dead letter again. Raises `NotFound`, and `Conflict` where it is none."""
    async with conn.cursor(row_factory=class_row(OutboxRow)) as cur:
        await cur.execute(_AGAIN, {"id": id, "at": at})
        row = await cur.fetchone()
    if row is not None:
        return row
    found = await (await conn.execute(_FIND, [id])).fetchone()
    if found is None:
        raise NotFound(f"there is no letter {id} in the outbox")
    raise Conflict(f"only a dead letter is sent again; this one is {found[0]}")


async def tidy(conn: Connection, now: datetime) -> None:
    """Forget what was settled long ago, and the oldest of too many dead letters."""
    await conn.execute(_FORGET, [now - KEPT])
    await conn.execute(_FORGET_DEAD, [MOST_DEAD])

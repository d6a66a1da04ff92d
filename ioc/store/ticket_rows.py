"""Tickets as they stand, what was done with them, and the plan that they go by."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ioc.folding import FOLD_FROM, FOLD_TO, folded
from ioc.store.pool import Connection, ReadPool
from ioc.tickets.clock import Deadlines
from ioc.tickets.judgement import judged
from ioc.tickets.life import Life
from ioc.tickets.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRow:
    """One ticket as it is stored; units and the feed by id."""

    ticket_id: UUID
    feed: str
    code: str
    kind: str
    category: str
    about: str | None
    state: str
    outcome: str | None
    unit: str | None
    lead: str
    received_at: datetime
    due_at: datetime
    wanted_due_at: datetime | None
    resumes: str | None
    asked_at: datetime | None
    first_asked_at: datetime | None
    supplements: int
    ended_at: datetime | None
    published_at: datetime | None
    rated_at: datetime | None
    rating: int | None
    satisfied: bool | None
    reopened: int
    result: str
    version: int
    judged_due_at: datetime
    always_late: bool
    description: str
    address: str
    longitude: float | None
    latitude: float | None
    media_url: str
    run_here: bool
    told_at: datetime
    changed_at: datetime
    stored_at: datetime

    @property
    def life(self) -> Life:
        """Where it stands, for the rules."""
        return msgspec.convert(
            {name: getattr(self, name) for name in Life.__struct_fields__}, type=Life
        )

    def living(self, life: Life, deadlines: Deadlines, plan: Plan) -> "TicketRow":
        """The row with another life, judged anew."""
        found = judged(life, deadlines)
        return replace(
            self,
            **msgspec.structs.asdict(life),
            about=deadlines.category.about,
            satisfied=None if life.rating is None else life.rating >= plan.satisfied_from,
            judged_due_at=found.due_at,
            always_late=found.late,
        )


@dataclass(frozen=True, slots=True)
class TransitionRow:
    """What somebody did with a ticket; `due_at` is the deadline after it."""

    version: int
    at: datetime
    actor: str
    move: str
    from_state: str | None
    to_state: str
    reason: str
    unit: str | None
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which tickets are listed; None is all. `units` are those that the reader may see.

    `before` is the place after which a page begins: receipt and id of the last ticket before it.
    """

    states: list[str] | None = None
    kind: str | None = None
    category: str | None = None
    unit: str | None = None
    units: list[str] | None = None
    feed: str | None = None
    ids: list[UUID] | None = None
    overdue: bool | None = None
    words: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, UUID] | None = None
    limit: int = 100


CHANNEL: Final = "ioc_ticket"
"""Where the processes hear that tickets have changed."""

_PLAN: Final = "SELECT document FROM ticket_plan"

_PUT_PLAN: Final = """
    INSERT INTO ticket_plan (document) VALUES (%s)
    ON CONFLICT (single) DO UPDATE SET document = excluded.document
"""

# Every column has its field in TicketRow; one without the other fails at the first read.
_TICKETS: Final = """
    SELECT t.ticket_id, f.id AS feed, t.code, t.kind, t.category, t.about, t.state, t.outcome,
           u.id AS unit, l.id AS lead, t.received_at, t.due_at, t.wanted_due_at, t.resumes,
           t.asked_at, t.first_asked_at, t.supplements, t.ended_at, t.published_at, t.rated_at,
           t.rating, t.satisfied, t.reopened, t.result, t.version, t.judged_due_at,
           t.always_late, t.description, t.address, t.longitude, t.latitude, t.media_url,
           t.run_here, t.told_at, t.changed_at, t.stored_at
      FROM ticket t JOIN feed f USING (feed_key) JOIN unit l ON l.unit_key = t.lead_key
           LEFT JOIN unit u ON u.unit_key = t.unit_key
"""

_ONE: Final = _TICKETS + " WHERE t.ticket_id = %s"
_LOCKED: Final = _ONE + " FOR UPDATE OF t"
_OF_CODES: Final = _TICKETS + " WHERE f.id = %s AND t.code = ANY(%s) FOR UPDATE OF t"

_LISTED: Final = (
    _TICKETS
    + """
     WHERE (%(states)s::text[] IS NULL OR t.state = ANY(%(states)s))
       AND (%(kind)s::text IS NULL OR t.kind = %(kind)s)
       AND (%(category)s::text IS NULL OR t.category = %(category)s)
       AND (%(unit)s::text IS NULL OR u.id = %(unit)s)
       AND (%(units)s::text[] IS NULL OR u.id = ANY(%(units)s))
       AND (%(feed)s::text IS NULL OR f.id = %(feed)s)
       AND (%(ids)s::uuid[] IS NULL OR t.ticket_id = ANY(%(ids)s))
       AND (%(overdue)s::bool IS NULL
            OR %(overdue)s = (t.ended_at IS NULL
                              AND t.due_at < COALESCE(t.asked_at, %(now)s::timestamptz)))
       AND (%(words)s::text IS NULL
            OR translate(lower(normalize(concat_ws(' ', t.code, t.address, t.description))),
                         %(fold_from)s, %(fold_to)s) LIKE %(words)s)
       AND (%(since)s::timestamptz IS NULL OR t.received_at >= %(since)s)
       AND (%(until)s::timestamptz IS NULL OR t.received_at < %(until)s)
       AND (%(at)s::timestamptz IS NULL
            OR (t.received_at, t.ticket_id) < (%(at)s::timestamptz, %(id)s::uuid))
     ORDER BY t.received_at DESC, t.ticket_id DESC LIMIT %(limit)s
"""
)

_PUT: Final = """
    INSERT INTO ticket (ticket_id, feed_key, code, kind, category, about, state, outcome, unit_key,
           lead_key, received_at, due_at, wanted_due_at, resumes, asked_at, first_asked_at,
           supplements, ended_at, published_at, rated_at, rating, satisfied, reopened, result,
           version, judged_due_at, always_late, description, address, longitude, latitude,
           media_url, run_here, told_at, changed_at, stored_at)
    VALUES (%(ticket_id)s, (SELECT feed_key FROM feed WHERE id = %(feed)s), %(code)s, %(kind)s,
           %(category)s, %(about)s, %(state)s, %(outcome)s,
           (SELECT unit_key FROM unit WHERE id = %(unit)s),
           (SELECT unit_key FROM unit WHERE id = %(lead)s), %(received_at)s, %(due_at)s,
           %(wanted_due_at)s, %(resumes)s, %(asked_at)s, %(first_asked_at)s, %(supplements)s,
           %(ended_at)s, %(published_at)s, %(rated_at)s, %(rating)s, %(satisfied)s, %(reopened)s,
           %(result)s, %(version)s, %(judged_due_at)s, %(always_late)s, %(description)s,
           %(address)s, %(longitude)s, %(latitude)s, %(media_url)s, %(run_here)s, %(told_at)s,
           %(changed_at)s, %(stored_at)s)
    ON CONFLICT (ticket_id) DO UPDATE
       SET kind = excluded.kind, category = excluded.category, about = excluded.about,
           state = excluded.state, outcome = excluded.outcome, unit_key = excluded.unit_key,
           lead_key = excluded.lead_key, received_at = excluded.received_at,
           due_at = excluded.due_at, wanted_due_at = excluded.wanted_due_at,
           resumes = excluded.resumes, asked_at = excluded.asked_at,
           first_asked_at = excluded.first_asked_at, supplements = excluded.supplements,
           ended_at = excluded.ended_at, published_at = excluded.published_at,
           rated_at = excluded.rated_at, rating = excluded.rating, satisfied = excluded.satisfied,
           reopened = excluded.reopened, result = excluded.result, version = excluded.version,
           judged_due_at = excluded.judged_due_at, always_late = excluded.always_late,
           description = excluded.description, address = excluded.address,
           longitude = excluded.longitude, latitude = excluded.latitude,
           media_url = excluded.media_url, run_here = excluded.run_here,
           told_at = excluded.told_at, changed_at = excluded.changed_at,
           stored_at = excluded.stored_at
"""

_ADD_TRANSITION: Final = """
    INSERT INTO ticket_transition (ticket_id, version, at, actor, move, from_state, to_state,
           reason, unit_key, due_at)
    VALUES (%(ticket_id)s, %(version)s, %(at)s, %(actor)s, %(move)s, %(from_state)s, %(to_state)s,
           %(reason)s, (SELECT unit_key FROM unit WHERE id = %(unit)s), %(due_at)s)
"""

_TIMELINE: Final = """
    SELECT version, at, actor, move, from_state, to_state, reason, u.id AS unit, due_at
      FROM ticket_transition LEFT JOIN unit u USING (unit_key)
     WHERE ticket_id = %s ORDER BY version
"""


async def put_plan(conn: Connection, plan: Plan) -> None:
    """Set the plan that tickets go by."""
    document = msgspec.json.decode(msgspec.json.encode(plan), type=dict[str, Any])
    await conn.execute(_PUT_PLAN, [Jsonb(document)])


async def read_plan(pool: ReadPool) -> Plan:
    """The plan that tickets go by; without one no ticket is taken."""
    async with pool.connection() as conn:
        row = await (await conn.execute(_PLAN)).fetchone()
    return Plan() if row is None else msgspec.convert(row[0], type=Plan)


async def listed(pool: ReadPool, wanted: Wanted, now: datetime) -> list[TicketRow]:
    """Tickets, the newest receipt first."""
    words = None if wanted.words is None else f"%{_escaped(folded(wanted.words))}%"
    at, id = wanted.before or (None, None)
    given = {
        **asdict(wanted), "words": words, "at": at, "id": id, "now": now, "fold_from": FOLD_FROM,
        "fold_to": FOLD_TO,
    }  # fmt: skip
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(TicketRow)) as cur:
        await cur.execute(_LISTED, given)
        return await cur.fetchall()


def _escaped(words: str) -> str:
    """Words of which every character stands for itself in a pattern."""
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def one(pool: ReadPool, ticket: UUID) -> TicketRow | None:
    """One ticket."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(TicketRow)) as cur:
        await cur.execute(_ONE, [ticket])
        return await cur.fetchone()


async def locked(conn: Connection, ticket: UUID) -> TicketRow | None:
    """One ticket, which nobody else changes until the transaction ends."""
    async with conn.cursor(row_factory=class_row(TicketRow)) as cur:
        await cur.execute(_LOCKED, [ticket])
        return await cur.fetchone()


async def of_codes(conn: Connection, feed: str, codes: Sequence[str]) -> dict[str, TicketRow]:
    """The tickets of a feed that have one of these codes, locked."""
    async with conn.cursor(row_factory=class_row(TicketRow)) as cur:
        await cur.execute(_OF_CODES, [feed, list(codes)])
        return {row.code: row for row in await cur.fetchall()}


async def timeline(pool: ReadPool, ticket: UUID) -> list[TransitionRow]:
    """What was done with a ticket, oldest first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(TransitionRow)) as cur:
        await cur.execute(_TIMELINE, [ticket])
        return await cur.fetchall()


async def save(conn: Connection, changes: Sequence[tuple[TicketRow, TransitionRow | None]]) -> None:
    """Store tickets, each with what was done with it, and tell who shows them after the commit."""
    if not changes:
        return
    async with conn.cursor() as cur:
        await cur.executemany(_PUT, [asdict(row) for row, _ in changes])
        await cur.executemany(
            _ADD_TRANSITION,
            [{"ticket_id": row.ticket_id, **asdict(done)} for row, done in changes if done],
        )
    await conn.execute("SELECT pg_notify(%s, '')", [CHANNEL])

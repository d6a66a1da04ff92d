"""What hangs on incidents: the steps of their checklists, the alerts and the tickets in them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from ioc.errors import Conflict, NotFound
from ioc.incidents.plan import Step
from ioc.store.pool import Connection, ReadPool


@dataclass(frozen=True, slots=True)
class StepRow:
    """A line of the checklist of an incident, and who did it."""

    step: str
    name_vi: str
    name_en: str
    required: bool
    done_at: datetime | None
    done_by: str | None
    note: str


_ADD_STEP: Final = """
    INSERT INTO incident_step (incident_id, step, place, name_vi, name_en, required)
    VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (incident_id, step) DO UPDATE
       SET place = excluded.place, name_vi = excluded.name_vi, name_en = excluded.name_en,
           required = excluded.required
"""

_DROP_STEPS: Final = """
    DELETE FROM incident_step
     WHERE incident_id = %s AND done_at IS NULL AND step <> ALL(%s)
"""

_STEPS: Final = """
    SELECT step, name_vi, name_en, required, done_at, done_by, note FROM incident_step
     WHERE incident_id = %s ORDER BY place, step
"""

_MARK: Final = """
    UPDATE incident_step SET done_at = %s, done_by = %s, note = %s
     WHERE incident_id = %s AND step = %s
"""

_JOIN_ALERT: Final = """
    INSERT INTO incident_alert (alert_id, incident_id, joined_at) VALUES (%s, %s, %s)
    ON CONFLICT (alert_id) DO NOTHING
"""
_HOLDS_ALERT: Final = """
    SELECT code, incident_id FROM incident JOIN incident_alert USING (incident_id)
     WHERE alert_id = %s
"""
_ALERTS: Final = """
    SELECT alert_id FROM incident_alert WHERE incident_id = %s ORDER BY joined_at, alert_id
"""

_LEAVE_ALERT: Final = "DELETE FROM incident_alert WHERE incident_id = %s AND alert_id = %s"

_JOIN_TICKET: Final = """
    INSERT INTO incident_ticket (ticket_id, incident_id, joined_at) VALUES (%s, %s, %s)
    ON CONFLICT (ticket_id) DO NOTHING
"""
_HOLDS_TICKET: Final = """
    SELECT code, incident_id FROM incident JOIN incident_ticket USING (incident_id)
     WHERE ticket_id = %s
"""
_TICKETS: Final = """
    SELECT ticket_id FROM incident_ticket WHERE incident_id = %s ORDER BY joined_at, ticket_id
"""

_LEAVE_TICKET: Final = "DELETE FROM incident_ticket WHERE incident_id = %s AND ticket_id = %s"


async def put_steps(conn: Connection, incident: UUID, steps: Sequence[Step]) -> None:
    """Give an incident the checklist of its category; what was done of another one stays."""
    await conn.execute(_DROP_STEPS, [incident, [step.id for step in steps]])
    async with conn.cursor() as cur:
        await cur.executemany(
            _ADD_STEP,
            [
                (incident, step.id, place, step.text.vi, step.text.en, step.required)
                for place, step in enumerate(steps)
            ],
        )


async def steps_within(conn: Connection, incident: UUID) -> list[StepRow]:
    """The checklist of an incident, in the transaction that decides by it."""
    async with conn.cursor(row_factory=class_row(StepRow)) as cur:
        await cur.execute(_STEPS, [incident])
        return await cur.fetchall()


async def steps(pool: ReadPool, incident: UUID) -> list[StepRow]:
    """The checklist of an incident."""
    async with pool.connection() as conn:
        return await steps_within(conn, incident)


async def mark_step(
    conn: Connection, incident: UUID, step: str, *, at: datetime | None, by: str | None, note: str
) -> None:
    """Note that a step was done, or without `at` that it was not."""
    await conn.execute(_MARK, [at, by, note, incident, step])


async def join_alert(conn: Connection, incident: UUID, alert: UUID, now: datetime) -> bool:
    """Put an alert into an incident; whether it was not in it before.

    Raises `NotFound` without such an alert, and `Conflict` where it is in another incident.
    """
    try:
        done = (await conn.execute(_JOIN_ALERT, [alert, incident, now])).rowcount > 0
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotFound(f"there is no alert {alert}") from error
    if not done:
        row = await (await conn.execute(_HOLDS_ALERT, [alert])).fetchone()
        assert row is not None
        _check_held(row[0], row[1], incident, f"alert {alert}")
    return done


async def join_ticket(conn: Connection, incident: UUID, ticket: UUID, now: datetime) -> bool:
    """Put a ticket into an incident, as `join_alert` does it with an alert."""
    try:
        done = (await conn.execute(_JOIN_TICKET, [ticket, incident, now])).rowcount > 0
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotFound(f"there is no ticket {ticket}") from error
    if not done:
        row = await (await conn.execute(_HOLDS_TICKET, [ticket])).fetchone()
        assert row is not None
        _check_held(row[0], row[1], incident, f"ticket {ticket}")
    return done


async def leave_alert(conn: Connection, incident: UUID, alert: UUID) -> bool:
    """Take an alert out of an incident; whether it was in it."""
    return (await conn.execute(_LEAVE_ALERT, [incident, alert])).rowcount > 0


async def leave_ticket(conn: Connection, incident: UUID, ticket: UUID) -> bool:
    """Take a ticket out of an incident; whether it was in it."""
    return (await conn.execute(_LEAVE_TICKET, [incident, ticket])).rowcount > 0


def _check_held(code: str, holder: UUID, incident: UUID, what: str) -> None:
    if holder != incident:
        raise Conflict(
            f"{what} is in {code} already; join that one", incident=str(holder), held_by=code
        )


async def joined(pool: ReadPool, incident: UUID) -> tuple[list[UUID], list[UUID]]:
    """The alerts and the tickets in an incident, in the order in which they came."""
    async with pool.connection() as conn:
        alerts = await (await conn.execute(_ALERTS, [incident])).fetchall()
        tickets = await (await conn.execute(_TICKETS, [incident])).fetchall()
    return [row[0] for row in alerts], [row[0] for row in tickets]

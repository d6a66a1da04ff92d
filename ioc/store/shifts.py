"""Shifts of the control room: who was on duty, what happened meanwhile, what was handed over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from ioc.errors import Conflict
from ioc.store.pool import Connection, ReadPool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftRow:
    """Who was on duty from when until when."""

    shift_id: UUID
    began_at: datetime
    began_by: str
    on_duty: Sequence[str]
    note: str
    ended_at: datetime | None
    ended_by: str | None
    summary: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverRow:
    """An incident that was not closed when a shift ended, as it stood, and who took it."""

    incident_id: UUID
    code: str
    title: str
    keeper: str
    note: str
    state: str
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRow:
    """An incident with which something was done during a shift."""

    incident_id: UUID
    code: str
    title: str
    category: str
    exercise: bool
    state: str
    result: str | None
    lead: str
    opened: bool
    resolved: bool
    closed: bool
    entries: int


@dataclass(frozen=True, slots=True)
class AlertTally:
    """Alerts that came during a shift, and those that somebody acknowledged in it."""

    raised: int
    acknowledged: int


_SHIFTS: Final = """
    SELECT shift_id, began_at, began_by, on_duty, note, ended_at, ended_by, summary FROM shift
"""
_ONE: Final = _SHIFTS + " WHERE shift_id = %s"
_LOCKED: Final = _ONE + " FOR UPDATE"
_LISTED: Final = (
    _SHIFTS
    + """
     WHERE %(before)s::timestamptz IS NULL OR began_at < %(before)s
     ORDER BY began_at DESC LIMIT %(limit)s
"""
)

_BEGIN: Final = """
    INSERT INTO shift (shift_id, began_at, began_by, on_duty, note)
    VALUES (%(shift_id)s, %(began_at)s, %(began_by)s, %(on_duty)s, %(note)s)
"""

_END: Final = """
    UPDATE shift SET ended_at = %(ended_at)s, ended_by = %(ended_by)s, summary = %(summary)s
     WHERE shift_id = %(shift_id)s
"""

_OPEN_INCIDENTS: Final = "SELECT incident_id FROM incident WHERE closed_at IS NULL"

_HAND_OVER: Final = """
    INSERT INTO shift_handover (shift_id, incident_id, keeper, note, state, due_at)
    VALUES (%(shift_id)s, %(incident_id)s, %(keeper)s, %(note)s, %(state)s, %(due_at)s)
"""

_HANDOVERS: Final = """
    SELECT h.incident_id, i.code, i.title, h.keeper, h.note, h.state, h.due_at
      FROM shift_handover h JOIN incident i USING (incident_id)
     WHERE h.shift_id = %s ORDER BY h.due_at, i.code
"""

_ACTIVITY: Final = """
    SELECT i.incident_id, i.code, i.title, i.category, i.exercise, i.state, i.result,
           u.id AS lead, bool_or(l.change = 'open') AS opened,
           bool_or(l.change = 'resolve') AS resolved, bool_or(l.change = 'close') AS closed,
           count(*)::int AS entries
      FROM incident_log l JOIN incident i USING (incident_id) JOIN unit u ON u.unit_key = i.lead_key
     WHERE l.at >= %s AND l.at < %s
     GROUP BY i.incident_id, u.id ORDER BY i.opened_at, i.code
"""

_ALERTS: Final = """
    SELECT count(DISTINCT alert_id) FILTER (WHERE verb = 'add')::int AS raised,
           count(DISTINCT alert_id) FILTER (WHERE change = 'acknowledge')::int AS acknowledged
      FROM alert_log WHERE at >= %s AND at < %s
"""


async def begin(conn: Connection, shift: ShiftRow) -> None:
    """Begin a shift; `Conflict` while another one runs."""
    try:
        await conn.execute(_BEGIN, {name: getattr(shift, name) for name in ShiftRow.__slots__})
    except psycopg.errors.UniqueViolation as error:
        raise Conflict("a shift is running; end it first, and hand over what is open") from error


async def end(conn: Connection, shift: UUID, *, at: datetime, by: str, summary: str) -> None:
    """End a shift that is locked."""
    await conn.execute(
        _END, {"shift_id": shift, "ended_at": at, "ended_by": by, "summary": summary}
    )


async def locked(conn: Connection, shift: UUID) -> ShiftRow | None:
    """One shift, which nobody else ends until the transaction does."""
    async with conn.cursor(row_factory=class_row(ShiftRow)) as cur:
        await cur.execute(_LOCKED, [shift])
        return await cur.fetchone()


async def one(pool: ReadPool, shift: UUID) -> ShiftRow | None:
    """One shift."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(ShiftRow)) as cur:
        await cur.execute(_ONE, [shift])
        return await cur.fetchone()


async def listed(pool: ReadPool, *, before: datetime | None, limit: int) -> list[ShiftRow]:
    """Shifts, the newest first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(ShiftRow)) as cur:
        await cur.execute(_LISTED, {"before": before, "limit": limit})
        return await cur.fetchall()


async def open_incidents(conn: Connection) -> list[UUID]:
    """The incidents that are not closed."""
    return [row[0] for row in await (await conn.execute(_OPEN_INCIDENTS)).fetchall()]


async def hand_over(conn: Connection, shift: UUID, handovers: Sequence[HandoverRow]) -> None:
    """Keep what a shift handed over."""
    async with conn.cursor() as cur:
        await cur.executemany(
            _HAND_OVER,
            [
                {
                    "shift_id": shift,
                    "incident_id": one.incident_id,
                    "keeper": one.keeper,
                    "note": one.note,
                    "state": one.state,
                    "due_at": one.due_at,
                }
                for one in handovers
            ],
        )


async def handovers(pool: ReadPool, shift: UUID) -> list[HandoverRow]:
    """What a shift handed over, the nearest deadline first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(HandoverRow)) as cur:
        await cur.execute(_HANDOVERS, [shift])
        return await cur.fetchall()


async def activity(pool: ReadPool, since: datetime, until: datetime) -> list[ActivityRow]:
    """The incidents with which something was done in a time, in the order of their opening."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(ActivityRow)) as cur:
        await cur.execute(_ACTIVITY, [since, until])
        return await cur.fetchall()


async def alerts(pool: ReadPool, since: datetime, until: datetime) -> AlertTally:
    """Alerts of a time, counted."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(AlertTally)) as cur:
        await cur.execute(_ALERTS, [since, until])
        found = await cur.fetchone()
    assert found is not None
    return found

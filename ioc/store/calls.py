"""The call log: whom the control room called, when, about what, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

import psycopg
from psycopg.rows import class_row

from ioc.errors import NotFound
from ioc.store.pool import Connection, ReadPool


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One call; `unit` by id."""

    call_id: UUID
    at: datetime
    made_by: str
    person: str
    phone: str
    unit: str | None
    result: str
    note: str
    alert_id: UUID | None
    incident_id: UUID | None


_PUT: Final = """
    INSERT INTO call (call_id, at, made_by, person, phone, unit_key, result, note, alert_id,
           incident_id)
    VALUES (%(call_id)s, %(at)s, %(made_by)s, %(person)s, %(phone)s,
            (SELECT unit_key FROM unit WHERE id = %(unit)s), %(result)s, %(note)s, %(alert_id)s,
            %(incident_id)s)
"""

_CALLS: Final[LiteralString] = """
    SELECT c.call_id, c.at, c.made_by, c.person, c.phone, u.id AS unit, c.result, c.note,
           c.alert_id, c.incident_id
      FROM call c LEFT JOIN unit u USING (unit_key)
"""
_NEWEST: Final[LiteralString] = " ORDER BY c.at DESC, c.call_id DESC LIMIT %(limit)s"
_OF_ALERT: Final = _CALLS + " WHERE c.alert_id = %(alert)s" + _NEWEST
_OF_INCIDENT: Final = _CALLS + " WHERE c.incident_id = %(incident)s" + _NEWEST
_BETWEEN: Final = (
    _CALLS
    + """
     WHERE (%(since)s::timestamptz IS NULL OR c.at >= %(since)s)
       AND (%(until)s::timestamptz IS NULL OR c.at < %(until)s)
"""
    + _NEWEST
)


async def put(conn: Connection, row: CallRow) -> None:
    """Note a call; `NotFound` where what it is about does not exist."""
    try:
        await conn.execute(_PUT, {name: getattr(row, name) for name in CallRow.__slots__})
    except psycopg.errors.ForeignKeyViolation as error:
        raise NotFound("there is no such alert or incident that a call could be about") from error


async def of_alert(pool: ReadPool, alert: UUID, *, limit: int) -> list[CallRow]:
    """Calls about an alert, the newest first."""
    return await _read(pool, _OF_ALERT, alert=alert, limit=limit)


async def of_incident(pool: ReadPool, incident: UUID, *, limit: int) -> list[CallRow]:
    """Calls about an incident, the newest first."""
    return await _read(pool, _OF_INCIDENT, incident=incident, limit=limit)


async def between(
    pool: ReadPool, since: datetime | None, until: datetime | None, *, limit: int
) -> list[CallRow]:
    """Calls of a time, the newest first."""
    return await _read(pool, _BETWEEN, since=since, until=until, limit=limit)


async def _read(pool: ReadPool, statement: LiteralString, **given: object) -> list[CallRow]:
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(CallRow)) as cur:
        await cur.execute(statement, given)
        return await cur.fetchall()

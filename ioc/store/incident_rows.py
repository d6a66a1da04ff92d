"""Incidents as they stand, the plan that they go by, and lists of them by what is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

import msgspec
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ioc.incidents.life import Life
from ioc.incidents.plan import Plan
from ioc.incidents.words import words_of
from ioc.store.pool import Connection, ReadPool


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRow:
    """One incident as it is stored; units by id."""

    incident_id: UUID
    code: str
    category: str
    title: str
    description: str
    origin: str
    exercise: bool
    state: str
    result: str | None
    outcome: str
    lead: str
    support: Sequence[str]
    assignee: str | None
    keeper: str
    level: int
    level_at: datetime
    rung: int
    timed: bool
    feature: str | None
    place_name: str
    place_unit: str | None
    longitude: float | None
    latitude: float | None
    opened_at: datetime
    opened_by: str
    since: datetime
    acknowledged_at: datetime | None
    assigned_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    changed_at: datetime
    acknowledge_due_at: datetime
    assign_due_at: datetime
    due_at: datetime
    reopened: int
    checklist_version: int
    entries: int
    version: int

    @property
    def life(self) -> Life:
        """Where it stands, for the rules."""
        return msgspec.convert(
            {name: getattr(self, name) for name in Life.__struct_fields__}, type=Life
        )

    @property
    def units(self) -> list[str]:
        """The units that lead or support."""
        return [self.lead, *self.support]

    def living(self, life: Life) -> "IncidentRow":
        """The row with another life."""
        return replace(self, **msgspec.structs.asdict(life))


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which incidents are listed; None is all. `units` are those that the reader may see.

    `before` is the place after which a page begins: opening and id of the last one before it.
    """

    states: Sequence[str] | None = None
    category: str | None = None
    unit: str | None = None
    units: Sequence[str] | None = None
    keeper: str | None = None
    exercise: bool | None = None
    overdue: bool | None = None
    words: Sequence[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, UUID] | None = None
    limit: int = 100


_PLAN: Final = "SELECT document FROM incident_plan"

_PUT_PLAN: Final = """
    INSERT INTO incident_plan (document) VALUES (%s)
    ON CONFLICT (single) DO UPDATE SET document = excluded.document
"""

_NUMBER: Final = """
    INSERT INTO incident_number (year, last) VALUES (%s, 1)
    ON CONFLICT (year) DO UPDATE SET last = incident_number.last + 1
    RETURNING last
"""

# Every column has its field in IncidentRow; one without the other fails at the first read.
_INCIDENTS: Final[LiteralString] = """
    SELECT i.incident_id, i.code, i.category, i.title, i.description, i.origin, i.exercise,
           i.state, i.result, i.outcome, l.id AS lead,
           ARRAY(SELECT s.id FROM unnest(i.unit_keys[2:]) WITH ORDINALITY AS k(key, place)
                        JOIN unit s ON s.unit_key = k.key ORDER BY k.place) AS support,
           i.assignee, i.keeper, i.level, i.level_at, i.rung, i.timed, i.feature, i.place_name,
           p.id AS place_unit, i.longitude, i.latitude, i.opened_at, i.opened_by, i.since,
           i.acknowledged_at, i.assigned_at, i.resolved_at, i.closed_at, i.changed_at,
           i.acknowledge_due_at, i.assign_due_at, i.due_at, i.reopened, i.checklist_version,
           i.entries, i.version
      FROM incident i JOIN unit l ON l.unit_key = i.lead_key
           LEFT JOIN unit p ON p.unit_key = i.place_unit_key
"""

_ONE: Final = _INCIDENTS + " WHERE i.incident_id = %s"
_LOCKED: Final = (
    _INCIDENTS + " WHERE i.incident_id = ANY(%s) ORDER BY i.incident_id FOR UPDATE OF i"
)
_NOT_CLOSED: Final = _INCIDENTS + " WHERE i.closed_at IS NULL ORDER BY i.incident_id"
_IN_HAND: Final = (
    _INCIDENTS + " WHERE i.resolved_at IS NULL AND i.category = ANY(%s) ORDER BY i.due_at"
)

# Only what is asked for is looked at, so that each list finds its index.
_CONDITIONS: Final[Mapping[str, LiteralString]] = {
    "states": "i.state = ANY(%(states)s)",
    "category": "i.category = %(category)s",
    "unit": "i.unit_keys && ARRAY(SELECT unit_key FROM unit WHERE id = %(unit)s)",
    "units": "i.unit_keys && ARRAY(SELECT unit_key FROM unit WHERE id = ANY(%(units)s))",
    "keeper": "i.keeper = %(keeper)s",
    "exercise": "i.exercise = %(exercise)s",
    "overdue": "%(overdue)s = (i.resolved_at IS NULL AND i.due_at < %(now)s)",
    "words": "i.words @@ to_tsquery('simple', %(words)s)",
    "since": "i.opened_at >= %(since)s",
    "until": "i.opened_at < %(until)s",
    "before": "(i.opened_at, i.incident_id) < (%(at)s, %(id)s)",
}
_OVERDUE: Final[LiteralString] = "i.resolved_at IS NULL AND i.due_at < %(now)s"

_NEWEST: Final[LiteralString] = " ORDER BY i.opened_at DESC, i.incident_id DESC LIMIT %(limit)s"

_PUT: Final = """
    WITH units AS (
        SELECT array_agg(u.unit_key ORDER BY k.place) AS keys
          FROM unnest(%(units)s::text[]) WITH ORDINALITY AS k(id, place) JOIN unit u USING (id)
    )
    INSERT INTO incident (incident_id, code, category, title, description, origin, exercise,
           state, result, outcome, lead_key, unit_keys, assignee, keeper, level, level_at, rung,
           timed, feature, place_name, place_unit_key, longitude, latitude, opened_at, opened_by,
           since, acknowledged_at, assigned_at, resolved_at, closed_at, changed_at,
           acknowledge_due_at, assign_due_at, due_at, reopened, checklist_version, entries,
           version, words)
    SELECT %(incident_id)s, %(code)s, %(category)s, %(title)s, %(description)s, %(origin)s,
           %(exercise)s, %(state)s, %(result)s, %(outcome)s, units.keys[1], units.keys,
           %(assignee)s, %(keeper)s, %(level)s, %(level_at)s, %(rung)s, %(timed)s, %(feature)s,
           %(place_name)s, (SELECT unit_key FROM unit WHERE id = %(place_unit)s), %(longitude)s,
           %(latitude)s, %(opened_at)s, %(opened_by)s, %(since)s, %(acknowledged_at)s,
           %(assigned_at)s, %(resolved_at)s, %(closed_at)s, %(changed_at)s,
           %(acknowledge_due_at)s, %(assign_due_at)s, %(due_at)s, %(reopened)s,
           %(checklist_version)s, %(entries)s, %(version)s, array_to_tsvector(%(words)s::text[])
      FROM units
    ON CONFLICT (incident_id) DO UPDATE
       SET category = excluded.category, state = excluded.state, result = excluded.result,
           outcome = excluded.outcome, lead_key = excluded.lead_key,
           unit_keys = excluded.unit_keys, assignee = excluded.assignee,
           keeper = excluded.keeper, level = excluded.level, level_at = excluded.level_at,
           rung = excluded.rung, timed = excluded.timed, since = excluded.since,
           acknowledged_at = excluded.acknowledged_at, assigned_at = excluded.assigned_at,
           resolved_at = excluded.resolved_at, closed_at = excluded.closed_at,
           changed_at = excluded.changed_at, acknowledge_due_at = excluded.acknowledge_due_at,
           assign_due_at = excluded.assign_due_at, due_at = excluded.due_at,
           reopened = excluded.reopened, checklist_version = excluded.checklist_version,
           entries = excluded.entries, version = excluded.version
"""


async def put_plan(conn: Connection, plan: Plan) -> None:
    """Set the plan that incidents go by."""
    document = msgspec.json.decode(msgspec.json.encode(plan), type=dict[str, Any])
    await conn.execute(_PUT_PLAN, [Jsonb(document)])


async def read_plan(pool: ReadPool) -> Plan:
    """The plan that incidents go by; without one none is opened."""
    async with pool.connection() as conn:
        row = await (await conn.execute(_PLAN)).fetchone()
    return Plan() if row is None else msgspec.convert(row[0], type=Plan)


async def next_code(conn: Connection, year: int) -> str:
    """The code of the next incident of a year; one that is not stored leaves no gap."""
    row = await (await conn.execute(_NUMBER, [year])).fetchone()
    assert row is not None
    return f"VV-{year}-{row[0]:06}"


def listing(wanted: Wanted, now: datetime) -> tuple[LiteralString, dict[str, Any]]:
    """The statement that lists incidents, and its values."""
    given = {name: value for name, value in asdict(wanted).items() if value is not None}
    asked: list[LiteralString] = [
        _OVERDUE if name == "overdue" and wanted.overdue else condition
        for name, condition in _CONDITIONS.items()
        if name in given
    ]
    if wanted.words is not None:
        given["words"] = " & ".join(f"{word}:*" for word in wanted.words)
    if wanted.before is not None:
        given["at"], given["id"] = wanted.before
    where: LiteralString = " WHERE " + " AND ".join(asked) if asked else ""
    return _INCIDENTS + where + _NEWEST, {**given, "now": now}


async def listed(pool: ReadPool, wanted: Wanted, now: datetime) -> list[IncidentRow]:
    """Incidents, the newest opening first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(IncidentRow)) as cur:
        await cur.execute(*listing(wanted, now))
        return await cur.fetchall()


async def one(pool: ReadPool, incident: UUID) -> IncidentRow | None:
    """One incident."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(IncidentRow)) as cur:
        await cur.execute(_ONE, [incident])
        return await cur.fetchone()


async def locked(conn: Connection, incidents: Sequence[UUID]) -> list[IncidentRow]:
    """Some incidents, which nobody else changes until the transaction ends."""
    async with conn.cursor(row_factory=class_row(IncidentRow)) as cur:
        await cur.execute(_LOCKED, [list(incidents)])
        return await cur.fetchall()


async def not_closed(pool: ReadPool) -> list[IncidentRow]:
    """Every incident that is not closed."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(IncidentRow)) as cur:
        await cur.execute(_NOT_CLOSED)
        return await cur.fetchall()


async def in_hand(pool: ReadPool, categories: Sequence[str]) -> list[IncidentRow]:
    """Every incident of some categories that has no result."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(IncidentRow)) as cur:
        await cur.execute(_IN_HAND, [list(categories)])
        return await cur.fetchall()


async def put(conn: Connection, row: IncidentRow) -> None:
    """Store an incident as it stands."""
    words = words_of(row.code, row.title, row.place_name, row.description)
    given = {name: getattr(row, name) for name in IncidentRow.__slots__}
    await conn.execute(_PUT, {**given, "units": row.units, "words": words})

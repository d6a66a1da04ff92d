"""Alerts and the log of their changes, in the order of commits."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ioc.store.pool import Connection, ReadPool

CHANNEL: Final = "ioc_alert"
"""The channel on which a commit says that alerts have changed."""

_LOG_LOCK: Final = 0x10C_0006
"""Held until the commit by whoever adds to the log, so that offsets follow commits."""

LOG_DAYS: Final = 7
"""A cursor older than that starts over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """One occurrence of an alert as it is stored, and the incident that has it.

    `incident_id` and `incident_code` are read along with it, and changed by `touch` alone.
    """

    alert_id: UUID
    fingerprint: str
    rule_id: str
    kind: str
    severity: str
    series_id: int | None
    feed_key: int | None
    unit_key: int | None
    state: str
    pending_since: datetime
    active_since: datetime | None = None
    cleared_at: datetime | None = None
    closed_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    value: float | None = None
    level: float | None = None
    value_time: datetime | None = None
    reason: str
    comments: int = 0
    subject: str | None = None
    clearing_since: datetime | None = None
    version: int = 1
    assignee: str | None = None
    shelved_until: datetime | None = None
    shelved_by: str | None = None
    shelved_why: str | None = None
    muted: dict[str, Any] | None = None
    matter: UUID | None = None
    matter_reason: str | None = None
    flapping: bool = False
    noted: bool = False
    about: dict[str, Any] | None = None
    incident_id: UUID | None = None
    incident_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """By what lists find an alert: its point, words, and what it is of, as `domain=traffic`."""

    longitude: float | None = None
    latitude: float | None = None
    words: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogRow:
    """One change of an alert, for its history and for clients; `item` as it is sent."""

    alert_id: UUID
    at: datetime
    change: str
    actor: str
    comment: str
    verb: str
    item: bytes


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One change of an alert as people read it."""

    at: datetime
    change: str
    actor: str
    comment: str


_SAVE: Final = """
    INSERT INTO alert (alert_id, fingerprint, rule_id, kind, severity, series_id, feed_key,
                       unit_key, state, pending_since, active_since, cleared_at, closed_at,
                       acknowledged_at, acknowledged_by, value, level, value_time, reason,
                       comments, subject, clearing_since, version, assignee, shelved_until,
                       shelved_by, shelved_why, muted, matter, matter_reason, flapping, noted,
                       about, longitude, latitude, words)
    VALUES (%(alert_id)s, %(fingerprint)s, %(rule_id)s, %(kind)s, %(severity)s, %(series_id)s,
            %(feed_key)s, %(unit_key)s, %(state)s, %(pending_since)s, %(active_since)s,
            %(cleared_at)s, %(closed_at)s, %(acknowledged_at)s, %(acknowledged_by)s, %(value)s,
            %(level)s, %(value_time)s, %(reason)s, %(comments)s, %(subject)s, %(clearing_since)s,
            %(version)s, %(assignee)s, %(shelved_until)s, %(shelved_by)s, %(shelved_why)s,
            %(muted)s, %(matter)s, %(matter_reason)s, %(flapping)s, %(noted)s,
            %(about)s, %(longitude)s, %(latitude)s,
            array_to_tsvector(COALESCE(%(words)s::text[], '{}')))
    ON CONFLICT (alert_id) DO UPDATE
       SET state = excluded.state, active_since = excluded.active_since,
           cleared_at = excluded.cleared_at, closed_at = excluded.closed_at,
           acknowledged_at = excluded.acknowledged_at,
           acknowledged_by = excluded.acknowledged_by, value = excluded.value,
           level = excluded.level, value_time = excluded.value_time, reason = excluded.reason,
           comments = excluded.comments, clearing_since = excluded.clearing_since,
           version = excluded.version, assignee = excluded.assignee,
           shelved_until = excluded.shelved_until, shelved_by = excluded.shelved_by,
           shelved_why = excluded.shelved_why, muted = excluded.muted, matter = excluded.matter,
           matter_reason = excluded.matter_reason, flapping = excluded.flapping,
           severity = excluded.severity, about = excluded.about,
           longitude = COALESCE(excluded.longitude, alert.longitude),
           latitude = COALESCE(excluded.latitude, alert.latitude),
           words = COALESCE(array_to_tsvector(%(words)s::text[]), alert.words)
"""

_NEXT: Final = "SELECT COALESCE(max(log_offset), 0) FROM alert_log"

_LOG: Final = """
    INSERT INTO alert_log (log_offset, alert_id, at, change, actor, comment, verb, item)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""

# Every column has its field in AlertRow; one without the other fails at the first read.
ALERTS: Final[LiteralString] = """
    SELECT a.alert_id, a.fingerprint, a.rule_id, a.kind, a.severity, a.series_id, a.feed_key,
           a.unit_key, a.state, a.pending_since, a.active_since, a.cleared_at, a.closed_at,
           a.acknowledged_at, a.acknowledged_by, a.value, a.level, a.value_time, a.reason,
           a.comments, a.subject, a.clearing_since, a.version, a.assignee, a.shelved_until,
           a.shelved_by, a.shelved_why, a.muted, a.matter, a.matter_reason, a.flapping, a.noted,
           a.about, i.incident_id, i.code AS incident_code
      FROM alert a LEFT JOIN incident_alert USING (alert_id)
           LEFT JOIN incident i USING (incident_id)
"""
"""Alerts as they stand; what lists find them by is left out."""

_OPEN: Final = ALERTS + " WHERE a.closed_at IS NULL ORDER BY alert_id"

_TAIL: Final = """
    SELECT log_offset, verb, alert_id, item FROM alert_log
     WHERE at >= %(since)s AND verb <> 'none'
     ORDER BY log_offset DESC LIMIT %(limit)s
"""

_AFTER: Final = """
    SELECT log_offset, verb, alert_id, item FROM alert_log
     WHERE log_offset > %s ORDER BY log_offset LIMIT %s
"""

_THESE: Final = ALERTS + " WHERE a.alert_id = ANY(%s)"

_ONE: Final = ALERTS + " WHERE a.alert_id = %s"

# The change that made people see it; what came before was pending and held back.
_RAISED: Final = """
    SELECT item FROM alert_log WHERE alert_id = %s AND verb = 'add' ORDER BY log_offset LIMIT 1
"""

_TOUCH: Final = "UPDATE alert SET version = version + 1 WHERE alert_id = ANY(%s)"

_BEGUN: Final = """
    SELECT fingerprint, active_since FROM alert
     WHERE active_since >= %s AND NOT noted ORDER BY active_since
"""

_LAST: Final[LiteralString] = """
    SELECT l.alert_id FROM unnest(%(marks)s::text[]) AS w(mark)
     CROSS JOIN LATERAL (
           SELECT alert_id FROM alert WHERE fingerprint = w.mark AND active_since IS NOT NULL
            ORDER BY active_since DESC LIMIT %(most)s) AS l
"""
_OF_FINGERPRINTS: Final = (
    ALERTS + " WHERE a.alert_id IN (" + _LAST + ") ORDER BY a.active_since DESC, a.alert_id DESC"
)

_HISTORY: Final = """
    SELECT at, change, actor, comment FROM alert_log WHERE alert_id = %s ORDER BY log_offset
"""


class Overtaken(Exception):
    """Another process has changed alerts since; take its changes and decide anew."""


async def save(
    conn: Connection,
    changes: Sequence[tuple[AlertRow, LogRow]],
    *,
    after: int,
    sought: Mapping[UUID, Sought] | None = None,
) -> list[int]:
    """Store alerts with what changed in them; returns the offset of each change.

    `sought` is what lists ask of those alerts for which that is new.

    The order of offsets is the order of commits: a reader that has seen one offset has seen all
    below it. `after` is the newest offset that the changes were decided by; raises `Overtaken`
    when it is not the newest any more.
    """
    if await _newest(conn) > after:
        raise Overtaken
    async with conn.cursor() as cur:
        await cur.executemany(
            _SAVE,
            [_columns(alert, (sought or {}).get(alert.alert_id)) for alert, _ in changes],
        )
    return await _log(conn, [log for _, log in changes], after)


async def touch(
    conn: Connection, touched: Sequence[UUID], change: Callable[[AlertRow], LogRow]
) -> None:
    """Log that something has changed around alerts which is not in their own rows.

    Whoever decided on them before that finds itself overtaken, and takes it along.
    """
    newest = await _newest(conn)
    await conn.execute(_TOUCH, [list(touched)])
    async with conn.cursor(row_factory=class_row(AlertRow)) as cur:
        await cur.execute(_THESE, [list(touched)])
        rows = await cur.fetchall()
    await _log(conn, [change(row) for row in rows], newest)


async def _newest(conn: Connection) -> int:
    """The newest offset, to which nobody else adds until the transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", [_LOG_LOCK])
    row = await (await conn.execute(_NEXT)).fetchone()
    assert row is not None
    return row[0]


async def _log(conn: Connection, entries: Sequence[LogRow], after: int) -> list[int]:
    """Add to the log after the newest offset, and tell who follows it."""
    offsets = [after + place for place in range(1, len(entries) + 1)]
    async with conn.cursor() as cur:
        await cur.executemany(
            _LOG,
            [
                (offset, log.alert_id, log.at, log.change, log.actor, log.comment, log.verb,
                 log.item)
                for offset, log in zip(offsets, entries, strict=True)
            ],
        )  # fmt: skip
    await conn.execute("SELECT pg_notify(%s, '')", [CHANNEL])
    return offsets


def _columns(alert: AlertRow, sought: Sought | None) -> dict[str, Any]:
    columns = {name: getattr(alert, name) for name in AlertRow.__slots__}
    columns |= {name: getattr(sought, name, None) for name in Sought.__slots__}
    if alert.muted is not None:
        columns["muted"] = Jsonb(alert.muted)
    if alert.about is not None:
        columns["about"] = Jsonb(alert.about)
    return columns


async def not_closed(pool: ReadPool) -> list[AlertRow]:
    """Every alert that is pending, active, or cleared but not acknowledged."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(AlertRow)) as cur:
        await cur.execute(_OPEN)
        return await cur.fetchall()


async def log_tail(
    pool: ReadPool, *, since: datetime, limit: int
) -> tuple[int, list[tuple[int, str, UUID, bytes]]]:
    """The newest offset, and the changes since a time that clients were told, oldest first."""
    async with pool.connection() as conn:
        newest = await (await conn.execute(_NEXT)).fetchone()
        rows = await (await conn.execute(_TAIL, {"since": since, "limit": limit})).fetchall()
    assert newest is not None
    return newest[0], [(row[0], row[1], row[2], bytes(row[3])) for row in reversed(rows)]


async def changed_after(
    pool: ReadPool, offset: int, *, limit: int
) -> tuple[list[tuple[int, str, UUID, bytes]], list[AlertRow]]:
    """The next changes after an offset, and the alerts that they are of as these stand now."""
    async with pool.connection() as conn:
        log = await (await conn.execute(_AFTER, [offset, limit])).fetchall()
        async with conn.cursor(row_factory=class_row(AlertRow)) as cur:
            await cur.execute(_THESE, [list({row[2] for row in log})])
            rows = await cur.fetchall()
    return [(row[0], row[1], row[2], bytes(row[3] or b"")) for row in log], rows


async def begun(pool: ReadPool, since: datetime) -> list[tuple[str, datetime]]:
    """Which alerts became active since a time, and when: fingerprints, oldest first."""
    async with pool.connection() as conn:
        rows = await (await conn.execute(_BEGUN, [since])).fetchall()
    return [(row[0], row[1]) for row in rows]


async def of_fingerprints(
    pool: ReadPool, marks: Sequence[str], *, per_mark: int
) -> dict[str, list[AlertRow]]:
    """The last occurrences of some alerts, open or past, the newest first."""
    found: dict[str, list[AlertRow]] = {}
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(AlertRow)) as cur:
        await cur.execute(_OF_FINGERPRINTS, {"marks": list(set(marks)), "most": per_mark})
        for row in await cur.fetchall():
            found.setdefault(row.fingerprint, []).append(row)
    return found


async def history(pool: ReadPool, alert: UUID) -> list[HistoryRow]:
    """All changes of one alert, oldest first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(HistoryRow)) as cur:
        await cur.execute(_HISTORY, [alert])
        return await cur.fetchall()


async def find(pool: ReadPool, alert: UUID) -> AlertRow | None:
    """One alert as it stands, open or past."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(AlertRow)) as cur:
        await cur.execute(_ONE, [alert])
        return await cur.fetchone()


async def raised_as(pool: ReadPool, alert: UUID) -> bytes | None:
    """The alert as it was sent when it was raised; None where nobody was sent it."""
    async with pool.connection() as conn:
        row = await (await conn.execute(_RAISED, [alert])).fetchone()
    return bytes(row[0]) if row is not None and row[0] is not None else None

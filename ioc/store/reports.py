"""Reports as they are handed in, approved and closed: the newest state, and every version."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from psycopg.rows import class_row

from ioc.kpi.period import Period
from ioc.kpi.reported import ReportState
from ioc.model import Problem
from ioc.store import audit, quarantine
from ioc.store.pool import Connection, ReadPool, WritePool
from ioc.store.report_log import confirm, count, write
from ioc.store.report_rows import (
    Change,
    Merged,
    Offered,
    ReportRow,
    judged,
    same_period,
)

LOCK: Final = 0x10C_0020
"""Held until the commit by whoever changes reports, so that what is decided by stays true."""


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version of a report as people read it."""

    version: int
    at: datetime
    actor: str
    change: Change
    reason: str
    document: dict[str, Any]


_REPORTS: Final = """
    SELECT r.report_id, f.id AS feed, r.measure_id AS measure, u.id AS unit, r.period_text,
           lower(r.period) AS starts, upper(r.period) AS ends, r.version, r.state, r.value,
           r.bound, r.printed_value, r.printed_decimals, r.numerator, r.denominator, r.rank, r.of,
           r.movement, r.nothing_occurred, r.document, r.flags, r.changed_at, r.submitted_at,
           r.stored_at
      FROM report r JOIN unit u USING (unit_key) JOIN feed f USING (feed_key)
"""
"""Begins every statement that reads reports; `r` is the report, `u` its unit, `f` its feed."""

_OVERLAPPING: Final = (
    _REPORTS
    + """
           JOIN unnest(%(measure)s::text[], %(unit)s::text[]) AS n(measure, unit)
             ON n.measure = r.measure_id AND n.unit = u.id
     WHERE r.period && daterange(%(since)s, %(until)s)
"""
)

_LIST: Final = (
    _REPORTS
    + """
     WHERE (%(measure)s::text IS NULL OR r.measure_id = %(measure)s)
       AND (%(unit)s::text IS NULL OR u.id = %(unit)s)
       AND (%(state)s::text IS NULL OR r.state = %(state)s)
       AND (%(since)s::date IS NULL OR r.period <@ daterange(%(since)s, %(until)s))
       AND (%(drafts_of)s::text[] IS NULL OR r.state <> 'draft' OR u.id = ANY(%(drafts_of)s))
       AND (%(after)s::uuid IS NULL OR r.report_id > %(after)s)
     ORDER BY r.report_id LIMIT %(limit)s
"""
)

_THESE: Final = _REPORTS + "WHERE r.report_id = ANY(%s)"

_WITHIN: Final = (
    _REPORTS
    + """
     WHERE r.measure_id = ANY(%s) AND r.period <@ daterange(%s, %s) AND r.state <> 'draft'
     ORDER BY u.unit_key, r.measure_id, r.period
"""
)

_NEWEST: Final = (
    _REPORTS
    + """
     WHERE r.measure_id = ANY(%(measures)s) AND u.id = %(unit)s AND r.state <> 'draft'
       AND (%(since)s::date IS NULL OR r.period = daterange(%(since)s, %(until)s))
     ORDER BY upper(r.period)
"""
)

_HISTORY: Final = """
    SELECT version, at, actor, change, reason, document FROM report_version
     WHERE report_id = %s ORDER BY version
"""


async def put(
    pool: WritePool,
    feed: int,
    offered: Sequence[Offered],
    refused: Sequence[quarantine.Item],
    *,
    actor: str,
    now: datetime,
    size: int = 0,
    channel: str = "rest",
    source: str | None = None,
) -> Merged:
    """Store reports; reports, their versions, quarantine and ledger are one transaction.

    `channel` and `source` say how they came.
    """
    async with pool.connection() as conn:
        merged = await merge(conn, offered, actor=actor, now=now)
        late = [
            item_of(feed, offer.raw, problem, now, channel=channel, source=source)
            for offer, problem in merged.refused
        ]
        await quarantine.keep(conn, [*refused, *late], now)
        await count(
            conn, feed, offered, merged, quarantined=len(refused) + len(late), size=size, now=now
        )
    return merged


def item_of(
    feed: int,
    raw: bytes,
    problem: Problem,
    now: datetime,
    digest: bytes | None = None,
    *,
    channel: str = "rest",
    source: str | None = None,
) -> quarantine.Item:
    """What goes to quarantine of a report that was not taken."""
    return quarantine.Item(
        feed=feed, received_at=now, channel=channel, content_type="application/json",
        kind="reports", index=problem.index, payload=raw, size=len(raw), digest=digest,
        reason=problem.reason.value, detail=problem.detail, source=source,
    )  # fmt: skip


async def merge(
    conn: Connection, offered: Sequence[Offered], *, actor: str, now: datetime
) -> Merged:
    """Store reports within a transaction; an older state never replaces a newer one."""
    merged = Merged(0, 0, 0, [])
    if not offered:
        return merged
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    held = await _overlapping(conn, [offer.row for offer in offered])
    counts = {"handed_in": 0, "corrected": 0, "duplicate": 0}
    changed: list[tuple[ReportRow, Change, str]] = []
    confirmed: list[tuple[datetime, UUID]] = []
    for offer in sorted(offered, key=lambda offer: offer.row.changed_at):
        there = held.setdefault((offer.row.measure, offer.row.unit), [])
        outcome = judged(there, offer.row)
        if isinstance(outcome, tuple):
            reason, detail = outcome
            merged.refused.append((offer, Problem(offer.index, reason, detail)))
            continue
        counts[outcome] += 1
        if outcome == "duplicate":
            confirmed += _confirmed(there, offer.row)
            continue
        row = _placed(there, offer.row, now)
        changed.append((row, outcome, offer.reason))
    await write(conn, changed, actor=actor, now=now)
    await confirm(conn, confirmed)
    return Merged(counts["handed_in"], counts["corrected"], counts["duplicate"], merged.refused)


def _confirmed(there: list[ReportRow], given: ReportRow) -> list[tuple[datetime, UUID]]:
    """The later time of a figure that is said again, else one of between would count as newer."""
    before = same_period(there, given)
    if before is None or before.changed_at >= given.changed_at or before.feed != given.feed:
        return []
    there[there.index(before)] = replace(before, changed_at=given.changed_at)
    return [(given.changed_at, before.report_id)]


def _placed(there: list[ReportRow], given: ReportRow, now: datetime) -> ReportRow:
    """The report as it is stored now; takes its place among those that are there."""
    before = same_period(there, given)
    submitted = None if before is None else before.submitted_at
    if submitted is None and given.state != "draft":
        submitted = now
    row = replace(given, submitted_at=submitted, stored_at=now)
    if before is not None:
        row = replace(row, report_id=before.report_id, version=before.version + 1)
        there.remove(before)
    there.append(row)
    return row


async def _overlapping(
    conn: Connection, rows: Sequence[ReportRow]
) -> dict[tuple[str, str], list[ReportRow]]:
    wanted = sorted({(row.measure, row.unit) for row in rows})
    async with conn.cursor(row_factory=class_row(ReportRow)) as cur:
        await cur.execute(
            _OVERLAPPING,
            {
                "measure": [measure for measure, _ in wanted],
                "unit": [unit for _, unit in wanted],
                "since": min(row.starts for row in rows),
                "until": max(row.ends for row in rows),
            },
        )
        found: dict[tuple[str, str], list[ReportRow]] = {}
        for row in await cur.fetchall():
            found.setdefault((row.measure, row.unit), []).append(row)
    return found


async def move(
    conn: Connection,
    rows: Sequence[ReportRow],
    change: Change,
    state: ReportState,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> list[ReportRow]:
    """Put reports into another state, with a version and an entry in the audit trail for each."""
    moved = [replace(row, state=state, version=row.version + 1, stored_at=now) for row in rows]
    await write(conn, [(row, change, reason) for row in moved], actor=actor, now=now)
    for before, after in zip(rows, moved, strict=True):
        await audit.record(
            conn, now=now, actor=actor, source="rest", action=f"report.{change}",
            subject=str(after.report_id), before={"state": before.state},
            after={"state": after.state, "reason": reason},
        )  # fmt: skip
    return moved


async def locked(conn: Connection, ids: Sequence[UUID]) -> list[ReportRow]:
    """Reports by id, which nobody else changes before the transaction ends."""
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    async with conn.cursor(row_factory=class_row(ReportRow)) as cur:
        return await (await cur.execute(_THESE, [list(ids)])).fetchall()


async def listed(
    pool: ReadPool,
    *,
    measure: str | None = None,
    unit: str | None = None,
    period: Period | None = None,
    state: str | None = None,
    drafts_of: Sequence[str] | None = None,
    after: UUID | None = None,
    limit: int = 500,
) -> list[ReportRow]:
    """Reports by id, those about days within a period; drafts only of some units, None: of all."""
    given = {
        "measure": measure, "unit": unit, "state": state, "after": after, "limit": limit,
        "since": period.start if period else None, "until": period.end if period else None,
        "drafts_of": None if drafts_of is None else list(drafts_of),
    }  # fmt: skip
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(ReportRow)) as cur:
        return await (await cur.execute(_LIST, given)).fetchall()


async def history(pool: ReadPool, report: UUID) -> tuple[ReportRow | None, list[VersionRow]]:
    """A report as it stands, and all its versions, oldest first."""
    async with pool.connection() as conn:
        async with conn.cursor(row_factory=class_row(ReportRow)) as cur:
            row = await (await cur.execute(_THESE, [[report]])).fetchone()
        async with conn.cursor(row_factory=class_row(VersionRow)) as cur:
            return row, await (await cur.execute(_HISTORY, [report])).fetchall()


async def reported(
    pool: ReadPool, measures: Sequence[str], unit: str, period: Period | None = None
) -> dict[str, ReportRow]:
    """What a unit handed in of each measure for exactly a period, else of the newest; no drafts."""
    given = {
        "measures": list(measures), "unit": unit,
        "since": period.start if period else None, "until": period.end if period else None,
    }  # fmt: skip
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(ReportRow)) as cur:
        rows = await (await cur.execute(_NEWEST, given)).fetchall()
    return {row.measure: row for row in rows}


async def within(pool: ReadPool, measures: Sequence[str], period: Period) -> list[ReportRow]:
    """The reports whose periods lie within one, by unit, measure and time; no drafts."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(ReportRow)) as cur:
        await cur.execute(_WITHIN, [list(measures), period.start, period.end])
        return await cur.fetchall()

"""Dossiers as they come, and their sums by unit and month."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

import numpy as np

from ioc.model import to_micros
from ioc.store import ledger, quarantine
from ioc.store.pool import Connection, ReadPool, WritePool


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierRow:
    """One dossier as an agency sends it; units by id."""

    dossier_id: UUID
    code: str
    procedure: str
    field: str
    received_unit: str
    handling_unit: str
    applicant_unit: str | None
    channel: str
    received_at: datetime
    due_at: datetime | None
    resolved_at: datetime | None
    outcome: str | None
    changed_at: datetime


_STAGE: Final = """
    CREATE TEMP TABLE IF NOT EXISTS offered (
        row integer, dossier_id uuid, code text, procedure_code text, field text,
        received_unit integer, handling_unit integer, applicant_unit integer, channel text,
        received_at timestamptz, due_at timestamptz, resolved_at timestamptz, outcome text,
        changed_at timestamptz
    ) ON COMMIT DROP
"""

_CLEAR: Final = "DELETE FROM offered"

_COPY: Final = "COPY offered FROM STDIN"

# The months are those of the province's calendar. A month is dirty when a dossier was received or
# resolved in it, before the change or after it. Its mark is locked, so that a count that runs now
# and does not see the change cannot take the mark away. A state that is confirmed later keeps the
# later time, else a state of between would count as newer.
_MERGE: Final = """
    WITH held AS (
        SELECT o.row, d.dossier_id IS NOT NULL AS known,
               d.dossier_id IS NOT NULL AND d.changed_at > o.changed_at AS older,
               d.dossier_id IS NOT NULL AND d.changed_at < o.changed_at AS newer,
               (d.procedure_code, d.field, d.received_unit, d.handling_unit, d.applicant_unit,
                d.channel, d.received_at, d.due_at, d.resolved_at, d.outcome)
               IS NOT DISTINCT FROM
               (o.procedure_code, o.field, o.received_unit, o.handling_unit, o.applicant_unit,
                o.channel, o.received_at, o.due_at, o.resolved_at, o.outcome) AS same
          FROM offered o LEFT JOIN dossier d ON d.feed_key = %(feed)s AND d.code = o.code
    ), touched AS (
        SELECT d.handling_unit AS unit_key, d.received_at, d.resolved_at
          FROM dossier d JOIN offered o ON o.code = d.code JOIN held h USING (row)
         WHERE d.feed_key = %(feed)s AND NOT h.same AND NOT h.older
         UNION ALL
        SELECT o.handling_unit, o.received_at, o.resolved_at
          FROM offered o JOIN held h USING (row)
         WHERE NOT (h.known AND (h.same OR h.older))
    ), marked AS (
        INSERT INTO dossier_dirty (unit_key, month)
        SELECT DISTINCT unit_key, date_trunc('month', at AT TIME ZONE %(zone)s)::date
          FROM touched CROSS JOIN LATERAL (VALUES (received_at), (resolved_at)) AS v(at)
         WHERE at IS NOT NULL
         ORDER BY 1, 2
        ON CONFLICT (unit_key, month) DO UPDATE SET month = excluded.month
    ), written AS (
        INSERT INTO dossier AS d (dossier_id, feed_key, code, procedure_code, field,
               received_unit, handling_unit, applicant_unit, channel, received_at, due_at,
               resolved_at, outcome, changed_at, stored_at)
        SELECT o.dossier_id, %(feed)s, o.code, o.procedure_code, o.field, o.received_unit,
               o.handling_unit, o.applicant_unit, o.channel, o.received_at, o.due_at,
               o.resolved_at, o.outcome, o.changed_at, %(now)s
          FROM offered o JOIN held h USING (row)
         WHERE NOT (h.known AND (h.same OR h.older)) OR (h.same AND h.newer)
        ON CONFLICT (feed_key, code) DO UPDATE
           SET procedure_code = excluded.procedure_code, field = excluded.field,
               received_unit = excluded.received_unit, handling_unit = excluded.handling_unit,
               applicant_unit = excluded.applicant_unit, channel = excluded.channel,
               received_at = excluded.received_at, due_at = excluded.due_at,
               resolved_at = excluded.resolved_at, outcome = excluded.outcome,
               changed_at = excluded.changed_at, stored_at = excluded.stored_at
    )
    SELECT count(*) FILTER (WHERE NOT known),
           count(*) FILTER (WHERE known AND NOT older AND NOT same),
           count(*) FILTER (WHERE known AND (older OR same))
      FROM held
"""

_UNITS: Final = "SELECT id, unit_key FROM unit"

_DIRTY: Final = """
    SELECT unit_key, month FROM dossier_dirty ORDER BY month, unit_key LIMIT %s
       FOR UPDATE SKIP LOCKED
"""

# Counted anew from the dossiers, for the months that are dirty: a count that is added up from
# differences drifts.
_RECOUNT: Final = """
    WITH wanted AS (
        SELECT unit_key, month, month::timestamp AT TIME ZONE %(zone)s AS since,
               (month + INTERVAL '1 month')::timestamp AT TIME ZONE %(zone)s AS until
          FROM unnest(%(unit)s::int[], %(month)s::date[]) AS w(unit_key, month)
    ), received AS (
        SELECT w.unit_key, w.month,
               count(*) FILTER (WHERE d.channel = 'direct') AS direct,
               count(*) FILTER (WHERE d.channel = 'online') AS online,
               count(*) FILTER (WHERE d.channel = 'post') AS post
          FROM wanted w JOIN dossier d ON d.handling_unit = w.unit_key
               AND d.received_at >= w.since AND d.received_at < w.until
         GROUP BY w.unit_key, w.month
    ), resolved AS (
        SELECT w.unit_key, w.month,
               count(*) FILTER (WHERE early) AS early,
               count(*) FILTER (WHERE NOT early AND NOT overdue) AS on_time,
               count(*) FILTER (WHERE overdue) AS late,
               count(*) FILTER (WHERE d.due_at IS NULL) AS undated
          FROM wanted w JOIN dossier d ON d.handling_unit = w.unit_key
               AND d.resolved_at >= w.since AND d.resolved_at < w.until
               CROSS JOIN LATERAL (VALUES (
                   (d.resolved_at AT TIME ZONE %(zone)s)::date
                   < (d.due_at AT TIME ZONE %(zone)s)::date,
                   d.resolved_at > d.due_at)) AS v(early, overdue)
         GROUP BY w.unit_key, w.month
    )
    INSERT INTO dossier_sum (unit_key, month, received_direct, received_online, received_post,
           resolved_early, resolved_on_time, resolved_late, resolved_undated, computed_at)
    SELECT w.unit_key, w.month, COALESCE(r.direct, 0), COALESCE(r.online, 0),
           COALESCE(r.post, 0), COALESCE(s.early, 0), COALESCE(s.on_time, 0),
           COALESCE(s.late, 0), COALESCE(s.undated, 0), %(now)s
      FROM wanted w LEFT JOIN received r USING (unit_key, month)
           LEFT JOIN resolved s USING (unit_key, month)
    ON CONFLICT (unit_key, month) DO UPDATE
       SET received_direct = excluded.received_direct,
           received_online = excluded.received_online,
           received_post = excluded.received_post, resolved_early = excluded.resolved_early,
           resolved_on_time = excluded.resolved_on_time,
           resolved_late = excluded.resolved_late, resolved_undated = excluded.resolved_undated,
           computed_at = excluded.computed_at
"""

_CLEAN: Final = """
    DELETE FROM dossier_dirty d USING unnest(%(unit)s::int[], %(month)s::date[]) AS w(u, m)
     WHERE d.unit_key = w.u AND d.month = w.m
"""

_SUMS: Final = """
    SELECT u.id, sum(received_direct)::bigint, sum(received_online)::bigint,
           sum(received_post)::bigint, sum(resolved_early)::bigint,
           sum(resolved_on_time)::bigint, sum(resolved_late)::bigint,
           sum(resolved_undated)::bigint
      FROM dossier_sum s JOIN unit u USING (unit_key)
     WHERE month >= %(since)s AND month < %(until)s
     GROUP BY u.id
"""

_MONTHS: Final = """
    SELECT u.id, month, received_direct, received_online, received_post, resolved_early,
           resolved_on_time, resolved_late, resolved_undated
      FROM dossier_sum s JOIN unit u USING (unit_key)
     WHERE month >= %(since)s AND month < %(until)s
"""

_IN_HAND: Final = """
    SELECT u.id, count(*), count(*) FILTER (WHERE d.due_at < %(now)s)
      FROM dossier d JOIN unit u ON u.unit_key = d.handling_unit
     WHERE d.resolved_at IS NULL
     GROUP BY u.id
"""

SUMMED: Final = (
    "received_direct",
    "received_online",
    "received_post",
    "resolved_early",
    "resolved_on_time",
    "resolved_late",
    "resolved_undated",
)
"""The counts of a row of `sums`, in order."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A dossier that was not taken: its place, why, its own bytes or only their SHA-256."""

    index: int
    raw: bytes
    reason: str
    detail: str
    size: int = 0
    digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of a batch of dossiers."""

    stored: int
    corrected: int
    duplicate: int


async def unit_keys(pool: ReadPool) -> dict[str, int]:
    """Internal key of every unit by id."""
    async with pool.connection() as conn:
        return dict(await (await conn.execute(_UNITS)).fetchall())


async def put(
    pool: WritePool,
    feed: int,
    rows: Sequence[DossierRow],
    refused: Sequence[Refusal],
    *,
    units: dict[str, int],
    zone: str,
    now: datetime,
    repeated: int = 0,
    size: int = 0,
) -> Merged:
    """Store dossiers by their code within the feed; an older state never replaces a newer one.

    `repeated` counts codes that came more than once in the body and of which the newest is in
    `rows`; `size` is in bytes of the body. Dossiers, quarantine and ledger are one transaction.
    """
    async with pool.connection() as conn:
        merged = await merge(conn, feed, rows, units=units, zone=zone, now=now, repeated=repeated)
        await keep(conn, feed, refused, now)
        await count(conn, feed, rows, merged, quarantined=len(refused), size=size, now=now)
    return merged


async def keep(conn: Connection, feed: int, refused: Sequence[Refusal], now: datetime) -> None:
    """Put dossiers that were not taken into quarantine."""
    kept = [
        quarantine.Item(
            feed=feed, received_at=now, channel="rest", content_type="application/json",
            kind="dossiers", index=item.index, payload=item.raw, digest=item.digest,
            size=item.size or len(item.raw), reason=item.reason, detail=item.detail,
        )
        for item in refused
    ]  # fmt: skip
    await quarantine.keep(conn, kept, now)


async def merge(
    conn: Connection,
    feed: int,
    rows: Sequence[DossierRow],
    *,
    units: dict[str, int],
    zone: str,
    now: datetime,
    repeated: int = 0,
) -> Merged:
    """Store dossiers in a transaction that somebody else ends."""
    await conn.execute(_STAGE)
    await conn.execute(_CLEAR)
    async with conn.cursor() as cur:
        async with cur.copy(_COPY) as copy:
            for place, row in enumerate(rows):
                await copy.write_row(
                    (
                        place, row.dossier_id, row.code, row.procedure, row.field,
                        units[row.received_unit], units[row.handling_unit],
                        units[row.applicant_unit] if row.applicant_unit else None,
                        row.channel, row.received_at, row.due_at, row.resolved_at,
                        row.outcome, row.changed_at,
                    )
                )  # fmt: skip
        await cur.execute(_MERGE, {"feed": feed, "zone": zone, "now": now})
        counted = await cur.fetchone()
    assert counted is not None
    return Merged(counted[0], counted[1], counted[2] + repeated)


async def count(
    conn: Connection,
    feed: int,
    rows: Sequence[DossierRow],
    merged: Merged,
    *,
    quarantined: int,
    size: int,
    now: datetime,
    replayed: int = 0,
) -> None:
    """Add a batch to the ledger; its lag is the time since the dossiers changed."""
    taken = merged.stored + merged.duplicate + merged.corrected
    counts = [
        taken + quarantined, merged.stored, merged.duplicate, merged.corrected, 0, quarantined,
        0, 0, size, replayed,
    ]  # fmt: skip
    lag_us = [to_micros(now) - to_micros(row.changed_at) for row in rows]
    tally = ledger.gather(
        np.array([feed], np.int64),
        np.array([to_micros(now)], np.int64),
        np.array([counts], np.int64),
        owner=np.zeros(len(rows), np.intp),
        lag_us=np.array(lag_us, np.int64),
    )
    await ledger.add(conn, tally)


async def recount(pool: WritePool, *, zone: str, now: datetime, most: int = 2_000) -> int:
    """Count dirty months anew; returns how many, 0 when none is left."""
    async with pool.connection() as conn:
        dirty = await (await conn.execute(_DIRTY, [most])).fetchall()
        if not dirty:
            return 0
        given = {
            "unit": [row[0] for row in dirty], "month": [row[1] for row in dirty],
            "zone": zone, "now": now,
        }  # fmt: skip
        await conn.execute(_RECOUNT, given)
        await conn.execute(_CLEAN, given)
    return len(dirty)


async def sums(pool: ReadPool, *, since: date, until: date) -> dict[str, dict[str, int]]:
    """Counts by unit over the months of a half-open range that begins and ends with a month."""
    async with pool.connection() as conn:
        rows = await (await conn.execute(_SUMS, {"since": since, "until": until})).fetchall()
    return {row[0]: dict(zip(SUMMED, row[1:], strict=True)) for row in rows}


async def monthly(
    pool: ReadPool, *, since: date, until: date
) -> dict[date, dict[str, dict[str, int]]]:
    """Counts by month and unit."""
    async with pool.connection() as conn:
        rows = await (await conn.execute(_MONTHS, {"since": since, "until": until})).fetchall()
    found: dict[date, dict[str, dict[str, int]]] = {}
    for row in rows:
        found.setdefault(row[1], {})[row[0]] = dict(zip(SUMMED, row[2:], strict=True))
    return found


async def in_hand(pool: ReadPool, now: datetime) -> dict[str, dict[str, int]]:
    """Dossiers in hand and those past their due time, by handling unit."""
    async with pool.connection() as conn:
        rows = await (await conn.execute(_IN_HAND, {"now": now})).fetchall()
    return {row[0]: {"in_hand": row[1], "in_hand_overdue": row[2]} for row in rows}

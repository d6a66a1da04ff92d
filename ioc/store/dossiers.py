"""Dossiers as they come: the newest state of each, stored by its code within the feed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from psycopg import sql

from ingest.dossier import DossierState, Oddity
from ioc.model import to_micros
from ioc.store import ledger, quarantine
from ioc.store.dossier_copy import COLUMNS, block
from ioc.store.pool import Connection, ReadPool, WritePool

_STATE: Final = tuple(name for name in COLUMNS if name not in ("code", "changed_at"))
"""The columns that say how a dossier stands; two states that agree in them are the same."""

_OFFERED: Final = ("dossier_id", *COLUMNS)

_ONE_AT_A_TIME: Final = "SELECT pg_advisory_xact_lock(hashtext('dossier'), %s)"

_STAGE: Final = """
    CREATE TEMP TABLE IF NOT EXISTS offered ON COMMIT DELETE ROWS AS
    SELECT 0 AS row, {offered} FROM dossier WITH NO DATA
"""

_CLEAR: Final = "DELETE FROM offered"

_COPY: Final = "COPY offered FROM STDIN (FORMAT BINARY)"

# The days are those of the province's calendar. A dossier falls overdue on the first day at whose
# end it is in hand past its due time, by that of now, unless its clock stands still before: what
# is overdue at the end of any day is a sum over such days. A day of a unit is to be counted anew
# when a dossier was received, fell overdue or was resolved in it, before the change or after it. A
# state that is confirmed later keeps the later time, else a state of between would count as newer.
# A dossier that changed its handling unit while it was in hand is marked for good, whichever of two
# states came first; where it was folded from events that is known already. `OFFSET 0` has each
# dossier looked up by its code: while the table is new the planner would read all of it instead.
_MERGE: Final = """
    WITH held AS (
        SELECT o.row, d.dossier_id IS NOT NULL AS known,
               d.dossier_id IS NOT NULL AND d.changed_at > o.changed_at AS older,
               d.dossier_id IS NOT NULL AND d.changed_at < o.changed_at AS newer,
               d.dossier_id IS NOT NULL AND ({held}) IS NOT DISTINCT FROM ({new}) AS same,
               d.handling_unit AS left_unit, d.received_unit AS left_desk,
               d.received_day AS left_received, d.resolved_day AS left_resolved,
               d.overdue_day AS left_overdue, COALESCE(d.moved, 0) AS moved
          FROM offered o LEFT JOIN LATERAL (
               SELECT d.*, %(moved)s::int & (d.flags | CASE
                      WHEN d.handling_unit <> o.handling_unit
                       AND CASE WHEN d.changed_at > o.changed_at THEN o.resolved_at
                                ELSE d.resolved_at END IS NULL
                      THEN %(moved)s::int ELSE 0 END) AS moved
                 FROM dossier d WHERE d.feed_key = %(feed)s AND d.code = o.code OFFSET 0
               ) AS d ON true
    ), taken AS (
        SELECT o.*, h.left_unit, h.left_desk, h.left_received, h.left_resolved, h.left_overdue,
               h.moved, t.due_effective, t.received_day, t.resolved_day,
               CASE WHEN f.fell < COALESCE(t.resolved_day, 'infinity') THEN f.fell END
               AS overdue_day
          FROM offered o JOIN held h USING (row)
               CROSS JOIN LATERAL (
               SELECT o.due_at + make_interval(secs => o.paused_seconds) AS due_effective,
                      (o.received_at AT TIME ZONE %(zone)s)::date AS received_day,
                      (o.resolved_at AT TIME ZONE %(zone)s)::date AS resolved_day) AS t
               CROSS JOIN LATERAL (
               SELECT CASE WHEN t.due_effective < COALESCE(o.paused_since, 'infinity')
                      THEN GREATEST((t.due_effective AT TIME ZONE %(zone)s)::date, t.received_day)
                      END AS fell) AS f
         WHERE NOT (h.known AND (h.same OR h.older))
    ), marked AS (
        INSERT INTO dossier_change (unit_key, day)
        SELECT DISTINCT v.unit_key, v.day
          FROM taken CROSS JOIN LATERAL (VALUES
               (handling_unit, received_day), (handling_unit, resolved_day),
               (handling_unit, overdue_day), (received_unit, received_day),
               (left_unit, left_received), (left_unit, left_resolved),
               (left_unit, left_overdue), (left_desk, left_received)) AS v(unit_key, day)
         WHERE v.unit_key IS NOT NULL AND v.day IS NOT NULL
    ), confirmed AS (
        UPDATE dossier d SET changed_at = o.changed_at
          FROM offered o JOIN held h USING (row)
         WHERE h.same AND h.newer AND d.feed_key = %(feed)s AND d.code = o.code
    ), was_elsewhere AS (
        UPDATE dossier d SET flags = d.flags | %(moved)s::int
          FROM offered o JOIN held h USING (row)
         WHERE h.older AND (h.moved | o.flags) & %(moved)s::int > d.flags & %(moved)s::int
           AND d.feed_key = %(feed)s AND d.code = o.code
    ), written AS (
        INSERT INTO dossier AS d (feed_key, stored_at, due_effective, received_day, resolved_day,
                                  overdue_day, {offered})
        SELECT %(feed)s, %(now)s, due_effective, received_day, resolved_day, overdue_day,
               {given}
          FROM taken
        ON CONFLICT (feed_key, code) DO UPDATE
           SET {changes}, changed_at = excluded.changed_at, stored_at = excluded.stored_at,
               due_effective = excluded.due_effective, received_day = excluded.received_day,
               resolved_day = excluded.resolved_day, overdue_day = excluded.overdue_day
    )
    SELECT count(*) FILTER (WHERE NOT known),
           count(*) FILTER (WHERE known AND NOT older AND NOT same),
           count(*) FILTER (WHERE known AND (older OR same))
      FROM held
"""

_UNITS: Final = "SELECT id, unit_key FROM unit"


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
    rows: Sequence[DossierState],
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
    rows: Sequence[DossierState],
    *,
    units: dict[str, int],
    zone: str,
    now: datetime,
    repeated: int = 0,
) -> Merged:
    """Store dossiers in a transaction that somebody else ends."""
    await stage(conn, rows, units=units, now=now)
    return await merge_staged(conn, feed, zone=zone, now=now, repeated=repeated)


async def stage(
    conn: Connection, rows: Sequence[DossierState], *, units: dict[str, int], now: datetime
) -> None:
    """Lay dossiers ready in a table of the connection's own, in the place of what lies there."""
    await conn.execute(_staging)
    await conn.execute(_CLEAR)
    async with conn.cursor() as cur, cur.copy(_COPY) as copy:
        await copy.write(block(rows, units, now))


async def merge_staged(
    conn: Connection,
    feed: int,
    *,
    zone: str,
    now: datetime,
    repeated: int = 0,
    folded: bool = False,
) -> Merged:
    """Store what lies ready in a transaction that somebody else ends.

    Whether those that were `folded` from events have moved is theirs to say.

    Bodies of one feed are stored one after the other: of two at once that name the same dossier
    both would look at it before the other has changed it.
    """
    await conn.execute(_ONE_AT_A_TIME, [feed])
    moved = 0 if folded else int(Oddity.MOVED)
    given = {"feed": feed, "zone": zone, "now": now, "moved": moved}
    cur = await conn.execute(_merging, given)
    counted = await cur.fetchone()
    assert counted is not None
    return Merged(counted[0], counted[1], counted[2] + repeated)


def _columns() -> dict[str, sql.Composable]:
    """The columns of a state, as the statements want them."""

    def listed(names: Sequence[str], owner: str) -> sql.Composable:
        return sql.SQL(", ").join(
            sql.Identifier(owner, n) if owner else sql.Identifier(n) for n in names
        )

    def marked(names: Sequence[str], owner: str, held: str) -> sql.Composable:
        flags = sql.SQL("{}.flags | {}.moved").format(sql.Identifier(owner), sql.Identifier(held))
        return sql.SQL(", ").join(flags if n == "flags" else listed([n], owner) for n in names)

    return {
        "offered": listed(_OFFERED, ""),
        "given": marked(_OFFERED, "taken", "taken"),
        "held": listed(_STATE, "d"),
        "new": marked(_STATE, "o", "d"),
        "changes": sql.SQL(", ").join(
            sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in _STATE
        ),
    }


_staging: Final = sql.SQL(_STAGE).format(offered=_columns()["offered"])
_merging: Final = sql.SQL(_MERGE).format(**_columns())


async def count(
    conn: Connection,
    feed: int,
    rows: Sequence[DossierState],
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
    now_us = to_micros(now)
    lag_us = [now_us - to_micros(row.changed_at) for row in rows]
    tally = ledger.gather(
        np.array([feed], np.int64),
        np.array([now_us], np.int64),
        np.array([counts], np.int64),
        owner=np.zeros(len(rows), np.intp),
        lag_us=np.array(lag_us, np.int64),
    )
    await ledger.add(conn, tally)

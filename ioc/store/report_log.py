"""Reports and their versions as rows that are written, and what of them the ledger counts."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Final
from uuid import UUID

import numpy as np
from psycopg.types.json import Jsonb

from ioc.model import to_micros
from ioc.store import ledger
from ioc.store.pool import Connection
from ioc.store.report_rows import CONTENT, Change, Merged, Offered, ReportRow

_PUT: Final = """
    INSERT INTO report (report_id, feed_key, measure_id, unit_key, period_text, period, version,
           state, value, bound, printed_value, printed_decimals, numerator, denominator, rank, of,
           movement, nothing_occurred, document, flags, changed_at, submitted_at, stored_at)
    VALUES (%(report_id)s, (SELECT feed_key FROM feed WHERE id = %(feed)s), %(measure)s,
           (SELECT unit_key FROM unit WHERE id = %(unit)s), %(period_text)s,
           daterange(%(starts)s, %(ends)s), %(version)s, %(state)s, %(value)s, %(bound)s,
           %(printed_value)s, %(printed_decimals)s, %(numerator)s, %(denominator)s, %(rank)s,
           %(of)s, %(movement)s, %(nothing_occurred)s, %(document)s, %(flags)s, %(changed_at)s,
           %(submitted_at)s, %(stored_at)s)
    ON CONFLICT (report_id) DO UPDATE
       SET version = excluded.version, state = excluded.state, value = excluded.value,
           bound = excluded.bound, printed_value = excluded.printed_value,
           printed_decimals = excluded.printed_decimals, numerator = excluded.numerator,
           denominator = excluded.denominator, rank = excluded.rank, of = excluded.of,
           movement = excluded.movement, nothing_occurred = excluded.nothing_occurred,
           document = excluded.document, flags = excluded.flags,
           changed_at = excluded.changed_at, submitted_at = excluded.submitted_at,
           stored_at = excluded.stored_at
"""

_CONFIRM: Final = "UPDATE report SET changed_at = %s WHERE report_id = %s"

_ADD_VERSION: Final = """
    INSERT INTO report_version (report_id, version, at, actor, change, reason, document)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
"""


async def write(
    conn: Connection,
    changed: Sequence[tuple[ReportRow, Change, str]],
    *,
    actor: str,
    now: datetime,
) -> None:
    """Store reports as they stand now, each with its version: what changed, and why."""
    if not changed:
        return
    async with conn.cursor() as cur:
        await cur.executemany(_PUT, [asdict(row) for row, _, _ in changed])
        await cur.executemany(
            _ADD_VERSION,
            [
                (row.report_id, row.version, now, actor, change, reason, _document(row))
                for row, change, reason in changed
            ],
        )


def _document(row: ReportRow) -> Jsonb:
    """A version as it is kept: its state and content."""
    return Jsonb(
        {
            "state": row.state,
            **{name: getattr(row, name) for name in CONTENT},
            "flags": row.flags,
            "changed_at": row.changed_at.isoformat(),
        }
    )


async def confirm(conn: Connection, later: Sequence[tuple[datetime, UUID]]) -> None:
    """Note that figures were said again later: the time, and the report."""
    async with conn.cursor() as cur:
        await cur.executemany(_CONFIRM, later)


async def count(
    conn: Connection,
    feed: int,
    offered: Sequence[Offered],
    merged: Merged,
    *,
    quarantined: int,
    size: int,
    now: datetime,
    replayed: int = 0,
) -> None:
    """Add a batch to the ledger; its lag is the time since the figures changed."""
    taken = merged.stored + merged.duplicate + merged.corrected
    counts = [
        taken + quarantined, merged.stored, merged.duplicate, merged.corrected, 0, quarantined,
        0, 0, size, replayed,
    ]  # fmt: skip
    lag_us = [to_micros(now) - to_micros(offer.row.changed_at) for offer in offered]
    tally = ledger.gather(
        np.array([feed], np.int64),
        np.array([to_micros(now)], np.int64),
        np.array([counts], np.int64),
        owner=np.zeros(len(lag_us), np.intp),
        lag_us=np.array(lag_us, np.int64),
    )
    await ledger.add(conn, tally)

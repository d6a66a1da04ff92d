"""The ledger: what came of each feed in each minute and what became of it, written and read."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from ioc.model import from_micros
from ioc.store import lag
from ioc.store.pool import Connection, ReadPool

COUNTS: Final = (
    "received", "stored", "duplicate", "corrected", "late", "quarantined", "stored_late",
    "redelivered", "bytes", "replayed",
)  # fmt: skip
"""The columns of a tally; received is the sum of the five that follow it."""

MINUTE_US: Final = 60_000_000

# The mark of the flush goes with its counts, because a statement more costs every flush.
_ADD: Final = """
    WITH marked AS (
        INSERT INTO flush_mark (writer, flush, flushed_at)
        SELECT w, %(flush)s, now() FROM (VALUES (%(writer)s::uuid)) AS v(w) WHERE w IS NOT NULL
        ON CONFLICT (writer) DO UPDATE
           SET flush = excluded.flush, flushed_at = excluded.flushed_at
    )
    INSERT INTO ledger AS l (feed_key, minute, received, stored, duplicate, corrected, late,
                             quarantined, stored_late, redelivered, bytes, replayed, lag,
                             lag_max)
    SELECT feed, minute, received, stored, duplicate, corrected, late, quarantined,
           stored_late, redelivered, bytes, replayed, lag::integer[], lag_max
      FROM unnest(%(feed)s::int[], %(minute)s::timestamptz[], %(received)s::bigint[],
                  %(stored)s::bigint[], %(duplicate)s::bigint[], %(corrected)s::bigint[],
                  %(late)s::bigint[], %(quarantined)s::bigint[], %(stored_late)s::bigint[],
                  %(redelivered)s::bigint[], %(bytes)s::bigint[], %(replayed)s::bigint[],
                  %(lag)s::text[], %(lag_max)s::float8[])
             AS n(feed, minute, received, stored, duplicate, corrected, late, quarantined,
                  stored_late, redelivered, bytes, replayed, lag, lag_max)
    ON CONFLICT (feed_key, minute) DO UPDATE
       SET received = l.received + excluded.received,
           stored = l.stored + excluded.stored,
           duplicate = l.duplicate + excluded.duplicate,
           corrected = l.corrected + excluded.corrected,
           late = l.late + excluded.late,
           quarantined = l.quarantined + excluded.quarantined,
           stored_late = l.stored_late + excluded.stored_late,
           redelivered = l.redelivered + excluded.redelivered,
           bytes = l.bytes + excluded.bytes,
           replayed = l.replayed + excluded.replayed,
           lag = ARRAY(SELECT COALESCE(a, 0) + COALESCE(b, 0)
                         FROM unnest(l.lag, excluded.lag) WITH ORDINALITY AS u(a, b, place)
                        ORDER BY place),
           lag_max = GREATEST(l.lag_max, excluded.lag_max)
"""

_DROP: Final = """
    INSERT INTO ledger AS l (feed_key, minute, dropped)
    VALUES (%(feed)s, date_trunc('minute', %(now)s::timestamptz), %(dropped)s)
    ON CONFLICT (feed_key, minute) DO UPDATE SET dropped = l.dropped + excluded.dropped
"""

_MINUTES: Final = """
    SELECT minute, received, stored, duplicate, corrected, late, quarantined, stored_late,
           redelivered, bytes, replayed, dropped, lag, lag_max
      FROM ledger
     WHERE feed_key = %(feed)s AND minute >= %(since)s AND minute < %(until)s
     ORDER BY minute LIMIT %(limit)s
"""

_SUM: Final = """
    WITH chosen AS (
        SELECT * FROM ledger
         WHERE feed_key = %(feed)s AND minute >= %(since)s AND minute < %(until)s
    )
    SELECT %(until)s::timestamptz, COALESCE(sum(received), 0)::bigint,
           COALESCE(sum(stored), 0)::bigint, COALESCE(sum(duplicate), 0)::bigint,
           COALESCE(sum(corrected), 0)::bigint, COALESCE(sum(late), 0)::bigint,
           COALESCE(sum(quarantined), 0)::bigint, COALESCE(sum(stored_late), 0)::bigint,
           COALESCE(sum(redelivered), 0)::bigint, COALESCE(sum(bytes), 0)::bigint,
           COALESCE(sum(replayed), 0)::bigint, COALESCE(sum(dropped), 0)::bigint,
           ARRAY(SELECT sum(count)::bigint
                   FROM chosen c CROSS JOIN unnest(c.lag) WITH ORDINALITY AS u(count, place)
                  GROUP BY place ORDER BY place),
           max(lag_max)
      FROM chosen
"""

_RECENT: Final = """
    SELECT feed_key, minute, received, stored, duplicate, corrected, late, quarantined
      FROM ledger WHERE minute >= %s
"""

_FORBIDDEN: Final = """
    SELECT COALESCE(sum(forbidden), 0)::bigint FROM agency_ledger
     WHERE agency_key = %(agency)s AND minute >= %(since)s AND minute < %(until)s
"""


@dataclass(frozen=True, slots=True)
class Minute:
    """What came of a feed in one minute: received = stored + duplicate + … + quarantined.

    Outside of the sum stand `stored_late`, `redelivered`, `replayed` (of those received, how many
    came again out of quarantine) and `dropped` (let go from quarantine). Lag is the time from the
    phenomenon to its receipt in seconds, of the rows that were taken; the median is at most 10 %
    off. `bytes` are of payloads, decompressed.
    """

    minute: datetime
    received: int
    stored: int
    duplicate: int
    corrected: int
    late: int
    quarantined: int
    stored_late: int
    redelivered: int
    bytes: int
    replayed: int
    dropped: int
    lag_p50: float | None
    lag_max: float | None


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts by feed and minute, as columns that go to the ledger in one statement."""

    feed: list[int]
    minute: list[datetime]
    counts: NDArray[np.int64]
    lag: list[str]
    lag_max: list[float | None]


def gather(
    feed: NDArray[np.int64],
    received_us: NDArray[np.int64],
    counts: NDArray[np.int64],
    *,
    owner: NDArray[Any],
    lag_us: NDArray[np.int64],
) -> Tally:
    """The sums by feed and minute of many payloads, which are the rows of `counts`.

    `owner` says of each observation of which payload it is, `lag_us` how late it came.
    """
    pairs, group = np.unique((feed << 32) | (received_us // MINUTE_US), return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(pairs)))
    sums = np.add.reduceat(counts[order], starts, axis=0)
    rows = group[owner]
    histograms = lag.histograms(lag_us, rows, len(pairs))
    latest = np.full(len(pairs), np.iinfo(np.int64).min)
    np.maximum.at(latest, rows, lag_us)
    rows_taken: list[int] = histograms.sum(axis=1).tolist()
    longest: list[int] = latest.tolist()
    return Tally(
        feed=(pairs >> 32).tolist(),
        minute=[from_micros(m * MINUTE_US) for m in (pairs & 0xFFFFFFFF).tolist()],
        counts=sums,
        lag=["{" + ",".join(map(str, lag.trimmed(row))) + "}" for row in histograms],
        lag_max=[
            max(0.0, most / 1e6) if taken else None
            for most, taken in zip(longest, rows_taken, strict=True)
        ],
    )


async def add(
    conn: Connection, tally: Tally, *, writer: UUID | None = None, flush: int | None = None
) -> None:
    """Add the counts to the ledger, and with them the mark of the writer's flush, if it is one."""
    columns = dict(zip(COUNTS, tally.counts.T.tolist(), strict=True))
    await conn.execute(
        _ADD,
        {
            "feed": tally.feed, "minute": tally.minute, "lag": tally.lag,
            "lag_max": tally.lag_max, "writer": writer, "flush": flush, **columns,
        },
    )  # fmt: skip


async def drop(conn: Connection, feed: int, dropped: int, now: datetime) -> None:
    """Count what was let go from the quarantine of a feed, in the transaction that lets it go."""
    if dropped:
        await conn.execute(_DROP, {"feed": feed, "now": now, "dropped": dropped})


async def minutes(
    pool: ReadPool, feed: int, *, since: datetime, until: datetime, limit: int
) -> list[Minute]:
    """The minutes in which something came, oldest first."""
    async with pool.connection() as conn:
        cur = await conn.execute(
            _MINUTES, {"feed": feed, "since": since, "until": until, "limit": limit}
        )
        return [_minute(row) for row in await cur.fetchall()]


async def total(pool: ReadPool, feed: int, *, since: datetime, until: datetime) -> Minute:
    """The sums over a time, which stands under its end."""
    async with pool.connection() as conn:
        cur = await conn.execute(_SUM, {"feed": feed, "since": since, "until": until})
        row = await cur.fetchone()
    assert row is not None
    return _minute(row)


def _minute(row: tuple[Any, ...]) -> Minute:
    return Minute(*row[:12], lag_p50=lag.quantile(row[12], 0.5), lag_max=row[13])


async def recent(
    pool: ReadPool, since: datetime
) -> list[tuple[int, datetime, int, int, int, int, int, int]]:
    """Feed, minute, received and what became of it, in the order of the sum, since a time."""
    async with pool.connection() as conn:
        return await (await conn.execute(_RECENT, [since])).fetchall()  # pyright: ignore


async def forbidden(pool: ReadPool, agency: int, *, since: datetime, until: datetime) -> int:
    """How often an agency published outside of its own topics."""
    async with pool.connection() as conn:
        row = await (
            await conn.execute(_FORBIDDEN, {"agency": agency, "since": since, "until": until})
        ).fetchone()
    assert row is not None
    return row[0]

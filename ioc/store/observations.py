"""Observations: reading them back; writing them is `writer.py`."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from psycopg.rows import class_row

from ioc.store.pool import ReadPool

ORIGIN: Final = "2024-01-01 00:00"
"""A Monday: buckets of up to a week begin with it, at midnight of the province's zone."""

_BUCKETS: Final = """
    SELECT date_bin(%(width)s, phenomenon_time,
                    (%(origin)s::timestamp AT TIME ZONE %(zone)s)) AS start,
           avg(value) AS mean, min(value) AS low, max(value) AS high, count(*) AS observed
      FROM observation
     WHERE series_id = %(series)s AND phenomenon_time >= %(since)s AND phenomenon_time < %(until)s
     GROUP BY start ORDER BY start
"""

_BUCKETS_OF_DAY: Final = """
    SELECT date_trunc(%(unit)s, phenomenon_time, %(zone)s) AS start,
           avg(value) AS mean, min(value) AS low, max(value) AS high, count(*) AS observed
      FROM observation
     WHERE series_id = %(series)s AND phenomenon_time >= %(since)s AND phenomenon_time < %(until)s
     GROUP BY start ORDER BY start
"""

_RAW: Final = """
    SELECT phenomenon_time AS start, value AS mean, value AS low, value AS high, 1 AS observed
      FROM observation
     WHERE series_id = %(series)s AND phenomenon_time >= %(since)s AND phenomenon_time < %(until)s
     ORDER BY phenomenon_time LIMIT %(limit)s
"""

# Only what is newer than the last checkpoint is looked for, one index look-up a series.
_NEWEST: Final = """
    SELECT s.series_id, COALESCE(n.phenomenon_time, l.phenomenon_time),
           COALESCE(n.value, l.value), COALESCE(n.received_at, l.received_at)
      FROM series s LEFT JOIN series_latest l USING (series_id)
           LEFT JOIN LATERAL (
               SELECT phenomenon_time, value, received_at FROM observation o
                WHERE o.series_id = s.series_id
                  AND o.phenomenon_time >= COALESCE(l.phenomenon_time, '-infinity')
                ORDER BY phenomenon_time DESC LIMIT 1) AS n ON true
     WHERE COALESCE(n.phenomenon_time, l.phenomenon_time) IS NOT NULL
"""

_SUMS: Final = """
    SELECT start, series_id, avg(value)
      FROM (SELECT date_bin(%(width)s, phenomenon_time, %(since)s) AS start, series_id, value
              FROM observation
             WHERE series_id = ANY(%(series)s)
               AND phenomenon_time >= %(since)s AND phenomenon_time < %(until)s) AS o
     GROUP BY start, series_id ORDER BY start
"""

_COUNT: Final = "SELECT count(*) FROM observation"


@dataclass(frozen=True, slots=True)
class Bucket:
    """What a series was during a width of time, and how many observations say so."""

    start: datetime
    mean: float
    low: float
    high: float
    observed: int


async def buckets(
    pool: ReadPool, series: int, *, since: datetime, until: datetime, width: timedelta, zone: str
) -> list[Bucket]:
    """One row per `width` that has observations; gaps are absent, not zero.

    Buckets of a day and of a week begin at midnight of `zone`.
    """
    unit = {timedelta(days=1): "day", timedelta(days=7): "week"}.get(width)
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(Bucket)) as cur:
        given = {"series": series, "since": since, "until": until, "zone": zone}
        if unit is not None:
            await cur.execute(_BUCKETS_OF_DAY, {**given, "unit": unit})
        else:
            await cur.execute(_BUCKETS, {**given, "width": width, "origin": ORIGIN})
        return await cur.fetchall()


async def raw(
    pool: ReadPool, series: int, *, since: datetime, until: datetime, limit: int
) -> list[Bucket]:
    """The observations themselves, oldest first."""
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(Bucket)) as cur:
        await cur.execute(_RAW, {"series": series, "since": since, "until": until, "limit": limit})
        return await cur.fetchall()


Newest = list[tuple[int, datetime, float, datetime]]


async def newest(pool: ReadPool) -> Newest:
    """Series, time, value and arrival of the newest observation of every series."""
    async with pool.connection() as conn:
        return await (await conn.execute(_NEWEST)).fetchall()  # pyright: ignore


async def means(
    pool: ReadPool, series: list[int], *, since: datetime, until: datetime, width: timedelta
) -> list[tuple[datetime, int, float]]:
    """Start, series and mean per width for many series at once, in order of time."""
    async with pool.connection() as conn:
        return await (
            await conn.execute(
                _SUMS, {"series": series, "since": since, "until": until, "width": width}
            )
        ).fetchall()  # pyright: ignore


async def count(pool: ReadPool) -> int:
    """How many observations are stored; a scan, for tests and trials."""
    async with pool.connection() as conn:
        row = await (await conn.execute(_COUNT)).fetchone()
    assert row is not None
    return row[0]

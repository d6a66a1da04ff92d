"""Observations: reading them back; writing them is `writer.py`."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, LiteralString
from zoneinfo import ZoneInfo

import numpy as np
from psycopg import sql
from psycopg.rows import class_row

from ioc.model import Columns, to_micros
from ioc.store.aggregates import HOUR, StoreKind, reading
from ioc.store.buckets import ORIGIN, Width
from ioc.store.pool import ReadPool

_EVEN: Final = sql.SQL("date_bin(%(width)s, time, %(origin)s)")
_SPAN: Final = sql.SQL("date_trunc(%(span)s, time, %(zone)s)")

_BUCKETS: Final = sql.SQL("""
    SELECT {bucket} AS start, sum(total) AS total, min(low) AS low, max(high) AS high,
           sum(observed)::bigint AS observed
      FROM ({source}) AS source
     GROUP BY 1 ORDER BY 1
""")

_OBSERVATIONS: Final = sql.SQL("""
    SELECT phenomenon_time AS time, value AS total, value AS low, value AS high, 1 AS observed
      FROM observation
     WHERE series_id = %(series)s AND phenomenon_time >= %(since)s AND phenomenon_time < %(until)s
""")

# What the aggregate covers, and the two ends that it does not.
_AGGREGATE: Final = sql.SQL("""
    SELECT start AS time, total, low, high, observed FROM {aggregate}
     WHERE series_id = %(series)s AND start >= %(inner_since)s AND start < %(inner_until)s
     UNION ALL
    SELECT phenomenon_time, value, value, value, 1 FROM observation
     WHERE series_id = %(series)s
       AND phenomenon_time >= %(since)s AND phenomenon_time < %(inner_since)s
     UNION ALL
    SELECT phenomenon_time, value, value, value, 1 FROM observation
     WHERE series_id = %(series)s
       AND phenomenon_time >= %(inner_until)s AND phenomenon_time < %(until)s
""")

_RAW: Final = """
    SELECT phenomenon_time, value FROM observation
     WHERE series_id = %(series)s AND phenomenon_time >= %(since)s AND phenomenon_time < %(until)s
     ORDER BY phenomenon_time LIMIT %(limit)s
"""

_RAW_TEXT: Final = """
    SELECT phenomenon_time, value FROM observation_text
     WHERE series_id = %(series)s AND phenomenon_time >= %(since)s AND phenomenon_time < %(until)s
     ORDER BY phenomenon_time LIMIT %(limit)s
"""

_SINCE: Final = """
    SELECT o.series_id, o.phenomenon_time, o.value
      FROM unnest(%(series)s::int[], %(since)s::timestamptz[]) AS w(series_id, since)
     CROSS JOIN LATERAL (
           SELECT series_id, phenomenon_time, value FROM observation
            WHERE series_id = w.series_id AND phenomenon_time >= w.since
              AND phenomenon_time <= %(until)s
            ORDER BY phenomenon_time) AS o
"""

_BETWEEN: Final = """
    SELECT series_id, phenomenon_time, value FROM observation
     WHERE series_id = ANY(%(series)s)
       AND phenomenon_time >= %(since)s AND phenomenon_time < %(until)s
     ORDER BY phenomenon_time
"""

# The aggregate up to `middle`; what came late behind it may not have been counted anew yet.
_HOURLY: Final = """
    SELECT series_id, start, total / observed FROM observation_hour
     WHERE series_id = ANY(%(series)s) AND start >= %(since)s AND start < %(middle)s
     UNION ALL
    SELECT series_id, date_bin('1 hour', phenomenon_time, %(epoch)s) AS start, avg(value)
      FROM observation
     WHERE series_id = ANY(%(series)s)
       AND phenomenon_time >= %(middle)s AND phenomenon_time < %(until)s
     GROUP BY series_id, start
"""

_HOURLY_RAW: Final = """
    SELECT series_id, date_bin('1 hour', phenomenon_time, %(epoch)s) AS start, avg(value)
      FROM observation
     WHERE series_id = ANY(%(series)s)
       AND phenomenon_time >= %(since)s AND phenomenon_time < %(until)s
     GROUP BY series_id, start
"""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

_UNSETTLED: Final = timedelta(hours=6)
"""So much before the end is averaged from the observations themselves."""

_ROWS: Final = 50_000
"""Rows that are read at once."""

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

_MEANS: Final = """
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
    total: float
    low: float
    high: float
    observed: int

    @property
    def mean(self) -> float:
        """The sum of the values, divided by how many there are."""
        return self.total / self.observed


async def buckets(
    pool: ReadPool,
    series: int,
    *,
    since: datetime,
    until: datetime,
    width: Width,
    zone: ZoneInfo,
    store: StoreKind,
) -> list[Bucket]:
    """One row per `width` that has observations; gaps are absent, not zero.

    Buckets of a day and longer begin at midnight of `zone`, the province's. Where the store keeps
    aggregates the whole of their buckets is read from them, else from the observations.
    """
    given = {
        "series": series, "since": since, "until": until, "zone": zone.key, "span": width.span,
        "width": width.length, "origin": ORIGIN.replace(tzinfo=zone),
    }  # fmt: skip
    source = _OBSERVATIONS
    if found := reading(width, zone, since=since, until=until, store=store):
        source = _AGGREGATE.format(aggregate=sql.Identifier(found.aggregate.name))
        given |= {"inner_since": found.since, "inner_until": found.until}
    bucket = _EVEN if width.span is None else _SPAN
    async with pool.connection() as conn, conn.cursor(row_factory=class_row(Bucket)) as cur:
        await cur.execute(_BUCKETS.format(bucket=bucket, source=source), given)
        return await cur.fetchall()


async def raw(
    pool: ReadPool, series: int, *, since: datetime, until: datetime, limit: int
) -> list[tuple[datetime, float]]:
    """The observations themselves, oldest first."""
    async with pool.connection() as conn:
        given = {"series": series, "since": since, "until": until, "limit": limit}
        return await (await conn.execute(_RAW, given)).fetchall()  # pyright: ignore


async def since(
    pool: ReadPool, begin: Mapping[int, datetime], *, until: datetime
) -> AsyncIterator[Columns]:
    """The observations of many series, each from a time of its own on, many at a time.

    Those of one series come in order of time.
    """
    given = {"series": list(begin), "since": list(begin.values()), "until": until}
    async for columns in _streamed(pool, _SINCE, given):
        yield columns


async def span(
    pool: ReadPool, series: list[int], *, since: datetime, until: datetime
) -> AsyncIterator[Columns]:
    """The observations of many series between two times in their order, many at a time."""
    given = {"series": series, "since": since, "until": until}
    async for columns in _streamed(pool, _BETWEEN, given):
        yield columns


async def hourly_means(
    pool: ReadPool,
    series: list[int],
    *,
    since: datetime,
    until: datetime,
    zone: ZoneInfo,
    store: StoreKind,
) -> AsyncIterator[Columns]:
    """Beginnings and means of whole hours of UTC, many at a time; hours without any are absent."""
    middle = max(since, until - _UNSETTLED)
    given = {
        "series": series, "since": since, "middle": middle, "until": until, "epoch": _EPOCH,
    }  # fmt: skip
    # Hours of the aggregate begin with those of the zone.
    offset = zone.utcoffset(ORIGIN) or timedelta(0)
    aggregated = store == "timescale" and not offset % HOUR.step
    async for columns in _streamed(pool, _HOURLY if aggregated else _HOURLY_RAW, given):
        yield columns


async def _streamed(
    pool: ReadPool, query: LiteralString, given: Mapping[str, Any]
) -> AsyncIterator[Columns]:
    rows: list[tuple[int, datetime, float]] = []
    async with pool.connection() as conn, conn.cursor() as cur:
        async for row in cur.stream(query, given, size=_ROWS):
            rows.append(row)
            if len(rows) == _ROWS:
                yield _columns(rows)
                rows.clear()
    if rows:
        yield _columns(rows)


def _columns(rows: Sequence[tuple[int, datetime, float]]) -> Columns:
    return Columns(
        np.array([row[0] for row in rows], np.int32),
        np.array([to_micros(row[1]) for row in rows], np.int64),
        np.array([row[2] for row in rows], np.float64),
    )


async def raw_text(
    pool: ReadPool, series: int, *, since: datetime, until: datetime, limit: int
) -> list[tuple[datetime, str]]:
    """The observations of a series whose values are texts, oldest first."""
    async with pool.connection() as conn:
        given = {"series": series, "since": since, "until": until, "limit": limit}
        return await (await conn.execute(_RAW_TEXT, given)).fetchall()  # pyright: ignore


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
                _MEANS, {"series": series, "since": since, "until": until, "width": width}
            )
        ).fetchall()  # pyright: ignore


async def count(pool: ReadPool) -> int:
    """How many observations are stored; a scan, for tests and trials."""
    async with pool.connection() as conn:
        row = await (await conn.execute(_COUNT)).fetchone()
    assert row is not None
    return row[0]

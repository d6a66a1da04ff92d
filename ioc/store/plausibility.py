"""Limits of plausibility, flags of suspect observations, and how long values have stood."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from psycopg.rows import class_row

from ioc.model import Columns, from_micros, to_micros
from ioc.quality.plausible import PropertyLimits
from ioc.store.pool import Connection, ReadPool, WritePool

HOUR_US: Final = 3_600_000_000
QUARTER_US: Final = HOUR_US // 4
"""Midnights of all zones fall on quarters of an hour."""

QUARTER_BITS: Final = 32

_LIMITS: Final = "SELECT property, uom, low, high, rate, flat_s AS flat FROM property_limit"

_DROP_LIMITS: Final = "DELETE FROM property_limit"

_ADD_LIMIT: Final = """
    INSERT INTO property_limit (property, uom, low, high, rate, flat_s)
    VALUES (%s, %s, %s, %s, %s, %s)
"""

_FLAG: Final = """
    INSERT INTO observation_flag AS f (series_id, phenomenon_time, flags, received_at)
    SELECT * FROM unnest(%(series)s::int[], %(time)s::timestamptz[], %(flags)s::smallint[],
                         %(received)s::timestamptz[])
    ON CONFLICT (series_id, phenomenon_time) DO UPDATE
       SET flags = excluded.flags, received_at = excluded.received_at
"""

_CLEAR: Final = """
    DELETE FROM observation_flag f
     USING unnest(%(series)s::int[], %(time)s::timestamptz[]) AS n(series_id, phenomenon_time)
     WHERE f.series_id = n.series_id AND f.phenomenon_time = n.phenomenon_time
    RETURNING f.series_id, f.received_at
"""

# A mark that is being counted is set back, so that the count in progress does not remove it.
_MARK: Final = """
    INSERT INTO quality_dirty AS d (feed_key, day)
    SELECT DISTINCT n.feed_key, (n.at AT TIME ZONE i.time_zone)::date
      FROM identity i, unnest(%(feed)s::int[], %(at)s::timestamptz[]) AS n(feed_key, at)
     WHERE (n.at AT TIME ZONE i.time_zone)::date < (%(now)s AT TIME ZONE i.time_zone)::date
     ORDER BY 1, 2
    ON CONFLICT (feed_key, day) DO UPDATE SET taken = false WHERE d.taken
"""

_NEWEST_FLAGS: Final = """
    SELECT s.series_id, f.phenomenon_time, f.flags
      FROM series s CROSS JOIN LATERAL (
           SELECT phenomenon_time, flags FROM observation_flag f
            WHERE f.series_id = s.series_id ORDER BY phenomenon_time DESC LIMIT 1) AS f
"""

_FLAGS_OF_SERIES: Final = """
    SELECT phenomenon_time, flags FROM observation_flag
     WHERE series_id = %(series)s AND phenomenon_time >= %(since)s AND phenomenon_time < %(until)s
     ORDER BY phenomenon_time
"""

_RUNS: Final = "SELECT series_id, value, since FROM value_run"

_PUT_RUNS: Final = """
    INSERT INTO value_run AS r (series_id, value, since)
    SELECT * FROM unnest(%(series)s::int[], %(value)s::float8[], %(since)s::timestamptz[])
    ON CONFLICT (series_id) DO UPDATE SET value = excluded.value, since = excluded.since
"""

_DROP_RUNS: Final = "DELETE FROM value_run WHERE series_id = ANY(%s)"


async def limits(conn: Connection) -> dict[str, PropertyLimits]:
    """What is plausible of each observed property."""
    async with conn.cursor(row_factory=class_row(PropertyLimits)) as cur:
        await cur.execute(_LIMITS)
        return {found.property: found for found in await cur.fetchall()}


async def put_limits(conn: Connection, wanted: Iterable[PropertyLimits]) -> None:
    """Set the limits of all observed properties; those that are not named have none."""
    await conn.execute(_DROP_LIMITS)
    async with conn.cursor() as cur:
        await cur.executemany(
            _ADD_LIMIT, [(w.property, w.uom, w.low, w.high, w.rate, w.flat) for w in wanted]
        )


async def keep_flags(
    conn: Connection,
    rows: Columns,
    *,
    feed: NDArray[np.int64],
    received: NDArray[np.int64],
    flags: NDArray[np.uint8],
    corrected: NDArray[np.bool_],
    now: datetime,
) -> None:
    """Within the transaction that stores the rows: set their flags, and mark days to count anew.

    A correction takes away what was said of the value before it. Where nothing is flagged,
    corrected or older than an hour, the database is not asked at all.
    """
    late = rows.time < to_micros(now) - HOUR_US
    marks: set[int] = set()
    if late.any():
        marks.update(np.unique(_mark(feed[late], rows.time[late])).tolist())
    if corrected.any():
        feed_of = dict(zip(rows.series[corrected].tolist(), feed[corrected].tolist(), strict=True))
        given = {
            "series": rows.series[corrected].tolist(),
            "time": _instants(rows.time[corrected]),
        }
        for series, arrived in await (await conn.execute(_CLEAR, given)).fetchall():
            marks.add(int(_mark(feed_of[series], to_micros(arrived))))
    flagged = flags != 0
    if flagged.any():
        await conn.execute(
            _FLAG,
            {
                "series": rows.series[flagged].tolist(),
                "time": _instants(rows.time[flagged]),
                "flags": flags[flagged].tolist(),
                "received": _instants(received[flagged]),
            },
        )
    if marks:
        await conn.execute(
            _MARK,
            {
                "feed": [mark >> QUARTER_BITS for mark in marks],
                "at": [
                    from_micros((mark & (1 << QUARTER_BITS) - 1) * QUARTER_US) for mark in marks
                ],
                "now": now,
            },
        )


def _mark(feed: Any, time: Any) -> Any:
    """A feed and a quarter of an hour in one number, so that few are left of many rows."""
    return (feed << QUARTER_BITS) | (time // QUARTER_US)


def _instants(micros: NDArray[np.int64]) -> list[datetime]:
    return [from_micros(time) for time in micros.tolist()]


async def newest_flags(pool: ReadPool) -> list[tuple[int, datetime, int]]:
    """Series, time and flags of the newest flagged observation of every series that has one."""
    async with pool.connection() as conn:
        return await (await conn.execute(_NEWEST_FLAGS)).fetchall()  # pyright: ignore


async def flags_of(
    pool: ReadPool, series: int, *, since: datetime, until: datetime
) -> list[tuple[datetime, int]]:
    """The times at which a series is suspect, with the flags, oldest first."""
    async with pool.connection() as conn:
        given = {"series": series, "since": since, "until": until}
        return await (await conn.execute(_FLAGS_OF_SERIES, given)).fetchall()  # pyright: ignore


async def runs(pool: ReadPool) -> list[tuple[int, float, datetime]]:
    """Series, value and since when it was the same, as last kept."""
    async with pool.connection() as conn:
        return await (await conn.execute(_RUNS)).fetchall()  # pyright: ignore


async def keep_runs(
    pool: WritePool, begun: Sequence[tuple[int, float, datetime]], ended: Sequence[int]
) -> None:
    """Keep runs of equal values over a restart, and forget those that are over."""
    async with pool.connection() as conn:
        if ended:
            await conn.execute(_DROP_RUNS, [list(ended)])
        if begun:
            series, value, since = zip(*begun, strict=True)
            given = {"series": list(series), "value": list(value), "since": list(since)}
            await conn.execute(_PUT_RUNS, given)

"""The daily scores of feeds in the database, and the days that are to be counted anew."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from ioc.quality.score import VERSION, Counts, Tally
from ioc.store.pool import ReadPool, WritePool

_TAKE: Final = """
    UPDATE quality_dirty SET taken = true
     WHERE (feed_key, day) IN (SELECT feed_key, day FROM quality_dirty ORDER BY day DESC LIMIT %s)
    RETURNING feed_key, day
"""

_FORGET: Final = """
    DELETE FROM quality_dirty d USING unnest(%(feed)s::int[], %(day)s::date[]) AS n(feed_key, day)
     WHERE d.feed_key = n.feed_key AND d.day = n.day AND d.taken
"""

_CLOSED: Final = "SELECT feed_key, max(day) FROM quality_day WHERE closed GROUP BY feed_key"

# Counted anew from the rows themselves: a count that is added up from differences drifts. What is
# expected begins with the feed, or with its first observation of that day if that was earlier (a
# feed that filled in its past), and ends one interval ago as long as the day is not closed: the
# newest may still be on its way. A feed that declares an interval and has no series of numbers is
# expected to bring what one series would: nothing is not complete.
_COUNT: Final = """
    WITH wanted AS MATERIALIZED (
        SELECT * FROM unnest(%(feed)s::int[], %(day)s::date[], %(since)s::timestamptz[],
                             %(until)s::timestamptz[], %(closed)s::boolean[],
                             %(created)s::timestamptz[], %(fresh)s::float8[],
                             %(interval)s::float8[])
                 AS w(feed_key, day, since, until, closed, created_at, fresh_s, interval_s)
    ), received AS (
        SELECT w.feed_key, w.day, sum(l.stored) AS stored, sum(l.duplicate) AS duplicate,
               sum(l.corrected) AS corrected, sum(l.late) AS late,
               sum(l.quarantined) AS quarantined
          FROM wanted w JOIN ledger l ON l.feed_key = w.feed_key
               AND l.minute >= w.since AND l.minute < w.until
         GROUP BY w.feed_key, w.day
    ), flagged AS (
        SELECT w.feed_key, w.day, count(*) AS implausible
          FROM wanted w
               JOIN observation_flag f ON f.received_at >= w.since AND f.received_at < w.until
               JOIN series s ON s.series_id = f.series_id AND s.feed_key = w.feed_key
         GROUP BY w.feed_key, w.day
    ), counted AS (
        SELECT w.feed_key, w.day, w.since, w.created_at, o.present, o.kept, o.in_time,
               min(o.earliest) OVER (PARTITION BY w.feed_key, w.day) AS earliest,
               CASE WHEN i.interval_s <= 86400 THEN i.interval_s END AS interval_s,
               CASE WHEN w.closed THEN w.until
                    ELSE LEAST(w.until, %(now)s - make_interval(secs => i.interval_s)) END AS due
          FROM wanted w JOIN series s ON s.feed_key = w.feed_key AND s.value_kind <> 'text'
               AND (s.interval_s IS NOT NULL OR w.fresh_s IS NOT NULL)
               CROSS JOIN LATERAL (SELECT COALESCE(s.interval_s, w.interval_s)) AS i(interval_s)
               CROSS JOIN LATERAL (
                   SELECT count(*) AS present, min(o.phenomenon_time) AS earliest,
                          count(*) FILTER (WHERE o.phenomenon_time >= w.created_at) AS kept,
                          count(*) FILTER (WHERE o.phenomenon_time >= w.created_at
                              AND o.received_at - o.phenomenon_time
                                  <= make_interval(secs => w.fresh_s)) AS in_time
                     FROM observation o
                    WHERE o.series_id = s.series_id
                      AND o.phenomenon_time >= w.since AND o.phenomenon_time < w.until) AS o
    ), bare AS (
        SELECT w.feed_key, w.day,
               GREATEST(floor(extract(epoch FROM
                   CASE WHEN w.closed THEN w.until
                        ELSE LEAST(w.until, %(now)s - make_interval(secs => w.interval_s)) END
                   - GREATEST(w.since, w.created_at)) / w.interval_s), 0)::bigint AS expected
          FROM wanted w
         WHERE w.interval_s <= 86400 AND NOT EXISTS (
               SELECT FROM series s WHERE s.feed_key = w.feed_key AND s.value_kind <> 'text')
    ), awaited AS (
        SELECT feed_key, day, present, kept, in_time,
               GREATEST(floor(extract(epoch FROM
                   due - GREATEST(since, LEAST(created_at, earliest))) / interval_s), 0)::bigint
                   AS expected
          FROM counted
    ), observed AS (
        SELECT feed_key, day, sum(kept) AS kept, sum(in_time) AS in_time,
               sum(expected) AS expected,
               sum(LEAST(present, expected)) FILTER (WHERE expected IS NOT NULL) AS observed
          FROM awaited GROUP BY feed_key, day
    )
    SELECT w.feed_key, w.day, COALESCE(r.stored, 0)::bigint, COALESCE(r.duplicate, 0)::bigint,
           COALESCE(r.corrected, 0)::bigint, COALESCE(r.late, 0)::bigint,
           COALESCE(r.quarantined, 0)::bigint, COALESCE(f.implausible, 0)::bigint,
           COALESCE(o.observed, LEAST(COALESCE(r.stored + r.corrected, 0), b.expected))::bigint,
           COALESCE(o.expected, b.expected)::bigint, COALESCE(o.kept, 0)::bigint,
           CASE WHEN w.fresh_s IS NOT NULL THEN o.in_time::bigint END
      FROM wanted w LEFT JOIN received r USING (feed_key, day)
           LEFT JOIN flagged f USING (feed_key, day) LEFT JOIN observed o USING (feed_key, day)
           LEFT JOIN bare b USING (feed_key, day)
"""

_PUT_DAY: Final = """
    INSERT INTO quality_day (feed_key, day, version, "right", right_of, complete, complete_of,
                             clean, clean_of, live, live_of, closed, computed_at)
    VALUES (%(feed)s, %(day)s, %(version)s, %(right)s, %(right_of)s, %(complete)s, %(complete_of)s,
            %(clean)s, %(clean_of)s, %(live)s, %(live_of)s, %(closed)s, %(now)s)
    ON CONFLICT (feed_key, day) DO UPDATE
       SET version = excluded.version, "right" = excluded."right", right_of = excluded.right_of,
           complete = excluded.complete, complete_of = excluded.complete_of,
           clean = excluded.clean, clean_of = excluded.clean_of, live = excluded.live,
           live_of = excluded.live_of, closed = excluded.closed,
           computed_at = excluded.computed_at
"""

_DAYS: Final = """
    SELECT q.feed_key, q.day, q.version, q.computed_at,
           q."right", q.right_of, q.complete, q.complete_of, q.clean, q.clean_of, q.live, q.live_of
      FROM quality_day q
     WHERE q.feed_key = ANY(%(feeds)s) AND q.day >= %(since)s AND q.day <= %(until)s
     ORDER BY q.day DESC, q.feed_key
"""


@dataclass(frozen=True, slots=True)
class FeedDay:
    """A day of a feed to be counted, which ends at `until`.

    `closed` says that it is over for good, and all of it due; `fresh` is the freshness limit and
    `interval` the declared one, in seconds.
    """

    feed: int
    day: date
    since: datetime
    until: datetime
    closed: bool
    created_at: datetime
    fresh: float | None
    interval: float | None


async def take_dirty(pool: WritePool, limit: int) -> list[tuple[int, date]]:
    """Feeds and days that are over and changed, newest day first; `forget` them once counted."""
    async with pool.connection() as conn:
        return await (await conn.execute(_TAKE, [limit])).fetchall()  # pyright: ignore


async def forget_dirty(pool: WritePool, done: Sequence[tuple[int, date]]) -> None:
    """Take away the marks of days that were counted and have not been changed since."""
    async with pool.connection() as conn:
        given = {"feed": [feed for feed, _ in done], "day": [day for _, day in done]}
        await conn.execute(_FORGET, given)


async def last_closed(pool: ReadPool) -> dict[int, date]:
    """The newest day of each feed that was counted after its end."""
    async with pool.connection() as conn:
        return dict(await (await conn.execute(_CLOSED)).fetchall())  # pyright: ignore


async def tally(
    pool: ReadPool, wanted: Sequence[FeedDay], now: datetime
) -> dict[tuple[int, date], Tally]:
    """What is known of feeds and days by the rows that are stored now."""
    async with pool.connection() as conn:
        cur = await conn.execute(
            _COUNT,
            {
                "feed": [w.feed for w in wanted], "day": [w.day for w in wanted],
                "since": [w.since for w in wanted], "until": [w.until for w in wanted],
                "closed": [w.closed for w in wanted], "fresh": [w.fresh for w in wanted],
                "created": [w.created_at for w in wanted], "now": now,
                "interval": [w.interval for w in wanted],
            },
        )  # fmt: skip
        rows = await cur.fetchall()
    return {(row[0], row[1]): Tally(**dict(zip(_TALLIED, row[2:], strict=True))) for row in rows}


_TALLIED: Final = Tally.__struct_fields__


async def put_days(
    pool: WritePool,
    found: Mapping[tuple[int, date], Counts],
    wanted: Sequence[FeedDay],
    now: datetime,
) -> None:
    """Keep the counts of feeds and days."""
    closed = {(w.feed, w.day): w.closed for w in wanted}
    async with pool.connection() as conn, conn.cursor() as cur:
        await cur.executemany(
            _PUT_DAY,
            [
                {
                    "feed": feed, "day": day, "version": VERSION, "closed": closed[feed, day],
                    "now": now, **{name: getattr(each, name) for name in Counts.__struct_fields__},
                }
                for (feed, day), each in found.items()
            ],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredDay:
    """The counts of a feed and a day, by which version of the definitions, and how old."""

    feed: int
    day: date
    version: int
    computed_at: datetime
    counts: Counts


async def days(
    pool: ReadPool, feeds: Sequence[int], *, since: date, until: date
) -> list[StoredDay]:
    """The counts of feeds from one day to another, both included, newest first."""
    async with pool.connection() as conn:
        given = {"feeds": list(feeds), "since": since, "until": until}
        rows: list[tuple[Any, ...]] = await (await conn.execute(_DAYS, given)).fetchall()
    names = Counts.__struct_fields__
    return [
        StoredDay(feed, day, version, at, Counts(**dict(zip(names, found, strict=True))))
        for feed, day, version, at, *found in rows
    ]

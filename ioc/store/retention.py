"""How long observations are kept: by domain, deleted week by week or chunk by chunk."""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import psycopg

from ioc.store import partitions
from ioc.store.partitions import Piece
from ioc.store.pool import Connection

log = logging.getLogger(__name__)

LEDGER_KEPT: Final = timedelta(days=400)
"""A year can be compared with the one before it."""

Expired = tuple[int, datetime, datetime]
"""A series, until when its observations are too old, and if they were received before when."""

# Where data may be however old, age is counted from receipt: what was just sent is not deleted.
# `until` is how far a piece may be emptied, by whole steps of it.
_EXPIRED: Final = """
    SELECT s.series_id, LEAST(c.until, %(until)s),
           CASE WHEN f.late_limit_s IS NULL THEN c.cutoff ELSE '9999-01-01Z' END
      FROM series s JOIN feed f USING (feed_key)
           JOIN (SELECT domain, at AS cutoff, date_bin(%(step)s, at, %(since)s) AS until
                   FROM (SELECT domain, %(now)s - make_interval(secs => keep_s) AS at
                           FROM retention) AS r) AS c USING (domain)
     WHERE c.until > %(since)s
"""
_OLDEST_ALLOWED: Final = """
    SELECT max(%s - make_interval(secs => keep_s)) FROM retention
"""
_SOMETHING_STAYS: Final = """
    SELECT EXISTS (
        SELECT FROM observation o
               LEFT JOIN unnest(%(series)s::int[], %(ends)s::timestamptz[],
                                %(received)s::timestamptz[])
                      AS e(series_id, until, received_before) USING (series_id)
         WHERE o.phenomenon_time >= %(since)s AND o.phenomenon_time < %(until)s
           AND (e.series_id IS NULL OR o.phenomenon_time >= e.until
                OR o.received_at >= e.received_before))
"""
# Rows are judged one by one: where TimescaleDB (2.25) deletes compressed batches as a whole, it
# leaves the last observation of each in the aggregates.
_DELETE: Final = """
    DELETE FROM observation
     WHERE series_id = ANY(%(series)s)
       AND phenomenon_time >= %(since)s AND phenomenon_time < %(until)s
       AND received_at < %(before)s
"""
_DELETE_FLAGS: Final = """
    DELETE FROM observation_flag f
     USING unnest(%(series)s::int[], %(ends)s::timestamptz[], %(received)s::timestamptz[])
        AS e(series_id, until, received_before)
     WHERE f.series_id = e.series_id AND f.phenomenon_time >= %(since)s
       AND f.phenomenon_time < e.until AND f.received_at < e.received_before
"""
_DELETE_TEXT: Final = """
    DELETE FROM observation_text o
     USING series s JOIN feed f USING (feed_key)
           JOIN (SELECT domain, %(now)s - make_interval(secs => keep_s) AS cutoff
                   FROM retention) AS c USING (domain)
     WHERE o.series_id = s.series_id AND o.phenomenon_time < c.cutoff
       AND (f.late_limit_s IS NOT NULL OR o.received_at < c.cutoff)
"""
_DELETE_LEDGER: Final = "DELETE FROM ledger WHERE minute < %s"
_DELETE_AGENCY_LEDGER: Final = "DELETE FROM agency_ledger WHERE minute < %s"
_NO_LIMIT: Final = "SET timescaledb.max_tuples_decompressed_per_dml_transaction = 0"


async def apply(conn: Connection, now: datetime) -> int:
    """Delete what is older than its domain allows; returns how many rows, or pieces, went.

    A week or a chunk goes as a whole once it is wholly too old for a domain, so that observations
    stay so much longer at most. What has to wait for a lock is left for the next time. The
    policies of TimescaleDB take what went out of the aggregates within minutes.
    The connection commits by itself.
    """
    row = await (await conn.execute(_OLDEST_ALLOWED, [now])).fetchone()
    limit = row[0] if row is not None else None
    gone = 0
    if limit is not None:
        await conn.execute(_NO_LIMIT)
        for piece in await partitions.pieces(conn):
            if piece.since + piece.step <= limit:
                gone += await _apply_to(conn, piece, now)
        gone += (await conn.execute(_DELETE_TEXT, {"now": now})).rowcount
    for statement in (_DELETE_LEDGER, _DELETE_AGENCY_LEDGER):
        gone += (await conn.execute(statement, [now - LEDGER_KEPT])).rowcount
    return gone


async def _apply_to(conn: Connection, piece: Piece, now: datetime) -> int:
    """Drop a piece of which nothing may stay, or delete what is too old in it; flags go along."""
    given = {"now": now, "since": piece.since, "until": piece.until, "step": piece.step}
    expired: list[Expired] = await (await conn.execute(_EXPIRED, given)).fetchall()  # pyright: ignore
    if not expired:
        return 0
    series, ends, received = (list(column) for column in zip(*expired, strict=True))
    given |= {"series": series, "ends": ends, "received": received}
    try:
        async with conn.transaction():
            # What is written between the look and the drop would be dropped unseen.
            await partitions.hold(conn, piece)
            stays = await (await conn.execute(_SOMETHING_STAYS, given)).fetchone()
            assert stays is not None
            await conn.execute(_DELETE_FLAGS, given)
            if stays[0]:
                return await _delete(conn, expired, piece)
            await partitions.drop(conn, piece)
    except (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected):
        log.info("observations since %s are too old, but in use; they go next time", piece.since)
        return 0
    return 1


async def _delete(conn: Connection, expired: Sequence[Expired], piece: Piece) -> int:
    """Delete by series, given as constants: only their part of a compressed chunk is opened."""
    groups: dict[tuple[datetime, datetime], list[int]] = {}
    for series, until, received in expired:
        groups.setdefault((until, received), []).append(series)
    gone = 0
    for (until, received), series in groups.items():
        given = {"series": series, "since": piece.since, "until": until, "before": received}
        gone += (await conn.execute(_DELETE, given)).rowcount
    return gone

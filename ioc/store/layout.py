"""How the store is laid out: what the city expects of it, and what TimescaleDB is told."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import psycopg

from ioc.store.pool import Connection

log = logging.getLogger(__name__)

INDEX_BYTES: Final = 40
"""One observation's entry in the index of (series, time); measured: 30 to 34."""

INDEX_SHARE: Final = 4
"""The index of the newest chunk may take up one part in so many of the shared buffers."""

CHUNK_HOURS: Final = (1, 2, 3, 6, 12, 24, 48, 168, 336, 672)

_BUFFERS: Final = "SELECT pg_size_bytes(current_setting('shared_buffers'))"
_TIMESCALE: Final = """
    SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'timescaledb')
"""
_SET_PLAN: Final = """
    UPDATE store_plan
       SET observations_per_day = %(per_day)s,
           compress_after_s = extract(epoch FROM %(compress_after)s::interval)
"""
_CLEAR: Final = "DELETE FROM retention"
_KEEP: Final = """
    INSERT INTO retention (domain, keep_s) VALUES (%s, extract(epoch FROM %s::interval))
"""
_SET_WIDTH: Final = "SELECT set_chunk_time_interval(%s, %s)"
# Altered, not made anew: to remove a policy is to wait for its job, which may wait for us.
_COMPRESS: Final = """
    SELECT alter_job(job_id, config => jsonb_set(config, '{compress_after}',
                                                 to_jsonb((%(after)s::interval)::text)))
      FROM timescaledb_information.jobs
     WHERE proc_name = 'policy_compression' AND hypertable_name LIKE 'observation%%'
       AND (config->>'compress_after')::interval <> %(after)s
"""
_MAKE_AGGREGATES: Final = "SELECT make_observation_aggregates(%s)"
_ZONE: Final = "SELECT obj_description('observation_day'::regclass)"
_READ: Final = """
    SELECT observations_per_day, make_interval(secs => compress_after_s) FROM store_plan
"""
_KEPT: Final = "SELECT domain, make_interval(secs => keep_s) FROM retention ORDER BY domain"
_WIDTH: Final = """
    SELECT time_interval FROM timescaledb_information.dimensions
     WHERE hypertable_schema = 'public' AND hypertable_name = 'observation'
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """What is expected in a day, when chunks are compressed, and what is kept how long."""

    per_day: float
    compress_after: timedelta
    keep: dict[str, timedelta]
    chunk: timedelta | None = None
    """The width of a chunk as the store has it; None on plain PostgreSQL, where it is a week."""


def chunk_width(per_day: float, buffers: int) -> timedelta:
    """The widest chunk whose index stays in memory beside everything else.

    `buffers` are PostgreSQL's shared buffers in bytes; insertion slows to the disk's pace once
    the index of the newest chunk no longer fits.
    """
    room = buffers / INDEX_SHARE / INDEX_BYTES
    fitting = [hours for hours in CHUNK_HOURS if per_day * hours / 24 <= room]
    return timedelta(hours=max(fitting, default=CHUNK_HOURS[0]))


async def settle(conn: Connection, layout: Layout, zone: str) -> None:
    """Keep the layout and, on TimescaleDB, set it: chunks made from now on, and the policies.

    Days begin at midnight of `zone`; for another zone than before the aggregates are made anew.
    """
    timescale = await _one(conn, _TIMESCALE)
    if timescale and await _one(conn, _ZONE) != zone:
        await _make_aggregates(conn, zone)
    await conn.execute(
        _SET_PLAN, {"per_day": layout.per_day, "compress_after": layout.compress_after}
    )
    await conn.execute(_CLEAR)
    for domain, kept in layout.keep.items():
        await conn.execute(_KEEP, [domain, kept])
    if not timescale:
        return
    width = chunk_width(layout.per_day, await _one(conn, _BUFFERS))
    await conn.execute(_SET_WIDTH, ["observation", width])
    await conn.execute(_COMPRESS, {"after": layout.compress_after})


async def read(conn: Connection) -> Layout:
    """The layout as it was settled."""
    plan = await (await conn.execute(_READ)).fetchone()
    assert plan is not None
    kept = await (await conn.execute(_KEPT)).fetchall()
    width = await _one(conn, _WIDTH) if await _one(conn, _TIMESCALE) else None
    return Layout(plan[0], plan[1], dict(kept), width)


async def _make_aggregates(conn: Connection, zone: str) -> None:
    """Make the aggregates anew, within the transaction.

    To delete a job is to wait for it, and a job that runs for the first time waits for the table of
    jobs, which is held since the one before it was deleted. That deadlock ends by letting all go.
    """
    while True:
        try:
            async with conn.transaction():
                await conn.execute(_MAKE_AGGREGATES, [zone])
        except psycopg.errors.DeadlockDetected:
            log.info("a job of the aggregates has just begun; they are made once it is over")
        else:
            return


async def _one(conn: Connection, statement: Any, *given: object) -> Any:
    row = await (await conn.execute(statement, given)).fetchone()
    assert row is not None
    return row[0]

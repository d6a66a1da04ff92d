"""Aggregates of TimescaleDB go on being refreshed after one refresh was cut off."""

import logging
from typing import Final

import psycopg

from ioc.store.pool import Connection

log = logging.getLogger(__name__)

_RANGES: Final = """
    SELECT to_regclass('_timescaledb_catalog.continuous_aggs_materialization_ranges') IS NOT NULL
"""
# A refresh notes the range that it works on, and fails where another has noted one that overlaps.
# Cut off by the end of the server, it leaves its note for ever (TimescaleDB 2.25): such a range is
# marked as changed instead, so that the next refresh computes it. One statement: all or nothing.
_TAKE_UP: Final = """
    WITH cut_off AS (
        DELETE FROM _timescaledb_catalog.continuous_aggs_materialization_ranges r
         USING _timescaledb_catalog.continuous_agg a
         WHERE a.mat_hypertable_id = r.materialization_id
           AND a.user_view_name LIKE 'observation%'
           AND NOT EXISTS (
               SELECT FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid()
                  AND (application_name LIKE 'Refresh Continuous Aggregate%'
                       OR state = 'active' AND (query ILIKE '%refresh_continuous_aggregate%'
                                                OR query ILIKE '%run_job%')))
        RETURNING r.materialization_id, r.lowest_modified_value, r.greatest_modified_value
    )
    INSERT INTO _timescaledb_catalog.continuous_aggs_materialization_invalidation_log
           (materialization_id, lowest_modified_value, greatest_modified_value)
    SELECT materialization_id, lowest_modified_value, greatest_modified_value - 1 FROM cut_off
"""


async def take_up(conn: Connection) -> int:
    """Let ranges whose refresh was cut off be refreshed again; returns how many there were.

    The connection commits by itself. Without the right to do so the log names the cure.
    """
    row = await (await conn.execute(_RANGES)).fetchone()
    if row is None or not row[0]:
        return 0
    try:
        taken = (await conn.execute(_TAKE_UP)).rowcount
    except psycopg.errors.InsufficientPrivilege:
        log.warning(
            "aggregates whose refresh was cut off cannot be set right by this database user: "
            "let a superuser own the database"
        )
        return 0
    if taken:
        log.info("%s refreshes of aggregates had been cut off; they are done again", taken)
    return taken

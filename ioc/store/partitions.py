"""The pieces of time that observations lie in: weeks on plain PostgreSQL, chunks on TimescaleDB."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray
from psycopg import sql

from ioc.model import from_micros, to_micros
from ioc.store.pool import Connection

WEEK_US: Final = 7 * 86_400 * 1_000_000
MONDAY_US: Final = 4 * 86_400 * 1_000_000
"""1970-01-05 was a Monday."""

WEEKS_AHEAD: Final = 4
"""Partitions that stand ready, so that the writer seldom has to make one."""

_MAKING: Final = 0x10C_0004
"""Key of the advisory lock under which a partition is made."""

_PARTITIONED: Final = "SELECT relkind = 'p' FROM pg_class WHERE oid = 'observation'::regclass"
_PARTITIONS: Final = """
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent = 'observation'::regclass
"""
_CHUNKS: Final = """
    SELECT range_start, range_end FROM timescaledb_information.chunks
     WHERE hypertable_schema = 'public' AND hypertable_name = 'observation' ORDER BY range_start
"""
# Attaching lets readers and writers go on; CREATE … PARTITION OF would wait for the longest of
# them, a backup say, and hold up all that came after it.
_MAKE: Final = "CREATE TABLE {} (LIKE observation INCLUDING ALL)"
_ATTACH: Final = "ALTER TABLE observation ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})"
_DROP_CHUNKS: Final = "SELECT drop_chunks('observation', older_than => %s, newer_than => %s)"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of time, `until` not included; `week` is its number on plain PostgreSQL."""

    since: datetime
    until: datetime
    week: int | None = None


def week_of(instant: datetime) -> int:
    """The number of the week that an instant falls into."""
    return (to_micros(instant) - MONDAY_US) // WEEK_US


def weeks_of(micros: NDArray[np.int64]) -> set[int]:
    """The weeks that instants (µs since 1970) fall into."""
    return set(np.unique((micros - MONDAY_US) // WEEK_US).tolist())


def weeks_between(since: datetime, until: datetime) -> range:
    """The weeks that lie in a time, wholly or in part; `until` is not in it."""
    return range(week_of(since), week_of(until - timedelta(microseconds=1)) + 1)


async def existing(conn: Connection) -> set[int] | None:
    """The weeks that have a partition; None where the store makes its chunks by itself."""
    row = await (await conn.execute(_PARTITIONED)).fetchone()
    assert row is not None
    if not row[0]:
        return None
    names = await (await conn.execute(_PARTITIONS)).fetchall()
    return {int(name[0].removeprefix("observation_w")) for name in names}


async def make(conn: Connection, weeks: Iterable[int]) -> None:
    """Make the partitions of weeks that have none; they are there for others after the commit."""
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", [_MAKING])
    there = await existing(conn)
    assert there is not None
    for week in sorted(set(weeks) - there):
        name, piece = sql.Identifier(_name(week)), _piece(week)
        await conn.execute(sql.SQL(_MAKE).format(name))
        await conn.execute(
            sql.SQL(_ATTACH).format(name, sql.Literal(piece.since), sql.Literal(piece.until))
        )


async def make_ahead(conn: Connection, now: datetime) -> None:
    """Make this week's partition and those of the next weeks, on a store that has none by itself.

    The connection commits by itself.
    """
    there = await existing(conn)
    if there is None:
        return
    week = week_of(now)
    if missing := set(range(week, week + WEEKS_AHEAD + 1)) - there:
        async with conn.transaction():
            await make(conn, missing)


async def pieces(conn: Connection) -> list[Piece]:
    """All pieces that there are, oldest first."""
    weeks = await existing(conn)
    if weeks is not None:
        return [_piece(week) for week in sorted(weeks)]
    return [Piece(*row) for row in await (await conn.execute(_CHUNKS)).fetchall()]


async def drop(conn: Connection, piece: Piece) -> None:
    """Drop a piece with all that is in it."""
    if piece.week is None:
        await conn.execute(_DROP_CHUNKS, [piece.until, piece.since])
    else:
        await conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(_name(piece.week))))


def _name(week: int) -> str:
    return f"observation_w{week}"


def _piece(week: int) -> Piece:
    since = from_micros(week * WEEK_US + MONDAY_US)
    return Piece(since, since + timedelta(days=7), week)

"""The pieces of time that observations lie in: partitions or, on TimescaleDB, its chunks.

A partition is a week. What is long past comes seldom, and a table for each of its weeks would cost
every statement its time: a partition made for an old week holds the free weeks around it, too.
"""

from collections.abc import Iterable, Set
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

WEEK: Final = timedelta(days=7)

RECENT_WEEKS: Final = 26
"""For so long, half a year, each week has a partition of its own."""

BLOCK_WEEKS: Final = 52
"""Old weeks share a partition within aligned blocks of so many, about a year."""

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
    SELECT range_start, range_end, chunk_schema, chunk_name FROM timescaledb_information.chunks
     WHERE hypertable_schema = 'public' AND hypertable_name = 'observation' ORDER BY range_start
"""
# Attaching lets readers and writers go on; CREATE … PARTITION OF would wait for the longest of
# them, a backup say, and hold up all that came after it.
_MAKE: Final = "CREATE TABLE {} (LIKE observation INCLUDING ALL)"
_ATTACH: Final = "ALTER TABLE observation ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})"
_DROP_CHUNKS: Final = "SELECT drop_chunks('observation', older_than => %s, newer_than => %s)"


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of time, `until` not included, and the table of it by schema and name.

    `step` is what may be emptied of it at a time: a chunk as a whole, a partition week by week.
    """

    since: datetime
    until: datetime
    step: timedelta
    table: tuple[str, str]
    is_chunk: bool = False


def week_of(instant: datetime) -> int:
    """The number of the week that an instant falls into."""
    return (to_micros(instant) - MONDAY_US) // WEEK_US


def weeks_of(micros: NDArray[np.int64]) -> set[int]:
    """The weeks that instants (µs since 1970) fall into."""
    return set(np.unique((micros - MONDAY_US) // WEEK_US).tolist())


def weeks_between(since: datetime, until: datetime) -> range:
    """The weeks that lie in a time, wholly or in part; `until` is not in it."""
    return range(week_of(since), week_of(until - timedelta(microseconds=1)) + 1)


def stretch(week: int, there: Set[int], now: datetime) -> range:
    """The weeks of the partition to be made for a week, beside those that are there.

    It never reaches into the last half year, whose weeks go out one by one.
    """
    recent = week_of(now) - RECENT_WEEKS
    if week >= recent:
        return range(week, week + 1)
    block = week - week % BLOCK_WEEKS
    first, end = week, week + 1
    while first > block and first - 1 not in there:
        first -= 1
    while end < min(block + BLOCK_WEEKS, recent) and end not in there:
        end += 1
    return range(first, end)


async def existing(conn: Connection) -> set[int] | None:
    """The weeks that have a partition; None where the store makes its chunks by itself."""
    there = await _partitions(conn)
    return None if there is None else {week for weeks in there for week in weeks}


async def make(conn: Connection, weeks: Iterable[int], now: datetime) -> set[int]:
    """Make the partitions of weeks that have none; returns all weeks that have one then.

    They are there for others after the commit.
    """
    await conn.execute("SELECT pg_advisory_xact_lock(%s)", [_MAKING])
    there = await existing(conn)
    assert there is not None
    for week in sorted(weeks):
        if week in there:
            continue
        made = stretch(week, there, now)
        piece = _piece(made)
        name = sql.Identifier(_name(made))
        await conn.execute(sql.SQL(_MAKE).format(name))
        await conn.execute(
            sql.SQL(_ATTACH).format(name, sql.Literal(piece.since), sql.Literal(piece.until))
        )
        there.update(made)
    return there


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
            await make(conn, missing, now)


async def pieces(conn: Connection) -> list[Piece]:
    """All pieces that there are, oldest first."""
    there = await _partitions(conn)
    if there is not None:
        return [_piece(weeks) for weeks in sorted(there, key=lambda weeks: weeks.start)]
    chunks = await (await conn.execute(_CHUNKS)).fetchall()
    return [
        Piece(since, until, until - since, (schema, name), is_chunk=True)
        for since, until, schema, name in chunks
    ]


async def hold(conn: Connection, piece: Piece) -> None:
    """Let nobody write into a piece until the transaction ends; readers go on."""
    await conn.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(sql.Identifier(*piece.table)))


async def drop(conn: Connection, piece: Piece) -> None:
    """Drop a piece with all that is in it."""
    if piece.is_chunk:
        await conn.execute(_DROP_CHUNKS, [piece.until, piece.since])
    else:
        await conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(*piece.table)))


async def _partitions(conn: Connection) -> list[range] | None:
    """The weeks of each partition; None where there are chunks."""
    row = await (await conn.execute(_PARTITIONED)).fetchone()
    assert row is not None
    if not row[0]:
        return None
    return [_weeks(name) for (name,) in await (await conn.execute(_PARTITIONS)).fetchall()]


def _name(weeks: range) -> str:
    """`observation_w2968`, or of several weeks `observation_w2912_2963`."""
    if len(weeks) == 1:
        return f"observation_w{weeks.start}"
    return f"observation_w{weeks.start}_{weeks.stop - 1}"


def _weeks(name: str) -> range:
    numbers = [int(number) for number in name.removeprefix("observation_w").split("_")]
    return range(numbers[0], numbers[-1] + 1)


def _piece(weeks: range) -> Piece:
    since = from_micros(weeks.start * WEEK_US + MONDAY_US)
    return Piece(since, since + len(weeks) * WEEK, WEEK, ("public", _name(weeks)))

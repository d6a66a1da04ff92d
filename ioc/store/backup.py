"""The whole database into one file while it is in use, and back into an empty one."""

import logging
from collections.abc import Sequence
from datetime import datetime
from graphlib import TopologicalSorter
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from ioc.errors import Conflict, Invalid, Unavailable
from ioc.store import archive, identity, layout, partitions
from ioc.store.archive import FORMAT, PIECE_BYTES, ArchiveWriter, Head, Table
from ioc.store.migrate import migrate, migrations
from ioc.store.pool import Connection, connect

log = logging.getLogger(__name__)

_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"
_APPLIED: Final = """
    SELECT max(number), max(variant) FILTER (WHERE variant <> '') FROM schema_version
"""
_IDENTITY: Final = "SELECT simulated FROM identity"

# Partitions and chunks are read through the table that they are part of.
_TABLES: Final = """
    SELECT c.relname, array_agg(a.attname ORDER BY a.attnum)
      FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
       AND NOT c.relispartition AND c.relname <> 'schema_version'
       AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
     GROUP BY c.relname ORDER BY c.relname
"""
_REFERENCES: Final = """
    SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
     WHERE contype = 'f' AND connamespace = 'public'::regnamespace AND conrelid <> confrelid
       AND conparentid = 0
"""
_SEQUENCES: Final = """
    SELECT t.relname || '.' || a.attname, s.seqrelid::regclass::text
      FROM pg_sequence s
           JOIN pg_depend d ON d.objid = s.seqrelid AND d.classid = 'pg_class'::regclass
           JOIN pg_class t ON t.oid = d.refobjid
           JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
     WHERE d.deptype IN ('a', 'i') AND t.relnamespace = 'public'::regnamespace
"""
_LAST_VALUE: Final = "SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {}"
_COPY_OUT: Final = "COPY (SELECT {} FROM {}) TO STDOUT"
_ANY: Final = "SELECT EXISTS (SELECT FROM {})"
_DELETE: Final = "DELETE FROM {}"
_COPY_IN: Final = "COPY {} ({}) FROM STDIN"

_EMPTY: Final = """
    SELECT NOT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace
                          AND relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT EXISTS (
                              SELECT FROM pg_depend d WHERE d.objid = pg_class.oid
                                 AND d.deptype = 'e'))
"""
# Cursors of alerts and incidents name the epoch: those from before the restore must start over.
_NEW_EPOCH: Final = "UPDATE identity SET epoch = gen_random_uuid()"
_SET_SEQUENCE: Final = "SELECT setval(pg_get_serial_sequence(%s, %s), %s, %s)"
_CLEAR: Final = """
    DROP EXTENSION IF EXISTS timescaledb CASCADE;
    DROP SCHEMA public CASCADE;
    CREATE SCHEMA public;
"""


async def back_up(url: str, path: Path, *, release: str, now: datetime) -> tuple[int, int]:
    """Write all tables to a file as they are at one moment; returns rows and bytes.

    The database goes on working meanwhile. Aggregates are not written: they are made anew.
    """
    out = ArchiveWriter(path)
    try:
        async with await connect(url) as conn:
            await conn.execute(_SNAPSHOT)
            head = await _head(conn, release, now)
            out.head(head)
            rows = {table.name: await _copy_out(conn, table, out) for table in head.tables}
            sequences = {
                column: await _last_value(conn, sequence)
                for column, sequence in await (await conn.execute(_SEQUENCES)).fetchall()
            }
        return sum(rows.values()), out.finish(rows, sequences)
    except psycopg.OperationalError as error:
        out.abandon()
        raise Unavailable(f"the backup was not finished: {error}") from error
    except psycopg.errors.UndefinedTable as error:
        out.abandon()
        raise Invalid("this database is empty: there is nothing to back up") from error
    except BaseException:
        out.abandon()
        raise


async def restore(url: str, path: Path) -> Head:
    """Bring a backup into an empty database, all of it or nothing; returns what it is of.

    The file is read through before anything is changed. The database gets the schema of the
    backup, then its rows in one transaction, then what this release adds; at the end the store is
    laid out as its plan says. Raises `Invalid` for a file that is not whole, `Conflict` for a
    database that is not empty.
    """
    head, contents = archive.verified(path)
    if head.schema > migrations("plain")[-1].number:
        raise Invalid(f"{path} was made by release {head.release}: install that or a newer one")
    async with await connect(url) as conn:
        row = await (await conn.execute(_EMPTY)).fetchone()
        if row is None or not row[0]:
            raise Conflict(
                "this database is not empty, and a backup never joins other data: name another "
                "IOC_DATA_DIR, or an IOC_DATABASE_URL of a newly created database"
            )
    try:
        await migrate(url, upto=head.schema)
        async with await connect(url) as conn:
            await _copy_in(conn, head, path, contents.rows)
            for column, last in contents.sequences.items():
                table, name = column.rsplit(".", 1)
                await conn.execute(_SET_SEQUENCE, [table, name, max(last, 1), last > 0])
            await conn.execute(_NEW_EPOCH)
            await conn.execute("ANALYZE")
        await migrate(url)
        async with await connect(url) as conn:
            # The migrations knew neither the plan nor the zone that came with the rows.
            zone = (await identity.read(conn)).time_zone
            await layout.settle(conn, await layout.read(conn), zone)
    except BaseException:
        await _clear(url)
        raise
    return head


async def _head(conn: Connection, release: str, now: datetime) -> Head:
    row = await (await conn.execute(_TABLES)).fetchall()
    applied = await (await conn.execute(_APPLIED)).fetchone()
    simulated = await (await conn.execute(_IDENTITY)).fetchone()
    assert applied is not None
    assert simulated is not None
    columns: dict[str, list[str]] = dict(row)
    weeks: set[int] = set()
    for piece in await partitions.pieces(conn):
        weeks |= set(partitions.weeks_between(piece.since, piece.until))
    return Head(
        format=FORMAT,
        release=release,
        schema=applied[0],
        store=applied[1],
        created_at=now.isoformat(),
        simulated=simulated[0],
        tables=[Table(name, columns[name]) for name in await _in_order(conn, list(columns))],
        weeks=sorted(weeks),
    )


async def _in_order(conn: Connection, tables: Sequence[str]) -> list[str]:
    """The tables, each after those that it refers to."""
    order: TopologicalSorter[str] = TopologicalSorter({name: [] for name in tables})
    for table, referred in await (await conn.execute(_REFERENCES)).fetchall():
        order.add(table, referred)
    return list(order.static_order())


async def _copy_out(conn: Connection, table: Table, out: ArchiveWriter) -> int:
    statement = sql.SQL(_COPY_OUT).format(_columns(table), sql.Identifier(table.name))
    held = bytearray()
    number = 0
    async with conn.cursor() as cur:
        async with cur.copy(statement) as copy:
            async for part in copy:
                held += part
                if len(held) >= PIECE_BYTES:
                    out.piece(table.name, number, bytes(held))
                    held.clear()
                    number += 1
        if held:
            out.piece(table.name, number, bytes(held))
        return cur.rowcount


async def _copy_in(conn: Connection, head: Head, path: Path, rows: dict[str, int]) -> None:
    """Copy every table, in the order in which they stand in the file."""
    if head.weeks and await partitions.existing(conn) is not None:
        await partitions.make(conn, head.weeks, datetime.fromisoformat(head.created_at))
    for table in reversed(head.tables):
        await _forget_first_rows(conn, table)
    tables = {table.name: table for table in head.tables}
    copied = dict.fromkeys(tables, 0)
    for name, group in groupby(archive.pieces(path), key=itemgetter(0)):
        if name not in tables:
            raise Invalid(f"{path} holds rows of `{name}`, which its list of tables lacks")
        statement = sql.SQL(_COPY_IN).format(sql.Identifier(name), _columns(tables[name]))
        async with conn.cursor() as cur:
            async with cur.copy(statement) as copy:
                for _, content in group:
                    await copy.write(content)
            copied[name] = cur.rowcount
    for name, wanted in rows.items():
        if copied[name] != wanted:
            raise Invalid(f"`{name}` has {wanted} rows in the backup, {copied[name]} came in")


async def _forget_first_rows(conn: Connection, table: Table) -> None:
    """Delete what the migrations put there: it stands in the backup, as it became."""
    named = sql.Identifier(table.name)
    row = await (await conn.execute(sql.SQL(_ANY).format(named))).fetchone()
    if row is not None and row[0]:
        await conn.execute(sql.SQL(_DELETE).format(named))


async def _last_value(conn: Connection, sequence: str) -> int:
    statement = sql.SQL(_LAST_VALUE).format(sql.Identifier(sequence))
    row = await (await conn.execute(statement)).fetchone()
    assert row is not None
    return row[0]


def _columns(table: Table) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, table.columns))


async def _clear(url: str) -> None:
    """Make the database as empty as it was found, after a restore that failed."""
    try:
        async with await connect(url) as conn:
            await conn.execute(_CLEAR)
    except (psycopg.Error, Unavailable):
        log.exception("the database could not be emptied again: drop it, or delete its directory")

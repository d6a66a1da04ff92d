"""Apply the migrations that a database lacks, in order, once, under a lock."""

import hashlib
import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Final, LiteralString, cast

import psycopg
from psycopg import AsyncConnection

from ioc.errors import ConfigError, Unavailable
from ioc.store.pool import Connection

_LOCK: Final = 0x10C_0001
"""Key of the advisory lock, so that two starting servers apply each migration once."""

_FILE: Final = re.compile(r"(\d{4})_([a-z_]+)(?:\.(plain|timescale))?\.sql")

_TABLE: Final = """
    CREATE TABLE IF NOT EXISTS schema_version (
        number      integer PRIMARY KEY,
        name        text NOT NULL,
        variant     text NOT NULL,
        sha256      text NOT NULL,
        applied_at  timestamptz NOT NULL DEFAULT now()
    )
"""
_APPLIED: Final = "SELECT number, sha256, variant FROM schema_version ORDER BY number"
_RECORD: Final = (
    "INSERT INTO schema_version (number, name, variant, sha256) VALUES (%s, %s, %s, %s)"
)
_HAS_TIMESCALE: Final = "SELECT count(*) FROM pg_available_extensions WHERE name = 'timescaledb'"
_PRELOADED: Final = "SELECT current_setting('shared_preload_libraries')"


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file; `variant` is empty where both stores share it."""

    number: int
    name: str
    variant: str
    sql: str
    sha256: str

    @property
    def alone(self) -> bool:
        """True for a statement that refuses to run in a transaction."""
        return self.sql.startswith("-- ioc: no-transaction")


def migrations(variant: str) -> list[Migration]:
    """The migrations of this release for a store (`plain` or `timescale`), in order."""
    found: list[Migration] = []
    for entry in files("ioc.store").joinpath("migrations").iterdir():
        match = _FILE.fullmatch(entry.name)
        if match is None or match[3] not in (None, variant):
            continue
        sql = entry.read_text(encoding="utf-8")
        digest = hashlib.sha256(sql.encode()).hexdigest()
        found.append(Migration(int(match[1]), match[2], match[3] or "", sql, digest))
    return sorted(found, key=lambda m: m.number)


async def store_kind(conn: Connection) -> str:
    """`timescale` where the server can load TimescaleDB, else `plain`."""
    available = await (await conn.execute(_HAS_TIMESCALE)).fetchone()
    preloaded = await (await conn.execute(_PRELOADED)).fetchone()
    assert available is not None
    assert preloaded is not None
    return "timescale" if available[0] and "timescaledb" in preloaded[0] else "plain"


async def migrate(url: str, *, upto: int | None = None) -> list[str]:
    """Bring the database up to this release; returns the names of what was applied.

    With `upto` it stops after that number, where the rows of an older release go. Raises
    `ConfigError` where an applied file was edited, or where the database is newer than the program.
    """
    try:
        conn = await AsyncConnection.connect(url, autocommit=True, options="-c timezone=UTC")
    except psycopg.OperationalError as error:
        raise Unavailable(f"the database cannot be reached: {error}") from error
    async with conn:
        await conn.execute("SELECT pg_advisory_lock(%s)", [_LOCK])
        return await _apply(conn, upto)


async def _apply(conn: Connection, upto: int | None) -> list[str]:
    await conn.execute(_TABLE)
    applied = {row[0]: row for row in await (await conn.execute(_APPLIED)).fetchall()}
    variant = next((row[2] for row in applied.values() if row[2]), None)
    known = migrations(variant or await store_kind(conn))
    newest = known[-1].number
    if applied and max(applied) > newest:
        raise ConfigError(
            f"the database is at migration {max(applied)}, this program knows {newest}: "
            "install the newer release, or restore a backup made with this one"
        )
    done: list[str] = []
    for migration in known:
        if upto is not None and migration.number > upto:
            break
        row = applied.get(migration.number)
        if row is None:
            await _run(conn, migration)
            done.append(f"{migration.number:04} {migration.name}")
        elif row[1] != migration.sha256:
            raise ConfigError(
                f"migration {migration.number:04}_{migration.name} was edited after it had been "
                "applied: put the file back and add a new migration instead"
            )
    return done


async def _run(conn: Connection, migration: Migration) -> None:
    sql = cast(LiteralString, migration.sql)
    record = (migration.number, migration.name, migration.variant, migration.sha256)
    if migration.alone:
        await conn.execute(sql)
        await conn.execute(_RECORD, record)
        return
    async with conn.transaction():
        await conn.execute(sql)
        await conn.execute(_RECORD, record)

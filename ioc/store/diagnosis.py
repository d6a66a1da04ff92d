"""What a database server is and how it is set, for people who look for a fault."""

from dataclasses import dataclass
from typing import Final

from ioc.store.migrate import migrations, store_kind
from ioc.store.pool import Connection

_VERSION: Final = "SELECT current_setting('server_version')"
_SETTINGS: Final = """
    SELECT current_setting('fsync'), current_setting('synchronous_commit'),
           current_setting('max_connections')::int
"""
_SCHEMA: Final = "SELECT to_regclass('schema_version') IS NOT NULL"
_APPLIED: Final = "SELECT COALESCE(max(number), 0) FROM schema_version"
_CLOCK: Final = "SELECT extract(epoch FROM clock_timestamp())"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A server as it was found; `clock` in seconds since 1970."""

    version: str
    store: str
    fsync: bool
    synchronous: bool
    connections: int
    schema: int
    newest: int
    clock: float


async def diagnose(conn: Connection) -> Diagnosis:
    """Ask the server."""
    version = await (await conn.execute(_VERSION)).fetchone()
    settings = await (await conn.execute(_SETTINGS)).fetchone()
    has_schema = await (await conn.execute(_SCHEMA)).fetchone()
    clock = await (await conn.execute(_CLOCK)).fetchone()
    assert version is not None
    assert settings is not None
    assert has_schema is not None
    assert clock is not None
    schema = 0
    if has_schema[0]:
        applied = await (await conn.execute(_APPLIED)).fetchone()
        schema = applied[0] if applied else 0
    store = await store_kind(conn)
    return Diagnosis(
        version=version[0],
        store=store,
        fsync=settings[0] == "on",
        synchronous=settings[1] != "off",
        connections=settings[2],
        schema=schema,
        newest=migrations(store)[-1].number,
        clock=float(clock[0]),
    )

"""What a database server is and how it is set, for people who look for a fault."""

from dataclasses import dataclass
from typing import Final

from ioc.store import identity
from ioc.store.migrate import migrations, store_kind
from ioc.store.pool import Connection

_VERSION: Final = "SELECT current_setting('server_version')"
_SETTINGS: Final = """
    SELECT current_setting('fsync'), current_setting('synchronous_commit'),
           current_setting('max_connections')::int
"""
_SCHEMA: Final = "SELECT to_regclass('schema_version') IS NOT NULL"
_APPLIED: Final = "SELECT COALESCE(max(number), 0) FROM schema_version"
# What comes late, such as a past that is filled in, says nothing of the rate.
_RATE: Final = """
    SELECT (SELECT observations_per_day FROM store_plan),
           (SELECT COALESCE(sum(stored - stored_late), 0)::bigint FROM ledger
             WHERE minute >= now() - INTERVAL '1 day')
"""
_CLOCK: Final = "SELECT extract(epoch FROM clock_timestamp())"


@dataclass(frozen=True, slots=True)
class Rate:
    """Observations of a day: for how many the store is laid out, and how many came in the last."""

    planned: float
    measured: int


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A server as it was found; `clock` in seconds since 1970.

    `simulated` and `rate` are not known where the schema is not that of this release.
    """

    version: str
    store: str
    fsync: bool
    synchronous: bool
    connections: int
    schema: int
    newest: int
    clock: float
    simulated: bool | None = None
    rate: Rate | None = None


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
    newest = migrations(store)[-1].number
    return Diagnosis(
        version=version[0],
        store=store,
        fsync=settings[0] == "on",
        synchronous=settings[1] != "off",
        connections=settings[2],
        schema=schema,
        newest=newest,
        clock=float(clock[0]),
        simulated=(await identity.read(conn)).simulated if schema == newest else None,
        rate=await _rate(conn) if schema == newest else None,
    )


async def _rate(conn: Connection) -> Rate:
    row = await (await conn.execute(_RATE)).fetchone()
    assert row is not None
    return Rate(*row)

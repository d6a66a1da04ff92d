"""What database this is: its epoch, its province, and whether it holds invented figures."""

from dataclasses import dataclass
from typing import Final

from ioc.errors import ConfigError
from ioc.store.aggregates import StoreKind
from ioc.store.pool import Connection


@dataclass(frozen=True, slots=True)
class Identity:
    """Facts of the database that never change after the first start."""

    epoch: str
    simulated: bool
    province: str | None
    time_zone: str
    bounds: tuple[float, float, float, float]
    store: StoreKind


_READ: Final = """
    SELECT epoch::text, simulated, province, time_zone, bounds,
           (SELECT variant FROM schema_version WHERE variant <> '' LIMIT 1)
      FROM identity
"""
_EMPTY: Final = "SELECT NOT EXISTS (SELECT 1 FROM unit) AND NOT EXISTS (SELECT 1 FROM feed)"
_MARK: Final = "UPDATE identity SET simulated = true"
_SET_PROVINCE: Final = "UPDATE identity SET province = %s, time_zone = %s, bounds = %s"


async def read(conn: Connection) -> Identity:
    """The identity of the database."""
    row = await (await conn.execute(_READ)).fetchone()
    assert row is not None
    west, south, east, north = row[4]
    return Identity(row[0], row[1], row[2], row[3], (west, south, east, north), row[5])


async def is_empty(conn: Connection) -> bool:
    """Whether no city has been loaded and no feed was made."""
    row = await (await conn.execute(_EMPTY)).fetchone()
    assert row is not None
    return row[0]


async def settle(conn: Connection, *, demo: bool) -> Identity:
    """Mark an empty database as a demo's when asked, and refuse to mix.

    Raises `ConfigError` where a demo is asked for on a real database: invented rows stand under
    real names and must never join real ones. A demo's database stays one for ever, with or
    without the setting.
    """
    identity = await read(conn)
    if demo and not identity.simulated:
        if not await is_empty(conn):
            raise ConfigError(
                "IOC_DEMO=1, but this database holds a real province: simulated rows never join "
                "real ones. Unset IOC_DEMO, or name another IOC_DATA_DIR or IOC_DATABASE_URL"
            )
        await conn.execute(_MARK)
        return await read(conn)
    return identity


async def set_province(
    conn: Connection, unit: str, *, time_zone: str, bounds: tuple[float, float, float, float]
) -> None:
    """Name the province whose centre this is, its time zone and its bounds (W, S, E, N)."""
    await conn.execute(_SET_PROVINCE, [unit, time_zone, list(bounds)])

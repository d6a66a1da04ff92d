"""Days of rest and make-up days that a city sets over the public holidays."""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from typing import Final

from ioc.procedures.calendar import Calendar, Day, vietnam
from ioc.store.pool import Connection

_DAYS: Final = "SELECT day, working, name, source FROM calendar_day ORDER BY day"

_PUT: Final = """
    INSERT INTO calendar_day (day, working, name, source) VALUES (%s, %s, %s, %s)
    ON CONFLICT (day) DO UPDATE
       SET working = excluded.working, name = excluded.name, source = excluded.source
"""

_DROP: Final = "DELETE FROM calendar_day WHERE day = %s RETURNING day"


async def put(conn: Connection, days: Iterable[Day]) -> None:
    """Set days, over what they were before."""
    async with conn.cursor() as cur:
        await cur.executemany(_PUT, [(d.day, d.working, d.name, d.source) for d in days])


async def drop(conn: Connection, day: date) -> bool:
    """Let a day be again what the public calendar says; False where it was not set."""
    return await (await conn.execute(_DROP, [day])).fetchone() is not None


async def read(conn: Connection) -> Calendar:
    """The calendar with the days that are set."""
    rows = await (await conn.execute(_DAYS)).fetchall()
    return _made(tuple(Day(*row) for row in rows))


@lru_cache(maxsize=4)
def _made(days: tuple[Day, ...]) -> Calendar:
    """Laying out 36 years takes a tenth of a second, and the days rarely change."""
    return vietnam(days)

"""Dated actions: described by the city, or noted by people."""

from collections.abc import Iterable
from typing import Final

import msgspec
from psycopg.types.json import Jsonb

from ioc.kpi.action import Action
from ioc.model import Text
from ioc.store.pool import Connection, ReadPool

CITY: Final = "city"
"""Who noted an action that a city's files describe."""

_DROP_CITYS: Final = "DELETE FROM action WHERE changed_by = 'city'"

# What people have noted under the same id stays when the city's files are loaded again.
_ADD: Final = """
    INSERT INTO action (id, unit_key, validity, kind, name, document, indicators, sample,
                        changed_by)
    SELECT %(id)s, u.unit_key, daterange(%(since)s, %(until)s), %(kind)s, %(name)s, %(document)s,
           %(indicators)s, %(sample)s, %(by)s
      FROM unit u WHERE u.id = %(unit)s
    ON CONFLICT (id) DO NOTHING
    RETURNING id
"""

_ACTIONS: Final = """
    SELECT a.id, u.id, a.kind, a.name, lower(a.validity), upper(a.validity), a.document,
           a.indicators, a.sample
      FROM action a JOIN unit u USING (unit_key)
     ORDER BY lower(a.validity), a.id
"""


async def load(conn: Connection, actions: Iterable[Action]) -> None:
    """Set the actions of a city's files; those that people noted stay."""
    await conn.execute(_DROP_CITYS)
    for action in actions:
        await add(conn, action, by=CITY)


async def add(conn: Connection, action: Action, *, by: str) -> bool:
    """Note an action; False where its id is taken."""
    given = {
        "id": action.id, "unit": action.unit, "since": action.valid_from,
        "until": action.valid_until, "kind": action.kind, "document": action.document,
        "name": Jsonb(msgspec.to_builtins(action.name)), "indicators": list(action.indicators),
        "sample": action.sample, "by": by,
    }  # fmt: skip
    return await (await conn.execute(_ADD, given)).fetchone() is not None


async def read(pool: ReadPool) -> list[Action]:
    """All actions, oldest first."""
    async with pool.connection() as conn:
        rows = await (await conn.execute(_ACTIONS)).fetchall()
    return [
        Action(
            id=id, unit=unit, kind=kind, name=msgspec.convert(name, Text), valid_from=since,
            valid_until=until, document=document, indicators=tuple(indicators), sample=sample,
        )
        for id, unit, kind, name, since, until, document, indicators, sample in rows
    ]  # fmt: skip

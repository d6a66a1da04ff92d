"""The routes, channels, people and shifts that say who is told of alerts."""

from typing import Any, Final

import msgspec
from psycopg.types.json import Jsonb

from alerts.roster import Roster
from alerts.route import Plan
from ioc.store.pool import Connection, ReadPool

_PUT: Final = """
    INSERT INTO notify_plan (plan, roster) VALUES (%s, %s)
    ON CONFLICT (single) DO UPDATE SET plan = excluded.plan, roster = excluded.roster
"""

_READ: Final = "SELECT plan, roster FROM notify_plan"


async def put(conn: Connection, plan: Plan, roster: Roster) -> None:
    """Let these be the routes and the people."""
    await conn.execute(_PUT, [Jsonb(_document(plan)), Jsonb(_document(roster))])


async def read(pool: ReadPool) -> tuple[Plan, Roster]:
    """The routes and the people; without them nobody is told."""
    async with pool.connection() as conn:
        return await read_with(conn)


async def read_with(conn: Connection) -> tuple[Plan, Roster]:
    """The same, on a connection of one's own."""
    row = await (await conn.execute(_READ)).fetchone()
    if row is None:
        return Plan(), Roster()
    return msgspec.convert(row[0], type=Plan), msgspec.convert(row[1], type=Roster)


def _document(value: Plan | Roster) -> dict[str, Any]:
    return msgspec.json.decode(msgspec.json.encode(value), type=dict[str, Any])

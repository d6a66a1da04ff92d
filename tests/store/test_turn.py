"""A turn is held by one process at a time and ends with its connection."""

import asyncio

from ioc.store.turn import Turn
from tests.fixtures.store import rows_of

_END_ALL = """
    SELECT pg_terminate_backend(pid) FROM pg_locks l JOIN pg_database d ON d.oid = l.database
     WHERE locktype = 'advisory' AND granted AND datname = current_database()
       AND pid <> pg_backend_pid()
"""


async def test_the_next_has_its_turn_when_the_one_before_lets_go(database: str) -> None:
    one, two, other = Turn(database, "x"), Turn(database, "x"), Turn(database, "y")
    await one.wait()
    await other.wait()
    waiting = asyncio.create_task(two.wait())
    assert not (await asyncio.wait({waiting}, timeout=1.2))[0], "the turn is not its yet"
    await one.end()
    await waiting
    await two.end()
    await other.end()


async def test_who_lost_its_connection_stops_when_another_has_the_turn(database: str) -> None:
    one, two = Turn(database, "x"), Turn(database, "x")
    await one.wait()
    await rows_of(database, _END_ALL)
    await two.wait()
    async with asyncio.timeout(30):
        await one.keep()
    await two.end()


async def test_who_lost_its_connection_goes_on_where_nobody_else_waits(database: str) -> None:
    one, two = Turn(database, "x"), Turn(database, "x")
    await one.wait()
    keeping = asyncio.create_task(one.keep())
    await rows_of(database, _END_ALL)
    assert not (await asyncio.wait({keeping}, timeout=2.5))[0]
    waiting = asyncio.create_task(two.wait())
    assert not (await asyncio.wait({waiting}, timeout=1.2))[0], "the first has it again"
    for task in (keeping, waiting):
        task.cancel()
    await asyncio.gather(keeping, waiting, return_exceptions=True)
    await one.end()

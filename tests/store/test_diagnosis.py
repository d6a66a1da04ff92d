"""What `ioc doctor` finds in a database: whose figures it holds, and how much comes."""

import pytest

from ioc.commands.doctor import judge
from ioc.store.diagnosis import diagnose
from ioc.store.pool import connect
from tests.fixtures.store import a_feed_key, rows_of

CURE = "set observations_per_day under [store] in city/city.toml, then `ioc city load`"

_LEDGER = """
    INSERT INTO ledger (feed_key, minute, received, stored, stored_late)
    VALUES (%s, date_trunc('minute', now() - %s::interval), %s, %s, %s)
"""


async def _findings(url: str) -> dict[str, str]:
    """What is found, with its cure."""
    async with await connect(url) as conn:
        return {what: cure for _, what, cure in judge(await diagnose(conn))}


@pytest.mark.parametrize(("more", "told"), [(0, False), (1, True)])
async def test_far_more_than_the_store_is_laid_out_for_is_told_with_the_cure(
    database: str, more: int, told: bool
) -> None:
    await rows_of(database, "UPDATE store_plan SET observations_per_day = 1500")
    for age, stored in (("10 minutes", 1_000 + more), ("23 hours", 2_000)):
        feed = await a_feed_key(database)
        await rows_of(database, _LEDGER, feed, age, stored, stored, 0)
    found = await _findings(database)
    what = (
        f"{3_000 + more:,} observations came in the last 24 hours, "
        "the store is laid out for 1,500 a day"
    )
    assert found.get(what) == (CURE if told else None)
    assert (CURE in found.values()) == told


async def test_what_came_late_or_long_ago_says_nothing_of_the_rate(database: str) -> None:
    await rows_of(database, "UPDATE store_plan SET observations_per_day = 10")
    feed = await a_feed_key(database)
    await rows_of(database, _LEDGER, feed, "1 hour", 5_000, 5_000, 4_990)
    await rows_of(database, _LEDGER, feed, "25 hours", 5_000, 5_000, 0)
    assert CURE not in (await _findings(database)).values()


@pytest.mark.parametrize("simulated", [True, False])
async def test_a_database_says_itself_whether_its_figures_are_simulated(
    database: str, simulated: bool
) -> None:
    await rows_of(database, "UPDATE identity SET simulated = %s", simulated)
    found = await _findings(database)
    assert ("demo off" in found) is not simulated
    assert ("demo: the figures in this database are simulated" in found) is simulated


async def test_a_database_without_the_schema_of_this_release_is_told_no_more_of(
    database: str,
) -> None:
    await rows_of(
        database,
        "DELETE FROM schema_version WHERE number = (SELECT max(number) FROM schema_version)",
    )
    async with await connect(database) as conn:
        found = await diagnose(conn)
    assert (found.rate, found.simulated) == (None, None)

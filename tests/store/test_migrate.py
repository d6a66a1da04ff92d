"""Migrations: each once, in order, and never against a database that is ahead or was edited."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from ioc.errors import ConfigError, Unavailable
from ioc.store.migrate import migrate, migrations
from tests.fixtures.store import rows_of
from tests.fixtures.twin_stores import an_empty_database


@pytest.fixture
async def empty(database_server: str) -> AsyncIterator[str]:
    async with an_empty_database(database_server) as url:
        yield url


@pytest.mark.parametrize("variant", ["plain", "timescale"])
def test_each_store_has_every_number_once(variant: str) -> None:
    numbers = [migration.number for migration in migrations(variant)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_both_stores_have_the_same_numbers_and_names() -> None:
    plain, timescale = (
        [(m.number, m.name) for m in migrations(variant)] for variant in ("plain", "timescale")
    )
    assert plain == timescale


async def test_migrating_twice_does_nothing_the_second_time(empty: str) -> None:
    done = await migrate(empty)
    assert len(done) == len(await rows_of(empty, "SELECT 1 FROM schema_version"))
    assert await migrate(empty) == []


async def test_migrating_in_two_steps_comes_to_the_same(empty: str) -> None:
    first = await migrate(empty, upto=5)
    assert [name[:4] for name in first] == ["0001", "0002", "0003", "0004", "0005"]
    assert await rows_of(empty, "SELECT to_regclass('retention')") == [(None,)]
    rest = await migrate(empty)
    assert len(first) + len(rest) == len(migrations("plain"))


async def test_two_at_once_apply_each_migration_once(empty: str) -> None:
    first, second = await asyncio.gather(migrate(empty), migrate(empty))
    assert sorted([len(first), len(second)]) == [0, len(first) + len(second)]


async def test_a_migration_that_was_edited_after_it_was_applied_is_refused(database: str) -> None:
    await rows_of(database, "UPDATE schema_version SET sha256 = 'other' WHERE number = 1")
    with pytest.raises(ConfigError, match="0001_core was edited"):
        await migrate(database)


async def test_a_database_of_a_newer_release_is_refused(database: str) -> None:
    await rows_of(
        database,
        "INSERT INTO schema_version (number, name, variant, sha256) VALUES (9999, 'x', '', 'x')",
    )
    with pytest.raises(ConfigError, match="9999"):
        await migrate(database)


async def test_a_migration_that_fails_leaves_nothing_of_itself_behind(empty: str) -> None:
    await rows_of(empty, "CREATE TABLE audit (x integer)")
    with pytest.raises(psycopg.errors.DuplicateTable):
        await migrate(empty)
    assert await rows_of(empty, "SELECT to_regclass('unit')") == [(None,)]
    assert await rows_of(empty, "SELECT count(*) FROM schema_version") == [(0,)]


async def test_a_server_that_is_away_is_said_to_be_so() -> None:
    with pytest.raises(Unavailable):
        await migrate("host=127.0.0.1 port=1 dbname=x connect_timeout=2")

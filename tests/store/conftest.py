"""Pools and a writer on the database of a test."""

from collections.abc import AsyncIterator

import pytest

from ioc.live.latest import Latest
from ioc.store import partitions
from ioc.store.pool import ReadPool, WritePool, connect, open_pools
from ioc.store.writer import BatchWriter


@pytest.fixture
async def pools(database: str) -> AsyncIterator[tuple[ReadPool, WritePool]]:
    async with open_pools(database) as opened:
        yield opened


@pytest.fixture
async def writer(database: str) -> AsyncIterator[BatchWriter]:
    made = BatchWriter(database, Latest())
    await made.open()
    yield made
    await made.close()


@pytest.fixture
async def plain_store(database: str) -> None:
    """For tests of partitions, which only plain PostgreSQL has: TimescaleDB has chunks instead."""
    async with await connect(database) as conn:
        if await partitions.existing(conn) is None:
            pytest.skip("TimescaleDB makes its own chunks")

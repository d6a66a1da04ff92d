"""Pools and a writer on the database of a test."""

from collections.abc import AsyncIterator

import pytest

from ioc.live.latest import Latest
from ioc.store.pool import ReadPool, WritePool, open_pools
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

"""A server outside, and a way to it, for tests of sources."""

from collections.abc import Iterator

import pytest

from ioc.sources.fetch import Fetcher
from ioc.sources.outside import Outside as Network
from tests.fixtures.outside import Outside, an_outside


@pytest.fixture
def outside() -> Iterator[Outside]:
    with an_outside() as made:
        yield made


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    network = Network("127.0.0.1, localhost")
    yield Fetcher(network)
    network.close()

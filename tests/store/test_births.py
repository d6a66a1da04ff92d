"""Birth certificates on a database: over restarts, and among processes that share it."""

from datetime import UTC, datetime

import pytest

from ingest.decoders.births import Birth, Tag
from ioc.store import births as births_store
from ioc.store.births import KeptBirths
from ioc.store.pool import ReadPool, WritePool
from tests.fixtures.store import a_feed_key, rows_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NODE = "nuoc/bom"


def _birth(*names: str, bd_seq: int | None = None) -> Birth:
    return Birth(tuple(Tag(name, n, 1, "m") for n, name in enumerate(names)), bd_seq)


class _Process:
    """A process with its own memory, on the database of all."""

    def __init__(
        self, pools: tuple[ReadPool, WritePool], feed: int, *, shared: bool = False
    ) -> None:
        self.feed = feed
        self.kept = KeptBirths(*pools, shared=shared)

    async def born(self, birth: Birth, below: str = "", node: str = NODE) -> None:
        await self.kept.look_up({(self.feed, node)})
        self.kept.known.born(self.feed, node, below, birth)
        await self.keep()

    async def keep(self) -> None:
        await self.kept.keep(self.kept.known.changes(), NOW)

    async def name_of(self, alias: int, below: str = "", node: str = NODE) -> str | None:
        await self.kept.look_up({(self.feed, node)})
        found = self.kept.known.find(self.feed, node, below, alias, "")
        return None if found is None else found.name


@pytest.fixture
async def feed(database: str) -> int:
    return await a_feed_key(database)


async def test_what_was_born_is_known_after_a_restart(
    pools: tuple[ReadPool, WritePool], feed: int
) -> None:
    before = _Process(pools, feed)
    await before.born(_birth("a\x00", "b", bd_seq=2**64 - 1))
    await before.born(_birth("c"), "be-1")
    after = _Process(pools, feed)
    await after.kept.load()
    found = after.kept.known.find(feed, NODE, "", 0, "")
    assert found == Tag("a\x00", 0, 1, "m")
    assert await after.name_of(0, "be-1") == "c"
    # The death of another session ends nothing, that of the same one ends all.
    after.kept.known.died(feed, NODE, 5)
    assert after.kept.known.changes() == []
    after.kept.known.died(feed, NODE, 2**64 - 1)
    await after.keep()
    again = _Process(pools, feed)
    await again.kept.load()
    assert await again.name_of(0) is None


async def test_a_node_that_was_not_loaded_is_looked_up_when_it_speaks(
    pools: tuple[ReadPool, WritePool], feed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _Process(pools, feed)
    await first.born(_birth("old"), node="nuoc/cu")
    await first.born(_birth("new"))
    monkeypatch.setattr(births_store, "MOST_LOADED", 1)
    after = _Process(pools, feed)
    await after.kept.load()
    assert after.kept.known.editions(feed, "nuoc/cu") is None
    assert await after.name_of(0, node="nuoc/cu") == "old"
    assert await after.name_of(0, node="nuoc/khac") is None


async def test_processes_that_divide_the_work_know_what_another_heard(
    pools: tuple[ReadPool, WritePool], feed: int
) -> None:
    one, other = (_Process(pools, feed, shared=True) for _ in range(2))
    await one.born(_birth("a", bd_seq=1))
    assert await other.name_of(0) == "a"
    await other.born(_birth("x"), "be-1")
    await other.born(_birth("y"), "be-2")
    assert await one.name_of(0, "be-1") == "x"
    await one.born(_birth("b", bd_seq=2))
    assert await other.name_of(0) == "b"
    assert await other.name_of(0, "be-1") is None
    await other.born(_birth("z"), "be-1")
    assert await one.name_of(0, "be-1") == "z"
    one.kept.known.ended(feed, NODE, "be-1")
    await one.keep()
    assert await other.name_of(0, "be-1") is None
    assert await other.name_of(0) == "b"
    one.kept.known.died(feed, NODE, 2)
    await one.keep()
    assert await other.name_of(0) is None


async def test_certificates_of_a_feed_are_bounded_the_oldest_out_first(
    pools: tuple[ReadPool, WritePool], feed: int, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(births_store, "MOST_OF_A_FEED", 3)
    other = await a_feed_key(database)
    await _Process(pools, other).born(_birth("x"))
    process = _Process(pools, feed)
    for number in range(5):
        await process.born(_birth("x"), node=f"n/{number}")
    await process.born(_birth("y"), node="n/2")
    kept = await rows_of(database, "SELECT feed_key, node FROM birth ORDER BY edition")
    assert kept == [(other, NODE), (feed, "n/3"), (feed, "n/4"), (feed, "n/2")]


async def test_births_of_a_retired_feed_are_not_loaded(
    pools: tuple[ReadPool, WritePool], feed: int, database: str
) -> None:
    await _Process(pools, feed).born(_birth("x"))
    await rows_of(database, "UPDATE feed SET retired_at = now() WHERE feed_key = %s", feed)
    after = _Process(pools, feed)
    await after.kept.load()
    assert after.kept.known.editions(feed, NODE) is None

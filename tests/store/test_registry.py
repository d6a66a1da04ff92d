"""The registry in memory stays true while several things change it at once."""

import asyncio
from datetime import UTC, datetime

from ioc.model import ValueKind
from ioc.store import feeds
from ioc.store.pool import connect, open_pools
from ioc.store.registry import KINDS, Registry, SeriesRow, put_series

NOW = datetime(2026, 11, 22, tzinfo=UTC)


async def _add_feed(database: str, name: str) -> None:
    async with await connect(database) as conn:
        agency, _ = await feeds.agency_key(conn, "so-y-te", NOW)
        await feeds.add(
            conn, id=name, agency=agency, name=name, domain="traffic", format="auto",
            auto_series=True, now=NOW,
        )  # fmt: skip


async def test_series_made_during_a_reload_are_known_after_it(database: str) -> None:
    await _add_feed(database, "loops")
    registry = Registry()
    async with open_pools(database) as (reads, writes):
        await registry.load(reads)
        feed = registry.feed_by_id["loops"]
        for number in range(40):
            made, _ = await asyncio.gather(
                registry.create_series(writes, feed, {f"l{number}/speed": ValueKind.NUMBER}),
                registry.load(reads),
            )
            assert len(made) == 1
            assert f"l{number}/speed" in registry.keys[feed.key]
            assert made[0].id in registry.series


async def test_a_new_feed_is_taken_without_reading_series_again(database: str) -> None:
    registry = Registry()
    async with open_pools(database) as (reads, writes):
        await _add_feed(database, "loops")
        await registry.load(reads)
        feed = registry.feed_by_id["loops"]
        [made] = await registry.create_series(writes, feed, {"l1/speed": ValueKind.NUMBER})
        generation = registry.generation
        await _add_feed(database, "gauges")
        await registry.load_feeds(reads)
        assert set(registry.feed_by_id) == {"loops", "gauges"}
        assert registry.series[made.id] is made
        since = registry.since(generation)
        assert since is not None
        assert (since.features, since.series) == ([], [])


async def test_the_series_of_a_feed_that_is_gone_are_forgotten(database: str) -> None:
    registry = Registry()
    async with open_pools(database) as (reads, writes):
        await _add_feed(database, "loops")
        await registry.load(reads)
        feed = registry.feed_by_id["loops"]
        await registry.create_series(writes, feed, {"l1/speed": ValueKind.NUMBER})
        generation = registry.generation
        async with await connect(database) as conn:
            await conn.execute("UPDATE feed SET retired_at = now() WHERE id = 'loops'")
        await registry.load_feeds(reads)
        assert registry.series == {}
        assert registry.since(generation) is None


async def test_a_series_changes_the_kind_of_its_values_only_where_that_is_said(
    database: str,
) -> None:
    await _add_feed(database, "loops")
    registry = Registry()
    async with open_pools(database) as (reads, writes):
        await registry.load(reads)
        feed = registry.feed_by_id["loops"]
        [made] = await registry.create_series(writes, feed, {"l1/state": ValueKind.TEXT})
        for kind, expected in (
            (None, ValueKind.TEXT), (ValueKind.NUMBER, ValueKind.NUMBER), (None, ValueKind.NUMBER),
        ):  # fmt: skip
            async with writes.connection() as conn:
                row = SeriesRow("l1/state", "l1", "state", "Cel", kind)
                await put_series(conn, feed.key, [row, SeriesRow("new", "new", "value")])
            await registry.load(reads)
            found = registry.series[made.id]
            assert (found.value_kind, found.uom) == (expected, "Cel")
            assert registry.table.kind[made.id] == KINDS[expected]
        assert registry.series[registry.keys[feed.key]["new"]].value_kind is ValueKind.NUMBER

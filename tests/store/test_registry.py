"""The registry in memory stays true while several things change it at once."""

import asyncio
from datetime import UTC, datetime

from ioc.model import ValueKind
from ioc.store import feeds
from ioc.store.pool import connect, open_pools
from ioc.store.registry import Registry

NOW = datetime(2026, 11, 22, tzinfo=UTC)


async def test_series_made_during_a_reload_are_known_after_it(database: str) -> None:
    async with await connect(database) as conn:
        agency, _ = await feeds.agency_key(conn, "so-y-te", NOW)
        await feeds.add(
            conn, id="loops", agency=agency, name="loops", domain="traffic", format="auto",
            auto_series=True, now=NOW,
        )  # fmt: skip
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

"""Settings of a feed that are changed after it was made."""

from datetime import UTC, datetime

import pytest

from ioc.errors import Invalid, NotFound
from ioc.store import feed_settings, feeds
from ioc.store.pool import ReadPool, WritePool, connect
from ioc.store.registry import Registry

NOW = datetime(2026, 11, 22, tzinfo=UTC)


async def test_the_named_settings_change_and_the_others_stay(
    database: str, pools: tuple[ReadPool, WritePool]
) -> None:
    async with await connect(database) as conn:
        agency, _ = await feeds.agency_key(conn, "so-y-te", NOW)
        await feeds.add(
            conn, id="beds", agency=agency, name="Giường", domain="health", format="auto",
            auto_series=True, now=NOW,
        )  # fmt: skip
        wanted = {
            "format": "mapped", "charset": "windows-1258", "number_format": "vietnamese",
            "late_limit": None, "most_series": 7, "interval": 300.0, "quarantine_bytes": 10,
            "quarantine_age": 60.0,
        }  # fmt: skip
        before, after = await feed_settings.change(conn, "beds", wanted, by="a")
        assert after == wanted
        assert (before["format"], before["late_limit"]) == ("auto", 604_800.0)
        await conn.commit()
    registry = Registry()
    await registry.load(pools[0])
    feed = registry.feed_by_id["beds"]
    assert (feed.name, feed.auto_series, feed.freshness) == ("Giường", True, None)
    assert {name: getattr(feed, name) for name in wanted if not name.startswith("quarantine")} == {
        name: value for name, value in wanted.items() if not name.startswith("quarantine")
    }


async def test_an_unknown_feed_and_an_unknown_setting_are_named(database: str) -> None:
    async with await connect(database) as conn:
        with pytest.raises(NotFound, match="nowhere"):
            await feed_settings.change(conn, "nowhere", {"format": "ioc"}, by="a")
        for settings in ({}, {"created_at": NOW}):
            with pytest.raises(Invalid, match="quarantine_age"):
                await feed_settings.change(conn, "nowhere", settings, by="a")

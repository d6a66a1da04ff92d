"""Loading a city again: what its files say of feeds holds, unless people changed it since."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ioc.city.finding import CityError
from ioc.city.read import packaged_city, read_city
from ioc.city.spec import City
from ioc.store import city as city_store
from ioc.store import feed_settings
from ioc.store.pool import connect
from tests.fixtures.store import rows_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)
FEED = """
[[feed]]
id = "mot-nguon"
agency = "so-y-te"
name = "Một nguồn"
domain = "health"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "city"
    shutil.copytree(packaged_city(), copy)
    return copy


def _with(folder: Path, more: str) -> City:
    """The packaged city with one feed more, as its files describe it."""
    packaged = (packaged_city() / "feeds.toml").read_text()
    (folder / "feeds.toml").write_text(packaged + FEED + more)
    return read_city(folder)


async def _load(database: str, city: City) -> None:
    async with await connect(database) as conn:
        await city_store.load(conn, city, now=NOW, demo=True)


async def _held(database: str) -> list[tuple[object, ...]]:
    return await rows_of(
        database,
        "SELECT quarantine_bytes, quarantine_age_s, interval_s, time_zone, changed_by FROM feed "
        "WHERE id = 'mot-nguon'",
    )


async def test_the_settings_of_a_feed_follow_its_file(database: str, folder: Path) -> None:
    await _load(database, _with(folder, ""))
    assert await _held(database) == [
        (67_108_864, 2_592_000.0, None, "Asia/Ho_Chi_Minh", "city")
    ]  # fmt: skip
    more = 'quarantine_bytes = 1000\nquarantine_age = "P3D"\ninterval = "PT5M"\ntime_zone = "UTC"\n'
    await _load(database, _with(folder, more))
    assert await _held(database) == [(1000, 259_200.0, 300.0, "UTC", "city")]


async def test_what_was_changed_of_a_feed_in_the_product_is_named_first(
    database: str, folder: Path
) -> None:
    city = _with(folder, "")
    await _load(database, city)
    async with await connect(database) as conn:
        assert await city_store.changed_in_product(conn, city) == []
        await feed_settings.change(conn, "mot-nguon", {"interval": 60.0}, by="quantri")
        assert await city_store.changed_in_product(conn, city) == ["feed mot-nguon"]
    await _load(database, city)
    assert (await _held(database))[0][2:] == (None, "Asia/Ho_Chi_Minh", "city")


def test_bounds_of_a_quarantine_that_make_no_sense_are_named(folder: Path) -> None:
    with pytest.raises(CityError) as found:
        _with(folder, 'quarantine_bytes = -1\nquarantine_age = "PT0S"\n')
    said = [str(finding) for finding in found.value.findings]
    assert any("quarantine_bytes" in s for s in said)

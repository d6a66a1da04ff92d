"""What a city says of its store: the rate to expect, compression, and how long data are kept."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from ioc.city.finding import CityError
from ioc.city.read import read_city
from ioc.city.store import LEAST_PER_DAY
from ioc.model import Domain

SHIPPED = Path(__file__).parents[2] / "city"


def _city(tmp_path: Path, store: str) -> Path:
    root = Path(shutil.copytree(SHIPPED, tmp_path / "city"))
    text = (root / "city.toml").read_text()
    (root / "city.toml").write_text(text[: text.index("[store]")] + store)
    return root


def test_the_shipped_city_keeps_traffic_for_a_time_and_health_for_ever() -> None:
    store = read_city(SHIPPED).store
    assert store.keep[Domain.TRAFFIC] == timedelta(days=400)
    assert Domain.HEALTH not in store.keep


def test_the_rate_is_counted_from_the_feeds_unless_it_is_given(tmp_path: Path) -> None:
    counted = read_city(SHIPPED)
    by_hand = sum(
        86_400 / (series.interval or feed.interval or 0)
        for feed in counted.feeds
        for series in feed.series
        if series.interval or feed.interval
    )
    assert counted.store.observations_per_day == max(LEAST_PER_DAY, by_hand)
    given = read_city(_city(tmp_path, "[store]\nobservations_per_day = 5e6\n"))
    assert given.store.observations_per_day == 5e6


def test_a_city_that_says_nothing_keeps_all(tmp_path: Path) -> None:
    store = read_city(_city(tmp_path, "")).store
    assert store.keep == {}
    assert store.compress_after == timedelta(days=14)


@pytest.mark.parametrize(
    ("said", "path", "message"),
    [
        ('keep = { trafic = "P9D" }', "store.keep.trafic", "no domain is called 'trafic'"),
        ('keep = { traffic = "PT1H" }', "store.keep.traffic", "less than a day"),
        ('keep = { traffic = "90 days" }', "store.keep.traffic", "not an ISO 8601 duration"),
        ('compress_after = "PT0S"', "store.compress_after", "not positive"),
        ("observations_per_day = 0", "store.observations_per_day", "> 0"),
        ("retention = 5", "store.retention", ""),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    tmp_path: Path, said: str, path: str, message: str
) -> None:
    with pytest.raises(CityError) as raised:
        read_city(_city(tmp_path, f"[store]\n{said}\n"))
    [finding] = raised.value.findings
    assert (finding.file, finding.path) == ("city.toml", path)
    assert message in finding.message
    assert finding.line


def test_a_domain_is_kept_longer_than_its_feeds_may_be_late(tmp_path: Path) -> None:
    root = _city(tmp_path, '[store.keep]\ntraffic = "P5D"\n')
    feeds = (root / "feeds.toml").read_text()
    limited = feeds.replace('\nlate_limit = "none"', '\nlate_limit = "P7D"', 1)
    (root / "feeds.toml").write_text(limited)
    with pytest.raises(CityError, match="less than the late limit of feed giao-thong"):
        read_city(root)

"""What `city.toml` says of the store: the rate to expect, compression, and how long to keep."""

from datetime import timedelta
from typing import Final

from ioc.city.decode import decode_table
from ioc.city.feeds import Feeds
from ioc.city.finding import Spot
from ioc.city.folder import Folder
from ioc.city.spec import CityFeed, CityStore, StoreSpec
from ioc.model import Domain

DAY: Final = 86_400.0

LEAST_PER_DAY: Final = 100_000.0
"""What is expected at least; feeds come and grow after the first day."""


def read_store(folder: Folder, feeds: Feeds) -> CityStore:
    """The table [store], with the rate of the described series where none is given."""
    content, file = folder.toml("city.toml")
    at = file / "store"
    spec = decode_table(StoreSpec, content.get("store", {}), at) or StoreSpec()
    if spec.compress_after <= timedelta(0):
        (at / "compress_after").report("is not positive")
    keep: dict[Domain, timedelta] = {}
    for name, kept in spec.keep.items():
        if name in set(Domain):
            keep[Domain(name)] = kept
            _check_kept(Domain(name), kept, feeds, at / "keep" / name)
        else:
            (at / "keep" / name).unknown("domain", name, list(Domain))
    per_day = spec.observations_per_day or max(LEAST_PER_DAY, sum(map(_per_day, feeds.good)))
    return CityStore(observations_per_day=per_day, compress_after=spec.compress_after, keep=keep)


def _check_kept(domain: Domain, kept: timedelta, feeds: Feeds, at: Spot) -> None:
    if kept < timedelta(days=1):
        at.report("is less than a day", 'write such as "P400D"')
    for feed in feeds.good:
        if feed.domain == domain and feed.late_limit and feed.late_limit > kept.total_seconds():
            at.report(f"is less than the late limit of feed {feed.id}: it would go as it comes")


def _per_day(feed: CityFeed) -> float:
    intervals = [series.interval or feed.interval for series in feed.series]
    return sum(DAY / interval for interval in intervals if interval)

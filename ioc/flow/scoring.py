"""Keeps the daily scores of the feeds in step with what is stored, and today's at hand."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from ioc.clock import Clock
from ioc.live.latest import NEVER, Latest
from ioc.model import Feed, from_micros, to_micros
from ioc.quality.plausible import FOR_EVER
from ioc.quality.score import Counts, Today, counts, total
from ioc.store import plausibility, quality
from ioc.store.pool import ReadPool, WritePool
from ioc.store.registry import Registry

log = logging.getLogger(__name__)

MOST_BACK: Final = timedelta(days=30)
"""Days that a feed lacks are made up for at most that far back."""

MOST_DIRTY: Final = 500

AT_ONCE: Final = 40
"""Feeds and days that one statement counts."""

CLOSES_AFTER: Final = timedelta(hours=1)
"""What was received in the last moments of a day has been committed long before."""


class Scoring:
    """Counts the four words of every feed: today again and again, past days when they change."""

    def __init__(
        self,
        *,
        registry: Registry,
        latest: Latest,
        reads: ReadPool,
        writes: WritePool,
        clock: Clock,
        zone: str,
    ) -> None:
        """Start knowing nothing; days are those of `zone`."""
        self._registry = registry
        self._latest = latest
        self._reads = reads
        self._writes = writes
        self._clock = clock
        self._zone = ZoneInfo(zone)
        self._kept: dict[int, int] = {}
        self._today = Today()

    async def load(self) -> None:
        """Bring into memory which newest values are suspect, and how long they have stood."""
        latest = self._latest
        for series, at, flags in await plausibility.newest_flags(self._reads):
            latest.reserve(series)
            if latest.time[series] == to_micros(at):
                latest.flags[series] = flags
        for series, value, since in await plausibility.runs(self._reads):
            latest.reserve(series)
            self._kept[series] = to_micros(since)
            if latest.value[series] == value:
                latest.since[series] = to_micros(since)

    def today(self) -> Today:
        """The counts of the running day by agency."""
        return self._today

    async def refresh(self) -> None:
        """Count today and all days that are not closed or have been changed since."""
        now = self._clock.now()
        await self._keep_runs()
        today = now.astimezone(self._zone).date()
        dirty = await quality.take_dirty(self._writes, MOST_DIRTY)
        wanted = list(dict.fromkeys([*await self._open(today), *dirty]))
        known = [(key, day) for key, day in wanted if key in self._registry.feeds]
        found: dict[tuple[int, date], Counts] = {}
        for place in range(0, len(known), AT_ONCE):
            found |= await self._count(known[place : place + AT_ONCE], now)
        if dirty:
            await quality.forget_dirty(self._writes, dirty)
        running = {key: each for (key, day), each in found.items() if day == today}
        self._today = Today(now, self._by_agency(running))

    async def _open(self, today: date) -> list[tuple[int, date]]:
        """Today and the days before it that were not counted after their end, by feed."""
        closed = await quality.last_closed(self._reads)
        found: list[tuple[int, date]] = []
        for feed in self._registry.feeds.values():
            made = feed.created_at.astimezone(self._zone).date()
            last = closed.get(feed.key)
            first = made if last is None else last + timedelta(days=1)
            day = min(max(first, today - MOST_BACK), today)
            while day <= today:
                found.append((feed.key, day))
                day += timedelta(days=1)
        return found

    async def _count(
        self, wanted: Iterable[tuple[int, date]], now: datetime
    ) -> dict[tuple[int, date], Counts]:
        days = [self._day(self._registry.feeds[key], day, now) for key, day in wanted]
        tallies = await quality.tally(self._reads, days, now)
        found = {key: counts(each) for key, each in tallies.items()}
        await quality.put_days(self._writes, found, days, now)
        return found

    def _day(self, feed: Feed, day: date, now: datetime) -> quality.FeedDay:
        since, until = (
            datetime.combine(at, time(), self._zone).astimezone(UTC)
            for at in (day, day + timedelta(days=1))
        )
        return quality.FeedDay(
            feed=feed.key,
            day=day,
            since=since,
            until=until,
            closed=now >= until + CLOSES_AFTER,
            created_at=feed.created_at,
            fresh=feed.stale_after,
            interval=feed.interval,
        )

    def _by_agency(self, found: Mapping[int, Counts]) -> dict[str, Counts]:
        parts: dict[str, list[Counts]] = defaultdict(list)
        for key, each in found.items():
            parts[self._registry.feeds[key].agency].append(each)
        return {agency: total(each) for agency, each in parts.items()}

    async def _keep_runs(self) -> None:
        """Keep runs that have lasted a good part of their limit; shorter ones may be lost."""
        latest, flat = self._latest, self._registry.limits.flat
        size = min(len(flat), len(latest.since))
        watched = np.flatnonzero((flat[:size] < FOR_EVER) & (latest.since[:size] != NEVER))
        lasted = latest.time[watched] - latest.since[watched]
        long = watched[lasted > flat[watched] // 4]
        running = dict(zip(long.tolist(), latest.since[long].tolist(), strict=True))
        begun = [
            (series, float(latest.value[series]), from_micros(since))
            for series, since in running.items()
            if self._kept.get(series) != since
        ]
        ended = [series for series in self._kept if series not in running]
        if begun or ended:
            await plausibility.keep_runs(self._writes, begun, ended)
            self._kept = running

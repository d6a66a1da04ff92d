"""Flags beside the observations, and daily scores that late data opens again."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from ioc.flow.scoring import Scoring
from ioc.live.latest import Latest
from ioc.model import Domain, Feed, Flag, Series, SeriesId, to_micros
from ioc.quality.plausible import PropertyLimits
from ioc.quality.score import Counts
from ioc.store import plausibility, quality
from ioc.store.pool import ReadPool, WritePool
from ioc.store.registry import Registry
from ioc.store.writer import BatchWriter
from tests.fixtures.store import ZONE, a_feed_key, a_part, a_province, real_series, rows_of

Pools = tuple[ReadPool, WritePool]

DAY = date(2026, 11, 21)
MIDNIGHT = datetime(2026, 11, 20, 17, tzinfo=UTC)
"""Where that day begins in Vietnam."""

HOUR = timedelta(hours=1)
LIMITS = PropertyLimits(property="p", low=0, high=100, rate=10, flat=7200)


class Hand:
    """A clock that is set by hand."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


class Place:
    """A feed with two series of an hour each, its writer and its scores."""

    def __init__(self, database: str, pools: Pools, feed: int, series: list[int]) -> None:
        self.database, self.pools, self.feed, self.series = database, pools, feed, series
        self.clock = Hand(MIDNIGHT)
        self.start()

    def start(self) -> None:
        """All that is in memory made anew, as by a process that starts."""
        self.registry, self.latest = Registry(), Latest()
        self.registry.property_limits = {"p": LIMITS}
        feed = Feed(
            key=self.feed, id="f", agency="so-y-te", agency_key=1, name="f", domain="health",  # pyright: ignore
            interval=3600.0, freshness=7200.0, created_at=MIDNIGHT,
        )  # fmt: skip
        self.registry.feeds = {self.feed: feed}
        for id in self.series:
            one = Series(
                id=SeriesId(id), feed_key=self.feed, key=str(id), feature="f", property="p"
            )
            self.registry.limits.put(one, LIMITS)
        self.latest.reserve(max(self.series))
        self.writer = BatchWriter(self.database, self.latest, self.registry.limits)
        self.scoring = Scoring(
            registry=self.registry, latest=self.latest, reads=self.pools[0], writes=self.pools[1],
            clock=self.clock, zone=ZONE,
        )  # fmt: skip

    async def store(
        self,
        rows: Iterable[tuple[int, float, float]],
        at: float | None = None,
        quarantined: int = 0,
        late: int = 0,
    ) -> None:
        """Rows of (which series, hour, value), received half a minute later or at an hour."""
        for which, hour, value in rows:
            time = MIDNIGHT + hour * HOUR
            received = time + timedelta(seconds=30) if at is None else MIDNIGHT + at * HOUR
            self.clock.at = max(received, self.clock.at)
            row = (self.series[which], to_micros(time), value)
            await self.writer.flush(
                [
                    a_part(
                        self.feed, [row], received_at=received, quarantined=quarantined, late=late
                    )
                ],
                self.clock.now(),
            )

    async def flags(self) -> list[tuple[int, float, int]]:
        """Which series and hours are flagged, and how."""
        found = await rows_of(
            self.database,
            "SELECT series_id, phenomenon_time, flags FROM observation_flag ORDER BY 1, 2",
        )
        return [(self.series.index(s), (at - MIDNIGHT) / HOUR, flags) for s, at, flags in found]

    async def score(self, hour: float, day: date = DAY) -> Counts:
        """The scores of a day as they stand at an hour."""
        self.clock.at = MIDNIGHT + hour * HOUR
        await self.scoring.refresh()
        found = await quality.days(self.pools[0], [self.feed], since=day, until=day)
        assert len(found) == 1
        return found[0].counts


@pytest.fixture
async def place(database: str, pools: Pools):
    await a_province(database)
    feed = await a_feed_key(database, interval=3600.0, freshness=7200.0)
    await rows_of(database, "UPDATE feed SET created_at = %s WHERE feed_key = %s", MIDNIGHT, feed)
    series = await real_series(database, feed, "a", "b")
    await rows_of(database, "UPDATE series SET interval_s = 3600 WHERE feed_key = %s", feed)
    made = Place(database, pools, feed, series)
    yield made
    await made.writer.close()


async def test_an_implausible_value_is_stored_and_flagged(place: Place) -> None:
    await place.store([(0, 1, 50), (0, 2, 999), (0, 3, 50), (1, 1, -1)])
    assert await place.flags() == [(0, 2, Flag.RANGE | Flag.RATE), (1, 1, Flag.RANGE)]
    stored = await rows_of(place.database, "SELECT count(*) FROM observation")
    assert stored == [(4,)]


async def test_a_duplicate_changes_no_flag_and_a_correction_clears_it(place: Place) -> None:
    await place.store([(0, 1, 50), (0, 2, 999), (0, 2, 999)])
    assert [flags for *_, flags in await place.flags()] == [3]
    await place.store([(0, 2, 51)])
    assert await place.flags() == []
    assert not place.latest.flags.any()


async def test_a_correction_can_make_a_value_implausible(place: Place) -> None:
    await place.store([(0, 1, 50), (0, 2, 51)])
    await place.store([(0, 1, 101)])
    assert await place.flags() == [(0, 1, Flag.RANGE)]
    await place.store([(0, 1, 102)])
    assert await place.flags() == [(0, 1, Flag.RANGE)]


async def test_flags_and_runs_of_equal_values_survive_a_restart(place: Place) -> None:
    await place.store([(0, 1, 5), (0, 2, 5), (0, 3, 5), (1, 3, 400)])
    assert await place.flags() == [(1, 3, Flag.RANGE)]
    await place.score(3.5)
    newest = {s: (place.latest.time[s], place.latest.value[s]) for s in place.series}
    await place.writer.close()
    place.start()
    for series, (time, value) in newest.items():
        place.latest.time[series], place.latest.value[series] = time, value
    await place.scoring.load()
    assert place.latest.flags[place.series].tolist() == [0, Flag.RANGE]
    await place.store([(0, 4, 5)])
    assert (0, 4, Flag.FLAT) in await place.flags()


async def test_a_run_that_ended_is_forgotten(place: Place) -> None:
    await place.store([(0, 1, 5), (0, 2, 5)])
    await place.score(2.5)
    assert await rows_of(place.database, "SELECT value FROM value_run") == [(5.0,)]
    await place.store([(0, 3, 6)])
    await place.score(3.5)
    assert await rows_of(place.database, "SELECT value FROM value_run") == []


async def test_the_scores_of_a_day_are_those_of_its_counts(place: Place) -> None:
    await place.store([(0, hour, 50 + hour % 2) for hour in range(24)])
    await place.store([(1, hour, 50 + hour % 2) for hour in range(12)])
    await place.store([(1, 12, 51), (1, 11, 51), (1, 11, 50)], at=18)
    await place.store([(1, 13, 101)], quarantined=2)
    found = await place.score(23.99)
    # 38 new rows, two of them suspect by range or jump, one correction, three in quarantine.
    flagged = await place.flags()
    assert found.right_of == 38 + 1 + 2
    assert found.right == 39 - len(flagged)
    # An hour of grace for the newest: 22 hours are due of each series at 23:59.
    assert found.of("complete") == (22 + 14, 44)
    assert found.of("clean") == (38 + 2, 38 + 2 + 2)
    # What was received at 18:00 for 12:00 was not in time; the duplicate and correction of 11:00
    # are one row, whose last arrival counts.
    assert found.live_of == 38
    assert found.live == 36


async def test_a_feed_is_expected_from_when_it_was_made(place: Place) -> None:
    await rows_of(
        place.database, "UPDATE feed SET created_at = %s WHERE feed_key = %s",
        MIDNIGHT + 20 * HOUR, place.feed,
    )  # fmt: skip
    place.registry.feeds = {
        place.feed: _made(place.registry.feeds[place.feed], MIDNIGHT + 20 * HOUR)
    }
    assert (await place.score(24.5)).of("complete") == (0, 6)
    # It turns out that it has a past: the day is expected from its first observation on.
    await place.store([(0, hour, 50) for hour in range(16, 24)], at=24.6)
    found = await place.score(25)
    assert found.of("complete") == (8, 16)
    # That past was not sent live, and could not be; what is of the feed's own time was late.
    assert found.of("live") == (1, 4)


def _made(feed: Feed, at: datetime) -> Feed:
    return Feed(**{**{n: getattr(feed, n) for n in feed.__struct_fields__}, "created_at": at})


async def test_late_data_opens_a_day_again(place: Place) -> None:
    await place.store([(0, hour, 50) for hour in range(24)])
    assert (await place.score(25.5)).of("complete") == (24, 48)
    closed = await rows_of(
        place.database, "SELECT closed, computed_at FROM quality_day WHERE day = %s", DAY
    )
    assert closed == [(True, MIDNIGHT + 25.5 * HOUR)]
    await place.score(30)
    assert closed == await rows_of(
        place.database, "SELECT closed, computed_at FROM quality_day WHERE day = %s", DAY
    )
    await place.store([(1, hour, 50) for hour in range(24)], at=31)
    found = await place.score(31.5)
    assert found.of("complete") == (48, 48)
    assert found.of("live") == (24, 48)
    assert await rows_of(place.database, "SELECT count(*) FROM quality_dirty") == [(0,)]


async def test_a_correction_of_a_day_that_is_over_mends_its_score(place: Place) -> None:
    await place.store([(0, 1, 50), (0, 2, 999)])
    assert (await place.score(26)).of("right") == (1, 2)
    await place.store([(0, 2, 51)], at=27)
    assert (await place.score(27.5)).of("right") == (2, 2)


async def test_a_mark_that_comes_during_a_count_outlives_it(place: Place) -> None:
    await place.store([(0, 1, 50)], at=26)
    _, writes = place.pools
    taken = await quality.take_dirty(writes, 10)
    assert taken == [(place.feed, DAY)]
    await place.store([(0, 2, 50)], at=26.1)
    await quality.forget_dirty(writes, taken)
    assert await quality.take_dirty(writes, 10) == taken
    await quality.forget_dirty(writes, taken)
    assert await quality.take_dirty(writes, 10) == []


async def test_days_on_which_nothing_ran_are_made_up_for(place: Place) -> None:
    await place.score(1)
    await place.score(24 * 3 + 2)
    days = await rows_of(place.database, "SELECT day, complete, complete_of FROM quality_day")
    assert sorted(days)[:3] == [(DAY + timedelta(days=n), 0, 48) for n in range(3)]
    assert len(days) == 4


async def test_a_feed_without_interval_or_freshness_has_two_words(
    place: Place, database: str
) -> None:
    other = await a_feed_key(database)
    place.registry.feeds[other] = Feed(
        key=other, id="o", agency="so-y-te", agency_key=1, name="o", domain="service",  # pyright: ignore
        created_at=MIDNIGHT,
    )  # fmt: skip
    await place.store([(0, 1, 50)])
    await place.score(2.5)
    found = await quality.days(place.pools[0], [other], since=DAY, until=DAY)
    assert found[0].counts == Counts(right=0, right_of=0, clean=0, clean_of=0)
    today = place.scoring.today()
    assert today.at == place.clock.now()
    assert today.counts["so-y-te"].of("complete") == (1, 2)


async def test_what_is_refused_as_late_is_not_live(place: Place) -> None:
    await place.store([(0, 1, 50), (0, 2, 50)], late=3)
    found = await place.score(3.5)
    assert found.of("live") == (2, 8)
    assert found.of("clean") == (8, 8)


def _feed_of(key: int, **more: Any) -> Feed:
    return Feed(
        key=key, id="o", agency="so-xay-dung", agency_key=1, name="o", domain=Domain.SERVICE,
        created_at=MIDNIGHT, **more,
    )  # fmt: skip


async def _other(place: Place, hour: float, key: int) -> Counts:
    place.clock.at = MIDNIGHT + hour * HOUR
    await place.scoring.refresh()
    [found] = await quality.days(place.pools[0], [key], since=DAY, until=DAY)
    return found.counts


async def test_a_feed_that_declares_an_interval_and_never_sent_anything_is_not_complete(
    place: Place, database: str
) -> None:
    key = await a_feed_key(database)
    place.registry.feeds[key] = _feed_of(key, interval=1800.0)
    assert (await _other(place, 6, key)).of("complete") == (0, 11)
    assert (await _other(place, 26, key)).of("complete") == (0, 48)
    place.registry.feeds[key] = _feed_of(key, interval=7 * 86400.0)
    assert (await _other(place, 6, key)).of("complete") == (None, None)


async def test_a_feed_without_series_of_numbers_is_expected_to_bring_what_one_would(
    place: Place, database: str
) -> None:
    key = await a_feed_key(database)
    place.registry.feeds[key] = _feed_of(key, interval=3600.0)
    [series] = await real_series(database, key, "state")
    await rows_of(database, "UPDATE series SET value_kind = 'text' WHERE series_id = %s", series)
    texts = [(series, to_micros(MIDNIGHT + n * HOUR), f"trạng thái {n}") for n in range(3)]
    part = a_part(key, text=texts, received_at=MIDNIGHT + 2 * HOUR)
    await place.writer.flush([part], MIDNIGHT + 2 * HOUR)
    assert (await _other(place, 6, key)).of("complete") == (3, 5)


async def test_an_interval_that_is_declared_later_holds_for_series_that_have_none(
    place: Place, database: str
) -> None:
    await rows_of(database, "UPDATE series SET interval_s = NULL WHERE feed_key = %s", place.feed)
    await place.store([(0, hour, 50) for hour in range(1, 6)])
    assert (await place.score(6)).of("complete") == (5, 10)


async def test_the_flags_of_a_series_are_read_by_time(place: Place) -> None:
    await place.store([(0, 1, 50), (0, 2, 999), (0, 5, -5)])
    until = MIDNIGHT + 5 * HOUR
    found = await plausibility.flags_of(
        place.pools[0], place.series[0], since=MIDNIGHT, until=until
    )
    assert found == [(MIDNIGHT + 2 * HOUR, Flag.RANGE | Flag.RATE)]


async def test_many_flags_are_kept_in_one_statement(place: Place) -> None:
    rows = [
        (place.series[0], to_micros(MIDNIGHT) + n * 1_000_000, 1000.0 + n % 7) for n in range(5000)
    ]
    await place.writer.flush([a_part(place.feed, rows)], MIDNIGHT + 24 * HOUR)
    assert await rows_of(place.database, "SELECT count(*) FROM observation_flag") == [(5000,)]
    assert np.count_nonzero(place.latest.flags) == 1

"""Rhythms learned from the store: each hour once it is over, the same after a restart."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from alerts.rhythm import HOUR
from alerts.rule import Deviation
from alerts.selection import SeriesFacts
from ioc.flow.rhythms import Rhythms
from ioc.model import Columns, Domain, Severity, Text, to_micros
from ioc.store import observations
from ioc.store.pool import ReadPool, WritePool
from ioc.store.writer import BatchWriter
from tests.fixtures.store import NOW, ZONE, a_feed_key, a_part, some_series

BEGAN = datetime(2026, 10, 5, tzinfo=ZoneInfo(ZONE))
START = to_micros(BEGAN)
MINUTE = HOUR // 60
RULE = Deviation(
    id="r", name=Text("r", "r"), severity=Severity.LOW, domain=Domain.TRAFFIC,
    observed_property="speed", above=8.0,
)  # fmt: skip

Pools = tuple[ReadPool, WritePool]
Row = tuple[int, int, float]


def facts_of(series: list[int], prop: str = "speed") -> list[SeriesFacts]:
    return [
        SeriesFacts(series_id=one, feed_key=1, domain=Domain.TRAFFIC, property=prop)
        for one in series
    ]


def watching(series: list[int]) -> Rhythms:
    made = Rhythms(ZoneInfo(ZONE), "plain")
    made.watch([RULE], facts_of(series))
    return made


def hours_of(series: list[int], first: int, last: int) -> list[Row]:
    """Values every 10 minutes that differ by series, hour and minute, always the same."""
    return [
        (one, START + hour * HOUR + part * 10 * MINUTE,
         50.0 + one % 7 + hour % 24 + (hour * 31 + part * 7 + one) % 11 / 3)
        for hour in range(first, last) for part in range(6) for one in series
    ]  # fmt: skip


def columns(rows: list[Row]) -> Columns:
    series, times, values = zip(*rows, strict=True)
    return Columns(np.array(series, np.int32), np.array(times), np.array(values))


def judged(rhythms: Rhythms, rows: list[Row]) -> list[float]:
    found = columns(rows)
    return rhythms.spreads(found.series.astype(np.int64), found.time, found.value).tolist()


def after(hour: int, minutes: int = 0) -> datetime:
    return BEGAN + timedelta(hours=hour, minutes=minutes)


async def learn_all(rhythms: Rhythms, reads: ReadPool, now: datetime) -> None:
    while await rhythms.learn_some(reads, now):
        pass


async def stored(database: str, writer: BatchWriter, rows: list[Row]) -> list[Row]:
    feed = await a_feed_key(database, late_limit=None)
    await writer.flush([a_part(feed, rows)], NOW)
    return rows


async def test_a_restart_changes_no_answer_also_after_late_data(
    database: str, writer: BatchWriter, pools: Pools
) -> None:
    series = some_series(3)
    await stored(database, writer, hours_of(series, 0, 200))
    lived = watching(series)
    await lived.begin(pools[0], {}, after(200))
    late = (series[0], START + 202 * HOUR + MINUTE, 500.0)
    for hour in range(200, 209):
        rows = await stored(database, writer, hours_of(series, hour, hour + 1))
        lived.heard(columns(rows))
        judged(lived, rows)
        if hour == 205:
            lived.heard(columns(await stored(database, writer, [late])))
        await learn_all(lived, pools[0], after(hour + 1, 20))
    now = after(209, 20)
    begun = watching(series)
    newest = dict.fromkeys(series, START + 208 * HOUR + 50 * MINUTE)
    await begun.begin(pools[0], newest, now)
    probe = [(one, START + 209 * HOUR + 10 * MINUTE, 20.0) for one in series]
    answers = judged(lived, probe)
    assert np.isfinite(answers).all()
    np.testing.assert_allclose(answers, judged(begun, probe), rtol=1e-5)


async def test_an_hour_is_learned_only_after_its_end_and_a_margin(
    database: str, writer: BatchWriter, pools: Pools
) -> None:
    series = some_series(1)
    await stored(database, writer, hours_of(series, 0, 72))
    # Three values of one hour of the day are needed, of which the last is in hour 71.
    probe = [(series[0], START + 95 * HOUR, 20.0)]
    rhythms = watching(series)
    await learn_all(rhythms, pools[0], after(72, 14))
    assert np.isnan(judged(rhythms, probe)).all()
    await learn_all(rhythms, pools[0], after(72, 16))
    assert np.isfinite(judged(rhythms, probe)).all()


async def test_nothing_is_said_of_what_no_rule_watches_or_what_is_too_young(
    database: str, writer: BatchWriter, pools: Pools
) -> None:
    watched, other = some_series(2)
    await stored(database, writer, hours_of([watched, other], 0, 71))
    rhythms = Rhythms(ZoneInfo(ZONE), "plain")
    rhythms.watch([RULE], facts_of([watched]) + facts_of([other], "occupancy"))
    assert len(rhythms) == 1
    await rhythms.begin(pools[0], {}, after(71, 20))
    assert np.isnan(judged(rhythms, hours_of([watched, other], 71, 72))).all()
    await stored(database, writer, hours_of([watched], 71, 72))
    await learn_all(rhythms, pools[0], after(72, 20))
    assert np.isfinite(judged(rhythms, hours_of([watched], 72, 73))).all()


async def test_a_value_that_two_rules_look_at_is_smoothed_once(
    database: str, writer: BatchWriter, pools: Pools
) -> None:
    series = some_series(2)
    await stored(database, writer, hours_of(series, 0, 100))
    once, twice = watching(series), watching(series)
    for rhythms in (once, twice):
        await rhythms.begin(pools[0], {}, after(100, 20))
    rows = hours_of(series, 100, 101)
    doubled = [row for row in rows for _ in range(2)]
    assert judged(twice, doubled)[::2] == judged(once, rows)


async def test_hourly_means_are_those_of_the_observations(
    database: str, writer: BatchWriter, pools: Pools
) -> None:
    series = some_series(2)
    await stored(database, writer, hours_of(series, 0, 30))
    found: dict[tuple[int, int], float] = {}
    async for means in observations.hourly_means(
        pools[0], series, since=after(2), until=after(29), zone=ZoneInfo(ZONE), store="plain"
    ):
        keys = zip(means.series.tolist(), means.time.tolist(), strict=True)
        found |= dict(zip(keys, means.value.tolist(), strict=True))
    assert BEGAN.astimezone(UTC).minute == 0
    assert set(found) == {(one, START + hour * HOUR) for one in series for hour in range(2, 29)}
    hour = [row[2] for row in hours_of(series[:1], 7, 8)]
    assert abs(found[series[0], START + 7 * HOUR] - sum(hour) / 6) < 1e-9

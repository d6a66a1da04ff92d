"""Buckets: a day is a Vietnamese day, a week begins on its Monday, and gaps stay gaps."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.model import from_micros, to_micros
from ioc.store import observations
from ioc.store.pool import ReadPool, WritePool
from ioc.store.writer import BatchWriter
from tests.fixtures.store import NOW, ZONE, a_feed_key, a_part, some_series

VIETNAM = ZoneInfo(ZONE)
MIDNIGHT = datetime(2026, 11, 17, tzinfo=VIETNAM)
FIRST, LAST = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


async def _buckets(
    pools: tuple[ReadPool, WritePool], series: int, width: timedelta
) -> list[tuple[datetime, float, float, float, int]]:
    found = await observations.buckets(
        pools[0], series, since=FIRST, until=LAST, width=width, zone=ZONE
    )
    return [(b.start.astimezone(VIETNAM), b.mean, b.low, b.high, b.observed) for b in found]


async def _store(database: str, writer: BatchWriter, rows: list[tuple[datetime, float]]) -> int:
    [series] = some_series(1)
    feed = await a_feed_key(database)
    await writer.flush([a_part(feed, [(series, to_micros(t), v) for t, v in rows])], NOW)
    return series


@pytest.mark.parametrize(
    ("width", "starts"),
    [
        (timedelta(minutes=15), ["2026-11-16T23:45", "2026-11-17T00:00"]),
        (timedelta(hours=1), ["2026-11-16T23:00", "2026-11-17T00:00"]),
        (timedelta(days=1), ["2026-11-16T00:00", "2026-11-17T00:00"]),
        (timedelta(days=7), ["2026-11-16T00:00"]),
    ],
)
async def test_a_bucket_begins_by_the_clock_of_vietnam(
    database: str, writer: BatchWriter, pools: tuple[ReadPool, WritePool],
    width: timedelta, starts: list[str],
) -> None:  # fmt: skip
    series = await _store(
        database,
        writer,
        [(MIDNIGHT - timedelta(seconds=1), 1), (MIDNIGHT, 3), (MIDNIGHT + timedelta(minutes=1), 5)],
    )
    found = await _buckets(pools, series, width)
    assert [f"{row[0]:%Y-%m-%dT%H:%M}" for row in found] == starts
    assert found[-1][1:] == ((3.0, 1.0, 5.0, 3) if len(starts) == 1 else (4.0, 3.0, 5.0, 2))


async def test_a_week_changes_at_midnight_before_its_monday(
    database: str, writer: BatchWriter, pools: tuple[ReadPool, WritePool]
) -> None:
    monday = datetime(2026, 11, 23, tzinfo=VIETNAM)
    series = await _store(database, writer, [(monday - timedelta(microseconds=1), 1), (monday, 2)])
    found = await _buckets(pools, series, timedelta(days=7))
    assert [row[0] for row in found] == [monday - timedelta(days=7), monday]


_WIDTHS = [timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6), timedelta(days=1),
           timedelta(days=7), timedelta(days=2)]  # fmt: skip


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.dictionaries(
        st.integers(to_micros(FIRST), to_micros(LAST) - 1), st.integers(0, 9), min_size=1,
        max_size=12,
    ),
    st.sampled_from(_WIDTHS),
)  # fmt: skip
async def test_every_observation_is_in_one_bucket_and_no_bucket_is_empty(
    database: str, writer: BatchWriter, pools: tuple[ReadPool, WritePool],
    held: dict[int, int], width: timedelta,
) -> None:  # fmt: skip
    series = await _store(database, writer, [(from_micros(t), float(v)) for t, v in held.items()])
    origin = datetime(2024, 1, 1, tzinfo=VIETNAM)
    expected: dict[datetime, list[int]] = {}
    for time, value in held.items():
        start = origin + (from_micros(time) - origin) // width * width
        expected.setdefault(start, []).append(value)
    found = await _buckets(pools, series, width)
    assert {row[0]: row[4] for row in found} == {k: len(v) for k, v in expected.items()}
    for start, mean, low, high, _ in found:
        values = expected[start]
        assert mean == pytest.approx(sum(values) / len(values))
        assert (low, high) == (min(values), max(values))


async def test_raw_observations_come_oldest_first_up_to_the_limit(
    database: str, writer: BatchWriter, pools: tuple[ReadPool, WritePool]
) -> None:
    series = await _store(
        database, writer, [(MIDNIGHT + timedelta(hours=h), h) for h in (3, 1, 2, 0)]
    )
    found = await observations.raw(
        pools[0], series, since=MIDNIGHT, until=MIDNIGHT + timedelta(hours=3), limit=2
    )
    assert [row.mean for row in found] == [0, 1]

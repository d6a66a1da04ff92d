"""Buckets: a day is a Vietnamese day, a week begins on its Monday, gaps stay gaps, and count."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.api.deps import Facts
from ioc.api.series import get_observations
from ioc.auth.policy import Role, Subject
from ioc.errors import Invalid
from ioc.model import to_micros
from ioc.store import identity, observations
from ioc.store.buckets import Width, expected, parse_width
from ioc.store.city import NOTHING
from ioc.store.pool import ReadPool, WritePool, connect
from ioc.store.registry import Registry
from ioc.store.writer import BatchWriter
from tests.fixtures.store import (
    NOW,
    ZONE,
    a_feed_key,
    a_part,
    real_series,
    rows_of,
    some_series,
)

VIETNAM = ZoneInfo(ZONE)
MIDNIGHT = datetime(2026, 11, 17, tzinfo=VIETNAM)
FIRST, LAST = datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)


async def _buckets(
    pools: tuple[ReadPool, WritePool], series: int, width: Width
) -> list[tuple[datetime, float, float, float, int]]:
    found = await observations.buckets(
        pools[0], series, since=FIRST, until=LAST, width=width, zone=VIETNAM, store="plain"
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
        ("PT15M", ["2026-11-16T23:45", "2026-11-17T00:00"]),
        ("PT1H", ["2026-11-16T23:00", "2026-11-17T00:00"]),
        ("P1D", ["2026-11-16T00:00", "2026-11-17T00:00"]),
        ("P1W", ["2026-11-16T00:00"]),
    ],
)
async def test_a_bucket_begins_by_the_clock_of_vietnam(
    database: str, writer: BatchWriter, pools: tuple[ReadPool, WritePool],
    width: str, starts: list[str],
) -> None:  # fmt: skip
    series = await _store(
        database,
        writer,
        [(MIDNIGHT - timedelta(seconds=1), 1), (MIDNIGHT, 3), (MIDNIGHT + timedelta(minutes=1), 5)],
    )
    found = await _buckets(pools, series, parse_width(width))
    assert [f"{row[0]:%Y-%m-%dT%H:%M}" for row in found] == starts
    assert found[-1][1:] == ((3.0, 1.0, 5.0, 3) if len(starts) == 1 else (4.0, 3.0, 5.0, 2))


async def test_a_week_changes_at_midnight_before_its_monday(
    database: str, writer: BatchWriter, pools: tuple[ReadPool, WritePool]
) -> None:
    monday = datetime(2026, 11, 23, tzinfo=VIETNAM)
    series = await _store(database, writer, [(monday - timedelta(microseconds=1), 1), (monday, 2)])
    found = await _buckets(pools, series, parse_width("P7D"))
    assert [row[0] for row in found] == [monday - timedelta(days=7), monday]


async def test_raw_observations_come_oldest_first_up_to_the_limit(
    database: str, writer: BatchWriter, pools: tuple[ReadPool, WritePool]
) -> None:
    series = await _store(
        database, writer, [(MIDNIGHT + timedelta(hours=h), h) for h in (3, 1, 2, 0)]
    )
    found = await observations.raw(
        pools[0], series, since=MIDNIGHT, until=MIDNIGHT + timedelta(hours=3), limit=2
    )
    assert [value for _, value in found] == [0, 1]


async def test_texts_are_read_as_they_were_sent(
    database: str, writer: BatchWriter, pools: tuple[ReadPool, WritePool]
) -> None:
    [series], feed = some_series(1), await a_feed_key(database)
    rows = [(series, to_micros(MIDNIGHT + timedelta(hours=h)), f"gió {h}") for h in (2, 0, 1)]
    await writer.flush([a_part(feed, text=rows)], NOW)
    found = await observations.raw_text(
        pools[0], series, since=MIDNIGHT, until=MIDNIGHT + timedelta(hours=2), limit=9
    )
    assert [value for _, value in found] == ["gió 0", "gió 1"]


@pytest.mark.parametrize(
    ("width", "start", "end"),
    [
        ("PT15M", "2026-11-17T00:00", "2026-11-17T00:15"),
        ("P1D", "2026-12-31T00:00", "2027-01-01T00:00"),
        ("P1W", "2026-12-28T00:00", "2027-01-04T00:00"),
        ("P1M", "2028-02-01T00:00", "2028-03-01T00:00"),
        ("P3M", "2026-10-01T00:00", "2027-01-01T00:00"),
        ("P1Y", "2026-01-01T00:00", "2027-01-01T00:00"),
    ],
)
def test_a_bucket_ends_where_the_next_one_begins(width: str, start: str, end: str) -> None:
    ended = parse_width(width).end(datetime.fromisoformat(start).replace(tzinfo=VIETNAM), VIETNAM)
    assert ended == datetime.fromisoformat(end).replace(tzinfo=VIETNAM)


def test_a_day_on_which_the_clock_is_changed_has_its_own_length() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    day = parse_width("P1D")
    lengths = [
        day.end(start.astimezone(UTC), berlin) - start.astimezone(UTC)
        for start in (datetime(2026, 3, 29, tzinfo=berlin), datetime(2026, 10, 25, tzinfo=berlin))
    ]
    assert lengths == [timedelta(hours=23), timedelta(hours=25)]


@pytest.mark.parametrize("width", ["", "P", "PT", "P0D", "PT0S", "15m", "P1M1D", "P9999999D"])
def test_a_width_that_is_none_is_refused_with_examples(width: str) -> None:
    with pytest.raises(Invalid, match="PT15M"):
        parse_width(width)


async def _asked(
    url: str,
    reads: ReadPool,
    series: int,
    width: str | None,
    since: datetime,
    until: datetime,
    now: datetime,
) -> dict[str, Any]:
    """What the endpoint answers."""
    registry = Registry()
    await registry.load(reads)
    async with await connect(url) as conn:
        known = await identity.read(conn)
    facts = Facts(known, NOTHING, "0", ZONE, known.bounds)
    answered = await get_observations(
        series, Subject(role=Role.OPERATOR, name="x"), registry, reads, facts, now, since, until,
        width,
    )  # fmt: skip
    return msgspec.json.decode(answered.body)


_seconds = st.integers(0, 4 * 86_400)


@pytest.mark.timeout(300)
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    at=st.sets(_seconds, max_size=30),
    ends=st.lists(_seconds, min_size=2, max_size=2, unique=True).map(sorted),
    now=_seconds,
    interval=st.sampled_from([None, 60.0, 300.0, 420.0, 3_600.0, 100_000.0]),
)
async def test_the_coverage_of_a_time_is_the_same_for_every_width(
    database: str, writer: BatchWriter, pools: tuple[ReadPool, WritePool],
    at: set[int], ends: list[int], now: int, interval: float | None,
) -> None:  # fmt: skip
    feed = await a_feed_key(database)
    [series] = await real_series(database, feed, "a/x")
    await rows_of(
        database, "UPDATE series SET interval_s = %s WHERE series_id = %s", interval, series
    )
    start = MIDNIGHT - timedelta(hours=30)
    rows = [(series, to_micros(start + timedelta(seconds=one)), 1.0) for one in sorted(at)]
    await writer.flush([a_part(feed, rows)], NOW)
    since, until, clock = (start + timedelta(seconds=one) for one in (*ends, now))
    wanted = {
        "observed": sum(ends[0] <= one < ends[1] for one in at),
        "expected": None if interval is None else len(
            range(ends[0], min(ends[1], now), int(interval))
        ),
    }  # fmt: skip
    for width in (None, "PT1M", "PT1H", "PT7H", "P1D", "P1W"):
        answered = await _asked(database, pools[0], series, width, since, until, clock)
        assert answered["coverage"] == wanted, width


async def test_the_coverage_of_what_is_read_in_parts_is_of_each_part(
    database: str, writer: BatchWriter, pools: tuple[ReadPool, WritePool],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("ioc.api.series.MOST_POINTS", 10)
    feed = await a_feed_key(database, interval=60.0)
    [series] = await real_series(database, feed, "a/x")
    times = [MIDNIGHT + timedelta(minutes=2 * n) for n in range(25)]
    await writer.flush([a_part(feed, [(series, to_micros(time), 1.0) for time in times])], NOW)
    since, until = MIDNIGHT, MIDNIGHT + timedelta(hours=1)
    found: list[tuple[int, int]] = []
    while since is not None:
        part = await _asked(database, pools[0], series, None, since, until, NOW)
        found.append((part["coverage"]["observed"], part["coverage"]["expected"]))
        since = None if part["next"] is None else datetime.fromisoformat(part["next"])
    assert found == [(10, 20), (10, 20), (5, 20)]


@pytest.mark.parametrize(
    ("interval", "since", "until", "now", "wanted"),
    [
        (300, 0, 60, 999, 12),
        (None, 0, 60, 999, None),
        (300, 30, 60, 999, 6),
        (300, 0, 20, 999, 4),
        (300, 0, 60, 31, 7),  # at 0, 5, … 30 past
        (300, 0, 60, 0, 0),
        (300, 0, 60, -5, 0),
        (86_400, 0, 60, 999, 1),
        (0.5, 0, 60, 999, 7200),
    ],
)
def test_a_bucket_expects_what_was_asked_for_and_is_over(
    interval: float | None, since: int, until: int, now: int, wanted: int | None
) -> None:
    def at(minute: int) -> datetime:
        return MIDNIGHT + timedelta(minutes=minute)

    found = expected(
        at(0), at(60), interval=interval, since=at(since), until=at(until), now=at(now)
    )
    assert found == wanted

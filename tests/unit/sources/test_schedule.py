"""When a source runs: its pace, its times of day, its pauses after failures."""

from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.sources.document import Poll
from ioc.sources.schedule import FIRST_PAUSE, LONGEST_WISH, after_failure, regular

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def _every(**length: float) -> Poll:
    return Poll(url="https://example.vn/", every=timedelta(**length))


@given(
    st.integers(10, 200_000), st.integers(0, 10**9), st.text("abc", min_size=1),
    st.floats(0, 1, exclude_max=True),
)  # fmt: skip
def test_an_interval_keeps_its_pace(every: int, at: int, source: str, chance: float) -> None:
    document = _every(seconds=every)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=at)
    due = regular(document, source, now, ZONE, 0.0)
    assert timedelta(0) < due - now <= timedelta(seconds=every)
    assert regular(document, source, due, ZONE, 0.0) - due == timedelta(seconds=every)
    late = regular(document, source, now, ZONE, chance)
    assert due <= late < due + timedelta(seconds=every)
    # What runs late because of chance does not move what comes after it.
    following = regular(document, source, late, ZONE, 0.0)
    assert following == due + timedelta(seconds=every)


def test_sources_of_one_interval_do_not_all_run_at_once() -> None:
    document = _every(hours=1)
    times = {regular(document, f"source-{n}", NOW, ZONE, 0.0) for n in range(50)}
    assert len(times) == 50


@pytest.mark.parametrize(
    ("now", "due"),
    [
        ("2026-11-22T05:59:59+07:00", "2026-11-22T06:00:00+07:00"),
        ("2026-11-22T06:00:00+07:00", "2026-11-22T18:30:00+07:00"),
        ("2026-11-22T18:30:00+07:00", "2026-11-23T06:00:00+07:00"),
    ],
)
def test_times_of_day_are_of_the_feeds_zone(now: str, due: str) -> None:
    document = Poll(url="https://x/", at=[time_of_day(18, 30), time_of_day(6)])
    found = regular(document, "x", datetime.fromisoformat(now), ZONE, 0.9)
    assert found == datetime.fromisoformat(due)


def _pause(
    document: Poll, failures: int, wish: timedelta | None = None, chance: float = 0
) -> timedelta:
    due = regular(document, "x", NOW, ZONE, 0)
    again = after_failure(NOW, due=due, failures=failures, chance=chance, retry_after=wish)
    return again - NOW


def test_the_pause_after_failures_begins_at_half_a_minute_and_doubles() -> None:
    document = _every(days=1)
    pauses = [_pause(document, n) / timedelta(minutes=1) for n in range(1, 7)]
    assert pauses == [0.5, 1, 2, 4, 8, 16]
    assert _pause(document, 1, chance=0.8) == timedelta(seconds=36)


@given(
    st.integers(0, 200_000), st.integers(1, 10_000), st.floats(0, 1, exclude_max=True)
)  # fmt: skip
def test_no_pause_is_shorter_than_the_first_or_longer_than_to_the_next_regular_time(
    left: int, failures: int, chance: float
) -> None:
    due = NOW + timedelta(seconds=left)
    again = after_failure(NOW, due=due, failures=failures, chance=chance, retry_after=None)
    assert min(NOW + FIRST_PAUSE, due) <= again <= due


def test_what_the_other_side_asks_for_is_kept_within_a_day() -> None:
    document = _every(hours=1)
    assert _pause(document, 1, timedelta(hours=3)) == timedelta(hours=3)
    assert _pause(document, 4, timedelta(seconds=1)) == timedelta(minutes=4)
    assert _pause(document, 1, timedelta(days=400)) == LONGEST_WISH


def test_a_source_with_times_of_day_tries_again_before_the_next() -> None:
    document = Poll(url="https://x/", at=[time_of_day(16, 5)])
    assert _pause(document, 1) == timedelta(seconds=30)
    assert _pause(document, 9) == timedelta(minutes=5)

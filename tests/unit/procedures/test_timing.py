"""Early, on time, late: days of the province, pauses deducted, rules by filing day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ioc.procedures.calendar import vietnam
from ioc.procedures.timing import (
    TIMELINESS,
    Lives,
    SupplementRule,
    Timing,
    day_end,
    due_days,
    instants,
    local_days,
    overdue,
    rest_days,
    timeliness,
)

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
CALENDAR = vietnam(years=[2026])
DUE = "2026-03-09T17:00"


def _at(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


def _lives(
    *,
    due: str | None = DUE,
    resolved: str | None = None,
    paused: int = 0,
    since: str | None = None,
    supplements: int = 0,
    filed: str = "2026-03-02",
) -> Lives:
    return Lives(
        filed=np.array([filed], "datetime64[D]"),
        due=instants([_at(due)]),
        resolved=instants([_at(resolved)]),
        paused=np.array([paused], np.int64),
        paused_since=instants([_at(since)]),
        supplements=np.array([supplements], np.int64),
    )


def _timeliness(timing: Timing | None = None, **life: Any) -> str | None:
    return TIMELINESS[timeliness(_lives(**life), timing or Timing(), VIETNAM)[0]]


@pytest.mark.parametrize(
    ("resolved", "found"),
    [
        ("2026-03-08T23:59:59", "early"),
        ("2026-03-09T00:00", "on_time"),
        ("2026-03-09T17:00", "on_time"),
        ("2026-03-09T17:00:00.000001", "late"),
        ("2026-03-10T00:00", "late"),
        (None, None),
    ],
)
def test_early_is_a_day_before_and_late_is_a_moment_after(
    resolved: str | None, found: str | None
) -> None:
    assert _timeliness(resolved=resolved) == found


def test_without_a_return_date_nothing_is_early_or_late() -> None:
    assert _timeliness(due=None, resolved=DUE, supplements=5) is None


def test_a_pause_puts_the_return_date_off() -> None:
    late = "2026-03-11T09:00"
    assert _timeliness(resolved=late) == "late"
    assert _timeliness(resolved=late, paused=2 * 86_400) == "on_time"
    assert _timeliness(resolved=late, paused=3 * 86_400) == "early"


def test_a_pause_that_is_open_at_the_end_counts_until_then() -> None:
    assert _timeliness(resolved="2026-03-11T09:00", since="2026-03-09T10:00") == "on_time"


@pytest.mark.parametrize(
    ("filed", "supplements", "found"),
    [
        ("2026-03-02", 1, "on_time"),
        ("2026-03-02", 2, "late"),
        ("2022-06-22", 9, "on_time"),
        ("2022-06-23", 2, "late"),
    ],
)
def test_a_second_supplement_request_makes_late_what_was_filed_since_the_rule(
    filed: str, supplements: int, found: str
) -> None:
    assert _timeliness(resolved=DUE, filed=filed, supplements=supplements) == found


def test_the_newest_rule_of_the_filing_day_decides() -> None:
    rules = tuple(
        SupplementRule(valid_from=date(year, 1, 1), most=most, legal_reference="")
        for year, most in ((2026, 2), (2020, 0))
    )
    timing = Timing(supplements=rules)
    assert _timeliness(timing, resolved=DUE, supplements=2) == "on_time"
    assert _timeliness(timing, resolved=DUE, supplements=2, filed="2025-12-31") == "late"


@pytest.mark.parametrize(
    ("life", "found"),
    [
        ({}, True),
        ({"due": None}, False),
        ({"due": "2026-03-10T00:00"}, False),
        ({"resolved": "2026-03-09T23:00"}, False),
        ({"paused": 7 * 3_600}, False),
        ({"since": "2026-03-09T16:00"}, False),
        ({"since": "2026-03-09T17:30"}, True),
        ({"due": "2026-04-01T00:00", "supplements": 2}, False),
    ],
)
def test_what_is_in_hand_is_overdue_by_time_alone_and_time_rests_in_a_pause(
    life: dict[str, Any], found: bool
) -> None:
    now = datetime(2026, 3, 10, tzinfo=VIETNAM)
    assert overdue(_lives(**life), now).tolist() == [found]


def test_a_day_as_return_date_ends_with_the_day() -> None:
    moment = day_end(date(2026, 3, 9), VIETNAM)
    assert moment.isoformat() == "2026-03-09T23:59:59.999999+07:00"


_times = st.datetimes(
    datetime(1990, 1, 1),  # noqa: DTZ001, hypothesis adds the zone
    datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@example([datetime(2107, 1, 1, 0, 0, 0, 7, tzinfo=UTC)])
@given(st.lists(st.none() | _times))
def test_instants_are_kept_to_the_microsecond_and_days_are_local(
    times: list[datetime | None],
) -> None:
    column = instants(times)
    naive = [None if at is None else at.replace(tzinfo=None) for at in times]
    assert column.tolist() == naive
    zone = ZoneInfo("Europe/Berlin")
    days = [None if at is None else at.astimezone(zone).date() for at in times]
    assert local_days(column, zone).tolist() == days


@given(st.lists(st.tuples(st.dates(date(2026, 1, 1), date(2026, 11, 1)), st.integers(0, 30))))
def test_a_time_limit_is_counted_in_working_days_and_none_gives_no_day(
    filed: list[tuple[date, int]],
) -> None:
    days = np.array([day for day, _ in filed], "datetime64[D]")
    limits = np.array([limit for _, limit in filed], np.int64)
    wanted = [CALENDAR.after(day, limit) if limit else None for day, limit in filed]
    assert due_days(days, limits, CALENDAR).tolist() == wanted


@given(st.integers(0, 364))
def test_days_of_rest_are_those_of_the_calendar(after: int) -> None:
    day = date(2026, 1, 1) + timedelta(days=after)
    days = np.array([day, "NaT", "1995-06-04"], "datetime64[D]")
    assert rest_days(days, CALENDAR).tolist() == [not CALENDAR.works(day), False, False]

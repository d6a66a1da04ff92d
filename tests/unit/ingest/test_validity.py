"""When a situation of DATEX II is in force: status, overall period, periods that come again."""

import pytest

from tests.fixtures.datex import PUBLISHED, published, span, validity
from tests.fixtures.decoding import refusals, rows


def _active(inner: str, at: str = PUBLISHED) -> bool:
    found = published(inner, at)
    assert found.refused == []
    [(key, time, value)] = rows(found)
    assert (key, time) == ("R/active", at)
    return bool(value)


def test_a_situation_is_in_force_between_the_ends_of_its_overall_period() -> None:
    start, end = "2026-11-22T01:00:00Z", "2026-11-22T02:30:00Z"
    assert _active("")
    assert _active(validity(span(start)))
    assert not _active(validity(span("2026-11-22T04:00:00Z")))
    assert _active(validity(span(start, end)), at="2026-11-22T02:10:00Z")
    assert not _active(validity(span(start, end)))
    assert _active(validity(span("2026-11-22T09:59:00", "2026-11-22T10:01:00")))


def test_a_status_goes_before_the_times() -> None:
    past, present = span("2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"), span(PUBLISHED)
    assert _active(validity(past, "active"))
    assert not _active(validity(present, "suspended"))
    assert not _active(validity(present, "planned"))
    overrun = validity(past).replace("</validity>", "<overrunning>true</overrunning></validity>")
    assert _active(overrun)
    for ended in ("end", "cancel"):
        over = f"<lifeCycleManagement><{ended}>true</{ended}></lifeCycleManagement>"
        assert not _active(f"<management>{over}</management>{validity(present, 'active')}")


NIGHT = (
    "<recurringTimePeriodOfDay><startTimeOfPeriod>22:00:00</startTimeOfPeriod>"
    "<endTimeOfPeriod>05:00:00</endTimeOfPeriod></recurringTimePeriodOfDay>"
)
SUNDAYS = (
    "<recurringDayWeekMonthPeriod><applicableDay>sunday</applicableDay>"
    "<applicableWeek>fourthWeekOfMonth</applicableWeek>"
    "<applicableMonth>november</applicableMonth></recurringDayWeekMonthPeriod>"
)
DATED = (
    "<startOfPeriod>2026-11-22T09:00:00+07:00</startOfPeriod>"
    "<endOfPeriod>2026-11-22T10:00:00+07:00</endOfPeriod>"
)


@pytest.mark.parametrize(
    ("period", "within", "beyond"),
    [
        (DATED, ["2026-11-22T02:00:00Z", "2026-11-22T02:59:59Z"], ["2026-11-22T03:00:00Z"]),
        (
            NIGHT,
            ["2026-11-22T15:00:00Z", "2026-11-22T21:59:00Z"],
            ["2026-11-22T14:59:00Z", "2026-11-22T22:00:00Z"],
        ),
        (NIGHT.replace(":00:00<", ":00:00Z<"), ["2026-11-22T22:00:00Z"], ["2026-11-22T15:00:00Z"]),
        (
            NIGHT.replace("22:00:00", "00:00:00").replace("05:00:00", "24:00:00"),
            ["2026-11-22T16:59:00Z", "2026-11-22T17:00:00Z"],
            [],
        ),
        (SUNDAYS, ["2026-11-21T17:00:00Z"], ["2026-11-22T17:00:00Z", "2026-11-14T17:00:00Z"]),
        (SUNDAYS.replace("fourth", "last"), ["2026-11-28T18:00:00Z"], ["2026-11-22T03:00:00Z"]),
        (NIGHT + SUNDAYS, ["2026-11-22T16:00:00Z"], ["2026-11-22T03:00:00Z"]),
    ],
    ids=["dated", "night", "night-utc", "whole-day", "fourth-sunday", "last-sunday", "both"],
)
def test_within_the_overall_period_only_valid_periods_count_and_no_exceptions(
    period: str, within: list[str], beyond: list[str]
) -> None:
    overall = span("2026-11-01T00:00:00Z")
    valid = validity(f"{overall}<validPeriod>{period}</validPeriod>")
    excepted = validity(f"{overall}<exceptionPeriod>{period}</exceptionPeriod>")
    for at, there in [*((at, True) for at in within), *((at, False) for at in beyond)]:
        assert _active(valid, at) is there
        assert _active(excepted, at) is not there


@pytest.mark.parametrize(
    ("period", "word"),
    [
        ("<recurringSpecialDay>x</recurringSpecialDay>", "recurringSpecialDay"),
        (SUNDAYS.replace("applicableWeek", "applicableDayWithinMonth"), "applicableDayWithinMonth"),
        (NIGHT.replace("22:00:00", "late"), "startTimeOfPeriod"),
        (DATED.replace("2026-11-22T09:00:00+07:00", "nay"), "startOfPeriod"),
    ],
)
def test_a_period_that_is_not_understood_is_refused_by_name(period: str, word: str) -> None:
    found = published(validity(f"<validPeriod>{period}</validPeriod>"))
    assert refusals(found) == {0: "time_invalid"}
    assert f"`{word}`" in found.refused[0].problem.detail

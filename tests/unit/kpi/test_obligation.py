"""Obligations: when a report is due, which are looked at, and whether it came in time."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ioc.kpi.cycle import CALENDAR
from ioc.kpi.obligation import Due, Obligation
from ioc.model import Text
from ioc.org import Level, Organisation, UnitVersion

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
SATURDAY = 5
MONTH = CALENDAR["month"]


def after(day: date, working_days: int) -> date:
    """Working days as they are without holidays."""
    while working_days:
        day += timedelta(days=1)
        working_days -= day.weekday() < SATURDAY
    return day


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


def obligation(**more: Any) -> Obligation:
    given = {"id": "o", "name": Text("o", "o"), "group": "g", "cycle": "month", "days": 5}
    return Obligation(**{**given, **more})


@pytest.mark.parametrize(
    ("days", "working", "due"),
    [
        (5, True, "2026-08-07T17:00"),
        (5, False, "2026-08-05T17:00"),
        (1, True, "2026-08-03T17:00"),
        (0, True, "2026-07-31T17:00"),
    ],
)
def test_a_report_is_due_some_days_after_its_period(days: int, working: bool, due: str) -> None:
    owed = obligation(days=days, working=working)
    assert owed.due_at(MONTH.period("2026-07"), VIETNAM, after) == at(due)


def test_a_daily_report_is_due_on_the_day_itself() -> None:
    owed = obligation(cycle="day", days=0, working=False, time_of_day=time(17))
    day = CALENDAR["day"].period("2026-08-01")
    assert owed.due_at(day, VIETNAM, after) == at("2026-08-01T17:00")


@pytest.mark.parametrize(
    ("now", "periods"),
    [
        ("2026-08-07T16:59", ["2026-06", "2026-07"]),
        ("2026-08-07T17:00", ["2026-07"]),
        ("2026-07-31T00:00", ["2026-06", "2026-07"]),
        ("2026-07-30T23:59", ["2026-06"]),
    ],
)
def test_the_newest_report_that_was_due_and_those_since_are_looked_at(
    now: str, periods: list[str]
) -> None:
    found = obligation().periods(MONTH, at(now), VIETNAM, after)
    assert [period.text for period in found] == periods


def test_yesterdays_report_is_looked_at_until_todays_is_due() -> None:
    owed = obligation(cycle="day", days=0, working=False)
    found = owed.periods(CALENDAR["day"], at("2026-08-02T16:00"), VIETNAM, after)
    assert [period.text for period in found] == ["2026-08-01", "2026-08-02"]


def test_nothing_is_owed_before_the_obligation_is_in_force() -> None:
    owed = obligation(valid_from=date(2026, 7, 1))
    assert owed.periods(MONTH, at("2026-07-30T00:00"), VIETNAM, after) == []
    found = owed.periods(MONTH, at("2026-08-01T00:00"), VIETNAM, after)
    assert [period.text for period in found] == ["2026-07"]


@pytest.mark.parametrize(
    ("came", "now", "state"),
    [
        (None, "2026-08-07T16:59", "expected"),
        (None, "2026-08-07T17:00", "missing"),
        ("2026-08-07T17:00", "2026-08-08T00:00", "received"),
        ("2026-08-07T17:01", "2026-08-08T00:00", "late"),
        ("2026-08-09T00:00", "2026-08-08T00:00", "missing"),
    ],
)
def test_how_a_report_stands(came: str | None, now: str, state: str) -> None:
    due = Due(
        obligation=obligation(), unit="so-a", period=MONTH.period("2026-07"),
        due_at=at("2026-08-07T17:00"), received_at=None if came is None else at(came),
    )  # fmt: skip
    assert due.state(at(now)) == state


def test_the_units_that_existed_on_the_last_day_are_obliged() -> None:
    def version(unit: str, level: Level, **more: Any) -> UnitVersion:
        given = {"unit": unit, "valid_from": date(2020, 1, 1), "name": unit, "short_name": unit}
        return UnitVersion(level=level, **{**given, **more})

    organisation = Organisation(
        [
            version("tinh", Level.PROVINCE),
            version("so-a", Level.DEPARTMENT, parent="tinh"),
            version("so-b", Level.DEPARTMENT, parent="tinh", valid_until=date(2026, 7, 31)),
            version("xa", Level.COMMUNE, parent="tinh"),
        ]
    )
    each = obligation(each=Level.DEPARTMENT, within="tinh")
    assert each.obliged(organisation, MONTH.period("2026-07")) == ["so-a"]
    assert sorted(each.obliged(organisation, MONTH.period("2026-06"))) == ["so-a", "so-b"]
    named = obligation(units=("so-b", "xa"))
    assert named.obliged(organisation, MONTH.period("2026-07")) == ["xa"]

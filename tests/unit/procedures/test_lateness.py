"""How late a dossier is, in working days."""

from datetime import date

from ioc.procedures.calendar import Calendar, Day, working_days_after

FRIDAY, MONDAY = date(2026, 11, 20), date(2026, 11, 23)
CALENDAR = Calendar()


def test_the_return_date_itself_is_not_late() -> None:
    assert working_days_after(CALENDAR, FRIDAY, FRIDAY) == 0


def test_a_weekend_adds_no_day_and_monday_adds_one() -> None:
    assert working_days_after(CALENDAR, FRIDAY, date(2026, 11, 22)) == 0
    assert working_days_after(CALENDAR, FRIDAY, MONDAY) == 1


def test_a_holiday_adds_no_day() -> None:
    rest = Calendar([Day(MONDAY, False, "Nghỉ", "QĐ 1")])
    assert working_days_after(rest, FRIDAY, MONDAY) == 0


def test_what_ended_before_its_return_date_is_no_day_late() -> None:
    assert working_days_after(CALENDAR, MONDAY, FRIDAY) == 0


def test_days_outside_the_calendar_are_not_known() -> None:
    assert working_days_after(CALENDAR, date(1999, 1, 4), MONDAY) is None

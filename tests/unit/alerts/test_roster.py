"""Who is on call: by hour, weekday, holiday and validity, else those of the unit above."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from alerts.roster import Duty, Person, Roster, Shift
from ioc.procedures.calendar import Calendar, Day

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
HOLIDAY = date(2026, 9, 2)  # a Wednesday
CALENDAR = Calendar([Day(HOLIDAY, False, "Quốc khánh", "luật")])
PERSONS = tuple(Person(id=id, name=id, unit="so-a") for id in ("an", "binh", "chi"))


def _duty(*shifts: Shift, persons: tuple[Person, ...] = PERSONS) -> Duty:
    return Duty(Roster(persons=persons, shifts=shifts), CALENDAR, ZONE)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


DAY = Shift(unit="so-a", persons=("an",), begins=time(7), ends=time(19))
NIGHT = Shift(unit="so-a", persons=("binh",), begins=time(19), ends=time(7))


@given(st.integers(0, 366 * 24 * 60))
def test_shifts_that_meet_leave_no_moment_to_nobody_or_to_two(minutes: int) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    found = _duty(DAY, NIGHT).on_call(["so-a"], moment)
    local = moment.astimezone(ZONE)
    assert found == (("an",) if 7 <= local.hour < 19 else ("binh",))


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    friday = Shift(unit="so-a", persons=("an",), begins=time(19), ends=time(7), weekdays=(4,))
    duty = _duty(friday)
    assert duty.on_call(["so-a"], _at("2026-11-27T23:00")) == ("an",)
    assert duty.on_call(["so-a"], _at("2026-11-28T06:59")) == ("an",)
    assert duty.on_call(["so-a"], _at("2026-11-28T23:00")) == ()


def test_a_holiday_is_no_working_day_whatever_its_weekday() -> None:
    office = Shift(unit="so-a", persons=("an",), begins=time(7), ends=time(17), days="working")
    rest = Shift(unit="so-a", persons=("chi",), begins=time(7), ends=time(17), days="rest")
    duty = _duty(office, rest)
    assert duty.on_call(["so-a"], _at("2026-09-02T09:00")) == ("chi",)
    assert duty.on_call(["so-a"], _at("2026-09-03T09:00")) == ("an",)


def test_where_nobody_answers_those_of_the_unit_above_do() -> None:
    above = Shift(unit="tinh", persons=("chi",), begins=time(0), ends=time(0))
    duty = _duty(DAY, above)
    assert duty.on_call(["so-a", "tinh"], _at("2026-11-27T09:00")) == ("an",)
    assert duty.on_call(["so-a", "tinh"], _at("2026-11-27T21:00")) == ("chi",)


def test_who_has_left_and_what_is_over_is_not_on_call() -> None:
    until = date(2026, 11, 1)
    gone = (Person(id="an", name="an", unit="so-a", valid_until=until), *PERSONS[1:])
    assert _duty(DAY, persons=gone).on_call(["so-a"], _at("2026-10-31T09:00")) == ("an",)
    assert _duty(DAY, persons=gone).on_call(["so-a"], _at("2026-11-01T09:00")) == ()
    over = Shift(unit="so-a", persons=("an",), begins=time(7), ends=time(19), valid_until=until)
    before = until - timedelta(days=1)
    assert _duty(over).on_call(["so-a"], datetime.combine(before, time(9), ZONE)) == ("an",)
    assert _duty(over).on_call(["so-a"], datetime.combine(until, time(9), ZONE)) == ()

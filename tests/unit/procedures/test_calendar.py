"""Working days: what rests, what makes up for it, and counting between days."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.errors import Invalid
from ioc.procedures.calendar import Calendar, Day, vietnam

VIETNAM = vietnam([Day(date(2026, 1, 2), False, "Nghỉ hoán đổi", "12729/VPCP-KGVX")])
DAYS = st.dates(date(2012, 1, 1), date(2040, 12, 31))


def test_weekends_and_holidays_rest_and_make_up_days_are_worked_on() -> None:
    assert VIETNAM.works(date(2026, 11, 27))
    assert not VIETNAM.works(date(2026, 11, 28))
    assert not VIETNAM.works(date(2026, 9, 2))
    assert not VIETNAM.works(date(2026, 8, 31))
    assert VIETNAM.works(date(2026, 8, 22))


def test_a_day_of_ones_own_wins_over_the_package() -> None:
    assert not VIETNAM.works(date(2026, 1, 2))
    assert vietnam().works(date(2026, 1, 2))
    assert VIETNAM.days[date(2026, 1, 2)].source == "12729/VPCP-KGVX"


def test_ten_working_days_over_the_new_year_of_2026() -> None:
    assert VIETNAM.after(date(2026, 2, 12), 10) == date(2026, 3, 5)


def test_no_working_days_after_a_day_is_that_day() -> None:
    assert VIETNAM.after(date(2026, 11, 28), 0) == date(2026, 11, 28)


@given(DAYS, st.integers(1, 400))
def test_as_many_working_days_lie_between_as_were_added(day: date, many: int) -> None:
    end = VIETNAM.after(day, many)
    assert VIETNAM.works(end)
    next_day = timedelta(days=1)
    assert VIETNAM.count(day + next_day, end + next_day) == many


@given(DAYS, DAYS)
def test_counting_is_what_looking_at_each_day_gives(one: date, other: date) -> None:
    start, end = min(one, other), max(one, other)
    if (end - start).days > 400:
        end = start + timedelta(days=400)
    days = (start + timedelta(days=n) for n in range((end - start).days))
    assert VIETNAM.count(start, end) == sum(VIETNAM.works(day) for day in days)
    assert VIETNAM.count(end, start) == -VIETNAM.count(start, end)


@given(st.lists(st.tuples(DAYS, st.integers(1, 60)), min_size=1, max_size=20))
def test_many_days_at_once_give_what_each_gives(pairs: list[tuple[date, int]]) -> None:
    days = np.array([day for day, _ in pairs], "datetime64[D]")
    many = np.array([count for _, count in pairs], np.int64)
    wanted = [VIETNAM.after(day, count) for day, count in pairs]
    assert VIETNAM.afters(days, many).tolist() == wanted


def test_what_ends_outside_the_calendar_is_refused_and_not_guessed() -> None:
    with pytest.raises(Invalid, match="outside the calendar"):
        Calendar().works(date(1999, 1, 1))
    with pytest.raises(Invalid, match="outside the calendar"):
        Calendar().after(date(2045, 12, 20), 30)
    many = Calendar().afters(np.array(["1999-01-01"], "datetime64[D]"), np.array([3]))
    assert np.isnat(many).all()

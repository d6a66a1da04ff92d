"""Working days: which days are worked on, and how many of them lie between two days; pure."""

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Final

import holidays
import msgspec
import numpy as np
from numpy.typing import NDArray

from ioc.errors import Invalid

FIRST_YEAR: Final = 2010
LAST_YEAR: Final = 2045
"""The years that are laid out; a day outside them is no day of an administrative procedure."""

SATURDAY: Final = 5

PACKAGE: Final = "holidays"
"""Source of the days that no decision of one's own names."""


class Day(msgspec.Struct, frozen=True):
    """Whether a day is worked on, against what its weekday says, and the decision behind it."""

    day: date
    working: bool
    name: str
    source: str


class Calendar:
    """Days of rest and make-up days of a country with one's own corrections.

    `count` and `after` look into arrays that are made once, so that they cost the same for one
    day as for a decade between two.
    """

    def __init__(self, days: Iterable[Day] = ()) -> None:
        """Monday to Friday are worked on, but for the days that are given."""
        self.days: Mapping[date, Day] = {day.day: day for day in days}
        self._first = date(FIRST_YEAR, 1, 1).toordinal()
        last = date(LAST_YEAR, 12, 31).toordinal()
        weekday = (np.arange(self._first, last + 1) + 6) % 7
        working = weekday < SATURDAY
        for day in self.days.values():
            place = day.day.toordinal() - self._first
            if 0 <= place < len(working):
                working[place] = day.working
        self._working = working
        self._before = np.concatenate([[0], np.cumsum(working)])
        """How many working days lie before each day."""
        self._ordinals = np.flatnonzero(working) + self._first

    def works(self, day: date) -> bool:
        """Whether a day is worked on."""
        return bool(self._working[self._place(day)])

    def count(self, start: date, end: date) -> int:
        """Working days from `start` up to, not including, `end`; negative if `end` is earlier."""
        return int(self._before[self._place(end)] - self._before[self._place(start)])

    def after(self, day: date, working_days: int) -> date:
        """The day that is so many working days after a day; 0 is the day itself.

        The day on which something comes in is not counted (Civil Code 2015, article 147).
        """
        if working_days == 0:
            return day
        place = int(self._before[self._place(day) + 1]) + working_days - 1
        if not 0 <= place < len(self._ordinals):
            raise Invalid(f"{working_days} working days after {day} end outside the calendar")
        return date.fromordinal(int(self._ordinals[place]))

    def afters(
        self, days: NDArray[np.datetime64], working_days: NDArray[np.int64]
    ) -> NDArray[np.datetime64]:
        """`after` for many days, of 1 working day or more; NaT where one ends outside."""
        epoch = date(1970, 1, 1).toordinal()
        ordinals = days.astype("datetime64[D]").astype(np.int64) + epoch
        inside = (ordinals >= self._first) & (ordinals - self._first < len(self._working))
        place = np.where(inside, ordinals - self._first, 0)
        wanted = self._before[place + 1] + working_days - 1
        inside &= (wanted >= 0) & (wanted < len(self._ordinals))
        found = self._ordinals[np.where(inside, wanted, 0)] - epoch
        return np.where(inside, found.astype("datetime64[D]"), np.datetime64("NaT", "D"))

    def _place(self, day: date) -> int:
        place = day.toordinal() - self._first
        if not 0 <= place < len(self._working):
            raise Invalid(
                f"{day} lies outside the calendar of {FIRST_YEAR} to {LAST_YEAR}; check the year"
            )
        return place


def working_days_after(calendar: Calendar, due: date, ended: date) -> int | None:
    """Working days behind one day up to and including another; None outside the calendar.

    A dossier may be late without any: by asking twice, or by hours.
    """
    try:
        return max(calendar.count(due + timedelta(days=1), ended + timedelta(days=1)), 0)
    except Invalid:
        return None


def vietnam(
    overrides: Iterable[Day] = (), *, years: Iterable[int] = range(FIRST_YEAR, LAST_YEAR + 1)
) -> Calendar:
    """The public holidays of Vietnam and the days that make up for them, as one's own say.

    The package knows what the law fixes and most of the yearly decisions that swap days; one that
    it lacks, or that comes late, is an override and wins.
    """
    wanted = list(years)
    known = holidays.country_holidays("VN", years=wanted)
    days = {day: Day(day, False, name, PACKAGE) for day, name in known.items()}
    for year in wanted:
        day, end = date(year, 1, 1), date(year, 12, 31)
        while day <= end:
            if day.weekday() >= SATURDAY and known.is_working_day(day):
                days[day] = Day(day, True, "Ngày làm bù", PACKAGE)
            day += timedelta(days=1)
    for day in overrides:
        days[day.day] = day
    return Calendar(days.values())

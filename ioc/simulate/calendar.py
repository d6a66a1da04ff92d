"""Local time of the province and its working days."""

from bisect import bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays
import numpy as np
from numpy.typing import NDArray

from ioc.simulate.noise import Ticks, Values

DAY: Final = 86_400
HOUR: Final = 3_600
EPOCH_ORDINAL: Final = date(1970, 1, 1).toordinal()

TURN_HOURS: Final = 8.0
"""Over so many hours a working day turns into a day of rest."""

LOOK_BACK: Final = 1_000
"""Days before a day that was asked for, of which the next question is expected to be."""

SWAPPED: Final = {date(2026, 1, 2): False, date(2026, 1, 10): True}
"""Whether a day was worked on, where the `holidays` package lacks an official swap of days."""


class Calendar:
    """Hours, weekdays and working days where the province is; instants are seconds since 1970."""

    def __init__(self, zone: str) -> None:
        """Tell the time of that zone."""
        self.zone = ZoneInfo(zone)
        self._holidays = holidays.country_holidays("VN")
        self._offset = lru_cache(maxsize=100_000)(self._offset_of)
        self._works = lru_cache(maxsize=10_000)(self._works_on)
        self._working: list[int] = []

    def _offset_of(self, hour: int) -> int:
        offset = datetime.fromtimestamp(hour * HOUR, UTC).astimezone(self.zone).utcoffset()
        return 0 if offset is None else int(offset.total_seconds())

    def _works_on(self, ordinal: int) -> bool:
        day = date.fromordinal(ordinal)
        swapped = SWAPPED.get(day)
        return self._holidays.is_working_day(day) if swapped is None else swapped

    def local(self, seconds: Ticks) -> Ticks:
        """Seconds as a clock on the wall would count them."""
        hours, back = np.unique(seconds // HOUR, return_inverse=True)
        offsets = np.array([self._offset(int(hour)) for hour in hours], np.int64)
        return seconds + offsets[back]

    def hour(self, seconds: Ticks) -> Values:
        """Hours since local midnight, with their fraction."""
        return (self.local(seconds) % DAY) / HOUR

    def weekday(self, seconds: Ticks) -> NDArray[np.int64]:
        """0 is Monday; 1 January 1970 was a Thursday."""
        return (self.local(seconds) // DAY + 3) % 7

    def year_part(self, seconds: Ticks) -> Values:
        """How far the year has gone, from 0 to 1."""
        days = self.local(seconds) / DAY
        return (days % 365.2425) / 365.2425

    def rests(self, seconds: Ticks) -> NDArray[np.bool_]:
        """Whether the day is not a working one."""
        days, back = np.unique(self.local(seconds) // DAY, return_inverse=True)
        rests = np.array([not self.works(int(day) + EPOCH_ORDINAL) for day in days], np.bool_)
        return rests[back]

    def rest(self, seconds: Ticks) -> Values:
        """0 on working days, 1 on the others, passing over within the hours around midnight."""
        hour = self.hour(seconds)
        own = self.rests(seconds).astype(np.float64)
        other = self.rests(seconds + np.where(hour < 12.0, -DAY // 2, DAY // 2)).astype(np.float64)
        part = np.minimum(0.5 + np.minimum(hour, 24.0 - hour) / TURN_HOURS, 1.0)
        return own * part + other * (1.0 - part)

    def works(self, ordinal: int) -> bool:
        """Whether a day, as a proleptic ordinal, is a working one."""
        return self._works(ordinal)

    def day(self, seconds: int) -> date:
        """The local day of an instant."""
        return datetime.fromtimestamp(seconds, self.zone).date()

    def midnight(self, day: date) -> int:
        """The instant at which a local day begins."""
        return int(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp())

    def working_days_after(self, day: date, count: int) -> date:
        """The working day that is `count` working days after a day."""
        if count == 0:
            return day
        first = day.toordinal()
        working = self._working
        if not working or working[0] > first:
            working = [n for n in range(first - LOOK_BACK, first + 30) if self.works(n)]
        while (place := bisect_right(working, first) + count - 1) >= len(working):
            last = working[-1]
            working = working + [n for n in range(last + 1, last + 400) if self.works(n)]
        self._working = working  # as a whole: another thread may be reading the former one
        return date.fromordinal(working[place])


def iso(seconds: int) -> str:
    """An instant in RFC 3339, UTC."""
    return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )

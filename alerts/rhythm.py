"""A series' own rhythm: what it usually is at an hour of the week, and how far it strays."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Floats = NDArray[np.float64]

HOUR: Final = 3_600_000_000  # µs
DAY_HOURS: Final = 24
WEEK_HOURS: Final = 7 * DAY_HOURS

WINDOW: Final = 5 * WEEK_HOURS
"""Hours before the judged one that are looked at."""

RING: Final = WINDOW + WEEK_HOURS
"""Hours that are kept: what is judged up to a week late is judged as it would have been then."""

WARM_UP: Final = 3 * DAY_HOURS
LEAST: Final = 3
"""Values of one's hour without which a wider kind of hour is asked."""

NEAR: Final = 1
"""Hours before and after the own hour of a day that tell of the spread as well."""

STRAYING: Final = 0.9
NORMAL: Final = 1.645
"""Of what is normally distributed, this part strays less than so many standard deviations."""

FLOOR: Final = 0.025
"""A spread is at least this part of what is expected."""

SMOOTHED: Final = 12 * 60 * 1_000_000  # µs
LEVEL: Final = 8.0
CLEAR: Final = 2.0
HOLD: Final = timedelta(minutes=5)
"""What a rule on deviation of smoothed values may start from: found on real detectors of traffic,
of which the known windows are alerted up to a level of 9 and down to one of 7."""

NEVER: Final = np.iinfo(np.int32).max
NONE: Final = -1

Works = Callable[[date], bool]
"""Whether a day is worked on; make-up days are, holidays are not."""


class Rhythm:
    """Hours of many series, a series in each row, and what they say of the hour to be judged.

    What is expected is the median of the same hour of the week on days of the same kind (working
    or rest), or else of the same hour on days of the kind, or else of the same hour on all days:
    the first of which there are enough values. The spread is what nine in ten of the hours around
    it stray at most, as standard deviations, so that the few that deviate themselves are outvoted.
    Only hours before the judged one count.

    A series takes 4,060 bytes (`RING` hours in 4 bytes each; 28 for what is answered), which for
    50,000 series are 203 MB. What is expected of a row is worked out once an hour.
    """

    def __init__(self, rows: int, zone: tzinfo, works: Works) -> None:
        """Know nothing yet of so many rows; days begin and end in the zone."""
        self._zone, self._works = zone, works
        self._end = 0
        """The first hour behind those that are kept, since 1970."""
        self._hours = np.full((rows, RING), np.nan, np.float32)
        self._first = np.full(rows, NEVER, np.int32)
        self._local = np.zeros(RING, np.int64)
        self._working = np.zeros(RING, np.bool_)
        self._forget(rows)

    @classmethod
    def restored(cls, arrays: Mapping[str, NDArray[Any]], zone: tzinfo, works: Works) -> "Rhythm":
        """The rhythm that the arrays were taken from."""
        made = cls(0, zone, works)
        made._end = int(arrays["end"][0])
        made._hours, made._first = arrays["hours"].copy(), arrays["first"].copy()
        made._lay_out(made._end - RING)
        made._forget(len(made._first))
        return made

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All that is known, as a store keeps it; not copies."""
        return {"end": np.array([self._end]), "hours": self._hours, "first": self._first}

    def grow(self, rows: int) -> None:
        """Make room for so many rows; all is copied, so better for many at once."""
        more = rows - len(self._first)
        if more <= 0:
            return
        unknown = np.full((more, RING), np.nan, np.float32)
        self._hours = np.concatenate([self._hours, unknown])
        self._first = np.concatenate([self._first, np.full(more, NEVER, np.int32)])
        self._forget(rows)

    def learn(self, rows: Rows, hours: Rows, values: Floats) -> None:
        """Take means (or medians) of hours that are over, counted since 1970, in any order.

        The last word about an hour of a row counts. Hours that are too old are left out; the
        caller sees to it that none is in the future, since time goes on with the newest.
        """
        known = np.isfinite(values)
        rows, hours, values = rows[known], hours[known], values[known]
        if not len(rows):
            return
        np.minimum.at(self._first, rows, hours.astype(np.int32))
        self._advance(int(hours.max()) + 1)
        kept = hours >= self._end - RING
        self._hours[rows[kept], hours[kept] % RING] = values[kept]
        self._answered[:, rows] = NONE

    def expect(self, rows: Rows, times: Rows) -> tuple[Floats, Floats]:
        """What is expected of rows at times (µs), and its spread; not a number in the warm-up.

        The cost is that of the rows of which the hour was not asked yet, and a little for each
        distinct hour.
        """
        expected, spread = np.full(len(rows), np.nan), np.full(len(rows), np.nan)
        hours = times // HOUR
        for hour in np.unique(hours).tolist():
            at = np.flatnonzero(hours == hour)
            asked = rows[at]
            turn = hour % 2
            new = np.unique(asked[self._answered[turn, asked] != hour])
            if len(new):
                worked_out = self._work_out(new, hour)
                self._expected[turn, new], self._spread[turn, new] = worked_out
                self._answered[turn, new] = hour
            expected[at], spread[at] = self._expected[turn, asked], self._spread[turn, asked]
        return expected, spread

    def deviation(self, rows: Rows, times: Rows, values: Floats) -> Floats:
        """How many spreads the values are above (or below) what is expected.

        Not a number in the warm-up, and where a series that was always 0 is not: nothing is known
        of how far such a series strays.
        """
        expected, spread = self.expect(rows, times)
        unit = np.fmax(spread, FLOOR * np.abs(expected))
        # What is kept in 4 bytes is compared in 4 bytes, else equal values would differ.
        off = values.astype(np.float32) - expected
        unit[(unit == 0) & (off != 0)] = np.nan
        return off / np.where(unit == 0, 1.0, unit)

    def _work_out(self, rows: Rows, hour: int) -> tuple[Floats, Floats]:
        """Expected values and spreads of rows in one hour, of what lies before it."""
        ring = self._ring_hours()
        local, working = self._day_of(hour)
        past = (ring >= hour - WINDOW) & (ring < hour)
        apart = np.abs((self._local - local) % DAY_HOURS)
        apart = np.minimum(apart, DAY_HOURS - apart)
        alike = self._working == working
        weekday = self._local // DAY_HOURS % 7 == local // DAY_HOURS % 7

        same = past & (apart == 0)
        expected = np.full(len(rows), np.nan)
        for cells in (same & alike & weekday, same & alike, same):
            open_ = np.flatnonzero(np.isnan(expected))
            expected[open_] = _quantile(self._picked(rows[open_], cells), 0.5, LEAST)
        expected[hour - self._first[rows] < WARM_UP] = np.nan

        near = past & (apart <= NEAR)
        spread = np.full(len(rows), np.nan)
        for cells in (near & alike, near):
            open_ = np.flatnonzero(np.isnan(spread) & ~np.isnan(expected))
            strays = np.abs(self._picked(rows[open_], cells) - expected[open_, None])
            spread[open_] = _quantile(strays.astype(np.float32), STRAYING, 3 * LEAST) / NORMAL
        expected[np.isnan(spread)] = np.nan
        return expected, spread

    def _picked(self, rows: Rows, cells: NDArray[np.bool_]) -> NDArray[np.float32]:
        return self._hours[rows[:, None], np.flatnonzero(cells)]

    def _ring_hours(self) -> Rows:
        """Which hour each cell of the ring holds."""
        oldest = self._end - RING
        return oldest + (np.arange(RING) - oldest) % RING

    def _advance(self, end: int) -> None:
        """Go on in time: cells of hours that fall out are free for those that come in."""
        if end <= self._end:
            return
        start = max(self._end, end - RING)
        self._hours[:, np.arange(start, end) % RING] = np.nan
        self._end = end
        self._lay_out(start)

    def _lay_out(self, start: int) -> None:
        """Say of the hours from `start` on when they are in the zone."""
        for hour in range(max(start, 0), self._end):
            self._local[hour % RING], self._working[hour % RING] = self._day_of(hour)

    def _day_of(self, hour: int) -> tuple[int, bool]:
        """The hour as the zone counts it, from Thursday 1 January 1970 on; if it is worked on."""
        there = datetime.fromtimestamp(hour * 3600, UTC).astimezone(self._zone)
        day = there.date()
        days = day.toordinal() - date(1970, 1, 1).toordinal()
        return days * DAY_HOURS + there.hour, self._works(day)

    def _forget(self, rows: int) -> None:
        """Let nothing be answered that was worked out before."""
        # An even hour and an odd one: the next is worked out while this one is still asked.
        self._answered = np.full((2, rows), NONE, np.int32)
        self._expected = np.full((2, rows), np.nan, np.float32)
        self._spread = np.full((2, rows), np.nan, np.float32)


class Smoothing:
    """Values of many series smoothed over time, so that single readings do not decide.

    A value counts by the time since the one before it, all before it for a third after `over`; a
    repeated time is a correction. A series takes 32 bytes.
    """

    def __init__(self, rows: int, over: int = SMOOTHED) -> None:
        """Smooth over so many µs."""
        self._over = over
        self._time = np.full((rows, 2), np.iinfo(np.int64).min // 4, np.int64)
        self._value = np.full((rows, 2), np.nan)

    def grow(self, rows: int) -> None:
        """Make room for so many rows."""
        more = rows - len(self._time)
        if more > 0:
            added = Smoothing(more, self._over)
            self._time = np.concatenate([self._time, added._time])
            self._value = np.concatenate([self._value, added._value])

    def smooth(self, rows: Rows, times: Rows, values: Floats) -> Floats:
        """The smoothed values; older times than the newest of a row are answered, not kept."""
        found = np.empty(len(rows))
        order = np.lexsort((times, rows))
        first = np.flatnonzero(np.diff(rows[order], prepend=NONE))
        turn = np.arange(len(rows)) - np.repeat(first, np.diff(first, append=len(rows)))
        for n in range(int(turn.max(initial=NONE)) + 1):
            at = order[turn == n]
            found[at] = self._step(rows[at], times[at], values[at])
        return found

    def _step(self, rows: Rows, times: Rows, values: Floats) -> Floats:
        later = rows[times > self._time[rows, 1]]
        self._time[later, 0], self._value[later, 0] = self._time[later, 1], self._value[later, 1]
        before, known = self._value[rows, 0], self._time[rows, 0]
        share = -np.expm1(-np.maximum(times - known, 0) / self._over)
        smoothed = np.where(np.isnan(before), values, before + share * (values - before))
        kept = times >= self._time[rows, 1]
        self._time[rows[kept], 1], self._value[rows[kept], 1] = times[kept], smoothed[kept]
        return smoothed


def _quantile(values: NDArray[np.float32], part: float, least: int) -> Floats:
    """The quantile of each row, NaN left out; NaN where there are fewer than `least` values."""
    if not values.shape[1] or not len(values):
        return np.full(len(values), np.nan)
    # NaN is sorted to the end.
    ordered = np.sort(values, axis=1)
    count = values.shape[1] - np.isnan(values).sum(axis=1)
    place = part * np.maximum(count - 1, 0)
    low, high = np.floor(place).astype(np.int64), np.ceil(place).astype(np.int64)
    at = np.arange(len(values))
    below, above = ordered[at, low].astype(np.float64), ordered[at, high].astype(np.float64)
    found = below + (above - below) * (place - low)
    return np.where(count >= least, found, np.nan)

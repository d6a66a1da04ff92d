"""Daily counts by unit in memory, summed up so that any span of days costs two look-ups; pure."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ioc.errors import Invalid
from ioc.kpi.counts import Counts

EPOCH: Final = date(1970, 1, 1).toordinal()

SPARE_DAYS: Final = 64
"""Days of room beyond the last one, so that a new day rarely makes everything anew."""


class DayCube:
    """Counts of measures by unit and day.

    It holds running sums: at `[unit, day]` what all days before that day add up to. A span is one
    subtraction for all units and measures at once, whatever its length; a changed day costs its
    unit's later days.
    """

    def __init__(self, measures: Sequence[str]) -> None:
        """Hold nothing yet."""
        self.measures = tuple(measures)
        self.units: list[str] = []
        self._rows: dict[str, int] = {}
        self._first = 0
        """The day, since 1970, at which the sums begin."""
        self._sums = np.zeros((0, 1, len(self.measures)), np.int64)

    def __len__(self) -> int:
        """How many units have ever had a count."""
        return len(self.units)

    @property
    def nbytes(self) -> int:
        """Memory of the sums."""
        return self._sums.nbytes

    def merge(
        self, units: Sequence[str], days: NDArray[np.int64], values: NDArray[np.int64]
    ) -> None:
        """Set the counts of some units and days (since 1970); of a pair that comes twice the last.

        `values` has a row per pair and a column per measure.
        """
        if not len(days):
            return
        for unit in dict.fromkeys(units):
            if unit not in self._rows:
                self._rows[unit] = len(self.units)
                self.units.append(unit)
        self._reach(int(days.min()), int(days.max()))
        rows = np.array([self._rows[unit] for unit in units], np.intp)
        touched = np.unique(rows)
        begin = int(days.min()) - self._first
        sums = self._sums[touched, begin:]
        daily = np.diff(sums, axis=1)
        daily[np.searchsorted(touched, rows), days - self._first - begin] = values
        self._sums[touched, begin + 1 :] = sums[:, :1] + np.cumsum(daily, axis=1)

    def _reach(self, first: int, last: int) -> None:
        """Make room for the units that are known and for days up to and including `last`."""
        units, width, _ = self._sums.shape
        days = width - 1
        if units == len(self.units) and self._first <= first and last < self._first + days:
            return
        start = min(first, self._first) if days else first
        end = max(last + SPARE_DAYS, self._first + days)
        wider = np.zeros((len(self.units), end - start + 1, len(self.measures)), np.int64)
        if days:
            place = self._first - start
            wider[:units, place : place + width] = self._sums
            wider[:units, place + width :] = self._sums[:, -1:]
        self._first, self._sums = start, wider

    def counts(self, start: date, end: date) -> Counts:
        """What the days from `start` up to, not including, `end` add up to, by unit."""
        if start > end:
            raise Invalid(f"a span cannot end on {end} before it begins on {start}")
        return self._table(self._before(end) - self._before(start))

    def before(self, day: date) -> Counts:
        """What all days before a day add up to, by unit."""
        return self._table(self._before(day))

    def daily(self, unit: str, measure: str, start: date, end: date) -> NDArray[np.int64]:
        """The counts of a unit day by day; 0 where nothing was counted."""
        column = self.measures.index(measure)
        row = self._rows.get(unit)
        places = np.arange(start.toordinal(), end.toordinal() + 1) - EPOCH - self._first
        if row is None:
            return np.zeros(max(len(places) - 1, 0), np.int64)
        places = np.clip(places, 0, self._sums.shape[1] - 1)
        return np.diff(self._sums[row, places, column])

    def _before(self, day: date) -> NDArray[np.int64]:
        place = day.toordinal() - EPOCH - self._first
        return self._sums[:, min(max(place, 0), self._sums.shape[1] - 1)]

    def _table(self, values: NDArray[np.int64]) -> Counts:
        return Counts(
            units=tuple(self.units),
            measures=self.measures,
            values=values.astype(np.float64),
            estimated=np.zeros(len(self.units), np.bool_),
        )

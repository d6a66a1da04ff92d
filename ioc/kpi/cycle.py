"""Cycles of reporting: which days a period means, and the periods before it and up to it; pure."""

import calendar
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final, Literal

import msgspec

from ioc.errors import Invalid
from ioc.kpi.period import MONTHS_OF_YEAR, Period, day_of, days, parse_period
from ioc.model import Text

Length = Literal["day", "month", "quarter", "half", "year", "listed", "any"]

MONTHS: Final[Mapping[Length, int]] = {"month": 1, "quarter": 3, "half": 6, "year": MONTHS_OF_YEAR}
"""The lengths that are counted in months."""

LATEST_FIRST_DAY: Final = 28
"""Every month has it."""

EARLIEST_YEAR: Final = 1900
LATEST_YEAR: Final = 2900

_EXAMPLES: Final[Mapping[Length, str]] = {
    "day": "2026-07-31", "month": "2026-07", "quarter": "2026-Q3", "half": "2026-H2",
    "year": "2026",
}  # fmt: skip
_MARKS: Final[Mapping[Length, str]] = {"quarter": "Q", "half": "H"}


class Cycle(msgspec.Struct, frozen=True, kw_only=True):
    """How time is cut into periods.

    A period of months begins on `first_day` of the month that lies `months_before` the calendar's:
    with 15 and 1, the month 2026-07 is 15 June up to 14 July. `listed` has own cut-offs, by the
    text that names them; of the length "any" is any range of days. A cycle is used for periods
    that begin from `valid_from` up to, not including, `valid_until`.
    """

    id: str
    name: Text
    length: Length
    first_day: int = 1
    months_before: int = 0
    listed: tuple[Period, ...] = ()
    legal_reference: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None

    def period(self, text: str) -> Period:
        """The period that a text names in this cycle; raises `Invalid` with the way to write it."""
        found = self._named(text)
        before = self.valid_from is not None and found.start < self.valid_from
        after = self.valid_until is not None and found.start >= self.valid_until
        if before or after:
            since = self.valid_from or "ever"
            until = self.valid_until or "now on"
            raise Invalid(
                f"cycle {self.id} is used for periods from {since} until {until}, which {text} is "
                "not; send the figure to a measure whose cycle was in use then",
                period=text,
            )
        return found

    def of(self, day: date) -> Period:
        """The period that a day lies in."""
        match self.length:
            case "day":
                return day_of(day)
            case "any":
                raise Invalid(f"cycle {self.id} has no periods of its own; name two days")
            case "listed":
                found = next((p for p in self.listed if p.start <= day < p.end), None)
                if found is None:
                    raise Invalid(
                        f"no period of cycle {self.id} is about {day}; add it to the list"
                    )
                return found
            case _:
                begun = day.day >= self.first_day
                month = _index(day) + self.months_before - (0 if begun else 1)
                return self._nominal(month // MONTHS[self.length])

    def previous(self, period: Period) -> Period:
        """The period just before."""
        if self.length == "any":
            return days(period.start - (period.end - period.start), period.start)
        return self.of(period.start - timedelta(days=1))

    def same_last_year(self, period: Period) -> Period:
        """The period of the same name a year earlier."""
        match self.length:
            case "day":
                return day_of(_year_before(period.start))
            case "any" | "listed":
                return days(_year_before(period.start), _year_before(period.end))
            case length:
                of_year = MONTHS_OF_YEAR // MONTHS[length]
                return self._nominal(self._place(period) - of_year)

    def cumulative(self, period: Period) -> Period:
        """From the beginning of the period's year, as this cycle cuts years, up to its end."""
        return days(self._year_start(period), period.end)

    def _year_start(self, period: Period) -> date:
        if self.length in ("day", "any", "listed"):
            return (period.end - timedelta(days=1)).replace(month=1, day=1)
        of_year = MONTHS_OF_YEAR // MONTHS[self.length]
        return self._nominal(self._place(period) // of_year * of_year).start

    def _named(self, text: str) -> Period:
        if self.length == "listed":
            return self._listed(text)
        named = parse_period(text)
        if not EARLIEST_YEAR <= named.start.year <= named.end.year <= LATEST_YEAR:
            raise Invalid(f"{text} lies outside {EARLIEST_YEAR} to {LATEST_YEAR}", period=text)
        if self.length == "any":
            return named
        given = "/" in text
        found = self.of(named.start) if given else self._meant(named)
        if given and (found.start, found.end) != (named.start, named.end):
            raise self._not_one(text)
        return found

    def _listed(self, text: str) -> Period:
        for period in self.listed:
            if text in (period.text, days(period.start, period.end).text):
                return period
        known = ", ".join(period.text for period in self.listed[-12:])
        raise Invalid(f"{text[:40]} is no period of cycle {self.id}; it has {known}", period=text)

    def _meant(self, named: Period) -> Period:
        """The period of this cycle that carries a name of the calendar."""
        if self.length == "day":
            found = day_of(named.start)
        else:
            found = self._nominal(_index(named.start) // MONTHS[self.length])
        if found.text != named.text:
            raise self._not_one(named.text)
        return found

    def _not_one(self, text: str) -> Invalid:
        return Invalid(
            f"{text} is no period of cycle {self.id} ({self.name.vi}); "
            f"write such as {_EXAMPLES[self.length]}",
            period=text,
        )

    def _place(self, period: Period) -> int:
        """Which period it is, counted from the year 0."""
        begun = period.start.day >= self.first_day
        month = _index(period.start) + self.months_before - (0 if begun else 1)
        return month // MONTHS[self.length]

    def _nominal(self, place: int) -> Period:
        months = MONTHS[self.length]
        year, month = divmod(place * months, MONTHS_OF_YEAR)
        return Period(self._text(year, month), self._start(place), self._start(place + 1))

    def _start(self, place: int) -> date:
        year, month = divmod(place * MONTHS[self.length] - self.months_before, MONTHS_OF_YEAR)
        return date(year, month + 1, self.first_day)

    def _text(self, year: int, month: int) -> str:
        match self.length:
            case "year":
                return f"{year:04}"
            case "month":
                return f"{year:04}-{month + 1:02}"
            case length:
                return f"{year:04}-{_MARKS[length]}{month // MONTHS[length] + 1}"


CALENDAR: Final[Mapping[str, Cycle]] = {
    cycle.id: cycle
    for cycle in (
        Cycle(id="day", name=Text("Ngày", "Day"), length="day"),
        Cycle(id="month", name=Text("Tháng", "Month"), length="month"),
        Cycle(id="quarter", name=Text("Quý", "Quarter"), length="quarter"),
        Cycle(id="half", name=Text("6 tháng", "Half-year"), length="half"),
        Cycle(id="year", name=Text("Năm", "Year"), length="year"),
        Cycle(id="any", name=Text("Tuỳ chọn", "Any days"), length="any"),
    )
}
"""The cycles of the calendar, which need no file."""


def covered(parts: list[Period], whole: Period) -> tuple[int, int]:
    """How many days of a period some parts of it cover, and of how many.

    The parts must not overlap.
    """
    inside = (min(p.end, whole.end) - max(p.start, whole.start) for p in parts)
    return sum(max(part.days, 0) for part in inside), (whole.end - whole.start).days


def _index(day: date) -> int:
    """Months since the year 0."""
    return day.year * MONTHS_OF_YEAR + day.month - 1


def _year_before(day: date) -> date:
    last = calendar.monthrange(day.year - 1, day.month)[1]
    return day.replace(year=day.year - 1, day=min(day.day, last))

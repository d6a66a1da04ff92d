"""Periods as they are written: a year, a half, a quarter, a month, a day, or two days."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from ioc.errors import Invalid

MONTHS_OF_QUARTER = 3
MONTHS_OF_HALF = 6
MONTHS_OF_YEAR = 12

_SHAPE = re.compile(
    r"(?P<year>[0-9]{4})(?:-(?:Q(?P<quarter>[1-4])|H(?P<half>[12])|(?P<month>0[1-9]|1[0-2])))?"
    r"|(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})"
    r"|(?P<start>[0-9]{4}-[0-9]{2}-[0-9]{2})/(?P<end>[0-9]{4}-[0-9]{2}-[0-9]{2})"
)
_CURE = (
    "write 2026, 2026-H1, 2026-Q1, 2026-07, 2026-07-31 or 2022-06-01/2022-08-07, whose last day "
    "is not included"
)


class Period(msgspec.Struct, frozen=True):
    """Days from `start` up to but without `end`, and how the period was written."""

    text: str
    start: date
    end: date

    @property
    def whole_months(self) -> bool:
        """Whether sums by month answer for it."""
        return self.start.day == 1 and self.end.day == 1


def parse_period(text: str) -> Period:
    """The period that a text names; raises `Invalid` with the ways of writing one."""
    shape = _SHAPE.fullmatch(text)
    if shape is None:
        raise Invalid(f"not a period: {text[:40]!r}; {_CURE}", period=text[:40])
    try:
        start, end = _days(shape)
    except (ValueError, OverflowError) as fault:
        raise Invalid(f"no such days: {text}; {_CURE}", period=text) from fault
    if start >= end:
        raise Invalid(f"period {text} is empty; put the earlier day first", period=text)
    return Period(text, start, end)


def months(period: Period) -> list[date]:
    """The first day of every month that the period touches."""
    found: list[date] = []
    month = period.start.replace(day=1)
    while month < period.end:
        found.append(month)
        month = _after(month, 1)
    return found


def month_of(day: date) -> Period:
    """The calendar month of a day."""
    start = day.replace(day=1)
    return Period(f"{start:%Y-%m}", start, _after(start, 1))


def day_of(day: date) -> Period:
    """One day as a period."""
    return Period(day.isoformat(), day, day + timedelta(days=1))


def days(start: date, end: date) -> Period:
    """The days from one up to, not including, another."""
    return Period(f"{start.isoformat()}/{end.isoformat()}", start, end)


def current_month(now: datetime, zone: ZoneInfo) -> Period:
    """The month that it is in a zone: in Vietnam it begins seven hours before UTC's."""
    return month_of(now.astimezone(zone).date())


def instants(period: Period, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When the period begins and ends in a zone, in UTC."""
    return _midnight(period.start, zone), _midnight(period.end, zone)


def _days(shape: re.Match[str]) -> tuple[date, date]:
    if shape["start"]:
        return date.fromisoformat(shape["start"]), date.fromisoformat(shape["end"])
    if shape["day"]:
        day = date.fromisoformat(shape["day"])
        return day, day + timedelta(days=1)
    year = int(shape["year"])
    if shape["quarter"]:
        start = date(year, (int(shape["quarter"]) - 1) * MONTHS_OF_QUARTER + 1, 1)
        return start, _after(start, MONTHS_OF_QUARTER)
    if shape["half"]:
        start = date(year, (int(shape["half"]) - 1) * MONTHS_OF_HALF + 1, 1)
        return start, _after(start, MONTHS_OF_HALF)
    if shape["month"]:
        start = date(year, int(shape["month"]), 1)
        return start, _after(start, 1)
    return date(year, 1, 1), date(year + 1, 1, 1)


def _after(month: date, count: int) -> date:
    years, months_on = divmod(month.month - 1 + count, MONTHS_OF_YEAR)
    return date(month.year + years, months_on + 1, 1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)

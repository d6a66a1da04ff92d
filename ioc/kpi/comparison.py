"""The periods that a period is compared with: up to now, the one before, the same a year ago."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Final

import msgspec

from ioc.errors import Invalid
from ioc.kpi.cycle import CALENDAR, Cycle
from ioc.kpi.period import Period, days

MOST_POINTS: Final = 400
"""Periods of one line."""

_NAMED: Final = ("year", "half", "quarter", "month", "day")


class Compared(msgspec.Struct, frozen=True):
    """A period with those beside it."""

    period: Period
    cumulative: Period
    previous: Period
    same_last_year: Period


def cycle_of(period: Period) -> Cycle:
    """The cycle of the calendar that a period is one of; any days are a cycle of their own."""
    for name in _NAMED:
        if CALENDAR[name].of(period.start).text == period.text:
            return CALENDAR[name]
    return CALENDAR["any"]


def compared(period: Period, today: date) -> Compared:
    """The periods to compare with.

    While a period runs, those before it are cut to as many days as it has behind it: a month is
    not behind the one before because it has only begun.
    """
    cycle = cycle_of(period)
    cumulative, previous = cycle.cumulative(period), cycle.previous(period)
    last_year = cycle.same_last_year(period)
    if not period.start <= today < period.end - timedelta(days=1):
        return Compared(period, cumulative, previous, last_year)
    behind = today - period.start + timedelta(days=1)
    return Compared(
        period,
        cumulative,
        _cut(previous, previous.start + behind),
        _cut(last_year, last_year.start + behind),
    )


def periods_between(cycle: str, since: Period, until: Period) -> list[Period]:
    """The periods of a cycle of the calendar from the beginning of one up to the end of another."""
    chosen = CALENDAR.get(cycle)
    if chosen is None or chosen.length == "any":
        raise Invalid(f"no cycle is called {cycle[:20]!r}; write day, month, quarter, half or year")
    found = [chosen.of(since.start)]
    while found[-1].end < until.end:
        if len(found) >= MOST_POINTS:
            raise Invalid(f"that is more than {MOST_POINTS} periods; ask for fewer, or longer ones")
        found.append(chosen.of(found[-1].end))
    return found


def in_cycle(period: Period, cycle: Cycle) -> Period:
    """The days that a period of the calendar means in another cycle: its first to its last one.

    Where the cycle has no such periods they are the calendar's.
    """
    if cycle.id in CALENDAR:
        return period
    length = cycle.length
    try:
        return cycle.period(period.text)
    except Invalid:
        if length not in CALENDAR or length == "any":
            return period
    named = CALENDAR[length]
    first, last = named.of(period.start), named.of(period.end - timedelta(days=1))
    if (first.start, last.end) != (period.start, period.end):
        return period
    try:
        return days(cycle.period(first.text).start, cycle.period(last.text).end)
    except Invalid:
        return period


def by_days(periods: Mapping[str, Period]) -> dict[Period, list[str]]:
    """The names that are to be counted over each period."""
    found: dict[Period, list[str]] = {}
    for name, period in periods.items():
        found.setdefault(days(period.start, period.end), []).append(name)
    return found


def _cut(period: Period, end: date) -> Period:
    return period if end >= period.end else days(period.start, end)

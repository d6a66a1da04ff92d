"""Who is on call: people, and the shifts in which they answer for a unit; pure."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from ioc.procedures.calendar import Calendar

Days = Literal["all", "working", "rest"]

WEEK: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
"""Weekdays as `date.weekday` counts them, Monday first."""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who can be told, and where; without an address a channel does not reach them."""

    id: str
    name: str
    unit: str
    email: str | None = None
    phone: str | None = None
    zalo: str | None = None
    account: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None


class Shift(msgspec.Struct, frozen=True, kw_only=True):
    """Hours in which some people answer for a unit; one that ends before it begins ends next day.

    `days` are those that the calendar works on, those that it rests on, or all.
    """

    unit: str
    persons: tuple[str, ...]
    begins: time
    ends: time
    weekdays: tuple[int, ...] = WEEK
    days: Days = "all"
    valid_from: date | None = None
    valid_until: date | None = None


class Roster(msgspec.Struct, frozen=True, kw_only=True):
    """All people and shifts."""

    persons: tuple[Person, ...] = ()
    shifts: tuple[Shift, ...] = ()


class Duty:
    """Answers who is on call, by the calendar and the hours of the province."""

    def __init__(self, roster: Roster, calendar: Calendar, zone: ZoneInfo) -> None:
        """Know a roster."""
        self._persons = {person.id: person for person in roster.persons}
        self._shifts = roster.shifts
        self._calendar = calendar
        self.zone = zone

    def person(self, id: str, at: datetime) -> Person | None:
        """Who that is, if they are with us then."""
        found = self._persons.get(id)
        day = at.astimezone(self.zone).date()
        if found is None or not _valid(found.valid_from, found.valid_until, day):
            return None
        return found

    def on_call(self, units: Iterable[str], at: datetime) -> tuple[str, ...]:
        """Who answers for the first of these units for which anybody does."""
        for unit in units:
            found = [
                person
                for shift in self.running(unit, at)
                for person in shift.persons
                if self.person(person, at) is not None
            ]
            if found:
                return tuple(dict.fromkeys(found))
        return ()

    def running(self, unit: str, at: datetime) -> list[Shift]:
        """The shifts of a unit that run."""
        local = at.astimezone(self.zone)
        return [shift for shift in self._shifts if shift.unit == unit and self._runs(shift, local)]

    def _runs(self, shift: Shift, local: datetime) -> bool:
        today, clock = local.date(), local.time()
        if shift.begins < shift.ends:
            return shift.begins <= clock < shift.ends and self._falls(shift, today)
        if clock >= shift.begins:
            return self._falls(shift, today)
        return clock < shift.ends and self._falls(shift, today - timedelta(days=1))

    def _falls(self, shift: Shift, day: date) -> bool:
        """Whether the shift begins on that day."""
        if day.weekday() not in shift.weekdays:
            return False
        if not _valid(shift.valid_from, shift.valid_until, day):
            return False
        return shift.days == "all" or self._calendar.works(day) == (shift.days == "working")


def _valid(since: date | None, until: date | None, day: date) -> bool:
    return (since is None or since <= day) and (until is None or day < until)

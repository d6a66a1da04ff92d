"""The clocks of a ticket: working days of petitions, hours of field reports, what is late; pure."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from ioc.tickets.plan import Category, Span, Terms


class WorkingDays(Protocol):
    """A calendar of working days."""

    def works(self, day: date) -> bool:
        """Whether a day is a working one."""
        ...

    def after(self, day: date, working_days: int) -> date:
        """The working day that is so many working days after a day."""
        ...

    def count(self, start: date, end: date) -> int:
        """Working days from one day up to, not including, another."""
        ...


class OfficeClock:
    """Local time of a province with its working days and office hours."""

    def __init__(self, calendar: WorkingDays, hours: Sequence[Span], zone: ZoneInfo) -> None:
        """Offices are open in the spans of `hours` on working days."""
        self._calendar = calendar
        self._hours = sorted(hours)
        self._zone = zone

    def day(self, at: datetime) -> date:
        """The local day of an instant."""
        return at.astimezone(self._zone).date()

    def end_of(self, day: date) -> datetime:
        """When offices close on a day."""
        return self._at(day, self._hours[-1][1])

    def days_after(self, at: datetime, working_days: int) -> datetime:
        """The close of the working day that is so many working days after an instant's day."""
        return self.end_of(self._calendar.after(self.day(at), working_days))

    def working_days(self, start: datetime, end: datetime) -> int:
        """Working days that begin after one instant's day, up to and with the other's."""
        day = timedelta(days=1)
        return max(self._calendar.count(self.day(start) + day, self.day(end) + day), 0)

    def hours_after(self, at: datetime, hours: float) -> datetime:
        """The instant at which offices have been open for so many hours since an instant."""
        left = timedelta(hours=hours)
        day = self.day(at)
        while True:
            for opens, closes in self._spans(day):
                start = max(opens, at)
                if start >= closes:
                    continue
                if left <= closes - start:
                    return start + left
                left -= closes - start
            day = self._calendar.after(day, 1)

    def open_between(self, start: datetime, end: datetime) -> timedelta:
        """How long offices were open from one instant until another."""
        total, day, last = timedelta(), self.day(start), self.day(end)
        while day <= last:
            for opens, closes in self._spans(day):
                total += max(min(closes, end) - max(opens, start), timedelta())
            day = self._calendar.after(day, 1)
        return total

    def _spans(self, day: date) -> list[tuple[datetime, datetime]]:
        if not self._calendar.works(day):
            return []
        return [(self._at(day, opens), self._at(day, closes)) for opens, closes in self._hours]

    def _at(self, day: date, moment: time) -> datetime:
        return datetime.combine(day, moment, self._zone)


class Deadlines:
    """The deadlines of tickets of one category; a petition has terms, a field report has hours."""

    def __init__(self, category: Category, terms: Terms | None, clock: OfficeClock) -> None:
        """Tell deadlines by a clock; a petition without terms, like a report, goes by its hours."""
        self.category = category
        self.terms = terms if category.kind == "petition" else None
        self._clock = clock

    def solve(self, since: datetime) -> datetime:
        """Until when a ticket is to be solved that comes, or comes again, at an instant."""
        if self.terms is not None:
            return self._clock.days_after(since, self.terms.solve)
        hours = self.category.hours or 0.0
        if self.category.clock == "always":
            return since + timedelta(hours=hours)
        return self._clock.hours_after(since, hours)

    def paused(self, due: datetime, asked: datetime, answered: datetime) -> datetime:
        """A deadline after a wait for the reporter, which is not counted."""
        if self.terms is not None:
            return max(due, self._clock.days_after(due, self._clock.working_days(asked, answered)))
        if self.category.clock == "always":
            return due + max(answered - asked, timedelta())
        waited = self._clock.open_between(asked, answered)
        return self._clock.hours_after(due, waited / timedelta(hours=1)) if waited else due

    def refuse(self, received: datetime) -> datetime | None:
        """Until when a petition is to be refused, if at all."""
        return None if self.terms is None else self._clock.days_after(received, self.terms.refuse)

    def ask(self, received: datetime) -> datetime | None:
        """Until when a petition's reporter is to be asked for a supplement, if at all."""
        if self.terms is None:
            return None
        return self._clock.days_after(received, self.terms.supplement)

    def publish(self, ended: datetime) -> datetime | None:
        """Until when the result of a petition is to be published."""
        return None if self.terms is None else self._clock.days_after(ended, self.terms.publish)

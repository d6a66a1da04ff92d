"""Obligations: who hands in which group of measures by when, and how it stands; pure."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from ioc.kpi.cycle import Cycle
from ioc.kpi.period import Period
from ioc.model import Text
from ioc.org import Level, Organisation, UnitVersion

After = Callable[[date, int], date]
"""The day that lies a number of working days after a day."""

DueState = Literal["expected", "received", "late", "missing"]


class Obligation(msgspec.Struct, frozen=True, kw_only=True):
    """Who hands in which group of measures, and by when after each period.

    That is named units, or each unit of a level (below another one, if `within`). The deadline is
    `time_of_day` of the day that lies `days` days (working days, where `working`) after
    the last day of the period; 0 is that day itself. `post` is who answers within the unit.
    """

    id: str
    name: Text
    group: str
    cycle: str
    units: tuple[str, ...] = ()
    each: Level | None = None
    within: str | None = None
    days: int = 0
    time_of_day: time = time(17)
    working: bool = True
    post: str | None = None
    legal_reference: str | None = None
    valid_from: date | None = None
    valid_until: date | None = None

    def due_at(self, period: Period, zone: ZoneInfo, after: After) -> datetime:
        """When the report of a period must be in; `after` counts working days."""
        last = period.end - timedelta(days=1)
        day = after(last, self.days) if self.working and self.days else None
        return datetime.combine(day or last + timedelta(days=self.days), self.time_of_day, zone)

    def obliged(self, organisation: Organisation, period: Period) -> list[str]:
        """The units that owe the report of a period: those that existed on its last day."""
        last = period.end - timedelta(days=1)
        if self.each is None:
            return [unit for unit in self.units if organisation.find(unit, last) is not None]
        there: Iterable[UnitVersion] = (
            organisation.as_of(last).values()
            if self.within is None
            else organisation.descendants(self.within, last)
        )
        return [version.unit for version in there if version.level == self.each]

    def owed(self, period: Period) -> bool:
        """Whether the obligation was in force when the period began."""
        return (self.valid_from is None or self.valid_from <= period.start) and (
            self.valid_until is None or period.start < self.valid_until
        )

    def periods(self, cycle: Cycle, at: datetime, zone: ZoneInfo, after: After) -> list[Period]:
        """The newest period that was due by then, and those that have ended since; oldest first."""
        found: list[Period] = []
        period = cycle.of(at.astimezone(zone).date())
        if period.end - timedelta(days=1) > at.astimezone(zone).date():
            period = cycle.previous(period)
        while self.owed(period):
            found.append(period)
            if self.due_at(period, zone, after) <= at:
                break
            period = cycle.previous(period)
        return found[::-1]


class Due(msgspec.Struct, frozen=True, kw_only=True):
    """A report that a unit owes: when it was due and came, and which measures are still missing.

    `received_at` is when the last measure of the group came in; None while one is missing.
    """

    obligation: Obligation
    unit: str
    period: Period
    due_at: datetime
    received_at: datetime | None
    missing: tuple[str, ...] = ()

    def state(self, at: datetime) -> DueState:
        """How it stands at a time."""
        if self.received_at is None or self.received_at > at:
            return "expected" if at < self.due_at else "missing"
        return "received" if self.received_at <= self.due_at else "late"

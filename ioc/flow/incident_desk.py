"""What all that is done with incidents goes by: the plan, the clocks, and the names of units."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from ioc.clock import Clock
from ioc.errors import Invalid
from ioc.incidents.clock import Deadlines
from ioc.incidents.plan import Category, Plan
from ioc.live.incident_wire import IncidentCategory, IncidentItem
from ioc.live.wire import Place, UnitRef
from ioc.model import Text
from ioc.org import Organisation
from ioc.procedures.calendar import Calendar
from ioc.store import incident_rows
from ioc.store.city import Described
from ioc.store.incident_rows import IncidentRow
from ioc.store.pool import ReadPool
from ioc.tickets.clock import OfficeClock

FORGOTTEN_HOURS: Final = 24.0
"""The deadlines of a category that the plan has dropped since."""


@dataclass(frozen=True, slots=True)
class Desk:
    """The plan of the province, its office clock, and its units on a day."""

    plan: Plan
    clock: OfficeClock
    organisation: Organisation
    today: date
    calendar: Calendar
    zone: ZoneInfo

    def asked(self, id: str) -> Category:
        """A category that somebody names; `Invalid` with the known ones."""
        found = self.plan.find(id)
        if found is None:
            known = ", ".join(category.id for category in self.plan.categories)
            raise Invalid(f"there is no category {id[:64]!r}; use one of {known or 'none yet'}")
        return found

    def category(self, id: str) -> Category:
        """The category of a stored incident, even if the plan has dropped it since."""
        return self.plan.find(id) or Category(
            id=id, name=Text(id, id), group=Text(id, id), source="",
            acknowledge=FORGOTTEN_HOURS, assign=FORGOTTEN_HOURS, resolve=FORGOTTEN_HOURS,
        )  # fmt: skip

    def deadlines(self, category: Category) -> Deadlines:
        """The deadlines of incidents of a category."""
        return Deadlines(category, self.clock)

    def unit(self, id: str) -> UnitRef:
        """A unit with its name of today, or its id where it is gone."""
        version = self.organisation.find(id, self.today)
        return UnitRef(id, version.short_name if version else id)

    def item(self, row: IncidentRow) -> IncidentItem:
        """An incident as it is shown."""
        point = None
        if row.longitude is not None and row.latitude is not None:
            point = (row.longitude, row.latitude)
        return IncidentItem(
            id=str(row.incident_id),
            code=row.code,
            version=row.version,
            category=IncidentCategory(row.category, self.category(row.category).name),
            title=row.title,
            origin=row.origin,
            exercise=row.exercise,
            state=row.state,
            result=row.result,
            level=row.level,
            lead=self.unit(row.lead),
            support=tuple(self.unit(unit) for unit in row.support),
            assignee=row.assignee,
            keeper=row.keeper,
            place=Place(row.feature, row.place_name, point),
            opened_at=row.opened_at,
            opened_by=row.opened_by,
            changed_at=row.changed_at,
            acknowledged_at=row.acknowledged_at,
            assigned_at=row.assigned_at,
            resolved_at=row.resolved_at,
            closed_at=row.closed_at,
            acknowledge_due_at=row.acknowledge_due_at,
            assign_due_at=row.assign_due_at,
            due_at=row.due_at,
            reopened=row.reopened,
            entries=row.entries,
        )


class Desks:
    """Opens the desk as it stands now."""

    def __init__(
        self, *, reads: ReadPool, clock: Clock, zone: str, city: Callable[[], Described]
    ) -> None:
        """Ask the city for its units and working days whenever a desk is opened."""
        self._reads = reads
        self._clock = clock
        self._zone = ZoneInfo(zone)
        self._city = city

    async def open(self) -> Desk:
        """The desk as it stands now."""
        plan = await incident_rows.read_plan(self._reads)
        city = self._city()
        clock = OfficeClock(city.calendar, plan.office_hours, self._zone)
        today = clock.day(self._clock.now())
        return Desk(plan, clock, city.organisation, today, city.calendar, self._zone)

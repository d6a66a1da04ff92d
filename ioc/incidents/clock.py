"""The deadlines of an incident by the hours of its category; pure."""

from datetime import datetime, timedelta

from ioc.incidents.plan import Category
from ioc.tickets.clock import OfficeClock


class Deadlines:
    """Until when what is to be done with incidents of one category."""

    def __init__(self, category: Category, clock: OfficeClock) -> None:
        """Tell deadlines by a clock, or around it."""
        self.category = category
        self._clock = clock

    def after(self, since: datetime, hours: float) -> datetime:
        """The instant so many hours after another, as the category counts them."""
        if self.category.clock == "always":
            return since + timedelta(hours=hours)
        return self._clock.hours_after(since, hours)

    def acknowledge(self, since: datetime) -> datetime:
        """Until when an incident is to be acknowledged."""
        return self.after(since, self.category.acknowledge)

    def assign(self, since: datetime) -> datetime:
        """Until when somebody is to have it."""
        return self.after(since, self.category.assign)

    def resolve(self, since: datetime) -> datetime:
        """Until when it is to have a result."""
        return self.after(since, self.category.resolve)

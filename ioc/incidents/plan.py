"""What a province says of incidents: categories with deadlines, checklists and escalation; pure."""

from datetime import time
from typing import Literal

import msgspec

from ioc.model import Text
from ioc.org import Level
from ioc.tickets.plan import Hours, Span

When = Literal["unacknowledged", "unassigned", "unresolved"]
"""What has not been done with an incident."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a checklist; one that is required is done, or it is said why not."""

    id: str
    text: Text
    required: bool = False


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """To which level an incident rises where something has not been done for so many hours."""

    level: int
    when: When
    after: float


class Category(msgspec.Struct, frozen=True, kw_only=True):
    """What incidents are about; `unit` or the unit of `level` around the place leads.

    `acknowledge`, `assign` and `resolve` are hours since the opening, by office hours or around
    the clock; `source` names who set them. `version` rises with each change of the checklist. An
    incident that rose by time falls back `calm` hours after what was missing has been done.
    """

    id: str
    name: Text
    group: Text
    acknowledge: float
    assign: float
    resolve: float
    source: str
    clock: Hours = "always"
    unit: str | None = None
    level: Level | None = None
    version: int = 1
    steps: tuple[Step, ...] = ()
    escalation: tuple[Rung, ...] = ()
    calm: float | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """All of it; `keep_contact` is in days since an incident was closed."""

    categories: tuple[Category, ...] = ()
    office_hours: tuple[Span, ...] = ((time(7, 30), time(11, 30)), (time(13, 30), time(17)))
    keep_contact: int = 90

    def find(self, id: str) -> Category | None:
        """The category of that id."""
        return next((category for category in self.categories if category.id == id), None)

"""Incidents as they travel to consoles, phones and walls."""

from datetime import datetime

import msgspec

from ioc.live.wire import Place, UnitRef
from ioc.model import Text


class IncidentCategory(msgspec.Struct, frozen=True):
    """What an incident is about."""

    id: str
    name: Text


class IncidentItem(msgspec.Struct, frozen=True, kw_only=True):
    """One incident as people see it; nothing in it says who called.

    A move carries the `version` that it was decided on. `exercise` marks a drill. `level` says how
    high it has risen, 0 to 3; the deadlines are instants, to be judged by the reader's clock.
    """

    id: str
    code: str
    version: int
    category: IncidentCategory
    title: str
    origin: str
    exercise: bool
    state: str
    result: str | None
    level: int
    lead: UnitRef
    support: tuple[UnitRef, ...]
    assignee: str | None
    keeper: str
    place: Place
    opened_at: datetime
    opened_by: str
    changed_at: datetime
    acknowledged_at: datetime | None
    assigned_at: datetime | None
    resolved_at: datetime | None
    closed_at: datetime | None
    acknowledge_due_at: datetime
    assign_due_at: datetime
    due_at: datetime
    reopened: int
    entries: int

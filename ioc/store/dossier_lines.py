"""What is asked of dossiers, and what is told of them: single ones, and counts of a group."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal
from uuid import UUID

By = Literal["handling", "receiving", "applicant"]
State = Literal["in_hand", "overdue", "early", "on_time", "late"]
Group = Literal["unit", "procedure", "field", "office", "month", "level", "channel"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """Which dossiers are meant: of units by key (None: of all), of a procedure, of a field."""

    units: Sequence[int] | None = None
    by: By = "handling"
    procedure: str | None = None
    field: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Days from `start` up to, not including, `end`; None is open. `at` is the moment looked at."""

    start: date | None = None
    end: date | None = None
    at: datetime


Place = tuple[datetime | None, UUID]
"""Where a page of the list ends: return date (None: has none) and id of its last dossier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DossierLine:
    """One dossier as it is listed; units by id. Nothing of it is about a person."""

    dossier_id: UUID
    code: str
    procedure: str
    field: str
    handling_unit: str
    received_unit: str
    channel: str
    office: str | None
    office_since: datetime | None
    received_at: datetime
    received_day: date
    due_at: datetime | None
    resolved_at: datetime | None
    paused_since: datetime | None
    timeliness: str | None
    overdue: bool


@dataclass(frozen=True, slots=True)
class DossierTally:
    """Counts of one group; `key` has a part per group that was asked for, None is not told.

    `carried_over` was in hand when the span began, `in_hand` is so when it ends.
    """

    key: tuple[str | None, ...]
    received_direct: int
    received_online: int
    received_post: int
    carried_over: int
    resolved_early: int
    resolved_on_time: int
    resolved_late: int
    resolved_undated: int
    in_hand: int
    in_hand_overdue: int

    @property
    def received(self) -> int:
        """What came in, by whatever way."""
        return self.received_direct + self.received_online + self.received_post

    @property
    def resolved(self) -> int:
        """What was resolved, with or without a return date."""
        in_time = self.resolved_early + self.resolved_on_time
        return in_time + self.resolved_late + self.resolved_undated

    @property
    def in_hand_in_time(self) -> int:
        """What is in hand and not overdue, with or without a return date."""
        return self.in_hand - self.in_hand_overdue

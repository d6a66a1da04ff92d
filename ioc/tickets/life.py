"""The life of a ticket: where it stands, how it ended, and what its clocks are made of; pure."""

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec

from ioc.tickets.plan import Kind


class State(StrEnum):
    """Where a ticket stands; `waiting` is for a supplement from its reporter."""

    RECEIVED = "received"
    VERIFIED = "verified"
    REJECTED = "rejected"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    EXTENSION_REQUESTED = "extension_requested"
    RESOLVED = "resolved"
    APPROVED = "approved"
    PUBLISHED = "published"
    RATED = "rated"
    REOPENED = "reopened"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a ticket ended."""

    SOLVED = "solved"
    FALSE_REPORT = "false_report"
    OUT_OF_SCOPE = "out_of_scope"
    DUPLICATE = "duplicate"
    WITHDRAWN = "withdrawn"


ENDED: Final = frozenset({
    State.REJECTED, State.RESOLVED, State.APPROVED, State.PUBLISHED, State.RATED, State.CLOSED,
})  # fmt: skip
"""States in which there is an outcome, and no clock of the handling runs."""

UNASSIGNED: Final = frozenset({State.RECEIVED, State.VERIFIED})
"""States in which a ticket needs no unit."""

RESOLVING: Final = frozenset({Outcome.SOLVED, Outcome.FALSE_REPORT})
REJECTING: Final = frozenset(Outcome) - {Outcome.SOLVED}

GRADES: Final = range(1, 6)
"""What a reporter may give: 5 is the best."""


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """Where a ticket stands, and what its clocks are made of.

    `due_at` is the deadline of the handling; `ended_at` when there was a result or a rejection.
    `resumes` is the state that a ticket goes back to after it has waited since `asked_at`.
    """

    kind: Kind
    category: str
    state: State = State.RECEIVED
    outcome: Outcome | None = None
    unit: str | None = None
    received_at: datetime
    due_at: datetime
    wanted_due_at: datetime | None = None
    resumes: State | None = None
    asked_at: datetime | None = None
    first_asked_at: datetime | None = None
    supplements: int = 0
    ended_at: datetime | None = None
    published_at: datetime | None = None
    rated_at: datetime | None = None
    rating: int | None = None
    reopened: int = 0
    result: str = ""
    version: int = 1

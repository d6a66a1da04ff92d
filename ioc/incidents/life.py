"""The life of an incident: where it stands, who has it, how it ended, and its times; pure."""

from datetime import datetime
from enum import StrEnum
from typing import Final

import msgspec


class State(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    CLOSED = "closed"
    REOPENED = "reopened"


class Result(StrEnum):
    """How an incident ended; `exercise` is for a drill only."""

    HANDLED = "handled"
    FALSE = "false_alarm"
    NO_ACTION = "no_action"
    TRANSFERRED = "transferred"
    EXERCISE = "exercise"


ENDED: Final = frozenset({State.RESOLVED, State.CLOSED})
"""States in which there is a result, and no clock of the handling runs."""

TOP_LEVEL: Final = 3
"""How high an incident can rise: the room, its head, the province's leaders."""


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """Where an incident stands, and what its clocks are made of.

    `assignee` is who handles it, `keeper` who follows it in the control room. `since` is when it
    was opened, or opened again. `rung` is the highest level that it has reached by time since
    then, and `timed` whether its present level is of that kind. `outcome` are words on the result.
    """

    category: str
    exercise: bool = False
    state: State = State.OPEN
    result: Result | None = None
    outcome: str = ""
    lead: str
    support: tuple[str, ...] = ()
    assignee: str | None = None
    keeper: str
    level: int = 0
    level_at: datetime
    rung: int = 0
    timed: bool = False
    opened_at: datetime
    since: datetime
    acknowledged_at: datetime | None = None
    assigned_at: datetime | None = None
    resolved_at: datetime | None = None
    closed_at: datetime | None = None
    changed_at: datetime
    acknowledge_due_at: datetime
    assign_due_at: datetime
    due_at: datetime
    reopened: int = 0
    version: int = 1

    @property
    def units(self) -> tuple[str, ...]:
        """The units that lead or support."""
        return (self.lead, *self.support)

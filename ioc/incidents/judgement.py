"""Whether an incident was in time: how long each step took, against its deadline; pure."""

from datetime import datetime
from typing import Literal

import msgspec

from ioc.incidents.life import ENDED, Life

Task = Literal["acknowledge", "assign", "resolve"]
Standing = Literal["running", "met", "missed"]


class TaskClock(msgspec.Struct, frozen=True):
    """One deadline of an incident; `seconds` since its opening until it was done, or until now."""

    task: Task
    due_at: datetime
    done_at: datetime | None
    seconds: float
    standing: Standing


def clocks(life: Life, now: datetime) -> list[TaskClock]:
    """The clocks of an incident, in the order of the work."""
    return [
        _clock("acknowledge", life, life.acknowledge_due_at, life.acknowledged_at, now),
        _clock("assign", life, life.assign_due_at, life.assigned_at, now),
        _clock("resolve", life, life.due_at, life.resolved_at, now),
    ]


def is_overdue(life: Life, now: datetime) -> bool:
    """Whether an incident should have had a result by now."""
    return life.state not in ENDED and life.due_at < now


def _clock(
    task: Task, life: Life, due: datetime, done: datetime | None, now: datetime
) -> TaskClock:
    end = max(now, life.opened_at) if done is None else done
    running: Standing = "running" if done is None else "met"
    return TaskClock(
        task, due, done, (end - life.opened_at).total_seconds(), "missed" if end > due else running
    )

"""Whom an incident calls: who is on call for its lead unit, when it is theirs and when it rises."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from alerts.roster import Duty
from alerts.route import Notice, Plan, Reason


class Stand(msgspec.Struct, frozen=True, kw_only=True):
    """As much of an incident as decides whom it calls; `units` is the lead and those above it."""

    units: tuple[str, ...]
    level: int
    exercise: bool

    @property
    def lead(self) -> str:
        """The unit that leads."""
        return self.units[0]


def summoned(
    before: Stand | None, after: Stand, plan: Plan, duty: Duty, now: datetime
) -> Sequence[Notice]:
    """Who is told of a change, each by every channel that reaches them; of an exercise nobody.

    An incident is for now: it waits for no morning and counts against no limit.
    """
    if after.exercise:
        return ()
    if before is None or before.lead != after.lead:
        reason, stage = Reason.INCIDENT, f"lead:{after.lead}"
    elif after.level > before.level:
        reason, stage = Reason.INCIDENT_RISEN, f"level:{after.level}:{now.isoformat()}"
    else:
        return ()
    return [
        Notice(stage=stage, person=id, channel=channel.id, reason=reason, due=now)
        for id in duty.on_call(after.units, now)
        for channel in plan.channels
        if channel.enabled and channel.id in plan.incidents
        if channel.address is None or getattr(duty.person(id, now), channel.address) is not None
    ]

"""Alert health: how alerts burden the control room, and what would make it less."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from alerts.advice import Advice, advice
from alerts.health import Health, health_of
from alerts.rule import Rule
from alerts.staffing import staffed
from ioc.api.deps import Alerts, Now, Reads, ServerFacts, requires
from ioc.api.encode import answer, shape
from ioc.api.feeds import window
from ioc.api.unit_scope import keys_below
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid
from ioc.model import Severity, Text, to_micros
from ioc.store import alert_health
from ioc.store.alert_health import Watched

router = APIRouter(tags=["alerts"])

Reader = Annotated[Subject, Depends(requires(Permission.ALERT_READ))]

USUAL: Final = timedelta(days=30)
LONGEST: Final = timedelta(days=92)


class QuietItem(msgspec.Struct, frozen=True):
    """Why alerts were quiet or put aside, and how many of them."""

    cause: str
    why: str
    alerts: int


class StaffItem(msgspec.Struct, frozen=True):
    """How operators were counted: hours of people, from hours on the clock that add up.

    The people of the shift while one ran, else the operators who were signed in, else one.
    """

    operator_hours: float
    hours_by_shift: float
    hours_by_sign_in: float
    hours_by_position: float


class RuleName(msgspec.Struct, frozen=True):
    """What a rule is called; one that has been removed is absent."""

    name: Text
    severity: Severity


class AlertHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Alert health of a time: figures with their benchmarks, why alerts were quiet, proposals.

    The hours begin with the full one at or before `since`.
    """

    since: datetime
    until: datetime
    staff: StaffItem
    health: Health
    reasons: list[QuietItem]
    names: dict[str, RuleName]
    advice: list[Advice]


@router.get("/alerts/health", responses=shape(AlertHealth))
async def get_alert_health(
    _: Reader,
    alerting: Alerts,
    facts: ServerFacts,
    reads: Reads,
    now: Now,
    since: datetime | None = None,
    until: datetime | None = None,
    unit: Annotated[str | None, Query(description="who answers: this unit or those below")] = None,
) -> Response:
    """How alerts burdened the control room, of the last 30 days unless told; drills never count."""
    end = now if until is None else min(until, now)
    start, end = window(since or end - USUAL, end, now)
    if end - start > LONGEST:
        raise Invalid(f"choose {LONGEST.days} days at most")
    keys = None if unit is None else keys_below(facts, unit, end.date())
    watched = await alert_health.read(reads, since=start, until=end, units=keys)
    # Of 100,000 alerts that is a tenth of a second, in which live data would stand still.
    return answer(await asyncio.to_thread(_health, watched, alerting.rules, start, end))


def _health(
    watched: Watched, rules: Mapping[str, Rule], start: datetime, end: datetime
) -> AlertHealth:
    since, until = to_micros(start), to_micros(end)
    past = watched.past
    staff = staffed(watched.duties, watched.sessions, since=since, until=until)
    known = {id: rules[id] for id in past.rules if id in rules}
    return AlertHealth(
        since=start,
        until=end,
        staff=StaffItem(staff.operator_hours, staff.by_shift, staff.by_sign_in, staff.by_position),
        health=health_of(past, staff, since=since, until=until),
        reasons=[QuietItem(one.cause, one.why, one.alerts) for one in watched.reasons],
        names={id: RuleName(rule.name, rule.severity) for id, rule in known.items()},
        advice=advice(past, known, since=since, until=until),
    )

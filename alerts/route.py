"""Who is told of an alert, by which channel and when; every decision has its reason; pure."""

from bisect import insort
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from alerts.channel import Channel
from alerts.roster import Duty
from ioc.model import Severity

ANSWERING: Final = "answering"
"""Stands for the unit that answers for the alert, and for those above it."""

SETTLED: Final = timedelta(hours=1)
"""A flapping alert is told once it has stood for so long."""

NOBODY_AGAIN: Final = timedelta(minutes=1)
"""How soon it is looked again who is on call, where nobody was."""


class Reason(StrEnum):
    """Why somebody is told, is told later, or is not told."""

    FIRST = "first"
    REPEAT = "repeat"
    ESCALATION = "escalation"
    CLEARED = "cleared"
    TEST = "test"
    INCIDENT = "incident"
    INCIDENT_RISEN = "incident_risen"
    QUIET_HOURS = "quiet_hours"
    RATE_LIMITED = "rate_limited"
    NOTED = "noted"
    EXERCISE = "exercise"
    MUTED = "muted"
    SHELVED = "shelved"
    FLAPPING = "flapping"
    ACKNOWLEDGED = "acknowledged"
    NOBODY = "nobody"
    NO_ROUTE = "no_route"
    NO_SUBSCRIPTION = "no_subscription"


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """Who is told after an alert was unacknowledged for so long."""

    channels: tuple[str, ...]
    after: timedelta = timedelta(0)
    on_call: str | None = None
    persons: tuple[str, ...] = ()


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """Which alerts take which steps; without domains or units all do."""

    id: str
    severities: tuple[Severity, ...]
    steps: tuple[Step, ...]
    domains: tuple[str, ...] | None = None
    units: tuple[str, ...] | None = None
    repeat: timedelta | None = None
    cleared: bool = True

    def takes(self, alert: "Facts") -> bool:
        """Whether it is a route of the alert."""
        return (
            alert.severity in self.severities
            and (self.domains is None or alert.domain in self.domains)
            and (self.units is None or not alert.zones.isdisjoint(self.units))
        )


class QuietHours(msgspec.Struct, frozen=True, kw_only=True):
    """Hours of the night in which alerts of some severities wait."""

    begins: time
    ends: time
    severities: tuple[Severity, ...]


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """How much one person is told within a time; critical alerts are told beyond it."""

    most: int
    within: timedelta


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Routes and channels of a city; without routes nobody is told.

    `incidents` are the channels by which the lead units of incidents are.
    """

    routes: tuple[Route, ...] = ()
    channels: tuple[Channel, ...] = ()
    quiet: QuietHours | None = None
    limit: Limit = Limit(most=20, within=timedelta(hours=1))
    incidents: tuple[str, ...] = ()


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What routes look at; `answers` is the answering unit and those above it, nearest first."""

    severity: Severity
    domain: str
    active_since: datetime
    zones: frozenset[str] = frozenset()
    answers: tuple[str, ...] = ()
    cleared: bool = False
    acknowledged: bool = False
    muted: bool = False
    shelved: bool = False
    noted: bool = False
    flapping: bool = False
    exercise: bool = False


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """That somebody is to be told; `held` says why later, or why not at all where it is `lost`."""

    stage: str
    person: str
    channel: str
    reason: Reason
    due: datetime
    held: Reason | None = None
    lost: bool = False


class Verdict(msgspec.Struct, frozen=True):
    """Who is told; else why nobody is; and when to look again unless something changes."""

    notices: tuple[Notice, ...] = ()
    silent: Reason | None = None
    look_at: datetime | None = None


Pace = Mapping[str, Sequence[datetime]]
"""When each person was, and will be, told anything; in order."""


def silent(alert: Facts, now: datetime) -> Reason | None:
    """Why an alert tells nobody anew, if it does not."""
    if alert.noted:
        return Reason.NOTED
    if alert.exercise:
        return Reason.EXERCISE
    if alert.muted:
        return Reason.MUTED
    if alert.shelved:
        return Reason.SHELVED
    if alert.cleared:
        return Reason.CLEARED
    if alert.acknowledged:
        return Reason.ACKNOWLEDGED
    if alert.flapping and now < alert.active_since + SETTLED:
        return Reason.FLAPPING
    return None


def overtaken(reason: Reason, alert: Facts, now: datetime, *, was_told: bool) -> Reason | None:
    """Why what was decided is not sent any more; a test is sent whatever has become of alerts.

    That an alert is over is told to whom it was told.
    """
    if reason is Reason.TEST:
        return None
    why = silent(alert, now)
    if reason is Reason.CLEARED:
        if why in (None, Reason.CLEARED, Reason.ACKNOWLEDGED, Reason.FLAPPING):
            return None if was_told else Reason.CLEARED
        return why
    return why


def decide(
    alert: Facts, plan: Plan, duty: Duty, told: Sequence[Notice], pace: Pace, now: datetime
) -> Verdict:
    """What an alert is told now, as it stands and after what was `told` of it."""
    why = silent(alert, now)
    if why is Reason.CLEARED:
        return Verdict(_cleared(alert, plan, duty, told, pace, now), why)
    if why is not None:
        again = alert.active_since + SETTLED if why is Reason.FLAPPING else None
        return Verdict((), why, again)
    routes = [route for route in plan.routes if route.takes(alert)]
    if not routes:
        return Verdict((), Reason.NO_ROUTE)
    base = _base(alert, routes, told, now)
    stages = {notice.stage for notice in told}
    found: list[Notice] = []
    looks: list[datetime] = []
    silenced: Reason | None = None
    for route in routes:
        for stage, reason, step, at in _steps(route, base, now):
            if stage in stages:
                continue
            if at > now:
                looks.append(at)
                continue
            if reason is Reason.REPEAT and (ends := _quiet_until(alert, plan, duty, now)):
                looks.append(ends)
                continue
            named = _named(step, stage, reason, alert, plan, duty, now)
            if not named:
                silenced = Reason.NOBODY
                looks.append(now + NOBODY_AGAIN)
            found += named
    return Verdict(
        _paced(found, alert, plan, duty, pace, now),
        None if found else silenced,
        min(looks, default=None),
    )


def _base(alert: Facts, routes: Sequence[Route], told: Sequence[Notice], now: datetime) -> datetime:
    """From when on steps are counted: since when anybody could act.

    An alert that becomes loud late begins then, one that waited for the morning in the morning.
    """
    if told:
        return min(notice.due for notice in told)
    at_once = any(step.after <= timedelta(0) for route in routes for step in route.steps)
    return now if at_once else alert.active_since


def _steps(route: Route, base: datetime, now: datetime) -> list[tuple[str, Reason, Step, datetime]]:
    """The steps of a route with their times; of repeats the newest that is due, and the next."""
    found = [
        (
            f"{route.id}:{place}",
            Reason.FIRST if place == 0 else Reason.ESCALATION,
            step,
            base + step.after,
        )
        for place, step in enumerate(route.steps)
    ]
    if route.repeat is not None and route.steps:
        step = route.steps[0]
        begun = base + step.after
        past = max(0, (now - begun) // route.repeat)
        for number in (past, past + 1) if past else (1,):
            at = begun + number * route.repeat
            found.append((f"{route.id}:repeat-{number}", Reason.REPEAT, step, at))
    return found


def _named(
    step: Step, stage: str, reason: Reason, alert: Facts, plan: Plan, duty: Duty, now: datetime
) -> list[Notice]:
    """Everybody whom a step tells, by every channel that reaches them."""
    persons = [id for id in step.persons if duty.person(id, now) is not None]
    if step.on_call is not None:
        units = alert.answers if step.on_call == ANSWERING else (step.on_call,)
        persons += duty.on_call(units, now)
    channels = [c for c in plan.channels if c.enabled and c.id in step.channels]
    return [
        Notice(stage=stage, person=id, channel=channel.id, reason=reason, due=now)
        for id in dict.fromkeys(persons)
        for channel in channels
        if channel.address is None or getattr(duty.person(id, now), channel.address) is not None
    ]


def _cleared(
    alert: Facts, plan: Plan, duty: Duty, told: Sequence[Notice], pace: Pace, now: datetime
) -> tuple[Notice, ...]:
    routes = {route.id for route in plan.routes if route.cleared}
    stages = {notice.stage for notice in told}
    found = [
        Notice(
            stage="cleared",
            person=notice.person,
            channel=notice.channel,
            reason=Reason.CLEARED,
            due=now,
        )
        for notice in told
        if "cleared" not in stages and not notice.lost and notice.stage.split(":")[0] in routes
    ]
    return _paced(found, alert, plan, duty, pace, now)


def _paced(
    found: Sequence[Notice], alert: Facts, plan: Plan, duty: Duty, pace: Pace, now: datetime
) -> tuple[Notice, ...]:
    """Each person by each channel once, and not in the night or too often."""
    once: dict[tuple[str, str], Notice] = {}
    for notice in found:
        once.setdefault((notice.person, notice.channel), notice)
    mine = {person: sorted(pace.get(person, ())) for person, _ in once}
    placed: list[Notice] = []
    for notice in once.values():
        later = _held(notice, alert, plan, duty, mine[notice.person], now)
        if not later.lost:
            insort(mine[notice.person], later.due)
        placed.append(later)
    return tuple(placed)


def _held(
    notice: Notice,
    alert: Facts,
    plan: Plan,
    duty: Duty,
    times: Sequence[datetime],
    now: datetime,
) -> Notice:
    """The notice at the time at which it may be sent, if at any."""
    if alert.severity is Severity.CRITICAL:
        return notice
    ends = _quiet_until(alert, plan, duty, now)
    wish, held = (now, None) if ends is None else (ends, Reason.QUIET_HOURS)
    free = wish
    if len(times) >= plan.limit.most:
        free = max(wish, times[-plan.limit.most] + plan.limit.within)
    if free > wish + plan.limit.within:
        return msgspec.structs.replace(notice, due=wish, held=Reason.RATE_LIMITED, lost=True)
    if free > wish:
        held = Reason.RATE_LIMITED
        free = _quiet_until(alert, plan, duty, free) or free
    return msgspec.structs.replace(notice, due=free, held=held)


def _quiet_until(alert: Facts, plan: Plan, duty: Duty, now: datetime) -> datetime | None:
    """When the quiet hours end in which an alert waits; None where it does not."""
    quiet = plan.quiet
    if quiet is None or alert.severity not in quiet.severities:
        return None
    if alert.severity is Severity.CRITICAL:
        return None
    local = now.astimezone(duty.zone)
    clock = local.time()
    if quiet.begins < quiet.ends:
        inside, day = quiet.begins <= clock < quiet.ends, local.date()
    else:
        inside = clock >= quiet.begins or clock < quiet.ends
        day = local.date() + timedelta(days=clock >= quiet.begins)
    if not inside:
        return None
    return datetime.combine(day, quiet.ends, duty.zone).astimezone(now.tzinfo)

"""From a figure down to units, procedures and single dossiers; nothing about a person."""

from datetime import date, datetime, time, timedelta
from typing import Annotated, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from ioc.api.deps import Facts, Now, Reads, ServerFacts, requires
from ioc.api.encode import answer, shape
from ioc.api.unit_scope import scope_of
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid, NotPermitted
from ioc.kpi.cycle import EARLIEST_YEAR, LATEST_YEAR
from ioc.live.wire import UnitRef
from ioc.procedures.calendar import working_days_after
from ioc.store import dossier_drill
from ioc.store.dossier_lines import By, Chosen, DossierLine, DossierTally, Group, Place, Span, State

router = APIRouter(tags=["dossiers"])

Reader = Annotated[Subject, Depends(requires(Permission.CITY_READ))]
Insider = Annotated[Subject, Depends(requires(Permission.DOSSIER_READ))]

Below = Annotated[str | None, Query(description="this unit and those below it")]
Since = Annotated[date | None, Query(description="the first day")]
Until = Annotated[date | None, Query(description="the day after the last one")]
Text = Annotated[str | None, Query(max_length=200)]

NEVER: Final = "infinity"
"""Stands in a cursor for the return date of dossiers that have none."""


class ProcedureRef(msgspec.Struct, frozen=True):
    """A procedure by code, and its name on the day of filing where the catalogue knows it."""

    code: str
    name: str | None


class Held(msgspec.Struct, frozen=True):
    """The office that holds a dossier, and since when."""

    office: str
    since: datetime | None


class DossierItem(msgspec.Struct, frozen=True, kw_only=True):
    """One dossier; `due_at` is the return date with the pauses that are over added.

    `state` is early, on_time, late or undated of one that is resolved, else overdue or in_hand.
    `days_late` are working days.
    """

    code: str
    procedure: ProcedureRef
    field: str
    unit: UnitRef
    received_by: UnitRef
    channel: str
    state: str
    held: Held | None
    received_at: datetime
    due_at: datetime | None
    resolved_at: datetime | None
    days_late: int | None


class DossierList(msgspec.Struct):
    """Dossiers, those first whose return date is the oldest."""

    items: list[DossierItem]
    next: str | None = None


class DossierGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of the dossiers that have something in common; a null `key` is not told of them.

    carried_over + received - resolved is in hand when the span ends; `overdue` is a part of that.
    """

    key: str | None
    name: str | None
    received: int
    received_direct: int
    received_online: int
    received_post: int
    carried_over: int
    resolved: int
    resolved_early: int
    resolved_on_time: int
    resolved_late: int
    resolved_undated: int
    in_hand: int
    overdue: int


class DossierGroups(msgspec.Struct):
    """Counts by group over a span of days, of which `until` is not included, and at its end."""

    group: str
    since: date
    until: date | None
    at: datetime
    items: list[DossierGroup]


@router.get("/dossiers", responses=shape(DossierList))
async def get_dossiers(
    subject: Insider,
    reads: Reads,
    facts: ServerFacts,
    now: Now,
    unit: Below = None,
    procedure: Text = None,
    field: Text = None,
    state: State | None = None,
    by: By = "handling",
    since: Since = None,
    until: Until = None,
    cursor: Annotated[str | None, Query(max_length=80)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """Single dossiers. Days are those of resolution for early, on_time and late, else of receipt.

    By applicant they lie with other units, which only those see who see the whole province.
    """
    if by == "applicant" and not subject.may_see_unit(None):
        raise NotPermitted(
            "dossiers by the applicant's unit lie with other units; ask by=handling or "
            "by=receiving, or for their counts"
        )
    chosen, span = _asked(subject, facts, now, unit, procedure, field, by, since, until)
    lines = await dossier_drill.listed(
        reads, chosen, span, state=state, before=_place(cursor), limit=limit
    )
    following = _cursor(lines[-1]) if len(lines) == limit else None
    return answer(DossierList([_item(line, facts, now) for line in lines], following))


@router.get("/dossiers/counts", responses=shape(DossierGroups))
async def get_counts(
    subject: Reader,
    reads: Reads,
    facts: ServerFacts,
    now: Now,
    group: Group = "unit",
    unit: Below = None,
    procedure: Text = None,
    field: Text = None,
    by: By = "handling",
    since: Since = None,
    until: Until = None,
) -> Response:
    """How many were received, resolved and in hand, by what they have in common; this year's.

    By month, receipts and what is in hand stand in the month of receipt, resolved ones in that of
    resolution. A question that takes more than some seconds is refused: narrow it.
    """
    first = since or _today(facts, now).replace(month=1, day=1)
    chosen, span = _asked(subject, facts, now, unit, procedure, field, by, first, until)
    tallies = await dossier_drill.counted(reads, chosen, span, [group])
    items = [_group(tally, _name(tally.key[0], group, facts, now)) for tally in tallies]
    return answer(DossierGroups(group, first, until, span.at, items))


def _asked(
    subject: Subject,
    facts: Facts,
    now: datetime,
    unit: str | None,
    procedure: str | None,
    field: str | None,
    by: By,
    since: date | None,
    until: date | None,
) -> tuple[Chosen, Span]:
    """What is asked for, within what somebody may see, and the moment that it is looked at."""
    for day in (since, until):
        if day and not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            raise Invalid(f"{day} lies outside {EARLIEST_YEAR} to {LATEST_YEAR}; check the year")
    if since and until and since >= until:
        raise Invalid(f"until {until} is the day after the last one, and lies not behind {since}")
    if any("\x00" in text for text in (procedure, field) if text):
        raise Invalid("a NUL character stands in the question; leave it out")
    days = [_today(facts, now), *([since] if since else [])]
    days += [until - timedelta(days=1)] if until else []
    keys = scope_of(subject, facts, unit, days).keys
    at = now if until is None else min(now, datetime.combine(until, time(), ZoneInfo(facts.zone)))
    chosen = Chosen(units=keys, by=by, procedure=procedure, field=field)
    return chosen, Span(start=since, end=until, at=at)


def _item(line: DossierLine, facts: Facts, now: datetime) -> DossierItem:
    on = _today(facts, now)
    known = facts.city.procedures.find(line.procedure, line.received_day)
    is_open = line.resolved_at is None
    return DossierItem(
        code=line.code,
        procedure=ProcedureRef(line.procedure, known and known.name),
        field=line.field,
        unit=_unit(line.handling_unit, facts, on),
        received_by=_unit(line.received_unit, facts, on),
        channel=line.channel,
        state=("overdue" if line.overdue else "in_hand")
        if is_open
        else line.timeliness or "undated",
        held=Held(line.office, line.office_since) if is_open and line.office else None,
        received_at=line.received_at,
        due_at=line.due_at,
        resolved_at=line.resolved_at,
        days_late=_days_late(line, facts, now),
    )


def _days_late(line: DossierLine, facts: Facts, now: datetime) -> int | None:
    """Working days after the return date up to the result, or to now; None where it is not late."""
    if line.due_at is None or not (line.overdue or line.timeliness == "late"):
        return None
    stopped = min(now, line.paused_since or now) if line.overdue else line.resolved_at or now
    zone = ZoneInfo(facts.zone)
    due, ended = line.due_at.astimezone(zone).date(), stopped.astimezone(zone).date()
    return working_days_after(facts.city.calendar, due, ended)


def _unit(id: str, facts: Facts, on: date) -> UnitRef:
    found = facts.city.organisation.find(id, on)
    if found is None and id in facts.city.organisation:
        found = facts.city.organisation.versions(id)[-1]
    return UnitRef(id, id if found is None else found.short_name)


def _group(tally: DossierTally, name: str | None) -> DossierGroup:
    return DossierGroup(
        key=tally.key[0],
        name=name,
        received=tally.received,
        received_direct=tally.received_direct,
        received_online=tally.received_online,
        received_post=tally.received_post,
        carried_over=tally.carried_over,
        resolved=tally.resolved,
        resolved_early=tally.resolved_early,
        resolved_on_time=tally.resolved_on_time,
        resolved_late=tally.resolved_late,
        resolved_undated=tally.resolved_undated,
        in_hand=tally.in_hand,
        overdue=tally.in_hand_overdue,
    )


def _name(key: str | None, group: Group, facts: Facts, now: datetime) -> str | None:
    if key is None:
        return None
    if group == "unit":
        return _unit(key, facts, _today(facts, now)).name
    if group == "procedure" and key in facts.city.procedures:
        return facts.city.procedures.versions(key)[-1].name
    return None


def _today(facts: Facts, now: datetime) -> date:
    return now.astimezone(ZoneInfo(facts.zone)).date()


def _cursor(line: DossierLine) -> str:
    at = NEVER if line.due_at is None else line.due_at.isoformat().replace("+00:00", "Z")
    return f"{at}_{line.dossier_id}"


def _place(cursor: str | None) -> Place | None:
    if cursor is None:
        return None
    at, _, id = cursor.partition("_")
    try:
        return None if at == NEVER else datetime.fromisoformat(at), UUID(id)
    except ValueError as error:
        raise Invalid("the cursor is not one of a former page; begin without one") from error

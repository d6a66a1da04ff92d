"""Incidents: listed, looked at, opened by hand or from alerts and tickets."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from ioc.api.cursors import aware, cursor_of, place_of
from ioc.api.deps import Alerts, IncidentFlow, Live, Now, Reads, ServerFacts, requires
from ioc.api.encode import answer, shape
from ioc.api.incident_items import IncidentDetail, IncidentList, incident_detail
from ioc.api.incident_open import OpenBody, Opener
from ioc.api.incident_rights import by, runs, seen, seen_units
from ioc.api.short import ShortBodyRoute
from ioc.auth.policy import Permission, Subject
from ioc.incidents.life import State
from ioc.incidents.plan import Category
from ioc.incidents.words import asked_words
from ioc.store import incident_rows
from ioc.store.incident_rows import IncidentRow, Wanted

router = APIRouter(tags=["incidents"], route_class=ShortBodyRoute)

Reader = Annotated[Subject, Depends(requires(Permission.INCIDENT_READ))]
Runner = Annotated[Subject, Depends(requires(Permission.INCIDENT_RUN))]


class CategoryList(msgspec.Struct):
    """What incidents may be about, with deadlines in hours, checklists and escalation."""

    items: list[Category]
    next: str | None = None


@router.get("/incidents/categories", responses=shape(CategoryList))
async def get_categories(_: Reader, reads: Reads) -> Response:
    """What incidents may be about."""
    plan = await incident_rows.read_plan(reads)
    return answer(CategoryList(list(plan.categories)))


@router.get("/incidents", responses=shape(IncidentList))
async def get_incidents(
    subject: Reader,
    incidents: IncidentFlow,
    reads: Reads,
    now: Now,
    state: Annotated[list[State] | None, Query()] = None,
    category: Annotated[str | None, Query(max_length=64)] = None,
    unit: Annotated[str | None, Query(description="leads or supports")] = None,
    keeper: Annotated[str | None, Query(max_length=120)] = None,
    exercise: bool | None = None,
    overdue: bool | None = None,
    q: Annotated[str | None, Query(max_length=200, description="beginnings of words")] = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: Annotated[str | None, Query(max_length=80)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """Incidents, the newest opening first; an agency sees those in which it leads or supports."""
    desk = await incidents.desks.open()
    wanted = Wanted(
        states=None if state is None else [one.value for one in state],
        category=category,
        unit=None if unit is None else desk.organisation.resolve(unit, desk.today),
        units=seen_units(subject),
        keeper=keeper,
        exercise=exercise,
        overdue=overdue,
        words=asked_words(q or "") or None,
        since=aware("since", since),
        until=aware("until", until),
        before=place_of(cursor),
        limit=limit,
    )
    rows = await incident_rows.listed(reads, wanted, now)
    last = rows[-1] if len(rows) == limit else None
    following = None if last is None else cursor_of(last.opened_at, last.incident_id)
    return answer(IncidentList([desk.item(row) for row in rows], following))


@router.get("/incidents/{incident}", responses=shape(IncidentDetail))
async def get_incident(
    incident: UUID, subject: Reader, incidents: IncidentFlow, reads: Reads, now: Now
) -> Response:
    """An incident whole; its ETag is the version to be sent with a move."""
    row = seen(subject, incident, await incident_rows.one(reads, incident))
    return await detailed(incidents, reads, row, subject, now)


@router.post("/incidents", responses=shape(IncidentDetail))
async def post_incident(
    request: Request,
    subject: Runner,
    incidents: IncidentFlow,
    reads: Reads,
    facts: ServerFacts,
    live: Live,
    alerting: Alerts,
    now: Now,
    body: OpenBody,
) -> Response:
    """Open an incident: a category and a place are enough, or the alerts that it comes from."""
    opener = Opener(await incidents.desks.open(), facts, live, alerting, reads)
    opening = await opener.opening(body)
    row = await incidents.open(opening, by(subject, request, runs, "open"))
    return await detailed(incidents, reads, row, subject, now)


async def detailed(
    incidents: IncidentFlow, reads: Reads, row: IncidentRow, subject: Subject, now: datetime
) -> Response:
    """An incident whole as an answer, with its version as ETag."""
    desk = await incidents.desks.open()
    shown = answer(await incident_detail(reads, desk, row, subject, now))
    shown.headers["ETag"] = f'"{row.version}"'
    return shown

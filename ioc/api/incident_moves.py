"""What people do with incidents: moves with the version they saw, notes, steps, what joins."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ingest.ticket import CONTROL
from ioc.api.deps import IncidentFlow, Now, Reads, requires
from ioc.api.encode import answer, shape
from ioc.api.incident_items import IncidentDetail
from ioc.api.incident_rights import by, may, runs, sees, works_on
from ioc.api.incidents import detailed
from ioc.api.short import ShortBodyRoute
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid, NotFound
from ioc.flow.incident_alerts import Parts
from ioc.flow.incident_desk import Desk
from ioc.incidents.life import TOP_LEVEL, Result
from ioc.incidents.moves import MOST_SUPPORT, Act, Move
from ioc.store.incident_rows import IncidentRow

router = APIRouter(tags=["incidents"], route_class=ShortBodyRoute)

Reader = Annotated[Subject, Depends(requires(Permission.INCIDENT_READ))]
Worker = Annotated[Subject, Depends(requires(Permission.INCIDENT_HANDLE))]
Runner = Annotated[Subject, Depends(requires(Permission.INCIDENT_RUN))]

LONGEST_REASON = 2_000


class NoteBody(BaseModel):
    """Words that are added to an incident."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=4_000)


class StepBody(BaseModel):
    """Whether a step was done, and what there is to say of it."""

    model_config = ConfigDict(extra="forbid")

    done: bool = True
    note: Annotated[str, Field(max_length=LONGEST_REASON)] = ""


class JoinBody(BaseModel):
    """What is put into an incident, or taken out of it."""

    model_config = ConfigDict(extra="forbid")

    alerts: list[UUID] = Field(default_factory=list[UUID], max_length=200)
    tickets: list[UUID] = Field(default_factory=list[UUID], max_length=200)


class MoveBody(BaseModel):
    """What goes with a move: the version it was decided on (or If-Match), and what it needs."""

    model_config = ConfigDict(extra="forbid")

    version: int | None = None
    reason: str = Field("", max_length=LONGEST_REASON)
    unit: str | None = Field(None, max_length=80, description="assign: who leads from now on")
    person: str | None = Field(
        None, max_length=120, description="assign: who handles it; hand-over: who follows it"
    )
    support: list[str] | None = Field(
        None, max_length=MOST_SUPPORT, description="support: the units that support, all of them"
    )
    due_at: datetime | None = Field(None, description="extend: until when")
    level: int | None = Field(None, ge=0, le=TOP_LEVEL, description="escalate and de-escalate")
    category: str | None = Field(None, max_length=64, description="recategorise: its category")
    result: Result | None = Field(None, description="resolve: how it ends")


class CallerItem(msgspec.Struct):
    """Who called; `masked` unless the reader took the call."""

    name: str
    phone: str
    taken_by: str
    masked: bool


@router.post("/incidents/{incident}/entries", responses=shape(IncidentDetail))
async def post_entry(
    request: Request, incident: UUID, subject: Reader, incidents: IncidentFlow, reads: Reads,
    now: Now, body: NoteBody,
) -> Response:  # fmt: skip
    """Add words to an incident, whatever its version; also to one that is closed."""
    text = _clean("text", body.text)
    if not text:
        raise Invalid("the `text` is empty")
    row = await incidents.note(incident, text, by(subject, request, sees, "note"))
    return await detailed(incidents, reads, row, subject, now)


@router.post("/incidents/{incident}/steps/{step}", responses=shape(IncidentDetail))
async def post_step(
    request: Request, incident: UUID, step: str, subject: Worker, incidents: IncidentFlow,
    reads: Reads, now: Now, body: StepBody | None = None,
) -> Response:  # fmt: skip
    """Mark a step of the checklist; 409 with who did it where it was done already."""
    given = body or StepBody()
    row = await incidents.mark(
        incident, step, done=given.done, note=_clean("note", given.note),
        by=by(subject, request, works_on, "work on"),
    )  # fmt: skip
    return await detailed(incidents, reads, row, subject, now)


@router.post("/incidents/{incident}/join", responses=shape(IncidentDetail))
async def post_join(
    request: Request, incident: UUID, subject: Runner, incidents: IncidentFlow, reads: Reads,
    now: Now, body: JoinBody,
) -> Response:  # fmt: skip
    """Put alerts and tickets into an incident; 409 with the other one where they are in one."""
    parts = Parts(body.alerts, body.tickets)
    row = await incidents.part(incident, "join", parts, by(subject, request, runs, "add to"))
    return await detailed(incidents, reads, row, subject, now)


@router.post("/incidents/{incident}/leave", responses=shape(IncidentDetail))
async def post_leave(
    request: Request, incident: UUID, subject: Runner, incidents: IncidentFlow, reads: Reads,
    now: Now, body: JoinBody,
) -> Response:  # fmt: skip
    """Take alerts and tickets out of an incident; those that are not in it change nothing."""
    parts = Parts(body.alerts, body.tickets)
    row = await incidents.part(incident, "leave", parts, by(subject, request, runs, "take from"))
    return await detailed(incidents, reads, row, subject, now)


@router.get("/incidents/{incident}/caller", responses=shape(CallerItem))
async def get_caller(
    request: Request, incident: UUID, subject: Runner, incidents: IncidentFlow
) -> Response:
    """Who called: whole for who took the call, masked for others; every look is audited."""
    found = await incidents.caller(incident, by(subject, request, runs, "ask who called about"))
    if found is None:
        raise NotFound("who called is not known, or was forgotten after its time")
    if found.taken_by == subject.name:
        return answer(CallerItem(found.name, found.phone, found.taken_by, False))
    return answer(CallerItem(_initial(found.name), _masked(found.phone), found.taken_by, True))


@router.post("/incidents/{incident}/{move}", responses=shape(IncidentDetail))
async def post_move(
    request: Request, incident: UUID, move: Move, subject: Reader, incidents: IncidentFlow,
    reads: Reads, now: Now, body: MoveBody,
    if_match: Annotated[str | None, Header()] = None,
) -> Response:  # fmt: skip
    """Move an incident; 409 with the allowed moves, or with the present item if it has changed."""
    desk = await incidents.desks.open()
    version = _version(body, if_match)
    act = _act(body, move, subject, desk, now)
    actor = by(subject, request, lambda who, row: _may(who, row, act), move.value)
    if move is Move.RECATEGORISE:
        if body.category is None:
            raise Invalid("recategorise needs the `category` that it is to have")
        row = await incidents.recategorise(incident, version, body.category, act, actor)
    else:
        row = await incidents.move(incident, version, act, actor)
    return await detailed(incidents, reads, row, subject, now)


def _may(subject: Subject, row: IncidentRow, act: Act) -> bool:
    """Whether somebody may make a move; who only leads does not give an incident away."""
    free = subject.may(Permission.INCIDENT_RUN) or subject.may(Permission.INCIDENT_ASSIGN)
    return may(subject, row, act.move) and (free or act.unit in (None, row.lead))


def _act(given: MoveBody, move: Move, subject: Subject, desk: Desk, now: datetime) -> Act:
    if given.due_at is not None and given.due_at.tzinfo is None:
        raise Invalid("due_at needs its offset, such as 2026-11-22T09:00:00+07:00")

    def unit(id: str) -> str:
        return desk.organisation.resolve(id, desk.today)

    return Act(
        move=move,
        actor=subject.name,
        at=now,
        reason=_clean("reason", given.reason),
        unit=None if given.unit is None else unit(given.unit),
        support=None if given.support is None else tuple(unit(one) for one in given.support),
        person=None if given.person is None else _clean("person", given.person) or None,
        due_at=given.due_at,
        level=given.level,
        result=given.result,
    )


def _version(given: MoveBody, if_match: str | None) -> int:
    """The version that somebody has decided on."""
    if if_match is not None:
        text = if_match.strip().strip('"')
        if not text.isdecimal() or len(text) > 9:
            raise Invalid('If-Match is the ETag of the incident, such as "3"')
        return int(text)
    if given.version is None:
        raise Invalid(
            "send the `version` of the incident that was looked at, or its ETag as If-Match"
        )
    return given.version


def _clean(name: str, text: str) -> str:
    if CONTROL.search(text):
        raise Invalid(f"`{name}` holds a control character; leave it out")
    return text.strip()


def _initial(name: str) -> str:
    return f"{name[:1]}…" if name else ""


def _masked(phone: str) -> str:
    """A number of which the last two digits stay, if it has enough of them."""
    digits = [c for c in phone if c.isdigit()]
    shown = "".join(digits[-2:]) if len(digits) > 6 else ""
    return "•" * (len(digits) - len(shown)) + shown

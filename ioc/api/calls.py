"""The call log: whom the control room called about what, when, and what came of it."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ingest.ticket import CONTROL
from ioc.api.cursors import aware
from ioc.api.deps import Now, Reads, ServerFacts, Writes, requires
from ioc.api.encode import answer, shape
from ioc.api.short import ShortBodyRoute
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid
from ioc.ids import uuid7
from ioc.store import audit, calls
from ioc.store.calls import CallRow

router = APIRouter(tags=["shifts"], route_class=ShortBodyRoute)

Reader = Annotated[Subject, Depends(requires(Permission.SHIFT_READ))]
Runner = Annotated[Subject, Depends(requires(Permission.INCIDENT_RUN))]

CallResult = Literal["reached", "no_answer", "busy", "wrong_number", "message_left"]


class CallBody(BaseModel):
    """A call that was made: whom, by which number, what came of it, and what it was about."""

    model_config = ConfigDict(extra="forbid")

    person: str = Field(min_length=1, max_length=120)
    phone: str = Field("", pattern=r"^[0-9+ .()\-]{0,24}$")
    unit: str | None = Field(None, max_length=80)
    result: CallResult
    note: str = Field("", max_length=2_000)
    alert: UUID | None = None
    incident: UUID | None = None


class CallItem(msgspec.Struct, frozen=True, kw_only=True):
    """A call of the control room."""

    id: str
    at: datetime
    made_by: str
    person: str
    phone: str
    unit: str | None
    result: str
    note: str
    alert: str | None
    incident: str | None


class CallList(msgspec.Struct):
    """Calls, the newest first."""

    items: list[CallItem]
    next: str | None = None


@router.get("/calls", responses=shape(CallList))
async def get_calls(
    _: Reader,
    reads: Reads,
    alert: UUID | None = None,
    incident: UUID | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """Calls about an alert, about an incident, or of a time."""
    if alert is not None:
        rows = await calls.of_alert(reads, alert, limit=limit)
    elif incident is not None:
        rows = await calls.of_incident(reads, incident, limit=limit)
    else:
        rows = await calls.between(reads, aware("since", since), aware("until", until), limit=limit)
    return answer(CallList([call_item(row) for row in rows]))


@router.post("/calls", responses=shape(CallItem))
async def post_call(
    request: Request, subject: Runner, writes: Writes, facts: ServerFacts, now: Now, body: CallBody
) -> Response:
    """Note a call that was just made."""
    if CONTROL.search(body.person) or CONTROL.search(body.note):
        raise Invalid("a text holds a control character; leave it out")
    unit = body.unit
    if unit is not None:
        unit = facts.city.organisation.resolve(unit, now.date())
    row = CallRow(
        call_id=uuid7(now), at=now, made_by=subject.name, person=body.person.strip(),
        phone=body.phone.strip(), unit=unit, result=body.result, note=body.note.strip(),
        alert_id=body.alert, incident_id=body.incident,
    )  # fmt: skip
    async with writes.connection() as conn:
        await calls.put(conn, row)
        await audit.record(
            conn, now=now, actor=subject.name,
            source=request.client.host if request.client else "", action="call.note",
            subject=str(row.call_id), after={"result": row.result},
        )  # fmt: skip
    return answer(call_item(row))


def call_item(row: CallRow) -> CallItem:
    """A call as it is listed."""
    return CallItem(
        id=str(row.call_id), at=row.at, made_by=row.made_by, person=row.person, phone=row.phone,
        unit=row.unit, result=row.result, note=row.note,
        alert=None if row.alert_id is None else str(row.alert_id),
        incident=None if row.incident_id is None else str(row.incident_id),
    )  # fmt: skip

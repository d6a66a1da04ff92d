"""Shifts of the control room: begun, ended with a hand-over, and reported."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ingest.ticket import CONTROL
from ioc.api.deps import IncidentFlow, Now, Reads, ServerFacts, ShiftFlow, requires
from ioc.api.encode import answer, shape
from ioc.api.shift_files import ShiftPaper
from ioc.api.shift_items import ShiftItem, ShiftList, ShiftReport, shift_item, shift_report
from ioc.api.short import ShortBodyRoute
from ioc.auth.policy import Permission, Subject
from ioc.catalogue import Language, preferred
from ioc.documents.workbook import XLSX
from ioc.errors import Invalid, NotFound
from ioc.flow.incident_shifts import Handover
from ioc.store import shifts
from ioc.store.pool import ReadPool
from ioc.store.shifts import ShiftRow

router = APIRouter(tags=["shifts"], route_class=ShortBodyRoute)

Reader = Annotated[Subject, Depends(requires(Permission.SHIFT_READ))]
Runner = Annotated[Subject, Depends(requires(Permission.INCIDENT_RUN))]

Person = Annotated[str, Field(min_length=1, max_length=120)]
Note = Annotated[str, Field(max_length=4_000)]

PAGE: Final = "text/html"

_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The report",
        "content": {kind: {"schema": {"type": "string"}} for kind in (PAGE, XLSX)},
    }
}


class BeginBody(BaseModel):
    """Who is on duty."""

    model_config = ConfigDict(extra="forbid")

    on_duty: list[Person] = Field(min_length=1, max_length=50)
    note: Note = ""


class HandoverBody(BaseModel):
    """Who takes over an incident."""

    model_config = ConfigDict(extra="forbid")

    incident: UUID
    to: Person
    note: Note = ""


class EndBody(BaseModel):
    """Who takes over what is open: `to` all that `handovers` does not name."""

    model_config = ConfigDict(extra="forbid")

    to: Person | None = None
    handovers: list[HandoverBody] = Field(default_factory=list[HandoverBody], max_length=1_000)
    summary: Note = ""


@router.get("/shifts", responses=shape(ShiftList))
async def get_shifts(
    _: Reader,
    reads: Reads,
    before: datetime | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Response:
    """Shifts, the newest first; the first one runs unless it has an end."""
    if before is not None and before.tzinfo is None:
        raise Invalid("before needs its offset, such as 2026-11-22T09:00:00+07:00")
    rows = await shifts.listed(reads, before=before, limit=limit)
    following = rows[-1].began_at.isoformat().replace("+00:00", "Z") if len(rows) == limit else None
    return answer(ShiftList([shift_item(row) for row in rows], following))


@router.post("/shifts", responses=shape(ShiftItem))
async def post_shift(
    request: Request, subject: Runner, flow: ShiftFlow, body: BeginBody
) -> Response:
    """Begin a shift; 409 while another one runs."""
    on_duty = [_clean("on_duty", person) for person in body.on_duty]
    row = await flow.begin(
        on_duty, _clean("note", body.note), who=subject.name, source=_source(request)
    )
    return answer(shift_item(row))


@router.post("/shifts/{shift}/end", responses=shape(ShiftReport))
async def post_end(
    request: Request, shift: UUID, subject: Runner, flow: ShiftFlow, incidents: IncidentFlow,
    reads: Reads, now: Now, body: EndBody,
) -> Response:  # fmt: skip
    """End a shift: every incident that is not closed is handed over by name, or nothing is done."""
    await flow.end(
        shift,
        usual=None if body.to is None else Handover(_clean("to", body.to)),
        named={
            one.incident: Handover(_clean("to", one.to), _clean("note", one.note))
            for one in body.handovers
        },
        summary=_clean("summary", body.summary),
        who=subject.name,
        source=_source(request),
    )
    row = await _found(reads, shift)
    return answer(await shift_report(reads, await incidents.desks.open(), row, now))


@router.get("/shifts/{shift}/report", responses=shape(ShiftReport))
async def get_report(
    shift: UUID, _: Reader, incidents: IncidentFlow, reads: Reads, now: Now
) -> Response:
    """The report of a shift: what happened, and who has what; up to now while it runs."""
    row = await _found(reads, shift)
    return answer(await shift_report(reads, await incidents.desks.open(), row, now))


@router.get("/shifts/{shift}/report.{file_format}", responses=_FILE)
async def get_report_file(
    shift: UUID,
    file_format: Literal["html", "xlsx"],
    _: Reader,
    incidents: IncidentFlow,
    reads: Reads,
    facts: ServerFacts,
    now: Now,
    language: Language | None = None,
    accept_language: Annotated[str | None, Header()] = None,
) -> Response:
    """The same to print (html) or to keep (xlsx), in the reader's language unless told another."""
    row = await _found(reads, shift)
    report = await shift_report(reads, await incidents.desks.open(), row, now)
    paper = ShiftPaper(report, facts.zone, language or preferred(accept_language))
    if file_format == "html":
        return Response(
            paper.page(), media_type=PAGE,
            headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
        )  # fmt: skip
    name = f'attachment; filename="ca-truc-{row.began_at:%Y%m%d-%H%M}.xlsx"'
    return Response(paper.workbook(), media_type=XLSX, headers={"Content-Disposition": name})


async def _found(reads: ReadPool, shift: UUID) -> ShiftRow:
    row = await shifts.one(reads, shift)
    if row is None:
        raise NotFound(f"there is no shift {shift}")
    return row


def _clean(name: str, text: str) -> str:
    if CONTROL.search(text):
        raise Invalid(f"`{name}` holds a control character; leave it out")
    return text.strip()


def _source(request: Request) -> str:
    return request.client.host if request.client else ""

"""What people do with tickets: each move by its rules, with the version that it was decided on."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ingest.ticket import CONTROL, LONGEST_TEXT
from ioc.api.deps import Now, Reads, ServerFacts, Writes, requires
from ioc.api.encode import answer, shape
from ioc.api.short import ShortBodyRoute
from ioc.api.ticket_desk import Desk, open_desk
from ioc.api.ticket_items import TicketDetail, may, ticket_detail
from ioc.api.tickets import seen
from ioc.auth.policy import Permission, Subject
from ioc.errors import Conflict, Invalid, NotPermitted
from ioc.store import audit, ticket_rows
from ioc.store.ticket_rows import TicketRow, TransitionRow
from ioc.tickets.life import GRADES, Outcome, State
from ioc.tickets.moves import Act, Move, moved

router = APIRouter(tags=["tickets"], route_class=ShortBodyRoute)

Handler = Annotated[Subject, Depends(requires(Permission.TICKET_HANDLE))]

LONGEST_REASON = 2_000


class MoveBody(BaseModel):
    """What goes with a move: the version it was decided on (or If-Match), and what it needs."""

    model_config = ConfigDict(extra="forbid")

    version: int | None = None
    reason: str = Field("", max_length=LONGEST_REASON)
    unit: str | None = Field(None, max_length=80, description="assign: who is to handle it")
    outcome: Outcome | None = Field(None, description="reject and resolve: how it ends")
    due_at: datetime | None = Field(None, description="request-extension and extend: until when")
    granted: bool = Field(True, description="extend: whether the extension is granted")
    rating: int | None = Field(None, ge=GRADES[0], le=GRADES[-1], description="rate: 5 is best")
    result: str = Field("", max_length=LONGEST_TEXT, description="resolve: what is published")


@router.post("/tickets/{ticket}/{move}", responses=shape(TicketDetail))
async def post_move(
    request: Request,
    ticket: UUID,
    move: Move,
    subject: Handler,
    reads: Reads,
    writes: Writes,
    facts: ServerFacts,
    now: Now,
    body: MoveBody,
    if_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Move a ticket; 409 with the allowed moves, or with its present state where it has changed."""
    _check_texts(body)
    desk = await open_desk(reads, facts, now)
    async with writes.connection() as conn:
        row = seen(await ticket_rows.locked(conn, ticket), ticket, subject)
        if not may(subject, row, move):
            raise NotPermitted(f"role {subject.role.value} may not {move.value} this ticket")
        _check_version(row, _version(body, if_match))
        after, done = _moved(desk, row, _act(body, move, subject, desk, now))
        await ticket_rows.save(conn, [(after, done)])
        await audit.record(
            conn, now=now, actor=subject.name, source=_source(request),
            action=f"ticket.{move.value}", subject=str(ticket),
            before=_told(row), after=_told(after),
        )  # fmt: skip
    timeline = await ticket_rows.timeline(reads, ticket)
    shown = answer(ticket_detail(desk, after, timeline, subject, now))
    shown.headers["ETag"] = f'"{after.version}"'
    return shown


def _moved(desk: Desk, row: TicketRow, act: Act) -> tuple[TicketRow, TransitionRow]:
    deadlines = desk.deadlines(desk.category(row), row.received_at)
    life = moved(row.life, act, deadlines)
    after = row.living(life, deadlines, desk.plan)
    done = TransitionRow(
        version=life.version,
        at=act.at,
        actor=act.actor,
        move=act.move.value,
        from_state=row.state,
        to_state=life.state.value,
        reason=act.reason,
        unit=life.unit,
        due_at=life.due_at,
    )
    return replace(after, run_here=True, changed_at=act.at, stored_at=act.at), done


def _act(given: MoveBody, move: Move, subject: Subject, desk: Desk, now: datetime) -> Act:
    organisation = desk.facts.city.organisation
    if given.due_at is not None and given.due_at.tzinfo is None:
        raise Invalid("due_at needs its offset, such as 2026-11-22T09:00:00+07:00")
    return Act(
        move=move,
        actor=subject.name,
        at=now,
        reason=given.reason.strip(),
        unit=None if given.unit is None else organisation.resolve(given.unit, desk.today),
        outcome=given.outcome,
        due_at=given.due_at,
        granted=given.granted,
        rating=given.rating,
        result=given.result.strip(),
    )


def _version(given: MoveBody, if_match: str | None) -> int:
    """The version that somebody has decided on."""
    if if_match is not None:
        text = if_match.strip().strip('"')
        if not text.isdecimal() or len(text) > 9:
            raise Invalid('If-Match is the ETag of the ticket, such as "3"')
        return int(text)
    if given.version is None:
        raise Invalid(
            "send the `version` of the ticket that was looked at, or its ETag as If-Match"
        )
    return given.version


def _check_version(row: TicketRow, version: int) -> None:
    if version != row.version:
        raise Conflict(
            f"the ticket has changed: it is {row.state} in version {row.version}, not {version}; "
            "look at it again",
            state=row.state, version=row.version, unit=row.unit,
        )  # fmt: skip


def _check_texts(given: MoveBody) -> None:
    for name in ("reason", "result"):
        if CONTROL.search(getattr(given, name)):
            raise Invalid(f"`{name}` holds a control character; leave it out")


def _told(row: TicketRow) -> dict[str, str | int | None]:
    """What the audit trail says of a ticket: nothing that anybody wrote."""
    return {
        "state": State(row.state).value, "version": row.version, "unit": row.unit,
        "outcome": row.outcome, "due_at": row.due_at.isoformat(),
    }  # fmt: skip


def _source(request: Request) -> str:
    return request.client.host if request.client else ""

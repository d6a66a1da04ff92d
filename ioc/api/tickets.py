"""Tickets in from agencies' systems, listed for those who may see them; reporters for few."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from ingest.ticket_decode import DecodedTickets, decode_tickets
from ioc.api.bodies import whole
from ioc.api.cursors import aware, cursor_of, place_of
from ioc.api.deps import Health, Now, Reads, ServerFacts, Writes, feed_for, requires
from ioc.api.encode import answer, shape
from ioc.api.receipts import receipt_answer
from ioc.api.ticket_desk import open_desk
from ioc.api.ticket_items import TicketDetail, TicketList, ticket_detail, ticket_item
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid, NotFound, NotPermitted
from ioc.model import Feed, Receipt
from ioc.store import audit, ticket_contacts, ticket_intake, ticket_rows
from ioc.store.flush import MOST_PROBLEMS
from ioc.store.ticket_intake import Merged, RefusedItem
from ioc.store.ticket_rows import TicketRow, Wanted
from ioc.tickets.life import State
from ioc.tickets.plan import Kind

router = APIRouter(tags=["tickets"])

WritableFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_WRITE))]
Reader = Annotated[Subject, Depends(requires(Permission.TICKET_READ))]
Confidant = Annotated[Subject, Depends(requires(Permission.TICKET_CONTACT))]

MOST_AT_ONCE = 10_000
"""Tickets of one body."""


class ContactItem(msgspec.Struct):
    """Who reported a ticket."""

    name: str
    phone: str
    email: str


@router.post(
    "/feeds/{feed}/tickets",
    responses=shape(Receipt, "What became of the body, after the commit"),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A JSON array of tickets; unknown fields are refused by name.",
            "content": {
                "application/json": {
                    "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Ticket"}}
                }
            },
        }
    },
)
async def post_tickets(
    request: Request,
    feed: WritableFeed,
    reads: Reads,
    writes: Writes,
    facts: ServerFacts,
    health: Health,
    now: Now,
) -> Response:
    """Take tickets; a later state of a ticket is sent again under the same code.

    A ticket that people have moved here is run here from then on: its sender changes its words,
    its place and its contact only.
    """
    body = await whole(request, cure="send fewer tickets at a time")
    desk = await open_desk(reads, facts, now)
    decoded = decode_tickets(body, desk.rules(feed, now))
    if decoded.received > MOST_AT_ONCE:
        raise Invalid(f"{decoded.received} tickets in one body; send at most {MOST_AT_ONCE}")
    offered = desk.newest((ticket for _, ticket in decoded.tickets), feed, now)
    merged = await ticket_intake.put(
        writes,
        feed,
        offered,
        refusals(decoded),
        now=now,
        repeated=len(decoded.tickets) - len(offered),
        size=len(body),
    )
    receipt = receipt_of(decoded, merged)
    health.note(feed, receipt, None, now)
    return receipt_answer(request, receipt)


def refusals(decoded: DecodedTickets) -> list[RefusedItem]:
    """What goes to quarantine of a body."""
    return [
        RefusedItem(item.problem, item.size, item.content, item.digest) for item in decoded.refused
    ]


def receipt_of(decoded: DecodedTickets, merged: Merged) -> Receipt:
    """What became of the tickets of a body."""
    return Receipt(
        received=decoded.received,
        stored=merged.stored,
        corrected=merged.corrected,
        duplicate=merged.duplicate,
        quarantined=len(decoded.refused),
        problems=[item.problem for item in decoded.refused][:MOST_PROBLEMS],
    )


@router.get("/tickets", responses=shape(TicketList))
async def get_tickets(
    subject: Reader,
    reads: Reads,
    facts: ServerFacts,
    now: Now,
    state: Annotated[list[State] | None, Query()] = None,
    kind: Kind | None = None,
    category: str | None = None,
    unit: str | None = None,
    overdue: bool | None = None,
    q: Annotated[str | None, Query(max_length=200, description="words in code or text")] = None,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: Annotated[str | None, Query(max_length=80)] = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> Response:
    """Tickets, the newest receipt first; an agency sees those of its own units only."""
    desk = await open_desk(reads, facts, now)
    found = None if category is None else desk.plan.find(category)
    wanted = Wanted(
        states=None if state is None else [one.value for one in state],
        kind=kind,
        category=category if found is None else found.id,
        unit=None if unit is None else facts.city.organisation.resolve(unit, desk.today),
        units=seen_units(subject),
        overdue=overdue,
        words=_words(q),
        since=aware("since", since),
        until=aware("until", until),
        before=place_of(cursor),
        limit=limit,
    )
    rows = await ticket_rows.listed(reads, wanted, now)
    last = rows[-1] if len(rows) == limit else None
    following = None if last is None else cursor_of(last.received_at, last.ticket_id)
    return answer(TicketList([ticket_item(desk, row, now) for row in rows], following))


@router.get("/tickets/{ticket}", responses=shape(TicketDetail))
async def get_ticket(
    ticket: UUID, subject: Reader, reads: Reads, facts: ServerFacts, now: Now
) -> Response:
    """A ticket with its clocks and its timeline; its ETag is the version to be sent with a move."""
    row = seen(await ticket_rows.one(reads, ticket), ticket, subject)
    desk = await open_desk(reads, facts, now)
    timeline = await ticket_rows.timeline(reads, ticket)
    shown = answer(ticket_detail(desk, row, timeline, subject, now))
    shown.headers["ETag"] = f'"{row.version}"'
    return shown


@router.get("/tickets/{ticket}/contact", responses=shape(ContactItem))
async def get_contact(ticket: UUID, subject: Confidant, writes: Writes, now: Now) -> Response:
    """Who reported a ticket; every look is noted in the audit trail."""
    async with writes.connection() as conn:
        seen(await ticket_rows.locked(conn, ticket), ticket, subject)
        found = await ticket_contacts.read(conn, ticket)
        await audit.record(
            conn, now=now, actor=subject.name, source="rest", action="ticket.contact.read",
            subject=str(ticket), after={"found": found is not None},
        )  # fmt: skip
    if found is None:
        raise NotFound("who reported this ticket is not known, or was forgotten after its time")
    return answer(ContactItem(found.name, found.phone, found.email))


@router.delete("/tickets/{ticket}/contact", status_code=204)
async def delete_contact(ticket: UUID, subject: Confidant, writes: Writes, now: Now) -> Response:
    """Forget who reported a ticket, before its time."""
    async with writes.connection() as conn:
        seen(await ticket_rows.locked(conn, ticket), ticket, subject)
        forgotten = await ticket_contacts.forget(conn, ticket)
        await audit.record(
            conn, now=now, actor=subject.name, source="rest", action="ticket.contact.forget",
            subject=str(ticket), after={"forgotten": forgotten},
        )  # fmt: skip
    return Response(status_code=204)


def seen_units(subject: Subject) -> list[str] | None:
    """The units whose tickets somebody sees; None is all."""
    return None if subject.may_see_unit(None) else list(subject.units)


def seen(row: TicketRow | None, ticket: UUID, subject: Subject) -> TicketRow:
    """The ticket, if there is one that somebody may see."""
    if row is not None and subject.may_see_unit(row.unit):
        return row
    if subject.may_see_unit(None):
        raise NotFound(f"there is no ticket {ticket}")
    # The same answer for both, so that nobody learns which tickets exist.
    raise NotPermitted(f"this account may not see ticket {ticket}; it is of no unit of its own")


def _words(text: str | None) -> str | None:
    if text is not None and "\x00" in text:
        raise Invalid("q holds a NUL character; leave it out")
    return text or None

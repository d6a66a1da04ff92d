"""Tickets as people see them: nothing in them says who reported."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from ioc.api.ticket_desk import Desk
from ioc.auth.policy import Permission, Subject
from ioc.live.wire import UnitRef
from ioc.model import Text
from ioc.store.ticket_rows import TicketRow, TransitionRow
from ioc.tickets.judgement import StepClock, clocks
from ioc.tickets.life import Outcome, State
from ioc.tickets.moves import Move, allowed, is_handling
from ioc.tickets.plan import Kind

EXCERPT = 200
"""Characters of a description that a list shows."""


class CategoryRef(msgspec.Struct):
    """A category of tickets."""

    id: str
    name: Text


class TicketItem(msgspec.Struct, kw_only=True):
    """A ticket in a list; `due_at` is the deadline of its handling, `place` longitude, latitude."""

    id: str
    code: str
    feed: str
    kind: Kind
    category: CategoryRef
    state: State
    outcome: Outcome | None
    unit: UnitRef | None
    lead: UnitRef
    received_at: datetime
    due_at: datetime
    ended_at: datetime | None
    overdue: bool
    rating: int | None
    description: str
    address: str
    place: tuple[float, float] | None
    version: int


class TransitionItem(msgspec.Struct, kw_only=True):
    """What somebody did with a ticket; a move `told` was done in the sender's own system."""

    version: int
    at: datetime
    actor: str
    move: str
    from_state: State | None
    to_state: State
    reason: str
    unit: UnitRef | None
    due_at: datetime


class TicketDetail(TicketItem, kw_only=True):
    """A ticket with its clocks, its timeline, and what the reader may do with it now."""

    wanted_due_at: datetime | None
    published_at: datetime | None
    rated_at: datetime | None
    supplements: int
    reopened: int
    result: str
    media_url: str
    run_here: bool
    changed_at: datetime
    clocks: list[StepClock]
    timeline: list[TransitionItem]
    allowed: list[Move]


class TicketList(msgspec.Struct):
    """Tickets, the newest receipt first; `next` is the cursor of the next page."""

    items: list[TicketItem]
    next: str | None


def unit_ref(desk: Desk, unit: str) -> UnitRef:
    """A unit with its name of today, or its id where it is gone."""
    version = desk.facts.city.organisation.find(unit, desk.today)
    return UnitRef(unit, version.short_name if version else unit)


def may(subject: Subject, row: TicketRow, move: Move) -> bool:
    """Whether somebody may make a move, if the ticket allows it."""
    handling = is_handling(State(row.state), move)
    permission = Permission.TICKET_HANDLE if handling else Permission.TICKET_ROUTE
    return subject.may(permission) and subject.may_see_unit(row.unit)


def ticket_item(desk: Desk, row: TicketRow, now: datetime) -> TicketItem:
    """A ticket in a list."""
    return TicketItem(**_shown(desk, row, now, row.description[:EXCERPT]))


def ticket_detail(
    desk: Desk,
    row: TicketRow,
    timeline: Sequence[TransitionRow],
    subject: Subject,
    now: datetime,
) -> TicketDetail:
    """A ticket as a whole."""
    category, life = desk.category(row), row.life
    possible = allowed(life, immediate=category.immediate)
    return TicketDetail(
        **_shown(desk, row, now, row.description),
        wanted_due_at=row.wanted_due_at,
        published_at=row.published_at,
        rated_at=row.rated_at,
        supplements=row.supplements,
        reopened=row.reopened,
        result=row.result,
        media_url=row.media_url,
        run_here=row.run_here,
        changed_at=row.changed_at,
        clocks=clocks(life, desk.deadlines(category, row.received_at), now),
        timeline=[_transition(desk, done) for done in timeline],
        allowed=[move for move in possible if may(subject, row, move)],
    )


def _shown(desk: Desk, row: TicketRow, now: datetime, description: str) -> dict[str, Any]:
    place = row.longitude, row.latitude
    return {
        "id": str(row.ticket_id),
        "code": row.code,
        "feed": row.feed,
        "kind": row.kind,
        "category": CategoryRef(row.category, desk.category(row).name),
        "state": State(row.state),
        "outcome": None if row.outcome is None else Outcome(row.outcome),
        "unit": None if row.unit is None else unit_ref(desk, row.unit),
        "lead": unit_ref(desk, row.lead),
        "received_at": row.received_at,
        "due_at": row.due_at,
        "ended_at": row.ended_at,
        "overdue": row.ended_at is None and row.due_at < (row.asked_at or now),
        "rating": row.rating,
        "description": description,
        "address": row.address,
        "place": None if None in place else place,
        "version": row.version,
    }


def _transition(desk: Desk, done: TransitionRow) -> TransitionItem:
    return TransitionItem(
        version=done.version,
        at=done.at,
        actor=done.actor,
        move=done.move,
        from_state=None if done.from_state is None else State(done.from_state),
        to_state=State(done.to_state),
        reason=done.reason,
        unit=None if done.unit is None else unit_ref(desk, done.unit),
        due_at=done.due_at,
    )

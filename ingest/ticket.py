"""A ticket as an agency's system sends it: its fields, what holds between them, and its life."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from itertools import pairwise
from typing import Annotated, Final

import msgspec

from geo.bbox import Bbox
from geo.position import check_point
from ioc.errors import Invalid
from ioc.model import Reason
from ioc.procedures.calendar import FIRST_YEAR, LAST_YEAR
from ioc.tickets.clock import Deadlines
from ioc.tickets.life import (
    ENDED,
    GRADES,
    REJECTING,
    RESOLVING,
    UNASSIGNED,
    Life,
    Outcome,
    State,
)
from ioc.tickets.plan import Category

LONGEST_CODE: Final = 200
LONGEST_TEXT: Final = 4_000
LONGEST_LINE: Final = 500
LONGEST_URL: Final = 2_000
MOST_SUPPLEMENTS: Final = 20
EARLIEST_YEAR: Final = FIRST_YEAR + 1
LATEST_YEAR: Final = LAST_YEAR - 1
"""Deadlines are told by working days, which are known for these years."""

FUTURE: Final = timedelta(minutes=5)
"""So far may the clock of a sender be ahead."""

Line = Annotated[str, msgspec.Meta(max_length=LONGEST_LINE)]
Long = Annotated[str, msgspec.Meta(max_length=LONGEST_TEXT)]


class Reporter(msgspec.Struct, frozen=True, kw_only=True):
    """Who reported; kept apart, and shown to nobody who handles the ticket."""

    name: Line = ""
    phone: Line = ""
    email: Line = ""

    def __bool__(self) -> bool:
        """Whether it says anything."""
        return bool(self.name or self.phone or self.email)


class Supplement(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which the reporter was asked for more; without `answered_at` it lasts."""

    asked_at: datetime
    answered_at: datetime | None = None


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """One ticket (phản ánh, kiến nghị) as it stands at `changed_at`; units by id, times aware."""

    code: str
    category: str
    received_at: datetime
    state: State = State.RECEIVED
    outcome: Outcome | None = None
    unit: str | None = None
    due_at: datetime | None = None
    supplements: Annotated[list[Supplement], msgspec.Meta(max_length=MOST_SUPPLEMENTS)] = (
        msgspec.field(default_factory=list[Supplement])
    )
    ended_at: datetime | None = None
    published_at: datetime | None = None
    rated_at: datetime | None = None
    rating: Annotated[int, msgspec.Meta(ge=GRADES[0], le=GRADES[-1])] | None = None
    reopened: Annotated[int, msgspec.Meta(ge=0, le=1_000)] = 0
    result: Long = ""
    description: Long = ""
    address: Line = ""
    longitude: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    latitude: Annotated[float, msgspec.Meta(ge=-180, le=180)] | None = None
    media_url: Annotated[str, msgspec.Meta(max_length=LONGEST_URL)] = ""
    contact: Reporter | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class TicketRules:
    """What tickets are checked against; `find_unit` raises `Invalid` where no unit is meant."""

    zone: tzinfo
    now: datetime
    bounds: Bbox
    find_category: Callable[[str], Category | None]
    find_unit: Callable[[str, date], str]


class Fault(Exception):
    """Why one ticket is not taken."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(detail)


_CODE: Final = re.compile(r"[A-Za-z0-9:._-]{1,80}")
LONG_NUMBER: Final = re.compile(r"\d{7}")
"""What may be a telephone or an identity number."""

CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def checked(ticket: Ticket, rules: TicketRules) -> Ticket:
    """The ticket with its category and unit by id and its times aware; raises the fault."""
    _check_texts(ticket)
    ticket = _with_times(ticket, rules)
    category = rules.find_category(ticket.category)
    if category is None:
        raise Fault(
            Reason.VALUE_INVALID,
            f"`category`: {_repeated(ticket.category)} is no category; see "
            "GET /api/v1/open311/v2/services.json",
        )
    unit = None if ticket.unit is None else _unit(ticket.unit, _day(ticket, rules), rules)
    _check_state(ticket)
    _check_place(ticket, rules.bounds)
    return msgspec.structs.replace(ticket, category=category.id, unit=unit)


def _repeated(text: str) -> str:
    """A value as it was given, where it is no more than a code."""
    safe = _CODE.fullmatch(text) and not LONG_NUMBER.search(text)
    return repr(text) if safe else "what was given"


def _unit(given: str, on: date, rules: TicketRules) -> str:
    if not _CODE.fullmatch(given):
        raise Fault(Reason.VALUE_INVALID, "`unit` is no id or code; see GET /api/v1/units")
    try:
        return rules.find_unit(given, on)
    except Invalid as error:
        said = "no such unit" if LONG_NUMBER.search(given) else error.message
        raise Fault(Reason.VALUE_INVALID, f"`unit`: {said}") from None


def _day(ticket: Ticket, rules: TicketRules) -> date:
    assert ticket.changed_at is not None
    return ticket.changed_at.astimezone(rules.zone).date()


def _check_texts(ticket: Ticket) -> None:
    code = ticket.code
    if not code.strip() or len(code) > LONGEST_CODE or not code.isprintable():
        raise Fault(
            Reason.VALUE_INVALID,
            f"`code` must have 1 to {LONGEST_CODE} characters and none of control",
        )
    contact = ticket.contact or Reporter()
    texts = {
        "result": ticket.result, "description": ticket.description, "address": ticket.address,
        "media_url": ticket.media_url, "contact.name": contact.name,
        "contact.phone": contact.phone, "contact.email": contact.email,
    }  # fmt: skip
    for name, text in texts.items():
        if CONTROL.search(text):
            raise Fault(Reason.VALUE_INVALID, f"`{name}` holds a control character; leave it out")
    if ticket.media_url and not ticket.media_url.startswith(("https://", "http://")):
        raise Fault(Reason.VALUE_INVALID, "`media_url` must begin with https:// or http://")


def _with_times(ticket: Ticket, rules: TicketRules) -> Ticket:
    """Every time aware and plausible, `changed_at` the newest where it is missing."""
    times: dict[str, datetime] = {}
    for name in ("received_at", "due_at", "ended_at", "published_at", "rated_at", "changed_at"):
        at: datetime | None = getattr(ticket, name)
        if at is not None:
            times[name] = _aware(name, at, rules, ahead=name == "due_at")
    supplements = [
        Supplement(
            asked_at=_aware("supplements.asked_at", wait.asked_at, rules),
            answered_at=None
            if wait.answered_at is None
            else _aware("supplements.answered_at", wait.answered_at, rules),
        )
        for wait in ticket.supplements
    ]
    order = ("received_at", "ended_at", "published_at", "rated_at", "changed_at")
    happened = [name for name in order if name in times]
    for earlier, later in pairwise(happened):
        if times[later] < times[earlier]:
            raise Fault(Reason.TIME_INVALID, f"`{later}` is before `{earlier}`")
    if "due_at" in times and times["due_at"] < times["received_at"]:
        raise Fault(Reason.TIME_INVALID, "`due_at` is before `received_at`")
    before = times["received_at"]
    for wait in supplements:
        if wait.asked_at < before or (wait.answered_at or wait.asked_at) < wait.asked_at:
            raise Fault(Reason.TIME_INVALID, "`supplements` are not in the order of time")
        before = wait.answered_at or wait.asked_at
    times.setdefault("changed_at", max([before, *(times[name] for name in happened)]))
    return msgspec.structs.replace(ticket, supplements=supplements, **times)


def _aware(name: str, at: datetime, rules: TicketRules, *, ahead: bool = False) -> datetime:
    if not EARLIEST_YEAR <= at.year <= LATEST_YEAR:
        raise Fault(Reason.TIME_INVALID, f"`{name}` has the year {at.year}")
    at = at if at.tzinfo else at.replace(tzinfo=rules.zone)
    if not ahead and at > rules.now + FUTURE:
        raise Fault(Reason.TIME_FUTURE, f"`{name}` lies in the future; check clock and time zone")
    return at


def _check_state(ticket: Ticket) -> None:
    """What a state needs, and what it cannot have."""
    state, wrong = ticket.state, None
    waits = [wait for wait in ticket.supplements if wait.answered_at is None]
    if state in ENDED and (ticket.outcome is None or ticket.ended_at is None):
        wrong = f"a ticket that is {state.value} needs `outcome` and `ended_at`"
    elif state not in ENDED and (
        ticket.outcome or ticket.ended_at or ticket.published_at or ticket.rated_at
    ):
        wrong = f"a ticket that is {state.value} has no `outcome`, nor when it ended"
    elif state is State.REJECTED and ticket.outcome not in REJECTING:
        wrong = f"a rejected ticket has the `outcome` {', '.join(sorted(REJECTING))}"
    elif state in ENDED - {State.REJECTED, State.CLOSED} and ticket.outcome not in RESOLVING:
        wrong = f"a ticket that is {state.value} has the `outcome` {', '.join(sorted(RESOLVING))}"
    elif ticket.unit is None and state not in _WITHOUT_UNIT:
        wrong = f"a ticket that is {state.value} needs the `unit` that handles it"
    elif (
        (state is State.WAITING) != bool(waits)
        or len(waits) > 1
        or waits != ticket.supplements[len(ticket.supplements) - len(waits) :]
    ):
        wrong = "exactly a waiting ticket has a last supplement without `answered_at`"
    elif state in (State.PUBLISHED, State.RATED) and ticket.published_at is None:
        wrong = f"a ticket that is {state.value} needs `published_at`"
    elif (ticket.rating is None) != (ticket.rated_at is None):
        wrong = "`rating` and `rated_at` come together"
    elif state is State.RATED and ticket.rating is None:
        wrong = "a rated ticket needs `rating` and `rated_at`"
    elif ticket.rating is not None and state not in (State.RATED, State.CLOSED):
        wrong = f"a ticket that is {state.value} has no `rating` yet"
    if wrong:
        raise Fault(Reason.VALUE_INVALID, wrong)


_WITHOUT_UNIT: Final = UNASSIGNED | {
    State.REJECTED, State.CLOSED, State.WAITING, State.REOPENED,
}  # fmt: skip


def _check_place(ticket: Ticket, bounds: Bbox) -> None:
    if (ticket.longitude is None) != (ticket.latitude is None):
        raise Fault(Reason.PLACE_INVALID, "`longitude` and `latitude` come together")
    if ticket.longitude is None or ticket.latitude is None:
        return
    try:
        check_point(ticket.longitude, ticket.latitude, bounds)
    except Invalid as error:
        raise Fault(Reason.PLACE_INVALID, error.message) from None


def life_of(ticket: Ticket, deadlines: Deadlines) -> Life:
    """The life that a checked ticket has reached; the deadline that it names goes before ours."""
    due = deadlines.solve(ticket.received_at)
    for wait in ticket.supplements:
        if wait.answered_at is not None:
            due = deadlines.paused(due, wait.asked_at, wait.answered_at)
    waits = ticket.state is State.WAITING
    asked = ticket.supplements[-1].asked_at if waits else None
    return Life(
        kind=deadlines.category.kind,
        category=ticket.category,
        state=ticket.state,
        outcome=ticket.outcome,
        unit=ticket.unit,
        received_at=ticket.received_at,
        due_at=ticket.due_at or due,
        resumes=_resumed(ticket) if waits else None,
        asked_at=asked,
        first_asked_at=ticket.supplements[0].asked_at if ticket.supplements else None,
        supplements=len(ticket.supplements),
        ended_at=ticket.ended_at,
        published_at=ticket.published_at,
        rated_at=ticket.rated_at,
        rating=ticket.rating,
        reopened=ticket.reopened,
        result=ticket.result,
    )


def _resumed(ticket: Ticket) -> State:
    return State.RECEIVED if ticket.unit is None else State.IN_PROGRESS

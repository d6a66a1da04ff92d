"""The moves of a ticket: which its state allows, and what each changes in its life; pure."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from ioc.errors import Conflict, Invalid
from ioc.tickets.clock import Deadlines
from ioc.tickets.life import GRADES, REJECTING, RESOLVING, Life, Outcome, State


class Move(StrEnum):
    """What people do with a ticket; the word of the URL."""

    VERIFY = "verify"
    REJECT = "reject"
    ASK_SUPPLEMENT = "ask-supplement"
    SUPPLEMENT = "supplement"
    ASSIGN = "assign"
    ACCEPT = "accept"
    RETURN = "return"
    START = "start"
    REQUEST_EXTENSION = "request-extension"
    EXTEND = "extend"
    RESOLVE = "resolve"
    APPROVE = "approve"
    PUBLISH = "publish"
    RATE = "rate"
    REOPEN = "reopen"
    CLOSE = "close"


LONGEST_EXTENSION: Final = timedelta(days=366)

_HANDLING: Final = frozenset({
    Move.ACCEPT, Move.RETURN, Move.START, Move.REQUEST_EXTENSION, Move.RESOLVE,
    Move.ASK_SUPPLEMENT, Move.SUPPLEMENT,
})  # fmt: skip
_NEEDS_REASON: Final = frozenset({
    Move.REJECT, Move.ASK_SUPPLEMENT, Move.RETURN, Move.REQUEST_EXTENSION, Move.REOPEN,
})  # fmt: skip

_MOVES: Final[Mapping[State, Mapping[Move, State]]] = {
    State.RECEIVED: {
        Move.VERIFY: State.VERIFIED,
        Move.REJECT: State.REJECTED,
        Move.ASK_SUPPLEMENT: State.WAITING,
    },
    State.VERIFIED: {
        Move.ASSIGN: State.ASSIGNED,
        Move.REJECT: State.REJECTED,
        Move.ASK_SUPPLEMENT: State.WAITING,
    },
    State.REJECTED: {Move.REOPEN: State.REOPENED, Move.CLOSE: State.CLOSED},
    State.ASSIGNED: {
        Move.ACCEPT: State.ACCEPTED,
        Move.RETURN: State.RETURNED,
        Move.ASSIGN: State.ASSIGNED,
    },
    State.ACCEPTED: {
        Move.START: State.IN_PROGRESS,
        Move.RETURN: State.RETURNED,
        Move.ASSIGN: State.ASSIGNED,
    },
    State.RETURNED: {Move.ASSIGN: State.ASSIGNED, Move.REJECT: State.REJECTED},
    State.IN_PROGRESS: {
        Move.RESOLVE: State.RESOLVED,
        Move.REQUEST_EXTENSION: State.EXTENSION_REQUESTED,
        Move.ASK_SUPPLEMENT: State.WAITING,
        Move.ASSIGN: State.ASSIGNED,
    },
    State.WAITING: {Move.SUPPLEMENT: State.WAITING, Move.REJECT: State.REJECTED},
    State.EXTENSION_REQUESTED: {Move.EXTEND: State.IN_PROGRESS},
    State.RESOLVED: {Move.APPROVE: State.APPROVED, Move.RETURN: State.IN_PROGRESS},
    State.APPROVED: {Move.PUBLISH: State.PUBLISHED},
    State.PUBLISHED: {
        Move.RATE: State.RATED,
        Move.REOPEN: State.REOPENED,
        Move.CLOSE: State.CLOSED,
    },
    State.RATED: {
        Move.RATE: State.RATED,
        Move.REOPEN: State.REOPENED,
        Move.CLOSE: State.CLOSED,
    },
    State.REOPENED: {
        Move.ASSIGN: State.ASSIGNED,
        Move.START: State.IN_PROGRESS,
        Move.REJECT: State.REJECTED,
    },
    State.CLOSED: {},
}


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """A move as somebody makes it, with what the move needs."""

    move: Move
    actor: str
    at: datetime
    reason: str = ""
    unit: str | None = None
    outcome: Outcome | None = None
    due_at: datetime | None = None
    granted: bool = True
    rating: int | None = None
    result: str = ""


def is_handling(state: State, move: Move) -> bool:
    """Whether a move is the handling unit's own; the others are those of the centre.

    A result that was handed in is sent back by the centre, not taken back by the unit.
    """
    return move in _HANDLING and state is not State.RESOLVED


def allowed(life: Life, *, immediate: bool) -> dict[Move, State]:
    """What can be done now, and where it leads; an immediate one needs no verification."""
    found = dict(_MOVES[life.state])
    if immediate and life.state is State.RECEIVED:
        found[Move.ASSIGN] = State.ASSIGNED
    if life.state is State.REOPENED and life.unit is None:
        del found[Move.START]
    if life.resumes is not None and life.state is State.WAITING:
        found[Move.SUPPLEMENT] = life.resumes
    return found


def moved(life: Life, act: Act, deadlines: Deadlines) -> Life:
    """The life after a move; `Conflict` with the allowed ones, or `Invalid` with what it lacks."""
    possible = allowed(life, immediate=deadlines.category.immediate)
    if act.move not in possible:
        words = ", ".join(possible) or "none: it is closed for good, send a new ticket"
        raise Conflict(
            f"a ticket that is {life.state.value} takes no {act.move.value}; allowed: {words}",
            state=life.state.value, version=life.version, allowed=[move.value for move in possible],
        )  # fmt: skip
    if act.move in _NEEDS_REASON and not act.reason:
        raise Invalid(f"{act.move.value} needs a `reason`")
    change = _CHANGES.get(act.move)
    changed = {} if change is None else change(life, act, deadlines)
    return msgspec.structs.replace(
        life, state=possible[act.move], version=life.version + 1, **changed
    )


def _reject(_: Life, act: Act, __: Deadlines) -> dict[str, Any]:
    outcome = _outcome(act, REJECTING, Outcome.OUT_OF_SCOPE)
    return {"outcome": outcome, "ended_at": act.at, "asked_at": None, "resumes": None}


def _ask(life: Life, act: Act, _: Deadlines) -> dict[str, Any]:
    return {
        "asked_at": act.at,
        "first_asked_at": life.first_asked_at or act.at,
        "resumes": life.state,
        "supplements": life.supplements + 1,
    }


def _supplement(life: Life, act: Act, deadlines: Deadlines) -> dict[str, Any]:
    assert life.asked_at is not None
    due = deadlines.paused(life.due_at, life.asked_at, act.at)
    return {"due_at": due, "asked_at": None, "resumes": None}


def _assign(_: Life, act: Act, __: Deadlines) -> dict[str, Any]:
    if act.unit is None:
        raise Invalid("assign needs the `unit` that is to handle the ticket")
    return {"unit": act.unit}


def _return(_: Life, __: Act, ___: Deadlines) -> dict[str, Any]:
    return {"outcome": None, "ended_at": None, "result": ""}


def _request_extension(life: Life, act: Act, _: Deadlines) -> dict[str, Any]:
    return {"wanted_due_at": _later(life, act.due_at)}


def _extend(life: Life, act: Act, _: Deadlines) -> dict[str, Any]:
    if act.granted:
        due = _later(life, act.due_at or life.wanted_due_at)
        return {"due_at": due, "wanted_due_at": None}
    if not act.reason:
        raise Invalid("a refused extension needs a `reason`")
    return {"wanted_due_at": None}


def _later(life: Life, due: datetime | None) -> datetime:
    if due is None:
        raise Invalid("an extension needs the `due_at` that is wanted")
    if due > life.due_at + LONGEST_EXTENSION:
        raise Invalid(f"an extension is of {LONGEST_EXTENSION.days} days at most")
    if due <= life.due_at:
        raise Invalid(f"an extension ends after the present deadline {life.due_at.isoformat()}")
    return due


def _resolve(_: Life, act: Act, __: Deadlines) -> dict[str, Any]:
    outcome = _outcome(act, RESOLVING, Outcome.SOLVED)
    return {"outcome": outcome, "ended_at": act.at, "result": act.result}


def _publish(_: Life, act: Act, __: Deadlines) -> dict[str, Any]:
    return {"published_at": act.at}


def _rate(_: Life, act: Act, __: Deadlines) -> dict[str, Any]:
    if act.rating not in GRADES:
        raise Invalid(f"rate needs a `rating` from {GRADES[0]} to {GRADES[-1]}, the best")
    return {"rating": act.rating, "rated_at": act.at}


def _reopen(life: Life, act: Act, deadlines: Deadlines) -> dict[str, Any]:
    return {
        "outcome": None,
        "ended_at": None,
        "published_at": None,
        "rating": None,
        "rated_at": None,
        "result": "",
        "reopened": life.reopened + 1,
        "due_at": max(life.due_at, deadlines.solve(act.at)),
    }


def _outcome(act: Act, known: frozenset[Outcome], usual: Outcome) -> Outcome:
    outcome = act.outcome or usual
    if outcome not in known:
        words = ", ".join(sorted(known))
        raise Invalid(f"{act.move.value} has the `outcome` {words}, not {outcome.value}")
    return outcome


_CHANGES: Final[Mapping[Move, Callable[[Life, Act, Deadlines], dict[str, Any]]]] = {
    Move.REJECT: _reject,
    Move.ASK_SUPPLEMENT: _ask,
    Move.SUPPLEMENT: _supplement,
    Move.ASSIGN: _assign,
    Move.RETURN: _return,
    Move.REQUEST_EXTENSION: _request_extension,
    Move.EXTEND: _extend,
    Move.RESOLVE: _resolve,
    Move.PUBLISH: _publish,
    Move.RATE: _rate,
    Move.REOPEN: _reopen,
}
"""What a move changes beside the state; `Invalid` where it lacks something."""

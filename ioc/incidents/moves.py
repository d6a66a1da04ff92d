"""The moves of an incident: what each state answers to each of them, and what they change; pure."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import msgspec

from ioc.errors import Conflict, Invalid
from ioc.incidents.clock import Deadlines
from ioc.incidents.life import TOP_LEVEL, Life, Result, State


class Move(StrEnum):
    """What is done with an incident; the word of the URL."""

    ACKNOWLEDGE = "acknowledge"
    ASSIGN = "assign"
    START = "start"
    SUPPORT = "support"
    EXTEND = "extend"
    RECATEGORISE = "recategorise"
    ESCALATE = "escalate"
    DE_ESCALATE = "de-escalate"
    HAND_OVER = "hand-over"
    RESOLVE = "resolve"
    RETURN = "return"
    CLOSE = "close"
    REOPEN = "reopen"


LONGEST_EXTENSION: Final = timedelta(days=366)
MOST_SUPPORT: Final = 20

_NEEDS_REASON: Final = frozenset({
    Move.EXTEND, Move.RECATEGORISE, Move.ESCALATE, Move.DE_ESCALATE, Move.RETURN, Move.REOPEN,
})  # fmt: skip

_O, _A, _P, _R, _C, _N = STATES = tuple(State)

# What comes of each move in each state, in the order of `State`; None is refused.
TABLE: Final[Mapping[Move, tuple[State | None, ...]]] = {
    #                  open  assigned  progress  resolved  closed  reopened
    Move.ACKNOWLEDGE:  (_O,   _A,      None,     None,     None,   _N),
    Move.ASSIGN:       (_A,   _A,      _A,       None,     None,   _A),
    Move.START:        (None, _P,      None,     None,     None,   _P),
    Move.SUPPORT:      (_O,   _A,      _P,       None,     None,   _N),
    Move.EXTEND:       (_O,   _A,      _P,       None,     None,   _N),
    Move.RECATEGORISE: (_O,   _A,      _P,       None,     None,   _N),
    Move.ESCALATE:     (_O,   _A,      _P,       None,     None,   _N),
    Move.DE_ESCALATE:  (_O,   _A,      _P,       None,     None,   _N),
    Move.HAND_OVER:    (_O,   _A,      _P,       _R,       None,   _N),
    Move.RESOLVE:      (_R,   _R,      _R,       None,     None,   _R),
    Move.RETURN:       (None, None,    None,     _P,       None,   None),
    Move.CLOSE:        (None, None,    None,     _C,       None,   None),
    Move.REOPEN:       (None, None,    None,     None,     _N,     None),
}  # fmt: skip


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """A move as somebody makes it, with what the move needs.

    `undone` are the required steps of the checklist that nobody has done; `by_time` says that no
    person made it.
    """

    move: Move
    actor: str
    at: datetime
    reason: str = ""
    unit: str | None = None
    support: tuple[str, ...] | None = None
    person: str | None = None
    due_at: datetime | None = None
    level: int | None = None
    result: Result | None = None
    undone: int = 0
    by_time: bool = False


def leads_to(state: State, move: Move) -> State | None:
    """Where a move leads from a state; None is refused."""
    return TABLE[move][STATES.index(state)]


def allowed(life: Life) -> list[Move]:
    """What can be done now."""
    return [
        move
        for move in Move
        if leads_to(life.state, move) is not None
        and not (move is Move.ACKNOWLEDGE and life.acknowledged_at is not None)
        and not (move is Move.ESCALATE and life.level == TOP_LEVEL)
        and not (move is Move.DE_ESCALATE and life.level == 0)
    ]


def moved(life: Life, act: Act, deadlines: Deadlines) -> Life:
    """The life after a move; `Conflict` with the allowed ones, or `Invalid` with what it lacks.

    A clock that was set back does not set an incident back: its times only grow. `deadlines` are
    those of its category, or of the one that it is to have.
    """
    possible = allowed(life)
    if act.move not in possible:
        words = ", ".join(possible)
        raise Conflict(
            f"an incident that is {life.state.value} takes no {act.move.value}; allowed: {words}",
            state=life.state.value, version=life.version, allowed=[move.value for move in possible],
        )  # fmt: skip
    if act.move in _NEEDS_REASON and not act.reason:
        raise Invalid(f"{act.move.value} needs a `reason`")
    act = msgspec.structs.replace(act, at=max(act.at, life.changed_at))
    return msgspec.structs.replace(
        life,
        state=leads_to(life.state, act.move),
        changed_at=act.at,
        version=life.version + 1,
        **_CHANGES[act.move](life, act, deadlines),
    )


def _acknowledge(_: Life, act: Act, __: Deadlines) -> dict[str, Any]:
    return {"acknowledged_at": act.at}


def _assign(life: Life, act: Act, _: Deadlines) -> dict[str, Any]:
    if act.person is None:
        raise Invalid("assign needs the `person` who is to handle the incident")
    lead = act.unit or life.lead
    return {
        "assignee": act.person,
        "lead": lead,
        "support": tuple(unit for unit in life.support if unit != lead),
        "assigned_at": life.assigned_at or act.at,
    }


def _start(life: Life, act: Act, _: Deadlines) -> dict[str, Any]:
    taken = {} if life.assignee else {"assignee": act.actor, "assigned_at": act.at}
    return {"acknowledged_at": life.acknowledged_at or act.at, **taken}


def _support(life: Life, act: Act, _: Deadlines) -> dict[str, Any]:
    if act.support is None:
        raise Invalid("support needs the `support` units, all of them; an empty list takes them")
    wanted = tuple(dict.fromkeys(unit for unit in act.support if unit != life.lead))
    if len(wanted) > MOST_SUPPORT:
        raise Invalid(f"at most {MOST_SUPPORT} units support an incident")
    return {"support": wanted}


def _extend(life: Life, act: Act, _: Deadlines) -> dict[str, Any]:
    if act.due_at is None:
        raise Invalid("extend needs the `due_at` that is wanted")
    if not life.due_at < act.due_at <= life.due_at + LONGEST_EXTENSION:
        raise Invalid(
            f"an extension ends after the present deadline {life.due_at.isoformat()}, "
            f"{LONGEST_EXTENSION.days} days later at most"
        )
    return {"due_at": act.due_at}


def _recategorise(life: Life, _: Act, deadlines: Deadlines) -> dict[str, Any]:
    return {
        "category": deadlines.category.id,
        "acknowledge_due_at": deadlines.acknowledge(life.opened_at),
        "assign_due_at": deadlines.assign(life.opened_at),
        "due_at": deadlines.resolve(life.since),
        "rung": 0,
    }


def _escalate(life: Life, act: Act, _: Deadlines) -> dict[str, Any]:
    level = life.level + 1 if act.level is None else act.level
    if not life.level < level <= TOP_LEVEL:
        raise Invalid(f"the `level` rises above {life.level}, to {TOP_LEVEL} at most")
    rung = {"rung": max(life.rung, level)} if act.by_time else {}
    return {"level": level, "level_at": act.at, "timed": act.by_time, **rung}


def _de_escalate(life: Life, act: Act, _: Deadlines) -> dict[str, Any]:
    level = life.level - 1 if act.level is None else act.level
    if not 0 <= level < life.level:
        raise Invalid(f"the `level` falls below {life.level}, to 0 at least")
    return {"level": level, "level_at": act.at, "timed": act.by_time and level > 0}


def _hand_over(_: Life, act: Act, __: Deadlines) -> dict[str, Any]:
    if act.person is None:
        raise Invalid("hand-over needs the `person` who follows the incident from now on")
    return {"keeper": act.person}


def _resolve(life: Life, act: Act, _: Deadlines) -> dict[str, Any]:
    """Whoever finds the result has had it, if nobody else has."""
    if act.result is None:
        raise Invalid(f"resolve needs a `result`: {', '.join(Result)}")
    if act.result is Result.EXERCISE and not life.exercise:
        raise Invalid("the result `exercise` is for exercises only; this incident is none")
    if act.undone and act.result is Result.HANDLED and not act.reason:
        raise Invalid(f"{act.undone} required steps are not done; do them, or give a `reason`")
    return {
        "result": act.result,
        "outcome": act.reason,
        "resolved_at": act.at,
        "acknowledged_at": life.acknowledged_at or act.at,
        "assigned_at": life.assigned_at or act.at,
        "assignee": life.assignee or act.actor,
    }


def _return(_: Life, __: Act, ___: Deadlines) -> dict[str, Any]:
    return {"result": None, "outcome": "", "resolved_at": None}


def _close(_: Life, act: Act, __: Deadlines) -> dict[str, Any]:
    return {"closed_at": act.at}


def _reopen(life: Life, act: Act, deadlines: Deadlines) -> dict[str, Any]:
    return {
        "result": None,
        "outcome": "",
        "resolved_at": None,
        "closed_at": None,
        "since": act.at,
        "due_at": max(life.due_at, deadlines.resolve(act.at)),
        "level": 0,
        "level_at": act.at,
        "rung": 0,
        "timed": False,
        "reopened": life.reopened + 1,
    }


_CHANGES: Final[Mapping[Move, Callable[[Life, Act, Deadlines], dict[str, Any]]]] = {
    Move.ACKNOWLEDGE: _acknowledge,
    Move.ASSIGN: _assign,
    Move.START: _start,
    Move.SUPPORT: _support,
    Move.EXTEND: _extend,
    Move.RECATEGORISE: _recategorise,
    Move.ESCALATE: _escalate,
    Move.DE_ESCALATE: _de_escalate,
    Move.HAND_OVER: _hand_over,
    Move.RESOLVE: _resolve,
    Move.RETURN: _return,
    Move.CLOSE: _close,
    Move.REOPEN: _reopen,
}
"""What a move changes beside the state; `Invalid` where it lacks something."""

"""What operators may do with an alert, and how its life ends, as one table."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Literal

import msgspec

from alerts.alert import State


class Condition(StrEnum):
    """Where an alert stands by what was observed and by what people did (ISA-18.2)."""

    PENDING = "pending"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    CLEARED = "cleared"
    CLOSED = "closed"


class Move(StrEnum):
    """What an operator does with an alert."""

    ACKNOWLEDGE = "acknowledge"
    COMMENT = "comment"


class Refusal(StrEnum):
    """Why a move is not allowed; the key of its sentence in the catalogue."""

    NOT_YET_ACTIVE = "not_yet_active"
    ALREADY_CLOSED = "already_closed"


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """The life of one occurrence; it is closed once nothing is left to do."""

    state: State
    active_since: datetime | None = None
    cleared_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    closed_at: datetime | None = None
    comments: int = 0


class Outcome(msgspec.Struct, frozen=True):
    """The life after a move; unchanged where the move said nothing new or was refused."""

    life: Life
    refusal: Refusal | None = None


SHOWN = frozenset({Condition.UNACKNOWLEDGED, Condition.ACKNOWLEDGED, Condition.CLEARED})
"""What the list of open alerts shows."""

Answer = Condition | Refusal

MOVES: Mapping[tuple[Condition, Move], Answer] = {
    (Condition.PENDING, Move.ACKNOWLEDGE): Refusal.NOT_YET_ACTIVE,
    (Condition.UNACKNOWLEDGED, Move.ACKNOWLEDGE): Condition.ACKNOWLEDGED,
    (Condition.ACKNOWLEDGED, Move.ACKNOWLEDGE): Condition.ACKNOWLEDGED,
    (Condition.CLEARED, Move.ACKNOWLEDGE): Condition.CLOSED,
    (Condition.CLOSED, Move.ACKNOWLEDGE): Refusal.ALREADY_CLOSED,
    (Condition.PENDING, Move.COMMENT): Refusal.NOT_YET_ACTIVE,
    (Condition.UNACKNOWLEDGED, Move.COMMENT): Condition.UNACKNOWLEDGED,
    (Condition.ACKNOWLEDGED, Move.COMMENT): Condition.ACKNOWLEDGED,
    (Condition.CLEARED, Move.COMMENT): Condition.CLEARED,
    (Condition.CLOSED, Move.COMMENT): Refusal.ALREADY_CLOSED,
}
"""Every pair has its answer: the condition that follows, or why not."""


def condition(life: Life) -> Condition:
    """Where that life stands."""
    if life.state is State.PENDING:
        return Condition.PENDING
    acknowledged = life.acknowledged_at is not None
    if life.state is State.ACTIVE:
        return Condition.ACKNOWLEDGED if acknowledged else Condition.UNACKNOWLEDGED
    never_shown = life.active_since is None
    return Condition.CLOSED if acknowledged or never_shown else Condition.CLEARED


def apply_move(life: Life, move: Move, *, who: str, now: datetime) -> Outcome:
    """The life after an operator's move; a second acknowledgement keeps the first one's name."""
    answer = MOVES[condition(life), move]
    if isinstance(answer, Refusal):
        return Outcome(life, answer)
    match move:
        case Move.COMMENT:
            return Outcome(msgspec.structs.replace(life, comments=life.comments + 1))
        case Move.ACKNOWLEDGE:
            if life.acknowledged_at is not None:
                return Outcome(life)
            return Outcome(
                msgspec.structs.replace(
                    life,
                    acknowledged_at=now,
                    acknowledged_by=who,
                    closed_at=now if answer is Condition.CLOSED else None,
                )
            )


def follow(life: Life | None, to_state: State, at: datetime) -> Life:
    """The life after a transition of the engine; cleared and acknowledged closes by itself.

    A pending alert that ends before its hold time was never shown: it closes at once.
    """
    before = life or Life(state=to_state)
    match to_state:
        case State.PENDING:
            return msgspec.structs.replace(before, state=to_state)
        case State.ACTIVE:
            return msgspec.structs.replace(before, state=to_state, active_since=at)
        case State.CLEARED:
            cleared = msgspec.structs.replace(before, state=to_state, cleared_at=at)
            if condition(cleared) is Condition.CLOSED:
                return msgspec.structs.replace(cleared, closed_at=at)
            return cleared


def verb_for(before: Life | None, after: Life | None) -> Literal["add", "update", "remove", "none"]:
    """How the list of open alerts changes when one life becomes the other."""
    was_shown = before is not None and condition(before) in SHOWN
    is_shown = after is not None and condition(after) in SHOWN
    match was_shown, is_shown:
        case False, True:
            return "add"
        case True, False:
            return "remove"
        case True, True:
            return "none" if before == after else "update"
        case _:
            return "none"

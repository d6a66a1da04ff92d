"""What operators may do with an alert, and how its life ends, as one table."""

from collections.abc import Mapping
from datetime import datetime, timedelta
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
    ASSIGN = "assign"
    SHELVE = "shelve"
    UNSHELVE = "unshelve"
    CLOSE = "close"


class Refusal(StrEnum):
    """Why a move is not allowed; the key of its sentence in the catalogue."""

    NOT_YET_ACTIVE = "not_yet_active"
    ALREADY_CLOSED = "already_closed"
    STILL_ACTIVE = "still_active"
    NOT_SHELVED = "not_shelved"
    SHELF_IN_THE_PAST = "shelf_in_the_past"
    SHELF_TOO_LONG = "shelf_too_long"


LONGEST_SHELF = timedelta(hours=24)
"""Shelving is for a shift or a day; what lasts longer is a silence with a plan (ISA-18.2)."""


class Shelf(msgspec.Struct, frozen=True):
    """An alert put aside by an operator until a time, with the reason."""

    until: datetime
    by: str
    why: str


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """The life of one occurrence; it is closed once nothing is left to do."""

    state: State
    active_since: datetime | None = None
    cleared_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    closed_at: datetime | None = None
    comments: int = 0
    assignee: str | None = None
    shelf: Shelf | None = None


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a person asks: `until` goes with shelving, `assignee` with assigning."""

    move: Move
    who: str
    words: str = ""
    until: datetime | None = None
    assignee: str | None = None


class Outcome(msgspec.Struct, frozen=True):
    """The life after a move; unchanged where the move said nothing new or was refused."""

    life: Life
    refusal: Refusal | None = None


SHOWN = frozenset({Condition.UNACKNOWLEDGED, Condition.ACKNOWLEDGED, Condition.CLEARED})
"""What the list of open alerts shows."""

Answer = Condition | Refusal

MOVES: Mapping[tuple[Condition, Move], Answer] = {
    **{(Condition.PENDING, move): Refusal.NOT_YET_ACTIVE for move in Move},
    **{(Condition.CLOSED, move): Refusal.ALREADY_CLOSED for move in Move},
    **{
        (stands, move): stands
        for stands in (Condition.UNACKNOWLEDGED, Condition.ACKNOWLEDGED, Condition.CLEARED)
        for move in (Move.COMMENT, Move.ASSIGN, Move.SHELVE, Move.UNSHELVE)
    },
    (Condition.UNACKNOWLEDGED, Move.ACKNOWLEDGE): Condition.ACKNOWLEDGED,
    (Condition.ACKNOWLEDGED, Move.ACKNOWLEDGE): Condition.ACKNOWLEDGED,
    (Condition.CLEARED, Move.ACKNOWLEDGE): Condition.CLOSED,
    (Condition.UNACKNOWLEDGED, Move.CLOSE): Refusal.STILL_ACTIVE,
    (Condition.ACKNOWLEDGED, Move.CLOSE): Refusal.STILL_ACTIVE,
    (Condition.CLEARED, Move.CLOSE): Condition.CLOSED,
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


def apply_move(life: Life, wish: Wish, now: datetime) -> Outcome:
    """The life after an operator's move; a second acknowledgement keeps the first one's name."""
    answer = MOVES[condition(life), wish.move]
    if isinstance(answer, Refusal):
        return Outcome(life, answer)
    replace = msgspec.structs.replace
    match wish.move:
        case Move.COMMENT:
            return Outcome(replace(life, comments=life.comments + 1))
        case Move.ASSIGN:
            return Outcome(replace(life, assignee=wish.assignee))
        case Move.SHELVE:
            return _shelve(life, wish, now)
        case Move.UNSHELVE:
            if life.shelf is None:
                return Outcome(life, Refusal.NOT_SHELVED)
            return Outcome(replace(life, shelf=None))
        case Move.ACKNOWLEDGE | Move.CLOSE:
            if life.acknowledged_at is not None:
                return Outcome(life)
            closes = answer is Condition.CLOSED
            return Outcome(
                replace(
                    life,
                    acknowledged_at=now,
                    acknowledged_by=wish.who,
                    closed_at=now if closes else None,
                    shelf=None if closes else life.shelf,
                )
            )


def _shelve(life: Life, wish: Wish, now: datetime) -> Outcome:
    if wish.until is None or wish.until <= now:
        return Outcome(life, Refusal.SHELF_IN_THE_PAST)
    if wish.until - now > LONGEST_SHELF:
        return Outcome(life, Refusal.SHELF_TOO_LONG)
    shelf = Shelf(wish.until, wish.who, wish.words)
    return Outcome(msgspec.structs.replace(life, shelf=shelf))


def wake(life: Life, now: datetime) -> Life:
    """The life once its time on the shelf is over."""
    if life.shelf is None or now < life.shelf.until:
        return life
    return msgspec.structs.replace(life, shelf=None)


def follow(life: Life | None, to_state: State, at: datetime) -> Life:
    """The life after a transition of the engine; cleared and acknowledged closes by itself.

    A pending alert that ends before its hold time was never shown: it closes at once.
    """
    before = life or Life(state=to_state)
    match to_state:
        case State.PENDING:
            return msgspec.structs.replace(before, state=to_state)
        case State.ACTIVE:
            # An active alert that begins to clear, or breaks that off, has been active all along.
            since = before.active_since or at
            return msgspec.structs.replace(before, state=to_state, active_since=since)
        case State.CLEARED:
            cleared = msgspec.structs.replace(before, state=to_state, cleared_at=at)
            if condition(cleared) is Condition.CLOSED:
                return msgspec.structs.replace(cleared, closed_at=at, shelf=None)
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

"""The operators' moves, and how an alert's life ends."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.alert import State
from alerts.lifecycle import (
    LONGEST_SHELF,
    MOVES,
    SHOWN,
    Condition,
    Life,
    Move,
    Outcome,
    Refusal,
    Shelf,
    Wish,
    apply_move,
    condition,
    follow,
    verb_for,
    wake,
)


def moved(life: Life, move: Move, now: datetime, *, who: str = "lan", **wish: Any) -> Outcome:
    return apply_move(life, Wish(move=move, who=who, **wish), now)


NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
PENDING = follow(None, State.PENDING, NOW)
ACTIVE = follow(PENDING, State.ACTIVE, NOW)
CLEARED = follow(ACTIVE, State.CLEARED, LATER)
ACKNOWLEDGED = moved(ACTIVE, Move.ACKNOWLEDGE, NOW, who="lan").life
CLOSED = follow(ACKNOWLEDGED, State.CLEARED, LATER)


def test_every_condition_has_an_answer_to_every_move() -> None:
    assert set(MOVES) == {(state, move) for state in Condition for move in Move}


def test_an_acknowledgement_keeps_who_and_when() -> None:
    assert ACKNOWLEDGED.acknowledged_by == "lan"
    assert ACKNOWLEDGED.acknowledged_at == NOW
    assert condition(ACKNOWLEDGED) is Condition.ACKNOWLEDGED


def test_a_second_acknowledgement_changes_nothing() -> None:
    again = moved(ACKNOWLEDGED, Move.ACKNOWLEDGE, LATER, who="minh")
    assert again.refusal is None
    assert again.life == ACKNOWLEDGED


def test_an_alert_closes_once_it_is_cleared_and_acknowledged_in_either_order() -> None:
    assert (condition(CLOSED), CLOSED.closed_at) == (Condition.CLOSED, LATER)
    assert (condition(CLEARED), CLEARED.closed_at) == (Condition.CLEARED, None)
    other = moved(CLEARED, Move.ACKNOWLEDGE, LATER, who="lan").life
    assert (condition(other), other.closed_at) == (Condition.CLOSED, LATER)


def test_a_breach_that_never_held_closes_unseen() -> None:
    ended = follow(PENDING, State.CLEARED, LATER)
    assert (condition(ended), ended.closed_at) == (Condition.CLOSED, LATER)
    assert verb_for(PENDING, ended) == "none"


@pytest.mark.parametrize("move", Move)
def test_a_move_on_a_closed_or_pending_alert_says_why_not(move: Move) -> None:
    refused = moved(CLOSED, move, LATER, who="lan")
    assert (refused.life, refused.refusal) == (CLOSED, Refusal.ALREADY_CLOSED)
    refused = moved(PENDING, move, LATER, who="lan")
    assert (refused.life, refused.refusal) == (PENDING, Refusal.NOT_YET_ACTIVE)


def test_comments_are_counted_and_change_nothing_else() -> None:
    life = ACTIVE
    for _ in range(3):
        life = moved(life, Move.COMMENT, LATER, who="lan").life
    assert life.comments == 3
    assert condition(life) is Condition.UNACKNOWLEDGED


def test_a_shelved_alert_comes_back_at_its_time_or_when_somebody_wants_it() -> None:
    until = NOW + timedelta(hours=1)
    shelved = moved(ACTIVE, Move.SHELVE, NOW, words="đang sửa", until=until).life
    assert shelved.shelf == Shelf(until, "lan", "đang sửa")
    assert condition(shelved) is Condition.UNACKNOWLEDGED
    assert wake(shelved, until - timedelta(seconds=1)) == shelved
    assert wake(shelved, until) == ACTIVE
    assert moved(shelved, Move.UNSHELVE, LATER).life == ACTIVE
    assert moved(ACTIVE, Move.UNSHELVE, LATER).refusal is Refusal.NOT_SHELVED


@pytest.mark.parametrize(
    ("until", "refusal"),
    [
        (NOW, Refusal.SHELF_IN_THE_PAST),
        (None, Refusal.SHELF_IN_THE_PAST),
        (NOW + LONGEST_SHELF, None),
        (NOW + LONGEST_SHELF + timedelta(seconds=1), Refusal.SHELF_TOO_LONG),
    ],
)
def test_shelving_has_an_end_within_a_day(until: datetime | None, refusal: Refusal | None) -> None:
    assert moved(ACTIVE, Move.SHELVE, NOW, until=until).refusal is refusal


def test_only_what_is_cleared_can_be_closed() -> None:
    assert moved(ACTIVE, Move.CLOSE, NOW).refusal is Refusal.STILL_ACTIVE
    assert moved(ACKNOWLEDGED, Move.CLOSE, NOW).refusal is Refusal.STILL_ACTIVE
    assert condition(moved(CLEARED, Move.CLOSE, LATER).life) is Condition.CLOSED


def test_an_alert_has_the_assignee_that_was_named_last() -> None:
    life = moved(ACTIVE, Move.ASSIGN, NOW, assignee="so-a").life
    assert moved(life, Move.ASSIGN, NOW, assignee="so-b").life.assignee == "so-b"


def test_what_begins_to_clear_has_been_active_all_along() -> None:
    assert follow(ACTIVE, State.ACTIVE, LATER).active_since == NOW


@pytest.mark.parametrize(
    ("before", "after", "verb"),
    [
        (None, PENDING, "none"),
        (None, ACTIVE, "add"),
        (PENDING, ACTIVE, "add"),
        (ACTIVE, ACKNOWLEDGED, "update"),
        (ACTIVE, CLEARED, "update"),
        (ACKNOWLEDGED, ACKNOWLEDGED, "none"),
        (ACKNOWLEDGED, CLOSED, "remove"),
        (CLEARED, CLOSED, "remove"),
        (CLOSED, CLOSED, "none"),
    ],
)
def test_the_list_shows_active_alerts_and_cleared_ones_nobody_saw(
    before: Life | None, after: Life, verb: str
) -> None:
    assert verb_for(before, after) == verb


@given(st.lists(st.sampled_from([*Move, State.ACTIVE, State.CLEARED]), max_size=12))
def test_the_verbs_alone_rebuild_the_list(turns: list[Move | State]) -> None:
    life, listed = PENDING, False
    for turn in turns:
        before = life
        if isinstance(turn, Move):
            life = moved(life, turn, NOW, until=LATER).life
        elif (life.state, turn) in {
            (State.PENDING, State.ACTIVE),
            (State.PENDING, State.CLEARED),
            (State.ACTIVE, State.CLEARED),
        }:
            life = follow(life, turn, NOW)
        verb = verb_for(before, life)
        assert verb != "add" or not listed
        assert verb not in ("update", "remove") or listed
        listed = {"add": True, "remove": False}.get(verb, listed)
        assert listed == (condition(life) in SHOWN)
        assert (life.closed_at is not None) == (condition(life) is Condition.CLOSED)

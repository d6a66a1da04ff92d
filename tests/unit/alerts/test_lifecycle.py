"""The operators' moves, and how an alert's life ends."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.alert import State
from alerts.lifecycle import (
    MOVES,
    SHOWN,
    Condition,
    Life,
    Move,
    Refusal,
    apply_move,
    condition,
    follow,
    verb_for,
)

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
PENDING = follow(None, State.PENDING, NOW)
ACTIVE = follow(PENDING, State.ACTIVE, NOW)
CLEARED = follow(ACTIVE, State.CLEARED, LATER)
ACKNOWLEDGED = apply_move(ACTIVE, Move.ACKNOWLEDGE, who="lan", now=NOW).life
CLOSED = follow(ACKNOWLEDGED, State.CLEARED, LATER)


def test_every_condition_has_an_answer_to_every_move() -> None:
    assert set(MOVES) == {(state, move) for state in Condition for move in Move}


def test_an_acknowledgement_keeps_who_and_when() -> None:
    assert ACKNOWLEDGED.acknowledged_by == "lan"
    assert ACKNOWLEDGED.acknowledged_at == NOW
    assert condition(ACKNOWLEDGED) is Condition.ACKNOWLEDGED


def test_a_second_acknowledgement_changes_nothing() -> None:
    again = apply_move(ACKNOWLEDGED, Move.ACKNOWLEDGE, who="minh", now=LATER)
    assert again.refusal is None
    assert again.life == ACKNOWLEDGED


def test_an_alert_closes_once_it_is_cleared_and_acknowledged_in_either_order() -> None:
    assert (condition(CLOSED), CLOSED.closed_at) == (Condition.CLOSED, LATER)
    assert (condition(CLEARED), CLEARED.closed_at) == (Condition.CLEARED, None)
    other = apply_move(CLEARED, Move.ACKNOWLEDGE, who="lan", now=LATER).life
    assert (condition(other), other.closed_at) == (Condition.CLOSED, LATER)


def test_a_breach_that_never_held_closes_unseen() -> None:
    ended = follow(PENDING, State.CLEARED, LATER)
    assert (condition(ended), ended.closed_at) == (Condition.CLOSED, LATER)
    assert verb_for(PENDING, ended) == "none"


@pytest.mark.parametrize("move", Move)
def test_a_move_on_a_closed_or_pending_alert_says_why_not(move: Move) -> None:
    refused = apply_move(CLOSED, move, who="lan", now=LATER)
    assert (refused.life, refused.refusal) == (CLOSED, Refusal.ALREADY_CLOSED)
    refused = apply_move(PENDING, move, who="lan", now=LATER)
    assert (refused.life, refused.refusal) == (PENDING, Refusal.NOT_YET_ACTIVE)


def test_comments_are_counted_and_change_nothing_else() -> None:
    life = ACTIVE
    for _ in range(3):
        life = apply_move(life, Move.COMMENT, who="lan", now=LATER).life
    assert life.comments == 3
    assert condition(life) is Condition.UNACKNOWLEDGED


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
            life = apply_move(life, turn, who="lan", now=NOW).life
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

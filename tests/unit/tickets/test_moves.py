"""The moves of a ticket: what may follow what, and what holds whatever happens."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.errors import Conflict, Invalid
from ioc.tickets.life import ENDED, UNASSIGNED, Life, Outcome, State
from ioc.tickets.moves import Act, Move, allowed, is_handling, moved
from ioc.tickets.plan import Category
from tests.fixtures.tickets import FIRE, PETITION, POTHOLE, deadlines, local

START = local("2026-03-02T09:00")


def _life(category: Category = POTHOLE) -> Life:
    due = deadlines(category).solve(START)
    return Life(kind=category.kind, category=category.id, received_at=START, due_at=due)


def _go(life: Life, move: Move, category: Category = POTHOLE, **more: object) -> Life:
    given = {"actor": "ai", "at": START + timedelta(hours=life.version), "reason": "vì thế"}
    act = Act(move=move, **{**given, **more})  # pyright: ignore[reportArgumentType]
    return moved(life, act, deadlines(category))


def _through(*moves: Move, category: Category = POTHOLE) -> Life:
    life = _life(category)
    for move in moves:
        life = _go(life, move, category, unit="so-a", rating=5)
    return life


HANDLED = (Move.VERIFY, Move.ASSIGN, Move.ACCEPT, Move.START, Move.RESOLVE)


def test_a_ticket_goes_from_receipt_to_its_close():
    life = _through(*HANDLED, Move.APPROVE, Move.PUBLISH, Move.RATE, Move.CLOSE)
    assert (life.state, life.outcome, life.rating) == (State.CLOSED, Outcome.SOLVED, 5)
    assert allowed(life, immediate=False) == {}


def test_an_illegal_move_names_the_allowed_ones():
    with pytest.raises(Conflict) as refused:
        _go(_life(), Move.RESOLVE)
    assert refused.value.values["allowed"] == ["verify", "reject", "ask-supplement"]
    assert refused.value.values["state"] == "received"


def test_only_an_immediate_ticket_is_assigned_without_being_verified():
    assert _go(_life(FIRE), Move.ASSIGN, FIRE, unit="so-a").state is State.ASSIGNED
    with pytest.raises(Conflict):
        _go(_life(), Move.ASSIGN, unit="so-a")


def test_a_false_report_is_an_outcome_of_rejecting_and_of_handling():
    rejected = _go(_life(), Move.REJECT, outcome=Outcome.FALSE_REPORT)
    found = _go(_through(*HANDLED[:-1]), Move.RESOLVE, outcome=Outcome.FALSE_REPORT)
    assert rejected.outcome is found.outcome is Outcome.FALSE_REPORT
    with pytest.raises(Invalid, match="outcome"):
        _go(_life(), Move.REJECT, outcome=Outcome.SOLVED)


def test_a_supplement_leads_back_to_where_it_was_asked_and_moves_the_deadline():
    for moves in ((), (Move.VERIFY,), HANDLED[:-1]):
        before = _through(*moves, category=PETITION)
        waiting = _go(before, Move.ASK_SUPPLEMENT, PETITION)
        later = START + timedelta(days=4)
        after = _go(waiting, Move.SUPPLEMENT, PETITION, at=later)
        assert after.state is before.state
        assert after.due_at > before.due_at
        assert (after.supplements, after.asked_at, after.resumes) == (1, None, None)


def test_an_extension_is_granted_later_only_and_refused_with_a_reason():
    life = _through(*HANDLED[:-1])
    wanted = life.due_at + timedelta(days=2)
    with pytest.raises(Invalid, match="present deadline"):
        _go(life, Move.REQUEST_EXTENSION, due_at=life.due_at)
    asked = _go(life, Move.REQUEST_EXTENSION, due_at=wanted)
    assert _go(asked, Move.EXTEND).due_at == wanted
    refused = _go(asked, Move.EXTEND, granted=False)
    assert (refused.due_at, refused.state) == (life.due_at, State.IN_PROGRESS)
    with pytest.raises(Invalid, match="reason"):
        _go(asked, Move.EXTEND, granted=False, reason="")


def test_a_result_is_sent_back_by_the_centre_not_taken_back_by_the_unit():
    assert is_handling(State.ASSIGNED, Move.RETURN)
    assert not is_handling(State.RESOLVED, Move.RETURN)
    life = _go(_through(*HANDLED), Move.RETURN)
    assert (life.state, life.outcome, life.ended_at) == (State.IN_PROGRESS, None, None)


@pytest.mark.parametrize("many", [2, 3, 4])
def test_the_centre_gives_what_is_in_hand_to_another_unit_at_any_time(many: int):
    moved_on = _go(_through(*HANDLED[:many]), Move.ASSIGN, unit="so-b")
    assert (moved_on.state, moved_on.unit) == (State.ASSIGNED, "so-b")
    assert not is_handling(State.IN_PROGRESS, Move.ASSIGN)


@pytest.mark.parametrize("move", [Move.REJECT, Move.ASK_SUPPLEMENT])
def test_what_people_must_explain_needs_a_reason(move: Move):
    with pytest.raises(Invalid, match="reason"):
        _go(_life(), move, reason="")


def test_reopening_gives_a_new_term_and_forgets_the_rating():
    rated = _through(*HANDLED, Move.APPROVE, Move.PUBLISH, Move.RATE)
    again = _go(rated, Move.REOPEN, at=START + timedelta(days=30))
    assert again.due_at > START + timedelta(days=30)
    assert (again.outcome, again.rating, again.reopened) == (None, None, 1)


_acts = st.tuples(
    st.integers(0, 20),
    st.integers(0, 2_000),
    st.sampled_from([None, *Outcome]),
    st.booleans(),
    st.integers(1, 5),
)


@settings(max_examples=200)
@given(st.sampled_from([PETITION, POTHOLE, FIRE]), st.lists(_acts, max_size=30))
def test_whatever_is_done_the_invariants_hold(category, acts):
    life, at = _life(category), START
    for pick, minutes, outcome, granted, rating in acts:
        possible = allowed(life, immediate=category.immediate)
        if not possible:
            assert life.state is State.CLOSED
            break
        move = list(possible)[pick % len(possible)]
        at += timedelta(minutes=minutes)
        wanted = life.due_at + timedelta(hours=1 + minutes)
        act = Act(
            move=move, actor="ai", at=at, reason="vì", unit="so-a", outcome=outcome,
            due_at=wanted, granted=granted, rating=rating,
        )  # fmt: skip
        before = life
        try:
            life = moved(before, act, deadlines(category))
        except Invalid:
            assert outcome is not None
            assert move in (Move.REJECT, Move.RESOLVE)
            continue
        assert life.state is possible[move]
        assert life.version == before.version + 1
        assert life.due_at >= before.due_at
        assert (life.state in ENDED) == (life.outcome is not None) == (life.ended_at is not None)
        assert (life.state is State.WAITING) == (life.asked_at is not None)
        assert (life.asked_at is None) == (life.resumes is None)
        assert life.unit is not None or life.state in UNASSIGNED | {
            State.WAITING, State.REJECTED, State.REOPENED, State.CLOSED,
        }  # fmt: skip
        assert life.rating is None or life.state in (State.RATED, State.CLOSED)
        assert life.supplements >= before.supplements
        assert life.received_at == START

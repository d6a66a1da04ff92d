"""The moves of an incident: what each state answers, and what holds whatever happens."""

from datetime import datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.errors import Conflict, Invalid
from ioc.incidents.life import ENDED, TOP_LEVEL, Life, Result, State
from ioc.incidents.moves import STATES, TABLE, Act, Move, allowed, leads_to, moved
from tests.fixtures.incidents import FLOOD, ROAD, deadlines, opened
from tests.fixtures.tickets import local

START = local("2026-03-02T09:00")

GIVEN = {"actor": "an", "reason": "vì thế", "person": "bình", "result": Result.HANDLED}


def _go(life: Life, move: Move, **more: Any) -> Life:
    at = more.pop("at", life.changed_at + timedelta(minutes=1))
    return moved(life, Act(move=move, at=at, **{**GIVEN, **more}), deadlines())


def _through(*moves: Move, **more: Any) -> Life:
    life = opened(START, **more)
    for move in moves:
        life = _go(life, move, due_at=life.due_at + timedelta(hours=1), support=("so-c",))
    return life


CLOSED = (Move.ASSIGN, Move.START, Move.RESOLVE, Move.CLOSE)


def test_the_table_answers_every_state_and_move() -> None:
    assert set(TABLE) == set(Move)
    assert all(len(row) == len(STATES) for row in TABLE.values())
    assert tuple(State) == STATES


def test_an_incident_goes_from_its_opening_to_its_close() -> None:
    life = _through(*CLOSED)
    assert (life.state, life.result, life.assignee) == (State.CLOSED, Result.HANDLED, "bình")
    assert allowed(life) == [Move.REOPEN]


@pytest.mark.parametrize(("state", "move"), list(product(State, Move)))
def test_a_move_that_the_table_refuses_names_the_allowed_ones(state: State, move: Move) -> None:
    ended = {"result": Result.HANDLED, "resolved_at": START} if state in ENDED else {}
    life = opened(START, state=state, level=1, **ended)
    act = {"due_at": life.due_at + timedelta(hours=1), "support": ()}
    if leads_to(state, move) is not None:
        assert _go(life, move, **act).state is leads_to(state, move)
        return
    with pytest.raises(Conflict) as refused:
        _go(life, move, **act)
    assert refused.value.values["allowed"] == [one.value for one in allowed(life)]


def test_nothing_is_resolved_without_a_result() -> None:
    with pytest.raises(Invalid, match="result"):
        _go(opened(START), Move.RESOLVE, result=None)


def test_only_a_drill_ends_as_an_exercise() -> None:
    with pytest.raises(Invalid, match="exercise"):
        _go(opened(START), Move.RESOLVE, result=Result.EXERCISE)
    drill = opened(START, exercise=True)
    assert _go(drill, Move.RESOLVE, result=Result.EXERCISE).result is Result.EXERCISE


def test_what_is_handled_with_required_steps_undone_needs_a_reason() -> None:
    with pytest.raises(Invalid, match="required"):
        _go(opened(START), Move.RESOLVE, undone=1, reason="")
    assert _go(opened(START), Move.RESOLVE, undone=1).state is State.RESOLVED
    untrue = _go(opened(START), Move.RESOLVE, undone=1, reason="", result=Result.FALSE)
    assert untrue.result is Result.FALSE


def test_who_finds_the_result_has_had_the_incident() -> None:
    life = _go(opened(START), Move.RESOLVE, result=Result.FALSE)
    assert (life.assignee, life.assigned_at) == ("an", life.resolved_at)


def test_a_reopened_incident_has_a_new_deadline_and_no_result() -> None:
    life = _go(_through(*CLOSED), Move.REOPEN, at=START + timedelta(days=3))
    assert (life.state, life.result, life.reopened) == (State.REOPENED, None, 1)
    assert life.due_at == START + timedelta(days=3, hours=FLOOD.resolve)
    with pytest.raises(Invalid, match="reason"):
        _go(_through(*CLOSED), Move.REOPEN, reason="")


def test_another_category_brings_its_own_deadlines_from_the_opening() -> None:
    act = Act(move=Move.RECATEGORISE, actor="an", at=START + timedelta(hours=1), reason="nhầm")
    life = moved(opened(START), act, deadlines(ROAD))
    assert life.category == ROAD.id
    assert life.due_at == deadlines(ROAD).resolve(START)


def test_who_comes_to_lead_no_longer_supports() -> None:
    life = _go(opened(START, support=("so-b", "so-c")), Move.ASSIGN, unit="so-b")
    assert (life.lead, life.support) == ("so-b", ("so-c",))


def test_a_clock_that_was_set_back_does_not_set_an_incident_back() -> None:
    life = _through(Move.ASSIGN, Move.START)
    again = _go(life, Move.RESOLVE, at=START - timedelta(days=1))
    assert again.resolved_at == again.changed_at == life.changed_at


acts = st.builds(
    Act,
    move=st.sampled_from(Move),
    actor=st.sampled_from(["an", "engine"]),
    at=st.integers(-600, 6_000).map(lambda minutes: START + timedelta(minutes=minutes)),
    reason=st.sampled_from(["", "vì thế"]),
    unit=st.sampled_from([None, "so-a", "so-b"]),
    support=st.none() | st.lists(st.sampled_from(["so-a", "so-b", "so-c"])).map(tuple),
    person=st.sampled_from([None, "bình"]),
    due_at=st.none() | st.integers(0, 9_000).map(lambda m: START + timedelta(minutes=m)),
    level=st.none() | st.integers(-1, TOP_LEVEL + 1),
    result=st.none() | st.sampled_from(Result),
    undone=st.integers(0, 2),
    by_time=st.booleans(),
)


def _ordered(*times: datetime | None) -> bool:
    known = [at for at in times if at is not None]
    return known == sorted(known)


@settings(max_examples=300, deadline=None)
@given(st.lists(acts, max_size=25), st.booleans())
def test_any_sequence_of_moves_keeps_what_must_hold(done: list[Act], exercise: bool) -> None:
    life = opened(START, exercise=exercise)
    for act in done:
        before = life
        try:
            life = moved(life, act, deadlines())
        except (Conflict, Invalid):
            assert life is before
            continue
        assert life.version == before.version + 1
        assert life.changed_at >= before.changed_at
        assert (life.opened_at, life.exercise) == (START, exercise)
        assert (life.result is not None) == (life.state in ENDED) == (life.resolved_at is not None)
        assert (life.closed_at is not None) == (life.state is State.CLOSED)
        assert _ordered(life.opened_at, life.acknowledged_at, life.changed_at)
        assert _ordered(life.opened_at, life.assigned_at, life.changed_at)
        assert _ordered(life.since, life.resolved_at, life.closed_at, life.changed_at)
        assert (life.assignee is None) == (life.assigned_at is None)
        if life.state is State.CLOSED:
            assert life.assignee
            assert exercise or life.result is not Result.EXERCISE
        assert 0 <= life.level <= TOP_LEVEL
        assert life.lead not in life.support
        assert before.acknowledged_at in (None, life.acknowledged_at)
        assert before.assigned_at in (None, life.assigned_at)

"""What time does to an incident: it rises while nobody acts, and falls back after it."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.errors import Conflict, Invalid
from ioc.incidents.escalation import due
from ioc.incidents.life import Life, Result
from ioc.incidents.moves import Act, Move, moved
from tests.fixtures.incidents import ROAD, deadlines, opened
from tests.fixtures.tickets import local

START = local("2026-03-02T09:00")
MINUTE = timedelta(minutes=1)


def _at(life: Life, minutes: float) -> Life:
    """The incident after time had its way at an instant."""
    act = due(life, deadlines(), START + minutes * MINUTE)
    return life if act is None else moved(life, act, deadlines())


def _go(life: Life, move: Move, minutes: float, **more: Any) -> Life:
    given = {"actor": "an", "reason": "vì thế", "person": "bình", **more}
    return moved(life, Act(move=move, at=START + minutes * MINUTE, **given), deadlines())


def test_an_incident_that_nobody_acknowledges_rises_and_says_why() -> None:
    life = opened(START)
    assert due(life, deadlines(), START + 14 * MINUTE) is None
    act = due(life, deadlines(), START + 15 * MINUTE)
    assert act is not None
    assert (act.move, act.level, act.reason) == (Move.ESCALATE, 1, "unacknowledged")


def test_after_a_long_pause_only_the_highest_level_is_reached() -> None:
    life = _at(opened(START), 600)
    assert (life.level, life.version) == (3, 2)
    assert due(life, deadlines(), START + 600 * MINUTE) is None


def test_what_was_done_lets_an_incident_fall_back_after_a_calm_hour() -> None:
    life = _go(_go(_at(opened(START), 15), Move.ACKNOWLEDGE, 20), Move.ASSIGN, 20)
    assert _at(life, 79).level == 1
    assert _at(life, 80).level == 0


def test_it_falls_to_the_level_that_still_holds() -> None:
    life = _at(opened(START), 60)
    assert life.level == 2
    life = _go(life, Move.ASSIGN, 70)
    life = _at(life, 130)
    assert (life.level, life.timed) == (1, True)


def test_a_level_that_a_person_set_is_left_alone_by_time() -> None:
    raised = _go(opened(START), Move.ESCALATE, 1, level=3)
    assert _at(_go(raised, Move.ACKNOWLEDGE, 2), 200).level == 3
    lowered = _go(_at(opened(START), 15), Move.DE_ESCALATE, 16)
    assert _at(lowered, 59).level == 0
    assert _at(lowered, 60).level == 2


def test_an_incident_with_a_result_rises_no_more_until_it_is_opened_again() -> None:

    life = _go(opened(START), Move.RESOLVE, 1, result=Result.HANDLED)
    assert due(life, deadlines(), START + timedelta(days=9)) is None
    again = _go(_go(life, Move.CLOSE, 2), Move.REOPEN, 300)
    assert _at(again, 300 + 239).level == 0
    assert _at(again, 300 + 240).level == 3


def test_a_category_without_escalation_stays_where_it_is() -> None:
    life = opened(START, ROAD)
    assert due(life, deadlines(ROAD), START + timedelta(days=30)) is None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 90), st.sampled_from([None, *Move])), max_size=20))
def test_time_comes_to_rest_whatever_people_do(steps: list[tuple[int, Move | None]]) -> None:

    life, minutes = opened(START), 0
    for wait, move in steps:
        minutes += wait
        if move is not None:
            try:
                life = _go(life, move, minutes, result=Result.HANDLED)
            except (Conflict, Invalid):
                continue
        for _ in range(4):
            life = _at(life, minutes)
        assert due(life, deadlines(), START + minutes * MINUTE) is None

"""What counts as in time: by which deadline a ticket is judged, and its clocks as people see."""

from datetime import timedelta

import msgspec

from ioc.tickets.judgement import clocks, judged
from ioc.tickets.life import Life, Outcome, State
from tests.fixtures.tickets import PETITION, POTHOLE, deadlines, local

START = local("2026-03-02T09:00")
OWN = deadlines(PETITION)
LIFE = Life(kind="petition", category=PETITION.id, received_at=START, due_at=OWN.solve(START))


def _standings(life: Life, days: int) -> dict[str, str]:
    found = clocks(life, OWN, START + timedelta(days=days))
    return {clock.step: clock.standing for clock in found}


def test_a_refusal_at_once_is_judged_by_the_term_of_refusals():
    ended = START + timedelta(days=3)
    refused = msgspec.structs.replace(
        LIFE, state=State.REJECTED, outcome=Outcome.OUT_OF_SCOPE, ended_at=ended
    )
    assert judged(refused, OWN).due_at == local("2026-03-04T17:00")
    by_unit = msgspec.structs.replace(refused, unit="so-a")
    assert judged(by_unit, OWN).due_at == LIFE.due_at
    asked = msgspec.structs.replace(refused, supplements=1)
    assert judged(asked, OWN).due_at == LIFE.due_at


def test_more_than_one_supplement_makes_a_petition_late_and_a_field_report_not():
    twice = msgspec.structs.replace(LIFE, supplements=2)
    assert judged(twice, OWN).late
    assert not judged(msgspec.structs.replace(LIFE, supplements=1), OWN).late
    assert not judged(twice, deadlines(POTHOLE)).late


def test_clocks_run_are_missed_and_become_void():
    assert _standings(LIFE, 1) == {"refuse": "running", "supplement": "running", "solve": "running"}
    assert _standings(LIFE, 4)["refuse"] == "missed"
    taken = msgspec.structs.replace(LIFE, state=State.IN_PROGRESS, unit="so-a")
    assert _standings(taken, 30) == {"refuse": "void", "supplement": "void", "solve": "missed"}


def test_the_clock_of_publishing_begins_with_the_result():
    ended = START + timedelta(days=7)
    life = msgspec.structs.replace(
        LIFE, state=State.RESOLVED, unit="so-a", outcome=Outcome.SOLVED, ended_at=ended
    )
    assert _standings(life, 8)["publish"] == "running"
    assert _standings(life, 12)["publish"] == "missed"
    assert _standings(life, 12)["solve"] == "met"


def test_the_clock_stands_while_the_reporter_is_waited_for():
    life = msgspec.structs.replace(
        LIFE, state=State.WAITING, asked_at=START, first_asked_at=START, resumes=State.RECEIVED
    )
    assert _standings(life, 60)["solve"] == "paused"
    assert _standings(life, 60)["supplement"] == "met"

"""Clocks of tickets: working days, office hours, around the clock, and waits that do not count."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fixtures.tickets import CLOCK, FIRE, PETITION, POTHOLE, deadlines, local


@pytest.mark.parametrize(
    ("received", "refuse", "ask", "solve"),
    [
        ("2026-03-02T09:00", "2026-03-04", "2026-03-09", "2026-03-23"),
        ("2026-03-06T23:59", "2026-03-10", "2026-03-13", "2026-03-27"),
        ("2026-03-07T10:00", "2026-03-10", "2026-03-13", "2026-03-27"),
    ],
)
def test_a_petition_has_2_5_and_15_working_days_to_the_close_of_the_office(
    received: str, refuse: str, ask: str, solve: str
):
    own = deadlines(PETITION)
    at = local(received)
    assert own.refuse(at) == local(f"{refuse}T17:00")
    assert own.ask(at) == local(f"{ask}T17:00")
    assert own.solve(at) == local(f"{solve}T17:00")
    assert own.publish(at) == own.refuse(at)


def test_a_field_report_has_no_terms_of_petitions():
    own = deadlines(POTHOLE)
    at = local("2026-03-02T09:00")
    assert (own.refuse(at), own.ask(at), own.publish(at)) == (None, None, None)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-03-02T07:30", "2026-03-04T08:30"),
        ("2026-03-02T00:00", "2026-03-04T08:30"),
        ("2026-03-02T12:15", "2026-03-04T14:30"),
        ("2026-03-06T16:00", "2026-03-10T17:00"),
        ("2026-03-07T12:00", "2026-03-11T08:30"),
    ],
)
def test_sixteen_office_hours_leave_out_noon_night_and_weekend(received: str, due: str):
    assert deadlines(POTHOLE).solve(local(received)) == local(due)


def test_an_hour_around_the_clock_is_an_hour():
    at = local("2026-03-07T23:30")
    assert deadlines(FIRE).solve(at) == at + timedelta(hours=1)


def test_a_wait_for_the_reporter_is_not_counted():
    asked, answered = local("2026-03-03T10:00"), local("2026-03-05T10:00")
    own = deadlines(PETITION)
    assert own.paused(local("2026-03-23T17:00"), asked, answered) == local("2026-03-25T17:00")
    fire = deadlines(FIRE)
    assert fire.paused(asked, asked, answered) == answered


_instants = st.integers(0, 60 * 24 * 60).map(
    lambda minutes: local("2026-01-05T00:00") + timedelta(minutes=minutes)
)
_categories = st.sampled_from([PETITION, POTHOLE, FIRE])


@given(_categories, _instants, _instants)
def test_who_comes_later_is_due_no_earlier(category, one, other):
    own = deadlines(category)
    early, late = sorted([one, other])
    assert early <= own.solve(early) <= own.solve(late)


@given(_categories, _instants, _instants, _instants)
def test_a_wait_never_makes_a_deadline_earlier(category, due, one, other):
    asked, answered = sorted([one, other])
    assert deadlines(category).paused(due, asked, answered) >= due


@given(_instants, st.floats(0.25, 80))
def test_office_hours_until_a_deadline_are_those_that_were_given(at, hours):
    due = CLOCK.hours_after(at, hours)
    assert abs(CLOCK.open_between(at, due) - timedelta(hours=hours)) < timedelta(seconds=1)

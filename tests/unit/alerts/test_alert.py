"""Fingerprints, and what one observation makes of one alert."""

from hypothesis import given
from hypothesis import strategies as st

from alerts.alert import (
    State,
    Step,
    TransitionReason,
    feed_fingerprint,
    fingerprint,
    series_fingerprint,
    step,
)

HOLD = 600


def observed(
    state: State | None,
    *,
    beyond: bool = False,
    clear: bool = False,
    fresh: bool = True,
    time: int = 1000,
    hold: int = HOLD,
    since: int = 0,
) -> Step:
    return step(state, since, beyond=beyond, clear=clear, fresh=fresh, time=time, hold=hold)


def test_a_fingerprint_is_the_same_in_every_run() -> None:
    assert series_fingerprint("dust", 17) == "dust/series:17"
    assert feed_fingerprint("silence", "loops.v2") == "silence/feed:loops.v2"


@given(st.from_regex(r"[a-z0-9-]{1,64}", fullmatch=True), st.text(), st.text())
def test_two_subjects_never_share_a_fingerprint(rule: str, one: str, other: str) -> None:
    assert (fingerprint(rule, one) == fingerprint(rule, other)) == (one == other)
    assert fingerprint(rule, one).split("/")[0] == rule


def test_a_breach_begins_pending_at_its_own_time() -> None:
    assert observed(None, beyond=True) == Step(State.PENDING, 1000, TransitionReason.BREACH_BEGAN)


def test_without_a_hold_time_a_breach_is_active_at_once() -> None:
    begun = observed(None, beyond=True, hold=0)
    assert begun == Step(State.ACTIVE, 1000, TransitionReason.BREACH_BEGAN)


def test_a_breach_becomes_active_exactly_when_the_hold_time_is_served() -> None:
    assert observed(State.PENDING, beyond=True, time=599).reason is None
    held = observed(State.PENDING, beyond=True, time=600)
    assert held == Step(State.ACTIVE, 0, TransitionReason.HELD)


def test_between_the_levels_nothing_ends_and_the_hold_time_goes_on() -> None:
    assert observed(State.PENDING, time=600).state is State.ACTIVE
    assert observed(State.ACTIVE).reason is None
    assert observed(None).reason is None


def test_what_is_not_fresh_ends_alerts_but_never_raises_one() -> None:
    assert observed(None, beyond=True, fresh=False).state is None
    assert observed(State.PENDING, beyond=True, fresh=False).state is State.PENDING
    cleared = observed(State.ACTIVE, clear=True, fresh=False)
    assert cleared == Step(None, 0, TransitionReason.LEVEL_CLEARED)


def test_a_breach_that_ends_before_its_hold_time_says_so() -> None:
    ended = observed(State.PENDING, clear=True)
    assert ended == Step(None, 0, TransitionReason.BREACH_ENDED_BEFORE_HOLD)

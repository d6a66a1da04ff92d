"""Who looked at the alerts: a shift's people, operators signed in, else one position."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rule import HOUR_US
from alerts.staffing import Duty, SignedIn, staffed

DAY = 24 * HOUR_US


def test_where_nobody_is_known_there_is_one_position() -> None:
    staff = staffed([], [], since=0, until=DAY)
    assert (staff.operator_hours, staff.by_position) == (24, 24)
    assert staff.each_hour == (1.0,) * 24


def test_a_shift_counts_its_people_and_sign_ins_only_where_none_runs() -> None:
    shift = Duty(0, 8 * HOUR_US, 3)
    sessions = [SignedIn(0, 12 * HOUR_US, 1), SignedIn(8 * HOUR_US, 12 * HOUR_US, 2)]
    staff = staffed([shift], sessions, since=0, until=DAY)
    assert (staff.by_shift, staff.by_sign_in, staff.by_position) == (8, 4, 12)
    assert staff.operator_hours == 8 * 3 + 4 * 2 + 12
    assert staff.each_hour[7:9] + staff.each_hour[12:13] == (3, 2, 1)


def test_one_operator_on_two_screens_is_one() -> None:
    sessions = [SignedIn(0, HOUR_US, 7), SignedIn(0, HOUR_US // 2, 7)]
    assert staffed([], sessions, since=0, until=HOUR_US).operator_hours == 1


def test_a_shift_that_ends_within_an_hour_counts_by_its_part_of_it() -> None:
    staff = staffed([Duty(0, HOUR_US // 2, 3)], [], since=0, until=HOUR_US)
    assert staff.each_hour == (2.0,)


span = st.tuples(st.integers(-50, 200), st.integers(0, 90), st.integers(1, 4)).map(
    lambda drawn: (drawn[0] * HOUR_US // 7, (drawn[0] + drawn[1]) * HOUR_US // 7, drawn[2])
)


@given(st.lists(span, max_size=8), st.lists(span, max_size=8), st.integers(1, 100))
def test_the_ways_of_counting_add_up_to_the_whole_time(
    duties: list[tuple[int, int, int]], sessions: list[tuple[int, int, int]], length: int
) -> None:
    until = length * HOUR_US // 3
    staff = staffed(
        [Duty(*one) for one in duties], [SignedIn(*one) for one in sessions], since=0, until=until
    )
    clock = staff.by_shift + staff.by_sign_in + staff.by_position
    assert clock == pytest.approx(until / HOUR_US)
    assert staff.operator_hours >= clock - 1e-9
    assert len(staff.each_hour) == -(-until // HOUR_US)

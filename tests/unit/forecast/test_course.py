"""The plain way to foresee: the rest of the period like all that is known of the unit."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.errors import Invalid
from ioc.forecast.course import Course, Question, as_so_far, foreseen, is_long_enough


def _course(
    over: float, under: float, weeks: Sequence[tuple[float | None, float | None]]
) -> Course:
    return Course(
        numerator=over, denominator=under, numerators=[w[0] for w in weeks],
        denominators=[w[1] for w in weeks],
    )  # fmt: skip


def test_a_rest_like_the_past_ends_where_it_is_now() -> None:
    question = Question([5] * 20, [5] * 10, [_course(500, 1000, [(25, 50)] * 20)])
    found = as_so_far(question, question.courses[0])
    assert found is not None
    assert found.value == pytest.approx(50, abs=1)
    assert found.low < 50 < found.high
    assert found.coming == pytest.approx(500, rel=0.1)
    assert found.method == "so_far"


def test_few_dossiers_give_wide_bounds() -> None:
    few = Question([5] * 8, [5] * 10, [_course(4, 8, [(0.5, 1)] * 8)])
    many = Question([5] * 8, [5] * 10, [_course(400, 800, [(50, 100)] * 8)])
    of_few, of_many = as_so_far(few, few.courses[0]), as_so_far(many, many.courses[0])
    assert of_few is not None
    assert of_many is not None
    assert of_few.high - of_few.low > 3 * (of_many.high - of_many.low)


def test_weeks_that_are_not_known_do_not_make_the_others_look_slow() -> None:
    weeks = [(None, None) if week < 94 else (25.0, 50.0) for week in range(100)]
    question = Question([5] * 100, [5] * 10, [_course(150, 300, weeks)])
    found = as_so_far(question, question.courses[0])
    assert found is not None
    assert found.coming == pytest.approx(500, rel=0.15)


def test_of_nothing_nothing_is_foreseen() -> None:
    question = Question([5], [5], [_course(0, 0, [(None, None)])])
    assert as_so_far(question, question.courses[0]) is None


def test_a_count_is_foreseen_itself() -> None:
    course = Course(numerator=100, denominator=None, numerators=[10.0] * 10)
    found = as_so_far(Question([5] * 10, [5] * 3, [course]), course)
    assert found is not None
    assert found.value == pytest.approx(130, abs=3)


def test_weeks_of_another_unit_and_of_tet_do_not_make_a_history() -> None:
    weeks = [(None, None) if week < 10 else (3.0, 5.0) for week in range(22)]
    question = Question([5] * 22, [5], [_course(3, 5, weeks)])
    assert is_long_enough(question, question.courses[0])
    tet = Question([5] * 21 + [1], [5], question.courses)
    assert not is_long_enough(tet, tet.courses[0])


def test_weeks_without_their_working_days_are_refused() -> None:
    question = Question([5], [5], [_course(1, 2, [(1, 2), (1, 2)])])
    with pytest.raises(Invalid, match="2 weeks of counts, but 1"):
        is_long_enough(question, question.courses[0])


@given(st.integers(0, 500), st.integers(1, 500), st.integers(0, 40))
def test_a_share_stays_within_nothing_and_all(part: int, more: int, weeks: int) -> None:
    course = _course(part, part + more, [(part / 10, (part + more) / 10)] * 10)
    found = as_so_far(Question([5] * 10, [5] * weeks, [course]), course)
    assert found is not None
    assert 0 <= found.low <= found.value <= found.high <= 100


def test_bounds_are_those_of_eight_draws_of_ten() -> None:
    course = Course(numerator=0, denominator=None, numerators=[])
    drawn = np.arange(101, dtype=np.float64)
    found = foreseen(course, drawn, drawn, "weeks")
    assert (found.low, found.value, found.high) == pytest.approx((10, 50, 90))

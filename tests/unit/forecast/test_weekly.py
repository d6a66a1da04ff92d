"""Models of weekly counts, and how good they would have been."""

from datetime import date, timedelta

import numpy as np
import pytest

from ioc.forecast.backtest import Case, Days, backtest, cases_before, question_of, score
from ioc.forecast.course import Course, Question
from ioc.forecast.weekly import answer

FIRST = date(2025, 1, 6)


def _days(units: int = 12, weeks: int = 60, seed: int = 3) -> Days:
    """Units whose share wanders slowly, five working days a week."""
    drawn = np.random.default_rng(seed)
    many = weeks * 7
    working = np.arange(many) % 7 < 5
    step = drawn.standard_normal((units, weeks)) * 0.06
    odds = np.repeat(np.cumsum(step, axis=1) + drawn.standard_normal((units, 1)) * 0.5, 7, axis=1)
    under = drawn.poisson(np.where(working, 12.0, 0.0), (units, many))
    over = drawn.binomial(under, 1 / (1 + np.exp(-odds)))
    return Days(FIRST, over.astype(np.float64), under.astype(np.float64), working)


CASES = [
    Case(
        FIRST + timedelta(weeks=w), FIRST + timedelta(weeks=w + 8), FIRST + timedelta(weeks=w + 24)
    )
    for w in (20, 28, 36)
]


def test_bounds_hold_about_eight_of_ten_and_the_middle_beats_the_share_so_far() -> None:
    found = score(backtest(_days(), CASES, answer))
    assert found.forecasts == 36
    assert 0.65 <= found.coverage <= 0.95
    assert found.error < found.naive_error


def test_a_forecast_is_the_same_each_time() -> None:
    question = question_of(_days(), CASES[0])
    assert answer(question) == answer(question)


def test_a_week_at_tet_does_not_move_the_forecast() -> None:
    plain = [Course(numerator=10, denominator=25, numerators=[20.0] * 30, denominators=[50.0] * 30)]
    tet = [Course(numerator=10, denominator=25, numerators=[20.0] * 29 + [6.0],
                  denominators=[50.0] * 29 + [6.0])]  # fmt: skip
    usual = answer(Question([5] * 30, [5] * 8, plain)).items[0]
    after = answer(Question([5] * 29 + [0], [5] * 8, tet)).items[0]
    assert usual is not None
    assert after is not None
    assert after.value == pytest.approx(usual.value, abs=1)
    assert after.coming == pytest.approx(usual.coming, rel=0.05)


def test_days_of_rest_ahead_bring_less() -> None:
    course = [
        Course(numerator=10, denominator=25, numerators=[20.0] * 30, denominators=[50.0] * 30)
    ]
    whole = answer(Question([5] * 30, [5] * 4, course)).items[0]
    less = answer(Question([5] * 30, [5, 0, 5, 5], course)).items[0]
    assert whole is not None
    assert less is not None
    assert less.coming == pytest.approx(whole.coming * 0.75, rel=0.05)


def test_a_short_history_is_said_and_does_not_hold_back_the_others() -> None:
    short = Course(numerator=1, denominator=2, numerators=[None] * 28 + [1.0, 1.0],
                   denominators=[None] * 28 + [2.0, 2.0])  # fmt: skip
    long = Course(numerator=10, denominator=25, numerators=[20.0] * 30, denominators=[50.0] * 30)
    found = answer(Question([5] * 30, [5] * 8, [short, long])).items
    assert [one.method for one in found if one is not None] == ["so_far", "weeks"]


def test_a_count_without_denominator_is_foreseen() -> None:
    course = Course(numerator=300, denominator=None, numerators=[50.0] * 30)
    found = answer(Question([5] * 30, [5] * 4, [course])).items[0]
    assert found is not None
    assert found.value == pytest.approx(500, abs=25)


def test_quarters_and_the_year_are_foreseen_from_several_days() -> None:
    cases = cases_before(date(2026, 11, 28))
    assert Case(date(2026, 7, 1), date(2026, 8, 1), date(2026, 10, 1)) in cases
    assert Case(date(2026, 1, 1), date(2026, 10, 1), date(2026, 11, 28)) in cases
    assert all(case.start < case.on < case.end <= date(2026, 11, 28) for case in cases)

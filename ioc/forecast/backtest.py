"""How good forecasts would have been: made of what was known on a day, held against what came."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta

import msgspec
import numpy as np
from numpy.typing import NDArray

from ioc.forecast.course import DAYS, PERCENT, Answer, Course, Question


class Days(msgspec.Struct, frozen=True):
    """Counts of units (rows) by day (columns) from `first` on, and which days are worked on."""

    first: date
    numerators: NDArray[np.float64]
    denominators: NDArray[np.float64]
    working: NDArray[np.bool_]


class Case(msgspec.Struct, frozen=True):
    """A period, and the day on which its end is to be foreseen, of which nothing is known yet."""

    start: date
    on: date
    end: date


class Outcome(msgspec.Struct, frozen=True):
    """What was foreseen of one unit in one case, and what came.

    `naive` is the share so far, taken for that at the end.
    """

    case: Case
    value: float
    low: float
    high: float
    naive: float
    came: float


class Score(msgspec.Struct, frozen=True):
    """How many forecasts there were, which part came within its bounds, and how far off they were.

    Errors and the mean width of the bounds are in points.
    """

    forecasts: int
    coverage: float
    error: float
    naive_error: float
    width: float


def question_of(days: Days, case: Case) -> Question:
    """What would have been asked on the day of a case."""
    on, start, end = ((d - days.first).days for d in (case.on, case.start, case.end))
    behind = on // DAYS
    first = on - behind * DAYS
    weeks = range(on, end, DAYS)
    return Question(
        behind=_by_week(days.working[None, first:on].astype(np.float64))[0].astype(int).tolist(),
        ahead=[int(days.working[week : min(week + DAYS, end)].sum()) for week in weeks],
        courses=[
            Course(numerator=over, denominator=under, numerators=overs, denominators=unders)
            for over, under, overs, unders in zip(
                days.numerators[:, start:on].sum(1).tolist(),
                days.denominators[:, start:on].sum(1).tolist(),
                _by_week(days.numerators[:, first:on]).tolist(),
                _by_week(days.denominators[:, first:on]).tolist(),
                strict=True,
            )
        ],
    )


def backtest(
    days: Days, cases: Sequence[Case], answer: Callable[[Question], Answer]
) -> list[Outcome]:
    """All units in all cases, but for those of which nothing was known, or nothing came."""
    found: list[Outcome] = []
    for case in cases:
        question = question_of(days, case)
        start, end = ((d - days.first).days for d in (case.start, case.end))
        over = days.numerators[:, start:end].sum(1)
        under = days.denominators[:, start:end].sum(1)
        for row, (course, item) in enumerate(
            zip(question.courses, answer(question).items, strict=True)
        ):
            if item is None or not course.denominator or not under[row]:
                continue
            naive = course.numerator * PERCENT / course.denominator
            came = float(over[row] * PERCENT / under[row])
            found.append(Outcome(case, item.value, item.low, item.high, naive, came))
    return found


def score(outcomes: Sequence[Outcome]) -> Score:
    """The sums of outcomes."""
    if not outcomes:
        return Score(0, 0.0, 0.0, 0.0, 0.0)
    return Score(
        forecasts=len(outcomes),
        coverage=float(np.mean([o.low <= o.came <= o.high for o in outcomes])),
        error=float(np.mean([abs(o.value - o.came) for o in outcomes])),
        naive_error=float(np.mean([abs(o.naive - o.came) for o in outcomes])),
        width=float(np.mean([o.high - o.low for o in outcomes])),
    )


def cases_before(last: date, months: int = 12) -> list[Case]:
    """Quarters that were over on a day, each after a third and after two, and the year so far."""
    found: list[Case] = []
    month = last.replace(day=1)
    for _ in range(months):
        month = (month - timedelta(days=1)).replace(day=1)
        if month.month % 3 != 1:
            continue
        end = _months_after(month, 3)
        if end <= last:
            found += [
                Case(month, _months_after(month, 1), end),
                Case(month, _months_after(month, 2), end),
            ]
    year = date(last.year, 1, 1)
    found += [
        Case(year, day, last)
        for day in (date(last.year, 4, 1), date(last.year, 7, 1), date(last.year, 10, 1))
        if day < last - timedelta(days=DAYS)
    ]
    return found


def _months_after(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, 1)


def _by_week(values: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, days = values.shape
    return values.reshape(rows, days // DAYS, DAYS).sum(2)

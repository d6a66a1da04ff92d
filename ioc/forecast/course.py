"""What is to be foreseen, what is foreseen, and the plain way of it; needs no statistics library.

Time is cut into weeks that end, and begin, on the first day that is to be foreseen, so that none
of them is in part behind and in part ahead.
"""

import struct
from collections.abc import Sequence
from typing import Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from ioc.errors import Invalid

DAYS: Final = 7

LEAST_WEEKS: Final = 12
"""Weeks with any dossier that a model needs to tell chance from change."""

LEAST_WORKING_DAYS: Final = 3
"""A week with fewer is unlike the others: at Tết nearly all that comes in is filed online."""

DRAWS: Final = 1_000
LEVEL: Final = 0.8
LOWER, UPPER = (1 - LEVEL) / 2, (1 + LEVEL) / 2
PERCENT: Final = 100.0
SEED: Final = 20_210_701

HEAD: Final = struct.Struct(">I")
"""The length of what follows, before each question and each answer between processes."""

Method = Literal["weeks", "so_far"]
Counted = NDArray[np.float64]


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """The counts of one unit: those of the period so far, and week by week those behind it.

    A count without a denominator is foreseen itself, else the share in percent. Weeks in which the
    unit was another one are None.
    """

    numerator: float
    denominator: float | None
    numerators: Sequence[float | None]
    denominators: Sequence[float | None] | None = None

    @property
    def wholes(self) -> Sequence[float | None]:
        """What comes in by week: the denominators, or the counts where there are none."""
        return self.numerators if self.denominators is None else self.denominators


class Question(msgspec.Struct, frozen=True):
    """Courses over the same weeks; working days of each week behind, and of each one ahead."""

    behind: Sequence[int]
    ahead: Sequence[int]
    courses: Sequence[Course]


class Foreseen(msgspec.Struct, frozen=True):
    """The figure at the period's end: its median, and between which bounds it lies in 8 of 10.

    `coming` is what is still to come in of the denominator, or of the count.
    """

    value: float
    low: float
    high: float
    coming: float
    method: Method


class Answer(msgspec.Struct, frozen=True):
    """What is foreseen of each course in order; None of one without any count."""

    items: list[Foreseen | None]


def usable(question: Question, course: Course) -> NDArray[np.bool_]:
    """The weeks of a course that a model may learn from."""
    if len(course.wholes) != len(question.behind):
        raise Invalid(
            f"{len(course.wholes)} weeks of counts, but {len(question.behind)} of working days"
        )
    whole = floats(course.wholes)
    return np.asarray((np.array(question.behind) >= LEAST_WORKING_DAYS) & (whole > 0))


def is_long_enough(question: Question, course: Course) -> bool:
    """Whether a model can be made of the weeks behind."""
    return int(usable(question, course).sum()) >= LEAST_WEEKS


def floats(values: Sequence[float | None]) -> Counted:
    """None becomes NaN."""
    return np.array([np.nan if value is None else value for value in values], np.float64)


def as_so_far(question: Question, course: Course) -> Foreseen | None:
    """The rest of the period like all that is known of the unit, with the chance of few counts."""
    generator = np.random.default_rng(SEED)
    wholes, behind = floats(course.wholes), np.array(question.behind, np.float64)
    # Weeks in which the unit was another one say nothing of how much comes in.
    days = float(behind[~np.isnan(wholes)].sum())
    known, part = float(np.nansum(wholes)), float(np.nansum(floats(course.numerators)))
    if known <= 0:
        known = course.numerator if course.denominator is None else course.denominator
        part, days = course.numerator, float(behind.sum())
    if known <= 0:
        return None
    # What is known of a rate after so many counts, and of a share after so many of each kind.
    rate = generator.gamma(known + 0.5, 1.0 / max(days, 1.0), DRAWS)
    coming = generator.poisson(rate * sum(question.ahead)).astype(np.float64)
    if course.denominators is None:
        return foreseen(course, coming, coming, "so_far")
    share = generator.beta(part + 0.5, max(known - part, 0.0) + 0.5, DRAWS)
    over = generator.binomial(coming.astype(np.int64), share).astype(np.float64)
    return foreseen(course, over, coming, "so_far")


def foreseen(course: Course, over: Counted, under: Counted, method: Method) -> Foreseen:
    """The end of a period from many drawn rests of it."""
    if course.denominator is None:
        ends = course.numerator + over
    else:
        ends = (course.numerator + over) * PERCENT / np.maximum(course.denominator + under, 1.0)
    low, value, high = (float(v) for v in np.quantile(ends, [LOWER, 0.5, UPPER]))
    return Foreseen(value, low, high, float(np.median(under)), method)

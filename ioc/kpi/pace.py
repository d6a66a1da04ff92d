"""How a share stands against its target, and what the rest of the period must bring; pure.

A share at the period's end is made of what is counted already and of what is still to come. How
much that is follows from the working days that are left; what it must bring follows from the
target, and is held against what the last weeks brought.
"""

from typing import Final, Literal

import msgspec

from ioc.kpi.definition import Direction
from ioc.kpi.evaluate import PERCENT

Course = Literal["met", "on_track", "at_risk", "off_track", "unknown"]

Why = Literal[
    "over", "holds", "recent_reaches", "recent_falls_short", "out_of_reach", "no_figure",
    "no_recent",
]  # fmt: skip
"""Why a course is what it is; the catalogue's `pace` table has a sentence for each."""

REACH: Final = 100.0


class Span(msgspec.Struct, frozen=True):
    """Numerator and denominator of some days, and how many working days these are."""

    numerator: float | None
    denominator: float | None
    working_days: int


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a share is headed.

    `gap` is value − target in points. `needed` is the percentage that the dossiers still to come
    must have for the target to be met in the end, below 0 where it is met whatever comes and above
    100 where it cannot be met. `recent` is that of the last weeks, and `outcome` what the period
    ends with if the rest is like them.
    """

    value: float | None
    target: float
    gap: float | None
    needed: float | None
    recent: float | None
    outcome: float | None
    course: Course
    why: Why


def pace_of_share(
    so_far: Span, recent: Span, *, target: float, direction: Direction, days_left: int
) -> Pace:
    """The course of a share: what was counted, the last weeks, and the working days left."""
    value = _share(so_far.numerator, so_far.denominator)
    lately = _share(recent.numerator, recent.denominator)
    gap = None if value is None else value - target

    def pace(course: Course, why: Why, needed: float | None, outcome: float | None) -> Pace:
        return Pace(
            value=value, target=target, gap=gap, needed=needed, recent=lately, outcome=outcome,
            course=course, why=why,
        )  # fmt: skip

    over, under = so_far.numerator, so_far.denominator
    if value is None or over is None or under is None:
        return pace("unknown", "no_figure", None, None)
    met = _reaches(value, target, direction)
    if days_left <= 0:
        return pace("met" if met else "off_track", "over", None, value)
    if lately is None or recent.denominator is None or not recent.working_days:
        return pace("unknown", "no_recent", None, None)
    coming = recent.denominator / recent.working_days * days_left
    needed = ((target / PERCENT) * (under + coming) - over) * PERCENT / coming
    outcome = (over + lately / PERCENT * coming) * PERCENT / (under + coming)
    if not _possible(needed, direction):
        return pace("off_track", "out_of_reach", needed, outcome)
    if _reaches(outcome, target, direction):
        if met:
            return pace("on_track", "holds", needed, outcome)
        return pace("on_track", "recent_reaches", needed, outcome)
    return pace("at_risk", "recent_falls_short", needed, outcome)


def _share(numerator: float | None, denominator: float | None) -> float | None:
    return None if numerator is None or not denominator else numerator * PERCENT / denominator


def _reaches(value: float, target: float, direction: Direction) -> bool:
    return value >= target if direction == "up" else value <= target


def _possible(needed: float, direction: Direction) -> bool:
    """A share cannot be above 100 %, nor below 0."""
    return needed <= REACH if direction == "up" else needed >= 0

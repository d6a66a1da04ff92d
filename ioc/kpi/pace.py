"""How a figure stands against its target, and what the rest of the period must bring; pure.

A share at the period's end is made of what is counted already and of what is still to come. How
much that is follows from a forecast, else from the working days that are left; what it must bring
follows from the target, and is held against what the last weeks brought. A count must grow by so
much on each working day.
"""

from typing import Final, Literal

import msgspec

from ioc.kpi.definition import Direction
from ioc.kpi.evaluate import PERCENT

Course = Literal["met", "on_track", "at_risk", "off_track", "unknown"]

Why = Literal[
    "over", "holds", "recent_reaches", "recent_falls_short", "out_of_reach", "no_figure",
    "no_recent", "secured", "foreseen_reaches", "foreseen_open", "foreseen_falls_short", "no_pace",
]  # fmt: skip
"""Why a course is what it is; the catalogue's `pace` table has a sentence for each."""

REACH: Final = 100.0


class Span(msgspec.Struct, frozen=True):
    """Numerator and denominator of some days, and how many working days these are.

    Of a count the numerator is the count, and there is no denominator.
    """

    numerator: float | None
    denominator: float | None
    working_days: int


class Ahead(msgspec.Struct, frozen=True):
    """What is foreseen for the period's end, with the bounds of 8 of 10, and what is to come."""

    value: float
    low: float
    high: float
    coming: float


class Pace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a figure is headed.

    `gap` is value − target. Of a share `needed` is the percentage that the dossiers still to come
    must have for the target to be met in the end, below 0 where it is met whatever comes and above
    100 where it cannot be met; of a count it is how many each working day must bring. `recent` is
    the same of the last weeks, `coming` how many are still to come, and `outcome` what the period
    ends with by the forecast, else if the rest is like the last weeks.
    """

    value: float | None
    target: float
    gap: float | None
    needed: float | None
    recent: float | None
    outcome: float | None
    course: Course
    why: Why
    coming: float | None = None


def no_pace(value: float | None, target: float) -> Pace:
    """The gap alone, of a figure that does not grow out of daily counts."""
    return Pace(
        value=value, target=target, gap=None if value is None else value - target, needed=None,
        recent=None, outcome=None, course="unknown",
        why="no_figure" if value is None else "no_pace",
    )  # fmt: skip


def pace_of_share(
    so_far: Span,
    recent: Span,
    *,
    target: float,
    direction: Direction,
    days_left: int,
    ahead: Ahead | None = None,
) -> Pace:
    """The course of a share: what was counted, the last weeks, and the working days left."""
    over, under = so_far.numerator, so_far.denominator
    value = _share(over, under)
    lately = _share(recent.numerator, recent.denominator)
    now = msgspec.structs.replace(no_pace(value, target), recent=lately)
    if value is None or over is None or under is None:
        return now
    if days_left <= 0:
        return _over(now, direction)
    coming = _coming(recent, days_left) if ahead is None else ahead.coming
    if not coming:
        return msgspec.structs.replace(now, why="no_recent")
    needed = ((target / PERCENT) * (under + coming) - over) * PERCENT / coming
    now = msgspec.structs.replace(now, needed=needed, coming=coming)
    if ahead is None and lately is not None:
        outcome = (over + lately / PERCENT * coming) * PERCENT / (under + coming)
        now = msgspec.structs.replace(now, outcome=outcome)
    if not _possible(needed, direction):
        return _headed(now, "off_track", "out_of_reach", ahead)
    if _secured(needed, direction):
        return _headed(now, "on_track", "secured", ahead)
    return _foreseen(now, direction, ahead) if ahead else _like_the_last(now, direction)


def pace_of_count(
    so_far: Span,
    recent: Span,
    *,
    target: float,
    direction: Direction,
    days_left: int,
    ahead: Ahead | None = None,
) -> Pace:
    """The course of a count that adds up over the period."""
    value = so_far.numerator
    now = no_pace(value, target)
    if value is None:
        return now
    if days_left <= 0:
        return _over(now, direction)
    needed = (target - value) / days_left
    lately = None
    if recent.numerator is not None and recent.working_days:
        lately = recent.numerator / recent.working_days
    now = msgspec.structs.replace(now, needed=needed, recent=lately)
    # A count never shrinks: a mark that is reached stays so, and so does a limit that is passed.
    if direction == "up" and needed <= 0:
        return _headed(now, "on_track", "secured", ahead)
    if direction == "down" and needed < 0:
        return _headed(now, "off_track", "out_of_reach", ahead)
    if ahead is not None:
        return _foreseen(msgspec.structs.replace(now, coming=ahead.coming), direction, ahead)
    if lately is None:
        return msgspec.structs.replace(now, why="no_recent")
    outcome = value + lately * days_left
    now = msgspec.structs.replace(now, outcome=outcome, coming=lately * days_left)
    return _like_the_last(now, direction)


def _over(now: Pace, direction: Direction) -> Pace:
    assert now.value is not None
    met = _reaches(now.value, now.target, direction)
    now = msgspec.structs.replace(now, outcome=now.value)
    return _headed(now, "met" if met else "off_track", "over", None)


def _like_the_last(now: Pace, direction: Direction) -> Pace:
    if now.outcome is None or now.value is None:
        return msgspec.structs.replace(now, why="no_recent")
    if not _reaches(now.outcome, now.target, direction):
        return _headed(now, "at_risk", "recent_falls_short", None)
    met = _reaches(now.value, now.target, direction)
    return _headed(now, "on_track", "holds" if met else "recent_reaches", None)


def _foreseen(now: Pace, direction: Direction, ahead: Ahead) -> Pace:
    """On track where even the worse bound reaches the target, off track where not even the better.

    Between them it is open.
    """
    worse, better = (ahead.low, ahead.high) if direction == "up" else (ahead.high, ahead.low)
    if _reaches(worse, now.target, direction):
        return _headed(now, "on_track", "foreseen_reaches", ahead)
    if _reaches(better, now.target, direction):
        return _headed(now, "at_risk", "foreseen_open", ahead)
    return _headed(now, "off_track", "foreseen_falls_short", ahead)


def _headed(now: Pace, course: Course, why: Why, ahead: Ahead | None) -> Pace:
    outcome = now.outcome if ahead is None else ahead.value
    return msgspec.structs.replace(now, course=course, why=why, outcome=outcome)


def _coming(recent: Span, days_left: int) -> float | None:
    if not recent.denominator or not recent.working_days:
        return None
    return recent.denominator / recent.working_days * days_left


def _share(numerator: float | None, denominator: float | None) -> float | None:
    return None if numerator is None or not denominator else numerator * PERCENT / denominator


def _reaches(value: float, target: float, direction: Direction) -> bool:
    return value >= target if direction == "up" else value <= target


def _possible(needed: float, direction: Direction) -> bool:
    """A share cannot be above 100 %, nor below 0."""
    return needed <= REACH if direction == "up" else needed >= 0


def _secured(needed: float, direction: Direction) -> bool:
    """Whether the target is met in the end whatever those to come are like."""
    return needed <= 0 if direction == "up" else needed >= REACH

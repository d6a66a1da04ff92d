"""What dossiers are judged by, and which of those stored a change of it leaves in doubt; pure."""

from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Final

import msgspec

from ioc.procedures.calendar import SATURDAY, Calendar
from ioc.procedures.timing import UNBOUNDED, Timing

FOR_EVER: Final = date.max


class Grounds(msgspec.Struct, frozen=True):
    """From which filing day on how many supplement requests are too many; days out of the week."""

    most: tuple[tuple[date, int], ...]
    working: tuple[tuple[date, bool], ...]

    def most_on(self, day: date) -> int:
        """How many supplement requests leave a dossier of a filing day in time."""
        holding = [most for since, most in self.most if since <= day]
        return holding[-1] if holding else UNBOUNDED


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """Which stored dossiers may have been judged by other grounds than those that hold.

    Those with supplement requests of the filing days from `filed_from` up to `filed_before`, and
    those whose dates lie on or span any of `days`; or all.
    """

    all: bool = False
    filed_from: date | None = None
    filed_before: date | None = None
    days: tuple[date, ...] = ()

    def with_more(self, other: "Doubt") -> "Doubt":
        """What is in doubt by either; filing days between two spans are as well."""
        starts = [day for day in (self.filed_from, other.filed_from) if day]
        ends = [day for day in (self.filed_before, other.filed_before) if day]
        return Doubt(
            all=self.all or other.all,
            filed_from=min(starts, default=None),
            filed_before=max(ends, default=None),
            days=tuple(sorted({*self.days, *other.days})),
        )

    def __str__(self) -> str:
        """Which they are, for the log."""
        parts = ["all of them"] if self.all else []
        if self.filed_from:
            parts.append(
                f"with supplement requests, filed from {self.filed_from} up to {self.filed_before}"
            )
        if self.days:
            parts.append(f"with dates on or over {', '.join(map(str, self.days))}")
        return "; ".join(parts) or "none"

    @property
    def is_empty(self) -> bool:
        """Whether no dossier is in doubt."""
        return self == NO_DOUBT


NO_DOUBT: Final = Doubt()


def grounds_of(timing: Timing, calendar: Calendar) -> Grounds:
    """What dossiers are judged by under these rules and days; names and sources decide nothing."""
    rules = sorted(timing.supplements, key=lambda rule: rule.valid_from)
    return Grounds(
        tuple({rule.valid_from: rule.most for rule in rules}.items()),
        tuple((day, calendar.days[day].working) for day in sorted(calendar.days)),
    )


def doubted(before: Grounds, after: Grounds) -> Doubt:
    """Which dossiers that were judged by one of two grounds the other may judge otherwise."""
    edges = sorted({since for since, _ in (*before.most, *after.most)})
    differ = [
        span
        for span in pairwise([*edges, FOR_EVER])
        if before.most_on(span[0]) != after.most_on(span[0])
    ]
    return Doubt(
        filed_from=differ[0][0] if differ else None,
        filed_before=differ[-1][1] if differ else None,
        days=_other_days(before.working, after.working),
    )


def _other_days(
    before: Sequence[tuple[date, bool]], after: Sequence[tuple[date, bool]]
) -> tuple[date, ...]:
    were, are = dict(before), dict(after)
    return tuple(
        day
        for day in sorted(were.keys() | are.keys())
        if were.get(day, _by_week(day)) != are.get(day, _by_week(day))
    )


def _by_week(day: date) -> bool:
    return day.weekday() < SATURDAY

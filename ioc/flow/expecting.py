"""Weekly counts of units out of the counts by day, as the forecast asks for them."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ioc.forecast.course import DAYS, Course, Question
from ioc.kpi.additive import is_additive
from ioc.kpi.cube import DayCube
from ioc.kpi.formula import Formula
from ioc.kpi.indicator import Definitions, Indicator
from ioc.kpi.period import Period
from ioc.org import Organisation
from ioc.procedures.calendar import Calendar

MOST_WEEKS: Final = 104

PACED: Final = frozenset({"share", "ratio", "sum", "count"})


def can_be_foreseen(indicator: Indicator, cube: DayCube) -> bool:
    """Whether a figure is made of counts by day that add up."""
    formulas = indicator.formulas
    if indicator.kind not in PACED or formulas is None or formulas.numerator is None:
        return False
    parts = [part for part in (formulas.numerator, formulas.denominator) if part is not None]
    return set(formulas.names) <= set(cube.measures) and all(is_additive(p.root) for p in parts)


class Expecting:
    """Makes questions out of a cube of days; a day that has begun is still to come."""

    def __init__(
        self,
        cube: DayCube,
        calendar: Calendar,
        organisation: Organisation,
        definitions: Definitions,
    ) -> None:
        """Take what the questions are made of."""
        self._cube = cube
        self._calendar = calendar
        self._organisation = organisation
        self._definitions = definitions

    def question(
        self, indicator: Indicator, units: Sequence[str], period: Period, today: date
    ) -> Question:
        """How some units' figures of a running period go on."""
        formulas = indicator.formulas
        assert formulas is not None
        assert formulas.numerator is not None
        members = self._members(units, today)
        weeks = [today - timedelta(days=DAYS * (n + 1)) for n in range(MOST_WEEKS)][::-1]
        over = self._weekly(formulas.numerator, weeks, members)
        under = (
            None
            if formulas.denominator is None
            else self._weekly(formulas.denominator, weeks, members)
        )
        begins = [self._begins(indicator.id, unit, today) for unit in units]
        whole = over if under is None else under
        # The first week with any dossier may be one in part only.
        seen = np.cumsum(whole, axis=1) - whole > 0
        known = [
            [week >= begin and before for week, before in zip(weeks, row, strict=True)]
            for begin, row in zip(begins, seen.tolist(), strict=True)
        ]
        first, last = min(period.start, today), min(today, period.end)
        return Question(
            behind=[self._calendar.count(week, week + timedelta(days=DAYS)) for week in weeks],
            ahead=self._ahead(max(today, period.start), period.end),
            courses=[
                Course(
                    numerator=so_far[0],
                    denominator=so_far[1],
                    numerators=_masked(over[row], known[row]),
                    denominators=None if under is None else _masked(under[row], known[row]),
                )
                for row, so_far in enumerate(
                    self._so_far(formulas.numerator, formulas.denominator, first, last, members)
                )
            ],
        )

    def _members(self, units: Sequence[str], on: date) -> NDArray[np.float64]:
        """Which units of the cube (columns) count in which of ours (rows)."""
        place = {unit: column for column, unit in enumerate(self._cube.units)}
        found = np.zeros((len(units), len(place)))
        for row, unit in enumerate(units):
            inside = self._organisation.within(unit, on)
            found[row, [place[one] for one in inside if one in place]] = 1.0
        return found

    def _weekly(
        self, formula: Formula, weeks: Sequence[date], members: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        columns = [self._over(formula, week, week + timedelta(days=DAYS)) for week in weeks]
        return members @ np.array(columns).T

    def _over(self, formula: Formula, start: date, end: date) -> NDArray[np.float64]:
        counts = self._cube.counts(start, end)
        columns = {name: counts.of([name]).values[:, 0] for name in formula.names}
        return formula.over(columns, len(counts.units))

    def _so_far(
        self,
        over: Formula,
        under: Formula | None,
        start: date,
        end: date,
        members: NDArray[np.float64],
    ) -> list[tuple[float, float | None]]:
        numerators = (members @ self._over(over, start, end)).tolist()
        if under is None:
            return [(n, None) for n in numerators]
        return list(
            zip(numerators, (members @ self._over(under, start, end)).tolist(), strict=True)
        )

    def _begins(self, indicator: str, unit: str, today: date) -> date:
        """The day from which a unit is what it is now, and the indicator too."""
        changes = [day for day, _ in self._definitions.changes(indicator, date.min, today)]
        events = [
            event.effective
            for event in self._organisation.events_of(unit)
            if event.effective <= today
        ]
        version = self._organisation.find(unit, today)
        return max([*changes, *events, date.min if version is None else version.valid_from])

    def _ahead(self, day: date, end: date) -> list[int]:
        found: list[int] = []
        while day < end:
            following = min(day + timedelta(days=DAYS), end)
            found.append(self._calendar.count(day, following))
            day = following
        return found


def _masked(values: NDArray[np.float64], known: Sequence[bool]) -> list[float | None]:
    return [v if good else None for v, good in zip(values.tolist(), known, strict=True)]

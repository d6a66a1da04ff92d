"""All indicators of all units over one period, by the definitions and the units of that time."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Final

import numpy as np

from ioc.flow.counting import Counted, Counting, ReportCounts
from ioc.kpi.comparison import in_cycle
from ioc.kpi.computed import Computed, compute
from ioc.kpi.counts import Counts
from ioc.kpi.definition import Direction
from ioc.kpi.evaluate import ranks, share
from ioc.kpi.expression import Column
from ioc.kpi.indicator import Definitions, Indicator
from ioc.kpi.measure import BUILT_IN
from ioc.kpi.origin import PartsSource
from ioc.kpi.period import Period
from ioc.kpi.restate import restate
from ioc.kpi.rollup import rolled_up
from ioc.org import Organisation
from ioc.store.report_rows import ReportRow, exact

MOST_KEPT: Final = 128

NO_NAMES: Final[frozenset[str]] = frozenset()


Cell = tuple[float | None, float | None, float | None, float | None]

NOT_KNOWN: Final[Cell] = (None, None, None, None)


class Table:
    """Figures of one period; a row per unit, those below it counted in."""

    def __init__(
        self,
        *,
        period: Period,
        own: Counted,
        counts: Counts,
        computed: Mapping[str, Computed],
        official: Mapping[tuple[str, str], ReportRow],
    ) -> None:
        """Keep what was computed; `counts` are with those of the units below."""
        self.period = period
        self.own = own
        self.counts = counts
        self.computed = computed
        self.official = official
        self._cells: dict[str, list[Cell]] = {}
        self.row: Mapping[str, int] = {unit: row for row, unit in enumerate(counts.units)}

    def find(self, indicator: str) -> Computed | None:
        """One indicator of all units; None where it was not defined then."""
        return self.computed.get(indicator)

    def value(self, indicator: str, unit: str) -> float | None:
        """The official points where there are some, else what was computed."""
        found = self.find(indicator)
        if found is None:
            return None
        row = self.score(found.indicator, unit)
        if row is not None:
            return row.value
        if self.stated(found.indicator, unit) is not None:
            over, under = self.parts(indicator, unit)
            return share(over, under) if found.indicator.kind == "share" else over
        value, _, _, covered = self.computed_of(found, unit)
        if isinstance(found.indicator.source, PartsSource):
            # Points of a part of the index are no points of the index.
            return value if (covered or 0.0) >= (found.indicator.maximum or 0.0) else None
        return value

    def parts(self, indicator: str, unit: str) -> tuple[float | None, float | None]:
        """Numerator and denominator."""
        found = self.find(indicator)
        if found is None:
            return None, None
        row = self.stated(found.indicator, unit)
        if row is not None:
            over = row.numerator if found.indicator.kind == "share" else exact(row)
            return over, row.denominator
        return self.computed_of(found, unit)[1:3]

    def computed_of(self, found: Computed, unit: str) -> Cell:
        """Value, numerator, denominator and covered points of a unit."""
        row = self.row.get(unit)
        if row is None:
            return NOT_KNOWN
        id = found.indicator.id
        if id not in self._cells:
            columns = (found.value, found.numerator, found.denominator, found.covered)
            self._cells[id] = list(zip(*map(_numbers, columns), strict=True))
        return self._cells[id][row]

    def stated(self, indicator: Indicator, unit: str) -> ReportRow | None:
        """The report whose own counts are the figure, of an indicator without formulas."""
        if indicator.printed is None:
            return None
        formulas = indicator.formulas
        if formulas is None or formulas.numerator is not None:
            return None
        return self.official.get((indicator.printed, unit))

    def score(self, indicator: Indicator, unit: str) -> ReportRow | None:
        """The report of the official points of a unit."""
        if indicator.imported is None:
            return None
        row = self.official.get((indicator.imported, unit))
        return None if row is None or row.value is None else row

    def estimated(self, unit: str) -> bool:
        """Whether a part of a unit's counts was shared out by weight."""
        row = self.row.get(unit)
        return row is not None and bool(self.counts.estimated[row])

    @cached_property
    def reporting(self) -> Mapping[str, frozenset[str]]:
        """The units that have each measure of their own."""
        own = self.own.counts
        known = ~np.isnan(own.values)
        return {
            name: frozenset(own.units[row] for row in np.flatnonzero(known[:, place]))
            for place, name in enumerate(own.measures)
        }

    def ranks(self, indicator: str, units: Collection[str], direction: Direction) -> dict[str, int]:
        """The rank of each unit that has a figure; official points are not ranked among ours."""
        found = self.find(indicator)
        values = {unit: self.value(indicator, unit) for unit in units}
        if found is not None and any(self.score(found.indicator, unit) for unit in units):
            values = {
                unit: value if self.score(found.indicator, unit) else None
                for unit, value in values.items()
            }
        places = ranks(list(values.values()), direction)
        return {unit: place for unit, place in zip(values, places, strict=True) if place}


def _numbers(column: Column) -> list[float | None]:
    """The numbers of a column, None for what is not known."""
    return [
        None if unknown else number
        for number, unknown in zip(column.tolist(), np.isnan(column).tolist(), strict=True)
    ]


class Tables:
    """Makes tables, and keeps them until a count or a definition moves."""

    def __init__(self, counting: Counting, reports: ReportCounts) -> None:
        """Count with `counting`; official points are what `reports` hold."""
        self._counting = counting
        self._reports = reports
        self._definitions = Definitions()
        self._organisation = Organisation([])
        self._kept: dict[tuple[frozenset[str], Period, date | None], Table] = {}
        self._generation = -1

    def load(self, definitions: Definitions, organisation: Organisation) -> None:
        """Take definitions and units."""
        self._definitions = definitions
        self._organisation = organisation
        self._kept.clear()

    async def of(
        self, ids: Iterable[str], period: Period, now: datetime, as_of: date | None = None
    ) -> Table:
        """The table of some indicators and their parts, with the units of that time or of a day."""
        if self._generation != self._counting.generation:
            self._kept.clear()
            self._generation = self._counting.generation
        key = (frozenset(ids), period, as_of)
        if key not in self._kept:
            made = await self.by(self._needed(key[0], period), period, now, as_of)
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = made
        return self._kept[key]

    def _needed(self, ids: Iterable[str], period: Period) -> list[Indicator]:
        """The definitions of a period for some indicators and for all that they add up."""
        found: dict[str, Indicator] = {}
        waiting = list(ids)
        while waiting:
            id = waiting.pop()
            indicator = self._definitions.of(id, period)
            if id in found or indicator is None:
                continue
            found[id] = indicator
            if isinstance(indicator.source, PartsSource):
                waiting += indicator.source.parts
        return list(found.values())

    async def by(
        self,
        indicators: Iterable[Indicator],
        period: Period,
        now: datetime,
        as_of: date | None = None,
    ) -> Table:
        """The table of a period by other definitions than those that were in force."""
        defined = [indicator for indicator in indicators if indicator.has_periods]
        names = {name for i in defined if i.formulas is not None for name in i.formulas.names}
        own = await self._counting.counts(names, period, now)
        given = self._given(own.handed_in)
        counts = own.counts
        if as_of is not None:
            counts = restate(counts, self._organisation, as_of, since=period.start, fixed=given)
        counts = rolled_up(
            counts,
            self._parents(counts.units, as_of or period.end - timedelta(days=1)),
            own_first=own.handed_in,
            single=given,
        )
        looked_at = {i.imported for i in defined} | {i.printed for i in defined}
        official = await self._reports.rows({n for n in looked_at if n is not None}, period)
        return Table(
            period=period,
            own=own,
            counts=counts,
            computed=compute(defined, counts),
            official=official,
        )

    def _given(self, handed_in: Collection[str]) -> frozenset[str]:
        """The scores and ranks among measures, which are nobody's sum."""
        declared = self._reports.declared
        if declared is None:
            return NO_NAMES
        kinds = {id: measure.kind for id, measure in declared.measures.items()}
        return frozenset(name for name in handed_in if kinds.get(name) in ("score", "rank"))

    def _parents(self, units: Iterable[str], day: date) -> dict[str, str | None]:
        """The unit above each on a day; of one that had ended by then, the last one above it."""
        found: dict[str, str | None] = {}
        waiting = list(units)
        while waiting:
            unit = waiting.pop()
            if unit in found:
                continue
            found[unit] = self._parent(unit, day)
            above = found[unit]
            if above is not None:
                waiting.append(above)
        return found

    def _parent(self, unit: str, day: date) -> str | None:
        if unit not in self._organisation:
            return None
        begun = [v for v in self._organisation.versions(unit) if v.valid_from <= day]
        return begun[-1].parent if begun else None

    def counts_dossiers(self, names: Iterable[str]) -> bool:
        """Whether any of the measures is counted of dossiers."""
        return any(name in BUILT_IN and BUILT_IN[name].source == "dossiers" for name in names)

    def coverage(self, indicator: Indicator, unit: str, table: Table) -> tuple[int, int] | None:
        """How many of the units that owe the reports behind a figure handed all of them in.

        None where nothing of it is handed in, or nobody must.
        """
        declared = self._reports.declared
        formulas = indicator.formulas
        if declared is None or formulas is None:
            return None
        names = [name for name in formulas.names if name in table.own.handed_in]
        if not names:
            return None
        groups = {declared.measures[name].group for name in names}
        inside = self._inside(unit, table)
        owing: set[str] = set()
        for obligation in declared.obligations:
            days = in_cycle(table.period, declared.cycles[obligation.cycle])
            if obligation.group in groups and obligation.owed(days):
                owing |= inside.intersection(obligation.obliged(self._organisation, days))
        if not owing:
            return None
        reporting = owing.intersection(*(table.reporting[name] for name in names))
        return len(reporting), len(owing)

    def provisional(self, indicator: Indicator, unit: str, table: Table) -> bool:
        """Whether a report behind a figure is not approved yet."""
        formulas = indicator.formulas
        if formulas is None or not table.own.handed_in.intersection(formulas.names):
            return False
        return not table.own.provisional.isdisjoint(self._inside(unit, table))

    def _inside(self, unit: str, table: Table) -> set[str]:
        last = table.period.end - timedelta(days=1)
        return set(self._organisation.within(unit, last))

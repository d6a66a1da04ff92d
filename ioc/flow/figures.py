"""Figures of periods: each with its year so far, plan, period before and same period last year."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from ioc.errors import Invalid, NotFound
from ioc.flow.figure_parts import (
    answering,
    described,
    in_words,
    is_above,
    official,
    own_score,
    printed,
    short,
)
from ioc.flow.tables import Table, Tables
from ioc.kpi.comparison import Compared, compared
from ioc.kpi.computed import Computed
from ioc.kpi.evaluate import standing
from ioc.kpi.indicator import Definitions, Indicator
from ioc.kpi.period import Period
from ioc.kpi.reported import FINAL
from ioc.live.wire import Coverage, FigureItem, LineBreak, PeriodFigure, TargetRef
from ioc.model import Freshness
from ioc.org import Level, Organisation, UnitEvent
from ioc.store.targets import Target

RANKED_LEVELS: Final = frozenset({Level.DEPARTMENT, Level.COMMUNE, Level.SERVICE_CENTER})


class Beside(msgspec.Struct, frozen=True):
    """The tables that a figure is made from: of its period and of those beside it."""

    compared: Compared
    now: Table
    cumulative: Table
    previous: Table
    last_year: Table
    as_of: date | None


class Figures:
    """Makes figures from tables."""

    def __init__(self, tables: Tables, zone: str) -> None:
        """Days are those of `zone`."""
        self._tables = tables
        self._zone = ZoneInfo(zone)
        self.definitions = Definitions()
        self.organisation = Organisation([])
        self._targets: Mapping[tuple[str, str], Sequence[Target]] = {}
        self._province = ""
        self._events: dict[str, list[UnitEvent]] = {}

    def load(
        self,
        definitions: Definitions,
        organisation: Organisation,
        targets: Sequence[Target],
        province: str,
    ) -> None:
        """Take definitions, units and targets."""
        self.definitions = definitions
        self.organisation = organisation
        found: dict[tuple[str, str], list[Target]] = {}
        for target in targets:
            found.setdefault((target.indicator, target.unit), []).append(target)
        self._targets = found
        self._province = province
        self._events = {}
        self._tables.load(definitions, organisation)

    def today(self, now: datetime) -> date:
        """The day that it is in the province."""
        return now.astimezone(self._zone).date()

    async def beside(
        self, ids: Collection[str], period: Period, now: datetime, as_of: date | None = None
    ) -> Beside:
        """The tables of some indicators over a period and those beside it."""
        found = compared(period, self.today(now))
        return Beside(
            found,
            await self._tables.of(ids, found.period, now, as_of),
            await self._tables.of(ids, found.cumulative, now, as_of),
            await self._tables.of(ids, found.previous, now, as_of),
            await self._tables.of(ids, found.same_last_year, now, as_of),
            as_of,
        )

    def with_those_above(self, unit: str, on: date) -> set[str]:
        """A unit and all above it on a day; only itself where it did not exist then."""
        if self.organisation.find(unit, on) is None:
            return {unit}
        return {unit, *(version.unit for version in self.organisation.ancestors(unit, on))}

    async def value(
        self, id: str, unit: str, period: Period, now: datetime, as_of: date | None = None
    ) -> FigureItem:
        """One figure of one unit."""
        self.defined(id, period)
        self.organisation.versions(unit)
        return self.item(id, unit, await self.beside([id], period, now, as_of), now)

    async def tried(
        self, made: Indicator, known: Definitions, unit: str, period: Period, now: datetime
    ) -> FigureItem:
        """What a definition that is not in force would make of a period and those beside it."""
        found = compared(period, self.today(now))

        async def table(of: Period) -> Table:
            others = (known.of(id, of) for id in known if id != made.id)
            defined = [made, *(other for other in others if other is not None)]
            return await self._tables.by(defined, of, now)

        beside = Beside(
            found,
            await table(found.period),
            await table(found.cumulative),
            await table(found.previous),
            await table(found.same_last_year),
            None,
        )
        return self.item(made.id, unit, beside, now)

    def defined(self, id: str, period: Period) -> Indicator:
        """The version of an indicator for a period; says since when there is one."""
        found = self.definitions.of(self.definitions.require(id), period)
        if found is None:
            versions = self.definitions.versions(id)
            spans = ", ".join(f"{v.valid_from or '…'} to {v.valid_until or '…'}" for v in versions)
            raise NotFound(f"`{id}` is not defined for {period.text}; it is from {spans}")
        if found.is_scored:
            raise Invalid(f"`{id}` is counted by day; ask /quality?day=…")
        if not found.has_periods:
            raise Invalid(
                f"`{id}` is made of {found.made_of}, which have no periods; leave the period out"
            )
        return found

    async def ranking(
        self,
        id: str,
        period: Period,
        now: datetime,
        *,
        level: Level | None = None,
        as_of: date | None = None,
    ) -> list[FigureItem]:
        """The figures of all units that have one, best first, with the unknown last."""
        self.defined(id, period)
        beside = await self.beside([id], period, now, as_of)
        return self.ranked(id, beside, now, level)

    def ranked(
        self, id: str, beside: Beside, now: datetime, level: Level | None = None
    ) -> list[FigureItem]:
        """The ranking of one indicator by tables that are there."""
        found = beside.now.find(id)
        if found is None:
            return []
        on = beside.as_of or min(self.today(now), beside.now.period.end - timedelta(days=1))
        levels = RANKED_LEVELS if level is None else {level}
        units = [
            unit
            for unit, version in self.organisation.as_of(on).items()
            if version.level in levels and self._is_known(found, unit, beside.now)
        ]
        direction = found.indicator.direction
        places = beside.now.ranks(id, units, direction)
        before = beside.previous.ranks(id, units, direction)
        ordered = sorted(units, key=lambda unit: places.get(unit, len(units) + 1))
        return [
            msgspec.structs.replace(
                self.item(id, unit, beside, now),
                rank=places.get(unit, 0),
                of=len(places),
                movement=before[unit] - places[unit] if unit in before and unit in places else None,
            )
            for unit in ordered
        ]

    def _is_known(self, found: Computed, unit: str, table: Table) -> bool:
        id = found.indicator.id
        return table.parts(id, unit)[0] is not None or table.value(id, unit) is not None

    async def lines(
        self,
        ids: Collection[str],
        unit: str,
        periods: Iterable[Period],
        now: datetime,
        as_of: date | None = None,
    ) -> dict[str, list[PeriodFigure]]:
        """The figures of each period, by the definitions of its time."""
        found: dict[str, list[PeriodFigure]] = {id: [] for id in ids}
        for period in periods:
            table = await self._tables.of(ids, period, now, as_of)
            for id, line in found.items():
                line.append(short(id, unit, table))
        return found

    def item(self, id: str, unit: str, beside: Beside, now: datetime) -> FigureItem:
        """One figure with all that stands beside it."""
        table = beside.now
        found = table.find(id)
        if found is None:
            raise NotFound(f"there is no indicator `{id}` in {table.period.text}")
        indicator = found.indicator
        last = table.period.end - timedelta(days=1)
        on = beside.as_of or min(self.today(now), last)
        value, (numerator, denominator) = table.value(id, unit), table.parts(id, unit)
        score = table.score(indicator, unit)
        target = self.target(id, unit, on)
        coverage = self._tables.coverage(indicator, unit, table)
        ours = indicator.maximum is not None and score is None and value is not None
        above = indicator.kind == "share" and is_above(numerator, denominator)
        return FigureItem(
            **described(indicator, unit, self.organisation, on, self._province),
            period=table.period.text,
            value=value,
            numerator=numerator,
            denominator=denominator,
            state=Freshness.NEVER if value is None and numerator is None else Freshness.FRESH,
            time=None,
            late_after=None,
            stale_after=None,
            coverage=None if coverage is None else Coverage(*coverage),
            target=target,
            standing=standing(value, target.value if target else None, indicator.direction).value,
            severity=indicator.severity(value),
            cumulative=short(id, unit, beside.cumulative),
            previous=short(id, unit, beside.previous),
            same_last_year=short(id, unit, beside.last_year),
            printed=printed(indicator, unit, table, value),
            official=None if score is None else official(score),
            own=own_score(found, unit, table),
            estimated=table.estimated(unit) or ours,
            provisional=self._tables.provisional(indicator, unit, table)
            or (score is not None and score.state not in FINAL),
            flags=("above",) if above else (),
            breaks=self.breaks(
                id, unit, beside.compared.same_last_year.start, table.period.end, beside.as_of
            ),
            answering=answering(
                self.organisation,
                indicator.unit if unit == self._province and indicator.unit else unit,
                on,
            ),
        )

    def breaks(
        self, id: str, unit: str, start: date, end: date, as_of: date | None
    ) -> tuple[LineBreak, ...]:
        """The days within a range on which the unit or the definition changed, oldest first."""
        found = [
            (day, in_words("break.definition", version=version.version,
                        reference=version.legal_reference))
            for day, version in self.definitions.changes(id, start, end)
        ]  # fmt: skip
        if as_of is None and unit in self.organisation:
            found += [
                (event.effective, in_words("break.units", reference=event.legal_reference))
                for event in self._events_of(unit)
                if start < event.effective < end
            ]
        ordered = sorted(found, key=lambda one: one[0])
        return tuple(LineBreak(day.isoformat(), reason) for day, reason in ordered)

    def _events_of(self, unit: str) -> list[UnitEvent]:
        if unit not in self._events:
            self._events[unit] = self.organisation.events_of(unit)
        return self._events[unit]

    def target(self, indicator: str, unit: str, on: date) -> TargetRef | None:
        """The target of a unit that is in force on a day."""
        for target in self._targets.get((indicator, unit), ()):
            if target.holds(on):
                until = target.valid_until
                return TargetRef(
                    value=target.value,
                    direction="up" if target.direction == "up" else "down",
                    until=until.isoformat() if until else None,
                    document=target.document,
                    sample=target.sample,
                )
        return None

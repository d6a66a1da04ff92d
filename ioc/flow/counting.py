"""The counts of all measures by unit and period, from wherever each comes."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec

from ioc.kpi.comparison import by_days, in_cycle
from ioc.kpi.counts import Counts, counts_of, joined
from ioc.kpi.period import Period
from ioc.kpi.reported import FINAL, ReportedMeasure
from ioc.store import measures, reports
from ioc.store.measures import Declared
from ioc.store.pool import ReadPool
from ioc.store.report_rows import ReportRow, counted

NOBODY: Final[frozenset[str]] = frozenset()


class Counted(msgspec.Struct, frozen=True):
    """Counts of a period.

    `handed_in` are the measures that come by reports; those of `provisional` units are not
    approved yet.
    """

    counts: Counts
    handed_in: frozenset[str] = NOBODY
    provisional: frozenset[str] = NOBODY


class Source(Protocol):
    """Where some measures are counted."""

    async def refresh(self, now: datetime) -> bool:
        """Bring it up to date; whether anything moved."""
        ...

    async def counts(self, names: Collection[str], period: Period, now: datetime) -> Counted:
        """Those of the measures that are counted here, by unit; others are left out."""
        ...


HELD: Final = timedelta(minutes=1)


class AgingCounts:
    """Counts of what becomes late by itself: they are kept for `HELD`, whatever is stored."""

    _since: datetime | None = None

    async def refresh(self, now: datetime) -> bool:
        """Let go what is older."""
        if self._since is not None and now - self._since < HELD:
            return False
        self._since = now
        return True


class Counting:
    """Joins what the sources count; keeps what was asked until anything moves."""

    def __init__(self, sources: Collection[Source]) -> None:
        """Ask each of the sources for what it knows."""
        self._sources = list(sources)
        self._kept: dict[tuple[frozenset[str], Period], Counted] = {}
        self.generation = 0
        """Differs once any count may differ."""

    def add(self, source: Source) -> None:
        """Ask another source too."""
        self._sources.append(source)

    async def refresh(self, now: datetime) -> bool:
        """Bring all sources up to date; whether anything moved."""
        moved = [await source.refresh(now) for source in self._sources]
        if any(moved):
            self._kept.clear()
            self.generation += 1
        return any(moved)

    async def counts(self, names: Collection[str], period: Period, now: datetime) -> Counted:
        """All that is known of some measures over a period, by unit."""
        key = (frozenset(names), period)
        if key not in self._kept:
            found = [await source.counts(key[0], period, now) for source in self._sources]
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[key] = Counted(
                joined([one.counts for one in found]),
                NOBODY.union(*(one.handed_in for one in found)),
                NOBODY.union(*(one.provisional for one in found)),
            )
        return self._kept[key]


MOST_KEPT: Final = 256

NOTHING: Final = Counted(counts_of([], ()))


class ReportCounts:
    """What agencies hand in, each measure by the days of its own cycle."""

    def __init__(self, reads: ReadPool) -> None:
        """Know no measure yet."""
        self._reads = reads
        self.declared: Declared | None = None
        self._stamp: object = None

    async def refresh(self, now: datetime) -> bool:
        """Take note of measures and reports that are new."""
        del now
        stamp = await measures.stamp(self._reads)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self.declared = await measures.read(self._reads)
        return True

    async def counts(self, names: Collection[str], period: Period, now: datetime) -> Counted:
        """Counts of reports that were handed in; drafts do not count."""
        del now
        if self.declared is None:
            return NOTHING
        wanted = {id: m for id, m in self.declared.measures.items() if id in names}
        if not wanted:
            return NOTHING
        tables: list[Counts] = []
        provisional: set[str] = set()
        for days, own in self._by_days(wanted, period).items():
            rows = await reports.within(self._reads, own, days)
            tables.append(counted(rows, {id: wanted[id] for id in own}, days))
            provisional |= {row.unit for row in rows if row.state not in FINAL}
        return Counted(joined(tables), frozenset(wanted), frozenset(provisional))

    async def rows(
        self, names: Collection[str], period: Period
    ) -> dict[tuple[str, str], ReportRow]:
        """The newest report of each measure and unit within a period."""
        if self.declared is None or not names:
            return {}
        wanted = {id: m for id, m in self.declared.measures.items() if id in names}
        found: dict[tuple[str, str], ReportRow] = {}
        for days, own in self._by_days(wanted, period).items():
            for row in await reports.within(self._reads, own, days):
                found[row.measure, row.unit] = row
        return found

    def _by_days(
        self, wanted: Mapping[str, ReportedMeasure], period: Period
    ) -> dict[Period, list[str]]:
        assert self.declared is not None
        cycles = self.declared.cycles
        return by_days({id: in_cycle(period, cycles[m.cycle]) for id, m in wanted.items()})

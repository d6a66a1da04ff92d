"""Which reports are owed, have come, are late or missing; and the alerts about those overdue."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from alerts.owed import Overdue
from ioc.kpi.counts import Counts
from ioc.kpi.obligation import After, Due, Obligation
from ioc.kpi.period import Period, days, instants
from ioc.model import to_micros
from ioc.org import Organisation
from ioc.store import measures, reports
from ioc.store.measures import Declared
from ioc.store.pool import ReadPool
from ioc.store.report_rows import ReportRow

COUNTED: Final = ("reports_due", "reports_on_time")
"""The measures that are counted here: reports by the day they were due, and those in time."""


class Reporting:
    """Compares what is owed with what was handed in."""

    def __init__(
        self,
        *,
        reads: ReadPool,
        organisation: Callable[[], Organisation],
        zone: str,
        after: After,
    ) -> None:
        """Ask for the units each time: they change while the server runs."""
        self._reads = reads
        self._organisation = organisation
        self._zone = ZoneInfo(zone)
        self._after = after

    async def due(self, at: datetime) -> list[Due]:
        """Per unit and obligation the newest report that was due by then, and those since."""
        declared = await measures.read(self._reads)
        found: list[Due] = []
        for obligation in declared.obligations:
            cycle = declared.cycles[obligation.cycle]
            periods = obligation.periods(cycle, at, self._zone, self._after)
            found += await self._owed(declared, obligation, periods)
        return found

    async def overdue(self, now: datetime) -> list[Overdue]:
        """What is past its deadline and has not come."""
        return [
            Overdue(owed.obligation.id, owed.unit, to_micros(owed.due_at))
            for owed in await self.due(now)
            if owed.state(now) == "missing"
        ]

    async def counts(self, period: Period, now: datetime) -> Counts:
        """How many reports each unit owed by deadlines within a period, and handed in in time."""
        since, until = instants(period, self._zone)
        declared = await measures.read(self._reads)
        owed: dict[str, int] = {}
        in_time: dict[str, int] = {}
        for obligation in declared.obligations:
            periods = self._due_within(declared, obligation, since, min(until, now))
            for due in await self._owed(declared, obligation, periods):
                owed[due.unit] = owed.get(due.unit, 0) + 1
                in_time[due.unit] = in_time.get(due.unit, 0) + (due.state(now) == "received")
        values = np.array([[owed[unit], in_time[unit]] for unit in owed], np.float64)
        return Counts(
            units=tuple(owed),
            measures=COUNTED,
            values=values.reshape(len(owed), len(COUNTED)),
            estimated=np.zeros(len(owed), np.bool_),
        )

    def _due_within(
        self, declared: Declared, obligation: Obligation, since: datetime, until: datetime
    ) -> list[Period]:
        """The periods whose reports were due within a time, oldest first."""
        cycle = declared.cycles[obligation.cycle]
        found: list[Period] = []
        period = cycle.of(until.astimezone(self._zone).date())
        while obligation.owed(period):
            due_at = obligation.due_at(period, self._zone, self._after)
            if due_at < since:
                break
            if due_at < until:
                found.append(period)
            period = cycle.previous(period)
        return found[::-1]

    async def _owed(
        self, declared: Declared, obligation: Obligation, periods: list[Period]
    ) -> list[Due]:
        if not periods:
            return []
        names = [measure.id for measure in declared.group(obligation.group)]
        whole = days(periods[0].start, periods[-1].end)
        came = _by_period(await reports.within(self._reads, names, whole))
        organisation = self._organisation()
        return [
            _due(
                obligation,
                unit,
                period,
                obligation.due_at(period, self._zone, self._after),
                names,
                came.get((unit, period.start, period.end), {}),
            )
            for period in periods
            for unit in obligation.obliged(organisation, period)
        ]


def end_of(day: date, zone: ZoneInfo) -> datetime:
    """The last moment of a day."""
    return datetime.combine(day + timedelta(days=1), datetime.min.time(), zone) - timedelta(
        microseconds=1
    )


def _by_period(
    rows: Iterable[ReportRow],
) -> dict[tuple[str, date, date], dict[str, datetime]]:
    """When each measure was first handed in, by unit and period."""
    found: dict[tuple[str, date, date], dict[str, datetime]] = {}
    for row in rows:
        if row.submitted_at is not None:
            key = (row.unit, row.starts, row.ends)
            found.setdefault(key, {})[row.measure] = row.submitted_at
    return found


def _due(
    obligation: Obligation,
    unit: str,
    period: Period,
    due_at: datetime,
    names: list[str],
    came: dict[str, datetime],
) -> Due:
    missing = tuple(name for name in names if name not in came)
    return Due(
        obligation=obligation,
        unit=unit,
        period=period,
        due_at=due_at,
        received_at=None if missing else max(came.values()),
        missing=missing,
    )

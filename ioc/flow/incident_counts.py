"""Counts of incidents as a source of measures."""

from collections.abc import Collection
from datetime import datetime

from ioc.flow.counting import NOTHING, AgingCounts, Counted
from ioc.kpi.period import Period
from ioc.store import incident_counts
from ioc.store.pool import ReadPool


class IncidentCounts(AgingCounts):
    """Counts of incidents by the unit that leads over any days."""

    def __init__(self, reads: ReadPool, zone: str) -> None:
        """The days are those of `zone`."""
        self._reads = reads
        self._zone = zone

    async def counts(self, names: Collection[str], period: Period, now: datetime) -> Counted:
        """Counts of the days of a period."""
        wanted = [name for name in incident_counts.MEASURES if name in names]
        if not wanted:
            return NOTHING
        found = await incident_counts.counts(
            self._reads, period.start, period.end, zone=self._zone, now=now
        )
        return Counted(found.of(wanted))

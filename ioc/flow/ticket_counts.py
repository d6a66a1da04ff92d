"""Counts of tickets as a source of measures."""

from collections.abc import Collection
from datetime import datetime

from ioc.flow.counting import NOTHING, AgingCounts, Counted
from ioc.kpi.period import Period
from ioc.store import tickets
from ioc.store.pool import ReadPool


class TicketCounts(AgingCounts):
    """Counts of tickets by unit over any days."""

    def __init__(self, reads: ReadPool, zone: str) -> None:
        """The days are those of `zone`."""
        self._reads = reads
        self._zone = zone

    async def counts(self, names: Collection[str], period: Period, now: datetime) -> Counted:
        """Counts of the days of a period."""
        wanted = [name for name in tickets.MEASURES if name in names]
        if not wanted:
            return NOTHING
        found = await tickets.counts(
            self._reads, period.start, period.end, zone=self._zone, now=now
        )
        return Counted(found.of(wanted))

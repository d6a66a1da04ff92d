"""Reports that were due and those that came in time, as a source of measures."""

from collections.abc import Collection
from datetime import datetime

from ioc.flow.counting import NOTHING, AgingCounts, Counted
from ioc.flow.reporting import COUNTED, Reporting
from ioc.kpi.period import Period


class OwedCounts(AgingCounts):
    """Counts of owed reports by unit over the deadlines of any days."""

    def __init__(self, reporting: Reporting) -> None:
        """Count what `reporting` compares."""
        self._reporting = reporting

    async def counts(self, names: Collection[str], period: Period, now: datetime) -> Counted:
        """Counts of the deadlines of a period."""
        wanted = [name for name in COUNTED if name in names]
        if not wanted:
            return NOTHING
        return Counted((await self._reporting.counts(period, now)).of(wanted))

"""Reports that were due and those that came in time, as a source of measures."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from ioc.flow.counting import NOTHING, Counted
from ioc.flow.reporting import COUNTED, Reporting
from ioc.kpi.period import Period

HELD: Final = timedelta(minutes=1)
"""How long counts are kept: reports become late by themselves."""


class OwedCounts:
    """Counts of owed reports by unit over the deadlines of any days."""

    def __init__(self, reporting: Reporting) -> None:
        """Count what `reporting` compares."""
        self._reporting = reporting
        self._since: datetime | None = None

    async def refresh(self, now: datetime) -> bool:
        """Let go what is older than `HELD`."""
        if self._since is not None and now - self._since < HELD:
            return False
        self._since = now
        return True

    async def counts(self, names: Collection[str], period: Period, now: datetime) -> Counted:
        """Counts of the deadlines of a period."""
        wanted = [name for name in COUNTED if name in names]
        if not wanted:
            return NOTHING
        return Counted((await self._reporting.counts(period, now)).of(wanted))

"""Counts of tickets as a source of measures."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from ioc.flow.counting import NOTHING, Counted
from ioc.kpi.period import Period
from ioc.store import tickets
from ioc.store.pool import ReadPool

HELD: Final = timedelta(minutes=1)
"""How long counts are kept: tickets become late by themselves."""


class TicketCounts:
    """Counts of tickets by unit over any days."""

    def __init__(self, reads: ReadPool, zone: str) -> None:
        """The days are those of `zone`."""
        self._reads = reads
        self._zone = zone
        self._since: datetime | None = None

    async def refresh(self, now: datetime) -> bool:
        """Let go what is older than `HELD`."""
        if self._since is not None and now - self._since < HELD:
            return False
        self._since = now
        return True

    async def counts(self, names: Collection[str], period: Period, now: datetime) -> Counted:
        """Counts of the days of a period."""
        wanted = [name for name in tickets.MEASURES if name in names]
        if not wanted:
            return NOTHING
        found = await tickets.counts(
            self._reads, period.start, period.end, zone=self._zone, now=now
        )
        return Counted(found.of(wanted))

"""Counts of alerts, and hours of the people who looked at them, as a source of measures."""

from collections.abc import Callable, Collection
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from alerts.staffing import staffed
from ioc.flow.counting import NOTHING, AgingCounts, Counted
from ioc.kpi.counts import Counts, counts_of, joined
from ioc.kpi.period import Period
from ioc.model import to_micros
from ioc.store import alert_counts, alert_health
from ioc.store.pool import ReadPool

OPERATOR_HOURS: Final = "alerts_operator_hours"
MEASURES: Final = (*alert_counts.MEASURES, OPERATOR_HOURS)

KEPT: Final = timedelta(minutes=15)
"""For so long what is over is not counted again: a year of many alerts takes seconds."""

MOST_KEPT: Final = 64


class AlertCounts(AgingCounts):
    """Counts of alerts by the unit that answers, over any days; operators are the province's."""

    def __init__(self, reads: ReadPool, zone: str, province: Callable[[], str]) -> None:
        """The days are those of `zone`."""
        self._reads = reads
        self._zone = ZoneInfo(zone)
        self._province = province
        self._kept: dict[Period, tuple[datetime, Counts]] = {}

    async def counts(self, names: Collection[str], period: Period, now: datetime) -> Counted:
        """Counts of the days of a period."""
        wanted = [name for name in MEASURES if name in names]
        since, until = self._begin(period.start), min(self._begin(period.end), now)
        if not wanted or until <= since:
            return NOTHING
        kept = self._kept.get(period)
        if kept is not None and now - kept[0] < KEPT:
            return Counted(kept[1].of(wanted))
        found = await self._counted(since, until)
        if until < now:
            if len(self._kept) >= MOST_KEPT:
                self._kept.clear()
            self._kept[period] = now, found
        return Counted(found.of(wanted))

    async def _counted(self, since: datetime, until: datetime) -> Counts:
        province = self._province()
        found = await alert_counts.counts(self._reads, since=since, until=until, province=province)
        duties, sessions = await alert_health.on_duty(self._reads, since=since, until=until)
        staff = staffed(duties, sessions, since=to_micros(since), until=to_micros(until))
        hours = counts_of([(province, [staff.operator_hours])], [OPERATOR_HOURS])
        return joined([found, hours])

    def _begin(self, day: date) -> datetime:
        return datetime.combine(day, time.min, self._zone)

"""Counts of procedures as a source of measures: how many there are, and which have dossiers."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import Final

from ioc.clock import monotonic
from ioc.flow.counting import NOTHING, Counted
from ioc.kpi.counts import Counts, counts_of, joined
from ioc.kpi.period import Period
from ioc.procedures.calendar import Calendar
from ioc.procedures.catalogue import Catalogue, PublishingTerms
from ioc.procedures.tally import FLOWS, STATES, on_day, within
from ioc.store import procedures
from ioc.store.pool import ReadPool
from ioc.store.procedures import SERVICES

SERVICES_REST: Final = 100
SERVICES_SECONDS: Final = 60.0
"""Services with dossiers are counted again after a minute, or 100 times as long as it took."""

MOST_KEPT: Final = 64


class ProcedureCounts:
    """Counts of the catalogue of procedures, by competent unit."""

    def __init__(
        self,
        reads: ReadPool,
        known: Callable[[], tuple[Catalogue, Calendar]],
        province: Callable[[], str],
    ) -> None:
        """Count what `known` gives; what every unit of a tier has counts once, at the province."""
        self._reads = reads
        self._known = known
        self._province = province
        self._counted: Catalogue | None = None
        self._services: dict[Period, tuple[float, Counts]] = {}

    async def refresh(self, now: datetime) -> bool:
        """Whether the catalogue is another one, or services are due to be counted again."""
        del now
        catalogue, _ = self._known()
        due = [period for period, (until, _) in self._services.items() if until < monotonic()]
        for period in due:
            del self._services[period]
        changed = catalogue is not self._counted or bool(due)
        self._counted = catalogue
        return changed

    async def counts(self, names: Collection[str], period: Period, now: datetime) -> Counted:
        """The procedures of the period's last day (today while it runs), and of its days."""
        catalogue, calendar = self._known()
        if not catalogue.loaded:
            return NOTHING
        tables: list[Counts] = []
        if any(name in STATES for name in names):
            on = min(period.end - timedelta(days=1), now.date())
            found = on_day(catalogue.on(on), on, self._province())
            tables.append(_table(found, tuple(STATES), names))
        if any(name in FLOWS for name in names):
            made = within(
                catalogue, period.start, period.end, self._province(), calendar, PublishingTerms()
            )
            tables.append(_table(made, FLOWS, names))
        if any(name in SERVICES for name in names):
            services = await self._of_services(period)
            tables.append(services.of([name for name in SERVICES if name in names]))
        return Counted(joined(tables)) if tables else NOTHING

    async def _of_services(self, period: Period) -> Counts:
        held = self._services.get(period)
        if held is not None:
            return held[1]
        began = monotonic()
        found = await procedures.with_dossiers(self._reads, period.start, period.end)
        took = monotonic() - began
        if len(self._services) >= MOST_KEPT:
            self._services.clear()
        rest = max(SERVICES_SECONDS, SERVICES_REST * took)
        self._services[period] = (monotonic() + rest, found)
        return found


def _table(
    found: dict[str, list[int]], measures: tuple[str, ...], names: Collection[str]
) -> Counts:
    wanted = [measure for measure in measures if measure in names]
    return counts_of(list(found.items()), measures).of(wanted)

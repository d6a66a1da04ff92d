"""What agencies handed in, and tickets, as sources of measures."""

from datetime import timedelta
from typing import Any

import pytest

from ioc.flow.counting import HELD, Counting, ReportCounts
from ioc.flow.ticket_counts import TicketCounts
from ioc.ids import uuid7
from ioc.kpi.cycle import Cycle
from ioc.kpi.period import parse_period
from ioc.kpi.reported import ReportedMeasure
from ioc.model import Text
from ioc.store import measures, reports
from ioc.store.pool import ReadPool, WritePool, connect
from ioc.store.report_rows import Offered, ReportRow
from tests.fixtures.store import NOW, ZONE, a_feed_key, a_province, rows_of

CYCLE = Cycle(
    id="month-15", name=Text("Tháng", "Month"), length="month", first_day=15, months_before=1
)


class Office:
    """Reports of two departments, as a source."""

    def __init__(self, feed: tuple[int, str], pools: tuple[ReadPool, WritePool]) -> None:
        self._key, self._feed = feed
        self._reads, self._writes = pools
        self.source = ReportCounts(pools[0])

    async def hand_in(self, measure: str, period: str, value: float, **more: Any) -> None:
        days = CYCLE.period(period) if measure == "by_the_15th" else parse_period(period)
        given: dict[str, Any] = {
            "report_id": uuid7(NOW), "feed": self._feed, "measure": measure, "unit": "so-a",
            "period_text": period, "starts": days.start, "ends": days.end, "version": 1,
            "state": "approved", "value": value, "bound": "=", "printed_value": None,
            "printed_decimals": None, "numerator": None, "denominator": None, "rank": None,
            "of": None, "movement": None, "nothing_occurred": False, "document": "BC",
            "flags": [], "changed_at": NOW, "submitted_at": None, "stored_at": NOW,
        }  # fmt: skip
        row = ReportRow(**{**given, **more})
        await reports.put(self._writes, self._key, [Offered(0, row, b"{}")], [], actor="a", now=NOW)

    async def figure(self, measure: str, period: str, unit: str = "so-a") -> float | None:
        await self.source.refresh(NOW)
        found = await self.source.counts([measure], parse_period(period), NOW)
        return found.counts.over([unit])[measure]


@pytest.fixture
async def office(database: str, pools: tuple[ReadPool, WritePool]) -> Office:
    await a_province(database, "so-a", "so-b")
    key = await a_feed_key(database)
    name = (await rows_of(database, "SELECT id FROM feed WHERE feed_key = %s", key))[0][0]
    declared = [
        ReportedMeasure(id=id, name=Text(id, id), uom="{d}", kind="flow", cycle=cycle)
        for id, cycle in (("by_the_15th", "month-15"), ("by_month", "month"))
    ]
    async with await connect(database) as conn:
        await measures.declare(conn, [CYCLE], declared)
    return Office((key, name), pools)


async def test_a_month_of_the_calendar_means_the_days_of_the_measures_own_cycle(
    office: Office,
) -> None:
    await office.hand_in("by_the_15th", "2026-07", 12)
    assert await office.figure("by_the_15th", "2026-07") == 12


async def test_a_quarter_adds_up_its_months_and_is_unknown_while_one_is_missing(
    office: Office,
) -> None:
    await office.hand_in("by_the_15th", "2026-07", 1)
    await office.hand_in("by_the_15th", "2026-08", 2)
    assert await office.figure("by_the_15th", "2026-Q3") is None
    await office.hand_in("by_the_15th", "2026-09", 4)
    assert await office.figure("by_the_15th", "2026-Q3") == 7


async def test_a_source_says_once_that_a_report_came_in(office: Office) -> None:
    await office.hand_in("by_month", "2026-07", 1)
    assert await office.source.refresh(NOW)
    assert not await office.source.refresh(NOW)
    await office.hand_in("by_month", "2026-08", 1)
    assert await office.source.refresh(NOW)


async def test_a_report_that_is_not_approved_makes_its_unit_provisional(office: Office) -> None:
    await office.hand_in("by_month", "2026-07", 1, state="submitted")
    await office.source.refresh(NOW)
    found = await office.source.counts(["by_month"], parse_period("2026-07"), NOW)
    assert found.provisional == {"so-a"}
    assert found.handed_in == {"by_month"}


async def test_counts_of_all_sources_stand_in_one_table(
    office: Office, pools: tuple[ReadPool, WritePool]
) -> None:
    await office.hand_in("by_month", "2026-07", 3)
    counting = Counting([TicketCounts(pools[0], ZONE), office.source])
    await counting.refresh(NOW)
    names = ["by_month", "tickets_received", "not_counted"]
    found = await counting.counts(names, parse_period("2026-07"), NOW)
    assert set(found.counts.measures) == {"by_month", "tickets_received"}
    assert found.counts.over(["so-a"]) == {"tickets_received": None, "by_month": 3}


async def test_tickets_are_counted_again_after_a_while_because_they_become_late(
    pools: tuple[ReadPool, WritePool],
) -> None:
    source = TicketCounts(pools[0], ZONE)
    assert await source.refresh(NOW)
    assert not await source.refresh(NOW + timedelta(seconds=1))
    assert await source.refresh(NOW + HELD)

"""Reports that are owed, counted from what was handed in: how many were due, and came in time."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from ioc.flow.reporting import Reporting
from ioc.ids import uuid7
from ioc.kpi.cycle import CALENDAR
from ioc.kpi.obligation import Obligation
from ioc.kpi.period import parse_period
from ioc.kpi.reported import ReportedMeasure
from ioc.model import Text
from ioc.org import Organisation
from ioc.store import measures, reports
from ioc.store import units as unit_store
from ioc.store.pool import ReadPool, WritePool, connect
from ioc.store.report_rows import Offered, ReportRow
from tests.fixtures.store import NOW, ZONE, a_feed_key, a_province, rows_of

NAME = Text("a", "a")
VIETNAM = ZoneInfo(ZONE)


def _measure(name: str) -> ReportedMeasure:
    return ReportedMeasure(id=name, name=NAME, uom="{cases}", kind="flow", cycle="month", group="g")


OWED = Obligation(
    id="o", name=NAME, group="g", cycle="month", units=("so-a", "so-b"), days=5, working=False,
    valid_from=date(2026, 1, 1),
)  # fmt: skip


class Office:
    """Two units that owe two measures each month by the 5th day after it."""

    def __init__(self, pools: tuple[ReadPool, WritePool], organisation: Organisation) -> None:
        self.reads, self.writes = pools
        self.key, self.feed = 0, ""
        self.reporting = Reporting(
            reads=self.reads, organisation=lambda: organisation, zone=ZONE,
            after=lambda day, days: day + timedelta(days=days),
        )  # fmt: skip

    async def hand_in(self, unit: str, period: str, on: str, *names: str) -> None:
        days = CALENDAR["month"].period(period)
        at = datetime.fromisoformat(on).replace(tzinfo=VIETNAM)
        rows = [
            ReportRow(
                report_id=uuid7(NOW), feed=self.feed, measure=name, unit=unit,
                period_text=period, starts=days.start, ends=days.end, version=1,
                state="submitted", value=1.0, bound="=", printed_value=None,
                printed_decimals=None, numerator=None, denominator=None, rank=None, of=None,
                movement=None, nothing_occurred=False, document="BC", flags=[], changed_at=at,
                submitted_at=None, stored_at=at,
            )
            for name in names
        ]  # fmt: skip
        offered = [Offered(place, row, b"{}") for place, row in enumerate(rows)]
        await reports.put(self.writes, self.key, offered, [], actor="f", now=at)


@pytest.fixture
async def office(database: str, pools: tuple[ReadPool, WritePool]) -> Office:
    await a_province(database, "so-a", "so-b")
    async with await connect(database) as conn:
        await measures.declare(conn, [], [_measure("x"), _measure("y")])
        await measures.oblige(conn, [OWED])
        organisation = await unit_store.organisation(conn)
    made = Office(pools, organisation)
    made.key = await a_feed_key(database)
    made.feed = (await rows_of(database, "SELECT id FROM feed WHERE feed_key = %s", made.key))[0][0]
    return made


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


async def test_reports_are_counted_by_the_day_they_were_due(office: Office) -> None:
    await office.hand_in("so-a", "2026-01", "2026-02-05T16:00", "x", "y")
    await office.hand_in("so-a", "2026-02", "2026-03-06T08:00", "x", "y")
    await office.hand_in("so-b", "2026-01", "2026-02-02T08:00", "x")
    found = await office.reporting.counts(parse_period("2026-Q1"), _at("2026-04-01T00:00"))
    assert found.measures == ("reports_due", "reports_on_time")
    assert found.over(["so-a"]) == {"reports_due": 2, "reports_on_time": 1}
    assert found.over(["so-b"]) == {"reports_due": 2, "reports_on_time": 0}


async def test_what_is_not_due_yet_is_not_counted(office: Office) -> None:
    found = await office.reporting.counts(parse_period("2026-Q1"), _at("2026-02-05T16:59"))
    assert found.units == ()


async def test_a_group_is_missing_until_its_last_measure_comes(office: Office) -> None:
    await office.hand_in("so-a", "2026-01", "2026-02-02T08:00", "x")
    at = _at("2026-02-06T00:00")
    due = {owed.unit: owed for owed in await office.reporting.due(at)}
    assert (due["so-a"].state(at), due["so-a"].missing) == ("missing", ("y",))
    assert {owed.unit for owed in await office.reporting.overdue(at)} == {"so-a", "so-b"}
    await office.hand_in("so-a", "2026-01", "2026-02-06T08:00", "y")
    later = _at("2026-02-07T00:00")
    due = {owed.unit: owed for owed in await office.reporting.due(later)}
    assert due["so-a"].state(later) == "late"
    assert {owed.unit for owed in await office.reporting.overdue(later)} == {"so-b"}

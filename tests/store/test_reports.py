"""Reports: the newest counts, every version stays, and sums are told only where they are whole."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.ids import uuid7
from ioc.kpi.cycle import CALENDAR
from ioc.kpi.period import parse_period
from ioc.kpi.reported import ReportedMeasure
from ioc.model import Problem, Reason, Text
from ioc.store import measures, reports
from ioc.store.pool import ReadPool, WritePool, connect
from ioc.store.report_rows import Merged, Offered, ReportRow, counted, judged
from tests.fixtures.store import NOW, a_feed_key, a_province, adds_up, ledger_rows, rows_of

CHANGED = datetime(2026, 8, 3, tzinfo=UTC)


def _measure(name: str, kind: Any = "flow") -> ReportedMeasure:
    return ReportedMeasure(id=name, name=Text(name, name), uom="{dossiers}", kind=kind, cycle="any")


MEASURES = {m.id: m for m in (_measure("received"), _measure("in_hand", "stock"))}


def _row(period: str = "2026-07", **more: Any) -> ReportRow:
    days = parse_period(period)
    given: dict[str, Any] = {
        "report_id": uuid7(NOW), "feed": "f", "measure": "received", "unit": "so-a",
        "period_text": period, "starts": days.start, "ends": days.end, "version": 1,
        "state": "submitted", "value": 12.0, "bound": "=", "printed_value": None,
        "printed_decimals": None, "numerator": None, "denominator": None, "rank": None,
        "of": None, "movement": None, "nothing_occurred": False, "document": "BC 1", "flags": [],
        "changed_at": CHANGED, "submitted_at": None, "stored_at": NOW,
    }  # fmt: skip
    return ReportRow(**{**given, **more})


class Office:
    """A feed of reports of a province with two departments."""

    def __init__(self, url: str, pools: tuple[ReadPool, WritePool]) -> None:
        self.url, self.reads, self.writes = url, *pools
        self.key, self.feed = 0, ""

    async def put(self, *rows: ReportRow, reason: str = "") -> Merged:
        offered = [
            Offered(place, replace(row, feed=self.feed), b"{}", reason)
            for place, row in enumerate(rows)
        ]
        return await reports.put(
            self.writes, self.key, offered, [], actor="feed:f", now=NOW, size=2
        )

    async def outcome(self, row: ReportRow) -> str:
        merged = await self.put(row)
        if merged.refused:
            return merged.refused[0][1].reason.value
        return "stored" if merged.stored else "corrected" if merged.corrected else "duplicate"

    async def only(self) -> ReportRow:
        (row,) = await reports.listed(self.reads)
        return row


@pytest.fixture
async def office(database: str, pools: tuple[ReadPool, WritePool]) -> Office:
    made = Office(database, pools)
    await a_province(database, "so-a", "so-b")
    made.key = await a_feed_key(database)
    made.feed = (await rows_of(database, "SELECT id FROM feed WHERE feed_key = %s", made.key))[0][0]
    async with await connect(database) as conn:
        await measures.declare(conn, [], list(MEASURES.values()))
    return made


async def test_a_correction_counts_and_every_version_stays(office: Office) -> None:
    assert await office.outcome(_row()) == "stored"
    later = _row(value=13.0, changed_at=CHANGED + timedelta(days=1))
    assert (await office.put(later, reason="cộng sót")).corrected == 1
    row = await office.only()
    assert (row.value, row.version) == (13, 2)
    _, versions = await reports.history(office.reads, row.report_id)
    told = [(v.version, v.change, v.actor, v.reason, v.document["value"]) for v in versions]
    assert told == [
        (1, "handed_in", "feed:f", "", 12.0),
        (2, "corrected", "feed:f", "cộng sót", 13.0),
    ]


async def test_an_older_figure_never_replaces_a_newer(office: Office) -> None:
    await office.outcome(_row())
    older = _row(value=99.0, changed_at=CHANGED - timedelta(seconds=1))
    assert await office.outcome(older) == "duplicate"
    assert (await office.only()).value == 12


async def test_a_figure_of_between_does_not_replace_one_that_was_said_again(office: Office) -> None:
    await office.outcome(_row())
    assert await office.outcome(_row(changed_at=CHANGED + timedelta(days=2))) == "duplicate"
    between = _row(value=99.0, changed_at=CHANGED + timedelta(days=1))
    assert await office.outcome(between) == "duplicate"
    assert (await office.only()).value == 12


async def test_periods_of_one_measure_and_unit_do_not_overlap(office: Office) -> None:
    await office.outcome(_row("2026-07"))
    assert await office.outcome(_row("2026-Q3")) == "period_overlap"
    assert await office.outcome(_row("2026-Q3", unit="so-b")) == "stored"
    assert await office.outcome(_row("2026-Q3", measure="in_hand")) == "stored"


async def test_overlaps_within_one_body_are_told_too(office: Office) -> None:
    merged = await office.put(_row("2026-07"), _row("2026-Q3"), _row("2026-08"))
    assert merged.stored == 2
    assert [(o.index, p.reason) for o, p in merged.refused] == [(1, Reason.PERIOD_OVERLAP)]
    (row,) = await ledger_rows(office.url, office.key)
    assert (row["received"], row["stored"], row["quarantined"]) == (3, 2, 1)
    assert adds_up(row)
    kept = await rows_of(office.url, "SELECT kind, item_index, reason FROM quarantine")
    assert kept == [("reports", 1, "period_overlap")]


@pytest.mark.parametrize(
    ("before", "given", "outcome"),
    [
        ({"state": "closed"}, {"value": 1.0}, Reason.REPORT_STANDS),
        ({"state": "approved"}, {"value": 1.0}, "corrected"),
        ({"state": "submitted"}, {"value": 1.0, "state": "draft"}, Reason.REPORT_STANDS),
        ({"state": "draft"}, {}, "corrected"),
        ({"state": "draft"}, {"state": "draft"}, "duplicate"),
        ({"feed": "g"}, {"value": 1.0}, Reason.REPORT_STANDS),
        ({"feed": "g"}, {}, "duplicate"),
        ({"nothing_occurred": True, "value": None}, {"value": 0.0}, "corrected"),
    ],
)
def test_what_may_replace_a_report(
    before: dict[str, Any], given: dict[str, Any], outcome: Reason | str
) -> None:
    found = judged([_row(**before)], _row(changed_at=CHANGED + timedelta(days=1), **given))
    assert (found[0] if isinstance(found, tuple) else found) == outcome


async def test_a_draft_becomes_submitted_and_is_in_time_by_its_first_submission(
    office: Office,
) -> None:
    await office.outcome(_row(state="draft"))
    assert (await office.only()).submitted_at is None
    assert await office.outcome(_row()) == "corrected"
    assert (await office.only()).submitted_at == NOW


async def test_approval_is_a_version_and_stands_in_the_audit_trail(office: Office) -> None:
    await office.outcome(_row())
    row = await office.only()
    async with office.writes.connection() as conn:
        rows = await reports.locked(conn, [row.report_id])
        await reports.move(conn, rows, "approved", "approved", actor="chi.an", reason="", now=NOW)
    assert (await office.only()).state == "approved"
    _, versions = await reports.history(office.reads, row.report_id)
    assert [(v.change, v.actor) for v in versions] == [
        ("handed_in", "feed:f"), ("approved", "chi.an"),
    ]  # fmt: skip
    found = await rows_of(office.url, "SELECT actor, action, before->>'state' FROM audit")
    assert found == [("chi.an", "report.approved", "submitted")]


async def test_two_that_hand_in_at_once_do_not_overlap(office: Office) -> None:
    both = await asyncio.gather(office.put(_row("2026-07")), office.put(_row("2026-Q3")))
    assert sum(merged.stored for merged in both) == 1


def _figure(rows: Sequence[ReportRow], measure: str, period: str) -> float | None:
    found = counted(rows, MEASURES, parse_period(period)).over(["so-a"])
    return found[measure]


MONTHS = [_row(f"2026-0{n}", value=float(n)) for n in (1, 2, 3)]


def test_a_flow_adds_up_over_periods_that_cover_all_days() -> None:
    assert _figure(MONTHS, "received", "2026-Q1") == 6


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_a_flow_with_a_gap_is_not_known(missing: int) -> None:
    rows = [row for place, row in enumerate(MONTHS) if place != missing]
    assert _figure(rows, "received", "2026-Q1") is None


def test_nothing_occurred_counts_as_nothing_and_missing_does_not() -> None:
    quiet = replace(MONTHS[1], value=None, nothing_occurred=True)
    assert _figure([MONTHS[0], quiet, MONTHS[2]], "received", "2026-Q1") == 4


@pytest.mark.parametrize("odd", [{"bound": ">="}, {"value": None, "printed_value": 9.0},
                                 {"state": "draft"}])  # fmt: skip
def test_what_is_no_exact_figure_is_not_added_up(odd: dict[str, Any]) -> None:
    rows = [MONTHS[0], replace(MONTHS[1], **odd), MONTHS[2]]
    assert _figure(rows, "received", "2026-Q1") is None


def test_a_stock_is_the_newest_of_the_period() -> None:
    rows = [replace(row, measure="in_hand") for row in MONTHS[:2]]
    assert _figure(rows, "in_hand", "2026-Q1") == 2


async def test_the_counts_of_units_come_from_the_reports_within_the_period(office: Office) -> None:
    await office.put(*(replace(row, report_id=uuid7(NOW)) for row in MONTHS))
    await office.put(_row("2026-02", unit="so-b"), _row("2025-12", unit="so-b"))
    quarter = parse_period("2026-Q1")
    rows = await reports.within(office.reads, list(MEASURES), quarter)
    found = counted(rows, MEASURES, quarter)
    assert found.over(["so-a"])["received"] == 6
    assert found.over(["so-b"])["received"] is None
    assert np.isnan(found.values[:, found.measures.index("in_hand")]).all()


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), max_size=12))
def test_whatever_comes_in_any_order_the_newest_stands(told: list[tuple[int, int]]) -> None:
    there: list[ReportRow] = []
    for day, value in told:
        given = _row(value=float(value), changed_at=CHANGED + timedelta(days=day))
        if judged(there, given) in ("handed_in", "corrected"):
            there = [given]
        elif there and there[0].value == given.value and given.changed_at > there[0].changed_at:
            there = [replace(there[0], changed_at=given.changed_at)]
    if told:
        newest = max(day for day, _ in told)
        assert there[0].changed_at == CHANGED + timedelta(days=newest)


def test_a_refusal_says_which_period_is_in_the_way() -> None:
    found = judged([_row("2026-07")], _row("2026-Q3"))
    assert isinstance(found, tuple)
    problem = Problem(0, *found)
    assert "overlaps 2026-07" in problem.detail
    assert CALENDAR["quarter"].period("2026-Q3").text in problem.detail

"""Incidents in the store: found by what is asked, counted without drills, in order of commits."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import psycopg
import pytest

from ioc.errors import NotFound
from ioc.ids import uuid7
from ioc.incidents.life import Result, State
from ioc.incidents.words import asked_words
from ioc.store import (
    alerts,
    housekeeping,
    incident_contacts,
    incident_counts,
    incident_files,
    incident_log,
    incident_parts,
    incident_rows,
)
from ioc.store.alerts import AlertRow
from ioc.store.incident_contacts import CallerRow
from ioc.store.incident_files import PART_BYTES, FileRow
from ioc.store.incident_log import LogRow
from ioc.store.incident_rows import IncidentRow, Wanted
from ioc.store.pool import ReadPool, WritePool
from tests.fixtures.incidents import FLOOD, PLAN, ROAD, opened
from tests.fixtures.store import ZONE, a_province, rows_of

START = datetime(2026, 11, 9, 2, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_row(number: int = 1, at: datetime = START, **more: Any) -> IncidentRow:
    """An incident of the departments so-a and so-b."""
    names = ("title", "description", "place_name", "longitude", "latitude")
    words = {name: more.pop(name) for name in names if name in more}
    life = opened(at, **{"lead": "so-a", **more})
    blank = {
        "description": "", "title": "Ngập", "place_name": "", "longitude": None, "latitude": None,
    }  # fmt: skip
    return IncidentRow(
        incident_id=uuid7(at + number * timedelta(milliseconds=1)), code=f"VV-2026-{number:06}",
        origin="call", feature=None, place_unit=None, opened_by="trực ban",
        checklist_version=3, entries=0, **{**blank, **words}, **msgspec.structs.asdict(life),
    )  # fmt: skip


def ended(number: int, minutes: float, result: Result = Result.HANDLED, **more: Any) -> IncidentRow:
    """An incident that was acknowledged, given to somebody and resolved at once, after a while."""
    at = START + minutes * MINUTE
    return a_row(
        number, state=State.RESOLVED, result=result, acknowledged_at=at, assigned_at=at,
        resolved_at=at, changed_at=at, assignee="đội 1", **more,
    )  # fmt: skip


class Room:
    """A control room of a province with two departments."""

    def __init__(self, url: str, pools: tuple[ReadPool, WritePool]) -> None:
        self.url, self.reads, self.writes = url, *pools

    async def put(self, *rows: IncidentRow, before: IncidentRow | None = None) -> None:
        def entry(row: IncidentRow) -> LogRow:
            return LogRow(
                at=row.changed_at, change="open", actor="trực ban", comment="", detail={},
                verb="update" if before else "add", units_before=before.units if before else [],
                item=b"{}",
            )  # fmt: skip

        async with self.writes.connection() as conn:
            await incident_log.save(conn, [(row, entry(row)) for row in rows])

    async def codes(self, now: datetime = START, **wanted: Any) -> list[str]:
        found = await incident_rows.listed(self.reads, Wanted(**wanted), now)
        return [row.code[-1] for row in found]

    async def counts(self, now: datetime) -> dict[str, float]:
        found = await incident_counts.counts(
            self.reads, date(2026, 11, 1), date(2026, 12, 1), zone=ZONE, now=now
        )
        return {name: count for name, count in found.over(["so-a"]).items() if count}


@pytest.fixture
async def room(database: str, pools: tuple[ReadPool, WritePool]) -> Room:
    await a_province(database, "so-a", "so-b")
    made = Room(database, pools)
    async with made.writes.connection() as conn:
        await incident_rows.put_plan(conn, PLAN)
    return made


async def test_a_plan_is_read_as_it_was_put(room: Room) -> None:
    assert await incident_rows.read_plan(room.reads) == PLAN


async def test_an_incident_comes_back_as_it_was_stored(room: Room) -> None:
    row = replace(ended(1, 5, longitude=105.2, latitude=21.1), support=["so-b"])
    await room.put(row)
    assert await incident_rows.one(room.reads, row.incident_id) == row
    later = replace(row, state="closed", closed_at=row.changed_at, support=[], version=2)
    await room.put(later, before=row)
    assert await incident_rows.one(room.reads, row.incident_id) == later


async def test_numbers_of_a_year_follow_each_other_without_a_gap(room: Room) -> None:
    async with room.writes.connection() as conn:
        first = await incident_rows.next_code(conn, 2026)
        await conn.rollback()
        second = [await incident_rows.next_code(conn, 2026) for _ in range(2)]
        other = await incident_rows.next_code(conn, 2027)
    assert first == second[0] == "VV-2026-000001"
    assert (second[1], other) == ("VV-2026-000002", "VV-2027-000001")


async def test_incidents_are_found_by_what_is_asked(room: Room) -> None:
    await room.put(
        a_row(1, START, title="Ngập đường Hùng Vương"),
        a_row(2, START + MINUTE, support=("so-b",), exercise=True),
        ended(3, 5, category=ROAD),
    )
    assert await room.codes() == ["2", "3", "1"]
    assert await room.codes(states=["open"]) == ["2", "1"]
    assert await room.codes(category="hu-duong") == ["3"]
    assert await room.codes(unit="so-b") == await room.codes(units=["so-b"]) == ["2"]
    assert await room.codes(units=[]) == []
    assert await room.codes(exercise=False) == ["3", "1"]
    assert await room.codes(words=asked_words("hung vuo")) == ["1"]
    assert await room.codes(words=asked_words("VV-2026-000003")) == ["3"]
    late = START + timedelta(days=1)
    assert await room.codes(late, overdue=True) == ["2", "1"]
    assert await room.codes(late, overdue=False) == ["3"]
    assert await room.codes(since=START + MINUTE) == ["2"]
    assert await room.codes(until=START + MINUTE) == ["3", "1"]


async def test_pages_follow_each_other_without_a_gap(room: Room) -> None:
    await room.put(*(a_row(number) for number in range(1, 8)))
    found: list[str] = []
    before: tuple[datetime, UUID] | None = None
    while True:
        page = await incident_rows.listed(room.reads, Wanted(before=before, limit=3), START)
        found += [row.code[-1] for row in page]
        if len(page) < 3:
            break
        before = page[-1].opened_at, page[-1].incident_id
    assert found == list("7654321")


async def test_offsets_follow_commits_and_tell_who_saw_it_before(room: Room) -> None:
    row = a_row(1, support=("so-b",))
    await room.put(row)
    await room.put(replace(row, support=[]), before=row)
    offset, tail = await incident_log.tail(room.reads, since=START, limit=10)
    assert (offset, [news.log_offset for news in tail]) == (2, [1, 2])
    assert (tail[1].units, tail[1].units_before) == (["so-a"], ["so-a", "so-b"])
    assert await incident_log.changed_after(room.reads, 1, limit=10) == tail[1:]


async def test_times_are_measured_against_deadlines_and_drills_never_count(room: Room) -> None:
    await room.put(
        ended(1, 10),
        ended(2, 600, Result.FALSE),
        ended(3, 10, Result.EXERCISE, exercise=True),
        a_row(4, START, exercise=True),
    )
    assert await room.counts(START + timedelta(days=1)) == {
        "incidents_opened": 2,
        "incidents_acknowledged": 2, "incidents_acknowledge_due": 2,
        "incidents_acknowledged_on_time": 1, "incidents_acknowledge_minutes": 610,
        "incidents_assigned": 2, "incidents_assign_due": 2, "incidents_assigned_on_time": 1,
        "incidents_assign_minutes": 610, "incidents_resolved": 2, "incidents_resolve_due": 2,
        "incidents_resolved_on_time": 1, "incidents_resolve_minutes": 610, "incidents_false": 1,
    }  # fmt: skip


async def test_what_nobody_does_is_late_as_soon_as_its_deadline_has_passed(room: Room) -> None:
    await room.put(a_row(1))
    assert await room.counts(START + MINUTE) == {"incidents_opened": 1}
    due = await room.counts(START + timedelta(hours=5))
    assert due == {
        "incidents_opened": 1, "incidents_acknowledge_due": 1, "incidents_assign_due": 1,
        "incidents_resolve_due": 1, "incidents_overdue": 1,
    }  # fmt: skip


async def test_the_database_closes_nothing_without_a_result(room: Room) -> None:

    with pytest.raises(psycopg.errors.CheckViolation):
        await room.put(a_row(1, state=State.CLOSED, closed_at=START))


async def test_another_checklist_keeps_what_was_done(room: Room) -> None:
    row = a_row(1)
    await room.put(row)
    incident = row.incident_id
    async with room.writes.connection() as conn:
        await incident_parts.put_steps(conn, incident, FLOOD.steps)
        await incident_parts.mark_step(conn, incident, "bao-cao", at=START, by="an", note="xong")
        await incident_parts.put_steps(conn, incident, [])
    steps = await incident_parts.steps(room.reads, incident)
    assert [(step.step, step.done_by) for step in steps] == [("bao-cao", "an")]


async def test_an_alert_that_does_not_exist_joins_nothing(room: Room) -> None:
    row = a_row(1)
    await room.put(row)
    with pytest.raises(NotFound):
        async with room.writes.connection() as conn:
            await incident_parts.join_alert(conn, row.incident_id, uuid7(START), START)


async def test_an_alert_is_read_with_the_incident_that_has_it(room: Room) -> None:
    row = a_row(1)
    await room.put(row)
    alert = AlertRow(
        alert_id=uuid7(START), fingerprint="a", rule_id="a", kind="threshold", severity="high",
        series_id=None, feed_key=None, unit_key=None, state="active", pending_since=START,
        active_since=START, reason="x",
    )  # fmt: skip
    entry = alerts.LogRow(
        alert_id=alert.alert_id, at=START, change="held", actor="", comment="", verb="add",
        item=b"{}",
    )  # fmt: skip

    async def held_by() -> str | None:
        [found] = await alerts.not_closed(room.reads)
        return found.incident_code

    async with room.writes.connection() as conn:
        await alerts.save(conn, [(alert, entry)], after=0)
        await incident_parts.join_alert(conn, row.incident_id, alert.alert_id, START)
    assert await held_by() == row.code
    async with room.writes.connection() as conn:
        assert await incident_parts.leave_alert(conn, row.incident_id, alert.alert_id)
        assert not await incident_parts.leave_alert(conn, row.incident_id, alert.alert_id)
    assert await held_by() is None


async def test_a_file_comes_back_part_by_part(room: Room) -> None:
    row = a_row(1)
    await room.put(row)
    body = bytes(range(256)) * (PART_BYTES // 128)
    file = FileRow(
        file_id=uuid7(START), name="a.pdf", media_type="application/pdf", size=len(body),
        sha256="x", added_at=START, added_by="an",
    )  # fmt: skip
    async with room.writes.connection() as conn:
        assert await incident_files.add(conn, row.incident_id, file, body)
        same = replace(file, file_id=uuid7(START + MINUTE))
        assert not await incident_files.add(conn, row.incident_id, same, body)
    found = [part async for part in incident_files.parts(room.reads, file)]
    assert [len(part) for part in found] == [PART_BYTES, PART_BYTES]
    assert b"".join(found) == body


async def test_callers_are_forgotten_some_time_after_the_close(room: Room) -> None:
    closed = replace(ended(1, 5), state="closed", closed_at=START + 5 * MINUTE)
    await room.put(closed, a_row(2))
    async with room.writes.connection() as conn:
        for row in await incident_rows.listed(room.reads, Wanted(), START):
            caller = CallerRow("Bí Mật", "0912", "an")
            await incident_contacts.put(conn, row.incident_id, caller, START)
    known = "SELECT count(*) FROM incident_contact"
    await housekeeping.keep_house(room.url, START + timedelta(days=PLAN.keep_contact))
    assert await rows_of(room.url, known) == [(2,)]
    await housekeeping.keep_house(room.url, START + timedelta(days=PLAN.keep_contact + 1))
    assert await rows_of(room.url, known) == [(1,)]

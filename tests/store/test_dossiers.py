"""Dossiers: the newest state counts, and the sums by month are what a naive count says."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.ids import uuid7
from ioc.store import dossiers
from ioc.store.dossiers import SUMMED, DossierRow, Merged, Refusal
from ioc.store.pool import ReadPool, WritePool, connect
from tests.fixtures.store import NOW, ZONE, a_feed_key, a_province, adds_up, ledger_rows, rows_of

VIETNAM = ZoneInfo(ZONE)
UNITS = ("so-a", "so-b")
START, END = date(2026, 1, 1), date(2027, 1, 1)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


def _row(code: str = "HS-1", **more: Any) -> DossierRow:
    given: dict[str, Any] = {
        "dossier_id": uuid7(NOW), "code": code, "procedure": "1.001", "field": "",
        "received_unit": "so-a", "handling_unit": "so-a", "applicant_unit": None,
        "channel": "online", "received_at": _at("2026-03-02T08:00"), "due_at": None,
        "resolved_at": None, "outcome": None, "changed_at": _at("2026-03-02T08:00"),
    }  # fmt: skip
    return DossierRow(**{**given, **more})


class Office:
    """A feed of dossiers of a province with two departments."""

    def __init__(self, url: str, pools: tuple[ReadPool, WritePool], units: dict[str, int]) -> None:
        self.url, self.reads, self.writes, self.units = url, *pools, units
        self.feed = 0

    async def put(self, *rows: DossierRow, refused: Sequence[Refusal] = (), **more: Any) -> Merged:
        return await dossiers.put(
            self.writes, self.feed, rows, refused, units=self.units, zone=ZONE, now=NOW, **more
        )

    async def recount(self) -> int:
        counted = 0
        while step := await dossiers.recount(self.writes, zone=ZONE, now=NOW):
            counted += step
        return counted

    async def months(self) -> dict[tuple[str, date], dict[str, int]]:
        """The counts by unit and month, without rows of nothing but 0."""
        found = await dossiers.monthly(self.reads, since=START, until=END)
        return {
            (unit, month): counts
            for month, by_unit in found.items()
            for unit, counts in by_unit.items()
            if any(counts.values())
        }

    async def dirty(self) -> set[tuple[str, str]]:
        found = await rows_of(
            self.url, "SELECT id, month::text FROM dossier_dirty JOIN unit USING (unit_key)"
        )
        return {(unit, month) for unit, month in found}


@pytest.fixture
async def office(database: str, pools: tuple[ReadPool, WritePool]) -> Office:
    made = Office(database, pools, await a_province(database, *UNITS))
    made.feed = await a_feed_key(database)
    return made


def _naive(rows: Sequence[DossierRow]) -> dict[tuple[str, date], dict[str, int]]:
    found: dict[tuple[str, date], dict[str, int]] = {}

    def count(unit: str, at: datetime, name: str) -> None:
        month = at.astimezone(VIETNAM).date().replace(day=1)
        found.setdefault((unit, month), dict.fromkeys(SUMMED, 0))[name] += 1

    for row in rows:
        count(row.handling_unit, row.received_at, f"received_{row.channel}")
        if row.resolved_at is None:
            continue
        due, resolved = row.due_at, row.resolved_at
        if due is None:
            name = "resolved_undated"
        elif resolved > due:
            name = "resolved_late"
        elif resolved.astimezone(VIETNAM).date() < due.astimezone(VIETNAM).date():
            name = "resolved_early"
        else:
            name = "resolved_on_time"
        count(row.handling_unit, resolved, name)
    return found


_edges = st.sampled_from(
    [_at(f"2026-{month:02}-{day:02}T{time}") for month, day, time in [
        (1, 31, "23:59:59.999999"), (2, 1, "00:00"), (2, 28, "23:30"), (3, 1, "06:59"),
        (3, 1, "07:00"), (3, 31, "12:00"),
    ]]
)  # fmt: skip
_states = st.builds(
    lambda code, unit, channel, received, due, resolved, changed: _row(
        f"HS-{code}", handling_unit=unit, channel=channel, received_at=received, due_at=due,
        resolved_at=resolved, changed_at=_at("2026-04-01T00:00") + timedelta(hours=changed),
    ),
    st.integers(0, 3), st.sampled_from(UNITS), st.sampled_from(["direct", "online", "post"]),
    _edges, st.none() | _edges, st.none() | _edges, st.integers(0, 5),
)  # fmt: skip


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.lists(_states, max_size=4), st.booleans()), min_size=1, max_size=6))
async def test_the_sums_are_a_naive_count_of_the_newest_states(
    office: Office, batches: list[Any]
) -> None:
    await rows_of(office.url, "TRUNCATE dossier, dossier_sum, dossier_dirty")
    office.feed = await a_feed_key(office.url)
    held: dict[str, DossierRow] = {}
    received = 0
    for rows, count_now in batches:
        batch = {row.code: row for row in rows}
        stored = [row for row in batch.values() if row.code not in held]
        merged = await office.put(*batch.values())
        received += len(batch)
        assert merged.stored == len(stored)
        assert merged.stored + merged.corrected + merged.duplicate == len(batch)
        for row in batch.values():
            before = held.get(row.code)
            if before is None or row.changed_at >= before.changed_at:
                held[row.code] = row
        if count_now:
            await office.recount()
    await office.recount()
    assert await office.months() == _naive(list(held.values()))
    assert await office.dirty() == set()
    ledger = await ledger_rows(office.url, office.feed)
    assert all(adds_up(row) for row in ledger)
    assert sum(row["received"] for row in ledger) == received


async def test_an_older_state_never_replaces_a_newer_one(office: Office) -> None:
    await office.put(_row(channel="post", changed_at=_at("2026-03-05T08:00")))
    merged = await office.put(_row(channel="direct", changed_at=_at("2026-03-04T08:00")))
    assert (merged.corrected, merged.duplicate) == (0, 1)
    assert await rows_of(office.url, "SELECT channel FROM dossier") == [("post",)]


async def test_a_state_confirmed_later_is_not_replaced_by_one_of_between(office: Office) -> None:
    for day in (2, 9):
        await office.put(_row(channel="post", changed_at=_at(f"2026-03-0{day}T08:00")))
    merged = await office.put(_row(channel="direct", changed_at=_at("2026-03-05T08:00")))
    assert merged.duplicate == 1
    assert await rows_of(office.url, "SELECT channel FROM dossier") == [("post",)]


async def test_the_same_state_again_is_a_duplicate_and_makes_nothing_dirty(office: Office) -> None:
    await office.put(_row())
    await office.recount()
    merged = await office.put(_row())
    assert (merged.stored, merged.corrected, merged.duplicate) == (0, 0, 1)
    assert await office.dirty() == set()


@pytest.mark.parametrize(
    ("resolved", "name"),
    [
        ("2026-03-08T23:59:59", "resolved_early"),
        ("2026-03-09T00:00", "resolved_on_time"),
        ("2026-03-09T17:00", "resolved_on_time"),
        ("2026-03-09T17:00:00.000001", "resolved_late"),
        ("2026-03-10T00:00", "resolved_late"),
    ],
)
async def test_early_is_a_day_before_and_late_is_a_moment_after(
    office: Office, resolved: str, name: str
) -> None:
    await office.put(_row(due_at=_at("2026-03-09T17:00"), resolved_at=_at(resolved)))
    await office.recount()
    [counts] = (await office.months()).values()
    assert {key for key, count in counts.items() if count} == {"received_online", name}


async def test_a_dossier_without_a_due_time_is_neither_early_nor_late(office: Office) -> None:
    await office.put(_row(resolved_at=_at("2026-03-09T17:00")))
    await office.recount()
    [counts] = (await office.months()).values()
    assert {k for k, n in counts.items() if n} == {"received_online", "resolved_undated"}


async def test_a_dossier_that_moves_makes_the_month_and_unit_it_left_dirty_too(
    office: Office,
) -> None:
    await office.put(_row(resolved_at=_at("2026-04-30T23:00")))
    await office.recount()
    moved = _row(
        handling_unit="so-b", received_at=_at("2026-05-01T00:00"),
        resolved_at=_at("2026-06-01T00:00"), changed_at=_at("2026-06-01T00:00"),
    )  # fmt: skip
    await office.put(moved)
    assert await office.dirty() == {
        ("so-a", "2026-03-01"), ("so-a", "2026-04-01"), ("so-b", "2026-05-01"),
        ("so-b", "2026-06-01"),
    }  # fmt: skip
    await office.recount()
    assert await office.months() == _naive([moved])


async def test_a_change_during_a_count_is_counted_by_the_next_one(office: Office) -> None:
    await office.put(_row("HS-1"))
    async with await connect(office.url) as counting:
        await counting.execute("SELECT 1 FROM dossier_dirty FOR UPDATE")
        putting = asyncio.create_task(office.put(_row("HS-2")))
        async with asyncio.timeout(20):
            while not putting.done() and not await rows_of(  # noqa: ASYNC110, another session
                office.url,
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
                "AND wait_event_type = 'Lock'",
            ):
                await asyncio.sleep(0.01)
        await counting.execute("DELETE FROM dossier_dirty")
        await counting.commit()
    await putting
    assert await office.dirty() == {("so-a", "2026-03-01")}


async def test_a_count_passes_over_a_month_that_is_just_being_changed(office: Office) -> None:
    await office.put(_row("HS-1"), _row("HS-2", handling_unit="so-b"))
    async with await connect(office.url) as changing:
        await changing.execute(
            "UPDATE dossier_dirty SET month = month WHERE unit_key = %s", [office.units["so-b"]]
        )
        assert await office.recount() == 1
    assert await office.dirty() == {("so-b", "2026-03-01")}


async def test_one_feeds_code_is_not_the_other_feeds(office: Office) -> None:
    await office.put(_row())
    office.feed = await a_feed_key(office.url)
    assert (await office.put(_row())).stored == 1


async def test_refused_dossiers_and_repeated_codes_stand_in_the_ledger(office: Office) -> None:
    refused = [Refusal(1, b'{"x":1}', "shape_invalid", "a\x00b")]
    await office.put(_row(), refused=refused, repeated=2)
    [row] = await ledger_rows(office.url, office.feed)
    assert (row["received"], row["stored"], row["duplicate"], row["quarantined"]) == (4, 1, 2, 1)
    kept = await rows_of(office.url, "SELECT item_index, payload, detail FROM quarantine")
    assert kept == [(1, b'{"x":1}', "a\\0b")]


async def test_what_is_in_hand_and_overdue_is_counted_by_handling_unit(office: Office) -> None:
    await office.put(
        _row("HS-1", due_at=NOW - timedelta(seconds=1)), _row("HS-2", due_at=NOW),
        _row("HS-3"), _row("HS-4", resolved_at=NOW), _row("HS-5", handling_unit="so-b"),
    )  # fmt: skip
    assert await dossiers.in_hand(office.reads, NOW) == {
        "so-a": {"in_hand": 3, "in_hand_overdue": 1},
        "so-b": {"in_hand": 1, "in_hand_overdue": 0},
    }


async def test_codes_with_characters_of_the_copy_format_come_through(office: Office) -> None:
    codes = ["a\tb", "a\\b", "\\N", "a\nb", "đ'\"", "\\."]
    await office.put(*(_row(code) for code in codes))
    found = await rows_of(office.url, "SELECT code FROM dossier")
    assert sorted(row[0] for row in found) == sorted(codes)

"""Dossiers: the newest state counts, and the counts by day are what a naive count says."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.dossier import DossierState
from ioc.kpi.cube import EPOCH
from ioc.store import dossier_sums, dossiers
from ioc.store.dossier_sums import BEGINNING, SUMMED
from ioc.store.dossiers import Merged, Refusal
from ioc.store.pool import ReadPool, WritePool, connect
from tests.fixtures.store import NOW, ZONE, a_feed_key, a_province, adds_up, ledger_rows, rows_of

VIETNAM = ZoneInfo(ZONE)
UNITS = ("so-a", "so-b")
START, END = date(2026, 1, 1), date(2027, 1, 1)


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


def _row(code: str = "HS-1", **more: Any) -> DossierState:
    given: dict[str, Any] = {
        "code": code, "procedure": "1.001", "field": "",
        "received_unit": "so-a", "handling_unit": "so-a", "applicant_unit": None,
        "channel": "online", "received_at": _at("2026-03-02T08:00"), "due_at": None,
        "resolved_at": None, "outcome": None, "changed_at": _at("2026-03-02T08:00"),
    }  # fmt: skip
    return DossierState(**{**given, **more})


class Office:
    """A feed of dossiers of a province with two departments."""

    def __init__(self, url: str, pools: tuple[ReadPool, WritePool], units: dict[str, int]) -> None:
        self.url, self.reads, self.writes, self.units = url, *pools, units
        self.feed = 0

    async def put(
        self, *rows: DossierState, refused: Sequence[Refusal] = (), **more: Any
    ) -> Merged:
        return await dossiers.put(
            self.writes, self.feed, rows, refused, units=self.units, zone=ZONE, now=NOW, **more
        )

    async def recount(self) -> int:
        counted = 0
        while step := await dossier_sums.recount(self.writes):
            counted += step
        return counted

    async def days(self) -> dict[tuple[str, date], dict[str, int]]:
        """What is counted by unit and day, without the zeros."""
        found = await dossier_sums.changed(self.reads, after=BEGINNING)
        if found is None:
            return {}
        counts = {
            (unit, date.fromordinal(EPOCH + int(day))): {
                name: int(count) for name, count in zip(SUMMED, row, strict=True) if count
            }
            for unit, day, row in zip(found.units, found.days, found.values, strict=True)
        }
        return {key: row for key, row in counts.items() if row}

    async def marked(self) -> set[tuple[str, str]]:
        found = await rows_of(
            self.url, "SELECT id, day::text FROM dossier_change JOIN unit USING (unit_key)"
        )
        return {(unit, day) for unit, day in found}


@pytest.fixture
async def office(database: str, pools: tuple[ReadPool, WritePool]) -> Office:
    made = Office(database, pools, await a_province(database, *UNITS))
    made.feed = await a_feed_key(database)
    return made


def _naive(rows: Sequence[DossierState]) -> dict[tuple[str, date], dict[str, int]]:
    found: dict[tuple[str, date], dict[str, int]] = {}

    def count(unit: str, at: datetime, *names: str) -> None:
        counts = found.setdefault((unit, at.astimezone(VIETNAM).date()), {})
        for name in names:
            counts[name] = counts.get(name, 0) + 1

    for row in rows:
        count(row.handling_unit, row.received_at, *_of_receipt(row))
        count(row.received_unit, row.received_at, "received_here")
        if row.received_unit != row.handling_unit:
            count(row.received_unit, row.received_at, "received_here_for_others")
        if row.resolved_at is not None:
            count(row.handling_unit, row.resolved_at, *_of_resolution(row))
        fell = _fell_overdue(row)
        if fell is not None:
            count(row.handling_unit, fell, "became_overdue")
            if row.resolved_at is not None:
                count(row.handling_unit, row.resolved_at, "resolved_overdue")
    return found


def _fell_overdue(row: DossierState) -> datetime | None:
    """A time of the first day at whose end the dossier was in hand and overdue."""
    if row.due_at is None:
        return None
    due = row.due_at + timedelta(seconds=row.paused_seconds)
    if row.paused_since is not None and row.paused_since <= due:
        return None
    fell = max(due, row.received_at)
    gone = row.resolved_at
    if gone is not None and gone.astimezone(VIETNAM).date() <= fell.astimezone(VIETNAM).date():
        return None
    return fell


def _of_receipt(row: DossierState) -> list[str]:
    names = [f"received_{row.channel}"]
    if row.level is not None and row.level not in ("1", "info"):
        names.append(
            f"received_level_{row.level}" if row.level in "234" else f"received_{row.level}"
        )
    if row.channel == "online" and row.level == "full":
        names.append("received_online_full")
    if row.channel == "online" and row.level in ("3", "4"):
        names.append("received_online_level_3_4")
    if row.digitised:
        names.append("received_digitised")
    if row.supplements:
        names.append("received_supplemented")
    return names


def _of_resolution(row: DossierState) -> list[str]:
    names = [f"resolved_{row.timeliness or 'undated'}"]
    if row.result_file:
        names.append("resolved_with_file")
    if row.result_file and row.digitised:
        names.append("resolved_digitised")
    if row.satisfaction is not None:
        names.append("asked")
    if row.satisfaction == "satisfied":
        names.append("satisfied")
    if row.satisfaction == "disliked" or row.timeliness == "late":
        names.append("rated_late_or_disliked")
    return names


_edges = st.sampled_from(
    [_at(f"2026-{month:02}-{day:02}T{time}") for month, day, time in [
        (1, 31, "23:59:59.999999"), (2, 1, "00:00"), (2, 28, "23:30"), (3, 1, "06:59"),
        (3, 1, "07:00"), (3, 31, "12:00"),
    ]]
)  # fmt: skip
_states = st.builds(
    lambda code, handling, changed, timeliness, **more: _row(
        f"HS-{code}", handling_unit=handling,
        changed_at=_at("2026-04-01T00:00") + timedelta(hours=changed),
        timeliness=None if more["resolved_at"] is None else timeliness, **more,
    ),
    code=st.integers(0, 3), handling=st.sampled_from(UNITS), changed=st.integers(0, 5),
    received_unit=st.sampled_from(UNITS), channel=st.sampled_from(["direct", "online", "post"]),
    received_at=_edges, due_at=st.none() | _edges, resolved_at=st.none() | _edges,
    timeliness=st.sampled_from([None, "early", "on_time", "late"]),
    level=st.sampled_from([None, "1", "2", "3", "4", "full", "partial", "info"]),
    digitised=st.sampled_from([None, True, False]), result_file=st.sampled_from([None, True]),
    paused_seconds=st.sampled_from([0, 1, 86_400]), paused_since=st.none() | _edges,
    supplements=st.integers(0, 2), satisfaction=st.sampled_from([None, "satisfied", "disliked"]),
)  # fmt: skip


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.lists(_states, max_size=4), st.booleans()), min_size=1, max_size=6))
async def test_the_sums_are_a_naive_count_of_the_newest_states(
    office: Office, batches: list[Any]
) -> None:
    await rows_of(office.url, "TRUNCATE dossier, dossier_day, dossier_change")
    office.feed = await a_feed_key(office.url)
    held: dict[str, DossierState] = {}
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
    assert await office.days() == _naive(list(held.values()))
    assert await office.marked() == set()
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
    assert await office.marked() == set()


async def test_a_dossier_without_a_due_time_is_neither_early_nor_late(office: Office) -> None:
    await office.put(_row(resolved_at=_at("2026-03-09T17:00")))
    await office.recount()
    assert [counts for (_, day), counts in (await office.days()).items() if day.day == 9] == [
        {"resolved_undated": 1}
    ]


async def test_a_dossier_that_moves_is_counted_anew_where_it_was_and_where_it_is(
    office: Office,
) -> None:
    await office.put(_row(due_at=_at("2026-04-09T17:00"), resolved_at=_at("2026-04-30T23:00")))
    await office.recount()
    moved = _row(
        handling_unit="so-b", received_at=_at("2026-05-01T00:00"), due_at=_at("2026-05-09T17:00"),
        resolved_at=_at("2026-06-01T00:00"), changed_at=_at("2026-06-01T00:00"),
    )  # fmt: skip
    await office.put(moved)
    assert await office.marked() == {
        ("so-a", "2026-03-02"), ("so-a", "2026-04-09"), ("so-a", "2026-04-30"),
        ("so-b", "2026-05-01"), ("so-b", "2026-05-09"), ("so-b", "2026-06-01"),
        ("so-a", "2026-05-01"),
    }  # fmt: skip
    await office.recount()
    assert await office.days() == _naive([moved])


async def test_a_change_while_a_count_runs_is_counted_by_the_next_one(office: Office) -> None:
    await office.put(_row("HS-1"))
    async with await connect(office.url) as changing:
        await changing.execute(
            "INSERT INTO dossier_change SELECT unit_key, '2026-03-09' FROM unit WHERE id = 'so-b'"
        )
        assert await office.recount() == 1
        await changing.commit()
    assert await office.marked() == {("so-b", "2026-03-09")}
    assert await office.recount() == 1


async def test_counts_that_two_processes_make_at_once_follow_one_another(office: Office) -> None:
    await office.put(*(_row(f"HS-{n}") for n in range(9)))
    counted = await asyncio.gather(*(office.recount() for _ in range(3)))
    assert sorted(counted) == [0, 0, 1]


async def test_bodies_that_name_the_same_dossier_at_once_are_stored_one_after_the_other(
    office: Office,
) -> None:
    states = [_row(changed_at=_at(f"2026-03-{day:02}T08:00"), channel="post") for day in (9, 3, 5)]
    states += [_row(changed_at=_at("2026-03-20T08:00"), channel="direct")]
    merged = await asyncio.gather(*(office.put(state) for state in states))
    assert sum(m.stored for m in merged) == 1
    assert await rows_of(office.url, "SELECT channel FROM dossier") == [("direct",)]


async def test_changes_come_in_parts_and_each_of_them_once(office: Office) -> None:
    for day in range(1, 8):
        await office.put(
            *(_row(f"HS-{day}-{u}", handling_unit=u, received_at=_at(f"2026-03-{day:02}T08:00"))
              for u in UNITS)
        )  # fmt: skip
        await office.recount()
    position, seen = BEGINNING, list[tuple[str, int]]()
    while found := await dossier_sums.changed(office.reads, after=position, most=3):
        position = found.position
        seen += zip(found.units, found.days.tolist(), strict=True)
        assert len(found.units) <= 3
    assert len(set(seen)) == len(seen) == 14


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
    second = timedelta(seconds=1)
    await office.put(
        _row("HS-1", due_at=NOW - second), _row("HS-2", due_at=NOW),
        _row("HS-3"), _row("HS-4", resolved_at=NOW), _row("HS-5", handling_unit="so-b"),
    )  # fmt: skip
    found = await dossier_sums.in_hand(office.reads, NOW)
    assert found.over(["so-a"]) == {"in_hand": 3, "in_hand_overdue": 1}
    assert found.over(["so-b"]) == {"in_hand": 1, "in_hand_overdue": 0}


async def test_pauses_put_off_the_due_time_and_an_open_one_stops_the_clock(office: Office) -> None:
    second = timedelta(seconds=1)
    await office.put(
        _row("HS-1", due_at=NOW - 2 * second, paused_seconds=2),
        _row("HS-2", due_at=NOW - 2 * second, paused_seconds=1),
        _row("HS-3", due_at=NOW - 2 * second, paused_since=NOW - 3 * second),
        _row("HS-4", due_at=NOW - 2 * second, paused_since=NOW - second),
    )
    found = await dossier_sums.in_hand(office.reads, NOW)
    assert found.over(["so-a"]) == {"in_hand": 4, "in_hand_overdue": 2}


async def test_codes_with_characters_of_the_copy_format_come_through(office: Office) -> None:
    codes = ["a\tb", "a\\b", "\\N", "a\nb", "đ'\"", "\\."]
    await office.put(*(_row(code) for code in codes))
    found = await rows_of(office.url, "SELECT code FROM dossier")
    assert sorted(row[0] for row in found) == sorted(codes)

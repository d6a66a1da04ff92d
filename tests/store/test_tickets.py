"""Tickets in the store: the newest state counts, people's moves stay, reporters are forgotten."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ioc.ids import uuid7
from ioc.kpi.counts import Counts
from ioc.model import Domain, Feed, Problem, Reason
from ioc.store import (
    housekeeping,
    ticket_contacts,
    ticket_intake,
    ticket_places,
    ticket_rows,
    tickets,
)
from ioc.store.pool import ReadPool, WritePool
from ioc.store.ticket_contacts import ContactRow
from ioc.store.ticket_intake import Merged, Offered, RefusedItem
from ioc.store.ticket_rows import TicketRow, Wanted
from ioc.tickets.life import Life, Outcome, State
from tests.fixtures.store import NOW, ZONE, a_feed_key, a_province, adds_up, ledger_rows, rows_of
from tests.fixtures.tickets import FIRE, PETITION, PLAN, deadlines

START = datetime(2026, 11, 9, 2, tzinfo=UTC)
"""A Monday, 9 o'clock in the province."""

REPORTER = ContactRow("Nguyễn Thị Bí Mật", "0912345678", "")


def _row(code: str = "PA-1", category: Any = FIRE, told: int = 0, **more: Any) -> TicketRow:
    """A ticket as its feed tells of it `told` hours after its receipt."""
    own = deadlines(category)
    words = {
        name: more.pop(name) for name in ("description", "longitude", "latitude") if name in more
    }
    received = more.pop("received_at", START)
    life = Life(
        kind=category.kind, category=category.id, received_at=received,
        **{"due_at": own.solve(received), **more},
    )  # fmt: skip
    at = received + timedelta(hours=told)
    blank = TicketRow(
        ticket_id=uuid7(NOW), feed="?", code=code, about=None, lead="so-b", satisfied=None,
        judged_due_at=life.due_at, always_late=False, address="", media_url="", run_here=False,
        told_at=at, changed_at=at, stored_at=NOW,
        **{"description": "", "longitude": None, "latitude": None, **words},
        **msgspec.structs.asdict(life),
    )  # fmt: skip
    return blank.living(life, own, PLAN)


def _solved(code: str = "PA-1", category: Any = FIRE, hours: float = 0.5, **more: Any) -> TicketRow:
    received = more.get("received_at", START)
    return _row(
        code, category, told=9, state=State.RESOLVED, outcome=Outcome.SOLVED,
        ended_at=received + timedelta(hours=hours), **{"unit": "so-a", **more},
    )  # fmt: skip


class Desk:
    """A feed of tickets of a province with two departments."""

    def __init__(self, url: str, pools: tuple[ReadPool, WritePool]) -> None:
        self.url, self.reads, self.writes = url, *pools
        self.feed: Feed

    async def open(self) -> None:
        key = await a_feed_key(self.url)
        [(id,)] = await rows_of(self.url, "SELECT id FROM feed WHERE feed_key = %s", key)
        self.feed = Feed(
            key=key, id=id, agency=id, agency_key=1, name=id, domain=Domain.SERVICE
        )  # fmt: skip

    async def put(
        self, *rows: TicketRow, contact: ContactRow | None = None, refused: Sequence[Any] = ()
    ) -> Merged:
        offered = [Offered(replace(row, feed=self.feed.id), contact) for row in rows]
        return await ticket_intake.put(self.writes, self.feed, offered, refused, now=NOW, size=10)

    async def all(self, **wanted: Any) -> list[TicketRow]:
        return await ticket_rows.listed(self.reads, Wanted(**wanted), NOW)

    async def one(self) -> TicketRow:
        [found] = await self.all()
        return found

    async def counts(self, **more: Any) -> Counts:
        given = {"start": date(2026, 11, 1), "end": date(2026, 12, 1), "zone": ZONE, "now": NOW}
        return await tickets.counts(self.reads, **{**given, **more})

    async def of(self, unit: str, **more: Any) -> dict[str, float]:
        """The counts of a unit that are not 0."""
        found = (await self.counts(**more)).over([unit])
        return {name: count for name, count in found.items() if count}

    async def contacts(self) -> list[str]:
        found = await rows_of(self.url, "SELECT name FROM ticket_contact")
        return [row[0] for row in found]


@pytest.fixture
async def desk(database: str, pools: tuple[ReadPool, WritePool]) -> Desk:
    await a_province(database, "so-a", "so-b")
    made = Desk(database, pools)
    await made.open()
    async with made.writes.connection() as conn:
        await ticket_rows.put_plan(conn, PLAN)
    return made


async def test_a_plan_is_read_as_it_was_put(desk: Desk) -> None:
    assert await ticket_rows.read_plan(desk.reads) == PLAN


async def test_a_ticket_comes_back_as_it_was_stored_with_its_life(desk: Desk) -> None:
    given = _solved(category=PETITION, hours=30, longitude=105.2, latitude=21.1)
    assert await desk.put(given) == Merged(stored=1)
    found = await desk.one()
    assert found == replace(given, feed=desk.feed.id)
    assert found.life == given.life


def _some(code: int, told: int, solved: bool) -> TicketRow:
    name, words = f"PA-{code}", f"lúc {told}"
    if solved:
        return _solved(name, description=words)
    return _row(name, told=told, description=words)


_states = st.builds(_some, st.integers(0, 2), st.integers(0, 5), st.booleans())


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(_states, max_size=3, unique_by=lambda row: row.code), max_size=5))
async def test_in_whatever_order_they_come_the_newest_state_stands(
    desk: Desk, batches: list[list[TicketRow]]
) -> None:
    await rows_of(desk.url, "TRUNCATE ticket CASCADE")
    await desk.open()
    newest: dict[str, TicketRow] = {}
    received = 0
    for rows in batches:
        known = set(newest)
        merged = await desk.put(*rows)
        assert merged.stored == len({row.code for row in rows} - known)
        assert merged.stored + merged.corrected + merged.duplicate == len(rows)
        received += len(rows)
        for row in rows:
            if row.code not in newest or row.told_at >= newest[row.code].told_at:
                newest[row.code] = row
    found = {row.code: (row.state, row.description) for row in await desk.all()}
    assert found == {code: (row.state, row.description) for code, row in newest.items()}
    ledger = await ledger_rows(desk.url, desk.feed.key)
    assert all(adds_up(row) for row in ledger)
    assert sum(row["received"] for row in ledger) == received


async def test_the_same_state_again_is_a_duplicate_and_makes_no_version(desk: Desk) -> None:
    await desk.put(_row())
    assert await desk.put(_row(told=3)) == Merged(duplicate=1)
    assert (await desk.one()).version == 1
    assert await desk.put(_row(told=2, description="cũ hơn")) == Merged(duplicate=1)


async def test_what_its_own_system_did_stands_in_the_timeline(desk: Desk) -> None:
    await desk.put(_row())
    await desk.put(_solved())
    found = await ticket_rows.timeline(desk.reads, (await desk.one()).ticket_id)
    assert [(row.version, row.from_state, row.to_state) for row in found] == [
        (1, None, "received"), (2, "received", "resolved"),
    ]  # fmt: skip
    assert {row.actor for row in found} == {f"feed:{desk.feed.id}"}


async def test_a_ticket_that_people_run_takes_the_words_of_its_sender_only(desk: Desk) -> None:
    await desk.put(_row())
    row = await desk.one()
    async with desk.writes.connection() as conn:
        await ticket_rows.save(conn, [(replace(row, state="verified", run_here=True), None)])
    assert (await desk.put(_solved(description="cháy to hơn"))).corrected == 1
    found = await desk.one()
    assert (found.state, found.ended_at, found.description) == ("verified", None, "cháy to hơn")


async def test_one_feeds_code_is_not_the_other_feeds(desk: Desk) -> None:
    await desk.put(_row())
    await desk.open()
    assert (await desk.put(_row())).stored == 1


async def test_refused_tickets_leave_a_hash_and_their_count(desk: Desk) -> None:
    problem = Problem(1, Reason.VALUE_INVALID, "`unit`")
    await desk.put(_row(), refused=[RefusedItem(problem, 40, digest=b"\x01" * 32)])
    [row] = await ledger_rows(desk.url, desk.feed.key)
    assert (row["received"], row["stored"], row["quarantined"]) == (2, 1, 1)
    kept = await rows_of(desk.url, "SELECT kind, payload, digest, bytes FROM quarantine")
    assert kept == [("tickets", b"", b"\x01" * 32, 40)]


async def test_who_reported_stands_in_one_table_and_goes_after_its_time(desk: Desk) -> None:
    await desk.put(_row(), contact=REPORTER)
    assert await desk.contacts() == [REPORTER.name]
    tables = await rows_of(
        desk.url,
        "SELECT relname FROM pg_class "
        "WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace",
    )
    holding = [
        name
        for (name,) in tables
        if await rows_of(desk.url, f"SELECT 1 FROM {name} AS t WHERE t::text LIKE %s", "%Bí Mật%")
    ]
    assert holding == ["ticket_contact"]
    kept = START + timedelta(days=PLAN.keep_contact)
    await housekeeping.keep_house(desk.url, kept)
    assert await desk.contacts() == [REPORTER.name]
    await housekeeping.keep_house(desk.url, kept + timedelta(seconds=1))
    assert await desk.contacts() == []
    await desk.put(_row(), contact=REPORTER)
    assert await desk.contacts() == []


async def test_a_contact_that_is_corrected_replaces_and_one_that_is_left_out_stays(
    desk: Desk,
) -> None:
    await desk.put(_row(), contact=REPORTER)
    await desk.put(_row(told=1))
    assert await desk.contacts() == [REPORTER.name]
    assert (await desk.put(_row(told=2), contact=ContactRow("Khác", "", ""))).corrected == 1
    assert await desk.contacts() == ["Khác"]
    async with desk.writes.connection() as conn:
        assert await ticket_contacts.forget(conn, (await desk.one()).ticket_id)
    assert await desk.contacts() == []


async def test_lists_are_cut_by_state_unit_lateness_words_and_page(desk: Desk) -> None:
    later = START + timedelta(days=1)
    await desk.put(
        _row("PA-1", description="100% ổ gà"), _solved("PA-2", received_at=later),
        _row("PA-3", PETITION, received_at=later + timedelta(days=1)),
    )  # fmt: skip

    async def codes(**wanted: Any) -> list[str]:
        return [row.code for row in await desk.all(**wanted)]

    assert await codes() == ["PA-3", "PA-2", "PA-1"]
    assert await codes(states=["resolved", "closed"]) == ["PA-2"]
    assert await codes(unit="so-a") == await codes(units=["so-a"]) == ["PA-2"]
    assert await codes(units=[]) == []
    assert await codes(overdue=True) == ["PA-1"]
    assert await codes(overdue=False) == ["PA-3", "PA-2"]
    for words in ("100%", "Ổ GÀ", "o ga", "pa-1"):
        assert await codes(words=words) == ["PA-1"]
    assert await codes(words="1_0") == []
    assert await codes(kind="petition") == ["PA-3"]
    assert await codes(since=later, until=later + timedelta(hours=1)) == ["PA-2"]
    [first] = await desk.all(limit=1)
    assert await codes(before=(first.received_at, first.ticket_id)) == ["PA-2", "PA-1"]


async def test_the_map_is_told_of_open_field_reports_that_have_a_place(desk: Desk) -> None:
    place: dict[str, Any] = {"longitude": 105.3, "latitude": 21.1}
    await desk.put(
        _row("PA-1", **place), _row("PA-2"), _row("PA-3", PETITION, **place),
        _solved("PA-4", **place), _row("PA-5", unit="so-a", state=State.ASSIGNED, **place),
    )  # fmt: skip
    found = await ticket_places.open_reports(desk.reads)
    assert sorted((report.state, report.unit, report.lead) for report in found) == [
        ("assigned", "so-a", "so-b"), ("received", None, "so-b"),
    ]  # fmt: skip
    assert {(report.longitude, report.latitude) for report in found} == {(105.3, 21.1)}


async def test_tickets_count_on_time_late_overdue_rated_and_false(desk: Desk) -> None:
    rated = {"state": State.RATED, "published_at": START + timedelta(hours=2)}
    await desk.put(
        _solved("PA-1"), _solved("PA-2", hours=1.5), _row("PA-3"),
        _row("PA-4", unit="so-a", state=State.ASSIGNED, due_at=NOW),
        replace(_solved("PA-5"), outcome="false_report"),
        _row("PA-6", outcome=Outcome.SOLVED, ended_at=START, unit="so-a", rating=4,
             rated_at=START + timedelta(hours=3), **rated),
        _row("PA-7", outcome=Outcome.SOLVED, ended_at=START, unit="so-a", rating=3,
             rated_at=START + timedelta(hours=3), **rated),
    )  # fmt: skip
    assert await desk.of("so-a") == {
        "tickets_received": 6, "tickets_resolved_on_time": 3, "tickets_resolved_late": 1,
        "tickets_rated": 2, "tickets_satisfied": 1, "tickets_false": 1,
        "field_reports_received": 6, "field_reports_due": 6, "field_reports_on_time": 5,
    }  # fmt: skip
    assert (await desk.of("so-b"))["tickets_overdue"] == 1
    assert await desk.of("so-a", category="quy-dinh") == {}


async def test_petitions_follow_the_rules_of_their_indicators(desk: Desk) -> None:
    before = datetime(2026, 10, 1, 2, tzinfo=UTC)
    await desk.put(
        _solved("KN-1", PETITION, hours=24 * 10),
        _solved("KN-2", PETITION, hours=24 * 10, supplements=2),
        _solved("KN-3", PETITION, hours=24 * 10, reopened=1),
        _solved("KN-4", PETITION, hours=24 * 5, received_at=before),
        _solved("KN-5", PETITION, hours=24 * 40, received_at=before),
        _row("KN-6", PETITION, unit="so-a", state=State.IN_PROGRESS),
    )  # fmt: skip
    found = await desk.of("so-a", now=NOW + timedelta(days=5))
    assert {name: count for name, count in found.items() if name.startswith("petitions")} == {
        "petitions_received": 4, "petitions_rules": 4, "petitions_due": 5, "petitions_on_time": 3,
        "petitions_disliked_repeated_late": 3,
    }  # fmt: skip


async def test_a_ticket_is_not_overdue_for_the_time_that_its_reporter_lets_it_wait(
    desk: Desk,
) -> None:
    waiting: dict[str, Any] = {"state": State.WAITING, "resumes": State.RECEIVED, "supplements": 1}
    in_time, too_late = START + timedelta(minutes=30), START + timedelta(hours=2)
    await desk.put(
        _row("PA-1", asked_at=in_time, first_asked_at=in_time, **waiting),
        _row("PA-2", asked_at=too_late, first_asked_at=too_late, **waiting),
    )  # fmt: skip
    assert [row.code for row in await desk.all(overdue=True)] == ["PA-2"]
    assert [row.code for row in await desk.all(overdue=False)] == ["PA-1"]
    found = await desk.of("so-b")
    assert (found["tickets_overdue"], found["field_reports_on_time"]) == (1, 1)


async def test_a_span_ends_at_the_midnight_of_the_province(desk: Desk) -> None:
    midnight = datetime(2026, 11, 30, 17, tzinfo=UTC)
    now = midnight + timedelta(days=2)
    await desk.put(
        _row("PA-1", received_at=midnight - timedelta(microseconds=1)),
        _row("PA-2", received_at=midnight),
    )  # fmt: skip
    assert (await desk.of("so-b", now=now))["tickets_received"] == 1
    following = {"start": date(2026, 12, 1), "end": date(2027, 1, 1), "now": now}
    found = await desk.of("so-b", **following)
    assert (found["tickets_received"], found["tickets_overdue"]) == (1, 2)


async def test_units_that_are_named_have_a_row_of_nothing(desk: Desk) -> None:
    found = await desk.counts(units=["so-a"])
    assert found.units == ("so-a",)
    assert found.over(["so-a"])["tickets_received"] == 0

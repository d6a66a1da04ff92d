"""Events of dossiers: the stored state is what all events and the newest whole state fold to."""

import asyncio
from datetime import date
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.dossier import Oddity
from ingest.dossier_events import History
from ingest.dossier_judge import judge
from ioc.city.folder import Folder
from ioc.city.read import packaged_city
from ioc.city.timing import read_timing
from ioc.procedures.timing import SupplementRule, Timing
from ioc.store import dossier_events, dossier_intake
from ioc.store.dossiers import Merged
from ioc.store.pool import ReadPool, WritePool, connect
from tests.fixtures.dossiers import a_dossier, a_receipt, an_event, decode, rules
from tests.fixtures.store import a_feed_key, a_province, adds_up, ledger_rows, rows_of

UNITS = ("so-y-te", "phu-tho")


def _day(day: int, hour: int = 8) -> str:
    return f"2026-11-{day:02}T{hour:02}:00:00+07:00"


class Desk:
    """A feed of dossiers, and what it stored."""

    def __init__(self, url: str, writes: WritePool, units: dict[str, int], feed: int) -> None:
        self.url, self.writes, self.units, self.feed = url, writes, units, feed

    async def send(self, *items: dict[str, Any]) -> Merged:
        """Send a body."""
        decoded = decode(list(items))
        return await dossier_intake.put(self.writes, self.feed, decoded, rules(), units=self.units)

    async def one(self, columns: str) -> tuple[Any, ...]:
        """Columns of the only dossier."""
        [row] = await self.all(columns)
        return row

    async def all(self, columns: str) -> list[tuple[Any, ...]]:
        return await rows_of(
            self.url,
            f"SELECT {columns} FROM dossier d JOIN unit u ON u.unit_key = d.handling_unit "
            "WHERE feed_key = %s ORDER BY code",
            self.feed,
        )


@pytest.fixture
async def desk(database: str, pools: tuple[ReadPool, WritePool]) -> Desk:
    units = await a_province(database, *UNITS)
    return Desk(database, pools[1], units, await a_feed_key(database))


async def test_events_alone_make_a_dossier_once_its_receipt_is_there(desk: Desk) -> None:
    waiting = await desk.send(an_event("resolved", _day(5)))
    assert (waiting.stored, await desk.all("code")) == (1, [])
    await desk.send(a_receipt(due_at="2026-11-09"))
    assert await desk.one("u.id, outcome, timeliness") == ("so-y-te", "granted", "early")


async def test_an_event_comes_on_top_of_the_state_that_was_stored_before(desk: Desk) -> None:
    await desk.send(a_dossier(field="y tế", supplements=1, device="mobile", changed_at=_day(3)))
    await desk.send(
        an_event("supplement_requested", _day(4)), an_event("moved", _day(5), handling_unit="25")
    )
    assert await desk.one("u.id, field, supplements, device") == (
        "phu-tho", "y tế", 2, "mobile",
    )  # fmt: skip


async def test_a_whole_state_does_not_undo_the_events_after_it(desk: Desk) -> None:
    await desk.send(a_receipt(), an_event("resolved", _day(6)))
    await desk.send(a_dossier(level="full", changed_at=_day(4)))
    assert await desk.one("outcome, level") == ("granted", "full")
    await desk.send(a_dossier(changed_at=_day(8)))
    assert await desk.one("outcome, level") == (None, None)


async def test_a_cancelled_event_takes_its_effect_back(desk: Desk) -> None:
    wrong = an_event("resolved", _day(6), id="7")
    await desk.send(a_receipt(), wrong)
    await desk.send({**wrong, "cancelled": True, "changed_at": _day(7)})
    assert await desk.one("outcome, resolved_at") == (None, None)


async def test_what_was_there_already_is_a_duplicate_and_the_ledger_adds_up(desk: Desk) -> None:
    rated = an_event("rated", _day(6), satisfaction="neutral")
    first = await desk.send(a_dossier(code="HS-2"), a_receipt(), rated, rated)
    assert first == Merged(stored=3, corrected=0, duplicate=1)
    again = await desk.send(
        a_dossier(code="HS-2"),
        a_receipt(),
        {**rated, "changed_at": _day(7), "satisfaction": "disliked"},
    )
    assert again == Merged(stored=0, corrected=1, duplicate=2)
    ledger = await ledger_rows(desk.url, desk.feed)
    assert all(adds_up(row) for row in ledger)
    assert sum(row["received"] for row in ledger) == 7


async def test_a_dossier_without_events_keeps_no_second_copy(desk: Desk) -> None:
    await desk.send(a_dossier(code="HS-2"), a_receipt())
    await desk.send(a_dossier(code="HS-2", changed_at=_day(5)))
    kept = await rows_of(
        desk.url, "SELECT DISTINCT code FROM dossier_event WHERE feed_key = %s", desk.feed
    )
    assert kept == [("HS-1",)]


@pytest.mark.parametrize("in_one_body", [True, False])
async def test_a_state_that_tells_another_unit_marks_the_dossier_for_good_in_any_order(
    desk: Desk, in_one_body: bool
) -> None:
    states = [
        a_dossier(changed_at=_day(3)),
        a_dossier(changed_at=_day(4), handling_unit="25"),
        a_dossier(changed_at=_day(5), level="full"),
    ]
    for order in permutations(states):
        desk.feed = await a_feed_key(desk.url)
        for body in [order] if in_one_body else [[state] for state in order]:
            await desk.send(*body)
        assert await desk.one("u.id, flags, level") == ("so-y-te", Oddity.MOVED, "full")
        assert await desk.send(states[2]) == Merged(stored=0, corrected=0, duplicate=1)


async def test_another_unit_of_a_dossier_that_was_done_is_no_move(desk: Desk) -> None:
    for day, unit in ((4, "so-y-te"), (5, "25")):
        await desk.send(a_dossier(changed_at=_day(day), resolved_at=_day(4), handling_unit=unit))
    assert await desk.one("u.id, flags") == ("phu-tho", 0)


async def test_a_move_that_is_cancelled_is_no_mark_of_the_stored_dossier(desk: Desk) -> None:
    moved = an_event("moved", _day(4), handling_unit="25", id="7")
    await desk.send(a_dossier(changed_at=_day(3)), moved)
    assert await desk.one("u.id, flags") == ("phu-tho", Oddity.MOVED)
    await desk.send({**moved, "cancelled": True, "changed_at": _day(6)})
    assert await desk.one("u.id, flags") == ("so-y-te", 0)


async def test_a_state_and_an_event_that_come_at_once_are_both_seen(desk: Desk) -> None:
    async with await connect(desk.url) as busy:
        await dossier_events.lock(busy, desk.feed)
        both = [
            asyncio.create_task(desk.send(a_dossier(changed_at=_day(3), level="full"))),
            asyncio.create_task(desk.send(an_event("resolved", _day(6)))),
        ]
        async with asyncio.timeout(20):
            while len(await rows_of(  # noqa: ASYNC110, another session
                desk.url,
                "SELECT FROM pg_stat_activity WHERE datname = current_database() "
                "AND wait_event = 'advisory'",
            )) < 2:  # fmt: skip
                await asyncio.sleep(0.01)
        await busy.commit()
    await asyncio.gather(*both)
    assert await desk.one("outcome, level") == ("granted", "full")


_days = st.integers(2, 9).map(_day)
_items = st.one_of(
    st.builds(lambda at, due: a_receipt(at, due_at=due), _days, _days),
    st.builds(
        lambda kind, at, changed, cancelled: an_event(
            kind, at, changed_at=changed, cancelled=cancelled
        ),
        st.sampled_from(
            ["supplement_requested", "supplemented", "paused", "resumed", "resolved", "refused"]
        ),
        _days, st.none() | _days, st.booleans(),
    ),
    st.builds(
        lambda at, unit: an_event("moved", at, handling_unit=unit), _days, st.sampled_from(UNITS)
    ),
    st.builds(
        lambda day, unit: a_dossier(
            changed_at=_day(day), supplements=day % 3, handling_unit=unit
        ),
        st.integers(2, 9), st.sampled_from(UNITS),
    ),
)  # fmt: skip

COLUMNS = (
    "u.id, received_at, due_at, resolved_at, outcome, supplements, paused_seconds, paused_since, "
    "changed_at, flags, timeliness"
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.lists(_items, max_size=4), max_size=5))
async def test_whatever_the_bodies_the_stored_state_is_the_fold_of_all_items(
    desk: Desk, bodies: list[list[dict[str, Any]]]
) -> None:
    desk.feed = await a_feed_key(desk.url)
    history = History()
    for body in bodies:
        merged = await desk.send(*body)
        assert merged.stored + merged.corrected + merged.duplicate == len(body)
        found = decode(list(body))
        for event in found.events:
            history.take_event(event)
        for state in found.dossiers:
            history.take_snapshot(state)
    state = history.state()
    if state is None:
        assert await desk.all("code") == []
        return
    judge([state], rules())
    assert await desk.one(COLUMNS) == (
        state.handling_unit, state.received_at, state.due_at, state.resolved_at, state.outcome,
        state.supplements, state.paused_seconds, state.paused_since, state.changed_at,
        state.flags, state.timeliness,
    )  # fmt: skip


async def test_the_rules_of_time_are_those_of_the_city_and_without_one_the_usual(
    desk: Desk,
) -> None:
    shipped = read_timing(Folder(packaged_city()))
    assert shipped == Timing()
    stricter = SupplementRule(valid_from=date(2026, 1, 1), most=0, legal_reference="thử")
    async with await connect(desk.url) as conn:
        await dossier_events.put_timing(conn, Timing(supplements=(stricter,), sources=()))
        found = await dossier_events.read_timing(conn)
        await conn.rollback()
    assert found == Timing(supplements=(stricter,), sources=())

"""What was in hand and overdue at the end of any day is what counting the dossiers then gives."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.dossier import DossierState
from ioc.flow.dossier_counts import HELD, DossierCounts
from ioc.kpi.period import days, parse_period
from ioc.store import dossier_drill, dossier_sums, dossiers
from ioc.store.dossier_lines import Chosen, Span
from ioc.store.migrate import migrate, migrations
from ioc.store.pool import ReadPool, WritePool, open_pools
from tests.fixtures.counted_dossiers import a_row
from tests.fixtures.store import ZONE, a_feed_key, a_province, rows_of
from tests.fixtures.twin_stores import an_empty_database

VIETNAM = ZoneInfo(ZONE)
UNITS = ("so-a", "so-b")
FIRST = date(2026, 2, 26)
LENGTH = 12


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), VIETNAM)


def _noon(day: date) -> datetime:
    return _midnight(day) + timedelta(hours=12)


NOW = _noon(FIRST + timedelta(days=LENGTH))


class Office:
    """A feed of dossiers of two departments, and their counts."""

    def __init__(self, url: str, pools: tuple[ReadPool, WritePool], units: dict[str, int]) -> None:
        self.url, self.reads, self.writes, self.units = url, *pools, units
        self.feed = 0
        self.counts = DossierCounts(*pools, ZONE)

    async def begin(self) -> None:
        """Without a dossier, in a feed of its own."""
        await rows_of(self.url, "TRUNCATE dossier, dossier_day, dossier_change")
        self.feed = await a_feed_key(self.url)
        self.counts = DossierCounts(self.reads, self.writes, ZONE)

    async def put(self, *rows: DossierState) -> None:
        await dossiers.put(self.writes, self.feed, rows, [], units=self.units, zone=ZONE, now=NOW)

    async def settle(self) -> None:
        """Count until nothing is left to be counted."""
        while await dossier_sums.recount(self.writes):
            pass
        await self.counts.refresh(NOW)

    async def held(self, end: date, now: datetime = NOW) -> dict[str, dict[str, float | None]]:
        """What is in hand and overdue of a period that ends before a day."""
        period = days(end - timedelta(days=1), end)
        found = (await self.counts.counts(HELD, period, now)).counts
        return {unit: found.over([unit]) for unit in UNITS if unit in found.units}


@pytest.fixture
async def office(database: str, pools: tuple[ReadPool, WritePool]) -> Office:
    made = Office(database, pools, await a_province(database, *UNITS))
    await made.begin()
    return made


_moments = st.builds(
    lambda day, at: _midnight(FIRST + timedelta(days=day)) + at,
    st.integers(0, LENGTH - 1),
    st.sampled_from([
        timedelta(0), timedelta(hours=6, minutes=59), timedelta(hours=7), timedelta(hours=17),
        timedelta(days=1, microseconds=-1),
    ]),
)  # fmt: skip


def _state(**told: Any) -> DossierState:
    """A dossier as it may be: not resolved, nor paused, before it came."""
    received = told["received_at"]
    for name in ("resolved_at", "paused_since"):
        told[name] = told[name] and max(told[name], received)
    return a_row(**told)


_states = st.builds(
    _state,
    code=st.integers(0, 5).map("HS-{}".format), handling_unit=st.sampled_from(UNITS),
    received_at=_moments, resolved_at=st.none() | _moments,
    due_at=st.none() | _moments | st.just(_noon(date(2199, 1, 1))),
    paused_seconds=st.sampled_from([0, 1, 86_400]), paused_since=st.none() | _moments,
    timeliness=st.sampled_from([None, "early", "late"]),
)  # fmt: skip
_bodies = st.lists(st.lists(_states, max_size=5, unique_by=lambda row: row.code), max_size=4)


def _one_by_one(rows: Sequence[DossierState], end: date) -> dict[str, dict[str, float | None]]:
    """In hand and overdue at the end of the day before `end`, of units that ever had a dossier."""
    found: dict[str, dict[str, float | None]] = {}
    for unit in {row.handling_unit for row in rows}:
        held = [
            row
            for row in rows
            if row.handling_unit == unit
            and row.received_at < _midnight(end)
            and (row.resolved_at is None or row.resolved_at >= _midnight(end))
        ]
        overdue = [row for row in held if _is_overdue(row, _midnight(end))]
        found[unit] = {"in_hand": float(len(held)), "in_hand_overdue": float(len(overdue))}
    return found


def _is_overdue(row: DossierState, at: datetime) -> bool:
    """By the return date of now, at a moment; while a dossier is paused its clock stands still."""
    looked = at if row.paused_since is None else min(at, row.paused_since)
    paused = timedelta(seconds=row.paused_seconds)
    return row.due_at is not None and row.due_at + paused < looked


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_bodies)
async def test_what_was_in_hand_and_overdue_on_any_day_is_what_counting_one_by_one_gives(
    office: Office, bodies: list[list[DossierState]]
) -> None:
    await office.begin()
    held: dict[str, DossierState] = {}
    for number, body in enumerate(bodies):
        for row in body:
            row.changed_at = NOW + timedelta(seconds=number)
            held[row.code] = row
        await office.put(*body)
        await office.counts.refresh(NOW)
    await office.settle()
    for day in range(LENGTH + 1):
        end = FIRST + timedelta(days=day)
        found = await office.held(end)
        expected = _one_by_one(list(held.values()), end)
        assert {unit: found[unit] for unit in expected} == expected
        assert all(not any(found[unit].values()) for unit in found.keys() - expected.keys())


async def test_counts_by_day_agree_with_those_that_a_form_makes_of_the_table(
    office: Office,
) -> None:
    rows = [
        a_row(
            f"HS-{n}", received_at=_noon(FIRST + timedelta(days=n % 5)),
            due_at=_noon(FIRST + timedelta(days=n % 7)), paused_seconds=n % 3 * 86_400,
            resolved_at=None if n % 4 else _noon(FIRST + timedelta(days=n % 5 + n % 6)),
            handling_unit=UNITS[n % 2],
        )
        for n in range(200)
    ]  # fmt: skip
    await office.put(*rows)
    await office.settle()
    for day in range(LENGTH):
        end = FIRST + timedelta(days=day)
        span = Span(end=end, at=_midnight(end))
        tallies = await dossier_drill.counted(office.reads, Chosen(), span, ["unit"])
        found = await office.held(end)
        for tally in tallies:
            [unit] = tally.key
            assert unit
            assert found[unit] == {
                "in_hand": tally.in_hand,
                "in_hand_overdue": tally.in_hand_overdue,
            }


async def test_a_return_date_that_is_moved_restates_the_days_past(office: Office) -> None:
    day = FIRST + timedelta(days=5)
    row = a_row("HS-1", received_at=_noon(FIRST), due_at=_noon(day - timedelta(days=2)))
    await office.put(row)
    await office.settle()
    assert (await office.held(day))["so-a"] == {"in_hand": 1, "in_hand_overdue": 1}
    row.due_at, row.changed_at = _noon(day), row.changed_at + timedelta(seconds=1)
    await office.put(row)
    await office.settle()
    assert (await office.held(day))["so-a"] == {"in_hand": 1, "in_hand_overdue": 0}
    assert (await office.held(day + timedelta(days=1)))["so-a"]["in_hand_overdue"] == 1


async def test_a_dossier_whose_day_comes_is_overdue_without_being_sent_again(
    office: Office,
) -> None:
    due = NOW.astimezone(VIETNAM).date() + timedelta(days=1)
    await office.put(a_row("HS-1", received_at=_noon(FIRST), due_at=_noon(due)))
    await office.settle()
    later = NOW + timedelta(days=2)
    await office.counts.refresh(later)
    assert (await office.held(due, now=later))["so-a"]["in_hand_overdue"] == 0
    ended = await office.held(due + timedelta(days=1), now=later)
    assert ended["so-a"] == {"in_hand": 1, "in_hand_overdue": 1}


async def test_return_dates_decades_ahead_take_no_room_in_memory(office: Office) -> None:
    await office.put(a_row("HS-1", received_at=_noon(FIRST)))
    await office.settle()
    before = office.counts.cube.nbytes
    await office.put(
        *(a_row(f"HS-{n}", due_at=_noon(date(2100 + n, 1, 1)), received_at=_noon(FIRST))
          for n in range(2, 90))
    )  # fmt: skip
    await office.settle()
    assert office.counts.cube.nbytes == before


async def test_what_is_in_hand_in_days_to_come_is_not_known(office: Office) -> None:
    await office.put(a_row("HS-1", received_at=_noon(FIRST), due_at=_noon(FIRST)))
    await office.settle()
    assert (await office.counts.counts(HELD, parse_period("2026-04"), NOW)).counts.measures == ()


async def test_while_a_period_runs_it_is_what_is_in_hand_and_overdue_now(office: Office) -> None:
    await office.put(
        a_row("HS-1", received_at=_noon(FIRST), due_at=NOW - timedelta(seconds=1)),
        a_row("HS-2", received_at=_noon(FIRST), due_at=NOW + timedelta(seconds=1)),
    )
    await office.settle()
    running = await office.counts.counts(HELD, parse_period("2026"), NOW)
    assert running.counts.over(["so-a"]) == {"in_hand": 2, "in_hand_overdue": 1}


async def test_dossiers_of_an_older_release_get_their_history(database_server: str) -> None:
    async with an_empty_database(database_server) as url:
        await migrate(url)
        units = await a_province(url, *UNITS)
        async with open_pools(url) as pools:
            office = Office(url, pools, units)
            await office.begin()
            await office.put(*_of_every_kind())
            columns = "SELECT code, overdue_day FROM dossier ORDER BY code"
            expected = await rows_of(url, columns)
            await rows_of(url, "UPDATE dossier SET overdue_day = NULL")
            await rows_of(url, _history())
            assert await rows_of(url, columns) == expected
            assert len({day for _, day in expected}) > 3


def _of_every_kind() -> list[DossierState]:
    days_on = [_noon(FIRST + timedelta(days=day)) for day in range(5)]
    return [
        a_row(
            f"HS-{due}-{gone}-{paused}", received_at=days_on[1], due_at=days_on[due],
            resolved_at=None if gone == 0 else days_on[gone],
            paused_since=None if paused == 0 else days_on[paused], paused_seconds=due * 3_600,
        )
        for due in range(5) for gone in (0, 2, 4) for paused in (0, 2)
    ]  # fmt: skip


def _history() -> str:
    """The statement of the migration that looks at stored dossiers."""
    [made] = [m for m in migrations("plain") if m.number == 27]
    [found] = [part for part in made.sql.split(";") if part.lstrip().startswith("UPDATE dossier")]
    return found

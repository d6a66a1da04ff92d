"""After a change of rules or days stored dossiers stand as if they had been judged by them."""

import logging
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.dossier import DossierState, Oddity
from ingest.dossier_judge import judge
from ingest.dossier_rules import DossierRules
from ioc.procedures.calendar import Calendar, Day
from ioc.procedures.catalogue import Catalogue, ProcedureVersion
from ioc.procedures.timing import SupplementRule, Timing
from ioc.store import dossier_judging, dossier_sums, dossiers
from ioc.store.dossier_judging import SETTLED
from ioc.store.pool import ReadPool, WritePool
from tests.fixtures.counted_dossiers import a_row
from tests.fixtures.decoding import VIETNAM
from tests.fixtures.dossiers import NOW, rules
from tests.fixtures.store import ZONE, a_feed_key, a_province, rows_of

FIRST = date(2026, 4, 20)
CATALOGUE = Catalogue([
    ProcedureVersion(
        code="1.1", valid_from=date(2020, 1, 1), name="", field="", unit="so-a", days=3,
        level="full",
    )
])  # fmt: skip


def _timing(*rules_of: tuple[date, int]) -> Timing:
    return Timing(
        supplements=tuple(
            SupplementRule(valid_from=since, most=most, legal_reference="")
            for since, most in rules_of
        )
    )


def _at(day: int) -> datetime:
    return datetime.combine(FIRST + timedelta(days=day), time(9), VIETNAM)


class Desk:
    """A feed of dossiers, and the rules and days of the moment."""

    def __init__(
        self, url: str, writes: WritePool, units: dict[str, int], feeds: list[int]
    ) -> None:
        self.url, self.writes, self.units, self.feeds = url, writes, units, feeds
        self.given: dict[str, Any] = {}
        self.now = NOW
        self.change(_timing(), Calendar())

    def change(self, timing: Timing, calendar: Calendar) -> None:
        self.given = {"timing": timing, "calendar": calendar, "terms": CATALOGUE}

    @property
    def rules(self) -> DossierRules:
        return rules(now=self.now, **self.given)

    async def begin(self) -> None:
        """Without a dossier, and with these rules and days."""
        await rows_of(self.url, "TRUNCATE dossier, dossier_day, dossier_change, dossier_judging")
        await self.step()

    async def put(self, *rows: DossierState, feed: int = 0) -> None:
        """Store dossiers judged by what holds."""
        judge(rows, self.rules)
        await dossiers.put(
            self.writes, self.feeds[feed], rows, [], units=self.units, zone=ZONE, now=NOW
        )

    async def step(self, most: int = 2) -> bool:
        return await dossier_judging.step(self.writes, self.rules, most=most)

    async def finish(self) -> int:
        """Judge until nothing is left to do; how many slices it took."""
        await self.step()
        self.now += SETTLED
        slices = 0
        while await self.step():
            slices += 1
        return slices

    async def found(self) -> dict[str, tuple[Any, ...]]:
        rows = await rows_of(
            self.url, "SELECT code, timeliness, flags, level, due_computed FROM dossier"
        )
        return {code: tuple(row) for code, *row in rows}

    async def counted(self) -> dict[str, int]:
        while await dossier_sums.recount(self.writes):
            pass
        names = ("resolved_early", "resolved_on_time", "resolved_late")
        columns = ", ".join(f"COALESCE(sum({name}), 0)::int" for name in names)
        [row] = await rows_of(self.url, f"SELECT {columns} FROM dossier_day")
        return dict(zip(names, row, strict=True))


@pytest.fixture
async def desk(database: str, pools: tuple[ReadPool, WritePool]) -> Desk:
    units = await a_province(database, "so-a", "so-b")
    made = Desk(database, pools[1], units, [await a_feed_key(database) for _ in range(2)])
    await made.begin()
    return made


def _late(code: str, supplements: int, **more: Any) -> DossierState:
    """Resolved before its return date, after some requests to supplement."""
    return a_row(
        code, procedure="1.1", received_at=_at(0), due_at=_at(9), resolved_at=_at(4),
        supplements=supplements, **more,
    )  # fmt: skip


STRICT = _timing((FIRST, 0))


async def test_a_stricter_rule_makes_stored_dossiers_late_and_the_counts_follow(
    desk: Desk,
) -> None:
    await desk.put(_late("HS-1", 1), _late("HS-2", 0))
    assert await desk.counted() == {"resolved_early": 2, "resolved_on_time": 0, "resolved_late": 0}
    desk.change(STRICT, Calendar())
    await desk.finish()
    assert await desk.counted() == {"resolved_early": 1, "resolved_on_time": 0, "resolved_late": 1}


@pytest.mark.parametrize("day", [1, 3])
async def test_another_day_of_rest_up_to_our_own_return_date_moves_it(desk: Desk, day: int) -> None:
    await desk.put(a_row("HS-1", procedure="1.1", received_at=_at(0), due_at=_at(4)))
    [(_, flags, _, due)] = (await desk.found()).values()
    desk.change(_timing(), Calendar([Day(FIRST + timedelta(days=day), False, "", "")]))
    await desk.finish()
    [(_, later_flags, _, later)] = (await desk.found()).values()
    assert (flags, later_flags) == (Oddity.DUE_DIFFERS, 0)
    assert later - due == timedelta(days=1)


async def test_a_return_date_that_becomes_a_day_of_rest_is_marked(desk: Desk) -> None:
    await desk.put(a_row("HS-1", procedure="1.1", received_at=_at(0), due_at=_at(8)))
    desk.change(_timing(), Calendar([Day(FIRST + timedelta(days=8), False, "", "")]))
    await desk.finish()
    [(_, flags, _, _)] = (await desk.found()).values()
    assert flags == Oddity.DUE_DIFFERS | Oddity.DUE_ON_REST_DAY


async def test_while_others_may_still_judge_as_before_nothing_is_judged(desk: Desk) -> None:
    await desk.put(_late("HS-1", 1))
    desk.change(STRICT, Calendar())
    await desk.step()
    desk.now += SETTLED - timedelta(seconds=1)
    assert not await desk.step()
    assert (await desk.found())["HS-1"][0] == "early"
    desk.now += timedelta(seconds=1)
    assert await desk.step()
    assert (await desk.found())["HS-1"][0] == "late"


async def test_slices_are_bounded_and_go_over_all_feeds(desk: Desk) -> None:
    for feed in (0, 1):
        await desk.put(*(_late(f"HS-{feed}-{n}", 1) for n in range(5)), feed=feed)
    desk.change(STRICT, Calendar())
    assert await desk.finish() == 6
    assert {found[0] for found in (await desk.found()).values()} == {"late"}


async def test_only_what_is_in_doubt_is_judged(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "ioc.store.dossier_judging")
    await desk.put(_late("HS-1", 2), _late("HS-2", 1), _late("HS-3", 0), _late("HS-4", 0))
    desk.change(_timing((FIRST, 1)), Calendar())
    await desk.finish()
    assert f"with supplement requests, filed from {FIRST} up to" in caplog.text
    assert "2 dossiers were judged anew, 1 otherwise" in caplog.text


async def test_dossiers_of_which_nobody_knows_by_what_they_were_judged_are_all_judged(
    desk: Desk,
) -> None:
    await desk.put(_late("HS-1", 1))
    await rows_of(desk.url, "TRUNCATE dossier_judging")
    await rows_of(desk.url, "UPDATE dossier SET timeliness = 'on_time', flags = 64, level = NULL")
    await desk.finish()
    assert (await desk.found())["HS-1"][:3] == ("early", Oddity.MOVED | Oddity.DUE_DIFFERS, "full")


async def test_once_all_are_judged_nothing_is_done_until_the_next_change(desk: Desk) -> None:
    await desk.put(_late("HS-1", 1))
    desk.change(STRICT, Calendar())
    assert await desk.finish() == 1
    assert await desk.finish() == 0


_days = st.integers(0, 14)
_grounds = st.tuples(
    st.lists(
        st.tuples(_days.map(lambda n: FIRST + timedelta(days=n)), st.integers(0, 2)), max_size=2
    ).map(lambda found: _timing(*found)),
    st.dictionaries(_days, st.booleans(), max_size=3).map(
        lambda days: Calendar(
            Day(FIRST + timedelta(days=n), working, "", "") for n, working in days.items()
        )
    ),
)
_rows = st.lists(
    st.builds(
        lambda code, filed, due, lasts, supplements: a_row(
            f"HS-{code}", procedure="1.1", received_at=_at(filed), supplements=supplements,
            due_at=None if due is None else _at(due),
            resolved_at=None if lasts is None else _at(filed + lasts),
        ),
        st.integers(0, Oddity.DUE_DIFFERS), _days, st.none() | _days, st.none() | st.integers(0, 9),
        st.integers(0, 3),
    ),
    max_size=6, unique_by=lambda row: row.code,
)  # fmt: skip


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(_rows, _grounds, st.integers(0, 4)), min_size=1, max_size=4))
async def test_whenever_rules_change_all_stand_in_the_end_as_the_last_ones_judge(
    desk: Desk, changes: list[tuple[list[DossierState], tuple[Timing, Calendar], int]]
) -> None:
    await desk.begin()
    held: dict[str, DossierState] = {}
    for number, (rows, grounds, steps) in enumerate(changes):
        for row in rows:
            row.changed_at = NOW + timedelta(seconds=number)
            held[row.code] = row
        await desk.put(*rows)
        desk.change(*grounds)
        await desk.step()
        desk.now += SETTLED
        for _ in range(steps):
            await desk.step()
    await desk.finish()
    states = list(held.values())
    judge(states, desk.rules)
    assert await desk.found() == {
        s.code: (s.timeliness, s.flags, s.level, s.due_computed) for s in states
    }
    counted = await desk.counted()
    await rows_of(desk.url, "INSERT INTO dossier_change SELECT unit_key, day FROM dossier_day")
    assert await desk.counted() == counted

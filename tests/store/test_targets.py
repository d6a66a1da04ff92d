"""Targets: later decisions end earlier ones, and nothing is overwritten without a trace."""

from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from ioc.city.spec import CityTarget
from ioc.errors import Conflict
from ioc.org import Level, Organisation, UnitVersion
from ioc.store import targets
from ioc.store.pool import ReadPool, WritePool
from ioc.store.targets import Target
from tests.fixtures.store import a_province

NOW = datetime(2026, 11, 22, tzinfo=UTC)

Pools = tuple[ReadPool, WritePool]


def target(since: str, until: str | None = None, value: float = 51, **more: Any) -> Target:
    return Target(
        "online-share", more.pop("unit", "so-a"), date.fromisoformat(since),
        None if until is None else date.fromisoformat(until), value, "up", f"QĐ {value:g}", **more,
    )  # fmt: skip


@pytest.fixture
async def writes(database: str, pools: Pools) -> WritePool:
    await a_province(database, "so-a", "so-b")
    return pools[1]


async def test_a_later_decision_ends_the_earlier_one_on_its_first_day(writes: WritePool) -> None:
    async with writes.connection() as conn:
        await targets.assign(conn, target("2026-01-01", "2027-01-01"), by="an", now=NOW)
        replaced = await targets.assign(
            conn, target("2026-07-01", "2027-01-01", 60), by="an", now=NOW
        )
        held = await targets.read(conn)
    assert [(t.value, t.valid_from, t.valid_until) for t in held] == [
        (51, date(2026, 1, 1), date(2026, 7, 1)),
        (60, date(2026, 7, 1), date(2027, 1, 1)),
    ]
    assert [(r.value, r.valid_until) for r in replaced] == [(51, date(2027, 1, 1))]


async def test_one_that_was_decided_for_later_days_is_not_replaced_from_behind(
    writes: WritePool,
) -> None:
    async with writes.connection() as conn:
        await targets.assign(conn, target("2026-07-01", value=60), by="an", now=NOW)
        with pytest.raises(Conflict, match=r"from 2026-07-01 .* write `until` 2026-07-01"):
            await targets.assign(conn, target("2026-01-01", value=55), by="an", now=NOW)
        await targets.assign(conn, target("2026-01-01", "2026-07-01", 55), by="an", now=NOW)
        held = await targets.read(conn)
    assert [t.value for t in held] == [60, 55]


async def test_one_that_is_replaced_on_its_first_day_stays_as_history(writes: WritePool) -> None:
    async with writes.connection() as conn:
        await targets.assign(conn, target("2026-01-01", value=60), by="an", now=NOW)
        await targets.assign(conn, target("2026-01-01", value=70, unit="so-b"), by="an", now=NOW)
        await targets.assign(conn, target("2026-01-01", value=55), by="an", now=NOW)
        held = await targets.read(conn)
        ever = await targets.read(conn, replaced=True)
    assert {(t.unit, t.value) for t in held} == {("so-a", 55), ("so-b", 70)}
    assert [(t.value, t.replaced_at) for t in ever if t.unit == "so-a"] == [(60, NOW), (55, None)]


async def test_targets_of_one_unit_and_indicator_never_overlap(
    writes: WritePool, database: str
) -> None:
    async with writes.connection() as conn:
        await targets.assign(conn, target("2026-01-01"), by="an", now=NOW)
    with pytest.raises(psycopg.errors.ExclusionViolation):
        async with await psycopg.AsyncConnection.connect(database) as conn:
            await conn.execute(
                "INSERT INTO target (indicator_id, unit_key, validity, value, direction, document, "
                "changed_by) SELECT indicator_id, unit_key, validity, 1, 'up', 'x', 'y' FROM target"
            )


def described(unit: str = "so-a") -> CityTarget:
    return CityTarget(
        indicator="online-share", unit=unit, valid_from=date(2026, 1, 1),
        valid_until=date(2027, 1, 1), value=51, direction="up", document="KH", sample=True,
    )  # fmt: skip


async def test_what_people_assigned_gives_way_to_the_citys_files_and_stays_as_history(
    writes: WritePool,
) -> None:
    files = [described("so-a"), described("so-b")]
    async with writes.connection() as conn:
        assert await targets.load(conn, files, now=NOW) == 0
        assert await targets.changed_in_product(conn, files) == []
        await targets.assign(conn, target("2026-07-01", "2027-01-01", 65), by="an", now=NOW)
        assert await targets.changed_in_product(conn, files) == ["target online-share of so-a"]
        assert await targets.load(conn, files, now=NOW) == 2
        assert await targets.changed_in_product(conn, files) == []
        held = {(t.unit, t.value, t.valid_from) for t in await targets.read(conn)}
        ever = [t.value for t in await targets.read(conn, replaced=True) if t.replaced_at]
    assert held == {("so-a", 51, date(2026, 1, 1)), ("so-b", 51, date(2026, 1, 1))}
    assert 65 in ever


async def test_what_the_citys_files_say_nothing_of_stays_as_people_assigned_it(
    writes: WritePool,
) -> None:
    async with writes.connection() as conn:
        await targets.assign(conn, target("2025-07-01", "2028-01-01", 65), by="an", now=NOW)
        await targets.assign(conn, target("2026-01-01", value=70, unit="so-b"), by="an", now=NOW)
        await targets.load(conn, [described("so-a")], now=NOW)
        held = await targets.read(conn)
    assert sorted((t.unit, t.value, t.valid_from, t.valid_until) for t in held) == [
        ("so-a", 51, date(2026, 1, 1), date(2027, 1, 1)),
        ("so-a", 65, date(2025, 7, 1), date(2026, 1, 1)),
        ("so-a", 65, date(2027, 1, 1), date(2028, 1, 1)),
        ("so-b", 70, date(2026, 1, 1), None),
    ]


async def test_a_target_comes_back_with_its_decision(writes: WritePool) -> None:
    wanted = target(
        "2026-01-01", decided_on=date(2025, 12, 20), decided_by="so-b",
        must_cascade_by=date(2026, 2, 1),
    )  # fmt: skip
    async with writes.connection() as conn:
        await targets.assign(conn, wanted, by="an", now=NOW)
        assert await targets.read(conn) == [wanted]


def test_a_target_ends_with_its_unit_and_follows_no_merge() -> None:
    def version(unit: str, since: str, until: str | None) -> UnitVersion:
        return UnitVersion(
            unit=unit, valid_from=date.fromisoformat(since), name=unit, short_name=unit,
            valid_until=None if until is None else date.fromisoformat(until),
            level=Level.DEPARTMENT, parent=None,
        )  # fmt: skip

    known = Organisation(
        [
            version("so-a", "2020-01-01", "2026-03-01"),
            version("so-a", "2026-03-01", "2026-07-01"),
            version("so-b", "2026-07-01", None),
        ]
    )
    held = targets.within_units(
        [
            target("2026-01-01", "2027-01-01"),
            target("2026-01-01", "2026-02-01"),
            target("2026-08-01"),
            target("2026-08-01", unit="so-b"),
        ],
        known,
    )
    assert [(t.unit, t.valid_until) for t in held] == [
        ("so-a", date(2026, 7, 1)), ("so-a", date(2026, 2, 1)), ("so-b", None)
    ]  # fmt: skip

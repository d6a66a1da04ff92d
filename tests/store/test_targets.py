"""Targets: later decisions end earlier ones, and what people assign outlives the city's files."""

from datetime import date
from typing import Any

import psycopg
import pytest

from ioc.city.spec import CityTarget
from ioc.store import targets
from ioc.store.pool import ReadPool, WritePool
from ioc.store.targets import Target
from tests.fixtures.store import a_province

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
        await targets.assign(conn, target("2026-01-01", "2027-01-01"), by="an")
        replaced = await targets.assign(conn, target("2026-07-01", "2027-01-01", 60), by="an")
        held = await targets.read(conn)
    assert [(t.value, t.valid_from, t.valid_until) for t in held] == [
        (51, date(2026, 1, 1), date(2026, 7, 1)),
        (60, date(2026, 7, 1), date(2027, 1, 1)),
    ]
    assert [(r.value, r.valid_until) for r in replaced] == [(51, date(2027, 1, 1))]


async def test_one_that_begins_later_is_replaced_and_other_units_keep_theirs(
    writes: WritePool,
) -> None:
    async with writes.connection() as conn:
        await targets.assign(conn, target("2026-07-01", value=60), by="an")
        await targets.assign(conn, target("2026-07-01", value=70, unit="so-b"), by="an")
        await targets.assign(conn, target("2026-01-01", value=55), by="an")
        held = await targets.read(conn)
    assert {(t.unit, t.value) for t in held} == {("so-a", 55), ("so-b", 70)}


async def test_targets_of_one_unit_and_indicator_never_overlap(
    writes: WritePool, database: str
) -> None:
    async with writes.connection() as conn:
        await targets.assign(conn, target("2026-01-01"), by="an")
    with pytest.raises(psycopg.errors.ExclusionViolation):
        async with await psycopg.AsyncConnection.connect(database) as conn:
            await conn.execute(
                "INSERT INTO target (indicator_id, unit_key, validity, value, direction, document, "
                "changed_by) SELECT indicator_id, unit_key, validity, 1, 'up', 'x', 'y' FROM target"
            )


async def test_what_people_assign_outlives_loading_the_city_again(writes: WritePool) -> None:
    described = [
        CityTarget(
            indicator="online-share", unit=unit, valid_from=date(2026, 1, 1),
            valid_until=date(2027, 1, 1), value=51, direction="up", document="KH", sample=True,
        )
        for unit in ("so-a", "so-b")
    ]  # fmt: skip
    async with writes.connection() as conn:
        assert await targets.load(conn, described) == 0
        assert await targets.changed_in_product(conn) == []
        await targets.assign(conn, target("2026-01-01", "2027-01-01", 65), by="an")
        assert await targets.changed_in_product(conn) == ["target online-share of so-a"]
        assert await targets.load(conn, described) == 1
        held = {(t.unit, t.value) for t in await targets.read(conn)}
    assert held == {("so-a", 65), ("so-b", 51)}


async def test_a_target_comes_back_with_its_decision(writes: WritePool) -> None:
    wanted = target(
        "2026-01-01", decided_on=date(2025, 12, 20), decided_by="so-b",
        must_cascade_by=date(2026, 2, 1),
    )  # fmt: skip
    async with writes.connection() as conn:
        await targets.assign(conn, wanted, by="an")
        assert await targets.read(conn) == [wanted]

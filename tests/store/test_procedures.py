"""Procedures and days of the calendar: kept with their versions, read back, counted."""

from datetime import date
from typing import Any

from ingest.dossier import DossierState, Way
from ioc.org import Level
from ioc.procedures.calendar import Day
from ioc.procedures.catalogue import SCHEMES, ProcedureVersion, Scheme
from ioc.store import calendar, dossiers, procedures
from ioc.store.pool import ReadPool, WritePool
from ioc.store.procedures import SERVICES
from tests.fixtures.store import NOW, ZONE, a_feed_key, a_province, rows_of

Pools = tuple[ReadPool, WritePool]


def version(code: str, since: str = "2020-01-01", **more: Any) -> ProcedureVersion:
    given: dict[str, Any] = {"name": "Đăng ký", "field": "Hộ tịch", "tier": Level.COMMUNE}
    if "unit" in more:
        given["tier"] = None
    return ProcedureVersion(code=code, valid_from=date.fromisoformat(since), **{**given, **more})


async def test_versions_come_back_as_they_were_put(database: str, pools: Pools) -> None:
    await a_province(database, "so-a")
    kept = [
        version("1.001", valid_until=date(2022, 8, 15), level="4"),
        version(
            "1.001", "2022-08-15", level="full", unit="so-a", days=1.5, fee=True, parts="abg",
            decided_on=date(2022, 8, 1), displayed_on=date(2022, 8, 3), sample=True,
        ),
        version("1.002", paper_result=True, for_people=True, population_data=True),
    ]  # fmt: skip
    _, writes = pools
    async with writes.connection() as conn:
        await procedures.put(conn, kept, by="city")
        found = await procedures.read(conn)
    assert [v for code in found for v in found.versions(code)] == kept


async def test_putting_a_procedure_again_replaces_its_versions_and_no_others(
    database: str, pools: Pools
) -> None:
    await a_province(database, "so-a")
    _, writes = pools
    async with writes.connection() as conn:
        await procedures.put(conn, [version("1.001"), version("1.002")], by="city")
        await procedures.put(conn, [version("1.001", name="Tên mới")], by="an")
        found = await procedures.read(conn)
        assert [v.name for v in found.versions("1.001")] == ["Tên mới"]
        assert "1.002" in found
        assert await procedures.changed_in_product(conn, ["1.001", "1.002"]) == ["1.001"]


async def test_schemes_of_ones_own_replace_those_that_the_product_knows(
    database: str, pools: Pools
) -> None:
    _, writes = pools
    async with writes.connection() as conn:
        assert (await procedures.read(conn)).schemes == SCHEMES
        own = [Scheme(id="own", levels=("full",), legal_reference="Luật mẫu")]
        await procedures.put_schemes(conn, own)
        assert list((await procedures.read(conn)).schemes) == own


async def test_a_service_with_dossiers_is_counted_once_where_it_is_in_competence(
    database: str, pools: Pools
) -> None:
    units = await a_province(database, "so-a", "xa-b", "xa-c")
    await rows_of(database, "UPDATE identity SET province = 'so-a' RETURNING 1")
    reads, writes = pools
    async with writes.connection() as conn:
        await procedures.put(conn, [version("1.001"), version("1.002", unit="xa-c")], by="city")
    feed = await a_feed_key(database)

    def row(code: str, procedure: str, unit: str, channel: Way, level: str | None) -> DossierState:
        return DossierState(
            code=code, procedure=procedure, field="", received_unit=unit,
            handling_unit=unit, applicant_unit=None, channel=channel, received_at=NOW,
            due_at=None, resolved_at=None, outcome=None, changed_at=NOW, level=level,
        )  # fmt: skip

    rows = [
        row("1", "1.001", "xa-b", "online", "full"),
        row("2", "1.001", "xa-c", "online", "full"),
        row("3", "1.002", "xa-b", "online", "partial"),
        row("4", "1.003", "xa-b", "direct", None),
    ]
    await dossiers.put(writes, feed, rows, [], units=units, zone=ZONE, now=NOW)
    found = await procedures.with_dossiers(reads, date(2000, 1, 1), date(2100, 1, 1))
    at_province = found.over(["so-a"])
    assert {name: at_province[name] for name in SERVICES if at_province[name]} == {
        "services_with_dossiers": 1, "services_full_with_dossiers": 1,
    }  # fmt: skip
    assert found.over(["xa-c"])["services_partial_with_dossiers"] == 1
    assert found.over(["xa-b"])["services_with_dossiers"] is None
    empty = await procedures.with_dossiers(reads, date(1999, 1, 1), date(2000, 1, 1))
    assert empty.units == ()


async def test_a_day_that_is_set_wins_until_it_is_let_go(database: str, pools: Pools) -> None:
    _, writes = pools
    day = date(2026, 1, 2)
    async with writes.connection() as conn:
        assert (await calendar.read(conn)).works(day)
        await calendar.put(conn, [Day(day, False, "Nghỉ hoán đổi", "12729/VPCP-KGVX")])
        assert not (await calendar.read(conn)).works(day)
        assert await calendar.drop(conn, day)
        assert (await calendar.read(conn)).works(day)
        assert not await calendar.drop(conn, day)

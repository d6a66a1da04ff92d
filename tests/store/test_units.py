"""Units in the database: what the files say holds, also when they are loaded again."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from ioc.errors import Conflict
from ioc.org import Contact, Level, Organisation, Passage, UnitEvent, UnitVersion
from ioc.store import units
from ioc.store.pool import connect

START, CHANGE = date(2020, 1, 1), date(2025, 7, 1)
SQUARE = {"type": "Polygon", "coordinates": [[[105, 21], [106, 21], [106, 22], [105, 21]]]}
OTHER = {"type": "Polygon", "coordinates": [[[103, 21], [104, 21], [104, 22], [103, 21]]]}


def version(unit: str, start: date = START, **more: Any) -> UnitVersion:
    said = {"name": unit, "short_name": unit, "level": Level.COMMUNE, **more}
    return UnitVersion(unit=unit, valid_from=start, **said)


def event(*passages: Passage, id: str = "e", units: Sequence[str] = ()) -> UnitEvent:
    return UnitEvent(
        id=id, kind="merge", effective=CHANGE, legal_reference="-", units=tuple(units),
        passages=passages,
    )  # fmt: skip


async def put(
    url: str, *versions: UnitVersion, where: str = units.CITY, demo: bool = True
) -> Organisation:
    async with await connect(url) as conn:
        await units.put_versions(conn, versions, where, demo=demo)
        return await units.organisation(conn)


async def outlined(
    url: str, shapes: dict[str, Any], where: str = units.CITY
) -> tuple[int, dict[str, str]]:
    async with await connect(url) as conn:
        named = {unit: (shape, where) for unit, shape in shapes.items()}
        done = await units.put_outlines(conn, named, where, on=CHANGE)
        return done, {unit: o[1] for unit, o in (await units.outlines(conn, CHANGE)).items()}


async def test_all_that_a_version_says_comes_back(database: str) -> None:
    whole = version(
        "whole", valid_until=CHANGE, level=Level.PROVINCE, codes={"gso": "25", "eid": "H44"},
        contact=Contact(post="Chánh Văn phòng", name="Nguyễn Văn A", phone="0210 384 6000"),
        area_km2=3.5, point=(105.5, 21.5),
    )  # fmt: skip
    part = version("part", valid_until=CHANGE, parent="whole")
    found = await put(database, whole, part)
    assert (list(found.versions("whole")), list(found.versions("part"))) == ([whole], [part])


async def test_made_up_contacts_are_for_a_demo(database: str) -> None:
    made_up = version("a", contact=Contact(phone="0000 000 001", sample=True))
    assert (await put(database, made_up, demo=False)).get("a", START).contact is None
    assert (await put(database, made_up, demo=True)).get("a", START).contact == made_up.contact


async def test_versions_and_units_that_a_file_no_longer_describes_go(database: str) -> None:
    first = version("a", valid_until=CHANGE)
    await put(database, first, version("a", CHANGE), version("b"))
    found = await put(database, version("a", name="one"))
    assert [v.name for v in found.versions("a")] == ["one"]
    assert "b" not in found


async def test_what_another_file_describes_stays(database: str) -> None:
    await put(database, version("city-unit"))
    await put(database, version("a"), version("b"), where="units.csv")
    found = await put(database, version("a"), where="units.csv")
    assert set(found) == {"city-unit", "a"}


async def test_a_unit_whose_whole_went_is_named(database: str) -> None:
    await put(database, version("whole"))
    await put(database, version("part", parent="whole"), where="units.csv")
    with pytest.raises(Conflict, match="unit part is part of whole, which is not described"):
        await put(database, version("another"))


async def test_one_code_of_two_units_at_one_time_is_named(database: str) -> None:
    await put(database, version("a", valid_until=CHANGE, codes={"gso": "00004"}))
    await put(database, version("b", CHANGE, codes={"gso": "00004"}), where="units.csv")
    with pytest.raises(Conflict, match=r"gso:00004 is the code of .* on 2025-07-01"):
        await put(database, version("a", codes={"gso": "00004"}))


async def test_an_event_that_changed_holds_as_it_is_now(database: str) -> None:
    await put(database, version("a"), version("b"), version("c"))
    async with await connect(database) as conn:
        half = Passage("a", "b", 0.5, "area"), Passage("a", "c", 0.5, "area")
        await units.put_events(conn, [event(*half), event(id="gone", units=["c"])])
        now = [event(Passage("a", "c", 1.0, "whole"), units=["b"])]
        await units.put_events(conn, now)
        assert list((await units.organisation(conn)).events) == now


async def test_an_outline_stays_with_its_version_when_units_are_loaded_again(
    database: str,
) -> None:
    await put(database, version("a"), version("b"))
    assert await outlined(database, {"a": SQUARE}, "survey.shp") == (1, {"a": "survey.shp"})
    await put(database, version("a", name="new name"), version("b"))
    assert (await outlined(database, {}))[1] == {"a": "survey.shp"}


async def test_the_folder_of_the_city_steps_back_before_a_file_of_outlines(
    database: str,
) -> None:
    await put(database, version("a"), version("b"))
    assert (await outlined(database, {"a": SQUARE, "b": SQUARE}))[0] == 2
    await outlined(database, {"a": OTHER}, "survey.shp")
    done, found = await outlined(database, {"a": SQUARE, "b": SQUARE})
    assert (done, found) == (1, {"a": "survey.shp", "b": units.CITY})


async def test_an_outline_that_the_folder_no_longer_has_goes(database: str) -> None:
    await put(database, version("a"), version("b"))
    await outlined(database, {"a": SQUARE, "b": SQUARE})
    assert (await outlined(database, {"b": SQUARE}))[1] == {"b": units.CITY}


async def test_an_outline_is_that_of_the_version_of_the_day(database: str) -> None:
    await put(database, version("a", valid_until=CHANGE), version("a", CHANGE))
    await outlined(database, {"a": SQUARE})
    async with await connect(database) as conn:
        assert await units.outlines(conn, START) == {}

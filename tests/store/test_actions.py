"""Dated actions: those of the city's files are set anew, those of people stay."""

from datetime import date
from typing import Any

import pytest

from ioc.kpi.action import Action
from ioc.model import Text
from ioc.store import actions
from ioc.store.pool import ReadPool, WritePool
from tests.fixtures.store import a_province

Pools = tuple[ReadPool, WritePool]


def action(id: str, **more: Any) -> Action:
    given: dict[str, Any] = {
        "unit": "so-a", "kind": "fee_cut", "name": Text("Giảm cước", "Fee cut"),
        "valid_from": date(2026, 4, 1), "valid_until": date(2026, 7, 1), "document": "CV 1",
        "indicators": ("online-share", "post-share"),
    }  # fmt: skip
    return Action(id=id, **{**given, **more})


@pytest.fixture
async def stores(database: str, pools: Pools) -> Pools:
    await a_province(database, "so-a", "so-b")
    return pools


async def test_an_action_comes_back_as_it_was_noted(stores: Pools) -> None:
    reads, writes = stores
    made = [action("a"), action("b", unit="so-b", valid_until=None)]
    async with writes.connection() as conn:
        for one in made:
            assert await actions.add(conn, one, by="an")
    assert await actions.read(reads) == made


async def test_loading_the_city_again_drops_what_its_files_say_no_more_and_nothing_of_people(
    stores: Pools,
) -> None:
    reads, writes = stores
    async with writes.connection() as conn:
        await actions.load(conn, [action("a"), action("b")])
        await actions.add(conn, action("c"), by="an")
        await actions.load(conn, [action("b", document="CV 2"), action("c", document="CV 3")])
    found = {one.id: one.document for one in await actions.read(reads)}
    assert found == {"b": "CV 2", "c": "CV 1"}

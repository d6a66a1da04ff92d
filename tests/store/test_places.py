"""Features that payloads place and move: what is written, when, and what is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ingest.payload import Place, point
from ioc.flow.placing import MOVED_METRES, PAUSE_SECONDS, Placing
from ioc.model import Feed
from ioc.store import feeds
from ioc.store.pool import ReadPool, WritePool, connect
from ioc.store.registry import FeatureRow, Registry, put_features
from tests.fixtures.decoding import a_feed

NOW = datetime(2026, 11, 22, tzinfo=UTC)
BOUNDS = (104.75, 20.25, 105.95, 21.8)

Pools = tuple[ReadPool, WritePool]


@pytest.fixture
async def world(database: str, pools: Pools) -> tuple[Registry, Placing]:
    async with await connect(database) as conn:
        agency, _ = await feeds.agency_key(conn, "so-gtvt", NOW)
        for name, auto in (("buses", True), ("roads", False)):
            key = await feeds.add(
                conn, id=name, agency=agency, name=name, domain="traffic", format="auto",
                auto_series=auto, now=NOW, most_series=3,
            )  # fmt: skip
        row = FeatureRow("km1", "Cầu số 1", "traffic", None, None, None, {"lanes": 2})
        await put_features(conn, key, [row])
    registry = Registry()
    await registry.load(pools[0])
    return registry, Placing(registry, pools[1], BOUNDS)


def _place(feature: str, longitude: float, latitude: float, **more: Any) -> Place:
    return Place(feature=feature, geometry=point(longitude, latitude), **more)


def _at(registry: Registry, feature: str) -> Any:
    found = registry.features.get(feature)
    return None if found is None or found.geometry is None else found.geometry["coordinates"]


def _feed(registry: Registry, name: str = "buses") -> Feed:
    return registry.feed_by_id[name]


async def test_an_unknown_feature_of_an_auto_feed_is_made_and_the_database_knows_it(
    world: tuple[Registry, Placing], pools: Pools
) -> None:
    registry, placing = world
    before = registry.generation
    assert placing.note(_feed(registry), [_place("xe-1", 105.4, 21.3, name="Xe 1")]) == []
    await placing.write(0.0)
    found = registry.features["buses/xe-1"]
    assert (found.name, found.layer) == ("Xe 1", "traffic")
    assert _at(registry, "buses/xe-1") == [105.4, 21.3]
    made = registry.since(before)
    assert made is not None
    assert [feature.id for feature in made.features] == ["buses/xe-1"]
    again = Registry()
    await again.load(pools[0])
    assert again.features["buses/xe-1"] == found


async def test_a_described_feature_is_placed_and_keeps_its_name_and_attributes(
    world: tuple[Registry, Placing],
) -> None:
    registry, placing = world
    place = _place("km1", 105.4, 21.3, name="khác", attributes={"surface": "nhựa"})
    placing.note(_feed(registry, "roads"), [place, _place("km2", 105.4, 21.3)])
    await placing.write(0.0)
    found = registry.features["roads/km1"]
    assert (found.name, found.attributes) == ("Cầu số 1", {"lanes": 2, "surface": "nhựa"})
    assert _at(registry, "roads/km1") == [105.4, 21.3]
    assert "roads/km2" not in registry.features


async def test_many_moves_are_one_write_after_the_pause_and_the_newest_counts(
    world: tuple[Registry, Placing],
) -> None:
    registry, placing = world
    feed = _feed(registry)
    placing.note(feed, [_place("xe-1", 105.4, 21.3)])
    await placing.write(0.0)
    before = registry.generation
    for step in range(1, 20):
        placing.note(feed, [_place("xe-1", 105.4 + step / 1000, 21.3)])
        placing.note(feed, [_place("xe-2", 105.4, 21.3)])
        await placing.write(PAUSE_SECONDS - 0.1)
    assert registry.generation == before
    await placing.write(PAUSE_SECONDS)
    assert registry.generation == before + 1
    assert _at(registry, "buses/xe-1") == pytest.approx([105.419, 21.3])
    assert _at(registry, "buses/xe-2") == [105.4, 21.3]


async def test_a_move_of_a_few_metres_is_none(world: tuple[Registry, Placing]) -> None:
    registry, placing = world
    feed = _feed(registry)
    placing.note(feed, [_place("xe-1", 105.4, 21.3)])
    await placing.write(0.0)
    degrees = MOVED_METRES / 111_195
    for near, moved in ((0.9 * degrees, False), (1.1 * degrees, True)):
        before = registry.generation
        placing.note(feed, [_place("xe-1", 105.4, 21.3 + near)])
        await placing.write(100.0 + near)
        assert (registry.generation > before) is moved


@pytest.mark.parametrize(
    ("longitude", "latitude", "cure"),
    [
        (21.3, 105.4, "longitude comes first: [105.4, 21.3]"),
        (0.0, 0.0, "leave it out"),
        (500.0, 21.0, "degrees"),
        (105.4, 91.0, "degrees"),
        (float("nan"), 21.0, "finite"),
    ],
)
async def test_a_place_that_cannot_be_meant_is_a_problem_with_its_cure(
    world: tuple[Registry, Placing], longitude: float, latitude: float, cure: str
) -> None:
    registry, placing = world
    [problem] = placing.note(_feed(registry), [_place("xe-1", longitude, latitude, index=4)])
    assert (problem.index, problem.reason.value) == (4, "place_invalid")
    assert cure in problem.detail
    await placing.write(0.0)
    assert "buses/xe-1" not in registry.features


@pytest.mark.parametrize(
    "geometry",
    [{}, {"type": "Point"}, {"type": "Point", "coordinates": ["a", None]}, {"type": "Cube"},
     {"type": "Polygon", "coordinates": [[[105, 21]]]}, {"type": "Point", "coordinates": []}],
)  # fmt: skip
async def test_a_geometry_that_is_none_is_a_problem(
    world: tuple[Registry, Placing], geometry: dict[str, Any]
) -> None:
    registry, placing = world
    [problem] = placing.note(_feed(registry), [Place(feature="xe-1", geometry=geometry)])
    assert problem.reason.value == "place_invalid"


async def test_coordinates_swapped_only_by_the_bounds_are_told_too(pools: Pools) -> None:
    registry = Registry()
    placing = Placing(registry, pools[1], (10.0, 50.0, 12.0, 52.0))
    feed = a_feed(auto_series=True)
    assert len(placing.note(feed, [_place("a", 51.0, 11.0)])) == 1
    assert placing.note(feed, [_place("a", 11.0, 51.0), _place("b", 30.0, 40.0)]) == []


async def test_a_line_is_a_place_and_is_written_once(world: tuple[Registry, Placing]) -> None:
    registry, placing = world
    feed = _feed(registry)
    line = {"type": "LineString", "coordinates": [[105, 21], [105.1, 21.0, 7]]}
    for now in (0.0, 100.0):
        before = registry.generation
        assert placing.note(feed, [Place(feature="ql2", geometry=line)]) == []
        await placing.write(now)
        assert (registry.generation > before) is (now == 0.0)
    assert _at(registry, "buses/ql2") == [[105.0, 21.0], [105.1, 21.0]]


async def test_a_feed_makes_no_more_features_than_its_limit(
    world: tuple[Registry, Placing],
) -> None:
    registry, placing = world
    for number in range(10):
        placing.note(_feed(registry), [_place(f"xe-{number}", 105.4, 21.3)])
    await placing.write(0.0)
    assert len([name for name in registry.features if name.startswith("buses/")]) == 3


async def test_names_that_the_database_cannot_hold_cost_nothing_else(
    world: tuple[Registry, Placing],
) -> None:
    registry, placing = world
    bad = _place("xe-1", 105.4, 21.3, name="a\x00b", attributes={"x": "\x00", "y": 1})
    placing.note(_feed(registry), [bad, _place("x\x00", 105.4, 21.3)])
    await placing.write(0.0)
    found = registry.features["buses/xe-1"]
    assert (found.name, found.attributes) == ("ab", {"y": 1})

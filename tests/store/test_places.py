"""Features that payloads place and move: what is written, when, and what is refused."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.transit import gtfs_realtime_pb2
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.decode import decode
from ingest.payload import Place, point
from ioc.flow.placing import MOVED_METRES, PAUSE_SECONDS, STILL_SECONDS, Placing, holding
from ioc.flow.resolve import Resolver
from ioc.model import Feed, Problem, Receipt, to_micros
from ioc.store import feeds
from ioc.store.pool import ReadPool, WritePool, connect
from ioc.store.registry import FeatureRow, Registry, put_features
from ioc.store.writer import BatchWriter
from tests.fixtures.decoding import a_feed, a_payload
from tests.fixtures.store import ZONE, a_part, rows_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NOW_US = to_micros(NOW)
BOUNDS = (104.75, 20.25, 105.95, 21.8)
MINUTE = timedelta(minutes=1)
PROTOBUF = "application/x-protobuf"

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
    return registry, Placing(registry, pools[1], BOUNDS, ZONE)


def _place(
    feature: str, longitude: float, latitude: float, time: datetime = NOW, **more: Any
) -> Place:
    at = to_micros(time)
    return Place(feature=feature, geometry=point(longitude, latitude), time=at, **more)


def _note(placing: Placing, feed: Feed, *places: Place) -> list[Problem]:
    return placing.note(feed, places, NOW)


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
    assert _note(placing, _feed(registry), _place("xe-1", 105.4, 21.3, name="Xe 1")) == []
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
    assert _note(placing, _feed(registry, "roads"), place) == []
    await placing.write(0.0)
    found = registry.features["roads/km1"]
    assert (found.name, found.attributes) == ("Cầu số 1", {"lanes": 2, "surface": "nhựa"})
    assert _at(registry, "roads/km1") == [105.4, 21.3]


async def test_a_place_of_a_feature_that_a_feed_may_not_make_is_told_with_its_cure(
    world: tuple[Registry, Placing],
) -> None:
    registry, placing = world
    [problem] = _note(placing, _feed(registry, "roads"), _place("km2", 105.4, 21.3, index=7))
    assert (problem.index, problem.reason.value) == (7, "feature_unknown")
    assert "PUT /api/v1/feeds/roads/features" in problem.detail
    await placing.write(0.0)
    assert "roads/km2" not in registry.features


async def test_a_place_for_which_no_room_is_left_is_told_and_one_that_waits_is_still_moved(
    world: tuple[Registry, Placing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ioc.flow.placing.MOST_WAITING", 2)
    registry, placing = world
    feed = _feed(registry)
    assert _note(placing, feed, _place("xe-1", 105.4, 21.3), _place("xe-2", 105.4, 21.3)) == []
    one, other = _place("xe-3", 105.4, 21.3, index=1), _place("xe-1", 105.5, 21.3)
    [problem] = _note(placing, feed, one, other)
    assert (problem.index, problem.reason.value) == (1, "place_dropped")
    assert "send the place again" in problem.detail
    await placing.write(0.0)
    assert _at(registry, "buses/xe-1") == [105.5, 21.3]
    assert "buses/xe-3" not in registry.features
    assert _note(placing, feed, one) == []


async def test_an_older_place_than_the_one_that_waits_is_no_loss(
    world: tuple[Registry, Placing],
) -> None:
    registry, placing = world
    older = _place("xe-1", 105.5, 21.3, NOW - MINUTE)
    assert _note(placing, _feed(registry), _place("xe-1", 105.4, 21.3), older) == []
    assert placing.lost == 0


async def test_places_that_are_refused_by_whomever_are_counted(
    world: tuple[Registry, Placing], database: str
) -> None:
    registry, placing = world
    feed = _feed(registry)
    _note(placing, feed, _place("xe-1", 0, 0), _place("xe-2", 105.4, 21.3))
    assert placing.lost == 1
    await rows_of(database, "ALTER TABLE feature ADD CHECK (id <> 'xe-2')")
    await placing.write(0.0)
    assert placing.lost == 2


async def test_many_moves_are_one_write_after_the_pause_and_the_newest_counts(
    world: tuple[Registry, Placing],
) -> None:
    registry, placing = world
    feed = _feed(registry)
    _note(placing, feed, _place("xe-1", 105.4, 21.3))
    await placing.write(0.0)
    before = registry.generation
    for step in range(1, 20):
        _note(placing, feed, _place("xe-1", 105.4 + step / 1000, 21.3))
        _note(placing, feed, _place("xe-2", 105.4, 21.3))
        await placing.write(PAUSE_SECONDS - 0.1)
    assert registry.generation == before
    await placing.write(PAUSE_SECONDS)
    assert registry.generation == before + 1
    assert _at(registry, "buses/xe-1") == pytest.approx([105.419, 21.3])
    assert _at(registry, "buses/xe-2") == [105.4, 21.3]


async def test_a_move_of_a_few_metres_is_none(world: tuple[Registry, Placing]) -> None:
    registry, placing = world
    feed = _feed(registry)
    _note(placing, feed, _place("xe-1", 105.4, 21.3))
    await placing.write(0.0)
    degrees = MOVED_METRES / 111_195
    for now, near, moved in ((100.0, 0.9 * degrees, False), (200.0, 1.1 * degrees, True)):
        before = registry.generation
        _note(placing, feed, _place("xe-1", 105.4, 21.3 + near))
        await placing.write(now)
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
    [problem] = _note(placing, _feed(registry), _place("xe-1", longitude, latitude, index=4))
    assert (problem.index, problem.reason.value) == (4, "place_invalid")
    assert cure in problem.detail
    await placing.write(0.0)
    assert "buses/xe-1" not in registry.features


@pytest.mark.parametrize(
    "geometry",
    [{}, {"type": "Point"}, {"type": "Point", "coordinates": ["a", None]}, {"type": "Cube"},
     {"type": "Polygon", "coordinates": [[[105, 21]]]}, {"type": "Point", "coordinates": []},
     {"type": "MultiPoint", "coordinates": []}],
)  # fmt: skip
async def test_a_geometry_that_is_none_is_a_problem(
    world: tuple[Registry, Placing], geometry: dict[str, Any]
) -> None:
    registry, placing = world
    [problem] = _note(
        placing, _feed(registry), Place(feature="xe-1", geometry=geometry, time=NOW_US)
    )
    assert problem.reason.value == "place_invalid"


async def test_coordinates_swapped_only_by_the_bounds_are_told_too(pools: Pools) -> None:
    registry = Registry()
    placing = Placing(registry, pools[1], (10.0, 50.0, 12.0, 52.0), ZONE)
    feed = a_feed(auto_series=True)
    assert len(_note(placing, feed, _place("a", 51.0, 11.0))) == 1
    assert _note(placing, feed, _place("a", 11.0, 51.0), _place("b", 30.0, 40.0)) == []


async def test_a_line_is_a_place_and_is_written_once(world: tuple[Registry, Placing]) -> None:
    registry, placing = world
    feed = _feed(registry)
    line = {"type": "LineString", "coordinates": [[105, 21], [105.1, 21.0, 7]]}
    for now in (0.0, 100.0):
        before = registry.generation
        assert _note(placing, feed, Place(feature="ql2", geometry=line, time=NOW_US)) == []
        await placing.write(now)
        assert (registry.generation > before) is (now == 0.0)
    assert _at(registry, "buses/ql2") == [[105.0, 21.0], [105.1, 21.0]]


async def test_a_feed_makes_no_more_features_than_its_limit(
    world: tuple[Registry, Placing],
) -> None:
    registry, placing = world
    problems = [
        _note(placing, _feed(registry), _place(f"xe-{number}", 105.4, 21.3)) for number in range(10)
    ]
    assert [len(each) for each in problems] == [0] * 3 + [1] * 7
    assert problems[-1][0].reason.value == "feature_unknown"
    assert "ioc feed set buses --max-series 6" in problems[-1][0].detail
    await placing.write(0.0)
    assert len([name for name in registry.features if name.startswith("buses/")]) == 3


async def test_names_that_the_database_cannot_hold_cost_nothing_else(
    world: tuple[Registry, Placing],
) -> None:
    registry, placing = world
    bad = _place("xe-1", 105.4, 21.3, name="a\x00b", attributes={"x": "\x00", "y": 1})
    [problem] = _note(placing, _feed(registry), bad, _place("x\x00", 105.4, 21.3, index=1))
    assert (problem.index, problem.reason.value) == (1, "place_invalid")
    await placing.write(0.0)
    found = registry.features["buses/xe-1"]
    assert (found.name, found.attributes) == ("ab", {"y": 1})


async def test_a_place_that_is_older_than_what_is_known_does_not_move_its_feature(
    world: tuple[Registry, Placing], pools: Pools
) -> None:
    registry, placing = world
    feed = _feed(registry)
    _note(placing, feed, _place("xe-1", 105.4, 21.3, NOW))
    _note(placing, feed, _place("xe-1", 105.5, 21.3, NOW - MINUTE))
    await placing.write(0.0)
    _note(placing, feed, _place("xe-1", 105.6, 21.3, NOW - MINUTE))
    await placing.write(100.0)
    assert _at(registry, "buses/xe-1") == [105.4, 21.3]
    again = Registry()
    await again.load(pools[0])
    restarted = Placing(again, pools[1], BOUNDS, ZONE)
    _note(restarted, feed, _place("xe-1", 105.7, 21.3, NOW - MINUTE))
    await restarted.write(0.0)
    assert _at(again, "buses/xe-1") == [105.4, 21.3]
    _note(restarted, feed, _place("xe-1", 105.7, 21.3, NOW + MINUTE))
    await restarted.write(100.0)
    assert _at(again, "buses/xe-1") == [105.7, 21.3]


async def test_that_a_feature_stood_still_is_written_too_though_not_as_often(
    world: tuple[Registry, Placing],
) -> None:
    registry, placing = world
    feed = _feed(registry)
    _note(placing, feed, _place("xe-1", 105.4, 21.3, NOW - 9 * MINUTE))
    await placing.write(0.0)
    before = registry.generation
    _note(placing, feed, _place("xe-1", 105.4, 21.3, NOW))
    await placing.write(STILL_SECONDS - 0.1)
    _note(placing, feed, _place("xe-1", 105.4, 21.3, NOW))
    await placing.write(STILL_SECONDS)
    assert registry.generation == before
    _note(placing, feed, _place("xe-1", 105.5, 21.3, NOW - MINUTE))
    await placing.write(math.inf)
    assert _at(registry, "buses/xe-1") == [105.4, 21.3]


async def test_what_another_process_knows_to_be_newer_is_taken_from_the_database(
    world: tuple[Registry, Placing], pools: Pools
) -> None:
    registry, placing = world
    beside = Registry()
    await beside.load(pools[0])
    other = Placing(beside, pools[1], BOUNDS, ZONE)
    _note(other, _feed(beside), _place("xe-1", 105.4, 21.3, NOW))
    await other.write(0.0)
    _note(placing, _feed(registry), _place("xe-1", 105.5, 21.3, NOW - MINUTE))
    await placing.write(0.0)
    assert _at(registry, "buses/xe-1") == [105.4, 21.3]


async def test_a_place_ahead_of_time_or_before_1970_is_told_and_not_taken(
    world: tuple[Registry, Placing],
) -> None:
    registry, placing = world
    old = datetime(1901, 1, 1, tzinfo=UTC)
    for at, reason in ((NOW + 180 * MINUTE, "time_future"), (old, "place_invalid")):
        [problem] = _note(placing, _feed(registry), _place("xe-1", 105.4, 21.3, at, index=2))
        assert (problem.index, problem.reason.value) == (2, reason)
        assert "check" in problem.detail
    await placing.write(0.0)
    assert "buses/xe-1" not in registry.features


@pytest.mark.parametrize(
    ("receipt", "index", "held"),
    [
        (Receipt(stored=1), 12, True),
        (Receipt(duplicate=1), 12, True),
        (Receipt(corrected=1), 12, True),
        (Receipt(stored=1), 14, False),
        (Receipt(stored=1), 10, False),
        (Receipt(quarantined=1), 12, False),
    ],
)
def test_a_place_holds_where_a_row_of_its_item_is_stored(
    receipt: Receipt, index: int, held: bool
) -> None:
    part = a_part(1, text=[(7, 0, "x")])
    part.text = [(7, 0, "x", index)]
    place = _place("xe-1", 105.4, 21.3, index=1, rows=3)
    found = holding([place], part, receipt, 10)
    assert [each.index for each in found] == ([11] if held else [])


def test_a_place_without_rows_holds_by_itself() -> None:
    whole = _place("road", 105.4, 21.3)
    assert holding([whole], a_part(1), Receipt(), 10) == [whole]


Delivery = tuple[int, int, int, bool]
"""Minutes from now, which position, by which process, and whether that starts anew afterwards."""

_deliveries = st.lists(
    st.tuples(
        st.integers(-12 * 1440, 240), st.integers(0, 3), st.integers(0, 1), st.booleans()
    ),
    min_size=1, max_size=8, unique_by=lambda each: each[0],
)  # fmt: skip


class _Process:
    """What a process knows, and how it takes the position of a vehicle through the flow."""

    def __init__(self, pools: Pools, writer: BatchWriter) -> None:
        self.pools, self.writer, self.seconds = pools, writer, 0.0

    async def start(self) -> None:
        self.registry = Registry()
        await self.registry.load(self.pools[0])
        self.resolver = Resolver(self.registry, self.pools[1], ZONE)
        self.placing = Placing(self.registry, self.pools[1], BOUNDS, ZONE)

    async def take(self, vehicle: str, minutes: int, position: int) -> None:
        body = _position(vehicle, NOW + minutes * MINUTE, position)
        feed = _feed(self.registry)
        payload = a_payload(body, PROTOBUF, feed_key=feed.key, received_at=NOW)
        found = decode(payload, feed)
        await self.resolver.make_series([(feed, found)])
        part = self.resolver.resolve(payload, feed, found, NOW)
        [receipt] = (await self.writer.flush([part], NOW)).receipts
        self.placing.note(feed, holding(found.places, part, receipt, 0), NOW)
        self.seconds += 2
        await self.placing.write(self.seconds)


def _position(vehicle: str, time: datetime, position: int) -> bytes:
    message: Any = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    entity = message.entity.add(id=vehicle)
    entity.vehicle.timestamp = int(time.timestamp())
    entity.vehicle.position.latitude = 21.0
    entity.vehicle.position.longitude = 105.0 + position / 4
    return message.SerializeToString()


def _newest_stored(deliveries: Iterable[Delivery]) -> int | None:
    """The position of the newest that is neither older than 7 days nor ahead of time."""
    taken = [each for each in deliveries if -7 * 1440 <= each[0] <= 5]
    return max(taken)[1] if taken else None


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(_deliveries)
async def test_in_whatever_order_they_come_a_feature_ends_where_the_newest_stored_item_has_it(
    world: tuple[Registry, Placing],
    database: str,
    pools: Pools,
    writer: BatchWriter,
    deliveries: list[Delivery],
) -> None:
    await rows_of(
        database, "UPDATE feed SET late_limit_s = 604800, most_series = 10000 WHERE id = 'buses'"
    )
    [[number]] = await rows_of(database, "SELECT count(*) FROM feature")
    vehicle = f"xe-{number}"
    processes = [_Process(pools, writer), _Process(pools, writer)]
    for process in processes:
        await process.start()
    for minutes, position, which, starts_anew in deliveries:
        await processes[which].take(vehicle, minutes, position)
        if starts_anew:
            await processes[which].placing.write(math.inf)
            await processes[which].start()
    for process in processes:
        await process.placing.write(math.inf)
    await processes[0].start()
    expected = _newest_stored(deliveries)
    at = _at(processes[0].registry, f"buses/{vehicle}")
    assert at == (None if expected is None else [105.0 + expected / 4, 21.0])

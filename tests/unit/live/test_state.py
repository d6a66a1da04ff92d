"""The live map and the feeds: what is shown, and how it ages by the clock alone."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.live.feeds import FeedHealth
from ioc.live.latest import Latest
from ioc.live.state import LiveState
from ioc.live.topic import StateTopic
from ioc.model import (
    Columns,
    Feature,
    Feed,
    Freshness,
    Receipt,
    Series,
    SeriesId,
    Severity,
    to_micros,
)
from tests.fixtures.decoding import a_feed

START = datetime(2026, 11, 22, 2, 0, 30, tzinfo=UTC)


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> datetime:
        self.at += timedelta(seconds=seconds)
        return self.at


def _feature(name: str, **more: Any) -> Feature:
    given: dict[str, Any] = {
        "id": f"f/{name}", "feed_key": 1, "name": name, "layer": "health",
        "geometry": {"type": "Point", "coordinates": [105.3, 21.3]},
    }  # fmt: skip
    return Feature(**{**given, **more})


def _series(number: int, feature: str, prop: str = "beds") -> Series:
    return Series(
        id=SeriesId(number), feed_key=1, key=f"{feature}/{prop}", feature=f"f/{feature}",
        property=prop, uom="{beds}",
    )  # fmt: skip


class Map:
    """A live state with one feed of a minute's interval, and its parts."""

    def __init__(self, hand: Hand, **feed: Any) -> None:
        self.hand = hand
        self.latest = Latest(8)
        self.state = LiveState(self.latest, "e", hand.now)
        self.feed: Feed = a_feed(interval=60.0, **feed)
        self.load(_feature("bv-1"))

    def load(self, *features: Feature) -> None:
        self.state.load(
            features={feature.id: feature for feature in features},
            series_of_feature={"f/bv-1": [_series(1, "bv-1")], "f/bv-2": [_series(2, "bv-2")]},
            feeds={1: self.feed},
            unit_names={},
        )

    def add(self, feature: Feature, series: Series) -> None:
        self.state.add(
            [feature], [series], series_of_feature={feature.id: [series]}, feeds={1: self.feed}
        )

    def store(self, series: int, value: float) -> set[str]:
        rows = Columns(
            np.array([series], np.int32), np.array([to_micros(self.hand.at)], np.int64),
            np.array([value], np.float64),
        )  # fmt: skip
        return _names(self.state.apply(self.latest.apply(rows, to_micros(self.hand.at))))

    def shown(self, layer: str = "health") -> dict[str, Any]:
        items = json.loads(self.state.topic(layer).snapshot(None))["items"]
        return {item["id"]: item["properties"] for item in items}

    def bed_state(self) -> str:
        return self.shown()["f/bv-1"]["values"]["beds"]["state"]


def _names(topics: list[StateTopic]) -> set[str]:
    return {topic.name.removeprefix("layer:") for topic in topics}


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def live(hand: Hand) -> Map:
    return Map(hand)


def test_a_series_without_observations_says_never_and_no_value(live: Map) -> None:
    assert live.shown()["f/bv-1"]["values"] == {
        "beds": {"value": None, "time": None, "uom": "{beds}", "state": "never"}
    }


def test_a_value_goes_from_fresh_to_late_to_stale_by_the_clock_alone(live: Map, hand: Hand) -> None:
    assert live.store(1, 5) == {"health"}
    live.state.age(hand.at)
    seen = [(live.bed_state(), bool(live.state.age(hand.move(60)))) for _ in range(8)]
    assert seen == [
        ("fresh", False), ("fresh", False), ("fresh", True), ("late", False), ("late", False),
        ("late", False), ("late", True), ("stale", False),
    ]  # fmt: skip


def test_a_new_value_makes_a_stale_one_fresh_again(live: Map, hand: Hand) -> None:
    live.store(1, 5)
    live.state.age(hand.move(1_000))
    live.store(1, 6)
    assert live.bed_state() == "fresh"
    assert _names(live.state.age(hand.at)) == {"health"}
    assert live.state.age(hand.at) == []


def test_a_feed_without_an_interval_never_ages(hand: Hand) -> None:
    live = Map(hand)
    live.feed = a_feed()
    live.load(_feature("bv-1"))
    live.store(1, 5)
    live.state.age(hand.at)
    assert live.state.age(hand.move(10**7)) == []
    assert live.bed_state() == "fresh"


def test_a_new_feature_is_added_and_a_lost_one_removed(live: Map) -> None:
    offset = live.state.topic("health").offset
    live.load(_feature("bv-2"))
    [(_, data)] = live.state.topic("health").since(offset, None) or []
    delta = json.loads(data)
    assert [item["id"] for item in delta["add"]] == ["f/bv-2"]
    assert delta["remove"] == ["f/bv-1"]


def test_a_load_without_a_change_sends_nothing(live: Map) -> None:
    offset = live.state.topic("health").offset
    live.load(_feature("bv-1"))
    assert live.state.topic("health").offset == offset


def test_a_feature_that_changes_its_layer_is_shown_once(live: Map) -> None:
    live.load(_feature("bv-1", layer="it"))
    assert live.shown() == {}
    assert set(live.shown("it")) == {"f/bv-1"}


def test_a_feature_that_is_added_is_shown_beside_the_others(live: Map) -> None:
    live.store(1, 5)
    live.add(_feature("bv-2"), _series(2, "bv-2"))
    live.store(2, 7)
    values = {name: shown["values"]["beds"]["value"] for name, shown in live.shown().items()}
    assert values == {"f/bv-1": 5, "f/bv-2": 7}


def test_a_series_that_is_added_ages_like_the_others(live: Map, hand: Hand) -> None:
    live.add(_feature("bv-2"), _series(2, "bv-2"))
    live.store(2, 7)
    live.state.age(hand.at)
    live.state.age(hand.move(1_000))
    assert live.shown()["f/bv-2"]["values"]["beds"]["state"] == "stale"


def test_what_has_aged_is_found_although_series_came_in_between(live: Map, hand: Hand) -> None:
    live.store(1, 5)
    live.state.age(hand.at)
    hand.move(1_000)
    live.add(_feature("bv-2"), _series(2, "bv-2"))
    assert _names(live.state.age(hand.at)) == {"health"}
    assert live.bed_state() == "stale"


_steps = st.lists(
    st.tuples(st.sampled_from(["store", "wait", "sweep", "add", "drop"]), st.integers(1, 4)),
    max_size=30,
)


@given(_steps)
def test_a_sweep_touches_just_the_layers_in_which_a_state_differs_from_the_last_sweep(
    steps: list[tuple[str, int]],
) -> None:
    hand = Hand()
    live = Map(hand)
    features = {n: _feature(f"bv-{n}", layer=("health", "it")[n % 2]) for n in range(1, 5)}
    known: set[int] = set()

    def load() -> None:
        live.state.load(
            features={features[n].id: features[n] for n in known},
            series_of_feature={features[n].id: [_series(n, f"bv-{n}")] for n in known},
            feeds={1: live.feed},
            unit_names={},
        )

    def states() -> dict[int, str]:
        shown = live.shown() | live.shown("it")
        return {n: shown[f"f/bv-{n}"]["values"]["beds"]["state"] for n in known}

    load()
    before = {1: "never"}  # the map was made with it, and without a value
    for step, number in steps:
        if step == "store":
            live.store(number, 1)
        elif step == "wait":
            hand.move(45 * number)
        elif step == "sweep":
            touched = _names(live.state.age(hand.at))
            after = states()
            assert touched == {features[n].layer for n in known if after[n] != before[n]}
            before |= after
        elif step == "add" and number not in known:
            known.add(number)
            live.add(features[number], _series(number, f"bv-{number}"))
            # One that was there before is told apart from what was seen of it then.
            before.setdefault(number, states()[number])
        elif step == "drop":
            known.discard(number)
            load()


def test_the_worst_alert_shows_on_its_feature_until_it_is_taken_back(live: Map) -> None:
    assert live.state.set_severity("f/bv-1", Severity.HIGH) == "health"
    assert live.shown()["f/bv-1"]["severity"] == "high"
    assert live.state.set_severity("f/bv-1", Severity.HIGH) is None
    assert live.state.set_severity("f/bv-1", None) == "health"
    assert live.shown()["f/bv-1"]["severity"] is None
    assert live.state.set_severity("f/none", Severity.LOW) is None


@pytest.fixture
def health(hand: Hand) -> FeedHealth:
    made = FeedHealth("e", hand.now)
    made.load({"f": a_feed(interval=60.0)}, series={1: 2}, unit_names={"a": "Sở A"})
    return made


def _item(health: FeedHealth, now: datetime) -> Any:
    return health.item(a_feed(interval=60.0), now)


def test_a_feed_counts_what_came_within_the_hour_and_the_day(
    health: FeedHealth, hand: Hand
) -> None:
    feed = a_feed(interval=60.0)
    receipt = Receipt(received=10, stored=4, duplicate=2, corrected=1, late=1, quarantined=2)
    health.note(feed, receipt, to_micros(hand.at), hand.at)
    item = _item(health, hand.at)
    assert (item.received_hour, item.stored_hour, item.late_hour, item.quarantined_hour) == (
        10, 7, 1, 2,
    )  # fmt: skip
    assert _item(health, hand.move(3_700)).received_hour == 0
    assert health.day(hand.at) == {
        "received": 10, "stored": 4, "duplicate": 2, "corrected": 1, "late": 1, "quarantined": 2,
    }  # fmt: skip
    assert health.day(hand.move(86_400))["received"] == 0


def test_minutes_of_more_than_a_day_ago_are_forgotten(health: FeedHealth, hand: Hand) -> None:
    for _ in range(3):
        health.note(a_feed(), Receipt(received=1, stored=1), None, hand.at)
        hand.move(60)
    health.age(hand.move(90_000))
    assert [len(kept.minutes) for kept in health._health.values()] == [0]


def test_a_feed_goes_from_never_to_fresh_to_late_to_stale(health: FeedHealth, hand: Hand) -> None:
    feed = a_feed(interval=60.0)
    states = [health.state(feed, hand.at)]
    health.note(feed, Receipt(received=1, stored=1), to_micros(hand.at), hand.at)
    states += [health.state(feed, hand.move(s)) for s in (0, 121, 240)]
    assert states == [Freshness.NEVER, Freshness.FRESH, Freshness.LATE, Freshness.STALE]
    assert health.counts(hand.at) == {"fresh": 0, "late": 0, "stale": 1, "never": 0}


def test_a_feed_that_changes_its_state_is_sent_once(health: FeedHealth, hand: Hand) -> None:
    health.age(hand.at)
    health.note(a_feed(), Receipt(received=1, stored=1), to_micros(hand.at), hand.at)
    health.age(hand.at)
    offset = health.topic.offset
    health.age(hand.move(60))
    assert health.topic.offset == offset
    health.age(hand.move(120))
    assert health.topic.offset == offset + 1


def test_the_newest_time_of_a_feed_never_moves_backwards(health: FeedHealth, hand: Hand) -> None:
    late = to_micros(hand.at) - 10**9
    health.note(a_feed(), Receipt(received=1, stored=1), to_micros(hand.at), hand.at)
    health.note(a_feed(), Receipt(received=1, stored=1), late, hand.at)
    health.seen(1, late, late)
    assert to_micros(_item(health, hand.at).last_time) == to_micros(hand.at)


def test_what_was_refused_alone_does_not_count_as_received(health: FeedHealth, hand: Hand) -> None:
    health.note(a_feed(), Receipt(received=1, quarantined=1), None, hand.at)
    assert health.last_received() == {1: None}
    assert _item(health, hand.at).quarantined_hour == 1


def test_the_ledger_of_before_the_start_is_counted(health: FeedHealth, hand: Hand) -> None:
    health.restore(1, hand.at.replace(second=0), 5, 1, 2, 1, 0, 1)
    health.note(a_feed(), Receipt(received=1, stored=1), None, hand.at)
    assert _item(health, hand.at).received_hour == 6
    assert _item(health, hand.at).stored_hour == 5
    assert health.day(hand.at)["duplicate"] == 2


def test_a_feed_of_which_only_doubles_came_before_the_start_has_received_something(
    health: FeedHealth, hand: Hand
) -> None:
    health.restore(1, hand.at, 5, 0, 5, 0, 0, 0)
    assert health.last_received() == {1: to_micros(hand.at)}


@pytest.mark.parametrize(("source", "told"), [("payload", True), ("arrival", False)])
def test_a_feed_that_takes_the_arrival_for_a_time_is_not_idempotent(
    health: FeedHealth, hand: Hand, source: str, told: bool
) -> None:
    assert health.item(a_feed(time_source=source), hand.at).idempotent is told


@pytest.mark.parametrize(
    ("said", "link"),
    [
        ("https://camera.example/1", "https://camera.example/1"),
        ("javascript:alert(1)", None),
        (7, None),
        (None, None),
    ],
)
def test_a_feature_leads_to_the_web_address_it_names_and_to_nothing_else(
    live: Map, said: object, link: str | None
) -> None:
    live.load(_feature("bv-1", attributes={"link": said}))
    assert live.shown()["f/bv-1"].get("link") == link

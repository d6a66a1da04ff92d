"""The newest values as indicators see them: as the registry and the live values have them now."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ioc.flow.newest import NewestValues
from ioc.live.latest import Latest
from ioc.model import FRESHNESS_CODES, Feature, Feed, Series, SeriesId, freshness, to_micros
from ioc.store.registry import Made, Registry
from tests.fixtures.decoding import a_feed

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PROPERTIES = ("speed", "flow", "beds")
FEEDS = {
    1: a_feed(key=1, id="a", interval=60.0),
    2: a_feed(key=2, id="b", freshness=90.0),
    3: a_feed(key=3, id="c"),
}


def _series(number: int, prop: str = "speed", feed: int = 1) -> Series:
    return Series(
        id=SeriesId(number), feed_key=feed, key=f"{number}/{prop}", property=prop,
        feature=f"{FEEDS[feed].id}/{number % 5}",
    )  # fmt: skip


def _registry(series: Iterable[Series]) -> Registry:
    registry = Registry()
    registry.feeds = FEEDS
    _make(registry, *series)
    return registry


def _make(registry: Registry, *series: Series) -> None:
    for one in series:
        registry._put(one)
    registry._note(Made([], list(series)))


def _values(registry: Registry, latest: Latest, properties: Iterable[str]) -> set[Any]:
    """Feature, property, value, time and state of each series, one by one."""
    found: set[Any] = set()
    for one in registry.series.values():
        if one.property in properties:
            time, feed = int(latest.time[one.id]), registry.feeds[one.feed_key]
            age = (to_micros(NOW) - time) / 1e6 if time > 0 else None
            value = None if latest.flags[one.id] else float(latest.value[one.id])
            state = FRESHNESS_CODES[freshness(age, feed.late_after, feed.stale_after)]
            found.add((one.feature, one.property, value, time, state))
    return found


def _laid_out(
    newest: NewestValues, registry: Registry, latest: Latest, properties: Iterable[str]
) -> set[Any]:
    """The same as it is laid out, with the features by name."""
    known, values = newest.layout().of(properties), newest.of(properties, NOW)
    feature = {
        number: registry.series[series].feature
        for number, series in zip(known.feature.tolist(), known.ids.tolist(), strict=True)
    }
    columns = (values.feature, values.property, values.value, values.time, values.state)
    return {
        (feature[number], prop, None if np.isnan(value) else value, time, state)
        for number, prop, value, time, state in zip(*(c.tolist() for c in columns), strict=True)
    }


_made = st.lists(
    st.tuples(st.sampled_from(PROPERTIES), st.sampled_from(list(FEEDS)), st.booleans(),
              st.none() | st.integers(-60, 600)),
    min_size=1, max_size=30,
)  # fmt: skip


@given(_made, _made, st.sets(st.sampled_from([*PROPERTIES, "none"])))
def test_what_is_laid_out_is_what_each_series_says_by_itself_also_after_more_came(
    first: list[Any], more: list[Any], properties: set[str]
) -> None:
    latest, registry = Latest(), _registry([])
    newest = NewestValues(registry, latest)
    for made in (first, more):
        for prop, feed, suspect, age in made:
            one = _series(registry.highest + 1, prop, feed)
            _make(registry, one)
            if age is not None:
                latest.time[one.id] = to_micros(NOW - timedelta(seconds=age))
                latest.value[one.id], latest.flags[one.id] = age / 2, suspect
            else:
                latest.flags[one.id] = 1
        expected = _values(registry, latest, properties)
        assert _laid_out(newest, registry, latest, properties) == expected


def test_features_that_move_do_not_have_everything_laid_out_anew() -> None:
    registry = _registry([_series(1)])
    newest = NewestValues(registry, Latest())
    before = newest.layout().known
    for _ in range(2_000):
        moved = Feature(id="a/1", feed_key=1, name="1", layer="traffic")
        registry._note(Made([moved], []))
        assert newest.layout().known is before
    _make(registry, _series(2))
    assert newest.layout().known["speed"].ids.tolist() == [1, 2]


def test_a_feed_with_another_limit_is_seen_at_once() -> None:
    registry, latest = _registry([_series(1)]), Latest()
    newest = NewestValues(registry, latest)
    latest.time[1] = to_micros(NOW - timedelta(seconds=200))
    assert newest.of(["speed"], NOW).state.tolist() == [1]
    slower: Feed = a_feed(key=1, id="a", interval=600.0)
    registry.feeds = {**FEEDS, 1: slower}
    registry._note(Made([], []))
    assert newest.of(["speed"], NOW).state.tolist() == [0]
    assert newest.layout().limits["speed"] == (1200.0, 3600.0)

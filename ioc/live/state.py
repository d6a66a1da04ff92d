"""The live map: features with the newest value of each property, and how old it is."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from msgspec import UNSET, UnsetType
from numpy.typing import NDArray

from ioc.live.ages import limits_of, states
from ioc.live.latest import NEVER, Latest
from ioc.live.topic import Point, StateTopic
from ioc.live.wire import LayerFeature, LayerProperties, Value, encoder
from ioc.model import (
    Feature,
    Feed,
    Freshness,
    Series,
    Severity,
    ValueKind,
    flag_names,
    freshness,
    from_micros,
    to_micros,
)


class LiveState:
    """Keeps the layer topics in step with what is stored.

    It reads `latest`, which the writer has brought up to date after its commit, so that nothing
    unstored is ever shown.
    """

    def __init__(self, latest: Latest, epoch: str, now: Callable[[], datetime]) -> None:
        """Start without features."""
        self._latest = latest
        self._epoch = epoch
        self._now = now
        self.topics: dict[str, StateTopic] = {}
        self._features: dict[str, Feature] = {}
        self._feeds: Mapping[int, Feed] = {}
        self._unit_names: Mapping[str, str] = {}
        self._series: dict[str, Sequence[Series]] = {}
        self._layers: list[StateTopic] = []
        self._layer_of: NDArray[np.int16] = np.empty(0, np.int16)
        """By series id, the place of its topic among the layers; -1 where it has none."""
        self._slot_of: NDArray[np.int32] = np.empty(0, np.int32)
        """By series id, where its feature is in that topic."""
        self._severity: dict[str, Severity] = {}
        self._feed_keys: NDArray[np.int32] = np.empty(0, np.int32)
        """By series id; 0, which no feed has, where nothing is known of a series."""
        self._late: NDArray[np.int64] = np.empty(0, np.int64)
        self._stale: NDArray[np.int64] = np.empty(0, np.int64)
        """By series id, the ages in µs beyond which a value is late, and stale."""
        self._shown: NDArray[np.int8] = np.empty(0, np.int8)
        """By series id, the state at the last sweep; -1 where there was none."""

    def topic(self, layer: str) -> StateTopic:
        """The topic of a layer, made when it is first asked for."""
        found = self.topics.get(layer)
        if found is None:
            found = self.topics[layer] = StateTopic(f"layer:{layer}", self._epoch)
            found.render = self._render
            self._layers.append(found)
        return found

    def load(
        self,
        *,
        features: Mapping[str, Feature],
        series_of_feature: Mapping[str, Sequence[Series]],
        feeds: Mapping[int, Feed],
        unit_names: Mapping[str, str],
    ) -> None:
        """Take the features and series as they are now; those that are new or differ are sent."""
        before = self._features
        counts = {key: len(series) for key, series in self._series.items()}
        self._feeds, self._unit_names = feeds, unit_names
        self._features = dict(features)
        self._series = {key: tuple(series_of_feature.get(key, ())) for key in features}
        for key, feature in features.items():
            if (old := before.get(key)) is not None and old.layer != feature.layer:
                self.topic(old.layer).remove(key)
            if before.get(key) != feature or counts.get(key) != len(self._series[key]):
                self.topic(feature.layer).put(key, point=point_of(feature))
        for key in before.keys() - features.keys():
            self.topic(before[key].layer).remove(key)
        self._layer_of.fill(-1)
        self._feed_keys.fill(0)
        self._lay_out([series for members in self._series.values() for series in members])

    def add(
        self,
        features: Sequence[Feature],
        series: Sequence[Series],
        *,
        series_of_feature: Mapping[str, Sequence[Series]],
        feeds: Mapping[int, Feed],
    ) -> None:
        """Take further features and series, or known ones that differ; costs nothing for others."""
        self._feeds = feeds
        for feature in features:
            old = self._features.get(feature.id)
            if old is not None and old.layer != feature.layer:
                self.topic(old.layer).remove(feature.id)
            self._features[feature.id] = feature
            self._series[feature.id] = tuple(series_of_feature.get(feature.id, ()))
            self.topic(feature.layer).put(feature.id, point=point_of(feature))
        members = [s for feature in features for s in self._series[feature.id]]
        self._lay_out([*members, *(s for s in series if s.feature)])

    def _lay_out(self, series: Sequence[Series]) -> None:
        """Note where series are shown and how they age, so that none is looked up by itself."""
        self._make_room(max((one.id for one in series), default=0))
        numbers = {topic.name: place for place, topic in enumerate(self._layers)}
        for one in series:
            self._feed_keys[one.id] = one.feed_key
            feature = self._features.get(one.feature)
            if feature is not None:
                topic = self.topic(feature.layer)
                self._layer_of[one.id] = numbers[topic.name]
                self._slot_of[one.id] = topic.slot(feature.id)
        late, stale = limits_of(self._feeds)
        self._late, self._stale = late[self._feed_keys], stale[self._feed_keys]
        # What has aged since the last sweep must still be found by the next one.
        unseen = (self._shown < 0) & (self._feed_keys > 0)
        self._shown[unseen] = self._states(self._now())[unseen]

    def _make_room(self, highest: int) -> None:
        more = highest + 1 - len(self._shown)
        if more <= 0:
            return
        more = max(more, len(self._shown))
        self._shown = np.append(self._shown, np.full(more, -1, np.int8))
        self._layer_of = np.append(self._layer_of, np.full(more, -1, np.int16))
        self._slot_of = np.append(self._slot_of, np.full(more, -1, np.int32))
        self._feed_keys = np.append(self._feed_keys, np.zeros(more, np.int32))
        self._latest.reserve(len(self._shown) - 1)

    def _states(self, now: datetime) -> NDArray[np.int8]:
        """By series id, how old the newest value is."""
        times = self._latest.time[: len(self._shown)]
        return states(times, to_micros(now), self._late, self._stale)

    def apply(self, advanced: NDArray[Any]) -> list[StateTopic]:
        """Mark the features of series that have a new newest observation; returns their topics."""
        advanced = advanced[advanced < len(self._layer_of)]
        layers, slots = self._layer_of[advanced], self._slot_of[advanced]
        touched: list[StateTopic] = []
        for place, topic in enumerate(self._layers):
            if len(changed := slots[layers == place]):
                topic.touch(changed)
                touched.append(topic)
        return touched

    def age(self, now: datetime) -> list[StateTopic]:
        """Mark the features whose values have become late or stale by now; returns their topics."""
        state = self._states(now)
        flipped = np.flatnonzero((state != self._shown) & (self._feed_keys > 0))
        self._shown[flipped] = state[flipped]
        return self.apply(flipped)

    def set_severity(self, key: str, severity: Severity | None) -> str | None:
        """Show the worst open alert of a feature; returns the layer if that changed anything."""
        feature = self._features.get(key)
        if feature is None or self._severity.get(key) == severity:
            return None
        if severity is None:
            del self._severity[key]
        else:
            self._severity[key] = severity
        self.topic(feature.layer).put(key)
        return feature.layer

    def feature(self, key: str) -> Feature | None:
        """The feature of that id."""
        return self._features.get(key)

    def value(self, series: Series, now: datetime) -> Value:
        """The newest value of a series and how it stands."""
        feed = self._feeds[series.feed_key]
        time = int(self._latest.time[series.id])
        if time == NEVER:
            return Value(None, None, series.uom, Freshness.NEVER)
        age = (to_micros(now) - time) / 1e6
        number = float(self._latest.value[series.id])
        return Value(
            number if series.value_kind is not ValueKind.TEXT else None,
            from_micros(time),
            series.uom,
            freshness(age, feed.late_after, feed.stale_after),
            flag_names(int(self._latest.flags[series.id])),
        )

    def _render(self, key: str) -> bytes:
        feature = self._features[key]
        feed = self._feeds[feature.feed_key]
        now = self._now()
        return encoder.encode(
            LayerFeature(
                id=key,
                geometry=feature.geometry,
                properties=LayerProperties(
                    name=feature.name,
                    unit=feature.unit,
                    unit_name=self._unit_names.get(feature.unit or ""),
                    feed=feed.id,
                    values={s.property: self.value(s, now) for s in self._series[key]},
                    severity=self._severity.get(key),
                    late_after=feed.late_after,
                    stale_after=feed.stale_after,
                    link=link_of(feature),
                ),
            )
        )


def link_of(feature: Feature) -> str | UnsetType:
    """The web address that a feature names; anything else that browsers would follow is none."""
    link = feature.attributes.get("link")
    if isinstance(link, str) and link.startswith(("https://", "http://")):
        return link
    return UNSET


def point_of(feature: Feature) -> Point | None:
    """A point that stands for the feature in a view; None for what has no place."""
    geometry = feature.geometry
    if geometry is None:
        return None
    if geometry["type"] == "Point":
        return geometry["coordinates"][0], geometry["coordinates"][1]
    flat = _first(geometry["coordinates"])
    return (flat[0], flat[1])


def _first(coordinates: list[object]) -> list[float]:
    while coordinates and isinstance(coordinates[0], list | tuple):
        coordinates = coordinates[0]  # pyright: ignore
    return coordinates  # pyright: ignore

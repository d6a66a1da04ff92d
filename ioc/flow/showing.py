"""Show what has been stored: live layers, feed health and single series, after each commit."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from ioc.live.feeds import FeedHealth
from ioc.live.hub import Hub
from ioc.live.latest import NEVER, Latest
from ioc.live.state import LiveState
from ioc.live.topic import StateTopic, Topic
from ioc.live.wire import SeriesPoint, encoder
from ioc.model import from_micros
from ioc.store.flush import Flushed, Part
from ioc.store.registry import Made, Registry

NewThings = Callable[[Made | None], None]
"""Told what came into the registry; None where everything may be different."""


class Showing:
    """Publishes after commit, never before."""

    def __init__(
        self,
        *,
        registry: Registry,
        latest: Latest,
        state: LiveState,
        health: FeedHealth,
        hub: Hub,
        epoch: str,
    ) -> None:
        """Show through `hub`; `refresh` must be called once before."""
        self._registry = registry
        self._latest = latest
        self._state = state
        self._health = health
        self._hub = hub
        self._epoch = epoch
        self._generation = -1
        self._unit_names: Mapping[str, str] = {}
        self._series: dict[int, StateTopic] = {}
        self.on_new: NewThings = lambda _: None
        hub.on_demand(self._make)

    def refresh(self, unit_names: Mapping[str, str] | None = None) -> None:
        """Take what is new in the registry: features, series, feeds."""
        if unit_names is not None:
            self._unit_names = unit_names
        registry = self._registry
        made = None if unit_names is not None else registry.since(self._generation)
        self._generation = registry.generation
        self._latest.reserve(registry.highest)
        if made is not None:
            self._state.add(
                made.features,
                made.series,
                series_of_feature=registry.series_of_feature,
                feeds=registry.feeds,
            )
        else:
            self._state.load(
                features=registry.features,
                series_of_feature=registry.series_of_feature,
                feeds=registry.feeds,
                unit_names=self._unit_names,
            )
        self._health.load(
            registry.feed_by_id,
            series={key: len(members) for key, members in registry.keys.items()},
            unit_names=self._unit_names,
        )
        for topic in self._state.topics.values():
            self._hub.add(topic)
            self._hub.changed(topic)
        self._hub.changed(self._health.topic)
        self.on_new(made)

    async def flushed(self, parts: Sequence[Part], flushed: Flushed) -> None:
        """Mark what a flush changed and wake who watches it."""
        if self._registry.generation != self._generation:
            self.refresh()
        for topic in self._state.apply(flushed.advanced):
            self._hub.changed(topic)
        for part, receipt in zip(parts, flushed.receipts, strict=True):
            feed = self._registry.feeds.get(part.feed_key)
            if feed is not None:
                newest = int(part.rows.time.max()) if len(part.rows) else None
                self._health.note(feed, receipt, newest, part.received_at)
        self._hub.changed(self._health.topic)
        watched = np.fromiter(self._series, np.int32, len(self._series))
        for series in watched[np.isin(watched, flushed.advanced)].tolist():
            topic = self._series[series]
            if self._hub.watched(topic.name):
                topic.put(str(series))
                self._hub.changed(topic)
            else:
                del self._series[series]

    def _make(self, name: str) -> Topic | None:
        """The topic of one series, made when somebody asks for it."""
        kind, _, number = name.partition(":")
        if (
            kind != "series"
            or not number.isdecimal()
            or len(number) > 10
            or int(number) not in self._registry.series
        ):
            return None
        topic = StateTopic(name, self._epoch, pace=0.2)
        topic.render = self._render
        topic.put(number)
        self._series[int(number)] = topic
        return topic

    def _render(self, key: str) -> bytes:
        series = int(key)
        time = int(self._latest.time[series])
        known = time != NEVER
        return encoder.encode(
            SeriesPoint(
                series,
                from_micros(time) if known else None,
                float(self._latest.value[series]) if known else None,
            )
        )

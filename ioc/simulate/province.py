"""The whole simulated province: for every simulated feed a model, its reports and its silences."""

from collections.abc import Iterable
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ioc.city.spec import City, CityFeed
from ioc.model import Domain
from ioc.simulate import tickets
from ioc.simulate.calendar import DAY, HOUR, Calendar
from ioc.simulate.electricity import Substations
from ioc.simulate.environment import Air, Rivers
from ioc.simulate.episodes import Episode, Model, Schedule, span
from ioc.simulate.health import Diseases, Hospitals
from ioc.simulate.noise import Ticks, Values, seed_of
from ioc.simulate.systems import Systems, Unnamed
from ioc.simulate.traffic import Traffic
from ioc.simulate.waters import RainGauges, Reservoirs
from ioc.simulate.weather import Weather

WEEK: Final = 7 * DAY
MONDAY: Final = 4 * DAY
"""1970-01-05 was a Monday; weekly reports come on its successors."""

REPORTING_HOURS: Final = 3 * HOUR
"""Reports that come once a day or less all come within these hours of the morning."""

SHORTEST_INTERVAL: Final = 5
"""Seconds between two reports of a feature at least, however fast the province lives."""

SILENCES_A_DAY: Final = 0.8
"""How often, over the whole province, a sensor stops reporting for a while."""

LONGEST_SILENCE: Final = 3 * HOUR
TALKATIVE: Final = 30 * 60
"""Only feeds that report at least so often fall silent in a way that one can notice."""


class SimulatedFeed:
    """One simulated feed: when its features report and what."""

    def __init__(self, feed: CityFeed, model: Model, calendar: Calendar) -> None:
        """Let the feed run by that model."""
        self.spec = feed
        self.interval = int(feed.interval or 15 * 60)
        self._model = model
        self._properties: dict[str, list[str]] = {}
        for series in feed.series:
            self._properties.setdefault(series.feature, []).append(series.property)
        self.features = [f.id for f in feed.features if f.id in self._properties]
        self._place = {feature: place for place, feature in enumerate(self.features)}
        self._calendar = calendar

    @property
    def id(self) -> str:
        """The id of the feed."""
        return self.spec.id

    def phase(self, feature: str, width: int) -> int:
        """How long after a tick of the grid a feature reports; features are spread over it."""
        place, many = self._place[feature], max(len(self.features), 1)
        if width < DAY:
            return width * place // many
        morning = REPORTING_HOURS * place // many
        return (MONDAY if width % WEEK == 0 else 0) + morning

    def reports(self, feature: str, since: int, until: int, step: int = 1) -> Ticks:
        """When a feature reports after `since` up to and with `until`; every `step`th report."""
        width, phase = self.interval * step, self.phase(feature, self.interval)
        first = (since - phase) // width + 1
        last = (until - phase) // width
        return np.arange(first, last + 1, dtype=np.int64) * width + phase

    def next_report(self, feature: str, after: int, rate: float = 1.0) -> int:
        """When a feature reports next, if the province lives `rate` times as fast as the clock."""
        width = self.interval
        if rate != 1.0:
            width = max(round(self.interval / rate), SHORTEST_INTERVAL)
        phase = self.phase(feature, width)
        return ((after - phase) // width + 1) * width + phase

    def values(self, feature: str, seconds: Ticks) -> dict[str, Values]:
        """Values by property at those instants."""
        found = self._model.values(feature, seconds)
        return {name: found[name] for name in self._properties[feature] if name in found}

    def properties(self, feature: str) -> list[str]:
        """The properties of a feature."""
        return self._properties[feature]

    def episodes(self, since: int, until: int) -> list[Episode]:
        """What happens, fully or partly, in a half-open span."""
        return self._model.episodes(since, until)


class SimulatedProvince:
    """All simulated feeds of a city with what happens in them, from one seed."""

    def __init__(self, city: City, seed: int) -> None:
        """Run the simulated feeds of that city."""
        self.city = city
        self.seed = seed
        self.calendar = Calendar(city.province.time_zone)
        weather = Weather(seed, self.calendar)
        self.feeds = {
            feed.id: SimulatedFeed(feed, self._model(feed, weather), self.calendar)
            for feed in city.feeds
            if feed.simulated and feed.series
        }
        self.dossier_feeds = [
            feed
            for feed in city.feeds
            if feed.simulated
            and feed.domain is Domain.SERVICE
            and not feed.series
            and feed.id not in tickets.FEEDS
        ]
        self.ticket_feeds = [
            feed for feed in city.feeds if feed.simulated and feed.id in tickets.FEEDS
        ]
        self._talkative = [
            (feed.id, feature)
            for feed in self.feeds.values()
            if feed.interval <= TALKATIVE
            for feature in feed.features
        ]
        self._silences = Schedule(
            seed, "silence", self.calendar, self._draw_silences, LONGEST_SILENCE
        )

    def _model(self, feed: CityFeed, weather: Weather) -> Model:
        seed, features, calendar = seed_of(self.seed, feed.id), feed.features, self.calendar
        properties = {series.property for series in feed.series}
        if properties <= {"speed", "flow"}:
            return Traffic(features, seed, calendar)
        if properties <= {"beds-occupied", "beds-planned", "beds-actual", "emergency-calls"}:
            return Hospitals(features, seed, calendar)
        if properties <= {"dengue-cases", "hfmd-cases"}:
            return Diseases(features, seed, calendar)
        if properties <= {"load", "capacity", "customers-out", "outage"}:
            return Substations(features, seed, calendar, weather)
        if properties <= {"pm25", "pm10", "temperature"}:
            return Air(features, seed, calendar, weather)
        if properties <= {"water-level"}:
            return Rivers(features, seed, calendar, weather)
        if properties <= {"rainfall"}:
            return RainGauges(features, seed, weather)
        if properties <= {"reservoir-level", "discharge"}:
            return Reservoirs(features, seed, calendar, weather)
        if properties <= {"up"}:
            return Systems(features, seed, calendar)
        return Unnamed(feed.series, seed, calendar)

    def _draw_silences(
        self, generator: np.random.Generator, midnight: int, _: date
    ) -> list[Episode]:
        found: list[Episode] = []
        for _number in range(int(generator.poisson(SILENCES_A_DAY))):
            if not self._talkative:
                break
            feed, feature = self._talkative[int(generator.integers(0, len(self._talkative)))]
            since = midnight + int(generator.integers(0, DAY))
            length = int(generator.integers(40 * 60, LONGEST_SILENCE))
            found.append(Episode("silence", f"{feed}/{feature}", since, since + length, 1.0))
        return found

    def speaks(self, feed: SimulatedFeed, feature: str, seconds: Ticks) -> NDArray[np.bool_]:
        """Whether a feature reports at those instants, and is not silent."""
        speaks = np.ones(len(seconds), np.bool_)
        if not len(seconds):
            return speaks
        for silence in self._silences.between(*span(seconds)):
            if silence.feature == f"{feed.id}/{feature}":
                speaks &= (seconds < silence.since) | (seconds >= silence.until)
        return speaks

    def episodes(self, since: int, until: int) -> Iterable[tuple[str, Episode]]:
        """Everything that happens in a half-open span, with the feed in which it shows."""
        for feed in self.feeds.values():
            for episode in feed.episodes(since, until):
                yield feed.id, episode
        for silence in self._silences.between(since, until):
            feed_id, _, feature = silence.feature.partition("/")
            yield feed_id, Episode("silence", feature, silence.since, silence.until, 1.0)

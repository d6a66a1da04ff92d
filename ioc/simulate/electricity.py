"""Electricity: load by hour, warmth and weekday; planned and unplanned outages."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np

from ioc.city.spec import CityFeature
from ioc.simulate.calendar import HOUR, Calendar
from ioc.simulate.episodes import Episode, Schedule, drawn_length, envelope, hump, span
from ioc.simulate.health import distance
from ioc.simulate.noise import Ticks, Values, normal, once, seed_of, smooth
from ioc.simulate.traffic import number
from ioc.simulate.weather import Weather

LONGEST: Final = 6 * HOUR
PICKUP: Final = 1.5 * HOUR
"""After an outage the load is higher for about that long, since everything starts at once."""

PLANNED_A_DAY: Final = 0.55
FAULTS_A_DAY: Final = 0.7
OVERLOADS_A_DAY: Final = 0.09


class Substations:
    """Load and outages of the substations of a feed."""

    def __init__(
        self, features: Sequence[CityFeature], seed: int, calendar: Calendar, weather: Weather
    ) -> None:
        """Run those substations under that weather."""
        self._features = {feature.id: feature for feature in features}
        self._order = list(features)
        self._seed = seed_of(seed, "electricity")
        self._calendar = calendar
        self._weather = weather
        self._schedule = Schedule(self._seed, "electricity", calendar, self._draw, LONGEST)

    def episodes(self, since: int, until: int) -> list[Episode]:
        """The outages and overloads of a span."""
        return self._schedule.between(since, until)

    def _draw(self, generator: np.random.Generator, midnight: int, day: date) -> list[Episode]:
        found: list[Episode] = []
        if self._calendar.works(day.toordinal()) and generator.random() < PLANNED_A_DAY:
            start, length = (7.5, 3.5) if generator.random() < 0.6 else (13.5, 3.0)
            length = float(generator.uniform(0.6, 1.0)) * length
            share = float(generator.uniform(0.06, 0.30))
            found.append(
                self._at(generator, "planned-outage", midnight, start, length, share, reach=0)
            )
        storms = self._weather.rains(midnight, midnight + 24 * HOUR)
        mean = FAULTS_A_DAY * (1.0 + 2.0 * sum(min(storm.strength, 1.0) for storm in storms))
        for _ in range(int(generator.poisson(mean))):
            hour = float(generator.uniform(0.0, 24.0))
            length = drawn_length(generator, 0.9, 0.7, 0.25, 5.0)
            share = max(float(generator.beta(1.1, 2.4)), 0.05)
            found.append(
                self._at(generator, "fault-outage", midnight, hour, length, share, reach=2)
            )
        if generator.random() < OVERLOADS_A_DAY:
            hour = 18.0 if generator.random() < 0.6 else 10.0
            strength = float(generator.uniform(0.92, 0.98))
            found.append(self._at(generator, "overload", midnight, hour, 2.2, strength, reach=0))
        return found

    def _at(
        self,
        generator: np.random.Generator,
        kind: str,
        midnight: int,
        hour: float,
        hours: float,
        strength: float,
        *,
        reach: int,
    ) -> Episode:
        place = self._order[int(generator.integers(0, len(self._order)))]
        near = sorted(self._order, key=lambda other: distance(place, other))[1 : 1 + reach]
        since = midnight + int(hour * HOUR)
        touched = tuple((other.id, 0.3) for other in near)
        return Episode(kind, place.id, since, since + int(hours * HOUR), strength, touched)

    def values(self, feature: str, seconds: Ticks) -> dict[str, Values]:
        """Load and capacity in MW, customers without power, and whether there is an outage."""
        place = self._features[feature]
        capacity = number(place, "capacity", 40.0)
        load = capacity * self._utilisation(seed_of(self._seed, feature), seconds)
        out = np.zeros(len(seconds))
        since, until = span(seconds)
        for episode in self._schedule.between(since - int(PICKUP), until):
            load, out = self._struck(episode, place, capacity, seconds, load, out)
        return {
            "load": np.round(np.clip(load, 0.0, 0.995 * capacity), 1),
            "capacity": capacity * np.ones(len(seconds)),
            "customers-out": np.round(out * number(place, "customers", 20_000.0)),
            "outage": (out > 0.0).astype(np.float64),
        }

    def _utilisation(self, seed: int, seconds: Ticks) -> Values:
        hour = self._calendar.hour(seconds)
        works = 0.35 + 0.4 * once(seed, "industry")
        homes = (
            0.55
            + 0.20 * hump(hour, 11.2, 1.6)
            + 0.42 * hump(hour, 19.2, 1.9)
            + 0.06 * hump(hour, 6.3, 1.0)
        )
        shifts = 0.55 + 0.42 * hump(hour, 9.8, 2.0) + 0.40 * hump(hour, 14.8, 2.0)
        shifts = shifts * (1.0 - 0.38 * self._calendar.rest(seconds))
        warm = self._weather.temperature(seconds)
        weather = (
            1.0 + 0.024 * np.clip(warm - 26.0, 0, None) + 0.012 * np.clip(15.0 - warm, 0, None)
        )
        level = 0.66 + 0.12 * once(seed, "level")
        wander = (
            1.0 + 0.02 * smooth(seed, seconds, 2.0 * HOUR) + 0.008 * normal(seed, seconds // 60)
        )
        used = level * (works * shifts + (1.0 - works) * homes) * weather * wander
        return np.minimum(used, 0.885)

    def _struck(
        self,
        episode: Episode,
        place: CityFeature,
        capacity: float,
        seconds: Ticks,
        load: Values,
        out: Values,
    ) -> tuple[Values, Values]:
        within = (seconds >= episode.since) & (seconds < episode.until)
        if episode.kind == "overload":
            if episode.feature == place.id:
                part = envelope(seconds, episode, 1_200.0, 1_200.0)
                load = load + part * np.maximum(episode.strength * capacity - load, 0.0)
            return load, out
        share = episode.strength if episode.feature == place.id else 0.0
        if share:
            # Power comes back in steps: all, then two thirds, then a third is without.
            length = episode.until - episode.since
            done = (seconds - episode.since) / length
            step = np.where(done < 0.5, 1.0, np.where(done < 0.8, 0.66, 0.33))
            step = step if episode.kind == "fault-outage" else np.ones(len(seconds))
            missing = np.where(within, share * step, 0.0)
            after = (seconds - episode.until) / PICKUP
            pickup = np.where((after >= 0) & (after < 1), 0.10 * share * (1.0 - after), 0.0)
            return load * (1.0 - missing + pickup), np.minimum(np.maximum(out, missing), 1.0)
        helped = episode.share(place.id) * episode.strength
        return np.where(within, load * (1.0 + 0.35 * helped), load), out

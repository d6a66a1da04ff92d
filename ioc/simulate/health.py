"""Health: beds, emergency calls, and notifiable diseases by commune and week."""

import math
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import numpy as np

from ioc.city.spec import CityFeature
from ioc.simulate.calendar import DAY, HOUR, Calendar
from ioc.simulate.episodes import Episode, Schedule, envelope, hump, span
from ioc.simulate.noise import Ticks, Values, counts, normal, once, seed_of, smooth
from ioc.simulate.traffic import number

SURGES_A_DAY: Final = 0.12
LONGEST_SURGE: Final = 2 * DAY
CLUSTERS_A_DAY: Final = 0.16
LONGEST_CLUSTER: Final = 42 * DAY

WEEK_OF_BEDS: Final = (0.012, 0.022, 0.018, 0.010, -0.004, -0.030, -0.028)
"""Occupancy against its mean, Monday first: few go home late in the week's beginning."""


class Hospitals:
    """Beds and emergency calls of the hospitals of a feed."""

    def __init__(self, features: Sequence[CityFeature], seed: int, calendar: Calendar) -> None:
        """Run those hospitals."""
        self._features = {feature.id: feature for feature in features}
        self._order = list(features)
        self._seed = seed_of(seed, "hospitals")
        self._calendar = calendar
        self._surges = Schedule(self._seed, "bed-surge", calendar, self._draw, LONGEST_SURGE)

    def episodes(self, since: int, until: int) -> list[Episode]:
        """The spans in which a hospital takes in more than it has beds."""
        return self._surges.between(since, until)

    def _draw(self, generator: np.random.Generator, midnight: int, _: date) -> list[Episode]:
        if generator.random() >= SURGES_A_DAY:
            return []
        place = self._order[int(generator.integers(0, len(self._order)))]
        since = midnight + int(generator.integers(5 * HOUR, 16 * HOUR))
        length = int(generator.integers(20 * HOUR, LONGEST_SURGE))
        strength = float(generator.uniform(1.015, 1.07))
        return [Episode("bed-surge", place.id, since, since + length, strength)]

    def values(self, feature: str, seconds: Ticks) -> dict[str, Values]:
        """Beds occupied, planned (kế hoạch) and actual (thực kê), and emergency calls an hour."""
        place = self._features[feature]
        seed = seed_of(self._seed, feature)
        planned = number(place, "beds_planned", 200.0)
        actual = number(place, "beds_actual", planned * 1.1)
        occupied = np.minimum(planned * self._occupancy(seed, seconds), 0.985 * actual)
        for surge in self._surges.between(*span(seconds)):
            if surge.feature == feature:
                ramp = 0.4 * (surge.until - surge.since)
                part = envelope(seconds, surge, ramp, ramp)
                occupied = occupied + part * (surge.strength * actual - occupied)
        constant = np.ones(len(seconds))
        return {
            "beds-occupied": np.round(occupied),
            "beds-planned": planned * constant,
            "beds-actual": actual * constant,
            "emergency-calls": self._calls(seed, place, seconds),
        }

    def _occupancy(self, seed: int, seconds: Ticks) -> Values:
        hour = self._calendar.hour(seconds)
        # Midnight must not be a step: the week's rhythm is read at noon and between the noons.
        place = (self._calendar.local(seconds) / DAY + 3 - 0.5) % 7
        nodes = range(-1, 9)
        week = np.interp(place, list(nodes), [WEEK_OF_BEDS[node % 7] for node in nodes])
        day = 0.010 * hump(hour, 11.0, 3.0) - 0.014 * hump(hour, 16.0, 2.5)
        drift = 0.045 * smooth(seed ^ 1, seconds, 20.0 * DAY)
        level = 0.86 + 0.15 * once(seed, "level")
        wander = 0.006 * smooth(seed ^ 2, seconds, 3.0 * HOUR)
        return level + week + day + drift + wander

    def _calls(self, seed: int, place: CityFeature, seconds: Ticks) -> Values:
        hour = self._calendar.hour(seconds)
        peak = number(place, "emergency_calls_peak", 3.0)
        rhythm = 0.18 + 0.42 * hump(hour, 10.0, 2.5) + 0.72 * hump(hour, 20.0, 3.0)
        weekend = np.where(self._calendar.weekday(seconds) >= 5, 1.15, 1.0)
        wander = 1.0 + 0.15 * smooth(seed ^ 4, seconds, 6.0 * HOUR)
        return counts(seed ^ 3, seconds // (15 * 60), peak * rhythm * weekend * wander)


def distance(one: CityFeature, other: CityFeature) -> float:
    """Degrees between two points; far where either has no place."""
    a, b = _point(one), _point(other)
    return math.dist(a, b) if a and b else math.inf


def _point(feature: CityFeature) -> tuple[float, float] | None:
    at: Any = None if feature.geometry is None else feature.geometry.get("coordinates")
    return (float(at[0]), float(at[1])) if at else None


class Diseases:
    """Cases by commune and week, with a season and clusters that reach into the next communes."""

    def __init__(self, features: Sequence[CityFeature], seed: int, calendar: Calendar) -> None:
        """Run those communes."""
        self._order = list(features)
        self._seed = seed_of(seed, "diseases")
        self._calendar = calendar
        self._clusters = Schedule(
            self._seed, "dengue-cluster", calendar, self._draw, LONGEST_CLUSTER
        )

    def episodes(self, since: int, until: int) -> list[Episode]:
        """The clusters of a span."""
        return self._clusters.between(since, until)

    def _draw(self, generator: np.random.Generator, midnight: int, day: date) -> list[Episode]:
        season = 1.8 if 7 <= day.month <= 11 else 0.25
        if generator.random() >= CLUSTERS_A_DAY * season:
            return []
        place = self._order[int(generator.integers(0, len(self._order)))]
        near = sorted(self._order, key=lambda other: distance(place, other))[1:4]
        length = int(generator.integers(18 * DAY, LONGEST_CLUSTER))
        strength = float(generator.uniform(12.0, 38.0))
        touched = tuple((other.id, float(generator.uniform(0.15, 0.4))) for other in near)
        return [Episode("dengue-cluster", place.id, midnight, midnight + length, strength, touched)]

    def values(self, feature: str, seconds: Ticks) -> dict[str, Values]:
        """Cases of dengue and of hand, foot and mouth disease in the week before."""
        seed = seed_of(self._seed, feature)
        year = self._calendar.year_part(seconds)
        size = 0.5 + 1.0 * once(seed, "size")
        town = 1.7 if feature.startswith("phuong-") else 1.0
        dengue = 0.08 + 0.75 * np.exp(-0.5 * ((year - 0.79) / 0.09) ** 2)
        spring = np.exp(-0.5 * ((year - 0.30) / 0.07) ** 2)
        autumn = np.exp(-0.5 * ((year - 0.78) / 0.08) ** 2)
        hfmd = 0.12 + 0.9 * spring + 0.7 * autumn
        wander = 1.0 + 0.3 * normal(seed ^ 1, seconds // DAY)
        dengue = size * town * dengue * np.clip(wander, 0.3, 2.0)
        for cluster in self._clusters.between(*span(seconds)):
            share = 1.0 if cluster.feature == feature else cluster.share(feature)
            if share:
                part = envelope(seconds, cluster, 10.0 * DAY, 12.0 * DAY)
                dengue = dengue + share * cluster.strength * part
        return {
            "dengue-cases": counts(seed ^ 2, seconds // DAY, dengue),
            "hfmd-cases": counts(seed ^ 3, seconds // DAY, size * town * hfmd),
        }

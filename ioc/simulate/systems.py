"""Shared systems: up nearly always, down now and then."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np

from ioc.city.spec import CityFeature, CitySeries
from ioc.model import ValueKind
from ioc.simulate.calendar import DAY, HOUR, Calendar
from ioc.simulate.episodes import Episode, Schedule, drawn_length, hump, span
from ioc.simulate.noise import Ticks, Values, seed_of, smooth

STOPS_A_DAY: Final = 0.35
LONGEST: Final = 3 * HOUR


class Systems:
    """Heartbeats of the systems of a feed."""

    def __init__(self, features: Sequence[CityFeature], seed: int, calendar: Calendar) -> None:
        """Run those systems."""
        self._order = list(features)
        seed = seed_of(seed, "systems")
        self._stops = Schedule(seed, "system-down", calendar, self._draw, LONGEST)

    def episodes(self, since: int, until: int) -> list[Episode]:
        """The stops of a span."""
        return self._stops.between(since, until)

    def _draw(self, generator: np.random.Generator, midnight: int, _: date) -> list[Episode]:
        if generator.random() >= STOPS_A_DAY:
            return []
        place = self._order[int(generator.integers(0, len(self._order)))]
        since = midnight + int(generator.integers(0, DAY))
        length = int(60 * drawn_length(generator, 22, 0.7, 8, 170))
        return [Episode("system-down", place.id, since, since + length, 1.0)]

    def values(self, feature: str, seconds: Ticks) -> dict[str, Values]:
        """1 while the system answers, else 0."""
        up = np.ones(len(seconds))
        for stop in self._stops.between(*span(seconds)):
            if stop.feature == feature:
                up[(seconds >= stop.since) & (seconds < stop.until)] = 0.0
        return {"up": up}


class Unnamed:
    """Series of which nothing is known but their plausible range: a daily rhythm in its midst."""

    def __init__(self, series: Sequence[CitySeries], seed: int, calendar: Calendar) -> None:
        """Run those series."""
        self._series = list(series)
        self._seed = seed_of(seed, "unnamed")
        self._calendar = calendar

    def episodes(self, since: int, until: int) -> list[Episode]:
        """Nothing happens to them."""
        _ = since, until
        return []

    def values(self, feature: str, seconds: Ticks) -> dict[str, Values]:
        """Values within the middle half of what is plausible."""
        found: dict[str, Values] = {}
        for series in self._series:
            if series.feature != feature or series.value_kind is ValueKind.TEXT:
                continue
            if series.value_kind is ValueKind.BOOLEAN:
                found[series.property] = np.zeros(len(seconds))
                continue
            low = 0.0 if series.low is None else series.low
            high = low + 100.0 if series.high is None else series.high
            seed = seed_of(self._seed, series.key)
            part = 0.5 + 0.15 * smooth(seed, seconds, 3.0 * HOUR)
            part = part + 0.1 * (hump(self._calendar.hour(seconds), 14.0, 4.0) - 0.5)
            found[series.property] = np.round(low + (high - low) * part, 2)
        return found

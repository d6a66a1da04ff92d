"""Environment: particles in the air by hour and season, rivers that rise after rain."""

from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np

from ioc.city.spec import CityFeature
from ioc.simulate.calendar import DAY, HOUR, Calendar
from ioc.simulate.episodes import Episode, Schedule, envelope, hump, span
from ioc.simulate.noise import Ticks, Values, normal, once, seed_of, smooth
from ioc.simulate.traffic import number
from ioc.simulate.weather import Weather

LONGEST_HAZE: Final = 4 * DAY
HAZES_A_DAY: Final = 0.07
WAVE: Final = 12 * DAY
"""So long after the end of a rain its wave is no longer felt in a river."""


class Air:
    """Particles and warmth at the stations of a feed."""

    def __init__(
        self, features: Sequence[CityFeature], seed: int, calendar: Calendar, weather: Weather
    ) -> None:
        """Run those stations under that weather."""
        self._order = list(features)
        self._seed = seed_of(seed, "air")
        self._calendar = calendar
        self._weather = weather
        self._hazes = Schedule(self._seed, "haze", calendar, self._draw, LONGEST_HAZE)

    def episodes(self, since: int, until: int) -> list[Episode]:
        """The hazes of a span."""
        return self._hazes.between(since, until)

    def _draw(self, generator: np.random.Generator, midnight: int, day: date) -> list[Episode]:
        season = 1.6 if day.month in (10, 11, 12, 1, 2, 3) else 0.4
        if generator.random() >= HAZES_A_DAY * season:
            return []
        since = midnight + int(generator.integers(0, DAY))
        length = int(generator.integers(20 * HOUR, LONGEST_HAZE))
        strength = float(generator.uniform(0.5, 1.4))
        place = self._order[int(generator.integers(0, len(self._order)))]
        touched = tuple(
            (other.id, float(generator.uniform(0.5, 0.95)))
            for other in self._order
            if other.id != place.id
        )
        return [Episode("haze", place.id, since, since + length, strength, touched)]

    def values(self, feature: str, seconds: Ticks) -> dict[str, Values]:
        """PM2.5 and PM10 in µg/m³, temperature in °C."""
        seed = seed_of(self._seed, feature)
        hour = self._calendar.hour(seconds)
        season = 33.0 + 15.0 * np.cos(2.0 * np.pi * (self._calendar.year_part(seconds) - 0.02))
        daily = (
            0.80
            + 0.34 * hump(hour, 7.5, 1.8)
            + 0.40 * hump(hour, 20.0, 2.6)
            - 0.16 * hump(hour, 14.5, 2.5)
        )
        air = np.exp(0.42 * self._weather.still(seconds) + 0.15 * smooth(seed, seconds, 9.0 * HOUR))
        washed = 1.0 - 0.55 * np.clip(self._weather.rain(seconds), 0.0, 1.0)
        level = 0.75 + 0.5 * once(seed, "level")
        fine = level * season * daily * air * washed * (1.0 + 0.05 * normal(seed, seconds // 60))
        for haze in self._hazes.between(*span(seconds)):
            share = 1.0 if haze.feature == feature else haze.share(feature)
            fine = fine * (
                1.0 + share * haze.strength * envelope(seconds, haze, 6 * HOUR, 8 * HOUR)
            )
        coarse = fine * (1.45 + 0.15 * smooth(seed ^ 1, seconds, 12.0 * HOUR)) + 6.0
        own = 1.4 * (once(seed, "warmth") - 0.5) + 0.15 * normal(seed ^ 2, seconds // 60)
        return {
            "pm25": np.round(np.clip(fine, 2.0, 480.0), 1),
            "pm10": np.round(np.clip(coarse, 4.0, 900.0), 1),
            "temperature": np.round(self._weather.temperature(seconds) + own, 1),
        }


class Rivers:
    """Levels at the gauges of a feed."""

    def __init__(
        self, features: Sequence[CityFeature], seed: int, calendar: Calendar, weather: Weather
    ) -> None:
        """Run those gauges under that weather."""
        self._features = {feature.id: feature for feature in features}
        self._seed = seed_of(seed, "rivers")
        self._calendar = calendar
        self._weather = weather

    def episodes(self, since: int, until: int) -> list[Episode]:
        """The rains whose waves pass in a span."""
        return self._weather.rains(since, until)

    def values(self, feature: str, seconds: Ticks) -> dict[str, Values]:
        """Level in metres above the gauge's zero."""
        place = self._features[feature]
        seed = seed_of(self._seed, feature)
        usual = number(place, "usual_level", 5.0)
        room = max(number(place, "alarm_1", usual + 3.0) - usual, 0.5)
        flood = 0.10 - 0.14 * np.cos(2.0 * np.pi * (self._calendar.year_part(seconds) - 0.09))
        level = usual + room * (flood + 0.05 * smooth(seed, seconds, 4.0 * DAY))
        lag = HOUR * (6.0 + 14.0 * once(seed, "lag"))
        answer = 0.55 + 0.6 * once(seed, "answer")
        since, until = span(seconds)
        for rain in self._weather.rains(since - WAVE, until):
            # A wave rises as the rain reaches the gauge and ebbs slowly.
            rise = HOUR * 9.0 + 0.5 * (rain.until - rain.since)
            x = np.clip((seconds - rain.since - lag) / rise, 0.0, None)
            # Cut off at a fixed moment, lest a value depend on how far back one looked.
            felt = seconds < rain.until + WAVE
            level = level + felt * room * answer * rain.strength * x * np.exp(1.0 - x)
        level = level + 0.006 * normal(seed ^ 1, seconds // 60)
        return {"water-level": np.round(level, 2)}

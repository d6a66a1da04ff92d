"""Rain at its gauges, and reservoirs that fill with it and spill."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from ioc.city.spec import CityFeature
from ioc.simulate.calendar import DAY, HOUR, Calendar
from ioc.simulate.episodes import Episode, hump, span
from ioc.simulate.noise import Ticks, Values, normal, once, seed_of, smooth
from ioc.simulate.traffic import number
from ioc.simulate.weather import Weather

WAVE: Final = 10 * DAY
"""So long after the end of a rain its wave is no longer felt in a reservoir."""

HARDEST: Final = 4.0
"""Millimetres an hour of a rain of strength 1, between its bursts."""

SHARE: Final = 4
"""A gauge tells what fell within a quarter of an hour."""


class RainGauges:
    """What fell at the gauges of a feed."""

    def __init__(self, features: Sequence[CityFeature], seed: int, weather: Weather) -> None:
        """Run those gauges under that weather."""
        self._features = {feature.id: feature for feature in features}
        self._seed = seed_of(seed, "rain")
        self._weather = weather

    def episodes(self, since: int, until: int) -> list[Episode]:
        """The rains of a span."""
        return self._weather.rains(since, until)

    def values(self, feature: str, seconds: Ticks) -> dict[str, Values]:
        """Millimetres within a quarter of an hour, in bursts that no two gauges share."""
        seed = seed_of(self._seed, feature)
        wet = number(self._features[feature], "wetness", 1.0)
        hard = HARDEST * wet * self._weather.rain(seconds) ** 1.4
        bursts = np.exp(
            1.0 * smooth(seed, seconds, 1.5 * HOUR) + 1.0 * smooth(seed ^ 1, seconds, HOUR / 3)
        )
        fallen = np.round(hard * bursts / SHARE, 1)
        return {"rainfall": np.clip(fallen, 0.0, 60.0)}


class Reservoirs:
    """Levels of the reservoirs of a feed, and what they let go."""

    def __init__(
        self, features: Sequence[CityFeature], seed: int, calendar: Calendar, weather: Weather
    ) -> None:
        """Run those reservoirs under that weather."""
        self._features = {feature.id: feature for feature in features}
        self._seed = seed_of(seed, "reservoirs")
        self._calendar = calendar
        self._weather = weather

    def episodes(self, since: int, until: int) -> list[Episode]:
        """The rains whose waves pass in a span."""
        return self._weather.rains(since, until)

    def values(self, feature: str, seconds: Ticks) -> dict[str, Values]:
        """Level in metres, discharge in m³/s: what is used, and beyond a wave what is spilled."""
        place = self._features[feature]
        seed = seed_of(self._seed, feature)
        usual = number(place, "usual_level", 20.0)
        room = max(number(place, "full_level", usual + 2.0) - usual, 0.5)
        used = number(place, "spill_from", 10.0)
        much = number(place, "spill_much", 5.0 * used)
        wave = self._wave(seed, seconds)
        season = 0.25 - 0.35 * np.cos(2.0 * np.pi * (self._calendar.year_part(seconds) - 0.15))
        level = usual + room * (season + 0.08 * smooth(seed, seconds, 6.0 * DAY) + 0.3 * wave)
        hour = self._calendar.hour(seconds)
        turbines = used * (0.35 + 0.35 * hump(hour, 10.0, 3.0) + 0.5 * hump(hour, 19.0, 2.5))
        turbines = np.clip(turbines * (1.0 + 0.05 * smooth(seed ^ 2, seconds, DAY)), 0.0, used)
        # Gates are opened one after the other: the discharge goes up in steps.
        gates = np.floor(4.0 * np.clip(wave - 0.9, 0.0, None))
        let_go = turbines.copy()
        let_go[gates > 0] = used + gates[gates > 0] * (much - used) / 3.0
        return {
            "reservoir-level": np.round(level + 0.004 * normal(seed ^ 1, seconds // 60), 2),
            "discharge": np.round(let_go, 1),
        }

    def _wave(self, seed: int, seconds: Ticks) -> Values:
        """How much of the rains has come in: it rises within hours and ebbs within days."""
        lag = HOUR * (3.0 + 9.0 * once(seed, "lag"))
        wave = np.zeros(len(seconds))
        since, until = span(seconds)
        for rain in self._weather.rains(since - WAVE, until):
            rise = HOUR * 8.0 + 0.5 * (rain.until - rain.since)
            x = np.clip((seconds - rain.since - lag) / rise, 0.0, None)
            felt = seconds < rain.until + WAVE
            wave = wave + felt * rain.strength * x * np.exp(1.0 - x)
        return wave

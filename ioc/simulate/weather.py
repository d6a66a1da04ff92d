"""Weather of the whole province: warmth, wind and rain, which other models share."""

from datetime import date
from typing import Final

import numpy as np

from ioc.simulate.calendar import DAY, HOUR, Calendar
from ioc.simulate.episodes import Episode, Schedule, drawn_length, envelope, hump, span
from ioc.simulate.noise import Ticks, Values, seed_of, smooth

LONGEST_RAIN: Final = 40 * HOUR

WET_MONTHS: Final = (0.08, 0.09, 0.12, 0.18, 0.30, 0.34, 0.36, 0.36, 0.28, 0.18, 0.12, 0.08)
"""Chance of a day on which a spell of rain begins, January first."""


class Weather:
    """Temperature and rain by time."""

    def __init__(self, seed: int, calendar: Calendar) -> None:
        """Make the weather of that seed."""
        self._seed = seed_of(seed, "weather")
        self._calendar = calendar
        self._rains = Schedule(self._seed, "rain", calendar, self._draw, LONGEST_RAIN)

    def rains(self, since: int, until: int) -> list[Episode]:
        """The spells of rain of a span."""
        return self._rains.between(since, until)

    def _draw(self, generator: np.random.Generator, midnight: int, day: date) -> list[Episode]:
        if generator.random() >= WET_MONTHS[day.month - 1]:
            return []
        since = midnight + int(generator.integers(0, DAY))
        length = int(HOUR * drawn_length(generator, 10, 0.6, 3, 38))
        wet = 1.0 if 5 <= day.month <= 10 else 0.5
        strength = min(max(wet * float(generator.gamma(1.6, 0.32)), 0.08), 1.6)
        return [Episode("rain", "", since, since + length, strength)]

    def rain(self, seconds: Ticks) -> Values:
        """How hard it rains, from 0 (dry) to 1 and more."""
        found = np.zeros(len(seconds))
        for spell in self._rains.between(*span(seconds)):
            found = np.maximum(found, spell.strength * envelope(seconds, spell, HOUR, 2 * HOUR))
        return found

    def still(self, seconds: Ticks) -> Values:
        """How still the air is, from -1 (windy) to 1 (nothing moves, dust stays)."""
        return smooth(self._seed ^ 5, seconds, 2.2 * DAY)

    def temperature(self, seconds: Ticks) -> Values:
        """Degrees Celsius in the lowlands."""
        season = 23.6 - 6.6 * np.cos(2.0 * np.pi * (self._calendar.year_part(seconds) - 0.045))
        hour = self._calendar.hour(seconds)
        daily = 4.2 * (hump(hour, 14.0, 4.0) - 0.62)
        front = 2.8 * smooth(self._seed ^ 6, seconds, 3.5 * DAY)
        return season + daily + front - 2.2 * np.clip(self.rain(seconds), 0.0, 1.0)

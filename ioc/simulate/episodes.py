"""What goes wrong in the province: incidents, outages, floods, drawn day by day from the seed."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Protocol

import numpy as np

from ioc.simulate.calendar import Calendar
from ioc.simulate.noise import Ticks, Values, seed_of

MOST_DAYS: Final = 1_000
"""Days whose episodes are kept; older ones are drawn again when asked for."""


@dataclass(frozen=True, slots=True)
class Episode:
    """Something that happens at one feature for a time, and what it does to others.

    `strength` and the shares in `touched` mean what the model of the kind makes of them.
    """

    kind: str
    feature: str
    since: int
    until: int
    strength: float
    touched: tuple[tuple[str, float], ...] = ()

    @property
    def id(self) -> str:
        """The same for the same episode at every start."""
        return f"{self.kind}:{self.feature}:{self.since}"

    def share(self, feature: str) -> float:
        """How much another feature is touched, 0 if not."""
        return next((share for name, share in self.touched if name == feature), 0.0)


class Model(Protocol):
    """How the series of one feed run."""

    def values(self, feature: str, seconds: Ticks) -> dict[str, Values]:
        """Values by property at those instants."""
        ...

    def episodes(self, since: int, until: int) -> list[Episode]:
        """What happens, fully or partly, in a half-open span."""
        ...


Draw = Callable[[np.random.Generator, int, date], Sequence[Episode]]
"""The episodes that begin on a day, from a generator of the day and its local midnight."""


class Schedule:
    """Episodes of one kind; those of a day depend on nothing but the seed and the day."""

    def __init__(self, seed: int, kind: str, calendar: Calendar, draw: Draw, longest: int) -> None:
        """Draw with `draw`; no episode is longer than `longest` seconds."""
        self._seed = seed_of(seed, kind)
        self._calendar = calendar
        self._draw = draw
        self._back = timedelta(seconds=longest)
        self._days: dict[date, Sequence[Episode]] = {}

    def between(self, since: int, until: int) -> list[Episode]:
        """What happens, fully or partly, in a half-open span."""
        day = self._calendar.day(since) - self._back - timedelta(days=1)
        last = self._calendar.day(until)
        found: list[Episode] = []
        while day <= last:
            found += [e for e in self._of(day) if e.since < until and e.until > since]
            day += timedelta(days=1)
        return found

    def _of(self, day: date) -> Sequence[Episode]:
        found = self._days.get(day)
        if found is None:
            if len(self._days) >= MOST_DAYS:
                self._days.clear()
            generator = np.random.default_rng([self._seed, day.toordinal()])
            found = self._days[day] = self._draw(generator, self._calendar.midnight(day), day)
        return found


def drawn_length(
    generator: np.random.Generator, median: float, spread: float, low: float, high: float
) -> float:
    """A length with that median, log-normally spread, within bounds."""
    return min(max(median * math.exp(spread * float(generator.normal())), low), high)


def span(seconds: Ticks) -> tuple[int, int]:
    """The half-open span that holds the instants."""
    return int(seconds.min()), int(seconds.max()) + 1


def envelope(seconds: Ticks, episode: Episode, onset: float, release: float) -> Values:
    """0 outside of the episode, 1 in its midst, rising and falling within it."""
    rising = (seconds - episode.since) / onset
    falling = (episode.until - seconds) / release
    return np.clip(np.minimum(rising, falling), 0.0, 1.0)


def hump(hours: Values, at: float, width: float) -> Values:
    """A bell over the hours of a day."""
    away = np.abs(hours - at)
    away = np.minimum(away, 24.0 - away)
    return np.exp(-0.5 * (away / width) ** 2)

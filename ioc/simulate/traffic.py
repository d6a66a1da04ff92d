"""Traffic: rush hours, and incidents that show at a sensor and at its neighbours on the road."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import numpy as np

from ioc.city.spec import CityFeature
from ioc.simulate.calendar import HOUR, Calendar
from ioc.simulate.episodes import Episode, Schedule, drawn_length, envelope, hump, span
from ioc.simulate.noise import Ticks, Values, normal, once, seed_of, smooth

INCIDENTS_A_DAY: Final = 6.0
"""Over all sensors of a province with 36 of them, so one every few hours."""

SENSORS: Final = 36

LIKELY: Final = (1, 1, 1, 1, 1, 2, 5, 8, 6, 4, 4, 5, 4, 4, 5, 5, 7, 9, 7, 5, 4, 3, 2, 1)
"""How likely an incident is to begin in each hour of the day."""

LONGEST: Final = 3 * HOUR


def number(feature: CityFeature, name: str, otherwise: float) -> float:
    """An attribute of a feature as a number."""
    value: Any = feature.attributes.get(name)
    return float(value) if isinstance(value, int | float) else otherwise


class Traffic:
    """Speed and flow of the sensors of a feed."""

    def __init__(self, features: Sequence[CityFeature], seed: int, calendar: Calendar) -> None:
        """Run those sensors; `road` and `sequence` say which are neighbours."""
        self._features = {feature.id: feature for feature in features}
        self._order = list(features)
        self._seed = seed_of(seed, "traffic")
        self._calendar = calendar
        self._incidents = Schedule(self._seed, "incident", calendar, self._draw, LONGEST)

    def episodes(self, since: int, until: int) -> list[Episode]:
        """The incidents of a span."""
        return self._incidents.between(since, until)

    def _draw(self, generator: np.random.Generator, midnight: int, _: date) -> list[Episode]:
        likely = np.array(LIKELY, np.float64)
        mean = INCIDENTS_A_DAY * len(self._order) / SENSORS
        found: list[Episode] = []
        for _number in range(int(generator.poisson(mean))):
            hour = int(generator.choice(24, p=likely / likely.sum()))
            since = midnight + hour * HOUR + int(generator.integers(0, HOUR))
            place = self._order[int(generator.integers(0, len(self._order)))]
            length = int(60 * drawn_length(generator, 45, 0.5, 20, 170))
            strength = float(generator.uniform(0.72, 0.97))
            found.append(
                Episode("incident", place.id, since, since + length, strength, self._near(place))
            )
        return found

    def _near(self, place: CityFeature) -> tuple[tuple[str, float], ...]:
        """The sensors before and after a place on its road; traffic queues before it."""
        road, order = place.attributes.get("road"), number(place, "sequence", 0)
        return tuple(
            (other.id, 1.0 if step < 0 else 0.6)
            for other in self._order
            if other.attributes.get("road") == road
            and road is not None
            and abs(step := number(other, "sequence", 0) - order) == 1
        )

    def values(self, feature: str, seconds: Ticks) -> dict[str, Values]:
        """Speed in km/h and flow in vehicles an hour."""
        place = self._features[feature]
        free = number(place, "free_flow_speed", 50.0)
        seed = seed_of(self._seed, feature)
        demand = self._demand(seed, feature, seconds)
        flow = number(place, "peak_flow", 1_200.0) * demand
        busy = np.clip(demand, 0.0, 1.1)
        speed = free * (1.0 - 0.36 * busy**3) * (1.0 + 0.02 * normal(seed ^ 1, seconds // 60))
        speed = speed * (1.0 + 0.03 * smooth(seed ^ 2, seconds, 2 * HOUR))
        for incident in self._incidents.between(*span(seconds)):
            speed, flow = self._struck(incident, feature, seconds, speed, flow)
        return {
            "speed": np.round(np.clip(speed, 2.0, 190.0), 1),
            "flow": np.round(np.clip(flow, 0.0, 11_900.0)),
        }

    def _demand(self, seed: int, feature: str, seconds: Ticks) -> Values:
        hour = self._calendar.hour(seconds)
        shift = 0.8 * (once(seed, "shift") - 0.5)
        work = (
            0.07 + 0.72 * hump(hour, 7.2 + shift, 0.9) + 0.42 * hump(hour, 10.8, 1.7)
            + 0.44 * hump(hour, 14.2, 1.7) + 0.78 * hump(hour, 17.3 + shift, 1.1)
            + 0.26 * hump(hour, 20.0, 1.6)
        )  # fmt: skip
        rest = (
            0.08 + 0.45 * hump(hour, 9.3, 1.9) + 0.40 * hump(hour, 15.5, 2.2)
            + 0.46 * hump(hour, 18.6, 1.6) + 0.25 * hump(hour, 21.0, 1.5)
        )  # fmt: skip
        resting = self._calendar.rest(seconds)
        level = 0.78 + 0.22 * once(seed, feature, "level")
        friday = (self._calendar.weekday(seconds) == 4) & (hour > 15)
        rhythm = (work + resting * (rest - work)) * np.where(friday, 1.08, 1.0)
        wander = 1.0 + 0.06 * smooth(seed ^ 3, seconds, HOUR) + 0.035 * normal(seed, seconds // 60)
        return level * rhythm * np.clip(wander, 0.6, 1.4)

    def _struck(
        self, incident: Episode, feature: str, seconds: Ticks, speed: Values, flow: Values
    ) -> tuple[Values, Values]:
        """What an incident does here: at its place all slows, beside it flow rises and slows."""
        if incident.feature == feature:
            strength = incident.strength * envelope(seconds, incident, 180.0, 900.0)
            return speed * (1.0 - strength), flow * (1.0 - 0.75 * strength)
        share = incident.share(feature)
        if share:
            strength = share * incident.strength * envelope(seconds, incident, 600.0, 1_200.0)
            return speed * (1.0 - 0.42 * strength), flow * (1.0 + 0.38 * strength)
        return speed, flow

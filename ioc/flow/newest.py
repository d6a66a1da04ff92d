"""The newest values laid out for the evaluation of indicators."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from ioc.kpi.evaluate import FRESHNESS_CODES, Latest
from ioc.live.latest import NEVER
from ioc.live.latest import Latest as Newest
from ioc.model import Freshness, to_micros
from ioc.store.registry import Registry


@dataclass(slots=True)
class Rows:
    """Where the series of the registry of one generation stand; columns of equal length.

    `members` holds the ids of the series by observed property, `late` and `stale` the ages (s).
    """

    generation: int
    ids: Any
    feature: Any
    property: Any
    late: Any
    stale: Any
    members: dict[str, list[int]]


class NewestValues:
    """Lays out what `latest` holds by what the registry knows of each series."""

    def __init__(self, registry: Registry, latest: Newest) -> None:
        """Lay out nothing yet."""
        self._registry = registry
        self._latest = latest
        self._rows: Rows | None = None

    def layout(self) -> Rows:
        """The columns, made anew when the registry has changed."""
        if self._rows is not None and self._rows.generation == self._registry.generation:
            return self._rows
        series = list(self._registry.series.values())
        features = {key: n for n, key in enumerate(dict.fromkeys(s.feature for s in series))}
        limits = [self._registry.feeds[s.feed_key] for s in series]
        members: dict[str, list[int]] = {}
        for one in series:
            members.setdefault(one.property, []).append(one.id)
        self._latest.reserve(self._registry.highest)
        self._rows = Rows(
            self._registry.generation,
            np.array([s.id for s in series], np.int32),
            np.array([features[s.feature] for s in series], np.int64),
            np.array([s.property for s in series], np.str_),
            np.array([np.inf if f.late_after is None else f.late_after for f in limits]),
            np.array([np.inf if f.stale_after is None else f.stale_after for f in limits]),
            members,
        )
        return self._rows

    def at(self, now: datetime) -> Latest:
        """The newest values with their freshness at a time."""
        rows = self.layout()
        times = self._latest.time[rows.ids]
        age = (to_micros(now) - times) / 1e6
        state = np.where(age > rows.late, FRESHNESS_CODES[Freshness.LATE], 0)
        state = np.where(age > rows.stale, FRESHNESS_CODES[Freshness.STALE], state)
        state = np.where(times == NEVER, FRESHNESS_CODES[Freshness.NEVER], state)
        return Latest(
            feature=rows.feature,
            property=rows.property,
            # What is suspect does not enter a figure that people act on; the coverage tells of it.
            value=np.where(self._latest.flags[rows.ids], np.nan, self._latest.value[rows.ids]),
            time=times,
            state=state.astype(np.int8),
        )

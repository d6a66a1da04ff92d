"""The newest values laid out for the evaluation of indicators."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ioc.kpi.evaluate import Latest, freshness_codes
from ioc.live.latest import NEVER
from ioc.live.latest import Latest as Newest
from ioc.model import Feed, to_micros
from ioc.store.registry import Registry


@dataclass(slots=True)
class Rows:
    """Where the series of the registry of one generation stand; columns of equal length.

    `late` and `stale` are ages in seconds, infinite without a limit. `places` says by observed
    property which rows are of it, `limits` what the tightest of both ages of their feeds are.
    """

    generation: int
    ids: Any
    feature: Any
    property: Any
    late: Any
    stale: Any
    places: dict[str, NDArray[np.intp]]
    limits: dict[str, tuple[float | None, float | None]]

    def of(self, properties: Iterable[str]) -> NDArray[np.intp]:
        """The rows of some observed properties."""
        found = [self.places[name] for name in sorted(properties) if name in self.places]
        return np.concatenate(found) if found else np.empty(0, np.intp)


def tightest(feeds: Sequence[Feed]) -> tuple[float | None, float | None]:
    """The smallest ages in seconds from which a value of any of the feeds is late, and stale."""
    late = [feed.late_after for feed in feeds if feed.late_after is not None]
    stale = [feed.stale_after for feed in feeds if feed.stale_after is not None]
    return min(late, default=None), min(stale, default=None)


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
        places: dict[str, list[int]] = {}
        sources: dict[str, set[int]] = {}
        for place, one in enumerate(series):
            places.setdefault(one.property, []).append(place)
            sources.setdefault(one.property, set()).add(one.feed_key)
        self._latest.reserve(self._registry.highest)
        self._rows = Rows(
            self._registry.generation,
            np.array([s.id for s in series], np.int32),
            np.array([features[s.feature] for s in series], np.int64),
            np.array([s.property for s in series], np.str_),
            np.array([np.inf if f.late_after is None else f.late_after for f in limits]),
            np.array([np.inf if f.stale_after is None else f.stale_after for f in limits]),
            {name: np.array(found, np.intp) for name, found in places.items()},
            {
                name: tightest([self._registry.feeds[key] for key in keys])
                for name, keys in sources.items()
            },
        )
        return self._rows

    def of(self, properties: Iterable[str], now: datetime) -> Latest:
        """The newest values of some observed properties, with their freshness at a time."""
        rows = self.layout()
        places = rows.of(properties)
        ids = rows.ids[places]
        times = self._latest.time[ids]
        age = np.where(times == NEVER, np.nan, (to_micros(now) - times) / 1e6)
        return Latest(
            feature=rows.feature[places],
            property=rows.property[places],
            # What is suspect does not enter a figure that people act on; the coverage tells of it.
            value=np.where(self._latest.flags[ids], np.nan, self._latest.value[ids]),
            time=times,
            state=freshness_codes(age, rows.late[places], rows.stale[places]),
        )

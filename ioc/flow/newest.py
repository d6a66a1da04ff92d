"""The newest values laid out for the evaluation of indicators."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ioc.kpi.evaluate import Latest
from ioc.live.ages import limits_of, states
from ioc.live.latest import Latest as Newest
from ioc.model import Feed, Series, to_micros
from ioc.store.registry import Registry


class Known(msgspec.Struct, frozen=True):
    """What the registry knows of some series; columns of equal length.

    `late` and `stale` are ages in µs, `NO_LIMIT` without a limit.
    """

    ids: NDArray[np.int32]
    feature: NDArray[np.int64]
    property: NDArray[np.str_]
    late: NDArray[np.int64]
    stale: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Layout:
    """The series of the registry of one generation by observed property.

    `limits` says of each property what the tightest of both ages of its feeds are.
    """

    generation: int
    feeds: Mapping[int, Feed]
    known: dict[str, Known]
    limits: dict[str, tuple[float | None, float | None]]

    def of(self, properties: Iterable[str]) -> Known:
        """The series of some observed properties."""
        found = [self.known[name] for name in sorted(properties) if name in self.known]
        if len(found) <= 1:
            return found[0] if found else _NOTHING
        columns = zip(*map(msgspec.structs.astuple, found), strict=True)
        return Known(*map(np.concatenate, columns))


_NOTHING: Final = Known(
    np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, np.str_), np.empty(0, np.int64),
    np.empty(0, np.int64),
)  # fmt: skip


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
        self._layout: Layout | None = None

    def layout(self) -> Layout:
        """The columns, made anew when series or feeds in the registry have changed."""
        registry, before = self._registry, self._layout
        if before is None or not self._stands(before):
            self._latest.reserve(registry.highest)
            self._layout = _laid_out(registry)
        elif before.generation != registry.generation:
            self._layout = replace(before, generation=registry.generation)
        assert self._layout is not None
        return self._layout

    def _stands(self, layout: Layout) -> bool:
        """Whether nothing came since but features, which move again and again."""
        made = self._registry.since(layout.generation)
        return made is not None and not made.series and layout.feeds is self._registry.feeds

    def of(self, properties: Iterable[str], now: datetime) -> Latest:
        """The newest values of some observed properties, with their freshness at a time."""
        known = self.layout().of(properties)
        times, value = self._latest.time[known.ids], self._latest.value[known.ids]
        # What is suspect does not enter a figure that people act on; the coverage tells of it.
        value[self._latest.flags[known.ids] != 0] = np.nan
        return Latest(
            feature=known.feature,
            property=known.property,
            value=value,
            time=times,
            state=states(times, to_micros(now), known.late, known.stale),
        )


def _laid_out(registry: Registry) -> Layout:
    members: dict[str, list[Series]] = {}
    for one in registry.series.values():
        members.setdefault(one.property, []).append(one)
    numbers: dict[str, int] = {}
    known: dict[str, Known] = {}
    limits: dict[str, tuple[float | None, float | None]] = {}
    for name, series in members.items():
        keys = [one.feed_key for one in series]
        feeds = {key: registry.feeds[key] for key in set(keys)}
        late, stale = limits_of(feeds)
        known[name] = Known(
            np.array([one.id for one in series], np.int32),
            np.array([numbers.setdefault(one.feature, len(numbers)) for one in series], np.int64),
            np.full(len(series), name),
            late[keys],
            stale[keys],
        )
        limits[name] = tightest(list(feeds.values()))
    return Layout(registry.generation, registry.feeds, known, limits)

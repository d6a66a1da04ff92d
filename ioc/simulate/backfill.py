"""What is sent of the past: newest first, so that what people look at first is there first."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ioc.model import ValueKind
from ioc.simulate.calendar import DAY, HOUR
from ioc.simulate.noise import Ticks, Values
from ioc.simulate.province import SimulatedFeed, SimulatedProvince

Span = tuple[int, int]
"""Seconds since 1970: after the first, up to and with the second."""

RECENT: Final = 2 * DAY
"""So far back every report is sent."""

OLD: Final = 7 * DAY
QUARTER: Final = 15 * 60
HALF: Final = 30 * 60

CONSTANT: Final = frozenset({"beds-planned", "beds-actual", "capacity", "frame-rate"})
"""Properties that hardly ever change: one value an hour is enough of the past."""

SLICE_ROWS: Final = 4_000
FIRST_SLICE: Final = 2 * HOUR
"""The newest slice of each feed is short, so that every feed is seen at once."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A piece of the past of one feed."""

    feed: str
    since: int
    until: int
    step: int
    rows: float
    """About how many rows it holds."""


@dataclass(frozen=True, slots=True)
class Run:
    """Observations of one series."""

    key: str
    kind: ValueKind
    uom: str | None
    time: Ticks
    value: Values


def thinning(interval: int, age: int) -> int:
    """Every how many reports one is sent of a past that lies so far back."""
    if age <= RECENT:
        return 1
    wanted = QUARTER if interval < QUARTER or age <= OLD else HALF
    return max(wanted // interval, 1)


def slices(feed: SimulatedFeed, span: Span, now: int) -> Iterator[Slice]:
    """A span cut into slices of about equal numbers of rows, the newest first."""
    since, until = span
    first = True
    while until > since:
        age = now - until + 1
        step = thinning(feed.interval, age)
        edges = [edge for edge in (now - RECENT, now - OLD) if since < edge < until]
        floor = max(edges, default=since)
        per_second = _rows_a_report(feed, step, age) / (feed.interval * step)
        width = FIRST_SLICE if first else max(int(SLICE_ROWS / max(per_second, 1e-9)), HOUR)
        start = max(floor, until - width)
        yield Slice(feed.id, start, until, step, per_second * (until - start))
        until, first = start, False


def _hourly(feed: SimulatedFeed, step: int, age: int) -> int:
    """Of every how many reports that are sent one says what hardly ever changes."""
    return max(HOUR // (feed.interval * step), 1) if age > RECENT else 1


def _rows_a_report(feed: SimulatedFeed, step: int, age: int) -> float:
    hourly = _hourly(feed, step, age)
    return sum(
        1.0 / hourly if name in CONSTANT else 1.0
        for feature in feed.features
        for name in feed.properties(feature)
    )


def runs(
    province: SimulatedProvince, piece: Slice, now: int, newest: Mapping[str, int]
) -> Iterator[Run]:
    """The observations of a slice; `newest` names what is stored already, by series key."""
    feed = province.feeds[piece.feed]
    kinds = {series.key: (series.value_kind, series.uom) for series in feed.spec.series}
    hourly = _hourly(feed, piece.step, now - piece.until + 1)
    for feature in feed.features:
        time = feed.reports(feature, piece.since, piece.until, piece.step)
        time = time[province.speaks(feed, feature, time)]
        if not len(time):
            continue
        for name, value in feed.values(feature, time).items():
            key = f"{feature}/{name}"
            kind, uom = kinds[key]
            kept = time > newest.get(key, -1)
            if hourly > 1 and name in CONSTANT:
                kept &= (time // (feed.interval * piece.step)) % hourly == 0
            if kept.any():
                yield Run(key, kind, uom, time[kept], value[kept])


def missing(
    window: Span, newest: Mapping[str, int], left_open: Sequence[Span]
) -> tuple[list[Span], Span | None]:
    """What of a window is not stored, from the newest stored time of each series.

    `left_open` are the spans that an earlier run began and did not finish; they are wanted in
    full. The second result is what has passed since; of it, only what is newer than `newest` is.
    """
    since, until = window
    if not newest:
        return [window], None
    spans = [(max(a, since), min(b, until)) for a, b in left_open if b > since]
    oldest = max(min(newest.values()), since)
    return spans, (oldest, until) if oldest < until else None

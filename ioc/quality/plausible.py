"""Which values are implausible: out of range, changed too fast, or unchanged for too long."""

from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from ioc.live.latest import NEVER, Latest
from ioc.model import Columns, Flag, Series, ValueKind

MINUTE_US: Final = 60_000_000
FOR_EVER: Final = np.iinfo(np.int64).max


class PropertyLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What is plausible of an observed property, in its measuring unit `uom`.

    `rate` is the greatest change per minute; `flat` the seconds for which the very same value
    may be reported again and again. None sets no limit.
    """

    property: str
    uom: str | None = None
    low: float | None = None
    high: float | None = None
    rate: float | None = None
    flat: float | None = None

    def holds_for(self, series: Series) -> bool:
        """Whether a series is measured in the same unit; one without a unit is taken to be."""
        return series.uom is None or series.uom == self.uom


class Limits:
    """The limits of all series as columns by series id; grows as series are made."""

    def __init__(self) -> None:
        """Start without any limit."""
        self.low: NDArray[np.float64] = np.full(1024, -np.inf)
        self.high: NDArray[np.float64] = np.full(1024, np.inf)
        self.rate: NDArray[np.float64] = np.full(1024, np.inf)
        self.flat: NDArray[np.int64] = np.full(1024, FOR_EVER, np.int64)
        self.some = False
        """Whether any series has a limit; while none has, nothing is looked at."""

    def put(self, series: Series, of: PropertyLimits | None) -> None:
        """Take the limits of a series; its own `low` and `high` win over its property's."""
        self._reserve(series.id)
        if series.value_kind is not ValueKind.NUMBER:
            series, of = msgspec.structs.replace(series, low=None, high=None), None
        if of is None or not of.holds_for(series):
            of = PropertyLimits(property=series.property)
        low = of.low if series.low is None else series.low
        high = of.high if series.high is None else series.high
        self.low[series.id] = -np.inf if low is None else low
        self.high[series.id] = np.inf if high is None else high
        self.rate[series.id] = np.inf if of.rate is None else of.rate
        self.flat[series.id] = FOR_EVER if of.flat is None else int(of.flat * 1e6)
        self.some |= any(limit is not None for limit in (low, high, of.rate, of.flat))

    def _reserve(self, highest: int) -> None:
        have = len(self.low)
        if highest < have:
            return
        more = max(highest + 1, 2 * have) - have
        self.low = np.concatenate([self.low, np.full(more, -np.inf)])
        self.high = np.concatenate([self.high, np.full(more, np.inf)])
        self.rate = np.concatenate([self.rate, np.full(more, np.inf)])
        self.flat = np.concatenate([self.flat, np.full(more, FOR_EVER, np.int64)])


class Judged(msgspec.Struct, frozen=True, eq=False):
    """Per row the flags (0: plausible), and since when its value has been the same (µs).

    `since` is `NEVER` where that is not followed: the run then counts from the row itself.
    """

    flags: NDArray[np.uint8]
    since: NDArray[np.int64]


def judge(rows: Columns, latest: Latest, limits: Limits) -> Judged:
    """Flag rows that are about to be stored; `latest` is as it was before them.

    Only rows that are newer than all that is known of their series are judged by rate and
    flat-line, each by the one before it, be that in `latest` or in the batch. Late rows and
    corrections are judged by their range, and so is what follows a value out of range: the way
    back from a spike may be the beginning of a flood.
    """
    flags = np.zeros(len(rows), np.uint8)
    since = np.full(len(rows), NEVER, np.int64)
    if not limits.some or not len(rows):
        return Judged(flags, since)
    ids = rows.series
    if int(ids.max()) >= len(limits.low):
        # A series that was made by another process and is not read yet has no limits.
        known = np.flatnonzero(ids < len(limits.low))
        found = judge(rows.take(known), latest, limits)
        flags[known], since[known] = found.flags, found.since
        return Judged(flags, since)
    flags[(rows.value < limits.low[ids]) | (rows.value > limits.high[ids])] = Flag.RANGE
    followed = (limits.rate[ids] < np.inf) | (limits.flat[ids] < FOR_EVER)
    followed &= rows.time > latest.time[ids]
    if followed.any():
        _judge_moves(rows, np.flatnonzero(followed), latest, limits, flags, since)
    return Judged(flags, since)


def _judge_moves(
    rows: Columns,
    followed: NDArray[np.intp],
    latest: Latest,
    limits: Limits,
    flags: NDArray[np.uint8],
    since: NDArray[np.int64],
) -> None:
    """Set rate and flat-line flags, and the starts of runs, of the followed rows."""
    order = followed[np.lexsort((rows.time[followed], rows.series[followed]))]
    ids, time, value = rows.series[order], rows.time[order], rows.value[order]
    first = np.append(True, ids[1:] != ids[:-1])
    time_before, value_before = np.roll(time, 1), np.roll(value, 1)
    time_before[first], value_before[first] = latest.time[ids[first]], latest.value[ids[first]]
    known = time_before != NEVER
    elapsed = np.where(known, time - np.where(known, time_before, time), 1)
    with np.errstate(over="ignore"):
        change = np.abs(value - value_before) * MINUTE_US
        fast = known & (change > limits.rate[ids] * elapsed)
    fast &= (value_before >= limits.low[ids]) & (value_before <= limits.high[ids])
    # A silence longer than the limit says nothing of what the sensor did meanwhile.
    flat = limits.flat[ids]
    same = known & (value == value_before) & (elapsed <= flat)
    start = np.where(latest.since[ids] == NEVER, latest.time[ids], latest.since[ids])
    start = np.where(same, start, time)
    places = np.arange(len(order))
    start = start[np.maximum.accumulate(np.where(first | ~same, places, 0))]
    frozen = same & (time - start > flat)
    flags[order] |= np.where(fast, Flag.RATE, 0).astype(np.uint8)
    flags[order] |= np.where(frozen, Flag.FLAT, 0).astype(np.uint8)
    since[order] = start

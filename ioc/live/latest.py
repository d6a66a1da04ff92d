"""The newest observation of every series, as columns indexed by series id."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ioc.model import Columns

NEVER = np.iinfo(np.int64).min
"""Stands for the time of a series that has no observation."""


class Latest:
    """Times and values by series id; grows as series are made.

    The writer changes it after each commit and nobody else does. `time` and `received` are
    µs since 1970 in UTC. `flags` says whether the newest value is suspect (0: it is not), and
    `since` from when on it has been the same (`NEVER`: not followed); see `ioc/quality`.
    """

    def __init__(self, capacity: int = 1024) -> None:
        """Make room for series ids below `capacity`; more is made when needed."""
        self.time: NDArray[np.int64] = np.full(capacity, NEVER, np.int64)
        self.value: NDArray[np.float64] = np.full(capacity, np.nan, np.float64)
        self.received: NDArray[np.int64] = np.full(capacity, NEVER, np.int64)
        self.flags: NDArray[np.uint8] = np.zeros(capacity, np.uint8)
        self.since: NDArray[np.int64] = np.full(capacity, NEVER, np.int64)

    def reserve(self, highest: int) -> None:
        """Make room for the series id `highest`."""
        have = len(self.time)
        if highest < have:
            return
        more = max(highest + 1, 2 * have) - have
        self.time = np.concatenate([self.time, np.full(more, NEVER, np.int64)])
        self.value = np.concatenate([self.value, np.full(more, np.nan)])
        self.received = np.concatenate([self.received, np.full(more, NEVER, np.int64)])
        self.flags = np.concatenate([self.flags, np.zeros(more, np.uint8)])
        self.since = np.concatenate([self.since, np.full(more, NEVER, np.int64)])

    def newer(self, rows: Columns) -> NDArray[np.bool_]:
        """Which rows are newer than all that is known of their series."""
        return rows.time > self.time[rows.series]

    def apply(
        self,
        rows: Columns,
        received: int,
        flags: NDArray[np.uint8] | None = None,
        since: NDArray[np.int64] | None = None,
    ) -> NDArray[Any]:
        """Take stored rows; returns the series ids whose newest observation changed.

        A row with the newest time itself (a correction) counts, an older one does not: late
        data never moves the newest backwards.
        """
        if not len(rows):
            return np.empty(0, np.int32)
        order = np.lexsort((np.arange(len(rows)), rows.time, rows.series))
        series = rows.series[order]
        last = np.append(series[1:] != series[:-1], True)
        chosen = order[last]
        ids, times = rows.series[chosen], rows.time[chosen]
        advanced = times >= self.time[ids]
        ids, chosen = ids[advanced], chosen[advanced]
        self.time[ids] = rows.time[chosen]
        self.value[ids] = rows.value[chosen]
        self.received[ids] = received
        self.flags[ids] = 0 if flags is None else flags[chosen]
        self.since[ids] = NEVER if since is None else since[chosen]
        return ids

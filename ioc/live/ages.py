"""How old the newest values of many series are, against the age limits of their feeds."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ioc.live.latest import NEVER
from ioc.model import FRESHNESS_CODES, Feed, Freshness

STALE, UNSEEN = FRESHNESS_CODES[Freshness.STALE], FRESHNESS_CODES[Freshness.NEVER]

NO_LIMIT: Final = int(np.iinfo(np.int64).max // 2)
"""Stands for the age in µs that no value reaches."""


def limits_of(feeds: Mapping[int, Feed]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """By feed key, the ages in µs beyond which a value is late, and stale."""
    late = np.full(max(feeds, default=0) + 1, NO_LIMIT, np.int64)
    stale = late.copy()
    for key, feed in feeds.items():
        late[key], stale[key] = _micros(feed.late_after), _micros(feed.stale_after)
    return late, stale


def _micros(seconds: float | None) -> int:
    return NO_LIMIT if seconds is None else round(min(NO_LIMIT, seconds * 1e6))


def states(
    times: NDArray[np.int64], now_us: int, late: NDArray[np.int64], stale: NDArray[np.int64]
) -> NDArray[np.int8]:
    """What `ioc.model.freshness` says of values of those times, as `FRESHNESS_CODES`."""
    # Fresh is 0 and late is 1.
    found = (times < now_us - late).astype(np.int8)
    found[times < now_us - stale] = STALE
    found[times == NEVER] = UNSEEN
    return found

"""How late rows come: a histogram of logarithmic buckets that can be added to another one.

A quantile read from it is at most 10 % off. Bucket 0 holds lags below 10 ms, and clocks that run
ahead; the last bucket holds all above some 400 days.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ACCURACY: Final = 0.1
LOWEST: Final = 0.01
"""Seconds from which lags are told apart."""

STEP: Final = (1 + ACCURACY) / (1 - ACCURACY)
"""Each bucket ends at so many times its beginning; its middle is off by `ACCURACY` at most."""

BUCKETS: Final = 2 + math.ceil(math.log(400 * 86_400 / LOWEST, STEP))


def buckets(lag_us: NDArray[np.int64]) -> NDArray[np.intp]:
    """The bucket of each lag in µs."""
    steps = np.log(np.maximum(lag_us, 1) / (LOWEST * 1e6)) / math.log(STEP)
    return np.clip(np.floor(steps) + 1, 0, BUCKETS - 1).astype(np.intp)


def histograms(lag_us: NDArray[np.int64], group: NDArray[Any], groups: int) -> NDArray[np.int64]:
    """How many rows of each group fall into each bucket."""
    found = np.bincount(group * BUCKETS + buckets(lag_us), minlength=groups * BUCKETS)
    return found.reshape(groups, BUCKETS)


def trimmed(counts: NDArray[np.int64]) -> list[int]:
    """The counts without the empty buckets at the end, as they are stored."""
    filled = np.flatnonzero(counts)
    return counts[: filled[-1] + 1].tolist() if len(filled) else []


def quantile(counts: Sequence[int], share: float) -> float | None:
    """The lag in seconds below which that share of the rows came; None without rows."""
    total = sum(counts)
    if not total:
        return None
    below = 0
    for bucket, count in enumerate(counts):
        below += count
        if below >= share * total and count:
            return value(bucket)
    return value(len(counts) - 1)


def value(bucket: int) -> float:
    """The seconds that a bucket stands for: within 10 % of all that are in it."""
    return 0.0 if bucket == 0 else LOWEST * STEP ** (bucket - 1) * 2 * STEP / (1 + STEP)

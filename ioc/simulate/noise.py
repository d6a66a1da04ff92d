"""Noise as a function of name and time: the same moment has the same value at every start."""

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

Ticks = NDArray[np.int64]
Values = NDArray[np.float64]

_GOLDEN: Final = np.uint64(0x9E3779B97F4A7C15)
_FIRST: Final = np.uint64(0xBF58476D1CE4E5B9)
_SECOND: Final = np.uint64(0x94D049BB133111EB)
_MOST_CASES: Final = 80
"""Upper end of the counts drawn; the means used here are far below it."""


def seed_of(*names: object) -> int:
    """A 64-bit seed from names; other names give an unrelated one."""
    text = "\x1f".join(str(name) for name in names)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def uniform(seed: int, ticks: Ticks) -> Values:
    """Evenly spread over [0, 1), unrelated from tick to tick (splitmix64)."""
    x = (ticks.astype(np.uint64) + np.uint64(1)) * _GOLDEN + np.uint64(seed)
    x = (x ^ (x >> np.uint64(30))) * _FIRST
    x = (x ^ (x >> np.uint64(27))) * _SECOND
    x ^= x >> np.uint64(31)
    return (x >> np.uint64(11)).astype(np.float64) * 2.0**-53


def once(*names: object) -> float:
    """One number of [0, 1) that belongs to a name."""
    return float(uniform(seed_of(*names), np.zeros(1, np.int64))[0])


def normal(seed: int, ticks: Ticks) -> Values:
    """Normally spread around 0 with deviation 1, unrelated from tick to tick."""
    first = uniform(seed, ticks)
    second = uniform(seed ^ 0x5851F42D4C957F2D, ticks)
    return np.sqrt(-2.0 * np.log1p(-first)) * np.cos(2.0 * np.pi * second)


def smooth(seed: int, seconds: Ticks, period: float) -> Values:
    """Wanders within [-1, 1], turning about once a `period` in seconds."""
    place = seconds / period
    node = np.floor(place)
    part = place - node
    ticks = node.astype(np.int64)
    left = 2.0 * uniform(seed, ticks) - 1.0
    right = 2.0 * uniform(seed, ticks + 1) - 1.0
    return left + (right - left) * part * part * (3.0 - 2.0 * part)


def counts(seed: int, ticks: Ticks, mean: Values) -> Values:
    """Poisson counts with those means."""
    left = uniform(seed, ticks)
    chance = np.exp(-mean)
    found = np.zeros_like(mean)
    for case in range(1, _MOST_CASES):
        left = left - chance
        above = left >= 0.0
        if not above.any():
            break
        found[above] = case
        chance = chance * mean / case
    return found

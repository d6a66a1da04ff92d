"""Floods of alerts and how often one comes again (ISA-18.2), over sorted beginnings in µs."""

from typing import Final

import msgspec
import numpy as np

from alerts.matter import FLAP_WITHIN, FLAPS, FLOOD, FLOOD_WITHIN, MINUTE
from alerts.past import Ints, Truths

CALM: Final = 5
"""A flood ends once fewer than so many alerts came in ten minutes."""

CHATTERS: Final = 3
CHATTER_WITHIN: Final = MINUTE
"""So many beginnings of one alert within that time are a chattering one."""

REPEATS: Final = {"chattering": (CHATTERS, CHATTER_WITHIN), "flapping": (FLAPS, FLAP_WITHIN)}


class Flood(msgspec.Struct, frozen=True):
    """A time in which more came than an operator can handle; µs, and how many came."""

    begins: int
    ends: int
    alerts: int


def floods(began: Ints, end: int) -> list[Flood]:
    """Floods until `end`: each from the 11th alert in ten minutes until fewer than 5 come in ten.

    Its alerts are those of the ten minutes before too, unless they were in the flood before.
    """
    first = np.searchsorted(began, began - FLOOD_WITHIN, side="right")
    too_many = np.flatnonzero(np.arange(len(began)) - first + 1 > FLOOD)
    # An alert leaves the ten minutes when fewer than CALM others have come in the meantime.
    leaves = began + FLOOD_WITHIN
    calm = np.flatnonzero(
        np.searchsorted(began, leaves, "right") - 1 - np.arange(len(began)) < CALM
    )
    found: list[Flood] = []
    counted = 0
    while len(too_many):
        begins = int(too_many[0])
        from_here = calm[np.searchsorted(calm, first[begins]) :]
        ends = min(int(leaves[from_here[0]]), end)
        after = int(np.searchsorted(began, ends))
        found.append(Flood(int(began[begins]), ends, after - max(int(first[begins]), counted)))
        counted = after
        too_many = too_many[too_many >= max(after, begins + 1)]
    return found


def most_within(began: Ints, width: int) -> int:
    """The most that came in any time of a width."""
    if not len(began):
        return 0
    first = np.searchsorted(began, began - width, side="right")
    return int((np.arange(len(began)) - first).max()) + 1


def repeated(mark: Ints, began: Ints, times: int, within: int) -> Truths:
    """Which occurrences are of so many beginnings of one alert in less than a time."""
    order = np.lexsort((began, mark))
    mark, began = mark[order], began[order]
    last = times - 1
    found = np.zeros(len(mark), np.bool_)
    if len(mark) > last:
        close = (mark[last:] == mark[:-last]) & (began[last:] - began[:-last] < within)
        for step in range(times):
            found[step : len(mark) - last + step] |= close
    back = np.empty(len(mark), np.bool_)
    back[order] = found
    return back

"""Counts of units as they were, shared out to the units of another day by the events between."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from ioc.kpi.counts import Counts
from ioc.org import Organisation, Passage

T = TypeVar("T", bound=np.generic)

NOTHING: Collection[str] = frozenset()


def restate(
    counts: Counts,
    organisation: Organisation,
    on: date,
    *,
    since: date = date.min,
    fixed: Collection[str] = NOTHING,
) -> Counts:
    """What the counts of each unit are for the units of a day: shared to successors by weight.

    `since` is the first day that the counts are of: what units handed over until then is theirs
    no more, unless the unit has ended. A row is estimated where a weight below 1 had a part in it.
    Ratios are to be computed from the restated counts. `fixed` measures (ranks, index scores,
    percentiles) are never shared out: they stay with a unit that stays whole, and are not known
    of the others. A unit of which no event tells the successor keeps its row, so that sums stay.
    """
    table = _Table(counts, fixed)
    for day, passages in organisation.passages.items():
        if day > on:
            break
        going = [
            passage
            for passage in passages
            if passage.source in table
            and (day > since or organisation.find(passage.source, day) is None)
        ]
        if going:
            table.pass_on(going)
    return table.counts(counts.measures)


class _Table:
    """The counts while they go from unit to unit; `known` tells 0 from not known."""

    def __init__(self, counts: Counts, fixed: Collection[str]) -> None:
        self._row = {unit: row for row, unit in enumerate(counts.units)}
        self._known = ~np.isnan(counts.values)
        self._sums = np.where(self._known, counts.values, 0.0)
        self._estimated = counts.estimated.copy()
        self._fixed = np.array([measure in fixed for measure in counts.measures], np.bool_)

    def __contains__(self, unit: str) -> bool:
        return unit in self._row

    def pass_on(self, passages: Sequence[Passage]) -> None:
        """Let everything that goes on one day go at once."""
        old = self._row
        units = dict.fromkeys([*old, *(p.target for p in passages)])
        row = {unit: place for place, unit in enumerate(units)}
        sources = np.array([row[p.source] for p in passages], np.int64)
        targets = np.array([row[p.target] for p in passages], np.int64)
        weights = np.array([p.weight for p in passages], np.float64)
        more = len(row) - len(old)
        sums, known = _longer(self._sums, more), _longer(self._known, more)
        estimated = _longer(self._estimated, more)
        whole = (sources == targets) & (weights >= 1)
        shared = known[sources] & (~self._fixed | whole[:, None])
        moved = sums[sources] * weights[:, None]
        guessed = (estimated[sources] | (weights < 1)) & shared.any(axis=1)
        sums[sources], known[sources], estimated[sources] = 0.0, False, False
        np.add.at(sums, targets, np.where(shared, moved, 0.0))
        np.logical_or.at(known, targets, shared)
        np.logical_or.at(estimated, targets, guessed)
        left = np.zeros(len(row), np.bool_)
        left[sources] = True
        left[targets] = False
        self._row = {
            unit: place for place, unit in enumerate(u for u, at in row.items() if not left[at])
        }
        self._sums, self._known = sums[~left], known[~left]
        self._estimated = estimated[~left]

    def counts(self, measures: tuple[str, ...]) -> Counts:
        return Counts(
            units=tuple(self._row),
            measures=measures,
            values=np.where(self._known, self._sums, np.nan),
            estimated=self._estimated,
        )


def _longer(table: NDArray[T], more: int) -> NDArray[T]:
    """The table with empty rows below."""
    return np.concatenate([table, np.zeros((more, *table.shape[1:]), table.dtype)])

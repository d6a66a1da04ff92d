"""Counts of units added up to those of the units above them; pure."""

from collections.abc import Collection, Mapping

import numpy as np

from ioc.kpi.counts import Counts

NOTHING: Collection[str] = frozenset()


def rolled_up(
    counts: Counts,
    parents: Mapping[str, str | None],
    *,
    own_first: Collection[str] = NOTHING,
    single: Collection[str] = NOTHING,
) -> Counts:
    """The counts of each unit together with all below it; units above get a row where they lack it.

    What is not known adds nothing, and is not known where no unit knows it. Of the measures in
    `own_first` (handed in by hand) a unit's own figure stands, and the units below it count only
    where it has none; those in `single` (scores, ranks) are never added up.
    """
    units = _with_ancestors(counts.units, parents)
    place = {unit: row for row, unit in enumerate(units)}
    own = np.full((len(units), len(counts.measures)), np.nan)
    own[: len(counts.units)] = counts.values
    estimated = np.zeros(len(units), np.bool_)
    estimated[: len(counts.units)] = counts.estimated
    added = np.array([name not in single for name in counts.measures], np.bool_)
    stands = np.array([name in own_first for name in counts.measures], np.bool_)
    depth = np.array([_depth(unit, parents) for unit in units], np.intp)
    above = np.array([place.get(parents.get(unit) or "", -1) for unit in units], np.intp)
    below = np.zeros_like(own)
    known_below = np.zeros(own.shape, np.bool_)
    total = own.copy()
    for level in range(int(depth.max(initial=0)), -1, -1):
        rows = np.flatnonzero(depth == level)
        known = ~np.isnan(own[rows])
        summed = np.where(known, own[rows], 0.0) + np.where(stands & known, 0.0, below[rows])
        total[rows] = np.where(known | known_below[rows], summed, np.nan)
        rising = rows[above[rows] >= 0]
        passed = ~np.isnan(total[rising]) & added
        np.add.at(below, above[rising], np.where(passed, total[rising], 0.0))
        np.logical_or.at(known_below, above[rising], passed)
        np.logical_or.at(estimated, above[rising], estimated[rising])
    return Counts(units=units, measures=counts.measures, values=total, estimated=estimated)


def _with_ancestors(units: tuple[str, ...], parents: Mapping[str, str | None]) -> tuple[str, ...]:
    found = dict.fromkeys(units)
    for unit in units:
        above = parents.get(unit)
        while above is not None and above not in found:
            found[above] = None
            above = parents.get(above)
    return tuple(found)


def _depth(unit: str, parents: Mapping[str, str | None]) -> int:
    depth, above = 0, parents.get(unit)
    while above is not None and depth < len(parents):
        depth += 1
        above = parents.get(above)
    return depth

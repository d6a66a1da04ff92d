"""Counts of measures by unit over one period: what every source of figures hands to indicators."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """A table of units × measures.

    `values` has a row per unit and a column per measure; NaN is not known, which is never 0.
    `estimated` says of each row whether a part of it was shared out by a weight below 1.
    """

    units: tuple[str, ...]
    measures: tuple[str, ...]
    values: NDArray[np.float64]
    estimated: NDArray[np.bool_]

    def of(self, measures: Sequence[str]) -> "Counts":
        """The columns of some measures, in that order."""
        places = [self.measures.index(measure) for measure in measures]
        return msgspec.structs.replace(
            self, measures=tuple(measures), values=self.values[:, places]
        )

    def over(self, units: Iterable[str]) -> dict[str, float | None]:
        """The sum of each measure over some units; None where none of them knows it.

        Units without a row add nothing.
        """
        wanted = set(units)
        rows = [place for place, unit in enumerate(self.units) if unit in wanted]
        part = self.values[rows]
        known = ~np.isnan(part)
        sums = np.where(known, part, 0.0).sum(axis=0)
        return {
            measure: float(sums[place]) if known[:, place].any() else None
            for place, measure in enumerate(self.measures)
        }


def counts_of(
    rows: Sequence[tuple[str, Sequence[float | None]]], measures: Sequence[str]
) -> Counts:
    """The table of rows (unit, values in the order of `measures`); None is not known."""
    values: NDArray[Any] = np.array([list(row) for _, row in rows], np.float64)
    return Counts(
        units=tuple(unit for unit, _ in rows),
        measures=tuple(measures),
        values=values.reshape(len(rows), len(measures)),
        estimated=np.zeros(len(rows), np.bool_),
    )


def joined(tables: Sequence[Counts]) -> Counts:
    """Tables of different measures as one; a unit that one of them lacks is not known there."""
    units = tuple(dict.fromkeys(unit for table in tables for unit in table.units))
    place = {unit: row for row, unit in enumerate(units)}
    measures = tuple(measure for table in tables for measure in table.measures)
    values = np.full((len(units), len(measures)), np.nan)
    estimated = np.zeros(len(units), np.bool_)
    first = 0
    for table in tables:
        rows = [place[unit] for unit in table.units]
        values[rows, first : first + len(table.measures)] = table.values
        estimated[rows] |= table.estimated
        first += len(table.measures)
    return Counts(units=units, measures=measures, values=values, estimated=estimated)

"""The figures of many units at once, from their counts by the formulas of indicators; pure."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_DOWN, Decimal

import msgspec
import numpy as np

from ioc.kpi.counts import Counts
from ioc.kpi.definition import Rounding
from ioc.kpi.evaluate import PERCENT, printed
from ioc.kpi.expression import Column
from ioc.kpi.formula import Formula
from ioc.kpi.indicator import Indicator
from ioc.kpi.origin import MeasureSource, PartsSource


class Computed(msgspec.Struct, frozen=True):
    """One indicator in every unit; NaN is not known.

    `covered` says of a sum of points how many of the points that can be had are had by parts that
    are known.
    """

    indicator: Indicator
    value: Column
    numerator: Column
    denominator: Column
    covered: Column


def compute(indicators: Iterable[Indicator], counts: Counts) -> dict[str, Computed]:
    """All of them in the rows of `counts`; a part of a sum that is not among them is not known."""
    columns = {name: counts.values[:, place] for place, name in enumerate(counts.measures)}
    rows = len(counts.units)
    found: dict[str, Computed] = {}
    sums: dict[str, Indicator] = {}
    for indicator in indicators:
        formulas = indicator.formulas
        if formulas is not None:
            found[indicator.id] = _computed(indicator, formulas, columns, rows)
        elif isinstance(indicator.source, PartsSource):
            sums[indicator.id] = indicator
    for id in sums:
        _add_up(id, sums, found, rows)
    return found


def _computed(
    indicator: Indicator, formulas: MeasureSource, columns: Mapping[str, Column], rows: int
) -> Computed:
    over = _over(formulas.numerator, columns, rows)
    under = _over(formulas.denominator, columns, rows)
    with np.errstate(all="ignore"):
        match indicator.kind:
            case "share":
                # Multiplied first, so that equal shares are equal numbers and rank alike.
                value = np.where(under == 0, np.nan, over * PERCENT / under)
            case "ratio":
                value = np.where(under == 0, np.nan, over / under)
            case "score":
                value = _points(indicator, formulas, over, under)
            case _:
                value = over
    unknown = np.full(rows, np.nan)
    return Computed(indicator, np.where(np.isfinite(value), value, np.nan), over, under, unknown)


def _over(formula: Formula | None, columns: Mapping[str, Column], rows: int) -> Column:
    return np.full(rows, np.nan) if formula is None else formula.over(columns, rows)


def _points(indicator: Indicator, formulas: MeasureSource, over: Column, under: Column) -> Column:
    if formulas.score is None:
        return np.full(len(over), np.nan)
    rate = np.where(under == 0, np.nan, over / under)
    most = np.full(len(over), indicator.maximum or np.nan)
    given = {"n": over, "d": under, "rate": rate, "maximum": most}
    value = formulas.score.over(given, len(over))
    if formulas.when_none is None:
        return value
    return np.where(under == 0, formulas.when_none, value)


def _add_up(
    id: str, sums: Mapping[str, Indicator], found: dict[str, Computed], rows: int
) -> Computed | None:
    """The sum, after the sums that it is made of; one that holds itself is not known."""
    if id in found or id not in sums:
        return found.get(id)
    indicator = sums[id]
    source = indicator.source
    assert isinstance(source, PartsSource)
    unknown = np.full(rows, np.nan)
    found[id] = Computed(indicator, unknown, unknown, unknown, np.zeros(rows))
    value, covered = np.zeros(rows), np.zeros(rows)
    complete = np.ones(rows, np.bool_)
    for name in source.parts:
        part = _add_up(name, sums, found, rows)
        if part is None:
            complete[:] = False
            continue
        known = ~np.isnan(part.value)
        most = np.where(known, part.indicator.maximum or 0.0, 0.0)
        whole = known
        if isinstance(part.indicator.source, PartsSource):
            whole = known & (part.covered >= (part.indicator.maximum or 0.0))
            # What is added up must be what is said to be covered.
            most = np.where(known, part.covered, 0.0) if source.partial else part.covered
        complete &= whole
        value += np.where(known, part.value, 0.0)
        covered += most
    shown = (covered > 0) if source.partial else complete
    found[id] = Computed(indicator, np.where(shown, value, np.nan), unknown, unknown, covered)
    return found[id]


def as_printed(value: float, decimals: int, rounding: Rounding) -> Decimal:
    """The value as it is printed by the indicator's rule; truncated towards 0, or half up."""
    if rounding == "half_up":
        return printed(value, decimals)
    cut = Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_DOWN)
    return abs(cut) if cut == 0 else cut

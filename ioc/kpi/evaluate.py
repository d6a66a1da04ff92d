"""Figures from latest values or dossier counts, their standing against targets, their ranks."""

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

import msgspec
import numpy as np
from numpy.typing import NDArray

from ioc.kpi.definition import Direction
from ioc.kpi.indicator import Indicator
from ioc.kpi.origin import CountSource, LatestSource, Take, Term
from ioc.model import FRESHNESS_CODES, Freshness

PERCENT = 100

LATE = FRESHNESS_CODES[Freshness.LATE]
STALE = FRESHNESS_CODES[Freshness.STALE]
NEVER = FRESHNESS_CODES[Freshness.NEVER]


class Latest(msgspec.Struct, frozen=True, kw_only=True):
    """The newest value of every series that is looked at, as columns of equal length.

    A series that never had a value has its row too, else it would not be missed: its state is
    never, its value and time do not matter. `feature` tells which rows are about one thing. `state`
    holds `FRESHNESS_CODES`.
    """

    feature: NDArray[np.int64]
    property: NDArray[np.str_]
    value: NDArray[np.float64]
    time: NDArray[np.int64]
    state: NDArray[np.int8]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """A figure with all that it was made from; `value` is None where it is not known, never 0.

    `observed` of `expected` values lie behind it (None where no values are expected one by one);
    `time` (µs) is that of the newest. A mean carries its sum and its count.
    """

    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    observed: int | None = None
    expected: int | None = None
    time: int | None = None
    state: Freshness = Freshness.FRESH


class Standing(StrEnum):
    """How a figure stands against its target."""

    MET = "met"
    BEHIND = "behind"
    NONE = "none"


def evaluate_latest(indicator: Indicator, rows: Latest) -> Figure:
    """The figure from those of the latest values that are not stale.

    A share of two properties counts a feature only where both are known: beds of a hospital whose
    occupancy has not come in would make the others look empty.
    """
    source = indicator.source
    if not isinstance(source, LatestSource):
        raise TypeError(f"indicator {indicator.id} is not made of latest values")
    over = rows.property == source.numerator.property
    under = over
    if source.denominator is not None:
        under = rows.property == source.denominator.property
    # NaN is no value, whatever its state.
    known = (rows.state < STALE) & ~np.isnan(rows.value)
    counted_over, counted_under = over & known, under & known
    wanted = over | under
    observed, expected = int(counted_over.sum()), int(over.sum())
    if source.denominator is not None and source.denominator.property != source.numerator.property:
        both = np.intersect1d(rows.feature[counted_over], rows.feature[counted_under])
        counted_over = counted_over & np.isin(rows.feature, both)
        counted_under = counted_under & np.isin(rows.feature, both)
        observed, expected = len(both), len(np.unique(rows.feature[wanted]))
    counted = counted_over | counted_under
    numerator = _take(source.numerator, rows.value[counted_over])
    denominator = None
    value = numerator
    if source.denominator is not None:
        denominator = _take(source.denominator, rows.value[counted_under])
        value = share(numerator, denominator)
    elif indicator.kind == "mean":
        within = _within(source.numerator, rows.value[counted_over])
        numerator, denominator = (
            (float(within.sum()), float(len(within))) if len(within) else (None, None)
        )
    return Figure(
        value=value,
        numerator=numerator,
        denominator=denominator,
        observed=observed,
        expected=expected,
        time=int(rows.time[counted].max()) if counted.any() else None,
        state=_state(rows.state[counted], rows.state[wanted]),
    )


def evaluate_counts(indicator: Indicator, counts: Mapping[str, int | None]) -> Figure:
    """The figure from counts by name; a count that is not known is not 0."""
    source = indicator.source
    if not isinstance(source, CountSource):
        raise TypeError(f"indicator {indicator.id} is not made of counts")
    numerator = _summed(source.numerator, counts)
    state = Freshness.NEVER if numerator is None else Freshness.FRESH
    if not source.denominator:
        return Figure(value=numerator, numerator=numerator, state=state)
    denominator = _summed(source.denominator, counts)
    return Figure(value=share(numerator, denominator), numerator=numerator, denominator=denominator)


def share(numerator: float | None, denominator: float | None) -> float | None:
    """Percent; None without both, and of nothing.

    Multiplied first: counts stay whole up to the one rounding of the division, so that equal
    shares are equal numbers and rank alike.
    """
    if numerator is None or not denominator:
        return None
    return numerator * PERCENT / denominator


def standing(value: float | None, target: float | None, direction: Direction) -> Standing:
    """Whether the target is met, by the value itself and not by what is printed of it."""
    if value is None or target is None:
        return Standing.NONE
    met = value >= target if direction == "up" else value <= target
    return Standing.MET if met else Standing.BEHIND


def ranks(values: Sequence[float | None], direction: Direction) -> list[int]:
    """1 is the best; equals share a rank and the next one is skipped; 0 is not ranked."""
    present = sorted((v for v in values if v is not None), reverse=direction == "up")
    first: dict[float, int] = {}
    for place, value in enumerate(present, start=1):
        first.setdefault(value, place)
    return [0 if value is None else first[value] for value in values]


def by_rank(values: Sequence[float | None], direction: Direction) -> list[int]:
    """The places of the values in `values`, best first and the unknown last."""
    rank = ranks(values, direction)
    return sorted(range(len(values)), key=lambda place: (rank[place] == 0, rank[place], place))


def printed(value: float, decimals: int) -> Decimal:
    """The value as people print it: half is rounded up, away from zero.

    The shortest text of the number is rounded, not its binary expansion: 2.675, which a computer
    holds as a little less, prints as 2.68.
    """
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)
    return abs(rounded) if rounded == 0 else rounded


def _within(term: Term, values: NDArray[np.float64]) -> NDArray[np.float64]:
    if term.above is not None:
        values = values[values > term.above]
    if term.below is not None:
        values = values[values < term.below]
    return values


def _take(term: Term, values: NDArray[np.float64]) -> float | None:
    """None where no value came in, and for the extreme or mean of none."""
    if not len(values):
        return None
    within = _within(term, values)
    if not len(within) and term.take in ("max", "mean"):
        return None
    return _taken(term.take, within)


def _taken(take: Take, values: NDArray[np.float64]) -> float:
    match take:
        case "count":
            return float(len(values))
        case "sum":
            return float(values.sum())
        case "max":
            return float(values.max())
        case "mean":
            return float(values.sum() / len(values))


def _state(counted: NDArray[np.int8], wanted: NDArray[np.int8]) -> Freshness:
    """How fresh a figure is: late where most of its values are, stale or never without any.

    A single late sensor of a thousand is told by the coverage, not by the state.
    """
    if len(counted):
        late = 2 * int((counted == LATE).sum()) > len(counted)
        return Freshness.LATE if late else Freshness.FRESH
    seen = len(wanted) and bool((wanted != NEVER).any())
    return Freshness.STALE if seen else Freshness.NEVER


def _summed(names: Sequence[str], counts: Mapping[str, int | None]) -> float | None:
    total = 0
    for name in names:
        count = counts.get(name)
        if count is None:
            return None
        total += count
    return float(total)

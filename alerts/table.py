"""Which rule watches which series at which level, laid out for whole batches at once."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from alerts.rule import Threshold
from ioc.model import Domain

SECOND = 1_000_000  # µs

INTERVALS_FRESH = 3
"""A series reported weekly is not history after an hour: this many of its intervals are fresh."""


def _no_attributes() -> Mapping[str, Any]:
    return {}


class SeriesFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What rules need to know of a series; `interval` in seconds, its own or its feed's."""

    series_id: int
    feed_key: int
    domain: Domain
    property: str
    attributes: Mapping[str, Any] = msgspec.field(default_factory=_no_attributes)
    interval: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Series in rows and, from `start[row]` to `start[row + 1]`, the pairs of series and rule.

    `limit` and `clear` are signed: a rule for low values has both sides of its comparison
    negated, so that one comparison serves all. `over` and `under` bound what no rule of the
    series minds, which spares most observations the comparison with each rule.
    """

    ids: NDArray[np.int64]
    feed_key: NDArray[np.int64]
    fresh: NDArray[np.int64]
    over: NDArray[np.float64]
    under: NDArray[np.float64]
    start: NDArray[np.int64]
    rule: NDArray[np.int32]
    limit: NDArray[np.float64]
    clear: NDArray[np.float64]

    def joined(self, other: "Table") -> "Table":
        """This table with the series of another one behind its own."""
        return Table(
            ids=np.concatenate([self.ids, other.ids]),
            feed_key=np.concatenate([self.feed_key, other.feed_key]),
            fresh=np.concatenate([self.fresh, other.fresh]),
            over=np.concatenate([self.over, other.over]),
            under=np.concatenate([self.under, other.under]),
            start=np.concatenate([self.start, other.start[1:] + self.start[-1]]),
            rule=np.concatenate([self.rule, other.rule]),
            limit=np.concatenate([self.limit, other.limit]),
            clear=np.concatenate([self.clear, other.clear]),
        )


def build_table(rules: Sequence[Threshold], series: Sequence[SeriesFacts]) -> Table:
    """The table of those rules and series; rows keep the order of groups, not of `series`."""
    groups: dict[tuple[Domain, str], list[SeriesFacts]] = {}
    for facts in series:
        groups.setdefault((facts.domain, facts.property), []).append(facts)
    watching: dict[tuple[Domain, str], list[int]] = {}
    for index, rule in enumerate(rules):
        watching.setdefault((rule.domain, rule.observed_property), []).append(index)
    blocks = [
        _block(rules, np.array(watching.get(key, []), np.int32), members)
        for key, members in groups.items()
    ]
    rows = [facts for members in groups.values() for facts in members]
    counts = _join([block.counts for block in blocks], np.int64)
    start = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(counts, out=start[1:])
    rule_of = _join([block.rule for block in blocks], np.int32)
    limit = _join([block.limit for block in blocks], np.float64)
    row_of = np.repeat(np.arange(len(rows)), counts)
    high = np.array([rule.sign > 0 for rule in rules], np.bool_)[rule_of]
    over = np.full(len(rows), np.inf)
    under = np.full(len(rows), -np.inf)
    np.minimum.at(over, row_of[high], limit[high])
    np.maximum.at(under, row_of[~high], -limit[~high])
    return Table(
        ids=np.array([facts.series_id for facts in rows], np.int64),
        feed_key=np.array([facts.feed_key for facts in rows], np.int64),
        fresh=np.array(
            [int(INTERVALS_FRESH * (facts.interval or 0.0) * SECOND) for facts in rows], np.int64
        ),
        over=over,
        under=under,
        start=start,
        rule=rule_of,
        limit=limit,
        clear=_join([block.clear for block in blocks], np.float64),
    )


@dataclass(frozen=True, slots=True)
class _Block:
    """The pairs of series that share a domain and a property, series by series."""

    counts: NDArray[np.int64]
    rule: NDArray[np.int32]
    limit: NDArray[np.float64]
    clear: NDArray[np.float64]


def _block(
    rules: Sequence[Threshold], watching: NDArray[np.int32], members: Sequence[SeriesFacts]
) -> _Block:
    shape = (len(members), len(watching))
    limit = np.empty(shape)
    clear = np.empty(shape)
    indices: list[int] = watching.tolist()
    for column, index in enumerate(indices):
        rule = rules[index]
        limit[:, column] = _levels(rule.level, members)
        limit[:, column] *= rule.sign
        clear[:, column] = limit[:, column]
        if rule.clear is not None:
            given = _levels(rule.clear, members) * rule.sign
            # fmin takes the level where a feature has no attribute to clear at, and where its
            # attribute lies on the wrong side, which would clear and breach at once.
            clear[:, column] = np.fmin(given, limit[:, column])
    known = ~np.isnan(limit)
    return _Block(
        counts=known.sum(axis=1, dtype=np.int64),
        rule=np.broadcast_to(watching, shape)[known],
        limit=limit[known],
        clear=clear[known],
    )


def _levels(level: float | str, members: Sequence[SeriesFacts]) -> NDArray[np.float64]:
    if isinstance(level, str):
        return np.array([_number(facts.attributes.get(level)) for facts in members], np.float64)
    return np.full(len(members), level)


def _number(attribute: object) -> float:
    """NaN for all that is not a finite number: such a series is not watched."""
    if isinstance(attribute, bool) or not isinstance(attribute, int | float):
        return math.nan
    return float(attribute) if math.isfinite(attribute) else math.nan


def _join(parts: Sequence[NDArray[Any]], kind: type[np.generic]) -> NDArray[Any]:
    return np.concatenate([np.empty(0, kind), *parts])

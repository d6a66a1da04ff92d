"""Which rule watches which series at which level, laid out for whole batches at once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alerts.rule import Flat, Missing, Threshold, Watch
from alerts.selection import SeriesFacts, has_tag, may_watch
from ioc.model import Domain

SECOND = 1_000_000  # µs

INTERVALS_FRESH = 3
"""A series reported weekly is not history after an hour: this many of its intervals are fresh."""

PairRule = Watch | Missing
"""A rule of which each series has an alert of its own."""


@dataclass(frozen=True, slots=True)
class Table:
    """Series in rows and, from `start[row]` to `start[row + 1]`, the pairs of series and rule.

    `limit` and `clear` are signed: a rule for low values has both sides of its comparison
    negated, so that one comparison serves all. `over` and `under` bound what no rule of the
    series minds in its value, which spares most observations the comparison with each rule;
    where `always` is set a rule looks at more than the value.
    """

    ids: NDArray[np.int64]
    feed_key: NDArray[np.int64]
    fresh: NDArray[np.int64]
    over: NDArray[np.float64]
    under: NDArray[np.float64]
    always: NDArray[np.bool_]
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
            always=np.concatenate([self.always, other.always]),
            start=np.concatenate([self.start, other.start[1:] + self.start[-1]]),
            rule=np.concatenate([self.rule, other.rule]),
            limit=np.concatenate([self.limit, other.limit]),
            clear=np.concatenate([self.clear, other.clear]),
        )


def sign_of(rule: PairRule) -> int:
    """1 where a high signal is bad, -1 where a low one is."""
    return 1 if isinstance(rule, Missing) else rule.sign


def build_table(rules: Sequence[PairRule], series: Sequence[SeriesFacts]) -> Table:
    """The table of those rules and series; rows keep the order of groups, not of `series`."""
    groups: dict[tuple[Domain, str, *tuple[Any, ...]], list[SeriesFacts]] = {}
    for facts in series:
        # Who is alike for every selection has the same rules.
        alike = (facts.domain, facts.property, facts.layer, facts.feed, facts.unit, facts.zones)
        groups.setdefault(alike, []).append(facts)
    candidates: dict[tuple[Domain, str], list[int]] = {}
    listening = [n for n, rule in enumerate(rules) if isinstance(rule, Missing)]
    for n, rule in enumerate(rules):
        if not isinstance(rule, Missing):
            candidates.setdefault((rule.domain, rule.observed_property), []).append(n)
    blocks = [
        _block(rules, sorted([*candidates.get(alike[:2], []), *listening]), members)
        for alike, members in groups.items()
    ]
    rows = [facts for members in groups.values() for facts in members]
    counts = _join([block.counts for block in blocks], np.int64)
    start = np.zeros(len(rows) + 1, np.int64)
    np.cumsum(counts, out=start[1:])
    rule_of = _join([block.rule for block in blocks], np.int32)
    limit = _join([block.limit for block in blocks], np.float64)
    row_of = np.repeat(np.arange(len(rows)), counts)
    plain = np.array([isinstance(rule, Threshold) for rule in rules], np.bool_)[rule_of]
    high = np.array([sign_of(rule) > 0 for rule in rules], np.bool_)[rule_of]
    over = np.full(len(rows), np.inf)
    under = np.full(len(rows), -np.inf)
    np.minimum.at(over, row_of[plain & high], limit[plain & high])
    np.maximum.at(under, row_of[plain & ~high], -limit[plain & ~high])
    looks = np.array([not isinstance(rule, Threshold | Missing) for rule in rules], np.bool_)
    always = np.zeros(len(rows), np.bool_)
    always[row_of[looks[rule_of]]] = True
    return Table(
        ids=np.array([facts.series_id for facts in rows], np.int64),
        feed_key=np.array([facts.feed_key for facts in rows], np.int64),
        fresh=np.array(
            [int(INTERVALS_FRESH * (facts.interval or 0.0) * SECOND) for facts in rows], np.int64
        ),
        over=over,
        under=under,
        always=always,
        start=start,
        rule=rule_of,
        limit=limit,
        clear=_join([block.clear for block in blocks], np.float64),
    )


@dataclass(frozen=True, slots=True)
class _Block:
    """The pairs of series that are alike but for their attributes, series by series."""

    counts: NDArray[np.int64]
    rule: NDArray[np.int32]
    limit: NDArray[np.float64]
    clear: NDArray[np.float64]


def _block(
    rules: Sequence[PairRule], candidates: Sequence[int], members: Sequence[SeriesFacts]
) -> _Block:
    watching = np.array([n for n in candidates if may_watch(rules[n], members[0])], np.int32)
    shape = (len(members), len(watching))
    limit = np.empty(shape)
    clear = np.empty(shape)
    indices: list[int] = watching.tolist()
    for column, index in enumerate(indices):
        rule = rules[index]
        limit[:, column], clear[:, column] = _limits(rule, members)
        tag = None if isinstance(rule, Missing) else rule.where.tag
        if tag is not None:
            limit[[not has_tag(tag, facts.attributes) for facts in members], column] = np.nan
    known = ~np.isnan(limit)
    return _Block(
        counts=known.sum(axis=1, dtype=np.int64),
        rule=np.broadcast_to(watching, shape)[known],
        limit=limit[known],
        clear=clear[known],
    )


def _limits(
    rule: PairRule, members: Sequence[SeriesFacts]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The signed levels of breach and of clearing; not a number where there is none."""
    if isinstance(rule, Missing | Flat):
        # What moves or speaks again has its time at 0.
        return np.full(len(members), rule.after.total_seconds()), np.zeros(len(members))
    return signed_limits(rule.level, rule.clear, rule.sign, members)


def signed_limits(
    level: float | str, clear: float | str | None, sign: int, members: Sequence[SeriesFacts]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The levels of breach and of clearing for each series, negated where low values are bad."""
    limit = _levels(level, members) * sign
    if clear is None:
        return limit, limit
    # fmin takes the level where a feature has no attribute to clear at, and where its attribute
    # lies on the wrong side, which would clear and breach at once.
    return limit, np.fmin(_levels(clear, members) * sign, limit)


def _levels(level: float | str, members: Sequence[SeriesFacts]) -> NDArray[np.float64]:
    """A level for each series: the number, or what its feature's attribute holds."""
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

"""Rules over many series at once: conditions that hold together, counted over places."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from alerts.alert import (
    Fingerprint,
    OpenAlert,
    State,
    Transition,
    fingerprint,
    step,
)
from alerts.pairs import BEFORE_ALL, Follow
from alerts.rule import Condition, Together
from alerts.selection import SeriesFacts, takes_part
from alerts.table import signed_limits
from ioc.model import Columns

UNMET, BETWEEN, MET = 0, 1, 2


@dataclass(slots=True)
class Subject:
    """What one alert of a rule may be about, with its probes from `start` to `end`."""

    rule: Together
    name: str
    feed_key: int | None
    start: int
    end: int


class Gatherings:
    """The rules over many series, laid out as probes: one of each condition at each series.

    Probes lie by subject, place and condition, so that a subject is judged by looking at one
    stretch. A batch is judged by what it leaves behind: the newest of each series.
    """

    def __init__(
        self,
        rules: Iterable[Together],
        facts: Iterable[SeriesFacts],
        alerts: Mapping[Fingerprint, OpenAlert],
        latest: Columns,
        follow: Follow,
    ) -> None:
        """Go on from the open alerts and the newest observation of each series."""
        self._follow = follow
        known = list(facts)
        probes = [probe for rule in rules for probe in _probes(rule, known)]
        probes.sort(key=lambda probe: (probe.rule.id, probe.subject, probe.place, probe.condition))
        self._subjects: list[Subject] = []
        self._place = np.zeros(len(probes), np.int64)
        self._slot = np.zeros(len(probes), np.int64)
        self._subject_of = np.zeros(len(probes), np.int64)
        self._number(probes)
        self._series = np.array([probe.series for probe in probes], np.int32)
        self._limit = np.array([probe.limit for probe in probes], np.float64)
        self._clear = np.array([probe.clear for probe in probes], np.float64)
        self._sign = np.array([probe.sign for probe in probes], np.float64)
        self._met = np.zeros(len(probes), np.bool_)
        self._seen = np.full(len(probes), BEFORE_ALL)
        self._value = np.full(len(probes), np.nan)
        self._by_series = np.argsort(self._series, kind="stable")
        self._sorted = self._series[self._by_series]
        self._open = {mark: alert for mark, alert in alerts.items() if mark in self.marks}
        self._begin(latest)

    @property
    def marks(self) -> frozenset[Fingerprint]:
        """The alerts that there can be."""
        return frozenset(fingerprint(subject.rule.id, subject.name) for subject in self._subjects)

    def newest(self) -> Columns:
        """The newest observation of each series that any rule looks at."""
        series, at = np.unique(self._series, return_index=True)
        known = self._seen[at] != BEFORE_ALL
        return Columns(series[known], self._seen[at][known], self._value[at][known])

    def observe(self, columns: Columns, now_us: int) -> list[Transition]:
        """What a stored batch changes."""
        if not len(self._series):
            return []
        probe, row = self._probes_of(columns)
        current = columns.time[row] >= self._seen[probe]
        probe, row = probe[current], row[current]
        if not len(probe):
            return []
        # In the order of times the newest of each series is written last and stays.
        order = np.argsort(columns.time[row], kind="stable")
        probe, row = probe[order], row[order]
        self._seen[probe], self._value[probe] = columns.time[row], columns.value[row]
        stands = self._compare(probe, columns.value[row])
        self._met[probe[stands != BETWEEN]] = stands[stands != BETWEEN] == MET
        touched: list[int] = np.unique(self._subject_of[probe]).tolist()
        return [move for n in touched for move in self._judge(self._subjects[n], now_us)]

    def _judge(self, subject: Subject, now_us: int) -> list[Transition]:
        rule = subject.rule
        at = slice(subject.start, subject.end)
        seen, slot = self._seen[at], self._slot[at]
        fresh = (seen != BEFORE_ALL) & (seen >= now_us - rule.fresh_us)
        slots = int(slot[-1]) + 1
        met, heard = np.zeros(slots, np.bool_), np.zeros(slots, np.bool_)
        np.logical_or.at(met, slot, self._met[at] & fresh)
        np.logical_or.at(heard, slot, fresh)
        of_place = np.arange(0, slots, len(rule.when))
        holding = int(np.logical_and.reduceat(met, of_place).sum())
        places = int(np.logical_and.reduceat(heard, of_place).sum())
        mark = fingerprint(rule.id, subject.name)
        alert = self._open.get(mark)
        if places < rule.members or not places:
            return []
        value, level = float(holding), float(rule.at_least or 1)
        if rule.share is not None:
            value, level = holding / places, rule.share
        time = int(seen.max())
        after = step(
            None if alert is None else alert.state,
            time if alert is None else alert.pending_since,
            beyond=value >= level,
            clear=value < level,
            fresh=True,
            time=time,
            hold=rule.hold_us,
            clearing=None if alert is None else alert.clearing,
            clear_hold=rule.clear_hold_us,
        )
        if after.reason is None:
            return []
        move = Transition(
            fingerprint=mark,
            rule=rule.id,
            series=None,
            feed_key=subject.feed_key,
            from_state=None if alert is None else alert.state,
            to_state=after.state or State.CLEARED,
            reason=after.reason,
            at=time,
            pending_since=after.since,
            value=value,
            level=level,
            value_time=time,
            subject=subject.name,
            clearing=after.clearing,
        )
        self._note(move)
        return [self._follow(move)]

    def _note(self, move: Transition) -> None:
        if move.to_state is State.CLEARED:
            self._open.pop(move.fingerprint, None)
            return
        self._open[move.fingerprint] = OpenAlert(
            fingerprint=move.fingerprint,
            rule=move.rule,
            series=None,
            feed_key=move.feed_key,
            state=move.to_state,
            pending_since=move.pending_since,
            subject=move.subject,
            clearing=move.clearing,
        )

    def _begin(self, latest: Columns) -> None:
        """Take the newest values; between the levels an open alert tells what was so."""
        if not len(self._series) or not len(latest):
            return
        probe, row = self._probes_of(latest)
        self._seen[probe], self._value[probe] = latest.time[row], latest.value[row]
        stands = self._compare(probe, latest.value[row])
        open_subjects = np.array(
            [fingerprint(s.rule.id, s.name) in self._open for s in self._subjects]
        )
        was = open_subjects[self._subject_of[probe]]
        self._met[probe] = (stands == MET) | ((stands == BETWEEN) & was)

    def _compare(self, probe: NDArray[np.int64], value: NDArray[np.float64]) -> NDArray[np.int64]:
        signed = value * self._sign[probe]
        beyond, clear = signed > self._limit[probe], signed <= self._clear[probe]
        return np.where(beyond, MET, np.where(clear, UNMET, BETWEEN))

    def _probes_of(self, columns: Columns) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Every probe of the rows of a batch, and the place of the row."""
        first = np.searchsorted(self._sorted, columns.series, "left")
        counts = np.searchsorted(self._sorted, columns.series, "right") - first
        row = np.repeat(np.arange(len(columns)), counts)
        within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        return self._by_series[first[row] + within], row

    def _number(self, probes: Sequence["_Probe"]) -> None:
        """Give each probe its subject, and within it a slot: one of each place and condition."""
        subject: Subject | None = None
        places: dict[str, int] = {}
        for at, probe in enumerate(probes):
            if subject is None or (subject.rule, subject.name) != (probe.rule, probe.subject):
                feed = probe.feed_key if probe.rule.over == "feature" else None
                subject = Subject(probe.rule, probe.subject, feed, at, at)
                self._subjects.append(subject)
                places = {}
            subject.end = at + 1
            place = places.setdefault(probe.place, len(places))
            self._subject_of[at] = len(self._subjects) - 1
            self._slot[at] = place * len(probe.rule.when) + probe.condition


@dataclass(frozen=True, slots=True)
class _Probe:
    rule: Together
    subject: str
    place: str
    condition: int
    series: int
    feed_key: int
    limit: float
    clear: float
    sign: int


def _probes(rule: Together, facts: Iterable[SeriesFacts]) -> list[_Probe]:
    """The probes of a rule; a place that lacks a condition's property is no place of it."""
    members = [one for one in facts if one.feature and takes_part(rule, one)]
    found: list[_Probe] = []
    for number, condition in enumerate(rule.when):
        watched = [one for one in members if one.property == condition.observed_property]
        for one, limit, clear in zip(watched, *_limits(condition, watched), strict=True):
            subject = _subject(rule, one)
            if subject is not None and not np.isnan(limit):
                found.append(
                    _Probe(
                        rule, subject, one.feature, number, one.series_id, one.feed_key, limit,
                        clear, _sign(condition),
                    )
                )  # fmt: skip
    complete: dict[tuple[str, str], set[int]] = {}
    for probe in found:
        complete.setdefault((probe.subject, probe.place), set()).add(probe.condition)
    whole = {key for key, conditions in complete.items() if len(conditions) == len(rule.when)}
    return [probe for probe in found if (probe.subject, probe.place) in whole]


def _sign(condition: Condition) -> int:
    return -1 if condition.above is None else 1


def _limits(
    condition: Condition, members: Sequence[SeriesFacts]
) -> tuple[list[float], list[float]]:
    level = condition.below if condition.above is None else condition.above
    assert level is not None, "decode_rule takes exactly one of above and below"
    limit, clear = signed_limits(level, condition.clear, _sign(condition), members)
    return limit.tolist(), clear.tolist()


def _subject(rule: Together, facts: SeriesFacts) -> str | None:
    """What the alert is about that this series is counted for; None where it is not counted."""
    kind, _, name = rule.over.partition(":")
    match kind:
        case "feature":
            return f"feature:{facts.feature}"
        case "zone":
            return None if facts.zone is None else f"zone:{facts.zone}"
        case "layer":
            return None if facts.layer is None else f"layer:{facts.layer}"
        case _:
            value = facts.attributes.get(name)
            return None if value is None else f"tag:{name}={value}"

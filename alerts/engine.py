"""Stored observations and silence in, transitions of alerts out."""

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from alerts.alert import (
    Fingerprint,
    OpenAlert,
    State,
    Step,
    Transition,
    TransitionReason,
    feed_fingerprint,
    followed,
    series_fingerprint,
    step,
)
from alerts.rule import Missing, Rule, Threshold
from alerts.table import SECOND, SeriesFacts, Table, build_table
from ioc.model import NO_COLUMNS, Columns, Domain

BEFORE_ALL = np.iinfo(np.int64).min
"""The newest time of a series that was never seen."""

IDLE, PENDING, ACTIVE = 0, 1, 2
STATES = (None, State.PENDING, State.ACTIVE)
CODES: Mapping[State, int] = {State.PENDING: PENDING, State.ACTIVE: ACTIVE}


class FeedFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What rules need to know of a feed; `created_at` in µs since 1970."""

    feed_key: int
    id: str
    domain: Domain
    created_at: int


class Engine:
    """The rules of a city, applied to what was stored.

    Per series only time moves forward: an observation older than the newest is late and changes
    nothing, one of the same time is a correction and counts. An observation older than the
    rule's `fresh_within` (and than three intervals of its series) is history, as a back-fill
    brings it: it moves the newest time and may end an alert, but never raises one.

    Transitions must be stored before the next batch is observed; an engine made anew from the
    open alerts and the newest time per series then goes on exactly where this one stood.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        series: Iterable[SeriesFacts] = (),
        feeds: Iterable[FeedFacts] = (),
        open_alerts: Iterable[OpenAlert] = (),
        *,
        latest: Columns = NO_COLUMNS,
    ) -> None:
        """Go on from `open_alerts`; `latest` holds the newest observation per series."""
        self._rules = {rule.id: rule for rule in rules}
        self._facts = {facts.series_id: facts for facts in series}
        self._feeds = {facts.feed_key: facts for facts in feeds}
        self._open = {alert.fingerprint: alert for alert in open_alerts}
        self._rebuild(latest.series.astype(np.int64), latest.time)

    @property
    def open_alerts(self) -> tuple[OpenAlert, ...]:
        """All pending and active alerts."""
        return tuple(self._open.values())

    def observe(self, columns: Columns, now_us: int) -> list[Transition]:
        """What a stored batch changes; rows of one series are taken in the order of their times.

        Nearly all rows of a batch leave after two comparisons; only pairs of rule and series
        that change are walked in Python.
        """
        if not len(self._table.ids):
            return []
        rows, known = self._rows_of(columns.series)
        current = known & (columns.time >= self._newest[rows])
        rows, time, value = rows[current], columns.time[current], columns.value[current]
        np.maximum.at(self._newest, rows, time)

        table = self._table
        fresh = now_us - time <= np.maximum(table.fresh[rows], self._longest_fresh)
        beyond = fresh & ((value > table.over[rows]) | (value < table.under[rows]))
        touched = rows[beyond | (self._open_pairs[rows] > 0)]
        if not len(touched):
            return []
        self._touched[touched] = True
        picked = np.flatnonzero(self._touched[rows])
        self._touched[touched] = False
        return self._evaluate(rows[picked], time[picked], value[picked], now_us)

    def tick(self, now_us: int, feed_newest: Mapping[int, int | None]) -> list[Transition]:
        """What silence changes; `feed_newest` is when something of a feed was last stored.

        A feed never heard is judged from its making. Alerts whose rule or subject has gone since
        the last call end here too.
        """
        moves = self._retire(now_us)
        for rule, feed in self._listening:
            alert = self._open.get(feed_fingerprint(rule.id, feed.id))
            move = _listened(rule, feed, alert, feed_newest.get(feed.feed_key), now_us)
            if move is not None:
                moves.append(self._followed(move))
        return moves

    def replace_rules(self, rules: Iterable[Rule], now_us: int) -> list[Transition]:
        """Watch by other rules from now on; open alerts that no rule bears out any more end."""
        self._rules = {rule.id: rule for rule in rules}
        self._rebuild(self._table.ids, self._newest)
        return self._retire(now_us)

    def replace_feeds(self, feeds: Iterable[FeedFacts]) -> None:
        """Listen for these feeds from now on; alerts of others end at the next tick."""
        self._feeds = {facts.feed_key: facts for facts in feeds}
        self._listen()

    def add_series(self, series: Iterable[SeriesFacts]) -> None:
        """Watch further series, or known ones by new facts (an attribute that holds a level).

        Alerts that the new facts do not bear out any more end at the next tick.
        """
        changed = [f for f in series if self._facts.get(f.series_id) != f]
        if not changed:
            return
        known = any(facts.series_id in self._facts for facts in changed)
        self._facts |= {facts.series_id: facts for facts in changed}
        if known:
            self._rebuild(self._table.ids, self._newest)
            return
        further = {facts.series_id: facts for facts in changed}
        added = build_table(self._thresholds, list(further.values()))
        pairs, rows = len(added.rule), len(added.ids)
        self._table = self._table.joined(added)
        self._state = np.concatenate([self._state, np.zeros(pairs, np.int8)])
        self._since = np.concatenate([self._since, np.zeros(pairs, np.int64)])
        self._newest = np.concatenate([self._newest, np.full(rows, BEFORE_ALL)])
        self._open_pairs = np.concatenate([self._open_pairs, np.zeros(rows, np.int32)])
        self._index()
        for mark in sorted(self._orphans):
            if self._open[mark].series in further:
                self._seat(self._open[mark])

    def _evaluate(
        self,
        rows: NDArray[np.int64],
        time: NDArray[np.int64],
        value: NDArray[np.float64],
        now_us: int,
    ) -> list[Transition]:
        """Compare the rows with every rule of their series; walk the pairs that change."""
        table = self._table
        order = np.lexsort((time, rows))
        rows, time, value = rows[order], time[order], value[order]
        # lexsort is stable: of equal times the last arrival stands last and is the correction.
        last = np.append((rows[1:] != rows[:-1]) | (time[1:] != time[:-1]), True)
        rows, time, value = rows[last], time[last], value[last]

        counts = table.start[rows + 1] - table.start[rows]
        row = np.repeat(np.arange(len(rows)), counts)
        within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        pair = table.start[rows][row] + within
        rule = table.rule[pair]
        when = time[row]
        signed = value[row] * self._sign[rule]
        beyond = signed > table.limit[pair]
        clear = signed <= table.clear[pair]
        fresh = now_us - when <= np.maximum(self._fresh[rule], table.fresh[rows][row])
        state = self._state[pair]
        held = (state == PENDING) & fresh & (when - self._since[pair] >= self._hold[rule])
        # A pair none of whose rows moves it from the state it entered the batch with stays there.
        moving = np.where(state == IDLE, beyond & fresh, clear | held)
        moved = np.unique(pair[moving])
        if not len(moved):
            return []
        place = np.searchsorted(moved, pair).clip(max=len(moved) - 1)
        walked = np.flatnonzero(moved[place] == pair)
        walked = walked[np.argsort(pair[walked], kind="stable")]
        moves: list[Transition] = []
        for at_pair, at_row, at, seen, is_beyond, is_clear, is_fresh in zip(
            pair[walked].tolist(),
            rows[row[walked]].tolist(),
            when[walked].tolist(),
            value[row[walked]].tolist(),
            beyond[walked].tolist(),
            clear[walked].tolist(),
            fresh[walked].tolist(),
            strict=True,
        ):
            before = STATES[self._state[at_pair]]
            after = step(
                before,
                int(self._since[at_pair]),
                beyond=is_beyond,
                clear=is_clear,
                fresh=is_fresh,
                time=at,
                hold=self._thresholds[int(table.rule[at_pair])].hold_us,
            )
            if after.reason is not None:
                moves.append(self._moved(at_pair, at_row, before, after, at, seen))
        return sorted(moves, key=_in_time)

    def _moved(
        self, pair: int, row: int, before: State | None, after: Step, at: int, value: float
    ) -> Transition:
        """Put a pair into its next state, and say so."""
        assert after.reason is not None, "only changes are moves"
        table = self._table
        self._state[pair] = IDLE if after.state is None else CODES[after.state]
        self._since[pair] = after.since
        self._open_pairs[row] += (after.state is not None) - (before is not None)
        rule = self._thresholds[int(table.rule[pair])]
        series = int(table.ids[row])
        return self._followed(
            Transition(
                fingerprint=series_fingerprint(rule.id, series),
                rule=rule.id,
                series=series,
                feed_key=int(table.feed_key[row]),
                from_state=before,
                to_state=after.state or State.CLEARED,
                reason=after.reason,
                at=at,
                pending_since=after.since,
                value=value,
                level=float(table.limit[pair]) * rule.sign,
                value_time=at,
            )
        )

    def _rows_of(self, series: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The table's row of each series, and whether it has one."""
        if not len(self._sorted_ids):
            return np.zeros(len(series), np.int64), np.zeros(len(series), np.bool_)
        place = np.searchsorted(self._sorted_ids, series).clip(max=len(self._sorted_ids) - 1)
        return self._sorted_rows[place], self._sorted_ids[place] == series

    def _rebuild(self, ids: NDArray[np.int64], newest: NDArray[np.int64]) -> None:
        """Lay out the table anew; the newest times and the open alerts are carried over."""
        self._thresholds = [rule for rule in self._rules.values() if isinstance(rule, Threshold)]
        self._sign = np.array([rule.sign for rule in self._thresholds], np.float64)
        self._hold = np.array([rule.hold_us for rule in self._thresholds], np.int64)
        self._fresh = np.array([rule.fresh_us for rule in self._thresholds], np.int64)
        self._longest_fresh = max((rule.fresh_us for rule in self._thresholds), default=0)
        self._table: Table = build_table(self._thresholds, list(self._facts.values()))
        self._state = np.zeros(len(self._table.rule), np.int8)
        self._since = np.zeros(len(self._table.rule), np.int64)
        self._open_pairs = np.zeros(len(self._table.ids), np.int32)
        self._newest = np.full(len(self._table.ids), BEFORE_ALL)
        self._index()
        rows, known = self._rows_of(ids.astype(np.int32))
        np.maximum.at(self._newest, rows[known], newest[known])
        self._orphans: set[Fingerprint] = set()
        for alert in self._open.values():
            if alert.series is not None:
                self._seat(alert)
        self._listen()

    def _index(self) -> None:
        self._sorted_rows = np.argsort(self._table.ids, kind="stable")
        self._sorted_ids = self._table.ids[self._sorted_rows].astype(np.int32)
        self._touched = np.zeros(len(self._table.ids), np.bool_)

    def _seat(self, alert: OpenAlert) -> None:
        """Give an open alert its place in the table, or remember that it has none."""
        rows, known = self._rows_of(np.array([alert.series], np.int32))
        row = int(rows[0])
        first, end = self._table.start[row : row + 2].tolist() if known[0] else (0, 0)
        watching: list[int] = self._table.rule[first:end].tolist()
        names = [self._thresholds[rule].id for rule in watching]
        if alert.rule not in names:
            self._orphans.add(alert.fingerprint)
            return
        self._orphans.discard(alert.fingerprint)
        pair = first + names.index(alert.rule)
        self._state[pair] = CODES[alert.state]
        self._since[pair] = alert.pending_since
        self._open_pairs[row] += 1
        # An alert is proof that its series was seen, should the newest times lag behind it.
        seen = max(alert.pending_since, alert.active_since or alert.pending_since)
        self._newest[row] = max(int(self._newest[row]), seen)

    def _listen(self) -> None:
        self._listening = [
            (rule, feed)
            for rule in self._rules.values()
            if isinstance(rule, Missing)
            for feed in self._feeds.values()
            if rule.feed == feed.id or rule.domain == feed.domain
        ]
        marks = {feed_fingerprint(rule.id, feed.id) for rule, feed in self._listening}
        for alert in self._open.values():
            if alert.series is None and alert.fingerprint not in marks:
                self._orphans.add(alert.fingerprint)
            elif alert.series is None:
                self._orphans.discard(alert.fingerprint)

    def _retire(self, now_us: int) -> list[Transition]:
        """End the alerts that nothing watches any more."""
        orphans = [self._open[mark] for mark in sorted(self._orphans)]
        self._orphans.clear()
        return [
            self._followed(
                Transition(
                    fingerprint=alert.fingerprint,
                    rule=alert.rule,
                    series=alert.series,
                    feed_key=alert.feed_key,
                    from_state=alert.state,
                    to_state=State.CLEARED,
                    reason=(
                        TransitionReason.NO_LONGER_APPLIES
                        if alert.rule in self._rules
                        else TransitionReason.RULE_REMOVED
                    ),
                    at=now_us,
                    pending_since=alert.pending_since,
                )
            )
            for alert in orphans
        ]

    def _followed(self, move: Transition) -> Transition:
        """The same transition, after the open alerts have followed it."""
        alert = followed(self._open.get(move.fingerprint), move)
        if alert is None:
            self._open.pop(move.fingerprint, None)
        else:
            self._open[move.fingerprint] = alert
        return move


def _listened(
    rule: Missing, feed: FeedFacts, alert: OpenAlert | None, newest: int | None, now_us: int
) -> Transition | None:
    """How a feed's silence, or its end, moves the alert of a rule; None where it does not."""
    heard = feed.created_at if newest is None else newest
    silent = now_us - heard >= rule.after_us
    if silent == (alert is not None):
        return None
    resumed = alert is not None and newest is not None and newest > alert.pending_since
    match silent, resumed:
        case True, _:
            at = heard + rule.after_us
            never = newest is None
            reason = TransitionReason.FEED_NEVER_SPOKE if never else TransitionReason.FEED_SILENT
        case False, True:
            at, reason = heard, TransitionReason.FEED_RESUMED
        case _:
            at, reason = now_us, TransitionReason.NO_LONGER_APPLIES
    return Transition(
        fingerprint=feed_fingerprint(rule.id, feed.id),
        rule=rule.id,
        series=None,
        feed_key=feed.feed_key,
        from_state=alert.state if alert else None,
        to_state=State.ACTIVE if silent else State.CLEARED,
        reason=reason,
        at=at,
        pending_since=alert.pending_since if alert else heard,
        level=rule.after_us / SECOND,
        value_time=newest,
    )


def _in_time(move: Transition) -> tuple[int, Fingerprint]:
    return move.at, move.fingerprint

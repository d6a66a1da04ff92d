"""Rules over single series: each pair of rule and series has a state of its own."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

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
    series_fingerprint,
    step,
)
from alerts.rule import Missing
from alerts.selection import SeriesFacts
from alerts.signals import FLAT, SILENCE, VALUE, Rhythm, Signals, kind_of
from alerts.table import SECOND, PairRule, Table, build_table, sign_of
from ioc.model import Columns

BEFORE_ALL: Final = np.iinfo(np.int64).min
"""The newest time of a series that was never seen."""

NOT: Final = BEFORE_ALL
"""Stands for no time."""

IDLE, PENDING, ACTIVE = 0, 1, 2
STATES: Final = (None, State.PENDING, State.ACTIVE)
CODES: Final[Mapping[State, int]] = {State.PENDING: PENDING, State.ACTIVE: ACTIVE}

HEARS_STUCK: Final = frozenset({FLAT, SILENCE})
"""Signals for which a value counts although it is implausible, because it stays the same."""

Follow = Callable[[Transition], Transition]
"""Takes note of a transition; returns the same."""


class LateBreach(msgspec.Struct, frozen=True, kw_only=True):
    """A late observation beyond a level: it raises nothing now and is noted on what is past."""

    rule: str
    series: int
    feed_key: int
    at: int
    value: float
    level: float


class Pairs:
    """The rules over single series, laid out as columns.

    Per series only time moves forward: an observation older than the newest is late and changes
    nothing, one of the same time is a correction and counts.
    """

    def __init__(self, follow: Follow, rhythm: Rhythm | None = None) -> None:
        """Watch nothing yet; `follow` is told of each transition as it is made."""
        self._follow = follow
        self._rhythm = rhythm
        self._facts: dict[int, SeriesFacts] = {}
        self._lay_out([])
        self.late: list[LateBreach] = []
        """What the last batch brought that was beyond a level but late."""

    @property
    def series(self) -> Mapping[int, SeriesFacts]:
        """What is known of the series."""
        return self._facts

    def newest(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Series ids and the newest time of each."""
        return self._table.ids, self._newest

    def rebuild(
        self,
        rules: Sequence[PairRule],
        facts: Mapping[int, SeriesFacts],
        ids: NDArray[np.int64],
        newest: NDArray[np.int64],
        alerts: Iterable[OpenAlert],
    ) -> set[Fingerprint]:
        """Lay out the table anew; returns the alerts about series that no pair stands for."""
        self._facts = dict(facts)
        before = self._signals
        self._lay_out(rules)
        self._signals.take_over(before)
        rows, known = self._rows_of(ids.astype(np.int32))
        np.maximum.at(self._newest, rows[known], newest[known])
        return {alert.fingerprint for alert in alerts if not self.seat(alert)}

    def add(self, facts: Mapping[int, SeriesFacts]) -> None:
        """Watch further series, none of which was known."""
        self._facts |= facts
        added = build_table(self._rules, list(facts.values()))
        pairs, rows = len(added.rule), len(added.ids)
        self._table = self._table.joined(added)
        self._state = np.concatenate([self._state, np.zeros(pairs, np.int8)])
        self._since = np.concatenate([self._since, np.zeros(pairs, np.int64)])
        self._clearing = np.concatenate([self._clearing, np.full(pairs, NOT)])
        self._newest = np.concatenate([self._newest, np.full(rows, BEFORE_ALL)])
        self._open_pairs = np.concatenate([self._open_pairs, np.zeros(rows, np.int32)])
        known, self._signals = self._signals, Signals(self._rules, self._table, self._rhythm)
        self._signals.take_over(known)
        self._index()

    def remember(self, columns: Columns) -> None:
        """Take observations of before the start, in any order, for rules that look back."""
        rows, known = self._rows_of(columns.series)
        at = np.flatnonzero(known & (columns.time <= self._newest[rows]))
        if not len(at):
            return
        order = at[_last_of_each(rows[at], columns.time[at])]
        rows, time, value = rows[order], columns.time[order], columns.value[order]
        row, pair = self._pairs_of(rows)
        self._signals.of(pair, rows[row], time[row], value[row])

    def looks_back(self) -> dict[int, int]:
        """How far back, in µs, the rules of each series look beyond its newest observation."""
        reach = np.array(
            [0 if isinstance(rule, Missing) else rule.reach_us for rule in self._rules], np.int64
        )
        back = np.zeros(len(self._table.ids), np.int64)
        if len(self._table.rule):
            counts = np.diff(self._table.start)
            of_row = np.repeat(np.arange(len(back)), counts)
            np.maximum.at(back, of_row, reach[self._table.rule])
        at = np.flatnonzero(back)
        return dict(zip(self._table.ids[at].tolist(), back[at].tolist(), strict=True))

    def observe(
        self, columns: Columns, now_us: int, stuck: NDArray[np.bool_] | None
    ) -> list[Transition]:
        """What a stored batch changes; rows of one series are taken in the order of their times.

        Nearly all rows of a batch leave after two comparisons; only pairs of rule and series
        that change are walked in Python. `stuck` rows count only for stillness and silence.
        """
        self.late = []
        table = self._table
        if not len(table.ids):
            return []
        rows, known = self._rows_of(columns.series)
        current = known & (columns.time >= self._newest[rows])
        if not current.all():
            self._note_late(columns, rows, known & ~current, stuck)
        rows, time, value = rows[current], columns.time[current], columns.value[current]
        held = None if stuck is None else stuck[current]
        np.maximum.at(self._newest, rows, time)

        fresh = now_us - time <= np.maximum(table.fresh[rows], self._longest_fresh)
        beyond = fresh & ((value > table.over[rows]) | (value < table.under[rows]))
        if held is not None:
            beyond &= ~held
        touched = rows[beyond | table.always[rows] | (self._open_pairs[rows] > 0)]
        if not len(touched):
            return []
        self._touched[touched] = True
        picked = np.flatnonzero(self._touched[rows])
        self._touched[touched] = False
        still = None if held is None else held[picked]
        return self._evaluate(rows[picked], time[picked], value[picked], now_us, still)

    def tick(self, now_us: int) -> list[Transition]:
        """Which series have fallen silent; those that never spoke are the feed's to tell of."""
        if not len(self._listening):
            return []
        row = self._row_of[self._listening]
        heard = self._newest[row]
        silent = (
            (self._state[self._listening] == IDLE)
            & (heard != BEFORE_ALL)
            & (now_us - heard >= self._table.limit[self._listening] * SECOND)
        )
        moves: list[Transition] = []
        for pair, at_row, last in zip(
            self._listening[silent].tolist(),
            row[silent].tolist(),
            heard[silent].tolist(),
            strict=True,
        ):
            at = last + int(self._table.limit[pair] * SECOND)
            begun = Step(State.ACTIVE, at, TransitionReason.SERIES_SILENT)
            moves.append(self._moved(pair, at_row, None, begun, at, None, last))
        return moves

    def seat(self, alert: OpenAlert) -> bool:
        """Give an open alert its place in the table; False where it has none."""
        rows, known = self._rows_of(np.array([alert.series], np.int32))
        row = int(rows[0])
        first, end = self._table.start[row : row + 2].tolist() if known[0] else (0, 0)
        watching: list[int] = self._table.rule[first:end].tolist()
        names = [self._rules[rule].id for rule in watching]
        if alert.rule not in names:
            return False
        pair = first + names.index(alert.rule)
        self._state[pair] = CODES[alert.state]
        self._since[pair] = alert.pending_since
        self._clearing[pair] = NOT if alert.clearing is None else alert.clearing
        self._open_pairs[row] += 1
        if not isinstance(self._rules[int(self._table.rule[pair])], Missing):
            # An alert is proof that its series was seen, should the newest times lag behind it.
            seen = max(alert.pending_since, alert.active_since or alert.pending_since)
            self._newest[row] = max(int(self._newest[row]), seen)
        return True

    def _note_late(
        self,
        columns: Columns,
        rows: NDArray[np.int64],
        late: NDArray[np.bool_],
        stuck: NDArray[np.bool_] | None,
    ) -> None:
        table = self._table
        if stuck is not None:
            late = late & ~stuck
        value = columns.value
        beyond = late & ((value > table.over[rows]) | (value < table.under[rows]))
        places = np.flatnonzero(beyond)
        if not len(places):
            return
        row, pair = self._pairs_of(rows[places])
        place = places[row]
        signed = value[place] * self._sign[table.rule[pair]]
        bad = np.flatnonzero(self._is_plain[table.rule[pair]] & (signed > table.limit[pair]))
        # A back-fill brings thousands: the worst of each series and rule stands for all.
        order = bad[np.lexsort((signed[bad], pair[bad]))]
        worst = order[np.append(pair[order][1:] != pair[order][:-1], True)] if len(order) else order
        self.late = [
            LateBreach(
                rule=self._rules[int(table.rule[at])].id,
                series=int(columns.series[of]),
                feed_key=int(table.feed_key[rows[of]]),
                at=int(columns.time[of]),
                value=float(value[of]),
                level=float(table.limit[at] * self._sign[table.rule[at]]),
            )
            for at, of in zip(pair[worst].tolist(), place[worst].tolist(), strict=True)
        ]

    def _evaluate(
        self,
        rows: NDArray[np.int64],
        time: NDArray[np.int64],
        value: NDArray[np.float64],
        now_us: int,
        stuck: NDArray[np.bool_] | None,
    ) -> list[Transition]:
        """Compare the rows with every rule of their series; walk the pairs that change."""
        table = self._table
        order = _last_of_each(rows, time)
        rows, time, value = rows[order], time[order], value[order]
        row, pair = self._pairs_of(rows)
        rule = table.rule[pair]
        when = time[row]
        signal = self._signals.of(pair, rows[row], when, value[row])
        if stuck is not None:
            signal[stuck[order][row] & ~self._hears_stuck[rule]] = np.nan
        signed = signal * self._sign[rule]
        beyond = signed > table.limit[pair]
        clear = signed <= table.clear[pair]
        fresh = now_us - when <= np.maximum(self._fresh[rule], table.fresh[rows][row])
        state = self._state[pair]
        held = (state == PENDING) & fresh & (when - self._since[pair] >= self._hold[rule])
        broken = (self._clearing[pair] != NOT) & ~clear
        # A pair none of whose rows moves it from the state it entered the batch with stays there.
        known = ~np.isnan(signal)
        moving = known & np.where(state == IDLE, beyond & fresh, clear | held | broken)
        moved = np.unique(pair[moving])
        if not len(moved):
            return []
        place = np.searchsorted(moved, pair).clip(max=len(moved) - 1)
        walked = np.flatnonzero(known & (moved[place] == pair))
        walked = walked[np.argsort(pair[walked], kind="stable")]
        moves: list[Transition] = []
        for at_pair, at_row, at, seen, is_beyond, is_clear, is_fresh in zip(
            pair[walked].tolist(),
            rows[row[walked]].tolist(),
            when[walked].tolist(),
            signal[walked].tolist(),
            beyond[walked].tolist(),
            clear[walked].tolist(),
            fresh[walked].tolist(),
            strict=True,
        ):
            before = STATES[self._state[at_pair]]
            clearing = int(self._clearing[at_pair])
            after = step(
                before,
                int(self._since[at_pair]),
                beyond=is_beyond,
                clear=is_clear,
                fresh=is_fresh,
                time=at,
                hold=int(self._hold[table.rule[at_pair]]),
                clearing=None if clearing == NOT else clearing,
                clear_hold=int(self._clear_hold[table.rule[at_pair]]),
            )
            if after.reason is not None:
                moves.append(self._moved(at_pair, at_row, before, after, at, seen, at))
        return moves

    def _moved(
        self,
        pair: int,
        row: int,
        before: State | None,
        after: Step,
        at: int,
        value: float | None,
        value_time: int,
    ) -> Transition:
        """Put a pair into its next state, and say so."""
        assert after.reason is not None, "only changes are moves"
        table = self._table
        self._state[pair] = IDLE if after.state is None else CODES[after.state]
        self._since[pair] = after.since
        self._clearing[pair] = NOT if after.clearing is None else after.clearing
        self._open_pairs[row] += (after.state is not None) - (before is not None)
        rule = self._rules[int(table.rule[pair])]
        series = int(table.ids[row])
        listens = isinstance(rule, Missing)
        reason = after.reason
        if listens and after.state is None:
            reason = TransitionReason.SERIES_RESUMED
        return self._follow(
            Transition(
                fingerprint=series_fingerprint(rule.id, series),
                rule=rule.id,
                series=series,
                feed_key=int(table.feed_key[row]),
                from_state=before,
                to_state=after.state or State.CLEARED,
                reason=reason,
                at=at,
                pending_since=after.since,
                value=None if listens else value,
                level=float(table.limit[pair]) * sign_of(rule),
                value_time=value_time,
                clearing=after.clearing,
            )
        )

    def _pairs_of(self, rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Every pair of the rows: the place in `rows`, and the pair."""
        start = self._table.start
        counts = start[rows + 1] - start[rows]
        row = np.repeat(np.arange(len(rows)), counts)
        within = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        return row, start[rows][row] + within

    def _rows_of(self, series: NDArray[np.int32]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """The table's row of each series, and whether it has one."""
        if not len(self._sorted_ids):
            return np.zeros(len(series), np.int64), np.zeros(len(series), np.bool_)
        place = np.searchsorted(self._sorted_ids, series).clip(max=len(self._sorted_ids) - 1)
        return self._sorted_rows[place], self._sorted_ids[place] == series

    def _lay_out(self, rules: Sequence[PairRule]) -> None:
        self._rules = list(rules)
        watching = [None if isinstance(rule, Missing) else rule for rule in rules]
        self._sign = np.array([sign_of(rule) for rule in rules], np.float64)
        self._hold = np.array([rule.hold_us if rule else 0 for rule in watching], np.int64)
        self._clear_hold = np.array(
            [rule.clear_hold_us if rule else 0 for rule in watching], np.int64
        )
        self._fresh = np.array([rule.fresh_us if rule else 0 for rule in watching], np.int64)
        self._longest_fresh = int(self._fresh.max(initial=0))
        self._is_plain = np.array([kind_of(rule) == VALUE for rule in rules], np.bool_)
        self._hears_stuck = np.array([kind_of(rule) in HEARS_STUCK for rule in rules], np.bool_)
        self._table: Table = build_table(rules, list(self._facts.values()))
        self._state = np.zeros(len(self._table.rule), np.int8)
        self._since = np.zeros(len(self._table.rule), np.int64)
        self._clearing = np.full(len(self._table.rule), NOT)
        self._open_pairs = np.zeros(len(self._table.ids), np.int32)
        self._newest = np.full(len(self._table.ids), BEFORE_ALL)
        self._signals = Signals(rules, self._table, self._rhythm)
        self._index()

    def _index(self) -> None:
        table = self._table
        self._sorted_rows = np.argsort(table.ids, kind="stable")
        self._sorted_ids = table.ids[self._sorted_rows].astype(np.int32)
        self._touched = np.zeros(len(table.ids), np.bool_)
        self._row_of = np.repeat(np.arange(len(table.ids)), np.diff(table.start))
        listens = np.array([isinstance(rule, Missing) for rule in self._rules], np.bool_)
        self._listening = np.flatnonzero(listens[table.rule])


def _last_of_each(rows: NDArray[np.int64], time: NDArray[np.int64]) -> NDArray[np.int64]:
    """By row and time; of equal times the last arrival is the correction and stands alone."""
    order = np.lexsort((time, rows))
    rows, time = rows[order], time[order]
    return order[np.append((rows[1:] != rows[:-1]) | (time[1:] != time[:-1]), True)]

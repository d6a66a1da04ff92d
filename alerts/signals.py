"""What a rule compares with its level: the value, its change, sum, stillness or deviation."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alerts.rule import Deviation, Flat, Missing, Rate, Side, Sum
from alerts.table import SECOND, PairRule, Table

HOUR: Final = 3_600 * SECOND
NEVER: Final = np.iinfo(np.int64).min

CELLS: Final = 30
"""Into so many parts a window is divided; of each the first observation is kept."""
_RING: Final = CELLS + 2

SUMMED: Final = 144
"""Into so many parts a window is divided that is summed: a day into those of ten minutes. A sum
is that of whole parts, at most one of them short of the window."""

VALUE, RATE, SUM, FLAT, DEVIATION, SILENCE = range(6)

Rhythm = Callable[[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]], NDArray[np.float64]]
"""How many spreads values of series at times are above (or below) the rhythm of their series; not
a number while it is not known."""


def kind_of(rule: PairRule) -> int:
    """Which signal a rule looks at."""
    match rule:
        case Rate():
            return RATE
        case Sum():
            return SUM
        case Flat():
            return FLAT
        case Deviation():
            return DEVIATION
        case Missing():
            return SILENCE
        case _:
            return VALUE


class Signals:
    """The signals of all pairs of a table, kept from observation to observation.

    A rate is taken to the oldest observation within the window; the cells are counted from 1970,
    so that an engine that has read the window again after a restart answers the same.
    """

    def __init__(self, rules: Sequence[PairRule], table: Table, rhythm: Rhythm | None) -> None:
        """Know nothing of the past; `remember` brings it."""
        self._rhythm = rhythm
        kinds = np.array([kind_of(rule) for rule in rules], np.int8)
        self._kind = kinds[table.rule] if len(table.rule) else np.empty(0, np.int8)
        self._rules = rules
        self._rule = table.rule
        self._ids = table.ids
        self._series = np.repeat(table.ids, np.diff(table.start))
        self._slot = np.full(len(table.rule), -1, np.int64)
        rates, sums, flats = (np.flatnonzero(self._kind == kind) for kind in (RATE, SUM, FLAT))
        for pairs in (rates, sums, flats):
            self._slot[pairs] = np.arange(len(pairs))
        self._times = np.full((len(rates), _RING), NEVER, np.int64)
        self._values = np.full((len(rates), _RING), np.nan)
        windows = [rule.reach_us // 2 if isinstance(rule, Rate) else 0 for rule in rules]
        self._window = np.array(windows, np.int64)[table.rule[rates]]
        cells = [max(rule.reach_us // SUMMED, 1) if isinstance(rule, Sum) else 1 for rule in rules]
        self._cell = np.array(cells, np.int64)[table.rule[sums]]
        self._heard = np.full((len(sums), SUMMED), NEVER, np.int64)
        self._last = np.zeros((len(sums), SUMMED))
        self._total = np.zeros((len(sums), SUMMED))
        tolerances = [rule.tolerance if isinstance(rule, Flat) else 0.0 for rule in rules]
        self._tolerance = np.array(tolerances)[table.rule[flats]]
        self._still = np.full(len(flats), np.nan)
        self._since = np.full(len(flats), NEVER, np.int64)
        sides = [rule.side if isinstance(rule, Deviation) else Side.BOTH for rule in rules]
        self._side = np.array([_SIDES[side] for side in sides], np.int8)

    def take_over(self, other: "Signals") -> None:
        """Know what another one knows of the same rules and series."""
        for kind, mine, theirs in (
            (RATE, (self._times, self._values), (other._times, other._values)),
            (
                SUM,
                (self._heard, self._last, self._total),
                (other._heard, other._last, other._total),
            ),
            (FLAT, (self._still, self._since), (other._still, other._since)),
        ):
            known = {key: slot for slot, key in enumerate(other._keys(kind))}
            slots = [
                (slot, known[key]) for slot, key in enumerate(self._keys(kind)) if key in known
            ]
            if not slots:
                continue
            to, of = np.array(slots).T
            for column, before in zip(mine, theirs, strict=True):
                column[to] = before[of]

    def _keys(self, kind: int) -> list[tuple[str, int]]:
        pairs = np.flatnonzero(self._kind == kind)
        of_rule: list[int] = self._rule[pairs].tolist()
        series: list[int] = self._series[pairs].tolist()
        return [(self._rules[n].id, one) for n, one in zip(of_rule, series, strict=True)]

    def of(
        self,
        pair: NDArray[np.int64],
        row: NDArray[np.int64],
        time: NDArray[np.int64],
        value: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """The signal of each observation for its pair; those of one pair come in order of time.

        In the uom of the series, per hour for a rate, over the window for a sum, in seconds for
        stillness, in spreads for a deviation, 0 for what is listened for. Not a number where
        nothing can be said.
        """
        signal = value.copy()
        kind = self._kind[pair]
        if not kind.any():
            return signal
        signal[kind == SILENCE] = 0.0
        odd = np.flatnonzero(kind == DEVIATION)
        if len(odd):
            signal[odd] = self._deviation(pair[odd], row[odd], time[odd], value[odd])
        for one, follow in ((RATE, self._rate), (SUM, self._sum), (FLAT, self._flat)):
            for places in _turns(pair, np.flatnonzero(kind == one)):
                signal[places] = follow(self._slot[pair[places]], time[places], value[places])
        return signal

    def _rate(
        self, slot: NDArray[np.int64], time: NDArray[np.int64], value: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        window = self._window[slot]
        cell = window // CELLS
        times, values = self._times[slot], self._values[slot]
        within = (times >= (time - window - cell)[:, None]) & (times < time[:, None])
        oldest = np.where(within, times, np.iinfo(np.int64).max).argmin(axis=1)
        at = np.arange(len(slot))
        elapsed = time - times[at, oldest]
        known = within.any(axis=1) & (2 * elapsed >= window)
        change = (value - values[at, oldest]) * HOUR / np.where(known, elapsed, 1)
        place = (time // cell) % _RING
        new = self._times[slot, place] // cell != time // cell
        self._times[slot[new], place[new]] = time[new]
        self._values[slot[new], place[new]] = value[new]
        return np.where(known, change, np.nan)

    def _sum(
        self, slot: NDArray[np.int64], time: NDArray[np.int64], value: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """What is heard twice counts once: of a cell the last value may be corrected."""
        cell = self._cell[slot]
        number = time // cell
        place = number % SUMMED
        last = self._heard[slot, place]
        begins = last // cell < number
        corrects = time == last
        kept = (begins | (last // cell == number) & (time >= last)) & ~np.isnan(value)
        total = np.where(begins, 0.0, self._total[slot, place])
        total += value - np.where(corrects, self._last[slot, place], 0.0)
        at = slot[kept], place[kept]
        self._heard[at], self._last[at], self._total[at] = time[kept], value[kept], total[kept]
        numbers = self._heard[slot] // cell[:, None]
        within = (numbers > (number - SUMMED)[:, None]) & (numbers <= number[:, None])
        found = np.where(within, self._total[slot], 0.0).sum(axis=1)
        return np.where(np.isnan(value), np.nan, found)

    def _flat(
        self, slot: NDArray[np.int64], time: NDArray[np.int64], value: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        with np.errstate(invalid="ignore"):
            moved = ~(np.abs(value - self._still[slot]) <= self._tolerance[slot])
        self._still[slot[moved]], self._since[slot[moved]] = value[moved], time[moved]
        return (time - self._since[slot]) / SECOND

    def _deviation(
        self,
        pair: NDArray[np.int64],
        row: NDArray[np.int64],
        time: NDArray[np.int64],
        value: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        if self._rhythm is None:
            return np.full(len(pair), np.nan)
        spreads = self._rhythm(self._ids[row], time, value)
        side = self._side[self._rule[pair]]
        return np.where(side == 0, np.abs(spreads), spreads * side)


_SIDES: Final = {Side.HIGH: 1, Side.LOW: -1, Side.BOTH: 0}


def _turns(pair: NDArray[np.int64], places: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The places in turns, none of which holds a pair twice, in the order that they have."""
    if not len(places):
        return []
    order = np.argsort(pair[places], kind="stable")
    ordered = pair[places][order]
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    turn = np.arange(len(ordered)) - np.repeat(first, np.diff(np.append(first, len(ordered))))
    return [places[order[turn == n]] for n in range(int(turn.max()) + 1)]

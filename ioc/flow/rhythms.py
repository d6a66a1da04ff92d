"""The rhythms of the series that rules on deviation watch, learned from what is stored."""

import logging
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from alerts.rhythm import HOUR, NEVER, NONE, RING, WEEK_HOURS, Floats, Rhythm, Rows, Smoothing
from alerts.rule import Deviation, Rule
from alerts.selection import SeriesFacts, has_tag, may_watch
from ioc.clock import monotonic
from ioc.model import Columns, from_micros, to_micros
from ioc.procedures.calendar import FIRST_YEAR, LAST_YEAR, Calendar
from ioc.store import observations
from ioc.store.aggregates import StoreKind
from ioc.store.pool import ReadPool

log = logging.getLogger(__name__)

CHUNK: Final = 1024
"""Rows that are made at once."""

SLICE: Final = 250
"""Series that are learned, or prepared, in one go."""

APART: Final = 24
"""Hours by which series of one slice may be behind each other."""

MARGIN: Final = HOUR // 4
"""How long after its end an hour is learned: feeds report by the quarter of an hour."""

LATE_EVERY: Final = HOUR // 6
"""What came later still is learned again together, after the store has had time to count it."""

AHEAD: Final = HOUR // 6
"""How long before an hour begins it is worked out what is expected in it."""

SETTLED: Final = 3 * HOUR
"""Of what was further back hardly a millionth is left in a smoothed value."""

BEGIN_SECONDS: Final = 20.0
"""So long a start waits for what is to be learned; the rest is learned while all runs."""


class Rhythms:
    """A row for each series that a rule on deviation watches, with its past and newest values.

    Of each row it is known from which hour on it is to be learned: that is so for an hour that is
    over, for one in which something came late, and for all of the past of a new series. An hour
    that is not over is never learned.
    """

    def __init__(self, zone: ZoneInfo, store: StoreKind) -> None:
        """Watch nothing yet."""
        self.zone: Final = zone
        self.store: Final[StoreKind] = store
        self.calendar = Calendar()
        self._rhythm = Rhythm(0, zone, self._works)
        self._smoothing = Smoothing(0)
        self._ids = np.empty(0, np.int64)
        self._row_of = np.empty(0, np.int64)
        self._due = np.empty(0, np.int64)
        """By row the first hour that is to be learned."""
        self._late = np.empty(0, np.int64)
        self._late_looked_at = 0
        self._until = 0
        """The first hour that nothing was learned of."""
        self._prepared = (0, 0)

    def __len__(self) -> int:
        """How many series are watched."""
        return len(self._ids)

    def keep(self, calendar: Calendar) -> None:
        """Tell working days by this calendar from now on."""
        if calendar.days != self.calendar.days:
            self.calendar = calendar
            self._rhythm = Rhythm.restored(self._rhythm.arrays(), self.zone, self._works)

    def watch(self, rules: Iterable[Rule], series: Iterable[SeriesFacts]) -> list[int]:
        """Make rows for the series that the rules watch; returns those that are new."""
        watching = [rule for rule in rules if isinstance(rule, Deviation)]
        if not watching:
            return []
        known = set(self._ids.tolist())
        new = [
            facts.series_id
            for facts in series
            if facts.series_id not in known and any(_watches(rule, facts) for rule in watching)
        ]
        self._add(np.array(new, np.int64))
        return new

    def _add(self, ids: Rows) -> None:
        if not len(ids):
            return
        first, end = len(self._ids), len(self._ids) + len(ids)
        room = -(-end // CHUNK) * CHUNK
        self._rhythm.grow(room)
        self._smoothing.grow(room)
        more = int(ids.max()) + 1 - len(self._row_of)
        self._row_of = np.concatenate([self._row_of, np.full(max(more, 0), NONE)])
        self._row_of[ids] = np.arange(first, end)
        self._ids = np.concatenate([self._ids, ids])
        self._due = np.concatenate([self._due, np.zeros(len(ids), np.int64)])
        self._late = np.concatenate([self._late, np.full(len(ids), NEVER)])

    def spreads(self, ids: Rows, times: Rows, values: Floats) -> Floats:
        """How many spreads the smoothed values are off; not a number while that is not known.

        What is given again for another rule is a correction by the same value, and changes nothing.
        What is older than a week is smoothed only, as a back-fill brings it.
        """
        found = np.full(len(ids), np.nan)
        rows = self._rows(ids)
        watched = np.flatnonzero(rows != NONE)
        rows, times = rows[watched], times[watched]
        smoothed = self._smoothing.smooth(rows, times, values[watched])
        judged = times // HOUR >= self._until - WEEK_HOURS
        found[watched[judged]] = self._rhythm.deviation(
            rows[judged], times[judged], smoothed[judged]
        )
        return found

    def heard(self, columns: Columns) -> None:
        """Note what was stored for hours that have been learned."""
        if not len(self._ids):
            return
        rows, hours = self._rows(columns.series), columns.time // HOUR
        watched = rows != NONE
        rows, hours = rows[watched], hours[watched]
        late = hours < self._due[rows]
        np.minimum.at(self._late, rows[late], hours[late])

    async def begin(self, reads: ReadPool, newest: dict[int, int], now: datetime) -> None:
        """Learn the past before anything is judged, and of what the newest values are smoothed."""
        if not len(self._ids):
            return
        began = monotonic()
        while await self.learn_some(reads, now):
            if monotonic() - began > BEGIN_SECONDS:
                log.warning("the rhythms of all series take long; the rest is learned on the way")
                break
        await self.look_back(reads, newest, now)
        everyone = np.arange(len(self._ids))
        expected, _ = self._rhythm.expect(everyone, np.full(len(everyone), to_micros(now)))
        if unknown := int(np.isnan(expected).sum()):
            log.info(
                "rhythms are not known yet; rules on deviation raise nothing for these series",
                extra={"series": unknown, "of": len(everyone)},
            )

    async def look_back(self, reads: ReadPool, newest: dict[int, int], until: datetime) -> None:
        """Smooth what came before the newest values (µs) of series."""
        back = {series: from_micros(time - SETTLED) for series, time in newest.items()}
        async for columns in observations.since(reads, back, until=until):
            rows = self._rows(columns.series)
            watched = rows != NONE
            self._smoothing.smooth(rows[watched], columns.time[watched], columns.value[watched])

    async def learn_some(self, reads: ReadPool, now: datetime) -> bool:
        """Learn, or else prepare, what is due of some series; False where nothing was."""
        now_us = to_micros(now)
        if now_us - self._late_looked_at >= LATE_EVERY:
            self._late_looked_at = now_us
            self._due = np.minimum(self._due, self._late)
            self._late.fill(NEVER)
        until = (now_us - MARGIN) // HOUR
        behind = np.flatnonzero(self._due < until)
        if not len(behind):
            return self._prepare(now_us)
        rows = behind[np.argsort(self._due[behind], kind="stable")[:SLICE]]
        due = self._due[rows]
        rows, due = rows[due <= due[0] + APART], due[due <= due[0] + APART]
        # What comes late while it is read is noted again.
        self._due[rows] = until
        try:
            await self._learn(reads, rows, max(int(due[0]), until - RING), until)
        except BaseException:
            self._due[rows] = np.minimum(self._due[rows], due)
            raise
        for hour in {now_us // HOUR, (now_us + AHEAD) // HOUR}:
            self._rhythm.expect(rows, np.full(len(rows), hour * HOUR))
        return True

    async def _learn(self, reads: ReadPool, rows: Rows, first: int, until: int) -> None:
        async for means in observations.hourly_means(
            reads,
            self._ids[rows].tolist(),
            since=from_micros(first * HOUR),
            until=from_micros(until * HOUR),
            zone=self.zone,
            store=self.store,
        ):
            self.learn(means)
        self._until = max(self._until, until)

    def learn(self, means: Columns) -> None:
        """Take means of hours, by their beginnings."""
        self._rhythm.learn(self._rows(means.series), means.time // HOUR, means.value)

    def _prepare(self, now_us: int) -> bool:
        """Work out what is expected of some series in the hour that is or is about to begin."""
        hour = (now_us + AHEAD) // HOUR
        begin = self._prepared[1] if self._prepared[0] == hour else 0
        rows = np.arange(begin, min(begin + SLICE, len(self._ids)))
        self._rhythm.expect(rows, np.full(len(rows), hour * HOUR))
        self._prepared = hour, begin + len(rows)
        return len(rows) > 0

    def _rows(self, ids: NDArray[np.signedinteger[Any]]) -> Rows:
        """The row of each series; NONE where there is none."""
        rows = np.full(len(ids), NONE, np.int64)
        inside = ids < len(self._row_of)
        rows[inside] = self._row_of[ids[inside]]
        return rows

    def _works(self, day: date) -> bool:
        if FIRST_YEAR <= day.year <= LAST_YEAR:
            return self.calendar.works(day)
        return day.isoweekday() <= 5


class RelivedRhythms(Rhythms):
    """Rhythms as they were known in the past, hour by hour, for what a rule would have raised."""

    def __init__(self, like: Rhythms) -> None:
        """Know nothing yet, of days and hours that are told as there."""
        super().__init__(like.zone, like.store)
        self.keep(like.calendar)
        self._means: list[Columns] = []

    async def prepare(
        self, reads: ReadPool, *, since: datetime, until: datetime, most: int
    ) -> bool:
        """Read what is learned on the way between two times; False if it is more than `most`."""
        ids: list[int] = self._ids.tolist()
        if not ids:
            return True
        await self.look_back(reads, dict.fromkeys(ids, to_micros(since)), since)
        first = to_micros(since) // HOUR - RING
        count = 0
        for at in range(0, len(ids), SLICE):
            async for means in observations.hourly_means(
                reads,
                ids[at : at + SLICE],
                since=from_micros(first * HOUR),
                until=from_micros(to_micros(until) // HOUR * HOUR),
                zone=self.zone,
                store=self.store,
            ):
                count += len(means)
                if count > most:
                    return False
                self._means.append(means)
        self._sort()
        return True

    def _sort(self) -> None:
        if self._means:
            series = np.concatenate([means.series for means in self._means])
            time = np.concatenate([means.time for means in self._means])
            value = np.concatenate([means.value for means in self._means])
            order = np.argsort(time, kind="stable")
            self._means = [Columns(series[order], time[order], value[order])]

    def go_on_to(self, time: int) -> None:
        """Learn the hours that are over at a time (µs)."""
        self._until = time // HOUR
        if self._means:
            left = self._means[0]
            over = int(np.searchsorted(left.time, self._until * HOUR))
            self.learn(Columns(left.series[:over], left.time[:over], left.value[:over]))
            self._means = [Columns(left.series[over:], left.time[over:], left.value[over:])]


def _watches(rule: Deviation, facts: SeriesFacts) -> bool:
    return may_watch(rule, facts) and has_tag(rule.where.tag, facts.attributes)

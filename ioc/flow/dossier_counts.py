"""Counts of dossiers as a source of measures: the cube of days, and what is in hand."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from ioc.clock import monotonic
from ioc.flow.counting import NOTHING, Counted
from ioc.kpi.counts import Counts, counts_of, joined
from ioc.kpi.cube import EPOCH, DayCube
from ioc.kpi.period import Period
from ioc.store import dossier_sums
from ioc.store.dossier_sums import BEGINNING, SUMMED
from ioc.store.pool import ReadPool, WritePool

CHANNELS: Final = ("received_direct", "received_online", "received_post")
TIMELINESS: Final = ("resolved_early", "resolved_on_time", "resolved_late", "resolved_undated")
"""What adds up to all that was received, and to all that was resolved."""

IN_HAND: Final = (CHANNELS, TIMELINESS)
OVERDUE: Final = (("became_overdue",), ("resolved_overdue",))
"""What is in hand, and overdue of that: all that came into it without all that left it."""

HELD: Final = ("in_hand", "in_hand_overdue")
"""What is in hand at the end of a day, or now."""

LONGEST_REST: Final = 5.0
"""Seconds between two counts, which otherwise rest for as long as the last one took."""


class DossierCounts:
    """Counts of dossiers by unit over any days, kept up to date with what is stored."""

    def __init__(self, reads: ReadPool, writes: WritePool, zone: str) -> None:
        """Count nothing yet; the days are those of `zone`."""
        self._reads = reads
        self._writes = writes
        self._zone = ZoneInfo(zone)
        self.cube = DayCube(SUMMED)
        self._position = BEGINNING
        self._due = 0.0
        self._to_come: dict[tuple[str, int], NDArray[np.int64]] = {}
        """Counts of days to come, by unit and day: what will be overdue unless it is resolved."""
        self._in_hand = counts_of([], HELD)
        self._today: date | None = None

    async def refresh(self, now: datetime) -> bool:
        """Count anew what has changed, and take over what this or another process has counted."""
        await self._recount()
        before, position = self._in_hand, self._position
        today = self._day(now)
        await self._take_over(today)
        self._in_hand = await dossier_sums.in_hand(self._reads, now)
        changed = (
            position != self._position
            or today != self._today
            or before.units != self._in_hand.units
            or not np.array_equal(before.values, self._in_hand.values)
        )
        self._today = today
        return changed

    async def _recount(self) -> None:
        """Count what has changed; while much does, time is left to those who send."""
        began = monotonic()
        if began < self._due:
            return
        await dossier_sums.recount(self._writes)
        ended = monotonic()
        self._due = ended + min(LONGEST_REST, ended - began)

    async def _take_over(self, today: date) -> None:
        """Counts of days to come wait for their day: a return date may lie decades ahead."""
        last = today.toordinal() - EPOCH
        self._merge({key: row for key, row in self._to_come.items() if key[1] <= last})
        self._to_come = {key: row for key, row in self._to_come.items() if key[1] > last}
        while found := await dossier_sums.changed(self._reads, after=self._position):
            come = found.days <= last
            rows = zip(found.units, found.days.tolist(), found.values, strict=True)
            self._to_come |= {(unit, day): row for unit, day, row in rows if day > last}
            units = [unit for unit, has in zip(found.units, come.tolist(), strict=True) if has]
            self.cube.merge(units, found.days[come], found.values[come])
            self._position = found.position

    def _merge(self, rows: Mapping[tuple[str, int], NDArray[np.int64]]) -> None:
        if rows:
            days = np.array([day for _, day in rows], np.int64)
            self.cube.merge([unit for unit, _ in rows], days, np.stack(list(rows.values())))

    async def counts(self, names: Collection[str], period: Period, now: datetime) -> Counted:
        """Counts of the days of a period.

        What is in hand, and overdue of that, is so at the end of its last day, or now while it
        runs; of a period to come it is not known. The past is restated by what is known today: a
        dossier counts for the unit that handles it now, and by its return date of now with the
        pauses that moved it.
        """
        tables: list[Counts] = []
        if wanted := [name for name in SUMMED if name in names]:
            tables.append(self.cube.counts(period.start, period.end).of(wanted))
        if "carried_over" in names:
            tables.append(self._held_before(period.start, ("carried_over",)))
        if held := [name for name in HELD if name in names]:
            today = self._day(now)
            if period.end <= today:
                tables.append(self._held_before(period.end, held))
            elif period.start <= today:
                tables.append(self._held_now(held))
        return Counted(joined(tables)) if tables else NOTHING

    def _day(self, now: datetime) -> date:
        return now.astimezone(self._zone).date()

    def _held_before(self, day: date, names: Sequence[str]) -> Counts:
        """What was in hand when a day began: all that came before it, without what had gone."""
        before = self.cube.before(day)
        columns: list[list[float]] = []
        for name in names:
            came, went = OVERDUE if name == "in_hand_overdue" else IN_HAND
            held = before.of(came).values.sum(axis=1) - before.of(went).values.sum(axis=1)
            columns.append(held.tolist())
        return counts_of(list(zip(before.units, zip(*columns, strict=True), strict=True)), names)

    def _held_now(self, names: Sequence[str]) -> Counts:
        """A unit with dossiers but none in hand has 0 of them."""
        held = dict(zip(self._in_hand.units, self._in_hand.of(names).values.tolist(), strict=True))
        units = dict.fromkeys([*self.cube.units, *held])
        return counts_of([(unit, held.get(unit, [0.0] * len(names))) for unit in units], names)

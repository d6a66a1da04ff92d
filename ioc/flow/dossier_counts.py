"""Counts of dossiers as a source of measures: the cube of days, and what is in hand now."""

from collections.abc import Collection
from datetime import date, datetime
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np

from ioc.clock import monotonic
from ioc.flow.counting import NOTHING, Counted
from ioc.kpi.counts import Counts, counts_of, joined
from ioc.kpi.cube import DayCube
from ioc.kpi.period import Period
from ioc.store import dossier_sums
from ioc.store.dossier_sums import BEGINNING, SUMMED
from ioc.store.pool import ReadPool, WritePool

CHANNELS: Final = ("received_direct", "received_online", "received_post")
TIMELINESS: Final = ("resolved_early", "resolved_on_time", "resolved_late", "resolved_undated")
"""What adds up to all that was received, and to all that was resolved."""

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
        self._in_hand = counts_of([], ("in_hand", "in_hand_overdue"))
        self._today: date | None = None

    async def refresh(self, now: datetime) -> bool:
        """Count anew what has changed, and take over what this or another process has counted."""
        await self._recount()
        before, position = self._in_hand, self._position
        await self._take_over()
        self._in_hand = await dossier_sums.in_hand(self._reads, now)
        today = now.astimezone(self._zone).date()
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

    async def _take_over(self) -> None:
        while found := await dossier_sums.changed(self._reads, after=self._position):
            self.cube.merge(found.units, found.days, found.values)
            self._position = found.position

    async def counts(self, names: Collection[str], period: Period, now: datetime) -> Counted:
        """Counts of the days of a period.

        What is in hand is that at its end, or now while it runs; what is overdue is known only of
        now.
        """
        tables: list[Counts] = []
        if wanted := [name for name in SUMMED if name in names]:
            tables.append(self.cube.counts(period.start, period.end).of(wanted))
        if "carried_over" in names:
            tables.append(self._open_before(period.start, "carried_over"))
        running = period.start <= now.astimezone(self._zone).date() < period.end
        if running and (held := [name for name in self._in_hand.measures if name in names]):
            tables.append(self._held_now(held))
        elif not running and "in_hand" in names:
            tables.append(self._open_before(period.end, "in_hand"))
        return Counted(joined(tables)) if tables else NOTHING

    def _open_before(self, day: date, name: str) -> Counts:
        """Dossiers that were received before a day and not resolved before it."""
        before = self.cube.before(day)
        received = before.of(CHANNELS).values.sum(axis=1)
        resolved = before.of(TIMELINESS).values.sum(axis=1)
        held = (received - resolved).tolist()
        return counts_of([(u, (n,)) for u, n in zip(before.units, held, strict=True)], (name,))

    def _held_now(self, names: list[str]) -> Counts:
        """A unit with dossiers but none in hand has 0 of them."""
        held = dict(zip(self._in_hand.units, self._in_hand.of(names).values.tolist(), strict=True))
        units = dict.fromkeys([*self.cube.units, *held])
        return counts_of([(unit, held.get(unit, [0.0] * len(names))) for unit in units], names)

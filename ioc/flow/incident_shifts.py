"""Shifts: one begins with who is on duty, and ends with each open incident in somebody's hands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ioc.clock import Clock
from ioc.errors import Conflict, Invalid, NotFound
from ioc.flow.incidents import Incidents
from ioc.ids import uuid7
from ioc.incidents.moves import Act, Move
from ioc.store import audit, incident_rows, shifts
from ioc.store.pool import WritePool
from ioc.store.shifts import HandoverRow, ShiftRow


@dataclass(frozen=True, slots=True)
class Handover:
    """Who takes an incident over, and what there is to say of it."""

    keeper: str
    note: str = ""


class Shifts:
    """Begins and ends shifts."""

    def __init__(self, *, incidents: Incidents, writes: WritePool, clock: Clock) -> None:
        """Hand incidents over by their own rules."""
        self._incidents = incidents
        self._writes = writes
        self._clock = clock

    async def begin(self, on_duty: list[str], note: str, *, who: str, source: str) -> ShiftRow:
        """Begin a shift, at the end of the one before."""
        now = self._clock.now()
        shift = ShiftRow(
            shift_id=uuid7(now), began_at=now, began_by=who, on_duty=on_duty, note=note,
            ended_at=None, ended_by=None, summary="",
        )  # fmt: skip
        async with self._writes.connection() as conn:
            await shifts.begin(conn, shift)
            await audit.record(
                conn, now=now, actor=who, source=source, action="shift.begin",
                subject=str(shift.shift_id), after={"on_duty": on_duty},
            )  # fmt: skip
        return shift

    async def end(
        self,
        shift: UUID,
        *,
        usual: Handover | None,
        named: Mapping[UUID, Handover],
        summary: str,
        who: str,
        source: str,
    ) -> None:
        """End a shift and hand over every open incident: those that are named, and all others.

        Without a `usual` taker every open incident must be named; `Invalid` tells those that are
        not. All of it is done, or nothing.
        """
        now = self._clock.now()
        desk = await self._incidents.desks.open()
        async with self._writes.connection() as conn:
            row = await shifts.locked(conn, shift)
            if row is None:
                raise NotFound(f"there is no shift {shift}")
            if row.ended_at is not None:
                raise Conflict(f"the shift was ended by {row.ended_by} already")
            found = await incident_rows.locked(conn, await shifts.open_incidents(conn))
            left = [one.code for one in found if usual is None and one.incident_id not in named]
            if left:
                raise Invalid(
                    f"name who takes over {', '.join(left[:20])}, or one `to` for all", codes=left
                )
            done: list[HandoverRow] = []
            for one in found:
                to = named.get(one.incident_id) or usual
                assert to is not None
                act = Act(move=Move.HAND_OVER, actor=who, at=now, reason=to.note, person=to.keeper)
                await self._incidents.moved_within(conn, desk, one, act)
                done.append(_handed(to, one))
            await shifts.hand_over(conn, shift, done)
            at = max(now, row.began_at)
            await shifts.end(conn, shift, at=at, by=who, summary=summary)
            await audit.record(
                conn, now=now, actor=who, source=source, action="shift.end", subject=str(shift),
                after={"handed_over": len(done)},
            )  # fmt: skip
        await self._incidents.news.follow()


def _handed(to: Handover, row: incident_rows.IncidentRow) -> HandoverRow:
    return HandoverRow(
        incident_id=row.incident_id, code=row.code, title=row.title, keeper=to.keeper,
        note=to.note, state=row.state, due_at=row.due_at,
    )  # fmt: skip


def span(shift: ShiftRow, now: datetime) -> tuple[datetime, datetime]:
    """From when until when a shift lasted; one that runs, until now."""
    return shift.began_at, shift.ended_at or now

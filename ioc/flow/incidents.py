"""What is done with incidents: each change by its rules, stored, audited, and told to clients."""

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

import msgspec

from ioc.clock import Clock
from ioc.errors import Conflict, Invalid
from ioc.flow.incident_alerts import AlertBoard, Change, Parts, change_parts
from ioc.flow.incident_changes import (
    By,
    Done,
    Opening,
    check_open,
    moved_by,
    note_audit,
    opened,
    save,
)
from ioc.flow.incident_desk import Desk, Desks
from ioc.flow.incident_news import IncidentNews
from ioc.incidents.escalation import due
from ioc.incidents.moves import Act, Move, moved
from ioc.store import audit, incident_contacts, incident_files, incident_parts
from ioc.store import incident_rows as rows
from ioc.store.incident_contacts import CallerRow
from ioc.store.incident_files import FileRow
from ioc.store.incident_rows import IncidentRow
from ioc.store.pool import Connection, ReadPool, WritePool

MOST_ENTRIES: Final = 5_000
"""Entries of one incident; what is longer belongs into a file."""

MOST_FILES: Final = 30
"""Files of one incident."""


class Incidents:
    """Opens incidents, moves them, and lets time do its part.

    Each change locks its incident, so that two people, or a person and time, never decide on the
    same state; what was stored is told by the log alone.
    """

    def __init__(
        self,
        *,
        reads: ReadPool,
        writes: WritePool,
        clock: Clock,
        desks: Desks,
        news: IncidentNews,
        alerts: AlertBoard,
    ) -> None:
        """Join them; nothing is read yet."""
        self.desks = desks
        self.news = news
        self._alerts = alerts
        self._reads = reads
        self._writes = writes
        self._clock = clock

    async def open(self, opening: Opening, by: By) -> IncidentRow:
        """Open an incident with the checklist and the deadlines of its category."""
        desk, now = await self.desks.open(), self._clock.now()
        category = desk.asked(opening.category)
        async with self._writes.connection() as conn:
            code = await rows.next_code(conn, desk.clock.day(now).year)
            row = opened(opening, desk, code, by.who, now)
            # What hangs on it needs it to be there, and the lock of the log is the last one.
            await rows.put(conn, row)
            await incident_parts.put_steps(conn, row.incident_id, category.steps)
            parts = Parts(opening.alerts, opening.tickets)
            await change_parts(conn, self._alerts, row, "join", parts, who=by.who, at=now)
            if opening.caller is not None:
                caller = CallerRow(*opening.caller, taken_by=by.who)
                await incident_contacts.put(conn, row.incident_id, caller, now)
            done = Done(change="open", who=by.who, detail={"exercise": opening.exercise})
            await save(conn, desk, None, row, done, now)
            await note_audit(conn, by, "incident.open", None, row, now)
        await self.news.follow()
        if parts.alerts:
            await self._alerts.follow()
        return row

    async def move(self, incident: UUID, version: int, act: Act, by: By) -> IncidentRow:
        """Move an incident that is still of the version that was decided on."""
        desk = await self.desks.open()
        async with self._writes.connection() as conn:
            row = await self._locked(conn, incident, by)
            self._check_version(desk, row, version)
            after = await self.moved_within(conn, desk, row, act)
            await note_audit(conn, by, f"incident.{act.move.value}", row, after, act.at)
        await self.news.follow()
        return after

    async def recategorise(
        self, incident: UUID, version: int, category: str, act: Act, by: By
    ) -> IncidentRow:
        """Give an incident another category, with its deadlines and its checklist."""
        desk = await self.desks.open()
        wanted = desk.asked(category)
        async with self._writes.connection() as conn:
            row = await self._locked(conn, incident, by)
            self._check_version(desk, row, version)
            life = moved(row.life, act, desk.deadlines(wanted))
            after = replace(row.living(life), checklist_version=wanted.version)
            await incident_parts.put_steps(conn, incident, wanted.steps)
            await save(conn, desk, row, after, moved_by(act, row, after), life.changed_at)
            await note_audit(conn, by, f"incident.{act.move.value}", row, after, act.at)
        await self.news.follow()
        return after

    async def moved_within(
        self, conn: Connection, desk: Desk, row: IncidentRow, act: Act
    ) -> IncidentRow:
        """Move a locked incident in somebody's transaction; the caller tells it after that."""
        if act.move is Move.RESOLVE:
            steps = await incident_parts.steps_within(conn, row.incident_id)
            undone = sum(step.required and step.done_at is None for step in steps)
            act = msgspec.structs.replace(act, undone=undone)
        life = moved(row.life, act, desk.deadlines(desk.category(row.category)))
        after = row.living(life)
        await save(conn, desk, row, after, moved_by(act, row, after), life.changed_at)
        return after

    async def note(self, incident: UUID, text: str, by: By) -> IncidentRow:
        """Add words to an incident; notes of two people do not stand in each other's way."""
        desk, now = await self.desks.open(), self._clock.now()
        async with self._writes.connection() as conn:
            row = await self._locked(conn, incident, by)
            entry = Done(change="note", who=by.who, comment=text)
            after = await self._entered(conn, desk, row, entry, now)
            await note_audit(conn, by, "incident.note", row, after, now)
        await self.news.follow()
        return after

    async def mark(
        self, incident: UUID, step: str, *, done: bool, note: str, by: By
    ) -> IncidentRow:
        """Note that a step was done, or that it was not done after all."""
        desk, now = await self.desks.open(), self._clock.now()
        async with self._writes.connection() as conn:
            row = await self._locked(conn, incident, by)
            check_open(row)
            found = {s.step: s for s in await incident_parts.steps_within(conn, incident)}.get(step)
            if found is None:
                raise Invalid(f"the checklist of {row.code} has no step {step[:64]!r}")
            if (found.done_at is not None) == done:
                raise Conflict(
                    f"the step {step} {f'was done by {found.done_by}' if done else 'is not done'} "
                    "already; look at the checklist again",
                    done_by=found.done_by, done_at=found.done_at and found.done_at.isoformat(),
                )  # fmt: skip
            await incident_parts.mark_step(
                conn, incident, step, at=now if done else None, by=by.who if done else None,
                note=note,
            )  # fmt: skip
            noted = Done(
                change="step", who=by.who, comment=note, detail={"step": step, "done": done}
            )
            after = await self._entered(conn, desk, row, noted, now)
            await note_audit(conn, by, "incident.step", row, after, now, step=step, done=done)
        await self.news.follow()
        return after

    async def part(self, incident: UUID, change: Change, wanted: Parts, by: By) -> IncidentRow:
        """Take alerts and tickets, or let them go; without a change nothing is noted."""
        desk, now = await self.desks.open(), self._clock.now()
        async with self._writes.connection() as conn:
            row = await self._locked(conn, incident, by)
            check_open(row)
            done = await change_parts(conn, self._alerts, row, change, wanted, who=by.who, at=now)
            if not done:
                return row
            entry = Done(change=change, who=by.who, detail=done.told())
            after = await self._entered(conn, desk, row, entry, now)
            await note_audit(conn, by, f"incident.{change}", row, after, now, **done.told())
        await self.news.follow()
        if done.alerts:
            await self._alerts.follow()
        return after

    async def attach(self, incident: UUID, file: FileRow, body: bytes, by: By) -> IncidentRow:
        """Keep a file of an incident; the same one again changes nothing."""
        desk, now = await self.desks.open(), self._clock.now()
        async with self._writes.connection() as conn:
            row = await self._locked(conn, incident, by)
            check_open(row)
            if await incident_files.count(conn, incident) >= MOST_FILES:
                raise Conflict(f"{row.code} has {MOST_FILES} files, which is the most")
            if not await incident_files.add(conn, incident, file, body):
                return row
            told = {"file": str(file.file_id), "name": file.name, "size": file.size}
            after = await self._entered(
                conn, desk, row, Done(change="file", who=by.who, detail=told), now
            )
            await note_audit(conn, by, "incident.file", row, after, now, **told)
        await self.news.follow()
        return after

    async def caller(self, incident: UUID, by: By) -> CallerRow | None:
        """Who called; every look is audited, and says whether it was whole."""
        now = self._clock.now()
        async with self._writes.connection() as conn:
            await self._locked(conn, incident, by)
            found = await incident_contacts.read(conn, incident)
            await audit.record(
                conn, now=now, actor=by.who, source=by.source, action="incident.caller.read",
                subject=str(incident),
                after={"found": found is not None, "whole": found and found.taken_by == by.who},
            )  # fmt: skip
        return found

    async def tick(self) -> int:
        """Let time raise and lower what is in hand; returns how many incidents it moved."""
        desk = await self.desks.open()
        timed = [category.id for category in desk.plan.categories if category.escalation]
        count = 0
        for row in await rows.in_hand(self._reads, timed):
            if self._due(desk, row) is not None:
                count += await self._tick_one(desk, row.incident_id)
        if count:
            await self.news.follow()
        return count

    async def _tick_one(self, desk: Desk, incident: UUID) -> bool:
        async with self._writes.connection() as conn:
            [row] = await rows.locked(conn, [incident])
            act = self._due(desk, row)
            if act is None:
                return False
            await self.moved_within(conn, desk, row, act)
            return True

    def _due(self, desk: Desk, row: IncidentRow) -> Act | None:
        return due(row.life, desk.deadlines(desk.category(row.category)), self._clock.now())

    async def _entered(
        self, conn: Connection, desk: Desk, row: IncidentRow, done: Done, now: datetime
    ) -> IncidentRow:
        """An incident with one more entry; its version stays, since nothing was decided."""
        if row.entries >= MOST_ENTRIES:
            raise Conflict(f"{row.code} has {MOST_ENTRIES} entries, which is the most")
        after = replace(row, entries=row.entries + 1)
        await save(conn, desk, row, after, done, max(now, row.changed_at))
        return after

    async def _locked(self, conn: Connection, incident: UUID, by: By) -> IncidentRow:
        found = await rows.locked(conn, [incident])
        return by.check(incident, found[0] if found else None)

    def _check_version(self, desk: Desk, row: IncidentRow, version: int) -> None:
        if version != row.version:
            item = msgspec.to_builtins(desk.item(row))
            raise Conflict(
                f"the incident has changed: it is {row.state} in version {row.version}, "
                f"not {version}; look at it again",
                state=row.state, version=row.version, item=item,
            )  # fmt: skip

"""Incidents as people see them whole: clocks, checklist, what is in it, what can be done."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from ioc.api.incident_rights import may
from ioc.auth.policy import Subject
from ioc.flow.incident_desk import Desk
from ioc.incidents.judgement import TaskClock, clocks
from ioc.incidents.moves import Move, allowed
from ioc.live.incident_wire import IncidentItem
from ioc.live.wire import UnitRef
from ioc.model import Text
from ioc.store import incident_contacts, incident_files, incident_log, incident_parts
from ioc.store.incident_files import FileRow
from ioc.store.incident_rows import IncidentRow
from ioc.store.pool import ReadPool


class IncidentList(msgspec.Struct):
    """Incidents, the newest opening first; `next` is the cursor of the next page."""

    items: list[IncidentItem]
    next: str | None


class StepItem(msgspec.Struct, frozen=True):
    """A line of the checklist, and who did it when."""

    id: str
    text: Text
    required: bool
    done_at: datetime | None
    done_by: str | None
    note: str


class Checklist(msgspec.Struct, frozen=True):
    """The checklist that the incident was opened with; `version` is that of its category then."""

    version: int
    steps: list[StepItem]


class IncidentFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file of an incident; its bytes are at `/incidents/{incident}/files/{id}`."""

    id: str
    name: str
    media_type: str
    size: int
    sha256: str
    added_at: datetime
    added_by: str


class EntryItem(msgspec.Struct, frozen=True, kw_only=True):
    """What was done with an incident; `engine` is time, `detail` what it changed."""

    at: datetime
    change: str
    actor: str
    comment: str
    detail: dict[str, Any]
    version: int


class IncidentDetail(IncidentItem, frozen=True, kw_only=True):
    """An incident whole, and what the reader may do with it now."""

    description: str
    outcome: str
    place_unit: UnitRef | None
    deadline_source: str
    caller_known: bool
    clocks: list[TaskClock]
    checklist: Checklist
    alerts: list[str]
    tickets: list[str]
    files: list[IncidentFile]
    log: list[EntryItem]
    allowed: list[Move]


async def incident_detail(
    reads: ReadPool, desk: Desk, row: IncidentRow, subject: Subject, now: datetime
) -> IncidentDetail:
    """An incident whole."""
    incident = row.incident_id
    alerts, tickets = await incident_parts.joined(reads, incident)
    return IncidentDetail(
        **msgspec.structs.asdict(desk.item(row)),
        description=row.description,
        outcome=row.outcome,
        place_unit=None if row.place_unit is None else desk.unit(row.place_unit),
        deadline_source=desk.category(row.category).source,
        caller_known=await incident_contacts.is_known(reads, incident),
        clocks=clocks(row.life, now),
        checklist=Checklist(row.checklist_version, await steps_of(reads, incident)),
        alerts=[str(alert) for alert in alerts],
        tickets=[str(ticket) for ticket in tickets],
        files=[file_item(file) for file in await incident_files.files(reads, incident)],
        log=await entries_of(reads, incident),
        allowed=[move for move in allowed(row.life) if may(subject, row, move)],
    )


async def steps_of(reads: ReadPool, incident: UUID) -> list[StepItem]:
    """The checklist of an incident."""
    return [
        StepItem(
            s.step, Text(s.name_vi, s.name_en), s.required, s.done_at, s.done_by, s.note
        )
        for s in await incident_parts.steps(reads, incident)
    ]  # fmt: skip


async def entries_of(reads: ReadPool, incident: UUID) -> list[EntryItem]:
    """All that was done with an incident, oldest first."""
    return [
        EntryItem(
            at=e.at, change=e.change, actor=e.actor, comment=e.comment, detail=e.detail,
            version=e.version,
        )
        for e in await incident_log.history(reads, incident)
    ]  # fmt: skip


def file_item(file: FileRow) -> IncidentFile:
    """A file as it is listed."""
    return IncidentFile(
        id=str(file.file_id), name=file.name, media_type=file.media_type, size=file.size,
        sha256=file.sha256, added_at=file.added_at, added_by=file.added_by,
    )  # fmt: skip

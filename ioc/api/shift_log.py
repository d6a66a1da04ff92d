"""The log of a shift: what those on duty write into it."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from ingest.ticket import CONTROL
from ioc.api.deps import Now, Reads, Writes, requires
from ioc.api.encode import answer, shape
from ioc.api.short import ShortBodyRoute
from ioc.auth.policy import Permission, Subject
from ioc.errors import Invalid, NotFound
from ioc.ids import uuid7
from ioc.store import audit, shift_log, shifts
from ioc.store.shift_log import EntryRow

router = APIRouter(tags=["shifts"], route_class=ShortBodyRoute)

Reader = Annotated[Subject, Depends(requires(Permission.SHIFT_READ))]
Runner = Annotated[Subject, Depends(requires(Permission.INCIDENT_RUN))]


class ShiftNoteBody(BaseModel):
    """What is written into the log."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=4_000)


class ShiftEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry in the log of a shift."""

    id: str
    at: datetime
    actor: str
    text: str


class ShiftEntryList(msgspec.Struct):
    """The log of a shift, oldest first."""

    items: list[ShiftEntry]
    next: str | None = None


@router.get("/shifts/{shift}/entries", responses=shape(ShiftEntryList))
async def get_entries(shift: UUID, _: Reader, reads: Reads) -> Response:
    """The log of a shift."""
    if await shifts.one(reads, shift) is None:
        raise NotFound(f"there is no shift {shift}")
    return answer(ShiftEntryList(await entry_items(reads, shift)))


@router.post("/shifts/{shift}/entries", responses=shape(ShiftEntry))
async def post_shift_entry(
    request: Request, shift: UUID, subject: Runner, writes: Writes, now: Now, body: ShiftNoteBody
) -> Response:
    """Write into the log of a shift; also into one that has ended, with the time of writing."""
    text = body.text.strip()
    if not text or CONTROL.search(text):
        raise Invalid("the `text` is empty or holds a control character")
    row = EntryRow(entry_id=uuid7(now), shift_id=shift, at=now, actor=subject.name, text=text)
    async with writes.connection() as conn:
        await shift_log.put(conn, row)
        await audit.record(
            conn, now=now, actor=subject.name,
            source=request.client.host if request.client else "", action="shift.note",
            subject=str(shift), after=None,
        )  # fmt: skip
    return answer(entry_item(row))


async def entry_items(reads: Reads, shift: UUID) -> list[ShiftEntry]:
    """The log of a shift as it is listed."""
    return [entry_item(row) for row in await shift_log.entries(reads, shift)]


def entry_item(row: EntryRow) -> ShiftEntry:
    """An entry as it is listed."""
    return ShiftEntry(id=str(row.entry_id), at=row.at, actor=row.actor, text=row.text)

"""Reports as people see and settle them: list, history, approval, closing, opening again."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from ioc.api.deps import CurrentSubject, Facts, Now, Reads, ServerFacts, Writes, requires
from ioc.api.encode import answer, shape
from ioc.api.report_items import MeasureItem, ReportItem, measure_item, report_item
from ioc.api.short import ShortBodyRoute
from ioc.auth.policy import Permission, Role, Subject
from ioc.errors import Conflict, Invalid, NotFound, NotPermitted
from ioc.kpi.period import parse_period
from ioc.kpi.reported import ReportState
from ioc.store import measures, reports
from ioc.store.pool import ReadPool, WritePool
from ioc.store.report_rows import Change, ReportRow

router = APIRouter(tags=["reports"], route_class=ShortBodyRoute)

Reader = Annotated[Subject, Depends(requires(Permission.CITY_READ))]
Approver = Annotated[Subject, Depends(requires(Permission.REPORT_APPROVE))]
Closer = Annotated[Subject, Depends(requires(Permission.REPORT_CLOSE))]

MOST_AT_ONCE = 1_000

CENTRE = frozenset({Role.ADMINISTRATOR, Role.OPERATOR, Role.LEADER})
"""Who sees drafts of all units; others see those of their own."""


class MeasureList(msgspec.Struct):
    """The measures that agencies hand in."""

    items: list[MeasureItem]
    next: str | None = None


class ReportList(msgspec.Struct):
    """Reports by id; `next` is the `after` with which to go on."""

    items: list[ReportItem]
    next: str | None


class VersionItem(msgspec.Struct):
    """One version of a report: who changed what, when and why."""

    version: int
    at: datetime
    actor: str
    change: Change
    reason: str
    document: dict[str, Any]


class ReportHistory(msgspec.Struct):
    """All versions of a report, oldest first."""

    report: ReportItem
    items: list[VersionItem]
    next: str | None = None


class NotMoved(msgspec.Struct):
    """A report that stays as it is, and why."""

    id: str
    detail: str


class Moved(msgspec.Struct):
    """Reports that were moved, as they are now, and those that were not."""

    items: list[ReportItem]
    problems: list[NotMoved]


class Why(BaseModel):
    """A reason to go with a move."""

    reason: str = Field("", max_length=500)


class These(BaseModel):
    """Reports to be moved, with a reason."""

    ids: list[UUID] = Field(min_length=1, max_length=MOST_AT_ONCE)
    reason: str = Field("", max_length=500)


@router.get("/measures", responses=shape(MeasureList))
async def get_measures(_: CurrentSubject, reads: Reads) -> Response:
    """The measures that can be handed in; feed keys may read them too."""
    declared = await measures.read(reads)
    return answer(MeasureList([measure_item(m) for m in declared.measures.values()]))


@router.get("/reports", responses=shape(ReportList))
async def get_reports(
    subject: Reader,
    reads: Reads,
    facts: ServerFacts,
    measure: str | None = None,
    unit: str | None = None,
    period: Annotated[str | None, Query(description="days that hold the report's own")] = None,
    state: ReportState | None = None,
    after: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 500,
) -> Response:
    """Reports as they stand; drafts are shown to the centre and to the unit itself."""
    declared = await measures.read(reads)
    wanted = None
    if period is not None:
        known = declared.measures.get(measure or "")
        wanted = declared.cycle_of(known).period(period) if known else parse_period(period)
    rows = await reports.listed(
        reads,
        measure=measure,
        unit=unit,
        period=wanted,
        state=state,
        drafts_of=None if subject.role in CENTRE else subject.units,
        after=after,
        limit=limit,
    )
    organisation = facts.city.organisation
    items = [report_item(row, declared.measures, organisation) for row in rows]
    return answer(ReportList(items, items[-1].id if len(items) == limit else None))


@router.get("/reports/{report}/history", responses=shape(ReportHistory))
async def get_history(report: UUID, subject: Reader, reads: Reads, facts: ServerFacts) -> Response:
    """Every version of a report: who, when and why."""
    row, versions = await reports.history(reads, report)
    if row is None or (row.state == "draft" and not _sees_draft(subject, row)):
        raise NotFound(f"there is no report {report}")
    declared = await measures.read(reads)
    return answer(
        ReportHistory(
            report_item(row, declared.measures, facts.city.organisation),
            [
                VersionItem(v.version, v.at, v.actor, v.change, v.reason, v.document)
                for v in versions
            ],
        )
    )


@router.post("/reports/approve", responses=shape(Moved))
async def approve_many(
    subject: Approver, reads: Reads, writes: Writes, facts: ServerFacts, now: Now, body: These
) -> Response:
    """Approve reports of the account's units, or of units below them."""
    desk = Desk(reads, writes, facts, subject, now)
    return answer(await desk.move("approved", body.ids, body.reason))


@router.post("/reports/close", responses=shape(Moved))
async def close_many(
    subject: Closer, reads: Reads, writes: Writes, facts: ServerFacts, now: Now, body: These
) -> Response:
    """Close approved reports: nothing corrects them until they are opened again."""
    desk = Desk(reads, writes, facts, subject, now)
    return answer(await desk.move("closed", body.ids, body.reason))


@router.post("/reports/{report}/approve", responses=shape(ReportItem))
async def approve(
    report: UUID,
    subject: Approver,
    reads: Reads,
    writes: Writes,
    facts: ServerFacts,
    now: Now,
    body: Why | None = None,
) -> Response:
    """Approve a report: from now on it is the unit's own word."""
    desk = Desk(reads, writes, facts, subject, now)
    return answer(await desk.move_one("approved", report, body))


@router.post("/reports/{report}/close", responses=shape(ReportItem))
async def close(
    report: UUID,
    subject: Closer,
    reads: Reads,
    writes: Writes,
    facts: ServerFacts,
    now: Now,
    body: Why | None = None,
) -> Response:
    """Close an approved report."""
    desk = Desk(reads, writes, facts, subject, now)
    return answer(await desk.move_one("closed", report, body))


@router.post("/reports/{report}/reopen", responses=shape(ReportItem))
async def reopen(
    report: UUID,
    subject: Closer,
    reads: Reads,
    writes: Writes,
    facts: ServerFacts,
    now: Now,
    body: Why,
) -> Response:
    """Open an approved or closed report again, with a reason; it is provisional then."""
    if not body.reason.strip():
        raise Invalid('opening a report again needs a reason; send {"reason": "…"}')
    desk = Desk(reads, writes, facts, subject, now)
    return answer(await desk.move_one("reopened", report, body))


def _sees_draft(subject: Subject, row: ReportRow) -> bool:
    return subject.role in CENTRE or row.unit in subject.units


Move = Literal["approved", "closed", "reopened"]

_FROM: dict[Move, tuple[ReportState, ...]] = {
    "approved": ("submitted",),
    "closed": ("approved",),
    "reopened": ("approved", "closed"),
}
_TO: dict[Move, ReportState] = {
    "approved": "approved", "closed": "closed", "reopened": "submitted",
}  # fmt: skip


class Desk:
    """Where one account moves reports on in their life."""

    def __init__(
        self, reads: ReadPool, writes: WritePool, facts: Facts, subject: Subject, now: datetime
    ) -> None:
        """Sit down for one request."""
        self._reads = reads
        self._writes = writes
        self._organisation = facts.city.organisation
        self._subject = subject
        self._now = now

    async def move_one(self, change: Move, report: UUID, why: Why | None) -> ReportItem:
        """Move one report; raises where it may not be moved so."""
        moved = await self._moved(change, [report], why.reason if why else "", _raise)
        return moved.items[0]

    async def move(self, change: Move, ids: Sequence[UUID], reason: str) -> Moved:
        """Move those of several reports that may be moved so, and say which may not."""
        return await self._moved(change, list(dict.fromkeys(ids)), reason, None)

    async def _moved(
        self,
        change: Move,
        ids: Sequence[UUID],
        reason: str,
        refuse: Callable[[NotFound | Conflict | NotPermitted], None] | None,
    ) -> Moved:
        if "\x00" in reason:
            raise Invalid("the reason holds a NUL character; leave it out")
        problems: list[NotMoved] = []
        good: list[ReportRow] = []
        declared = await measures.read(self._reads)
        async with self._writes.connection() as conn:
            found = {row.report_id: row for row in await reports.locked(conn, ids)}
            for report in ids:
                row = found.get(report)
                fault = self._fault(change, report, row)
                if fault is not None:
                    if refuse is not None:
                        refuse(fault)
                    problems.append(NotMoved(str(report), fault.message))
                elif row is not None:
                    good.append(row)
            rows = await reports.move(
                conn, good, change, _TO[change], actor=self._subject.name, reason=reason.strip(),
                now=self._now,
            )  # fmt: skip
        items = [report_item(row, declared.measures, self._organisation) for row in rows]
        return Moved(items, problems)

    def _fault(
        self, change: Move, report: UUID, row: ReportRow | None
    ) -> NotFound | Conflict | NotPermitted | None:
        """Why a report may not be moved so; None where it may."""
        own = row is not None and self._answers_for(row)
        if row is None or (change == "approved" and row.state == "draft" and not own):
            return NotFound(f"there is no report {report}")
        if change == "approved" and not own:
            return NotPermitted(
                f"a report of {row.unit} is approved by an account of that unit or of one above it"
            )
        if row.state not in _FROM[change]:
            needed = " or ".join(_FROM[change])
            return Conflict(f"report {report} is {row.state}; only a {needed} one can be {change}")
        return None

    def _answers_for(self, row: ReportRow) -> bool:
        """Whether the account is of the unit, or of one that was above it in the period."""
        last = row.ends - timedelta(days=1)
        above = [row.unit]
        if self._organisation.find(row.unit, last) is not None:
            above += [version.unit for version in self._organisation.ancestors(row.unit, last)]
        return any(unit in self._subject.units for unit in above)


def _raise(fault: NotFound | Conflict | NotPermitted) -> None:
    raise fault

"""Reports handed in by people for their own units, typed or as a workbook, without a feed's key."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Query, Request, Response

from ingest.report import DecodedReports, decode_reports, decode_rows
from ingest.report_item import FIELDS, ReportRules
from ioc.api.bodies import whole
from ioc.api.deps import Facts, Health, Known, Now, Reads, ServerFacts, Writes, requires
from ioc.api.encode import answer, shape
from ioc.api.receipts import unreadable
from ioc.api.reports import HEADINGS, NEEDED, TABLES
from ioc.auth.policy import Permission, Subject
from ioc.catalogue import has, say
from ioc.documents.tables import Table, open_table
from ioc.documents.workbook import XLSX
from ioc.errors import Conflict, Invalid, NotPermitted
from ioc.flow.report_intake import offers, receipt_of, rules_of
from ioc.model import Feed, Problem, Text
from ioc.store import audit, feeds, measures, reports
from ioc.store.pool import ReadPool, WritePool
from ioc.store.registry import FEEDS, Registry, announce

router = APIRouter(tags=["reports"])

Reporter = Annotated[Subject, Depends(requires(Permission.REPORT_WRITE))]

BY_HAND: Final = "nhap-tay."
"""Begins the id of the feed of what a unit hands in by hand."""

LONGEST_ID: Final = 64

FindUnit = Callable[[str, date], str]


class RefusedReport(msgspec.Struct, frozen=True, kw_only=True):
    """A report that was not taken: where it stands in what was sent, why, and what cures it.

    `cell` is as spreadsheets name it; `sheet` and `cell` are null of what is no table.
    """

    index: int
    sheet: str | None
    row: int | None
    cell: str | None
    field: str | None
    reason: str
    title: Text
    detail: str
    cure: Text


class HandReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the reports: received = stored + duplicate + corrected + quarantined."""

    feed: str
    received: int
    stored: int
    duplicate: int
    corrected: int
    quarantined: int
    refused: list[RefusedReport]


@router.post(
    "/reports",
    responses=shape(HandReceipt, "What became of the body, after the commit"),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "Reports as the door of a feed takes them: JSON, or a table. Numbers "
            "that are texts are written as people here write them, such as 1.803,5.",
            "content": {
                "application/json": {
                    "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Report"}}
                },
                **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in TABLES},
            },
        }
    },
)
async def post_by_hand(
    request: Request,
    subject: Reporter,
    registry: Known,
    reads: Reads,
    writes: Writes,
    facts: ServerFacts,
    health: Health,
    now: Now,
    unit: Annotated[
        str | None, Query(description="one's own unit; the account's first one unless told")
    ] = None,
) -> Response:
    """Take reports of the account's units and those below them; who handed them in is noted."""
    body = await whole(request, cure="send fewer reports at a time")
    of = unit or next(iter(subject.units), "")
    if of not in subject.units:
        own = ", ".join(subject.units)
        raise NotPermitted(
            f"this account hands in for {own} and the units below, not for {of[:64]}"
        )
    feed = await _feed_of(of, subject, registry, reads, writes, facts, now)
    rules = rules_of(feed, await measures.read(reads), facts.city.organisation, now)
    rules = msgspec.structs.replace(rules, find_unit=_own(subject, facts))
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    table, decoded = _read(body, kind, rules)
    merged = await reports.put(
        writes,
        feed.key,
        offers(decoded.figures, feed, now),
        [reports.item_of(feed.key, r.raw, r.problem, now, r.digest) for r in decoded.refused],
        actor=subject.name,
        now=now,
        size=len(body),
    )
    receipt = receipt_of(decoded, merged)
    health.note(feed, receipt, None, now)
    if (refusal := unreadable(request, receipt)) is not None:
        return refusal
    fields = {refused.problem.index: refused.field for refused in decoded.refused}
    return answer(
        HandReceipt(
            feed=feed.id,
            received=receipt.received,
            stored=receipt.stored,
            duplicate=receipt.duplicate,
            corrected=receipt.corrected,
            quarantined=receipt.quarantined,
            refused=[_refused(problem, fields, table) for problem in receipt.problems],
        )
    )


def _read(body: bytes, kind: str, rules: ReportRules) -> tuple[Table | None, DecodedReports]:
    if kind not in TABLES:
        return None, decode_reports(body, rules)
    table = open_table(body, kind, FIELDS, needed=NEEDED, aliases=HEADINGS)
    return table, decode_rows(table.rows, rules, plain=kind == XLSX)


def _own(subject: Subject, facts: Facts) -> FindUnit:
    """Finds the units that an account may hand in for, as they were on a day."""
    organisation = facts.city.organisation

    def find(text: str, on: date) -> str:
        unit = organisation.resolve(text, on)
        above = [version.unit for version in organisation.ancestors(unit, on)]
        if not any(own in subject.units for own in (unit, *above)):
            raise Invalid(
                f"{unit} is none of the units of this account ({', '.join(subject.units)}) and "
                "none below them"
            )
        return unit

    return find


async def _feed_of(
    unit: str,
    subject: Subject,
    registry: Registry,
    reads: ReadPool,
    writes: WritePool,
    facts: Facts,
    now: datetime,
) -> Feed:
    """The feed of what a unit hands in by hand; it is made the first time."""
    id = f"{BY_HAND}{unit}"[:LONGEST_ID]
    if id not in registry.feed_by_id:
        await _make(id, unit, subject, writes, facts, now)
        await registry.load_feeds(reads)
    found = registry.feed_by_id.get(id)
    if found is None or found.agency != unit:
        raise Conflict(f"feed `{id}` is not one of {unit} any more; ask the centre to free it")
    return found


async def _make(
    id: str, unit: str, subject: Subject, writes: WritePool, facts: Facts, now: datetime
) -> None:
    async with writes.connection() as conn:
        agency, _ = await feeds.agency_key(conn, unit, now)
        try:
            await feeds.add(
                conn, id=id, agency=agency, name=say("report.by_hand", "vi"), domain="service",
                format="ioc", auto_series=False, late_limit=None, time_zone=facts.zone,
                number_format="vietnamese", by=subject.name, now=now,
            )  # fmt: skip
        except Conflict:
            return  # Somebody else of the unit has made it a moment before, or it is retired.
        await audit.record(
            conn, now=now, actor=subject.name, source="rest", action="feed.add", subject=id
        )
        await announce(conn, FEEDS)


def _refused(
    problem: Problem, fields: Mapping[int, str | None], table: Table | None
) -> RefusedReport:
    field, index, reason = fields.get(problem.index), problem.index, problem.reason.value
    own = f"report_cure.{field}"
    placed = table is not None and 0 <= index < len(table.rows)
    return RefusedReport(
        index=index,
        sheet=table.sheet if table else None,
        row=table.rows[index][0] if table and placed else None,
        cell=table.cell(index, field or "measure") if table else None,
        field=field,
        reason=reason,
        title=_text(f"reason.{reason}"),
        detail=problem.detail,
        cure=_text(own if has(own) else f"cure.{reason}"),
    )


def _text(key: str) -> Text:
    return Text(vi=say(key, "vi"), en=say(key, "en"))

"""Reports in: JSON item by item, or the rows of a spreadsheet; each figure keeps its history."""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Request, Response

from ingest.report import DecodedReports, decode_reports, decode_rows
from ingest.report_item import FIELDS, Figure, MeasureFacts, ReportRules
from ioc.api.bodies import whole
from ioc.api.deps import Facts, Health, Now, Reads, ServerFacts, Writes, feed_for
from ioc.api.encode import shape
from ioc.api.receipts import receipt_answer
from ioc.auth.policy import Permission
from ioc.documents.tables import CSV, read_table
from ioc.documents.workbook import XLSX
from ioc.ids import uuid7
from ioc.kpi.cycle import Cycle
from ioc.kpi.reported import PRINTED_DISAGREES, agrees
from ioc.model import Feed, Receipt
from ioc.store import measures, reports
from ioc.store.flush import MOST_PROBLEMS
from ioc.store.measures import Declared
from ioc.store.report_rows import Merged, Offered, ReportRow

router = APIRouter(tags=["reports"])

WritableFeed = Annotated[Feed, Depends(feed_for(Permission.FEED_WRITE))]

TABLES: Final = (CSV, XLSX)

NEEDED: Final = ("measure", "unit", "period", "document")
"""Columns that every table of reports has."""

HEADINGS: Final = {
    "Mã đại lượng": "measure", "Đại lượng": "measure", "Mã đơn vị": "unit", "Đơn vị": "unit",
    "Kỳ báo cáo": "period", "Giá trị": "value", "Đơn vị tính": "uom", "Quan hệ": "bound",
    "Giá trị công bố": "printed_value", "Số chữ số thập phân": "decimals", "Tử số": "numerator",
    "Mẫu số": "denominator", "Xếp hạng": "rank", "Trên tổng số": "of", "Tăng hạng": "movement",
    "Không phát sinh": "nothing_occurred", "Văn bản": "document", "Trạng thái": "state",
    "Lý do": "reason", "Thời điểm sửa": "changed_at",
}  # fmt: skip
"""Vietnamese headings of the columns of a spreadsheet."""


@router.post(
    "/feeds/{feed}/reports",
    responses=shape(Receipt, "What became of the body, after the commit"),
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "A JSON array of reports, or a table with their fields as columns; "
            "unknown fields are refused by name.",
            "content": {
                "application/json": {
                    "schema": {"type": "array", "items": {"$ref": "#/components/schemas/Report"}}
                },
                **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in TABLES},
            },
        }
    },
)
async def post_reports(
    request: Request,
    feed: WritableFeed,
    reads: Reads,
    writes: Writes,
    facts: ServerFacts,
    health: Health,
    now: Now,
) -> Response:
    """Take reports; a correction is sent again for the same measure, unit and period."""
    body = await whole(request, cure="send fewer reports at a time")
    declared = await measures.read(reads)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    decoded = read(body, kind, feed, declared, facts, now)
    merged = await reports.put(
        writes,
        feed.key,
        offers(decoded.figures, feed, now),
        [
            reports.item_of(feed.key, item.raw, item.problem, now, item.digest)
            for item in decoded.refused
        ],
        actor=f"feed:{feed.id}",
        now=now,
        size=len(body),
    )
    receipt = receipt_of(decoded, merged)
    health.note(feed, receipt, None, now)
    return receipt_answer(request, receipt)


def read(
    body: bytes, kind: str, feed: Feed, declared: Declared, facts: Facts, now: datetime
) -> DecodedReports:
    """The reports of a body; units are found as they were on the last day of each period."""
    rules = rules_of(feed, declared, facts, now)
    if kind not in TABLES:
        return decode_reports(body, rules)
    rows = read_table(body, kind, FIELDS, needed=NEEDED, aliases=HEADINGS)
    return decode_rows(rows, rules, plain=kind == XLSX)


def rules_of(feed: Feed, declared: Declared, facts: Facts, now: datetime) -> ReportRules:
    """What the reports of a feed are checked against; units as they were when a period ended."""
    return ReportRules(
        measures={
            measure.id: MeasureFacts(
                uom=measure.uom,
                kind=measure.kind,
                is_share=measure.is_share,
                decimals=measure.decimals,
                maximum=measure.maximum,
                period=_reader(declared.cycle_of(measure)),
            )
            for measure in declared.measures.values()
        },
        find_unit=facts.city.organisation.resolve,
        zone=ZoneInfo(feed.time_zone),
        now=now,
        number_format=feed.number_format,
    )


def _reader(cycle: Cycle) -> Callable[[str], tuple[str, date, date]]:
    """Reads the periods of a cycle."""

    def read_period(text: str) -> tuple[str, date, date]:
        period = cycle.period(text)
        return period.text, period.start, period.end

    return read_period


def offers(
    figures: Iterable[tuple[int, Figure, bytes]], feed: Feed, now: datetime
) -> list[Offered]:
    """The reports as they are stored, with what is odd about each."""
    return [
        Offered(index, _row(figure, feed, now), raw, figure.reason)
        for index, figure, raw in figures
    ]


def receipt_of(decoded: DecodedReports, merged: Merged) -> Receipt:
    """What became of the reports of a body."""
    problems = [refused.problem for refused in decoded.refused]
    problems += [problem for _, problem in merged.refused]
    return Receipt(
        received=decoded.received,
        stored=merged.stored,
        corrected=merged.corrected,
        duplicate=merged.duplicate,
        quarantined=len(problems),
        problems=sorted(problems, key=lambda problem: problem.index)[:MOST_PROBLEMS],
    )


def _row(figure: Figure, feed: Feed, now: datetime) -> ReportRow:
    return ReportRow(
        report_id=uuid7(now),
        feed=feed.id,
        measure=figure.measure,
        unit=figure.unit,
        period_text=figure.period,
        starts=figure.start,
        ends=figure.end,
        version=1,
        state=figure.state,
        value=figure.value,
        bound=figure.bound,
        printed_value=figure.printed_value,
        printed_decimals=figure.printed_decimals,
        numerator=figure.numerator,
        denominator=figure.denominator,
        rank=figure.rank,
        of=figure.of,
        movement=figure.movement,
        nothing_occurred=figure.nothing_occurred,
        document=figure.document,
        flags=_flags(figure),
        changed_at=figure.changed_at,
        submitted_at=None,
        stored_at=now,
    )


def _flags(figure: Figure) -> list[str]:
    printed, decimals = figure.printed_value, figure.printed_decimals
    if printed is None or decimals is None:
        return []
    same = agrees(printed, figure.numerator, figure.denominator, decimals, figure.bound)
    return [] if same else [PRINTED_DISAGREES]

"""Reports in: JSON item by item, or the rows of a spreadsheet; each figure keeps its history."""

from datetime import datetime
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request, Response

from ingest.report import DecodedReports, decode_reports, decode_rows
from ingest.report_item import FIELDS
from ioc.api.bodies import whole
from ioc.api.deps import Facts, Health, Now, Reads, ServerFacts, Writes, feed_for
from ioc.api.encode import shape
from ioc.api.receipts import receipt_answer
from ioc.auth.policy import Permission
from ioc.documents.tables import CSV, read_table
from ioc.documents.workbook import XLSX
from ioc.flow.report_intake import offers, receipt_of, rules_of
from ioc.model import Feed, Receipt
from ioc.store import measures, reports
from ioc.store.measures import Declared

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
    rules = rules_of(feed, declared, facts.city.organisation, now)
    if kind not in TABLES:
        return decode_reports(body, rules)
    rows = read_table(body, kind, FIELDS, needed=NEEDED, aliases=HEADINGS)
    return decode_rows(rows, rules, plain=kind == XLSX)

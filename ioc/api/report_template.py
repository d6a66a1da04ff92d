"""Workbook in which an office fills in its report, and which the door of reports takes back."""

from collections.abc import Mapping
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from ingest.report_item import FIELDS
from ioc.api.deps import Now, Reads, ServerFacts, requires
from ioc.api.reports import HEADINGS
from ioc.auth.policy import Permission, Subject
from ioc.documents.workbook import XLSX, Cell, Sheet, write_workbook
from ioc.errors import NotFound
from ioc.kpi.period import Period
from ioc.kpi.reported import ReportedMeasure
from ioc.store import measures, reports
from ioc.store.report_rows import ReportRow

router = APIRouter(tags=["reports"])

Reader = Annotated[Subject, Depends(requires(Permission.CITY_READ))]

HEADING_OF: Final[Mapping[str, str]] = {
    name: next(heading for heading, field in HEADINGS.items() if field == name) for name in FIELDS
}

CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    HEADING_OF["bound"]: ("=", ">=", "<=", "~"),
    HEADING_OF["nothing_occurred"]: ("x",),
    HEADING_OF["state"]: ("draft", "submitted"),
}


@router.get(
    "/reports/template.xlsx",
    response_class=Response,
    responses={
        200: {
            "description": "The workbook",
            "content": {XLSX: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def get_template(
    _: Reader,
    reads: Reads,
    facts: ServerFacts,
    now: Now,
    group: str | None = None,
    unit: str | None = None,
    period: str | None = None,
) -> Response:
    """The measures of a group (else of all) as rows to be filled in, with what is there already."""
    declared = await measures.read(reads)
    wanted = declared.group(group) if group is not None else list(declared.measures.values())
    if not wanted:
        known = sorted({m.group for m in declared.measures.values() if m.group is not None})
        raise NotFound(f"no measure is of group {(group or '')[:64]}; there are {', '.join(known)}")
    today = now.date()
    of = unit or facts.identity.province or ""
    facts.city.organisation.versions(of)
    rows: list[list[Cell]] = []
    for measure in wanted:
        cycle = declared.cycle_of(measure)
        if period is not None:
            days = cycle.period(period)
        else:
            days = cycle.previous(cycle.of(today)) if cycle.length not in OWN_DAYS else None
        found = await reports.reported(reads, [measure.id], of, days) if days else {}
        rows.append(_row(measure, of, days, found.get(measure.id)))
    listed: list[list[Cell]] = [
        [m.id, m.name.vi, m.name.en, m.uom, declared.cycle_of(m).name.vi, m.legal_reference]
        for m in wanted
    ]
    body = write_workbook(
        [
            Sheet("Báo cáo", [HEADING_OF[name] for name in FIELDS], rows, choices=CHOICES),
            Sheet("Danh mục", LISTED, listed),
        ]
    )
    name = f"bao-cao-{group or 'tat-ca'}-{of}.xlsx"
    return Response(
        body, media_type=XLSX, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


OWN_DAYS: Final = ("any", "listed")
LISTED: Final = (
    "Mã đại lượng", "Tên", "Tên tiếng Anh", "Đơn vị tính", "Chu kỳ", "Căn cứ",
)  # fmt: skip


def _row(
    measure: ReportedMeasure, unit: str, period: Period | None, report: ReportRow | None
) -> list[Cell]:
    """A row to be filled in; what was handed in stands there, so that it can be corrected."""
    cells: dict[str, Cell] = {
        "measure": measure.id,
        "unit": unit,
        "period": None if period is None else period.text,
        "uom": measure.uom,
    }
    if report is not None:
        for name in ("value", "bound", "numerator", "denominator", "rank", "of", "movement"):
            cells[name] = getattr(report, name)
        cells |= {
            "printed_value": report.printed_value,
            "decimals": report.printed_decimals,
            "nothing_occurred": "x" if report.nothing_occurred else None,
            "document": report.document,
        }
    return [cells.get(name) for name in FIELDS]

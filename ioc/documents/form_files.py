"""Forms as files: a workbook with a sheet per section, or one CSV with the same numbers."""

import csv
import io
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Border, Font, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from ioc.documents.forms import FIRST, Computed, Kind, Line, Table, Value
from ioc.documents.workbook import MARKS_OF_FORMULAS, MOST_TITLE, put_cell

BYTE_ORDER_MARK: Final = "\ufeff"
"""Tells spreadsheets that a CSV is UTF-8."""

WIDTHS: Final = (6.0, 42.0, 12.0)
"""Of the number, of the name, and of every counted column."""

ACROSS: Final[frozenset[Kind]] = frozenset({"head", "mark", "title", "note"})
"""Lines whose text runs over the whole width."""

BOLD: Final[frozenset[Kind]] = frozenset({"mark", "title", "headings", "group", "whole"})

CENTRED: Final[frozenset[Kind]] = frozenset({"title", "headings", "numbers"})

FORMATS: Final[Mapping[Kind, str]] = {
    "row": "#,##0", "group": "#,##0", "whole": "#,##0", "share": "0.0",
}  # fmt: skip

_LINE: Final = Side(style="thin")
BOX: Final = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)


def workbook_of(tables: Sequence[Table]) -> bytes:
    """An XLSX file with a sheet per table, whose sums and shares are formulas."""
    book = Workbook()
    first = book.active
    if first is not None:
        book.remove(first)
    for table in tables:
        _write(book.create_sheet(table.title[:MOST_TITLE]), table)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def csv_of(tables: Sequence[Table]) -> bytes:
    """The tables one below the other, with an empty line between, and numbers for formulas."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for place, table in enumerate(tables):
        if place:
            writer.writerow([])
        writer.writerows([_plain(value) for value in line.cells] for line in table.lines)
    return (BYTE_ORDER_MARK + out.getvalue()).encode()


def _plain(value: Value) -> str | int | float | None:
    if isinstance(value, Computed):
        shown = value.value
        return round(shown, 4) if isinstance(shown, float) else shown
    if isinstance(value, str) and value.startswith(MARKS_OF_FORMULAS):
        return f"'{value}"
    return value


def _write(sheet: Worksheet, table: Table) -> None:
    for number, line in enumerate(table.lines, start=1):
        for place, value in enumerate(line.cells, start=1):
            shown = value.formula if isinstance(value, Computed) else value
            cell = put_cell(sheet, number, place, shown, FORMATS.get(line.kind))
            cell.font = Font(bold=line.kind in BOLD, italic=line.kind in ("share", "note"))
            cell.alignment = Alignment(
                wrap_text=True,
                vertical="center",
                horizontal="center" if line.kind in CENTRED else None,
            )
            if line.kind not in ACROSS:
                cell.border = BOX
        if line.kind in ACROSS:
            sheet.merge_cells(
                start_row=number, end_row=number, start_column=1, end_column=table.columns
            )
    _merge_headings(sheet, table)
    for place in range(1, table.columns + 1):
        width = WIDTHS[min(place, len(WIDTHS)) - 1]
        sheet.column_dimensions[get_column_letter(place)].width = width
    numbers = next(n for n, line in enumerate(table.lines, start=1) if line.kind == "numbers")
    sheet.freeze_panes = f"{get_column_letter(FIRST)}{numbers + 1}"
    sheet.print_title_rows = f"{numbers - 2}:{numbers}"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)


def _merge_headings(sheet: Worksheet, table: Table) -> None:
    """Join equal headings of the upper line, and those of number and name with the lower one."""
    upper = next(n for n, line in enumerate(table.lines, start=1) if line.kind == "headings")
    for place in range(1, FIRST):
        sheet.merge_cells(start_row=upper, end_row=upper + 1, start_column=place, end_column=place)
    places = range(FIRST, table.columns + 1)
    for _, same in groupby(places, key=lambda place: _heading(table.lines[upper - 1], place)):
        joined = list(same)
        sheet.merge_cells(
            start_row=upper, end_row=upper, start_column=joined[0], end_column=joined[-1]
        )


def _heading(line: Line, place: int) -> Value:
    return line.cells[place - 1]

"""Workbooks out: sheets with a bold heading, fitting columns, choices, and formulas as given."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from openpyxl import Workbook
from openpyxl.cell.cell import Cell as OneCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

Cell = str | int | float | bool | date | None

MOST_TITLE: Final = 31
"""Characters that spreadsheets allow in the title of a sheet."""

LAST_ROW: Final = 10_000
"""Down to it the choices of a column are offered."""

WIDEST: Final = 60
NARROWEST: Final = 8

MARKS_OF_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")
"""A text that begins so is taken for a formula by spreadsheets."""


class Formula(str):
    """A formula that the program itself wrote, such as `=SUM(B2:B9)`."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: a title, the heading row and the rows below it.

    `choices` are the values that a column may have, by heading, and `formats` its number format.
    """

    title: str
    headings: Sequence[str]
    rows: Iterable[Sequence[Cell]] = ()
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    formats: Mapping[str, str] = field(default_factory=dict[str, str])


def write_workbook(sheets: Sequence[Sheet]) -> bytes:
    """The bytes of an XLSX file with these sheets.

    Texts that look like formulas are written as texts: what an agency sent never runs in a
    spreadsheet. Only a `Formula` is one.
    """
    book = Workbook()
    first = book.active
    if first is not None:
        book.remove(first)
    for sheet in sheets:
        _write(book.create_sheet(sheet.title[:MOST_TITLE]), sheet)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _write(made: Worksheet, sheet: Sheet) -> None:
    made.freeze_panes = "A2"
    widths = [len(heading) + 2 for heading in sheet.headings]
    formats = [sheet.formats.get(heading) for heading in sheet.headings]
    for row, values in enumerate([sheet.headings, *sheet.rows], start=1):
        for place, value in enumerate(values):
            put_cell(made, row, place + 1, value, formats[place] if row > 1 else None)
            if row > 1:
                widths[place] = max(widths[place], len("" if value is None else str(value)))
    for place, heading in enumerate(sheet.headings):
        made.cell(1, place + 1).font = Font(bold=True)
        made.cell(1, place + 1).alignment = Alignment(wrap_text=True, vertical="top")
        width = min(max(NARROWEST, widths[place]), WIDEST)
        made.column_dimensions[get_column_letter(place + 1)].width = width
        if heading in sheet.choices:
            made.add_data_validation(_choice(sheet.choices[heading], place))


def put_cell(
    made: Worksheet, row: int, column: int, value: Cell, number_format: str | None = None
) -> OneCell:
    """Set a cell that is not merged; only a `Formula` is taken for one."""
    cell = made.cell(row, column)
    assert isinstance(cell, OneCell), "nothing is merged here"
    cell.value = str(value) if isinstance(value, Formula) else value
    if isinstance(value, str) and not isinstance(value, Formula):
        cell.data_type = "s"
        cell.quotePrefix = value.startswith(MARKS_OF_FORMULAS)
    if number_format is not None:
        cell.number_format = number_format
    return cell


def _choice(values: Sequence[str], place: int) -> DataValidation:
    letter = get_column_letter(place + 1)
    listed = ",".join(values)
    return DataValidation(
        type="list",
        formula1=f'"{listed}"',
        allow_blank=True,
        sqref=f"{letter}2:{letter}{LAST_ROW}",
    )

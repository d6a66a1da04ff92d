"""Tables that people fill in, CSV or XLSX, read into rows of texts by column."""

import csv
import io
import unicodedata
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter

from ioc.documents.workbook import XLSX
from ioc.errors import Invalid, TooLarge

CSV: Final = "text/csv"

MOST_ROWS: Final = 200_000
MOST_COLUMNS: Final = 200
MOST_UNPACKED: Final = 256 * 1024 * 1024
"""Bytes that a workbook may unpack to; it is a ZIP file, and one of 1 MB can hold a gigabyte."""

ZIP: Final = b"PK\x03\x04"

_UNREADABLE: Final = "the file is no readable XLSX workbook; open it and save it again, or send CSV"
_DAMAGED: Final = "a sheet of the workbook is damaged; save it again, or send CSV"

Row = tuple[int, dict[str, str]]
"""Where a row stands in the file, the first line being 1, and its texts by column."""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows below the heading, and where they stand; `sheet` is None of a CSV."""

    sheet: str | None
    heading: list[str]
    rows: list[Row]

    def cell(self, index: int, column: str | None) -> str | None:
        """The place of a row's text as spreadsheets name it, such as D7; None where it has none."""
        if column not in self.heading or not 0 <= index < len(self.rows):
            return None
        return f"{get_column_letter(self.heading.index(column) + 1)}{self.rows[index][0]}"


def read_table(
    body: bytes,
    content_type: str,
    columns: Sequence[str],
    *,
    needed: Iterable[str] = (),
    aliases: Mapping[str, str] | None = None,
) -> list[Row]:
    """The rows of a table below its heading, without those that are empty."""
    return open_table(body, content_type, columns, needed=needed, aliases=aliases).rows


def open_table(
    body: bytes,
    content_type: str,
    columns: Sequence[str],
    *,
    needed: Iterable[str] = (),
    aliases: Mapping[str, str] | None = None,
) -> Table:
    """A table, of a workbook its first sheet.

    `columns` are the names that a heading may have, `needed` those that must be there; `aliases`
    names columns as people write them. Case, marks and the spaces around do not matter. A cell
    that is missing is an empty text; numbers are plain (1803.5) and days ISO 8601.

    Raises `Invalid` that names row and column and the cure.
    """
    is_book = body[:4] == ZIP or _is(content_type, XLSX)
    sheet, lines = _workbook(body) if is_book else (None, _csv(body))
    heading: list[str] | None = None
    rows: list[Row] = []
    for number, cells in lines:
        if not any(cells):
            continue
        if heading is None:
            heading = _heading(cells, number, columns, set(needed), aliases or {})
            continue
        if any(cells[len(heading) :]):
            raise Invalid(
                f"row {number} has {len(cells)} cells, but the heading has {len(heading)}; "
                "a text that holds the separator must stand in quotation marks",
                row=number,
            )
        if len(rows) == MOST_ROWS:
            raise TooLarge(f"the table has more than {MOST_ROWS} rows; send it in parts")
        found = dict(zip(heading, cells, strict=False))
        rows.append((number, {column: found.get(column, "") for column in columns}))
    if heading is None:
        raise Invalid(f"the table is empty; its first row names the columns: {', '.join(columns)}")
    return Table(sheet, heading, rows)


def plain(name: str) -> str:
    """A heading as it is compared: without case, marks, and with single spaces."""
    spelled = unicodedata.normalize("NFD", name.casefold().replace("đ", "d"))
    letters = "".join(c for c in spelled if not unicodedata.combining(c))
    return " ".join(letters.replace("_", " ").split())


def _is(content_type: str, wanted: str) -> bool:
    return content_type.partition(";")[0].strip().lower() == wanted


def _heading(
    cells: Sequence[str],
    number: int,
    columns: Sequence[str],
    needed: set[str],
    aliases: Mapping[str, str],
) -> list[str]:
    known = {plain(alias): column for alias, column in aliases.items()}
    known |= {plain(column): column for column in columns}
    while cells and not cells[-1]:
        cells = cells[:-1]
    found: list[str] = []
    for place, cell in enumerate(cells, start=1):
        column = known.get(plain(cell))
        if column is None:
            raise Invalid(
                f"row {number}, column {place}: {cell[:60]!r} is no column of this table; "
                f"use {', '.join(columns)}",
                row=number,
            )
        if column in found:
            raise Invalid(f"row {number}: the column `{column}` stands there twice", row=number)
        found.append(column)
    if missing := sorted(needed - set(found)):
        raise Invalid(f"row {number}: the columns {', '.join(missing)} are missing", row=number)
    return found


def _csv(body: bytes) -> Iterator[tuple[int, list[str]]]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = body.count(b"\n", 0, fault.start) + 1
        raise Invalid(
            f"line {line} is not UTF-8; save the file as “CSV UTF-8”, or as XLSX", row=line
        ) from fault
    if "\x00" in text:
        raise Invalid("the file holds NUL characters; save it as “CSV UTF-8”, or as XLSX")
    first = text.lstrip().partition("\n")[0]
    separator = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, [_text(cell) for cell in cells[:MOST_COLUMNS]]
            line = reader.line_num + 1
    except csv.Error as fault:
        raise Invalid(
            f"line {line} cannot be read ({fault}); a quotation mark within a text is doubled",
            row=line,
        ) from fault


def _workbook(body: bytes) -> tuple[str, Iterator[tuple[int, list[str]]]]:
    """The name and the rows of the first sheet."""
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
    except zipfile.BadZipFile as fault:
        raise Invalid(_UNREADABLE) from fault
    if unpacked > MOST_UNPACKED:
        raise TooLarge(
            f"the workbook unpacks to {unpacked >> 20} MB of at most {MOST_UNPACKED >> 20}; "
            "send it as CSV, or in parts"
        )
    try:
        book = load_workbook(io.BytesIO(body), read_only=True, data_only=True, keep_links=False)
    except Exception as fault:  # the package raises whatever the broken part happens to cause
        raise Invalid(_UNREADABLE) from fault
    if not book.worksheets:
        raise Invalid(_DAMAGED)
    return book.worksheets[0].title, _lines(book)


def _lines(book: Workbook) -> Iterator[tuple[int, list[str]]]:
    """The rows of the first sheet, with what formulas gave when the file was saved."""
    sheet = book.worksheets[0]
    try:
        for number, cells in enumerate(
            sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS), start=1
        ):
            yield number, [_cell(cell, number, place) for place, cell in enumerate(cells, start=1)]
    except (KeyError, IndexError, ValueError, zipfile.BadZipFile) as fault:
        raise Invalid(_DAMAGED) from fault
    finally:
        book.close()


def _cell(value: Any, row: int, column: int) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else repr(value)
        case datetime():
            midnight = (value.hour, value.minute, value.second) == (0, 0, 0)
            return value.date().isoformat() if midnight else value.isoformat(sep="T")
        case date():
            return value.isoformat()
        case str() if value.startswith("#") and value.rstrip("!?").isupper():
            raise Invalid(
                f"row {row}, column {column} holds the error {value}; correct its formula", row=row
            )
        case _:
            return _text(str(value))


def _text(cell: str) -> str:
    return unicodedata.normalize("NFC", cell).strip()

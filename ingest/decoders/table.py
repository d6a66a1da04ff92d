"""CSV as lines that are read one by one, so that a broken one costs nothing but itself."""

import csv
import re
from typing import Final, NamedTuple

from ingest.payload import Scalar

_DELIMITERS: Final = ",;\t|"

_OPEN_QUOTE: Final = (
    "a quote opens or closes amid a cell; write each line without line breaks in its cells, and a "
    'quote as "" within a cell in quotes'
)
_MORE_CELLS: Final = (
    "the line has more cells than the header; put cells that hold the delimiter in quotes, or "
    "separate cells by ; where numbers are written 12,4"
)

_CELL: Final = r' *+"(?:[^"]|"")*+"|[^"{}]*+'
_QUOTED: Final = {
    mark: re.compile("(?:{0})(?:[{1}](?:{0}))*+".format(_CELL.format(mark), mark))
    for mark in _DELIMITERS
}
"""Lines in which quotes stand around whole cells only (RFC 4180), by their delimiter.

A text with a line break is cut at it, and its pieces would be read as rows of their own.
"""


class Table(NamedTuple):
    """The names of the columns, and the lines below them; the header also as it was."""

    header: list[str]
    head: bytes
    lines: list[bytes]
    delimiter: str


def read_table(body: bytes) -> Table:
    """Split a table; raises `csv.Error` or `UnicodeDecodeError` where the header is no CSV.

    The delimiter is the one that the header uses most: spreadsheets set to Vietnamese write `;`.
    """
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) == 1:
        # Files of old programs end their lines with a carriage return alone.
        lines = [line for line in lines[0].split(b"\r") if line.strip()]
    if not lines:
        return Table([], b"", [], ",")
    head = lines[0].rstrip(b"\r")
    delimiter = max(_DELIMITERS, key=lambda mark: head.count(mark.encode()))
    header = [name.strip() for name in read_cells(head, delimiter)]
    return Table(header, head, [line.rstrip(b"\r") for line in lines[1:]], delimiter)


def read_cells(line: bytes, delimiter: str) -> list[str]:
    """The cells of one line; raises `csv.Error` or `UnicodeDecodeError`."""
    text = line.decode().strip("\r")
    if '"' in text and _QUOTED[delimiter].fullmatch(text) is None:
        raise csv.Error(_OPEN_QUOTE)
    reader = csv.reader([text], delimiter=delimiter, strict=True, skipinitialspace=True)
    return next(reader, list[str]())


def read_row(line: bytes, table: Table) -> list[str]:
    """The cells of a line below the header; raises as `read_cells` does, and for cells too many."""
    cells = read_cells(line, table.delimiter)
    if any(cell.strip() for cell in cells[len(table.header) :]):
        raise csv.Error(_MORE_CELLS)
    return cells


def read_cell(written: str, *, plain_numbers: bool) -> Scalar:
    """What a cell says: true, false, a number such as 1803.5, else a text."""
    truth = {"true": True, "false": False}.get(written.lower())
    if truth is not None:
        return truth
    if not plain_numbers or "_" in written:
        return written
    try:
        return float(written)
    except ValueError:
        return written

"""CSV as lines that are read one by one, so that a broken one costs nothing but itself."""

import csv
from typing import Final, NamedTuple

from ingest.payload import Scalar

_DELIMITERS: Final = ",;\t|"


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
    reader = csv.reader([line.decode().strip("\r")], delimiter=delimiter, strict=True)
    return next(reader, list[str]())


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

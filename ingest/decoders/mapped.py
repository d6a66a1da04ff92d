"""Format `mapped`: any JSON or table that an agency already sends, by the feed's own mapping."""

import csv
from collections.abc import Callable, Iterator
from typing import Final

from ingest.decoders.documents import NOT_UTF8, as_list, as_object, read_documents
from ingest.decoders.reading import ROW, Reading
from ingest.decoders.table import Table, read_row, read_table
from ingest.expression import Exhausted
from ingest.mapping import Compiled
from ingest.payload import Decoded, Setting, nothing
from ioc.errors import Invalid
from ioc.model import Reason

__all__ = ["ROW", "decode", "decode_row", "decode_table"]

MOST_DEPTH: Final = 100
"""Lists and objects within one another; what agencies send has a tenth of it."""

_TOO_DEEP: Final = (
    f"the JSON is nested more than {MOST_DEPTH} levels deep; send the values without the lists and "
    "objects around them"
)
_TOO_MUCH: Final = (
    "the mapping takes too many steps on this payload; name what is needed directly, without "
    "searching whole lists for it, or send fewer rows at a time"
)


def decode(body: bytes, setting: Setting, mapping: Compiled) -> Decoded:
    """Read the rows that the mapping finds in each document."""
    return _bounded(_documents, body, setting, mapping)


def decode_row(body: bytes, setting: Setting, mapping: Compiled) -> Decoded:
    """Read one row as the quarantine keeps it."""
    return _bounded(_kept_row, body, setting, mapping)


def decode_table(body: bytes, setting: Setting, mapping: Compiled) -> Decoded:
    """Read a table: each line is a row, an object of cells by the name of the column."""
    try:
        return _bounded(_table, body, setting, mapping)
    except UnicodeDecodeError:
        return nothing(Reason.ENCODING_INVALID, NOT_UTF8, body)
    except csv.Error as error:
        return nothing(Reason.SHAPE_INVALID, f"not valid CSV: {error}", body)


def _bounded(
    read: Callable[[bytes, Reading], None], body: bytes, setting: Setting, mapping: Compiled
) -> Decoded:
    reading = Reading(len(body), setting, mapping)
    try:
        read(body, reading)
    except Exhausted:
        return nothing(Reason.MAPPING_INVALID, _TOO_MUCH, body)
    return reading.rows.done()


def _documents(body: bytes, reading: Reading) -> None:
    rows, lines = reading.rows, reading.setting.lines
    for document in read_documents(body, rows, lines=lines):
        at = rows.next if lines else -1
        if _is_deep(document.content):
            rows.refuse(at, Reason.JSON_INVALID, _TOO_DEEP, document.raw)
            continue
        reading.begin(document.content)
        try:
            found = reading.items()
        except Invalid as error:
            rows.refuse(at, Reason.MAPPING_INVALID, f"`items`: {error}", document.raw)
            continue
        if found is None:
            detail = "`items` of the mapping finds no rows in the payload; try it on a sample"
            rows.refuse(at, Reason.SHAPE_INVALID, detail, document.raw)
            continue
        for content in found:
            reading.row(content)


def _kept_row(body: bytes, reading: Reading) -> None:
    for document in read_documents(body, reading.rows, lines=False):
        if _is_deep(document.content):
            reading.rows.refuse(-1, Reason.JSON_INVALID, _TOO_DEEP, document.raw)
            continue
        kept = as_object(document.content) or {}
        reading.begin(kept.get("root"))
        reading.row(kept.get("row"))


def _table(body: bytes, reading: Reading) -> None:
    table = read_table(body)
    for line in table.lines:
        try:
            cells = read_row(line, table)
        except UnicodeDecodeError:
            _refuse_line(reading, table, line, Reason.ENCODING_INVALID, NOT_UTF8)
            continue
        except csv.Error as error:
            _refuse_line(reading, table, line, Reason.SHAPE_INVALID, f"not valid CSV: {error}")
            continue
        row = {name: cell.strip() or None for name, cell in zip(table.header, cells, strict=False)}
        reading.row(row, cells=True)


def _refuse_line(reading: Reading, table: Table, line: bytes, reason: Reason, detail: str) -> None:
    rows, raw = reading.rows, table.head + b"\n" + line
    reading.keep(len(raw))
    rows.refuse(rows.next, reason, detail, raw, kind="text/csv")


def _is_deep(content: object) -> bool:
    """Whether lists and objects lie deeper within one another than is taken."""
    level = [content]
    for _ in range(MOST_DEPTH):
        level = [inner for outer in level for inner in _parts(outer) if _is_outer(inner)]
        if not level:
            return False
    return True


def _is_outer(value: object) -> bool:
    return isinstance(value, dict | list)


def _parts(value: object) -> Iterator[object]:
    given = as_object(value)
    return iter(given.values() if given is not None else as_list(value) or ())

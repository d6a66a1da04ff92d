"""Format `mapped`: any JSON or table that an agency already sends, by the feed's own mapping."""

import csv
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from ingest.decoders.documents import NOT_UTF8, as_list, as_object, encode, read_documents
from ingest.decoders.table import read_cell, read_cells, read_table
from ingest.mapping import Compiled, Expression
from ingest.payload import Decoded, Place, Scalar, Setting, nothing, point
from ingest.rows import Rows, as_number, from_seconds, read_time
from ioc.errors import Invalid
from ioc.model import Reason

ROW: Final = "application/vnd.ioc.row+json"
"""One row of a mapped payload with what stood around it: `{"row": …, "root": …}`."""

_MOST_NAME: Final = 200


class _Row(NamedTuple):
    content: object
    root: object
    outline: object


class _Wrong(Exception):
    """A row that cannot be taken, and why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def decode(body: bytes, setting: Setting, mapping: Compiled) -> Decoded:
    """Read the rows that the mapping finds in each document."""
    rows = Rows(setting.zone)
    for document in read_documents(body, rows, lines=setting.lines):
        at = rows.next if setting.lines else -1
        try:
            found = _find(document.content, mapping.items)
        except Invalid as error:
            rows.refuse(at, Reason.MAPPING_INVALID, f"`items`: {error}", document.raw)
            continue
        if found is None:
            detail = "`items` of the mapping finds no rows in the payload; try it on a sample"
            rows.refuse(at, Reason.SHAPE_INVALID, detail, document.raw)
            continue
        outline = _outline(document.content) if as_object(document.content) else None
        for content in found:
            _row(rows, _Row(content, document.content, outline), mapping, setting)
    return rows.done()


def decode_row(body: bytes, setting: Setting, mapping: Compiled) -> Decoded:
    """Read one row as the quarantine keeps it."""
    rows = Rows(setting.zone)
    for document in read_documents(body, rows, lines=False):
        kept = as_object(document.content) or {}
        root = kept.get("root")
        _row(rows, _Row(kept.get("row"), root, root), mapping, setting)
    return rows.done()


def decode_table(body: bytes, setting: Setting, mapping: Compiled) -> Decoded:
    """Read a table: each line is a row, an object of cells by the name of the column."""
    try:
        table = read_table(body)
    except UnicodeDecodeError:
        return nothing(Reason.ENCODING_INVALID, NOT_UTF8, body)
    except csv.Error as error:
        return nothing(Reason.SHAPE_INVALID, f"not valid CSV: {error}", body)
    rows = Rows(setting.zone)
    for line in table.lines:
        raw = table.head + b"\n" + line
        try:
            cells = read_cells(line, table.delimiter)
        except UnicodeDecodeError:
            rows.refuse(rows.next, Reason.ENCODING_INVALID, NOT_UTF8, raw, kind="text/csv")
            continue
        except csv.Error as error:
            detail = f"not valid CSV: {error}"
            rows.refuse(rows.next, Reason.SHAPE_INVALID, detail, raw, kind="text/csv")
            continue
        row = {name: cell.strip() or None for name, cell in zip(table.header, cells, strict=False)}

        def typed(value: object) -> object:
            if isinstance(value, str):
                return read_cell(value, plain_numbers=setting.plain_numbers)
            return value

        _row(rows, _Row(row, None, None), mapping, setting, typed)
    return rows.done()


def _find(content: object, items: Expression | None) -> list[Any] | None:
    found = content if items is None else items.of(content, content)
    listed = as_list(found)
    return listed if listed is not None else [found] if as_object(found) is not None else None


def _outline(value: object) -> object:
    """A document without its lists: what `$.` expressions can read, small enough to be kept."""
    given = as_object(value)
    if given is None:
        return value
    return {k: _outline(v) for k, v in given.items() if not isinstance(v, list)}


def _row(
    rows: Rows,
    row: _Row,
    mapping: Compiled,
    setting: Setting,
    typed: Callable[[object], object] = lambda value: value,
) -> None:
    """Take what one row gives."""
    raw = encode({"row": row.content, "root": None if row.root is row.content else row.outline})
    try:
        key = _key(row, mapping)
        time = _time(row, mapping, setting)
        values = list(_values(row, mapping, key, typed))
        uom = "" if mapping.uom is None else _text(_of("uom", mapping.uom, row))
        at = rows.instant(time)
        place = _place(row, mapping, key, time=at, index=rows.next, many=len(values))
    except _Wrong as wrong:
        rows.refuse(rows.next, wrong.reason, wrong.detail, raw, kind=ROW)
        return
    if place is not None:
        rows.put(place)
    for name, value in values:
        rows.add(rows.next, name, time, value, raw, uom=uom, kind=ROW)


def _of(field: str, expression: Expression, row: _Row) -> Any:
    try:
        return expression.of(row.content, row.root)
    except Invalid as error:
        raise _Wrong(Reason.MAPPING_INVALID, f"`{field}` of the mapping: {error}") from error


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return ""


def _key(row: _Row, mapping: Compiled) -> str:
    key = _text(_of("series", mapping.series, row))
    if not key:
        raise _Wrong(Reason.SERIES_MISSING, "`series` of the mapping finds no text in this row")
    return key


def _time(row: _Row, mapping: Compiled, setting: Setting) -> datetime | int:
    written: object = None if mapping.time is None else _of("time", mapping.time, row)
    if written is None or written == "":
        if setting.arrival is None:
            raise _Wrong(Reason.TIME_MISSING, "`time` of the mapping finds nothing in this row")
        return setting.arrival
    shown = str(written)[:60]
    detail = f"`time` is {shown!r}, which is not {mapping.time_format}; set `time_format`"
    if mapping.time_format.startswith("epoch"):
        seconds = as_number(written)
        if seconds is None:
            try:
                seconds = float(_text(written))
            except ValueError:
                raise _Wrong(Reason.TIME_INVALID, detail) from None
        return from_seconds(seconds / 1000 if mapping.time_format == "epoch_ms" else seconds)
    if mapping.time_format == "iso":
        instant = read_time(written)
    else:
        try:
            instant = datetime.strptime(_text(written), mapping.time_format)  # noqa: DTZ007
        except ValueError:
            instant = None
    if instant is None:
        raise _Wrong(Reason.TIME_INVALID, detail)
    return instant


def _values(
    row: _Row, mapping: Compiled, key: str, typed: Callable[[object], object]
) -> Iterator[tuple[str, Scalar]]:
    if mapping.value is not None:
        wanted = [(key, "value", mapping.value)]
    else:
        wanted = [(f"{key}/{name}", f"values.{name}", each) for name, each in mapping.values]
    any_found = False
    for name, field, expression in wanted:
        value = typed(_of(field, expression, row))
        if value is None or value == "":
            # A row that has some of its properties says nothing of the others.
            continue
        number = as_number(value)
        if number is None and not isinstance(value, bool | str):
            raise _Wrong(Reason.VALUE_INVALID, f"`{field}` is not a number, true, false or a text")
        any_found = True
        yield name, value if isinstance(value, bool | str) else number or 0.0
    if not any_found:
        raise _Wrong(Reason.VALUE_MISSING, "the mapping finds no value in this row")


def _place(
    row: _Row, mapping: Compiled, key: str, *, time: int, index: int, many: int
) -> Place | None:
    if mapping.latitude is None or mapping.longitude is None:
        return None
    ends = (
        _degrees(_of("longitude", mapping.longitude, row)),
        _degrees(_of("latitude", mapping.latitude, row)),
    )
    if ends[0] is None or ends[1] is None:
        return None
    name = "" if mapping.name is None else _text(_of("name", mapping.name, row))[:_MOST_NAME]
    feature = key if mapping.values else key.rpartition("/")[0] or key
    return Place(
        feature=feature,
        geometry=point(ends[0], ends[1]),
        time=time,
        name=name,
        index=index,
        rows=many,
    )


def _degrees(value: object) -> float | None:
    number = as_number(value)
    if number is None and isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return None
    return number

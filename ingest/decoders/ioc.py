"""Format `ioc`: `{"series","time","value"}` as a JSON array or object, NDJSON or CSV."""

import csv
from datetime import datetime, tzinfo

import msgspec
import numpy as np

from ingest.decoders.documents import NOT_UTF8, TOO_DEEP
from ingest.decoders.table import Table, read_cell, read_row, read_table
from ingest.payload import Decoded, Scalar, Setting, nothing
from ingest.rows import EARLIEST, KEY_BYTES, Rows
from ioc.model import Reason, from_micros, to_micros

_COLUMNS = ("series", "time", "value")
_CSV = "text/csv"

_EXACT_UNTIL = 2100
"""Up to that year seconds as a float are exact to the microsecond."""


class _Item(msgspec.Struct, gc=False):
    series: str
    time: datetime
    value: float


class _Loose(msgspec.Struct, gc=False):
    """The same item before anything is known to be right with it."""

    series: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    time: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class _Kept(msgspec.Struct):
    """One observation as the quarantine keeps it."""

    series: str
    time: datetime
    value: float | bool | str
    uom: str = ""


_batch = msgspec.json.Decoder(list[_Item])
_item = msgspec.json.Decoder(_Item)
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_loose = msgspec.json.Decoder(_Loose)
_kept = msgspec.json.Decoder(_Kept)
_text = msgspec.json.Decoder(str)
_time = msgspec.json.Decoder(datetime)
_value = msgspec.json.Decoder(float | bool | str | None)


def decode_json(body: bytes, setting: Setting) -> Decoded:
    """Read a JSON array of items, or one item; the topic stands in for a missing series key."""
    try:
        if body[:1] == b"{":
            found = _row(_item.decode(body), setting.zone)
        else:
            found = _columns(_batch.decode(body), setting.zone)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    # The careful path names each bad item and keeps its neighbours.
    return found or _careful(body, setting)


def decode_item(body: bytes, setting: Setting) -> Decoded:
    """Read one observation as `item_json` writes it."""
    try:
        item = _kept.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _careful(body, setting)
    rows = Rows(setting.zone)
    rows.add(0, item.series, item.time, item.value, body, uom=item.uom)
    return rows.done()


def _row(item: _Item, zone: tzinfo) -> Decoded | None:
    """One item as columns, without the cost of looking at columns; None as in `_columns`."""
    key = item.series
    time = item.time if item.time.tzinfo else item.time.replace(tzinfo=zone)
    micros = to_micros(time)
    if micros < EARLIEST or time.year > _EXACT_UNTIL or _key_suspicious(key):
        return None
    return Decoded(
        keys=[key],
        time=np.array([micros], np.int64),
        values=[],
        numbers=np.array([item.value], np.float64),
        index=np.zeros(1, np.int32),
        refused=[],
    )


def _key_suspicious(key: str) -> bool:
    return len(key) > KEY_BYTES // 4 or not key.isprintable() or not key.strip()


def _columns(items: list[_Item], zone: tzinfo) -> Decoded | None:
    """The items as columns, all at once; None when one of them needs a closer look."""
    keys = [item.series for item in items]
    times = [item.time for item in items]
    if any(time.tzinfo is None for time in times):
        times = [t if t.tzinfo else t.replace(tzinfo=zone) for t in times]
    micros = np.rint(np.array([t.timestamp() for t in times], np.float64) * 1e6).astype(np.int64)
    suspicious = (
        len(micros) > 0 and (micros.min() < EARLIEST or max(t.year for t in times) > _EXACT_UNTIL)
    ) or any(map(_key_suspicious, set(keys)))
    if suspicious:
        return None
    return Decoded(
        keys=keys,
        time=micros,
        values=[],
        numbers=np.array([item.value for item in items], np.float64),
        index=np.arange(len(items), dtype=np.int32),
        refused=[],
    )


def _careful(body: bytes, setting: Setting) -> Decoded:
    start = body.lstrip()[:1]
    try:
        if start == b"[":
            raws = [bytes(raw) for raw in _raws.decode(body)]
        else:
            msgspec.json.decode(body)
            raws = [body.strip()]
    except msgspec.DecodeError as error:
        return nothing(Reason.JSON_INVALID, f"not valid JSON: {error}", body)
    except UnicodeDecodeError:
        return nothing(Reason.ENCODING_INVALID, NOT_UTF8, body)
    except RecursionError:
        return nothing(Reason.JSON_INVALID, TOO_DEEP, body)
    rows = Rows(setting.zone)
    for index, raw in enumerate(raws):
        _one(rows, index, raw, setting.topic, setting.arrival)
    found = rows.done()
    if start != b"[" and found.refused and found.refused[0].problem.reason is Reason.SHAPE_INVALID:
        return nothing(Reason.SHAPE_INVALID, found.refused[0].problem.detail, body)
    return found


def _one(
    rows: Rows, index: int, raw: bytes, topic_key: str | None, arrival: datetime | None
) -> None:
    """Take one item of a JSON batch, or name what is wrong with it."""
    if raw[:1] != b"{":
        _bare(rows, index, raw, topic_key, arrival)
        return
    try:
        item = _loose.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        rows.refuse(index, Reason.JSON_INVALID, f"not valid JSON: {error}", raw)
        return
    key = topic_key
    if item.series is not msgspec.UNSET:
        try:
            key = _text.decode(item.series)
        except (msgspec.DecodeError, UnicodeDecodeError):
            rows.refuse(index, Reason.SERIES_INVALID, "`series` must be a text", raw)
            return
    if key is None:
        detail = 'the item has no `series`; send {"series":"feature/property","time":…,"value":…}'
        rows.refuse(index, Reason.SERIES_MISSING, detail, raw)
        return
    time = arrival
    if item.time is not msgspec.UNSET and bytes(item.time) != b"null":
        try:
            time = _time.decode(item.time)
        except (msgspec.DecodeError, UnicodeDecodeError):
            detail = '`time` is not an RFC 3339 time such as "2026-11-22T09:00:00+07:00"'
            rows.refuse(index, Reason.TIME_INVALID, detail, raw)
            return
    if time is None:
        rows.refuse(index, Reason.TIME_MISSING, "the item has no `time`", raw)
        return
    value: Scalar | None = None
    if item.value is not msgspec.UNSET:
        try:
            value = _value.decode(item.value)
        except (msgspec.DecodeError, UnicodeDecodeError):
            detail = "`value` is not a number, true, false or a text"
            rows.refuse(index, Reason.VALUE_INVALID, detail, raw)
            return
    if value is None:
        rows.refuse(index, Reason.VALUE_MISSING, "the item has no `value`", raw)
        return
    rows.add(index, key, time, value, raw)


def _bare(
    rows: Rows, index: int, raw: bytes, topic_key: str | None, arrival: datetime | None
) -> None:
    """Take a bare value, which only a topic that names the series gives a meaning."""
    try:
        value = _value.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    if value is None or topic_key is None:
        detail = 'an item must be an object {"series":…,"time":…,"value":…}'
        rows.refuse(index, Reason.SHAPE_INVALID, detail, raw)
    elif arrival is None:
        detail = 'a bare value has no time; send {"time":…,"value":…}, or set the feed to arrival'
        rows.refuse(index, Reason.TIME_MISSING, detail, raw)
    else:
        rows.add(index, topic_key, arrival, value, raw)


def decode_ndjson(body: bytes, setting: Setting) -> Decoded:
    """Read one JSON item a line; blank lines are passed over and do not count."""
    lines = [line for line in body.split(b"\n") if line.strip()]
    try:
        # Line by line: joined to one array, two broken lines could make a whole item.
        found = _columns([_item.decode(line) for line in lines], setting.zone)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    if found is None:
        rows = Rows(setting.zone)
        for index, line in enumerate(lines):
            _one(rows, index, line.strip(), setting.topic, setting.arrival)
        found = rows.done()
    return found


def decode_csv(body: bytes, setting: Setting) -> Decoded:
    """Read CSV with the header `series,time,value` in any order; further columns are passed over.

    With a topic that names the series, `time,value` is enough. A line is read by itself, so that
    a quote that is never closed costs its own line only.
    """
    try:
        table = read_table(body)
    except UnicodeDecodeError:
        return nothing(Reason.ENCODING_INVALID, NOT_UTF8, body)
    except csv.Error as error:
        return nothing(Reason.SHAPE_INVALID, f"not valid CSV: {error}", body)
    header = [name.lower() for name in table.header]
    missing = [
        name
        for name in _COLUMNS
        if name not in header
        and not (name == "series" and setting.topic is not None)
        and not (name == "time" and setting.arrival is not None)
    ]
    if missing:
        detail = f"the CSV has no column {', '.join(missing)}; the header must be series,time,value"
        return nothing(Reason.SHAPE_INVALID, f"{detail}, or the feed needs a mapping", body)
    at = {name: header.index(name) for name in _COLUMNS if name in header}
    rows = Rows(setting.zone)
    for index, line in enumerate(table.lines):
        _csv_row(rows, index, line, table, at, setting)
    return rows.done()


def _csv_row(
    rows: Rows, index: int, line: bytes, table: Table, at: dict[str, int], setting: Setting
) -> None:
    # With the header a line stands by itself, in quarantine and when it is sent again.
    raw = table.head + b"\n" + line
    try:
        row = read_row(line, table)
    except UnicodeDecodeError:
        rows.refuse(index, Reason.ENCODING_INVALID, NOT_UTF8, raw, kind=_CSV)
        return
    except csv.Error as error:
        rows.refuse(index, Reason.SHAPE_INVALID, f"not valid CSV: {error}", raw, kind=_CSV)
        return
    cell = {name: row[place].strip() for name, place in at.items() if place < len(row)}
    key = cell.get("series") or setting.topic
    if key is None:
        rows.refuse(index, Reason.SERIES_MISSING, "the line has no series", raw, kind=_CSV)
        return
    time = setting.arrival
    if cell.get("time"):
        try:
            time = datetime.fromisoformat(cell["time"])
        except ValueError:
            detail = "the time is not like 2026-11-22T09:00:00+07:00"
            rows.refuse(index, Reason.TIME_INVALID, detail, raw, kind=_CSV)
            return
    if time is None:
        rows.refuse(index, Reason.TIME_MISSING, "the line has no time", raw, kind=_CSV)
        return
    written = cell.get("value", "")
    if not written:
        rows.refuse(index, Reason.VALUE_MISSING, "the line has no value", raw, kind=_CSV)
        return
    value = read_cell(written, plain_numbers=setting.plain_numbers)
    rows.add(index, key, time, value, raw, kind=_CSV)


def item_json(key: str, time_us: int, value: Scalar, uom: str = "") -> bytes:
    """One observation written in this format; for the quarantine and for replay."""
    item = {"series": key, "time": from_micros(time_us), "value": value}
    return msgspec.json.encode({**item, "uom": uom} if uom else item)

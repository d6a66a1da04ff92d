"""The rows of a mapped payload as its mapping reads them, all within one bound of work."""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from ingest.decoders.documents import as_list, as_object, encode
from ingest.decoders.table import read_cell
from ingest.expression import Expression, Finder
from ingest.mapping import Compiled
from ingest.numbers import read_number
from ingest.payload import Place, Scalar, Setting, point
from ingest.rows import KEY_BYTES, Rows, as_number, from_seconds, key_fault, read_time
from ioc.errors import Invalid
from ioc.model import Reason

ROW: Final = "application/vnd.ioc.row+json"
"""One row of a mapped payload with what stood around it: `{"row": …, "root": …}`."""

MOST_STEPS: Final = 20_000_000
"""Of all expressions on one payload, some 10 seconds; a body of 16 MB needs half of it."""

OUTLINES: Final = 64 * 1024
"""Bytes of outlines that the refused rows of a payload carry, or as many as the payload has."""

_ITEM_STEPS: Final = 10
"""What a row or an observation counts beside its expressions, for the memory that it takes."""

_STEP_BYTES: Final = 4
"""Bytes that are kept for one step."""

_MOST_TEXT: Final = 4 * KEY_BYTES
"""Characters that are read of what must be short: a key, a time, a name, a unit."""

_MOST_NAME: Final = 200

_LEFT_OUT: Final = "left out: too large to be kept with every row; send the payload again"


class _Wrong(Exception):
    """A row that cannot be taken, and why."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def _outline(value: object) -> object:
    """A document without its lists: what `$.` expressions can read, small enough to be kept."""
    given = as_object(value)
    if given is None:
        return value
    return {k: _outline(v) for k, v in given.items() if not isinstance(v, list)}


class _Kept:
    """The bytes of a row for the quarantine, made when something of it is refused, and once."""

    def __init__(self, make: Callable[[object], bytes], content: object) -> None:
        self._make = make
        self._content = content
        self._made: bytes | None = None

    def __call__(self) -> bytes:
        if self._made is None:
            self._made = self._make(self._content)
        return self._made


class Reading:
    """The rows of one payload as they are read, all within one bound of work."""

    def __init__(self, size: int, setting: Setting, mapping: Compiled) -> None:
        self.rows = Rows(setting.zone)
        self.setting = setting
        self._mapping = mapping
        self._finder = Finder(MOST_STEPS)
        self._room = max(size, OUTLINES)
        self._root: object = None
        self._outline: msgspec.Raw | None = None

    def begin(self, root: object) -> None:
        """Take up a document."""
        self._finder.begin(root)
        self._root, self._outline = root, None

    def items(self) -> list[Any] | None:
        """The rows of the document; None where what stands at `items` is none."""
        items = self._mapping.items
        found = self._root if items is None else self._finder.find(items, self._root)
        listed = as_list(found)
        return listed if listed is not None else [found] if as_object(found) is not None else None

    def row(self, content: object, *, cells: bool = False) -> None:
        """Take what one row gives; with `cells` its texts are those of a table."""
        rows, mapping = self.rows, self._mapping
        self._finder.spend(_ITEM_STEPS)
        raw = _Kept(self._kept, content)
        try:
            key = self._key(content)
            time = self._time(content)
            values = list(self._values(content, key, cells=cells))
            uom = self._text("uom", mapping.uom, content)
            at = rows.instant(time)
            place = self._place(content, key, time=at, index=rows.next, many=len(values))
        except _Wrong as wrong:
            rows.refuse(rows.next, wrong.reason, wrong.detail, raw, kind=ROW)
            return
        if place is not None:
            rows.put(place)
        for name, value in values:
            rows.add(rows.next, name, time, value, raw, uom=uom, kind=ROW)

    def keep(self, size: int) -> None:
        """Count bytes that are kept."""
        self._finder.spend(size // _STEP_BYTES)

    def _kept(self, content: object) -> bytes:
        raw = encode({"row": content, "root": self._around(content)})
        self.keep(len(raw))
        return raw

    def _around(self, content: object) -> object:
        """What is kept of the document beside one of its rows."""
        if content is self._root or as_object(self._root) is None:
            return None
        if self._outline is None:
            self._outline = msgspec.Raw(encode(_outline(self._root)))
        if len(self._outline) > self._room:
            return _LEFT_OUT
        self._room -= len(self._outline)
        return self._outline

    def _find(self, field: str, expression: Expression, content: object) -> Any:
        try:
            return self._finder.find(expression, content)
        except Invalid as error:
            raise _Wrong(Reason.MAPPING_INVALID, f"`{field}` of the mapping: {error}") from error

    def _text(self, field: str, expression: Expression | None, content: object) -> str:
        return "" if expression is None else _short(self._find(field, expression, content))

    def _key(self, content: object) -> str:
        key = self._text("series", self._mapping.series, content)
        if not key:
            raise _Wrong(Reason.SERIES_MISSING, "`series` of the mapping finds no text in this row")
        fault = key_fault(key)
        if fault is not None:
            raise _Wrong(Reason.SERIES_INVALID, fault)
        return key

    def _time(self, content: object) -> datetime | int:
        told = self._mapping.time
        written: object = None if told is None else self._find("time", told, content)
        if written is None or written == "":
            if self.setting.arrival is None:
                raise _Wrong(Reason.TIME_MISSING, "`time` of the mapping finds nothing in this row")
            return self.setting.arrival
        time = _read_time(written, self._mapping.time_format)
        if time is None:
            shown = repr(_short(written)[:60]) if _short(written) else "no text and no number"
            raise _Wrong(
                Reason.TIME_INVALID,
                f"`time` is {shown}, which is not {self._mapping.time_format}; set `time_format`",
            )
        return time

    def _values(self, content: object, key: str, *, cells: bool) -> Iterator[tuple[str, Scalar]]:
        mapping = self._mapping
        if mapping.value is not None:
            wanted = [(key, "value", mapping.value)]
        else:
            wanted = [(f"{key}/{name}", f"values.{name}", each) for name, each in mapping.values]
        any_found = False
        for name, field, expression in wanted:
            value = self._find(field, expression, content)
            if cells and isinstance(value, str):
                value = read_cell(value, plain_numbers=self.setting.plain_numbers)
            if value is None or value == "":
                # A row that has some of its properties says nothing of the others.
                continue
            number = as_number(value)
            if number is None and not isinstance(value, bool | str):
                detail = f"`{field}` is not a number, true, false or a text"
                raise _Wrong(Reason.VALUE_INVALID, detail)
            any_found = True
            self._finder.spend(_ITEM_STEPS)
            self.keep(len(value) if isinstance(value, str) else 0)
            yield name, value if isinstance(value, bool | str) else number or 0.0
        if not any_found:
            raise _Wrong(Reason.VALUE_MISSING, "the mapping finds no value in this row")

    def _place(
        self, content: object, key: str, *, time: int, index: int, many: int
    ) -> Place | None:
        mapping = self._mapping
        if mapping.latitude is None or mapping.longitude is None:
            return None
        longitude = self._degrees("longitude", mapping.longitude, content, index)
        latitude = self._degrees("latitude", mapping.latitude, content, index)
        if longitude is None or latitude is None:
            return None
        return Place(
            feature=key if mapping.values else key.rpartition("/")[0] or key,
            geometry=point(longitude, latitude),
            time=time,
            name=self._text("name", mapping.name, content)[:_MOST_NAME],
            index=index,
            rows=many,
        )

    def _degrees(
        self, field: str, expression: Expression, content: object, index: int
    ) -> float | None:
        """An angle; what cannot be read costs the place and not the values, and is told."""
        value = self._find(field, expression, content)
        if value is None or value == "":
            return None
        number = as_number(value)
        if number is None and isinstance(value, str):
            # Degrees have no thousands: their point is a decimal one however values are written.
            vietnamese = "," in value and not self.setting.plain_numbers
            number = read_number(_short(value), "vietnamese" if vietnamese else "plain")
        if number is None:
            shown = repr(_short(value)[:60]) if _short(value) else "no text and no number"
            cure = "write degrees such as 21.3, or 21,3 where the feed's numbers are Vietnamese"
            self.rows.remark(index, Reason.PLACE_INVALID, f"`{field}` is {shown}; {cure}")
        return number


def _short(value: object) -> str:
    if isinstance(value, str):
        return value[:_MOST_TEXT].strip()
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return ""


def _read_time(written: object, time_format: str) -> datetime | int | None:
    """The time in the format of the mapping; None where it is none."""
    text = _short(written)
    if time_format.startswith("epoch"):
        seconds = as_number(written)
        if seconds is None:
            try:
                seconds = float(text)
            except ValueError:
                return None
        return from_seconds(seconds / 1000 if time_format == "epoch_ms" else seconds)
    if time_format == "iso":
        return read_time(text) if isinstance(written, str) else None
    try:
        return datetime.strptime(text, time_format)  # noqa: DTZ007
    except ValueError:
        return None

"""Format `datex`: situations of DATEX II, versions 2 and 3, read by the names of their elements.

No schema is checked: what is read are identity, times, validity, severity, location and comment.
A document type, and with it any entity, is refused, and nothing outside is ever asked for.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from xml.parsers import expat

import msgspec

from ingest.payload import Decoded, Place, Setting, nothing, point
from ingest.rows import Rows, read_time
from ioc.model import Reason

XML: Final = "application/xml"

MOST_DEEP: Final = 64
MOST_ELEMENTS: Final = 2_000_000

_MOST_TEXT: Final = 200
_SEVERITIES: Final = ("severity", "overallSeverity")
_VERSIONS: Final = (
    "situationRecordVersionTime", "situationRecordObservationTime", "situationRecordCreationTime",
)  # fmt: skip


class _Element(msgspec.Struct):
    """An element by its local name; `start` and `end` are its bytes in the body."""

    name: str
    attributes: dict[str, str]
    start: int
    end: int = 0
    text: str = ""
    children: list["_Element"] = []

    def all(self, name: str) -> Iterator["_Element"]:
        """The elements of that name within this one, in the order of the document."""
        pending: list[_Element] = [self]
        while pending:
            element = pending.pop()
            if element.name == name and element is not self:
                yield element
            pending.extend(reversed(element.children))

    def first(self, *names: str) -> str:
        """The text of the first element that has one of the names, best name first."""
        for name in names:
            for element in self.all(name):
                if element.text.strip():
                    return element.text.strip()
        return ""


class _Unsafe(Exception):
    """XML that is not read further."""


def decode(body: bytes, setting: Setting) -> Decoded:
    """Read the situation records as features with a place, `active` and `severity`."""
    try:
        root = _parse(body)
    except _Unsafe as error:
        return nothing(Reason.SHAPE_INVALID, str(error), body)
    except (expat.ExpatError, ValueError, LookupError) as error:
        return nothing(Reason.SHAPE_INVALID, f"not well-formed XML: {error}", body)
    rows = Rows(setting.zone)
    published = read_time(root.first("publicationTime"))
    now = published if published is not None else setting.received
    now = now if now.tzinfo else now.replace(tzinfo=setting.zone)
    records = [root] if root.name == "situationRecord" else list(root.all("situationRecord"))
    if not records and not any("SituationPublication" in kind for kind in _kinds(root)):
        detail = "no situationRecord: of DATEX II only SituationPublications are taken"
        return nothing(Reason.SHAPE_INVALID, detail, body)
    severities = {
        id(record): situation.first("overallSeverity")
        for situation in root.all("situation")
        for record in situation.all("situationRecord")
    }
    for record in records:
        _record(rows, record, body, severities.get(id(record), ""), now, setting)
    return rows.done()


def _parse(body: bytes) -> _Element:
    top = _Element("", {}, 0)
    path = [top]
    count = 0
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(path) > MOST_DEEP or count > MOST_ELEMENTS:
            raise _Unsafe(f"the XML is nested deeper than {MOST_DEEP} or has too many elements")
        element = _Element(_local(tag), attributes, parser.CurrentByteIndex)
        path[-1].children.append(element)
        path.append(element)

    def end(_: str) -> None:
        path.pop().end = parser.CurrentByteIndex

    def text(data: str) -> None:
        if len(path[-1].text) < 4 * _MOST_TEXT or "posList" in path[-1].name:
            path[-1].text += data

    def doctype(*_: Any) -> None:
        raise _Unsafe("the XML has a document type; leave out <!DOCTYPE …>, entities are not read")

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = doctype
    parser.Parse(body, True)
    return top.children[0]


def _local(tag: str) -> str:
    return tag.rpartition(":")[2]


def _kinds(root: _Element) -> Iterator[str]:
    for name in ("payloadPublication", "payload"):
        for element in [root, *root.all(name)]:
            yield _kind(element)


def _kind(element: _Element) -> str:
    """The `xsi:type` of an element, without its prefix."""
    named = (value for key, value in element.attributes.items() if _local(key) == "type")
    return _local(next(named, ""))


def _record(
    rows: Rows,
    record: _Element,
    body: bytes,
    overall: str,
    now: datetime,
    setting: Setting,
) -> None:
    raw = body[record.start : body.find(b">", record.end) + 1]
    identity = record.attributes.get("id", "")
    if not identity:
        detail = "the situationRecord has no `id`"
        rows.refuse(rows.next, Reason.SERIES_MISSING, detail, raw, kind=XML)
        return
    version = _time(record.first(*_VERSIONS), setting) or setting.arrival
    if version is None:
        detail = "the situationRecord has no situationRecordVersionTime"
        rows.refuse(rows.next, Reason.TIME_MISSING, detail, raw, kind=XML)
        return
    first = rows.next
    for time, active in _activity(record, version, now, setting):
        rows.add(rows.next, f"{identity}/active", time, active, raw, kind=XML)
    severity = record.first(*_SEVERITIES) or overall
    if severity:
        rows.add(rows.next, f"{identity}/severity", version, severity, raw, kind=XML)
    _locate(rows, record, identity, version, first)


def _locate(rows: Rows, record: _Element, identity: str, version: datetime, first: int) -> None:
    """Note where the record says that it is; its rows are those from `first` on."""
    geometry = _geometry(record)
    if geometry is None:
        return
    kind = _kind(record)
    comment = next(record.all("generalPublicComment"), None) or next(record.all("comment"), None)
    name = "" if comment is None else comment.first("value")
    rows.put(
        Place(
            feature=identity,
            geometry=geometry,
            time=rows.instant(version),
            name=(name or kind)[:_MOST_TEXT],
            attributes={"type": kind} if kind else {},
            index=first,
            rows=rows.next - first,
        )
    )


def _time(written: str, setting: Setting) -> datetime | None:
    time = read_time(written)
    return time if time is None or time.tzinfo else time.replace(tzinfo=setting.zone)


def _activity(
    record: _Element, version: datetime, now: datetime, setting: Setting
) -> Iterator[tuple[datetime, bool]]:
    """When the situation was or is active: the same rows at each delivery, as long as it is so."""
    status = record.first("validityStatus")
    starts = _time(record.first("overallStartTime"), setting)
    ends = _time(record.first("overallEndTime"), setting)
    ended = record.first("cancel") == "true" or record.first("end") == "true"
    if status == "suspended" or ended or (starts is not None and starts > now):
        yield version, False
    else:
        begin = version if starts is None else max(version, starts)
        over = ends is not None and ends <= now
        if ends is None or begin < ends:
            yield begin, True
        if over and ends is not None:
            yield ends, False


def _geometry(record: _Element) -> dict[str, Any] | None:
    for name in ("pointCoordinates", "coordinatesForDisplay", "locationForDisplay", ""):
        for element in record.all(name) if name else [record]:
            latitude, longitude = element.first("latitude"), element.first("longitude")
            try:
                if latitude and longitude:
                    return point(float(longitude), float(latitude))
            except ValueError:
                continue
    for element in record.all("posList"):
        line = _line(element.text)
        if line is not None:
            return line
    return None


def _line(written: str) -> dict[str, Any] | None:
    """A GML position list, latitude first, as a GeoJSON line."""
    try:
        numbers = [float(part) for part in written.split()]
    except ValueError:
        return None
    pairs = list(zip(numbers[1::2], numbers[0::2], strict=False))
    if len(pairs) < 2 or len(numbers) % 2:
        return None
    return {"type": "LineString", "coordinates": [list(pair) for pair in pairs]}

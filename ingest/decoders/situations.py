"""The situation records in a document of DATEX II, with what is said around them."""

from datetime import datetime, tzinfo
from html import escape
from typing import Any, Final

import msgspec

from ingest.decoders.elements import Element, Kept, Unsafe, read
from ingest.decoders.locations import TooLong, geometry
from ingest.decoders.validity import Unread, in_force
from ingest.rows import read_time
from ioc.model import Reason

RECORD: Final = "situationRecord"

MOST_POSITIONS: Final = 400_000
"""Of all lines of a document."""

_MOST_TEXT: Final = 200
_MOST_AROUND: Final = 40
"""Characters of what is said around records; it is kept with each that is refused."""

_AROUND: Final = {
    "publicationTime": "published", "informationStatus": "status", "overallSeverity": "severity",
}  # fmt: skip
"""What is said around a record, by the name of its element."""

_PAYLOADS: Final = ("payload", "payloadPublication")
_VERSIONS: Final = (
    "situationRecordVersionTime", "situationRecordObservationTime", "situationRecordCreationTime",
)  # fmt: skip


class Around(msgspec.Struct):
    """What a publication or a situation says of records, and whether it `holds` any."""

    above: "Around | None" = None
    kind: str = ""
    start: int = 0
    end: int = 0
    holds: bool = False
    published: str = ""
    status: str = ""
    severity: str = ""

    def said(self, name: str) -> str:
        """What is said nearest to a record."""
        own: str = getattr(self, name)
        return own or (self.above.said(name) if self.above is not None else "")

    def hold(self) -> None:
        """Note that it holds a record, as does what it stands in."""
        if not self.holds:
            self.holds = True
            if self.above is not None:
                self.above.hold()


class Record(msgspec.Struct, kw_only=True):
    """What of a record is used, and its bytes; with a `fault` some of it is not known."""

    around: Around
    start: int
    end: int
    fault: tuple[Reason, str] | None = None
    identity: str = ""
    kind: str = ""
    name: str = ""
    version: str = ""
    severity: str = ""
    active: bool = False
    geometry: dict[str, Any] | None = None

    def alone(self, document: bytes) -> bytes:
        """A document with this record alone, and with what is said around it."""
        said = {name: self.around.said(field) for name, field in _AROUND.items()}
        head = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in said.items() if text)
        record = document[self.start : self.end]
        return b"<situation>%b%b</situation>" % (head.encode(), record)


class Situations:
    """Gathers the records of a document while it is read.

    Of each record only what is used is held. What is said around it may come behind it, but for
    the time of publication, at which it is judged whether the situation is in force.
    """

    def __init__(self, zone: tzinfo, received: datetime) -> None:
        """Times without an offset are of `zone`; unpublished records are judged at `received`."""
        self._zone = zone
        self._received = received
        self._path: list[Around] = []
        self._positions = 0
        self.records: list[Record] = []
        self.payloads: list[Around] = []

    def opened(self, name: str, attributes: dict[str, str], start: int) -> None:
        """Note what a publication or a situation is, and that all else is within one."""
        above = self._path[-1] if self._path else None
        kind = _kind(attributes)
        if above is not None and name != "situation" and name not in _PAYLOADS:
            self._path.append(above)
            return
        around = Around(above=above, kind=kind, start=start)
        self._path.append(around)
        if kind.endswith("Publication"):
            self.payloads.append(around)

    def closed(self, name: str, text: str, end: int) -> None:
        """Note what is said around records."""
        around = self._path.pop()
        if not self._path or self._path[-1] is not around:
            around.end = end
        field = _AROUND.get(name)
        if field is not None and not getattr(around, field):
            setattr(around, field, text[:_MOST_AROUND])

    def kept(self, kept: Kept) -> None:
        """Take what is used of a record."""
        around = self._path[-1] if self._path else Around()
        around.hold()
        record = Record(around=around, start=kept.start, end=kept.end)
        self.records.append(record)
        if kept.fault:
            record.fault = Reason.SHAPE_INVALID, f"the {RECORD} is not read: {kept.fault}"
            return
        element = kept.element
        record.identity = element.attributes.get("id", "")
        record.kind = _kind(element.attributes)
        record.name = (_comment(element) or record.kind)[:_MOST_TEXT]
        record.version = element.said(*_VERSIONS)
        record.severity = element.said("severity", "overallSeverity")[:_MOST_TEXT]
        try:
            record.geometry = geometry(element)
        except TooLong as error:
            record.fault = Reason.PLACE_INVALID, str(error)
            return
        self._count(record.geometry)
        published = read_time(around.said("published")) or self._received
        now = published if published.tzinfo else published.replace(tzinfo=self._zone)
        try:
            record.active = in_force(element, now, self._zone)
        except Unread as unread:
            record.fault = Reason.TIME_INVALID, str(unread)

    def _count(self, found: dict[str, Any] | None) -> None:
        self._positions += 0 if found is None else len(found["coordinates"])
        if self._positions > MOST_POSITIONS:
            raise Unsafe(f"the lines have more than {MOST_POSITIONS} positions; send it in parts")


def find(document: bytes, zone: tzinfo, received: datetime) -> Situations:
    """The records of a document in UTF-8; raises as `read` does."""
    found = Situations(zone, received)
    read(document, RECORD, found)
    return found


def _kind(attributes: dict[str, str]) -> str:
    """The `xsi:type` of an element, without prefixes."""
    named = (value for key, value in attributes.items() if key.rpartition(":")[2] == "type")
    return next(named, "").rpartition(":")[2]


def _comment(record: Element) -> str:
    """The first text of the public comment, else of any."""
    public = record.child("generalPublicComment")
    within = (each for each in (public or record).walk() if each.name == "comment")
    comment = next(within, public)
    texts = () if comment is None else (e.text.strip() for e in comment.walk() if e.name == "value")
    return next(filter(None, texts), "")

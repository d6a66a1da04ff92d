"""CAP read from what others send: messages alone, in an Atom feed, or behind the links of one.

The reader is bounded and refuses entities; what cannot be taken says why and what to send.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar, cast, get_args
from xml.parsers import expat

import msgspec

from alerts.cap import (
    Area,
    Category,
    Certainty,
    Circle,
    Grade,
    Info,
    Kind,
    Message,
    Reference,
    Ring,
    Status,
    Urgency,
)
from ingest.decoders.elements import Element, Kept, Unencoded, Unsafe, in_utf8, read
from ioc.model import Problem, Reason

MOST_MESSAGES: Final = 1_000
MOST_LINKS: Final = 500
MOST_INFOS: Final = 20
AHEAD: Final = timedelta(hours=1)
"""A message from further in the future is refused: its clock is wrong."""

_EXAMPLE: Final = "2026-11-22T09:00:00+07:00"
_CAP_LINKS: Final = frozenset({"application/cap+xml", "application/common-alerting-protocol+xml"})
_SCOPES: Final = ("Public", "Restricted", "Private")
_YEARS: Final = range(1970, 2200)
"""Others are no times of warnings, and the last ones of all cannot be stored."""

W = TypeVar("W", Kind, Status, Urgency, Grade, Certainty)


class Read(msgspec.Struct, frozen=True):
    """A message with its bytes."""

    message: Message
    raw: bytes


class Unread(msgspec.Struct, frozen=True):
    """What was refused, why, and its bytes."""

    problem: Problem
    raw: bytes


class Found(msgspec.Struct):
    """What stands in a document; `links` lead to further messages."""

    messages: list[Read] = []
    refused: list[Unread] = []
    remarks: list[Problem] = []
    links: list[str] = []

    @property
    def received(self) -> int:
        """How many messages there were, read or not."""
        return len(self.messages) + len(self.refused)


class _Wrong(Exception):
    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class _Listener:
    """Hears the messages of a document, and the links of the entries of a feed."""

    def __init__(self) -> None:
        self.kept_ones: list[Kept] = []
        self.links: list[str] = []
        self.is_feed = False
        self._in_entry = False
        self._plain: list[str] = []
        self._typed: list[str] = []

    def opened(self, name: str, attributes: dict[str, str], start: int) -> None:
        self.is_feed = self.is_feed or name == "feed"
        if name == "entry":
            self._in_entry, self._plain, self._typed = True, [], []
        elif name == "link" and self._in_entry and attributes.get("href"):
            typed = attributes.get("type", "") in _CAP_LINKS
            (self._typed if typed else self._plain).append(attributes["href"])

    def closed(self, name: str, text: str, end: int) -> None:
        if name == "entry":
            self._in_entry = False
            self.links += (self._typed or self._plain)[:1]

    def kept(self, kept: Kept) -> None:
        if self._in_entry:
            self._typed, self._plain = [], []
        self.kept_ones.append(kept)


def read_messages(body: bytes, received: datetime) -> Found:
    """The messages of a document. Never raises: what is not read is among the refused."""
    listener = _Listener()
    try:
        document = in_utf8(body)
        read(document, "alert", listener)
    except Unencoded as error:
        return _nothing(Reason.ENCODING_INVALID, str(error), body)
    except Unsafe as error:
        return _nothing(Reason.SHAPE_INVALID, str(error), body)
    except (expat.ExpatError, ValueError) as error:
        detail = f"not well-formed XML: {error}; send the whole document again"
        return _nothing(Reason.SHAPE_INVALID, detail, body)
    if not listener.kept_ones and not listener.is_feed:
        detail = "there is no <alert> in it; send a CAP 1.2 message, or an Atom feed of them"
        return _nothing(Reason.SHAPE_INVALID, detail, body)
    if len(listener.kept_ones) > MOST_MESSAGES:
        detail = f"more than {MOST_MESSAGES} messages in one document; send them in parts"
        return _nothing(Reason.SHAPE_INVALID, detail, body)
    found = Found(links=listener.links[:MOST_LINKS])
    for place, kept in enumerate(listener.kept_ones):
        raw = document[kept.start : kept.end]
        remark = partial(_remark, found.remarks, place)
        try:
            found.messages.append(Read(_message(kept, received, remark), raw))
        except _Wrong as wrong:
            found.refused.append(Unread(Problem(place, wrong.reason, wrong.detail), raw))
    return found


def _nothing(reason: Reason, detail: str, body: bytes) -> Found:
    return Found(refused=[Unread(Problem(-1, reason, detail), body)])


def _remark(remarks: list[Problem], place: int, detail: str) -> None:
    remarks.append(Problem(place, Reason.PLACE_DROPPED, detail))


def _message(kept: Kept, received: datetime, remark: "partial[None]") -> Message:
    if kept.fault:
        raise _Wrong(Reason.SHAPE_INVALID, kept.fault)
    alert = kept.element
    kind = _known(alert, "msgType", Kind)
    if kind in (Kind.ACK, Kind.ERROR):
        detail = f"msgType {kind.value} warns of nothing; send Alert, Update or Cancel"
        raise _Wrong(Reason.ENTITY_UNSUPPORTED, detail)
    status = _known(alert, "status", Status)
    if status not in (Status.ACTUAL, Status.EXERCISE):
        detail = f"status {status.value}: only what is Actual or an Exercise is shown; send those"
        raise _Wrong(Reason.ENTITY_UNSUPPORTED, detail)
    sent = _time(alert, "sent")
    if sent is None:
        raise _Wrong(Reason.TIME_MISSING, f"`sent` is missing; write such as {_EXAMPLE}")
    if sent > received + AHEAD:
        detail = f"`sent` is {sent.isoformat()}, after now; set the clock of the sender right"
        raise _Wrong(Reason.TIME_FUTURE, detail)
    infos = [one for one in alert.children if one.name == "info"]
    if len(infos) > MOST_INFOS:
        raise _Wrong(Reason.SHAPE_INVALID, f"more than {MOST_INFOS} of info; divide the message")
    if not infos and kind is not Kind.CANCEL:
        raise _Wrong(Reason.SHAPE_INVALID, "there is no <info>; say in one what is warned of")
    references = _references(alert)
    if kind is Kind.CANCEL and not references:
        detail = "a Cancel without `references` ends nothing; name the message that it ends"
        raise _Wrong(Reason.SHAPE_INVALID, detail)
    scope = alert.said("scope")
    return Message(
        identifier=_name(alert, "identifier"),
        sender=_name(alert, "sender"),
        sent=sent,
        status=status,
        kind=kind,
        scope=scope if scope in _SCOPES else "Public",
        restriction=alert.said("restriction"),
        source=alert.said("source"),
        note=alert.said("note"),
        references=references,
        infos=tuple(_info(one, remark) for one in infos),
        signed=any(one.name == "Signature" for one in alert.children),
    )


def _name(alert: Element, name: str) -> str:
    said = alert.said(name)
    if not said or len(said) > 500 or any(c in said for c in ", \t\n"):
        detail = f"`{name}` is {said[:40]!r}; write 1 to 500 characters without blanks and commas"
        raise _Wrong(Reason.SHAPE_INVALID, detail)
    return said


def _known(alert: Element, name: str, words: type[W]) -> W:
    said = alert.said(name)
    try:
        return words(said)
    except ValueError:
        detail = f"`{name}` is {said[:40]!r}; write one of {', '.join(words)}"
        raise _Wrong(Reason.SHAPE_INVALID, detail) from None


def _time(element: Element, name: str) -> datetime | None:
    said = element.said(name)
    if not said:
        return None
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None or at.year not in _YEARS:
        detail = f"`{name}` is {said[:40]!r}; write a time with its offset such as {_EXAMPLE}"
        raise _Wrong(Reason.TIME_INVALID, detail)
    return at


def _references(alert: Element) -> tuple[Reference, ...]:
    found: list[Reference] = []
    for said in alert.said("references").split():
        sender, _, rest = said.partition(",")
        identifier, _, sent = rest.rpartition(",")
        try:
            at = datetime.fromisoformat(sent)
        except ValueError:
            at = None
        if not sender or not identifier or at is None or at.tzinfo is None or at.year not in _YEARS:
            detail = f"`references` holds {said[:60]!r}; write sender,identifier,sent by blanks"
            raise _Wrong(Reason.SHAPE_INVALID, detail)
        found.append(Reference(sender, identifier, at))
    return tuple(found)


def _info(info: Element, remark: "partial[None]") -> Info:
    event = info.said("event", "headline")
    if not event:
        raise _Wrong(Reason.SHAPE_INVALID, "`event` is missing; say what is warned of")
    return Info(
        language=info.said("language") or "en-US",
        categories=tuple(
            cast("Category", said) if said in get_args(Category) else "Other"
            for said in _all(info, "category") or ["Other"]
        ),
        event=event,
        responses=tuple(_all(info, "responseType")),
        urgency=_word(info, "urgency", Urgency, Urgency.UNKNOWN),
        severity=_word(info, "severity", Grade, Grade.UNKNOWN),
        certainty=_word(info, "certainty", Certainty, Certainty.UNKNOWN),
        effective=_time(info, "effective"),
        onset=_time(info, "onset"),
        expires=_time(info, "expires"),
        sender_name=info.said("senderName"),
        headline=info.said("headline"),
        description=info.said("description"),
        instruction=info.said("instruction"),
        web=info.said("web"),
        contact=info.said("contact"),
        parameters=_pairs(info, "parameter"),
        areas=tuple(_area(one, remark) for one in info.children if one.name == "area"),
    )


def _all(element: Element, name: str) -> list[str]:
    return [one.text.strip() for one in element.children if one.name == name and one.text.strip()]


def _pairs(element: Element, name: str) -> tuple[tuple[str, str], ...]:
    found = (one for one in element.children if one.name == name)
    return tuple((one.said("valueName"), one.said("value")) for one in found)


def _word(info: Element, name: str, words: type[W], unknown: W) -> W:
    said = info.said(name)
    return words(said) if said in set(words) else unknown


def _area(area: Element, remark: "partial[None]") -> Area:
    rings: list[Ring] = []
    circles: list[Circle] = []
    for said in _all(area, "polygon"):
        ring = _ring(said)
        if ring is None:
            remark(f"polygon {said[:40]!r} is left out; write four or more lat,lon by blanks")
        else:
            rings.append(ring)
    for said in _all(area, "circle"):
        circle = _circle(said)
        if circle is None:
            remark(f"circle {said[:40]!r} is left out; write lat,lon and the radius in km")
        else:
            circles.append(circle)
    return Area(
        description=area.said("areaDesc") or "–",
        rings=tuple(rings),
        circles=tuple(circles),
        codes=_pairs(area, "geocode"),
    )


def _ring(said: str) -> Ring | None:
    positions = [_position(one) for one in said.split()]
    ring = tuple(one for one in positions if one is not None)
    if len(ring) != len(positions) or len(ring) < 3:
        return None
    ring = ring if ring[0] == ring[-1] else (*ring, ring[0])
    return ring if len(ring) >= 4 else None


def _circle(said: str) -> Circle | None:
    place, _, radius = said.partition(" ")
    position = _position(place)
    try:
        kilometres = float(radius)
    except ValueError:
        return None
    if position is None or not 0 <= kilometres <= 20_000:
        return None
    return Circle(position[0], position[1], kilometres)


def _position(said: str) -> tuple[float, float] | None:
    latitude, _, longitude = said.partition(",")
    try:
        y, x = float(latitude), float(longitude)
    except ValueError:
        return None
    return (x, y) if -90 <= y <= 90 and -180 <= x <= 180 else None

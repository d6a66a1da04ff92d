"""CAP 1.2 as XML, and the Atom feed that leads to it."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

import msgspec

from alerts.cap import Area, Info, Message, Reference

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
XML: Final = "application/cap+xml"
ATOM: Final = "application/atom+xml"
_ATOM_NAMESPACE: Final = "http://www.w3.org/2005/Atom"

_ILLEGAL: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML holds, not even escaped."""


class FeedEntry(msgspec.Struct, frozen=True):
    """An alert in a feed: its newest message is at `url`."""

    id: str
    title: str
    updated: datetime
    url: str


def cap_xml(message: Message) -> bytes:
    """A message as a document."""
    root = Element("alert", {"xmlns": NAMESPACE})
    _put(root, "identifier", message.identifier)
    _put(root, "sender", message.sender)
    _put(root, "sent", cap_time(message.sent))
    _put(root, "status", message.status.value)
    _put(root, "msgType", message.kind.value)
    _put(root, "source", message.source, needed=False)
    _put(root, "scope", message.scope)
    _put(root, "restriction", message.restriction, needed=False)
    _put(root, "note", message.note, needed=False)
    _put(root, "references", _references(message.references), needed=False)
    for info in message.infos:
        _info(SubElement(root, "info"), info)
    return tostring(root, encoding="utf-8", xml_declaration=True)


def atom_xml(
    *, id: str, title: str, updated: datetime, entries: Iterable[FeedEntry], here: str, next: str
) -> bytes:
    """A page of a feed (RFC 4287, paged by RFC 5005); `next` is the address of the next one."""
    root = Element("feed", {"xmlns": _ATOM_NAMESPACE})
    _put(root, "id", id)
    _put(root, "title", title)
    _put(root, "updated", updated.isoformat(timespec="seconds"))
    _put(SubElement(root, "author"), "name", title)
    SubElement(root, "link", {"rel": "self", "href": here, "type": ATOM})
    if next:
        SubElement(root, "link", {"rel": "next", "href": next, "type": ATOM})
    for one in entries:
        entry = SubElement(root, "entry")
        _put(entry, "id", one.id)
        _put(entry, "title", one.title)
        _put(entry, "updated", one.updated.isoformat(timespec="seconds"))
        SubElement(entry, "link", {"rel": "alternate", "href": one.url, "type": XML})
    return tostring(root, encoding="utf-8", xml_declaration=True)


def cap_time(at: datetime) -> str:
    """A time as CAP has it: with an offset, which for UTC is -00:00."""
    return re.sub(r"\+00:00$", "-00:00", at.isoformat(timespec="seconds"))


def _info(element: Element, info: Info) -> None:
    _put(element, "language", info.language)
    for category in info.categories:
        _put(element, "category", category)
    _put(element, "event", info.event)
    for response in info.responses:
        _put(element, "responseType", response)
    _put(element, "urgency", info.urgency.value)
    _put(element, "severity", info.severity.value)
    _put(element, "certainty", info.certainty.value)
    for name, at in (
        ("effective", info.effective), ("onset", info.onset), ("expires", info.expires)
    ):  # fmt: skip
        if at is not None:
            _put(element, name, cap_time(at))
    for name, text in (
        ("senderName", info.sender_name), ("headline", info.headline),
        ("description", info.description), ("instruction", info.instruction),
        ("web", info.web), ("contact", info.contact),
    ):  # fmt: skip
        _put(element, name, text, needed=False)
    for pair in info.parameters:
        _pair(SubElement(element, "parameter"), pair)
    for area in info.areas:
        _area(SubElement(element, "area"), area)


def _area(element: Element, area: Area) -> None:
    _put(element, "areaDesc", area.description)
    for ring in area.rings:
        _put(element, "polygon", " ".join(f"{y:.5f},{x:.5f}" for x, y in ring))
    for circle in area.circles:
        _put(element, "circle", f"{circle.latitude:.5f},{circle.longitude:.5f} {circle.radius:g}")
    for pair in area.codes:
        _pair(SubElement(element, "geocode"), pair)


def _pair(element: Element, pair: tuple[str, str]) -> None:
    _put(element, "valueName", pair[0])
    _put(element, "value", pair[1])


def _references(references: Iterable[Reference]) -> str:
    return " ".join(f"{r.sender},{r.identifier},{cap_time(r.sent)}" for r in references)


def _put(above: Element, name: str, text: str, *, needed: bool = True) -> None:
    if text or needed:
        SubElement(above, name).text = _ILLEGAL.sub("\ufffd", text)

"""The packets of MQTT 3.1.1 and 5 that a subscriber needs, as pure functions over bytes.

Source: OASIS MQTT Version 3.1.1 (2014) and Version 5.0 (2019), chapters 2 and 3.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final, NamedTuple


class Kind(IntEnum):
    """The upper half of a packet's first byte."""

    CONNACK = 0x20
    PUBLISH = 0x30
    PUBACK = 0x40
    SUBACK = 0x90
    UNSUBACK = 0xB0
    PINGRESP = 0xD0
    DISCONNECT = 0xE0


class Malformed(ValueError):
    """The bytes are no packets of MQTT; nothing after them can be read."""


class Publish(NamedTuple):
    """A payload as the broker delivers it."""

    topic: str
    mid: int
    qos: int
    redelivered: bool
    retained: bool
    body: bytes
    content_type: str


class Greeting(NamedTuple):
    """What the broker answers to a CONNECT; 0 is a welcome."""

    session_present: bool
    code: int


Span = tuple[int, int, int]
"""First byte of a packet, and where its body begins and ends."""

PINGREQ: Final = b"\xc0\x00"
DISCONNECT: Final = b"\xe0\x00"
FOR_EVER: Final = 0xFFFFFFFF
REFUSED: Final = 0x80
"""Codes from here on say that something was refused."""

_SESSION_EXPIRY, _RECEIVE_MAXIMUM, _CONTENT_TYPE = 0x11, 0x21, 0x03
_FIXED: Final = {0x01: 1, 0x02: 4, 0x11: 4, 0x13: 2, 0x21: 2, 0x22: 2, 0x23: 2, 0x27: 4,
                 0x17: 1, 0x19: 1, 0x24: 1, 0x25: 1, 0x28: 1, 0x29: 1, 0x2A: 1}  # fmt: skip
"""Properties of a fixed length."""
_TEXTS: Final = {0x03: 1, 0x08: 1, 0x09: 1, 0x12: 1, 0x15: 1, 0x16: 1, 0x1A: 1, 0x1C: 1, 0x1F: 1,
                 0x26: 2}  # fmt: skip
"""Properties of one or two texts, each behind its length."""
_SUBSCRIPTION: Final = 0x0B


def split(data: bytes) -> tuple[list[Span], int, int]:
    """The whole packets in the bytes, how many bytes they take, and how many the next one needs.

    Raises `Malformed` for a length of more than four bytes.
    """
    found: list[Span] = []
    at, have = 0, len(data)
    while have - at >= 2:
        length, start, shift = data[at + 1], at + 2, 7
        if length & 0x80:
            length &= 0x7F
            while True:
                if start >= have:
                    return found, at, start - at + 1
                byte = data[start]
                start += 1
                length |= (byte & 0x7F) << shift
                if not byte & 0x80:
                    break
                shift += 7
                if shift > 21:
                    raise Malformed("a length of more than four bytes")
        end = start + length
        if end > have:
            return found, at, end - at
        found.append((data[at], start, end))
        at = end
    return found, at, 2


def publish_of(data: bytes, first: int, start: int, end: int, *, five: bool) -> Publish:
    """The PUBLISH that lies between `start` and `end`. Raises `Malformed`."""
    qos = first >> 1 & 3
    at = start + 2 + (data[start] << 8 | data[start + 1]) if start + 2 <= end else end + 1
    mid = 0
    if at + (2 if qos else 0) > end:
        raise Malformed("a PUBLISH ends within its topic")
    try:
        topic = data[start + 2 : at].decode()
    except UnicodeDecodeError as error:
        raise Malformed("a topic is not UTF-8") from error
    if qos:
        mid = data[at] << 8 | data[at + 1]
        at += 2
    content_type = ""
    if five:
        content_type, at = _content_type(data, at, end)
    return Publish(topic, mid, qos, bool(first & 8), bool(first & 1), data[at:end], content_type)


def greeting_of(data: bytes, start: int, end: int) -> Greeting:
    """What a CONNACK says. Raises `Malformed`."""
    if end - start < 2:
        raise Malformed("a CONNACK of less than two bytes")
    return Greeting(bool(data[start] & 1), data[start + 1])


def codes_of(data: bytes, start: int, end: int, *, five: bool) -> list[int]:
    """The answers of a SUBACK, one per topic. Raises `Malformed`."""
    at = start + 2
    if five:
        _, at = _content_type(data, at, end)
    if at >= end:
        raise Malformed("a SUBACK without an answer")
    return list(data[at:end])


def connect(
    client_id: str, user: str, password: str, *, keepalive: int, five: bool, receive_maximum: int
) -> bytes:
    """A CONNECT that goes on with the session of that client id, which never expires."""
    flags = 0xC0 if user else 0
    head = b"\x00\x04MQTT" + bytes([5 if five else 4, flags]) + keepalive.to_bytes(2)
    if five:
        more = bytes([_SESSION_EXPIRY]) + FOR_EVER.to_bytes(4)
        more += bytes([_RECEIVE_MAXIMUM]) + receive_maximum.to_bytes(2)
        head += length(len(more)) + more
    words = [client_id, user, password] if user else [client_id]
    return _packet(0x10, head + b"".join(map(text, words)))


def subscribe(mid: int, topics: Sequence[str], *, five: bool) -> bytes:
    """A SUBSCRIBE at QoS 1."""
    body = mid.to_bytes(2) + (b"\x00" if five else b"")
    return _packet(0x82, body + b"".join(text(topic) + b"\x01" for topic in topics))


def unsubscribe(mid: int, topics: Sequence[str], *, five: bool) -> bytes:
    """An UNSUBSCRIBE."""
    body = mid.to_bytes(2) + (b"\x00" if five else b"")
    return _packet(0xA2, body + b"".join(map(text, topics)))


def publish(topic: str, body: bytes, *, five: bool) -> bytes:
    """A PUBLISH at QoS 0."""
    return _packet(0x30, text(topic) + (b"\x00" if five else b"") + body)


def _content_type(data: bytes, at: int, end: int) -> tuple[str, int]:
    """The content type among the properties at a place, and where they end."""
    length, at = _number(data, at, end)
    stop = at + length
    if stop > end:
        raise Malformed("properties that are longer than their packet")
    found = ""
    while at < stop:
        named = data[at]
        at += 1
        if named in _FIXED:
            at += _FIXED[named]
        elif named in _TEXTS:
            for _ in range(_TEXTS[named]):
                size = int.from_bytes(data[at : at + 2])
                if named == _CONTENT_TYPE:
                    found = data[at + 2 : at + 2 + size].decode(errors="replace")
                at += 2 + size
        elif named == _SUBSCRIPTION:
            _, at = _number(data, at, stop)
        else:
            raise Malformed(f"an unknown property {named}")
    if at != stop:
        raise Malformed("a property is longer than its place")
    return found, stop


def _number(data: bytes, at: int, end: int) -> tuple[int, int]:
    number = shift = 0
    while at < end and shift <= 21:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return number, at
        shift += 7
    raise Malformed("a number without an end")


def _packet(first: int, body: bytes) -> bytes:
    return bytes([first]) + length(len(body)) + body


def length(size: int) -> bytes:
    """A length as MQTT writes it, in one to four bytes."""
    out = bytearray()
    while True:
        size, low = divmod(size, 128)
        out.append(low | (128 if size else 0))
        if not size:
            return bytes(out)


def text(word: str) -> bytes:
    """A text behind its length."""
    encoded = word.encode()
    return len(encoded).to_bytes(2) + encoded

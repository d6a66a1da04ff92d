"""When a certificate ends, read from its DER form (X.509, RFC 5280, section 4.1)."""

from datetime import UTC, datetime
from typing import Final

_SEQUENCE: Final = 0x30
_VERSION: Final = 0xA0
_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18


def certificate_end(der: bytes) -> datetime:
    """The instant after which a certificate is not valid; `ValueError` where it is none.

    Python's ssl tells it only of certificates that it trusts; the end is wanted of the others.
    """
    try:
        return _end(der)
    except IndexError as error:
        raise ValueError("the certificate is cut off") from error


def _end(der: bytes) -> datetime:
    _, at, _ = _element(der, 0, _SEQUENCE)
    _, at, _ = _element(der, at, _SEQUENCE)
    if der[at] == _VERSION:
        _, _, at = _element(der, at)
    for _ in ("serial number", "signature", "issuer"):
        _, _, at = _element(der, at)
    _, at, _ = _element(der, at, _SEQUENCE)
    _, _, at = _element(der, at)
    kind, start, end = _element(der, at)
    text = der[start:end].decode("ascii")
    if kind == _UTC_TIME:
        # RFC 5280: years from 50 are of the last century.
        text = ("19" if text[:2] >= "50" else "20") + text
    elif kind != _GENERALIZED_TIME:
        raise ValueError("the certificate has no end")
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _element(der: bytes, at: int, wanted: int | None = None) -> tuple[int, int, int]:
    """Tag, start and end of the content of the element at that place."""
    tag, length = der[at], der[at + 1]
    start = at + 2
    if wanted is not None and tag != wanted:
        raise ValueError("this is not a certificate")
    if length & 0x80:
        octets = length & 0x7F
        length = int.from_bytes(der[start : start + octets])
        start += octets
    if start + length > len(der):
        raise IndexError(at)
    return tag, start, start + length

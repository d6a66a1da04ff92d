"""Bodies in other character sets than UTF-8, as agencies' older programs write them."""

import unicodedata
from typing import Final

UTF8: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii", ""})

_ASCII: Final = bytes(range(0x20, 0x7F)) + b"\t\r\n"


def charset_of(content_type: str) -> str:
    """The `charset` parameter of a content type, in lower case; empty where there is none."""
    if ";" not in content_type:
        return ""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'").lower()
    return ""


def readable(charset: str) -> bool:
    """Whether bodies in that character set can be read, line by line too.

    One in which ASCII is not ASCII (UTF-16) cannot be cut at line ends.
    """
    try:
        return _ASCII.decode(charset).encode() == _ASCII
    except (LookupError, ValueError):
        return False


def to_utf8(body: bytes, charset: str) -> bytes | None:
    """The body in UTF-8; None where it is not in that character set."""
    try:
        # windows-1258 writes Vietnamese marks as characters of their own.
        return unicodedata.normalize("NFC", body.decode(charset)).encode()
    except (LookupError, ValueError):
        return None

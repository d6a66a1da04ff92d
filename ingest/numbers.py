"""Numbers that are written as texts, as people and older programs write them."""

import re
from typing import Final

FORMATS: Final = ("plain", "vietnamese")
"""The number formats that a feed may name."""

_PLAIN: Final = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?", re.ASCII)
_VIETNAMESE: Final = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?", re.ASCII)
_MOST: Final = 40


def read_number(text: str, number_format: str) -> float | None:
    """The number in a text; None where it is not one in that format.

    `vietnamese`: 1.803,5 is 1803.5, and 1.80 is no number, because it cannot be told what it is.
    """
    written = text.strip()
    if len(written) > _MOST:
        return None
    if number_format == "vietnamese":
        if not _VIETNAMESE.fullmatch(written):
            return None
        return float(written.replace(".", "").replace(",", "."))
    return float(written) if _PLAIN.fullmatch(written) else None

"""Fields that are about a person, told by their names: what bears them is kept nowhere."""

import re
import unicodedata
from typing import Final

_NAMES: Final = frozenset({
    "hoten", "hovaten", "nguoinop", "tennguoinop", "hotennguoinop", "chuhoso", "tenchuhoso",
    "cccd", "socccd", "cmnd", "socmnd", "cmtnd", "sodinhdanhcanhan", "hochieu", "sohochieu",
    "ngaysinh", "sodienthoai", "sdt", "quequan", "diachithuongtru",
    "fullname", "firstname", "lastname", "dateofbirth", "birthdate", "citizenid", "nationalid",
    "idcardnumber", "passportnumber", "phonenumber",
})  # fmt: skip
"""Names without case, marks and separators; words that stations and units have too are not here."""

_KEY: Final = re.compile(rb'"((?:[^"\\]|\\.){1,60})"\s*:')
_TAG: Final = re.compile(rb"<([^\s<>/!?]{1,60})[\s/>]")
_CELL: Final = re.compile(rb"[,;\t|]")

_MOST: Final = 20
"""Names that are told of one thing."""


def fields_in(raw: bytes) -> list[str]:
    """The personal fields of JSON at any depth, of XML, or of the header of a table."""
    start = raw.lstrip(b" \t\r\n\xef\xbb\xbf")
    if start.startswith((b"{", b"[", b'"')):
        found = _KEY.findall(raw)
    elif start.startswith(b"<"):
        found = _TAG.findall(raw)
    else:
        cells = _CELL.split(start.split(b"\n", 1)[0])
        found = cells if len(cells) > 1 else []
    named = (name.decode("utf-8", "replace").strip(' "\r') for name in dict.fromkeys(found))
    return sorted({name for name in named if _folded(name) in _NAMES})[:_MOST]


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFD", name.casefold().replace("đ", "d"))
    return "".join(letter for letter in plain if letter.isalnum())

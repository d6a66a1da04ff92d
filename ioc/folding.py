"""Words without case and diacritics, so that `o ga` finds `Ổ GÀ`, whatever a database's locale."""

import unicodedata
from typing import Final

_LETTERS: Final = "AĂÂEÊIOÔƠUƯYĐ"
_TONES: Final = ("", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323")


def _folded_letter(letter: str) -> str:
    plain = unicodedata.normalize("NFD", letter.replace("Đ", "D").replace("đ", "d"))
    return "".join(part for part in plain if not unicodedata.combining(part)).lower()


_VIETNAMESE: Final = "".join(
    dict.fromkeys(
        form
        for letter in _LETTERS
        for tone in _TONES
        for form in (
            unicodedata.normalize("NFC", letter + tone),
            unicodedata.normalize("NFC", letter.lower() + tone),
        )
        if len(form) == 1 and not form.isascii()
    )
)

FOLD_FROM: Final = _VIETNAMESE
"""Every letter of Vietnamese that is not ASCII, composed."""
FOLD_TO: Final = "".join(_folded_letter(letter) for letter in _VIETNAMESE)
"""What each becomes, for SQL: `translate(lower(normalize(text)), FOLD_FROM, FOLD_TO)`."""


def folded(text: str) -> str:
    """The same words in lower case without diacritics; `đ` becomes `d`."""
    composed = unicodedata.normalize("NFC", text).lower()
    return composed.translate(_TABLE)


_TABLE: Final = str.maketrans(FOLD_FROM, FOLD_TO)

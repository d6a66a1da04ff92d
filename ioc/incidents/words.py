"""The words by which an incident is searched: small letters without marks; pure."""

import re
import unicodedata
from typing import Final

MOST_WORDS: Final = 500
MOST_ASKED: Final = 10

_WORD: Final = re.compile(r"[a-z0-9]+")


def words_of(*texts: str) -> list[str]:
    """Each word once; a number also without the zeros before it."""
    found: dict[str, None] = {}
    for word in _split(" ".join(texts)):
        found[word[:64]] = None
        if word.isdigit() and word.lstrip("0"):
            found[word.lstrip("0")[:64]] = None
    return list(found)[:MOST_WORDS]


def asked_words(text: str) -> list[str]:
    """The words that somebody searches; each may be the beginning of a longer one."""
    return _split(text)[:MOST_ASKED]


def _split(text: str) -> list[str]:
    spelled = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return _WORD.findall("".join(c for c in spelled if not unicodedata.combining(c)))

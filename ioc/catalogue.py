"""Every sentence a user sees, in Vietnamese and English, by key."""

import math
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, Literal

Language = Literal["vi", "en"]

LANGUAGES: tuple[Language, ...] = ("vi", "en")


@cache
def sentences(language: Language) -> dict[str, str]:
    """All sentences of a language by dotted key."""
    text = files("ioc").joinpath("messages", f"{language}.toml").read_text(encoding="utf-8")
    flat: dict[str, str] = {}
    for table, entries in tomllib.loads(text).items():
        for key, sentence in entries.items():
            flat[f"{table}.{key}"] = sentence
    return flat


def say(key: str, language: Language, **values: object) -> str:
    """The sentence of that key with the values set in; numbers in the manner of the language.

    A key without a sentence comes back as it is: a test walks all keys that the product uses.
    """
    sentence = sentences(language).get(key)
    if sentence is None:
        return key
    return sentence.format_map(_Values({k: _written(v, language) for k, v in values.items()}))


def has(key: str) -> bool:
    """Whether both languages have the key."""
    return all(key in sentences(language) for language in LANGUAGES)


class _Values(dict[str, str]):
    """A value that was not given shows as a dash instead of failing the sentence."""

    def __missing__(self, key: str) -> str:
        return "–"


def _written(value: Any, language: Language) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return number(float(value), language)


def number(value: float, language: Language, decimals: int | None = None) -> str:
    """1.234,5 in Vietnamese and 1,234.5 in English; without `decimals` as many as are needed."""
    if not math.isfinite(value):
        return "–"
    if decimals is None:
        decimals = 0 if value == int(value) else 1 if abs(value) >= 10 else 2
    written = f"{value:,.{decimals}f}"
    if language == "en":
        return written
    return written.translate(str.maketrans(",.", ".,"))


def preferred(accept_language: str | None) -> Language:
    """The language that a request asks for; Vietnamese unless English is named first."""
    for part in (accept_language or "").split(","):
        tag = part.split(";", 1)[0].strip().lower()
        if tag.startswith("vi"):
            return "vi"
        if tag.startswith("en"):
            return "en"
    return "vi"

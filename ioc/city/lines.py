"""On which line of a TOML or JSON text each value stands; the parsers give no such index.

The text must have been parsed without error before: this reader is lenient and only counts.
"""

import re
from bisect import bisect_right
from itertools import accumulate

KeyPath = tuple[str | int, ...]

_SPACE = re.compile(r"(?:\s|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?!")|\'\'\'.*?\'\'\'(?!\')|"(?:[^"\\]|\\.)*"|\'[^\'\n]*\'', re.DOTALL
)
_WORD = re.compile(r"[^\s,\]}#=:\[{]+(?::[^\s,\]}#]*)*(?: \d\d:[^\s,\]}#]*)?")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of every table, key and array element of a TOML text."""
    return _Reader(text).toml()


def json_lines(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of every member and element of a JSON text."""
    return _Reader(text).json()


class _Reader:
    """Walks over the text once, noting where values begin."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self._starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]

    def toml(self) -> dict[KeyPath, int]:
        """Index statements: headers change the table, all else is `key = value`."""
        self.lines[()] = 1
        arrays: dict[KeyPath, int] = {}
        table: KeyPath = ()
        while True:
            self._skip(_SPACE)
            if self.at >= len(self.text):
                return self.lines
            before = self.at
            if self.text.startswith("[[", self.at):
                self.at += 2
                path = _within(arrays, self._key())
                arrays[path] = arrays.get(path, -1) + 1
                table = (*path, arrays[path])
                self._note(path, before)
                self._note(table, before)
                self._past("]")
                self._past("]")
            elif self.text.startswith("[", self.at):
                self.at += 1
                table = _within(arrays, self._key())
                self._note(table, before)
                self._past("]")
            else:
                self._member(table, "=")
            if self.at == before:
                return self.lines

    def json(self) -> dict[KeyPath, int]:
        """Index one JSON value."""
        self._skip(_SPACE)
        self._value((), ":")
        return self.lines

    def _member(self, table: KeyPath, sign: str) -> None:
        start = self.at
        key = self._key() if sign == "=" else (self._string(),)
        path = (*table, *key)
        for depth in range(len(table) + 1, len(path)):
            self.lines.setdefault(path[:depth], self._line(start))
        self._past(sign)
        self._skip(_SPACE)
        self._value(path, sign, start)

    def _value(self, path: KeyPath, sign: str, start: int | None = None) -> None:
        self._note(path, self.at if start is None else start)
        match self.text[self.at : self.at + 1]:
            case "[":
                self._items(path, sign, "]")
            case "{":
                self._items(path, sign, "}")
            case '"' | "'":
                self._string()
            case _:
                self._skip(_WORD)

    def _items(self, path: KeyPath, sign: str, end: str) -> None:
        self.at += 1
        index = 0
        while True:
            self._skip(_SPACE)
            if self.text.startswith(",", self.at):
                self.at += 1
                continue
            if self.at >= len(self.text) or self.text.startswith(end, self.at):
                self.at += 1
                return
            before = self.at
            if end == "]":
                self._value((*path, index), sign)
                index += 1
            else:
                self._member(path, sign)
            if self.at == before:
                return

    def _key(self) -> tuple[str, ...]:
        parts: list[str] = []
        while True:
            self._skip(_BLANK)
            bare = _BARE_KEY.match(self.text, self.at)
            if bare:
                self.at = bare.end()
                parts.append(bare[0])
            else:
                parts.append(self._string())
            self._skip(_BLANK)
            if not self.text.startswith(".", self.at):
                return tuple(parts)
            self.at += 1

    def _string(self) -> str:
        found = _STRING.match(self.text, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found[0][1:-1]

    def _past(self, sign: str) -> None:
        self._skip(_BLANK if sign != ":" else _SPACE)
        if self.text.startswith(sign, self.at):
            self.at += len(sign)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()

    def _note(self, path: KeyPath, at: int) -> None:
        self.lines.setdefault(path, self._line(at))

    def _line(self, at: int) -> int:
        return bisect_right(self._starts, at)


def _within(arrays: dict[KeyPath, int], key: tuple[str, ...]) -> KeyPath:
    """A header's path with the current index after each part that is an array of tables."""
    path: KeyPath = ()
    for part in key[:-1]:
        path = (*path, part)
        if path in arrays:
            path = (*path, arrays[path])
    return (*path, key[-1])

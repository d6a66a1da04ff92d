"""What is wrong in the files of a city: every error with file, line, key and a hint."""

import difflib
from collections.abc import Iterable
from functools import cached_property

import msgspec

from ioc.city.lines import KeyPath, json_lines, key_lines
from ioc.errors import ConfigError


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One error; `file` is relative to the city's folder, `line` counts from 1."""

    file: str
    line: int | None
    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """The error as a compiler would print it."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        key = f" {self.path}:" if self.path else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}:{key} {self.message}{hint}"


class CityError(ConfigError):
    """The files of the city hold errors."""

    def __init__(self, findings: list[Finding]) -> None:
        """Keep all findings; the message lists them line by line."""
        self.findings = findings
        super().__init__("\n".join(str(finding) for finding in findings))


class Source:
    """One file of the city, with its index of lines made on the first error."""

    def __init__(self, file: str, text: str = "") -> None:
        """Take the file's name relative to the city's folder and what it holds."""
        self.file = file
        self.text = text

    @cached_property
    def lines(self) -> dict[KeyPath, int]:
        """Line by key path; a row of a CSV stands on its own line."""
        if self.file.endswith(".toml"):
            return key_lines(self.text)
        if self.file.endswith(".geojson"):
            return json_lines(self.text)
        return {}

    def line(self, path: KeyPath) -> int | None:
        """The line of a key, or of the nearest table around it that has one."""
        if self.file.endswith(".csv"):
            return path[0] if path and isinstance(path[0], int) else 1
        for depth in range(len(path), 0, -1):
            if path[:depth] in self.lines:
                return self.lines[path[:depth]]
        return 1 if self.text else None


class Spot:
    """A place in a file that errors can be reported at."""

    def __init__(self, findings: list[Finding], source: Source, path: KeyPath = ()) -> None:
        """Errors reported here are added to `findings`."""
        self._findings = findings
        self._source = source
        self._path = path

    def __str__(self) -> str:
        """The place as `file:line`."""
        line = self._source.line(self._path)
        return self._source.file if line is None else f"{self._source.file}:{line}"

    def __truediv__(self, key: str | int) -> "Spot":
        """The place of a member or an element."""
        return Spot(self._findings, self._source, (*self._path, key))

    def report(self, message: str, hint: str = "") -> None:
        """Add an error."""
        shown = self._path[1:] if self._source.file.endswith(".csv") else self._path
        self._findings.append(
            Finding(
                file=self._source.file,
                line=self._source.line(self._path),
                path=dotted(shown),
                message=message,
                hint=hint,
            )
        )

    def unknown(self, what: str, name: str, known: Iterable[str]) -> None:
        """Add that a name stands for nothing, with the nearest name that does."""
        self.report(f"no {what} is called {name!r}", near(name, known))


def near(name: str, known: Iterable[str], shown: int = 8) -> str:
    """A hint at the nearest known name, or at all of them where they are few."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= shown else ""


def dotted(path: KeyPath) -> str:
    """A key path as people write it: `feed[2].series[0].property`, counted from 0."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")

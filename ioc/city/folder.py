"""The files of a city's folder: opened, parsed, every table with the place it stands at."""

import csv
import io
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import msgspec

from ioc.city.decode import decode_table
from ioc.city.finding import Finding, Source, Spot, near

KNOWN_FILES = (
    "city.toml",
    "units.toml",
    "feeds.toml",
    "properties.toml",
    "layers.toml",
    "rules.toml",
    "targets.toml",
    "actions.toml",
    "boards.toml",
    "users.toml",
    "sources.toml",
    "periods.toml",
    "measures.toml",
    "reporting.toml",
    "tickets.toml",
    "incidents.toml",
    "notify.toml",
    "roster.toml",
    "timing.toml",
    "calendar.toml",
    "forms.toml",
    "communes.csv",
    "districts.csv",
    "procedures.csv",
    "outlines.geojson",
)

NEEDED = ("city.toml", "units.toml")

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)

_TOML_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")


class Placed(Generic[T]):
    """What a table says, and where it stands."""

    def __init__(self, spec: T, at: Spot) -> None:
        """Pair them."""
        self.spec = spec
        self.at = at


class Tables(Generic[T]):
    """The tables of one kind: the good ones, and the ids of all, so that one error stays one."""

    def __init__(self) -> None:
        """Start empty."""
        self.good: list[Placed[T]] = []
        self.ids: dict[str, Spot] = {}

    def __iter__(self) -> Iterator[Placed[T]]:
        """Those without errors of their own."""
        return iter(self.good)

    def specs(self) -> list[T]:
        """What the good ones say."""
        return [placed.spec for placed in self.good]


class Folder:
    """A folder with the files of a city, and the errors found in them so far."""

    def __init__(self, root: Path) -> None:
        """Take the folder; nothing is read yet."""
        self.root = root
        self.findings: list[Finding] = []

    def check_names(self) -> None:
        """Report files at the top that nothing would read: most are misspelled."""
        for path in sorted(self.root.iterdir()):
            if path.suffix in (".toml", ".csv", ".geojson") and path.name not in KNOWN_FILES:
                hint = near(path.name, KNOWN_FILES, shown=0)
                self.spot(path.name).report("this file is not one that a city has", hint)

    def spot(self, file: str, text: str = "") -> Spot:
        """The place of a whole file."""
        return Spot(self.findings, Source(file, text))

    def files(self, under: str, pattern: str) -> list[str]:
        """Names of the files in a subfolder, relative to the city's folder, in order."""
        return sorted(str(p.relative_to(self.root)) for p in (self.root / under).glob(pattern))

    def text(self, file: str, *, needed: bool = True) -> str | None:
        """What a file holds; None, with an error unless it may be absent, where unreadable."""
        try:
            return (self.root / file).read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            if needed:
                self.spot(file).report("the file does not exist")
        except UnicodeDecodeError as fault:
            self.spot(file).report(f"is not UTF-8 at byte {fault.start}", "save it as UTF-8")
        except OSError as fault:
            self.spot(file).report(f"cannot be read: {fault.strerror}")
        return None

    def toml(self, file: str) -> tuple[dict[str, Any], Spot]:
        """The tables of a TOML file, and its place; empty where it cannot be read."""
        text = self.text(file, needed=file in NEEDED)
        if text is None:
            return {}, self.spot(file)
        try:
            return tomllib.loads(text), self.spot(file, text)
        except tomllib.TOMLDecodeError as fault:
            place = _TOML_PLACE.search(str(fault))
            line = int(place["line"]) if place and place["line"] else text.count("\n") + 1
            message = _TOML_PLACE.sub("", str(fault))
            self.findings.append(
                Finding(file=file, line=line, path="", message=f"is not TOML: {message}")
            )
            return {}, self.spot(file)

    def json(self, file: str, *, needed: bool = True) -> tuple[Any, Spot]:
        """The value of a JSON file, and its place; None where it cannot be read."""
        text = self.text(file, needed=needed)
        if text is None:
            return None, self.spot(file)
        try:
            return json.loads(text, parse_constant=_refuse), self.spot(file, text)
        except json.JSONDecodeError as fault:
            message = f"is not JSON: {fault.msg}"
            self.findings.append(Finding(file=file, line=fault.lineno, path="", message=message))
        except (ValueError, RecursionError) as fault:
            self.spot(file).report(f"is not JSON: {fault}")
        return None, self.spot(file)

    def tables(
        self,
        files: Iterable[str],
        key: str,
        cls: type[S],
        *,
        others: Iterable[str] = (),
        name: str = "id",
    ) -> Tables[S]:
        """Every `[[key]]` of the files as a Struct; ids must not repeat (`name` "" skips that)."""
        found: Tables[S] = Tables()
        for file in files:
            content, at = self.toml(file)
            self.only(content, at, (key, *others))
            for raw, place in self.array(content, key, at):
                if name and not _is_new(raw, name, place, found.ids):
                    continue
                spec = decode_table(cls, raw, place)
                if spec is not None:
                    found.good.append(Placed(spec, place))
        return found

    def only(self, content: dict[str, Any], at: Spot, keys: Iterable[str]) -> None:
        """Report top-level keys of a file that it does not have."""
        known = tuple(keys)
        for key in content:
            if key not in known:
                (at / key).report(f"this file has no {key!r}", near(key, known))

    def array(
        self, content: dict[str, Any], key: str, at: Spot
    ) -> Iterator[tuple[dict[str, Any], Spot]]:
        """The tables of a `[[key]]`, with their places."""
        tables: Any = content.get(key, [])
        if not isinstance(tables, list):
            (at / key).report("stands in single brackets", f"write [[{key}]]")
            return
        for index, raw in enumerate(cast("list[Any]", tables)):
            if isinstance(raw, dict):
                yield cast("dict[str, Any]", raw), at / key / index
            else:
                (at / key / index).report(f"a table is needed here, not {raw!r}")

    def rows(
        self, file: str, columns: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> Iterator[tuple[dict[str, str], Spot]]:
        """The rows of a CSV file with exactly these columns, with their places.

        Behind them may stand any of the optional ones.
        """
        text = self.text(file, needed=False)
        if text is None:
            return
        at = self.spot(file, text)
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        try:
            header = next(reader, list[str]())
            more = header[len(columns) :]
            if tuple(header[: len(columns)]) != columns or not _chosen(more, optional):
                behind = f", then any of {','.join(optional)}" if optional else ""
                hint = f"write {','.join(columns)}{behind}"
                (at / 1).report("the first row names other columns", hint)
                return
            for row in reader:
                place = at / reader.line_num
                if len(row) == len(header):
                    yield dict(zip(header, row, strict=True)), place
                elif row:
                    place.report(f"has {len(row)} fields instead of {len(header)}")
        except csv.Error as fault:
            (at / max(reader.line_num, 1)).report(f"is not CSV: {fault}")


def _chosen(columns: list[str], known: tuple[str, ...]) -> bool:
    """Whether each of the columns is a known one, and none comes twice."""
    return len(set(columns)) == len(columns) and set(columns) <= set(known)


def _is_new(raw: dict[str, Any], name: str, at: Spot, seen: dict[str, Spot]) -> bool:
    """Whether a table's id was not there before; reports the second one."""
    found = raw.get(name)
    if not isinstance(found, str):
        return True
    if found in seen:
        (at / name).report(f"{found!r} stands at {seen[found]} already", "ids are unique")
        return False
    seen[found] = at
    return True


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a number of JSON")

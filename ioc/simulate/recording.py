"""Recorded series from files: CSV with a header, or JSON lines, row by row."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from ioc.errors import Invalid

TIMES: Final = ("time", "timestamp")
VALUE: Final = "value"
SERIES: Final = "series"

Scalar = float | bool | str


@dataclass(frozen=True, slots=True)
class Row:
    """One recorded observation; a time without an offset is the feed's local one."""

    series: str
    time: datetime
    value: Scalar


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be read, with its number in the file and the reason."""

    number: int
    reason: str


class _Line(msgspec.Struct):
    time: datetime | None = None
    timestamp: datetime | None = None
    value: float | bool | str | None = None
    series: str | None = None


_lines: Final = msgspec.json.Decoder(_Line, strict=True)


def default_series(path: Path, property: str) -> str:
    """The key of a file whose rows name no series: its base name is the feature."""
    return f"{path.name.split('.')[0]}/{property}"


def read_recording(lines: Iterable[str], series: str, *, fixed: bool) -> Iterator[Row | BadLine]:
    """The rows of a file; `series` stands in where a row names none, or for all if `fixed`.

    Raises `Invalid` where the first line is neither a header nor JSON.
    """
    numbered = enumerate(lines, start=1)
    first = next(((n, line) for n, line in numbered if line.strip("\ufeff \t\r\n")), None)
    if first is None:
        return
    number, line = first[0], first[1].lstrip("\ufeff")
    if line.lstrip().startswith("{"):
        yield _json_row(number, line, series, fixed=fixed)
        for number, line in numbered:
            if line.strip():
                yield _json_row(number, line, series, fixed=fixed)
        return
    yield from _csv_rows(line, (line for _, line in numbered), number, series, fixed=fixed)


def _json_row(number: int, line: str, series: str, *, fixed: bool) -> Row | BadLine:
    try:
        found = _lines.decode(line)
    except msgspec.DecodeError as error:
        return BadLine(number, f"not a JSON observation: {error}")
    time = found.time or found.timestamp
    if time is None or found.value is None:
        missing = "time" if time is None else VALUE
        return BadLine(number, f"there is no `{missing}`")
    return Row(series if fixed else found.series or series, time, found.value)


def _csv_rows(
    header: str, lines: Iterable[str], number: int, series: str, *, fixed: bool
) -> Iterator[Row | BadLine]:
    names = [name.strip().lower() for name in next(csv.reader([header]))]
    at = next((names.index(name) for name in TIMES if name in names), None)
    if at is None or VALUE not in names:
        raise Invalid(
            f"line {number} is no header: name the columns `time` (or `timestamp`) and `value`, "
            "and `series` if there is more than one"
        )
    value_at = names.index(VALUE)
    series_at = names.index(SERIES) if SERIES in names and not fixed else None
    reader = csv.reader(lines)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadLine(number + reader.line_num, f"not CSV: {error}")
            continue
        if not cells:
            continue
        place = number + reader.line_num
        if len(cells) != len(names):
            reason = f"{len(cells)} cells, but the header has {len(names)}"
            yield BadLine(place, reason)
            continue
        named = series if series_at is None else cells[series_at].strip() or series
        yield _csv_row(place, named, cells[at].strip(), cells[value_at].strip())


def _csv_row(number: int, series: str, time: str, value: str) -> Row | BadLine:
    try:
        at = datetime.fromisoformat(time)
    except ValueError:
        return BadLine(number, f"{time[:40]!r} is not a time such as 2026-11-22 09:00:00")
    if not value:
        return BadLine(number, "there is no `value`")
    return Row(series, at, _scalar(value))


def _scalar(text: str) -> Scalar:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        return text

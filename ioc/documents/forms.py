"""Forms laid out: each section a table whose sums and shares are formulas, and its value beside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from string import Template
from typing import Final, Literal

from openpyxl.utils import get_column_letter

from ioc.documents.workbook import Formula
from ioc.kpi.form import MEASURES, Form, FormColumn, FormGroup, FormSection

Kind = Literal[
    "head", "mark", "title", "headings", "numbers", "group", "row", "whole", "share", "note"
]

FIRST: Final = 3
"""The place of the first counted column, behind the number and the name."""


@dataclass(frozen=True, slots=True)
class Computed:
    """A cell that a spreadsheet computes, and what comes out."""

    value: float | None
    formula: Formula


Value = str | int | Computed | None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table."""

    kind: Kind
    cells: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Row:
    """What was counted of a field or a unit; `group` is the number of the group that it is in."""

    name: str
    counts: Mapping[str, int]
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above the table; `marks` are warnings, such as that all is made up."""

    lines: Sequence[str]
    marks: Sequence[str] = ()


@dataclass(slots=True)
class Table:
    """A section as lines, the first of which is line 1 of its sheet."""

    title: str
    columns: int
    lines: list[Line] = field(default_factory=list[Line])

    @property
    def next(self) -> int:
        """The number of the line that is added next."""
        return len(self.lines) + 1

    def add(self, kind: Kind, *cells: Value) -> int:
        """Add a line; returns its number."""
        self.lines.append(Line(kind, cells))
        return len(self.lines)


def laid_out(form: Form, section: FormSection, head: Head, rows: Sequence[Row]) -> Table:
    """A section of a form with its head, rows, sums and notes."""
    table = Table(section.title, FIRST - 1 + len(form.columns))
    for line in head.lines:
        table.add("head", line)
    for mark in head.marks:
        table.add("mark", mark)
    table.add("title", form.title)
    table.add("headings", "STT", section.label, *(column.group for column in form.columns))
    table.add("headings", None, None, *(column.heading for column in form.columns))
    places = [f"({place})" for place in range(1, table.columns + 1)]
    table.add("numbers", *places)
    whole = _add_rows(table, form, section, rows)
    _add_shares(table, form, whole)
    sums = {measure: str(number) for measure, number in _sum(rows).items()}
    for note in form.notes:
        table.add("note", Template(note).safe_substitute(sums))
    return table


def _add_rows(table: Table, form: Form, section: FormSection, rows: Sequence[Row]) -> int:
    """The rows, in their groups where there are any, and the line of the whole; its number."""
    summed: list[int] = []
    for group in section.groups:
        own = [row for row in rows if row.group == group.number]
        summed.append(_add_group(table, form, group, own))
    if not section.groups:
        summed = [_add_row(table, form, str(place), row) for place, row in enumerate(rows, start=1)]
    line = table.next
    if section.groups:
        spans = [",".join(f"{letter}{place}" for place in summed) for letter in _letters(form)]
    else:
        spans = [_span(letter, summed) for letter in _letters(form)]
    table.add("whole", None, "Tổng số", *_summed(form, line, spans, rows))
    return line


def _add_group(table: Table, form: Form, group: FormGroup, rows: Sequence[Row]) -> int:
    line = table.next
    below = range(line + 1, line + 1 + len(rows))
    spans = [_span(letter, below) for letter in _letters(form)]
    table.add("group", group.number, group.title, *_summed(form, line, spans, rows))
    for place, row in enumerate(rows, start=1):
        _add_row(table, form, str(place), row)
    return line


def _add_row(table: Table, form: Form, number: str, row: Row) -> int:
    line, values = table.next, form.values(row.counts)
    cells: list[Value] = [
        Computed(values[column.id], _across(form, column, line))
        if column.columns else values[column.id]
        for column in form.columns
    ]  # fmt: skip
    return table.add("row", number, row.name, *cells)


def _add_shares(table: Table, form: Form, whole: int) -> None:
    """Which share of its whole each column is, in percent; empty where that is 0."""
    of_column = {column.id: place for place, column in enumerate(form.columns)}
    letters, values = _letters(form), table.lines[whole - 1].cells[FIRST - 1 :]
    cells: list[Value] = []
    for place, column in enumerate(form.columns):
        if column.of is None:
            cells.append(None)
            continue
        other = of_column[column.of]
        part, all_of_it = f"{letters[place]}{whole}", f"{letters[other]}{whole}"
        total = _number(values[other])
        formula = Formula(f'=IF({all_of_it}=0,"",100*{part}/{all_of_it})')
        share = 100 * _number(values[place]) / total if total else None
        cells.append(Computed(share, formula))
    table.add("share", None, "Tỷ lệ (%)", *cells)


def _summed(form: Form, line: int, spans: Sequence[str], rows: Sequence[Row]) -> list[Value]:
    """The sums of some rows: of counted columns down a span, of columns of columns across."""
    values = form.values(_sum(rows))
    found: list[Value] = []
    for column, span in zip(form.columns, spans, strict=True):
        if column.columns:
            found.append(Computed(values[column.id], _across(form, column, line)))
        elif span:
            found.append(Computed(values[column.id], Formula(f"=SUM({span})")))
        else:
            found.append(0)
    return found


def _sum(rows: Sequence[Row]) -> dict[str, int]:
    return {measure: sum(row.counts[measure] for row in rows) for measure in MEASURES}


def _across(form: Form, column: FormColumn, line: int) -> Formula:
    of_column = dict(zip((c.id for c in form.columns), _letters(form), strict=True))
    return Formula(f"=SUM({','.join(f'{of_column[part]}{line}' for part in column.columns)})")


def _span(letter: str, lines: Sequence[int]) -> str:
    return f"{letter}{lines[0]}:{letter}{lines[-1]}" if lines else ""


def _letters(form: Form) -> list[str]:
    return [get_column_letter(FIRST + place) for place in range(len(form.columns))]


def _number(value: Value) -> float:
    found = value.value if isinstance(value, Computed) else value
    return float(found or 0)

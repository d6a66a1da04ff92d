"""Forms as a spreadsheet shows them, and as CSV."""

import csv
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.city.folder import Folder
from ioc.city.forms import read_forms
from ioc.city.periods import read_cycles
from ioc.city.read import packaged_city
from ioc.documents.form_files import csv_of, workbook_of
from ioc.documents.forms import Head, Row, laid_out
from ioc.kpi.form import MEASURES, FormSection
from tests.fixtures.spreadsheet import lines_of, sheets_of

FOLDER = Folder(packaged_city())
FORM = next(f for f in read_forms(FOLDER, read_cycles(FOLDER)) if f.id == "dossiers-quarterly")
BY_FIELD, BY_UNIT = FORM.sections
HEAD = Head(["TỈNH PHÚ THỌ"], ["SỐ LIỆU MẪU"])

counts = st.fixed_dictionaries({name: st.integers(0, 10**6) for name in MEASURES})
fields = st.lists(st.builds(Row, st.text("abđê", min_size=1, max_size=9), counts))
units = st.lists(
    st.builds(Row, st.just("Sở A"), counts, st.sampled_from([g.number for g in BY_UNIT.groups])),
    max_size=9,
)


def shown(section: FormSection, rows: list[Row]) -> list[list[Any]]:
    [sheet] = sheets_of(workbook_of([laid_out(FORM, section, HEAD, rows)]))
    return lines_of(sheet)


def read(section: FormSection, rows: list[Row]) -> list[list[str]]:
    body = csv_of([laid_out(FORM, section, HEAD, rows)]).decode("utf-8-sig")
    return list(csv.reader(body.splitlines()))


def line_of(lines: list[list[Any]], name: str) -> list[Any]:
    return next(line for line in lines if line[1:2] == [name])


def test_the_columns_are_those_of_the_form() -> None:
    lines = shown(BY_FIELD, [])
    at = next(n for n, line in enumerate(lines) if line[:1] == ["STT"])
    assert lines[at + 1][2:] == [
        "Tổng số", "Trực tuyến", "Trực tiếp, dịch vụ bưu chính", "Từ kỳ trước",
        "Tổng số", "Trước hạn", "Đúng hạn", "Quá hạn", "Tổng số", "Trong hạn", "Quá hạn",
    ]  # fmt: skip


@settings(max_examples=20)
@given(fields)
def test_the_whole_of_fields_is_what_their_counts_add_up_to(rows: list[Row]) -> None:
    total = {name: sum(row.counts[name] for row in rows) for name in MEASURES}
    assert line_of(shown(BY_FIELD, rows), "Tổng số")[2:] == list(FORM.values(total).values())


@settings(max_examples=20)
@given(units)
def test_each_group_of_units_has_its_sum_and_the_whole_counts_each_unit_once(
    rows: list[Row],
) -> None:
    lines = shown(BY_UNIT, rows)
    for group in BY_UNIT.groups:
        own = [row for row in rows if row.group == group.number]
        total = {name: sum(row.counts[name] for row in own) for name in MEASURES}
        assert line_of(lines, group.title)[2:] == list(FORM.values(total).values())
    total = {name: sum(row.counts[name] for row in rows) for name in MEASURES}
    assert line_of(lines, "Tổng số")[2:] == list(FORM.values(total).values())


@settings(max_examples=20)
@given(fields)
def test_shares_are_of_their_whole_and_empty_where_that_is_0(rows: list[Row]) -> None:
    lines = shown(BY_FIELD, rows)
    whole = dict(zip((c.id for c in FORM.columns), line_of(lines, "Tổng số")[2:], strict=True))
    shares = [*line_of(lines, "Tỷ lệ (%)")[2:], *[None] * len(FORM.columns)]
    for column, share in zip(FORM.columns, shares, strict=False):
        if column.of is None or whole[column.of] == 0:
            assert share is None
        else:
            assert share == 100 * whole[column.id] / whole[column.of]


@settings(max_examples=20)
@given(units)
def test_a_csv_has_the_numbers_that_the_spreadsheet_shows(rows: list[Row]) -> None:
    in_csv = read(BY_UNIT, rows)
    begin = next(n for n, line in enumerate(in_csv) if line[0] == "(1)")
    assert [_written(line) for line in shown(BY_UNIT, rows)[begin:]] == [
        _written(line) for line in in_csv[begin:]
    ]


def _written(line: list[Any]) -> list[str]:
    """A line as texts, without what is empty at its end."""
    texts = [
        "" if value is None else str(round(value, 4) if isinstance(value, float) else value)
        for value in line
    ]
    return texts[: max((n for n, text in enumerate(texts, start=1) if text), default=0)]


def test_a_name_that_looks_like_a_formula_stays_a_text() -> None:
    row = Row("=1+1", dict.fromkeys(MEASURES, 1))
    table = laid_out(FORM, BY_FIELD, HEAD, [row])
    [sheet] = sheets_of(workbook_of([table]))
    [cell] = [cell for cell in sheet["B"] if cell.value == "=1+1"]
    assert cell.data_type == "s" or cell.quotePrefix
    assert "'=1+1" in csv_of([table]).decode()


def test_a_note_tells_how_many_had_no_return_date() -> None:
    rows = [Row(name, dict.fromkeys(MEASURES, 21)) for name in ("Đất đai", "Hộ tịch")]
    assert any("42 hồ sơ" in str(line[0]) for line in shown(BY_FIELD, rows) if line)

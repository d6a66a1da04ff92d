"""Workbooks: what is written is read back, and no text becomes a formula."""

import io
from datetime import date

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ioc.documents.workbook import MARKS_OF_FORMULAS, Cell, Formula, Sheet, write_workbook

PLAIN = st.text(st.characters(min_codepoint=32, exclude_categories=["Cs"]), min_size=1, max_size=20)


def _read(*sheets: Sheet) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(write_workbook(sheets)))


def test_sheets_come_in_their_order_with_a_bold_heading() -> None:
    book = _read(Sheet("Một", ["a", "b"], [[1, "x"]]), Sheet("Hai", ["c"], []))
    assert book.sheetnames == ["Một", "Hai"]
    rows = list(book["Một"].iter_rows(values_only=True))
    assert rows == [("a", "b"), (1, "x")]
    assert book["Một"]["A1"].font.bold


@pytest.mark.parametrize("text", [f"{mark}1+1" for mark in MARKS_OF_FORMULAS if mark > " "])
def test_a_text_that_looks_like_a_formula_stays_a_text(text: str) -> None:
    cell = _read(Sheet("a", ["a"], [[text]]))["a"]["A2"]
    assert (cell.value, cell.data_type, cell.quotePrefix) == (text, "s", True)


def test_a_formula_of_the_program_is_one() -> None:
    cell = _read(Sheet("a", ["a", "b"], [[1, Formula("=SUM(A2:A2)")]]))["a"]["B2"]
    assert (cell.value, cell.data_type) == ("=SUM(A2:A2)", "f")


def test_a_column_offers_its_choices_and_has_its_format() -> None:
    made = Sheet("a", ["a", "b"], [[None, 0.5]], choices={"a": ["=", ">="]}, formats={"b": "0%"})
    sheet = _read(made)["a"]
    (offered,) = sheet.data_validations.dataValidation
    assert (offered.formula1, str(offered.sqref)) == ('"=,>="', "A2:A10000")
    assert sheet["B2"].number_format == "0%"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.none() | st.booleans() | st.integers(-9999, 9999) | PLAIN, min_size=1))
def test_what_is_written_is_read_back(row: list[Cell]) -> None:
    written = [0, *row]
    sheet = _read(Sheet("a", [f"c{n}" for n in range(len(written))], [written]))["a"]
    assert [cell.value for cell in sheet[2]] == written


def test_days_are_days() -> None:
    cell = _read(Sheet("a", ["a"], [[date(2026, 7, 1)]]))["a"]["A2"]
    assert cell.value.date() == date(2026, 7, 1)

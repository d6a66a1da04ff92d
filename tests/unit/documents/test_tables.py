"""Tables in: what spreadsheets and people make of a table, and what is refused with a cure."""

import io
import zipfile
from datetime import date, datetime
from typing import Any

import pytest
from openpyxl import Workbook

from ioc.documents import tables
from ioc.documents.tables import CSV, XLSX, open_table, read_table
from ioc.errors import Invalid, TooLarge

COLUMNS = ["code", "name", "days", "from"]
ALIASES = {"Mã thủ tục": "code", "Tên thủ tục": "name", "Thời hạn": "days"}


def workbook(*rows: list[Any]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_is_read_whatever_separates_it(separator: str) -> None:
    body = f"code{separator}days\r\nA{separator}3\r\n".encode("utf-8-sig")
    assert read_table(body, CSV, COLUMNS) == [
        (2, {"code": "A", "name": "", "days": "3", "from": ""})
    ]


def test_headings_may_be_vietnamese_and_carelessly_written() -> None:
    body = "MÃ THỦ TỤC,ten  thu tuc,THỜI HẠN\nA,Đăng ký,3\n".encode()
    row = read_table(body, CSV, COLUMNS, aliases=ALIASES)[0][1]
    assert row == {"code": "A", "name": "Đăng ký", "days": "3", "from": ""}


def test_cells_of_a_workbook_become_plain_texts() -> None:
    body = workbook(
        COLUMNS,
        ["A", 1.5, 3.0, datetime.fromisoformat("2026-07-01")],
        [None] * 4,
        [7, True, 2, None],
    )
    assert read_table(body, XLSX, COLUMNS) == [
        (2, {"code": "A", "name": "1.5", "days": "3", "from": "2026-07-01"}),
        (4, {"code": "7", "name": "true", "days": "2", "from": ""}),
    ]
    body = workbook(["code", "from"], ["A", date(2026, 7, 1)])
    assert read_table(body, "application/octet-stream", COLUMNS)[0][1]["from"] == "2026-07-01"


def test_a_row_keeps_its_line_behind_a_text_of_several_lines() -> None:
    body = b'code,name\nA,"two\nlines"\n\nB,one\n'
    assert [number for number, _ in read_table(body, CSV, COLUMNS)] == [2, 5]


@pytest.mark.parametrize(
    ("body", "cure"),
    [
        (b"", "the table is empty"),
        (b"code,colour\n", "'colour' is no column"),
        (b"code,CODE\n", "stands there twice"),
        (b"name\nx\n", "columns code are missing"),
        (b"code,name\nA,B,C\n", "row 2 has 3 cells"),
        ("code\nĐ\n".encode("cp1258", "replace") + b"\xff", "is not UTF-8"),
        (b"code\nA\x00\n", "NUL"),
        (b'code,name\nA,"open\n', "cannot be read"),
        (b"PK\x03\x04 no workbook", "no readable XLSX workbook"),
        (workbook(["code"], ["#DIV/0!"]), "holds the error #DIV/0!"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_with_the_place_and_the_cure(
    body: bytes, cure: str
) -> None:
    with pytest.raises(Invalid, match=cure):
        read_table(body, CSV, COLUMNS, needed=["code"])


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked() -> None:
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("xl/worksheets/sheet1.xml", "w") as part,
    ):
        for _ in range(tables.MOST_UNPACKED // (1 << 20) + 1):
            part.write(bytes(1 << 20))
    assert len(file.getvalue()) < 1 << 20
    with pytest.raises(TooLarge, match="unpacks to 257 MB"):
        read_table(file.getvalue(), XLSX, COLUMNS)


def test_more_rows_than_a_table_may_have_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MOST_ROWS", 3)
    assert len(read_table(b"code\n" + b"A\n" * 3, CSV, COLUMNS)) == 3
    with pytest.raises(TooLarge, match="more than 3 rows"):
        read_table(b"code\n" + b"A\n" * 4, CSV, COLUMNS)


def test_a_table_says_where_a_text_of_it_stands() -> None:
    body = workbook(["name", "code"], [None, None], ["x", "A"])
    table = open_table(body, XLSX, COLUMNS)
    assert (table.sheet, table.cell(0, "code"), table.cell(0, "days")) == ("Sheet", "B3", None)
    assert table.cell(1, "code") is None
    assert open_table(b"code\nA\n", CSV, COLUMNS).sheet is None

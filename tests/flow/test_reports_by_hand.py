"""Reports that people of a unit hand in themselves: typed, or as the workbook that they filled."""

import io
from typing import Any

import httpx2
import openpyxl
import pytest

from ioc.documents.workbook import XLSX
from tests.fixtures.server import Server, eventually

UNIT, OTHER = "so-noi-vu", "so-tai-chinh"
GROUP, PERIOD = "e-documents", "2026-08"


@pytest.fixture(scope="module")
def agency(server: Server) -> httpx2.Client:
    return server.sign_in("agency", UNIT)


def _report(measure: str = "documents_out", **more: Any) -> dict[str, Any]:
    given = {"measure": measure, "unit": UNIT, "period": PERIOD, "document": "BC 8/2026"}
    return {**given, "value": "1.803", **more}


def _filled(agency: httpx2.Client, **cells: Any) -> bytes:
    """The template with 5 everywhere but in some measures, and the cell of each measure's value."""
    wanted = {"group": GROUP, "unit": UNIT, "period": PERIOD}
    book = openpyxl.load_workbook(
        io.BytesIO(agency.get("/reports/template.xlsx", params=wanted).content)
    )
    sheet = book["Báo cáo"]
    heading = [cell.value for cell in sheet[1]]
    names = ("Mã đại lượng", "Giá trị", "Văn bản")
    measures, values, documents = (heading.index(name) + 1 for name in names)
    for row in range(2, sheet.max_row + 1):
        measure = sheet.cell(row, measures).value
        sheet.cell(row, values, cells.get(str(measure), 5))
        sheet.cell(row, documents, "BC 8/2026")
    filled = io.BytesIO()
    book.save(filled)
    return filled.getvalue()


def _hand_in(client: httpx2.Client, body: bytes, kind: str = XLSX, **query: str) -> httpx2.Response:
    return client.post("/reports", content=body, headers={"Content-Type": kind}, params=query)


def test_a_refused_row_of_a_workbook_names_its_cell_and_the_cure(agency: httpx2.Client) -> None:
    receipt = _hand_in(agency, _filled(agency, documents_signed="nhiều")).json()
    assert (receipt["received"], receipt["stored"], receipt["quarantined"]) == (5, 4, 1)
    (refused,) = receipt["refused"]
    assert (refused["sheet"], refused["cell"], refused["field"]) == ("Báo cáo", "D3", "value")
    assert refused["reason"] == "value_invalid"
    assert refused["cure"]["vi"].startswith("Ghi một số từ 0 trở lên")
    assert "'nhiều' is not a number" in refused["detail"]


def test_typed_figures_are_read_as_people_write_them_and_say_who_handed_them_in(
    agency: httpx2.Client,
) -> None:
    receipt = agency.post("/reports", json=[_report("documents_with_paper")]).json()
    assert (receipt["corrected"], receipt["refused"]) == (1, [])
    (item,) = agency.get(
        "/reports", params={"measure": "documents_with_paper", "unit": UNIT}
    ).json()["items"]
    assert (item["value"], item["feed"]) == (1803, f"nhap-tay.{UNIT}")
    told = agency.get(f"/reports/{item['id']}/history").json()["items"]
    assert {step["actor"] for step in told} == {agency.get("/me").json()["name"]}


@pytest.mark.parametrize(
    ("more", "field", "cure"),
    [
        ({"document": " "}, "document", "Ghi số, ký hiệu văn bản"),
        ({"period": "tháng 8"}, "period", "Ghi một kỳ đã bắt đầu"),
        ({"nothing_occurred": True}, "nothing_occurred", "Chỉ giữ một trong hai"),
        ({"value": None, "numerator": 3}, "denominator", "Ghi cả tử số và mẫu số"),
        ({"measure": "documents"}, "measure", "Dùng đại lượng trong danh mục"),
    ],
)
def test_the_cure_is_that_of_the_field_which_is_wrong(
    agency: httpx2.Client, more: dict[str, Any], field: str, cure: str
) -> None:
    (refused,) = agency.post("/reports", json=[_report(**more)]).json()["refused"]
    assert refused["field"] == field
    assert refused["cure"]["vi"].startswith(cure)


def test_nobody_hands_in_for_a_unit_of_others(server: Server, agency: httpx2.Client) -> None:
    assert agency.post("/reports", json=[], params={"unit": OTHER}).status_code == 403
    receipt = agency.post("/reports", json=[_report(unit=OTHER)]).json()
    (refused,) = receipt["refused"]
    assert (refused["reason"], refused["field"], refused["cell"]) == ("unit_unknown", "unit", None)
    above = server.sign_in("agency", "phu-tho")
    below = above.post("/reports", json=[_report(unit=OTHER)]).json()
    assert below["stored"] == 1


def test_what_was_refused_waits_in_the_quarantine_of_the_units_own_feed(
    agency: httpx2.Client,
) -> None:
    before = agency.get(f"/feeds/nhap-tay.{UNIT}/quarantine").json()["items"]
    assert agency.post("/reports", json=[_report(period="2026-13")]).json()["quarantined"] == 1
    after = agency.get(f"/feeds/nhap-tay.{UNIT}/quarantine").json()["items"]
    assert len(after) == len(before) + 1
    eventually(lambda: any(f["id"] == f"nhap-tay.{UNIT}" for f in _feeds(agency)))


def test_a_body_that_is_no_report_and_no_table_is_told_so(agency: httpx2.Client) -> None:
    assert _hand_in(agency, b"PK\x03\x04 no workbook").json()["detail"].startswith("the file is no")
    assert agency.post("/reports", content=b"{").status_code == 400


def _feeds(client: httpx2.Client) -> list[dict[str, Any]]:
    return client.get("/feeds").json()["items"]


def test_an_agency_that_types_a_report_is_not_called_undeclared_for_it(
    agency: httpx2.Client,
) -> None:
    def scored() -> list[dict[str, Any]]:
        return agency.get("/quality", params={"agency": UNIT}).json()["items"]

    eventually(lambda: any(f["feed"] == f"nhap-tay.{UNIT}" for s in scored() for f in s["feeds"]))
    assert [day["undeclared"] for day in scored()] == [[]]

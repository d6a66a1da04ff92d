"""Reports that are owed: who is missing, the alert that names them, and the spreadsheet back."""

import io
from datetime import date, timedelta
from typing import Any

import httpx2
import openpyxl
import pytest
from psycopg.types.json import Jsonb

from tests.fixtures.server import FeedDoor, Server, eventually, now

UNIT = "so-cong-thuong"
OTHER = "so-tai-chinh"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
NAME = {"vi": "Báo cáo thử", "en": "Report under test"}
MEASURE = {
    "id": "visits_under_test", "name": NAME, "uom": "{visits}", "kind": "flow", "cycle": "day",
    "group": "under-test",
}  # fmt: skip
OBLIGATION = {
    "id": "under-test", "name": NAME, "group": "under-test", "cycle": "day", "working": False,
    "units": [UNIT, OTHER], "days": 0, "time_of_day": "00:00:00", "post": "Chánh Văn phòng",
}  # fmt: skip


@pytest.fixture(scope="module")
def centre(server: Server) -> httpx2.Client:
    return server.sign_in("operator")


@pytest.fixture(scope="module")
def door(server: Server) -> FeedDoor:
    """A feed of a city in which two units owe a report each day, from midnight on."""
    with server.database() as conn:
        conn.execute(
            "INSERT INTO measure (id, place, document) VALUES (%s, 999, %s)",
            [MEASURE["id"], Jsonb(MEASURE)],
        )
        conn.execute(
            "INSERT INTO obligation (id, place, document) VALUES (%s, 0, %s)",
            [OBLIGATION["id"], Jsonb({**OBLIGATION, "valid_from": str(_today())})],
        )
    return server.feed("bao-cao.ngay", UNIT, domain="service", number_format="vietnamese")


def _today() -> date:
    """The day that it is in Vietnam."""
    return (now() + timedelta(hours=7)).date()


def _report(unit: str = UNIT, **more: Any) -> dict[str, Any]:
    given = {"measure": MEASURE["id"], "unit": unit, "period": str(_today()), "document": "BC 1"}
    return {**given, "value": 5, **more}


def _due(centre: httpx2.Client, **query: Any) -> dict[str, Any]:
    found = centre.get("/reports/due", params=query).json()["items"]
    return {item["unit"]["id"]: item for item in found if item["obligation"] == "under-test"}


def _alerts(centre: httpx2.Client) -> dict[str, Any]:
    found = [item for item in centre.get("/alerts").json()["items"] if item["state"] == "active"]
    return {item["unit"]["id"]: item for item in found if item["kind"] == "missing_report"}


def test_a_missing_report_raises_one_alert_that_names_the_unit_until_it_comes(
    door: FeedDoor, centre: httpx2.Client
) -> None:
    eventually(lambda: {UNIT, OTHER} <= set(_alerts(centre)))
    alert = _alerts(centre)[UNIT]
    assert alert["domain"] == "service"
    assert "Công Thương" in alert["reason"]["vi"]
    assert alert["reason"]["vi"].startswith(alert["place"]["name"])
    due = _due(centre)
    assert (due[UNIT]["state"], due[UNIT]["missing"]) == ("missing", [MEASURE["id"]])
    assert due[UNIT]["post"] == "Chánh Văn phòng"
    answers = due[UNIT]["answers"]
    assert answers["unit"] == UNIT
    assert answers["contact"]["phone"] in alert["reason"]["vi"]
    assert door.post([_report()], part="reports").json()["stored"] == 1
    eventually(lambda: UNIT not in _alerts(centre))
    assert _due(centre)[UNIT]["state"] == "late"
    assert OTHER in _alerts(centre)


def test_a_draft_is_not_handed_in(door: FeedDoor, centre: httpx2.Client) -> None:
    assert door.post([_report(OTHER, state="draft")], part="reports").json()["stored"] == 1
    assert _due(centre, unit=OTHER)[OTHER]["state"] == "missing"


def test_nothing_is_owed_on_a_day_before_the_obligation(
    door: FeedDoor, centre: httpx2.Client
) -> None:
    assert _due(centre, on=str(_today() - timedelta(days=1))) == {}
    assert centre.get("/reports/due", params={"on": "hôm qua"}).status_code == 400


def test_an_office_fills_in_the_workbook_and_hands_it_in(
    door: FeedDoor, centre: httpx2.Client
) -> None:
    wanted = {"group": "one-stop", "unit": OTHER, "period": "2026-Q2"}
    answer = centre.get("/reports/template.xlsx", params=wanted)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == XLSX
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    sheet = book["Báo cáo"]
    heading = [cell.value for cell in sheet[1]]
    place = {name: heading.index(name) + 1 for name in ("Giá trị", "Văn bản", "Không phát sinh")}
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, place["Văn bản"], "BC quý II")
        sheet.cell(row, place["Giá trị"], 12.5 if row == 2 else "1.803,5")
    sheet[sheet.cell(2, place["Giá trị"]).coordinate] = None
    sheet.cell(2, place["Không phát sinh"], "x")
    filled = io.BytesIO()
    book.save(filled)
    receipt = door.post(filled.getvalue(), XLSX, part="reports").json()
    assert receipt["problems"] == []
    assert receipt["stored"] == sheet.max_row - 1
    found = centre.get("/reports", params={"unit": OTHER, "period": "2026-Q2", "measure":
                       "reported_resolved_late"}).json()["items"]  # fmt: skip
    assert found[0]["value"] == 1803.5
    again = centre.get("/reports/template.xlsx", params=wanted)
    filled_in = openpyxl.load_workbook(io.BytesIO(again.content))["Báo cáo"]
    assert filled_in.cell(2, place["Không phát sinh"]).value == "x"
    assert filled_in.cell(3, place["Văn bản"]).value == "BC quý II"


def test_a_csv_is_a_table_too_and_an_unknown_column_is_named(door: FeedDoor) -> None:
    text = (
        "Mã đại lượng;Mã đơn vị;Kỳ báo cáo;Giá trị;Văn bản\n"
        f"documents_out;{UNIT};2026-05;1.803;BC 5\n"
        f"documents_out;{UNIT};2026-06;x;BC 6\n"
    )
    receipt = door.post(text.encode(), "text/csv; charset=utf-8", part="reports").json()
    assert (receipt["stored"], receipt["quarantined"]) == (1, 1)
    assert receipt["problems"][0]["index"] == 1
    wrong = door.post(text.replace("Văn bản", "Ghi chú").encode(), "text/csv", part="reports")
    assert wrong.status_code == 400
    assert "Ghi chú" in wrong.json()["detail"]


def test_the_articles_come_in_by_the_front_door(server: Server, centre: httpx2.Client) -> None:
    said = server.command("city", "load", "--history")
    assert "85 reports: 85 stored" in said
    again = server.command("city", "load", "--history")
    assert "0 stored, 0 corrected, 85 known already, 0 refused" in again
    (late,) = centre.get("/reports", params={"measure": "stated_late_share"}).json()["items"]
    assert (late["numerator"], late["denominator"]) == (10, 40828)
    assert late["printed"] == {"value": 0.03, "decimals": 2, "bound": "=", "agrees": False}
    assert late["flags"] == ["printed_disagrees"]
    (share,) = centre.get("/reports", params={"measure": "stated_level_3_4_share",
                          "unit": "nam-dinh-1997"}).json()["items"]  # fmt: skip
    assert (share["value"], share["printed"]["value"]) == (None, 62.3)
    (tree,) = centre.get("/scores", params={"measure": "sipas", "unit": "phu-tho-1997"}).json()[
        "items"
    ]
    assert tree["root"]["report"]["previous_rank"] == 53

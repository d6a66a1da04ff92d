"""The agency's portal: own figures, reports as a workbook and typed, and the tickets of a unit."""

import io
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from playwright.async_api import Browser, FilePayload, Locator, expect

from ioc.documents.workbook import XLSX
from tests.fixtures.agency import OBLIGATION, OTHER, OWN, REPORTER, Office, furnish
from tests.fixtures.browser import Screen, Screens, away
from tests.fixtures.server import PASSWORD, Server, eventually

pytestmark = pytest.mark.browser

LATE = ("NV-1", "NV-2", "NV-3")


@pytest.fixture(scope="module")
async def office(server: Server) -> Office:
    made = await away(furnish, server)
    await away(eventually, lambda: _overdue(made) == 3)
    return made


def _overdue(office: Office) -> Any:
    return office.get("/indicators/in-hand-overdue/values", unit=OWN)["value"]


@pytest.fixture(scope="module")
async def portal(office: Office, browser: Browser) -> AsyncIterator[Screen]:
    screens = Screens(browser)
    screen = await screens.open(office.server, 1280, 900, locale="vi-VN", accept_downloads=True)
    await screen.sign_in(office.name, PASSWORD, "/agency?section=figures")
    try:
        yield screen
    finally:
        await screens.close()


async def _taken_away(portal: Screen, button: Locator) -> tuple[str, bytes]:
    """The name and the bytes of the file that a button gives."""
    async with portal.page.expect_download() as taken:
        await button.click()
    file = await taken.value
    return file.suggested_filename, await away(Path(await file.path()).read_bytes)


async def test_a_section_that_was_asked_for_before_signing_in_is_opened(portal: Screen) -> None:
    await expect(portal.page).to_have_url(re.compile(r"/agency\?section=figures$"))
    await expect(portal.page.get_by_test_id("section-figures")).to_have_attribute(
        "aria-current", "page"
    )


async def test_own_figures_equal_what_the_server_answers(portal: Screen, office: Office) -> None:
    page = portal.page
    query = {"indicator": "online-share", "unit": OWN}
    [standing] = (await away(office.get, "/targets/standing", **query))["items"]
    figure = standing["figure"]
    assert (figure["numerator"], figure["denominator"]) == (6, 12)
    row = page.locator('[data-testid="own-figure"][data-id="online-share"]')
    value = row.get_by_test_id(f"figure-{figure['id']}")
    await expect(value).to_have_attribute("data-value", f"{figure['value']:g}")
    await expect(row).to_contain_text(re.compile(r"50,0\s*%"))
    await expect(row).to_contain_text("6 / 12")
    await expect(row.get_by_test_id("target")).to_contain_text("được giao 51,0 %")
    await expect(row).to_contain_text(figure["target"]["document"])
    await expect(row.get_by_test_id("gap")).to_contain_text("thiếu 1,0 điểm %")
    course = row.get_by_test_id("course")
    await expect(course).to_have_attribute("data-course", standing["pace"]["course"])
    await expect(course.get_by_test_id("why")).to_have_text(standing["reason"]["vi"])
    await expect(row.get_by_test_id("rank")).to_contain_text(
        f"hạng {figure['rank']}/{figure['of']}"
    )
    overdue = page.locator('[data-testid="own-figure"][data-id="in-hand-overdue"]')
    await expect(overdue).to_contain_text("3")


async def test_overdue_dossiers_are_the_own_ones_longest_first_and_can_be_taken_away(
    portal: Screen, office: Office
) -> None:
    page = portal.page
    told = (await away(office.get, "/dossiers", state="overdue"))["items"]
    rows = page.get_by_test_id("dossier")
    await expect(rows).to_have_count(3)
    codes = [await row.get_attribute("data-code") for row in await rows.all()]
    assert codes == [item["code"] for item in told] == list(LATE)
    await expect(rows.first).to_contain_text("Phòng số 1")
    await expect(rows.first).to_contain_text(f"quá {told[0]['days_late']} ngày làm việc")
    _, table = await _taken_away(portal, page.get_by_test_id("overdue-csv"))
    text = table.decode("utf-8-sig")
    lines = text.splitlines()
    assert len(lines) == 4
    assert "NV-1" in lines[1]
    assert "TC-" not in text
    name, form = await _taken_away(portal, page.get_by_test_id("form-xlsx").first)
    assert name.startswith(f"dossiers-quarterly-{OWN}-")
    assert openpyxl.load_workbook(io.BytesIO(form)).sheetnames


async def _open_report(portal: Screen, office: Office) -> None:
    await portal.page.get_by_test_id("section-reports").click()
    due = portal.page.locator(f'[data-testid="due"][data-period="{office.period}"]')
    await due.get_by_role("link").click()
    await expect(portal.page.get_by_test_id("report")).to_be_visible()


def _filled(template: bytes) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(template))
    sheet = book["Báo cáo"]
    heading = [cell.value for cell in sheet[1]]
    value, document = heading.index("Giá trị") + 1, heading.index("Văn bản") + 1
    for row in range(2, sheet.max_row + 1):
        sheet.cell(row, value, "nhiều" if row == 3 else 10 * row)
        sheet.cell(row, document, "BC 10/2026")
    filled = io.BytesIO()
    book.save(filled)
    return filled.getvalue()


async def test_a_late_report_is_filled_in_as_a_workbook_and_a_wrong_cell_is_named(
    portal: Screen, office: Office
) -> None:
    page = portal.page
    await _open_report(portal, office)
    report = page.get_by_test_id("report")
    await expect(report.get_by_test_id("stage")).to_contain_text("Quá hạn, chưa nộp")
    await expect(page.locator('[data-testid="measure"][data-id="documents_out"]')).to_contain_text(
        "1.203"
    )
    _, template = await _taken_away(portal, page.get_by_test_id("template"))
    file: FilePayload = {"name": "bc.xlsx", "mimeType": XLSX, "buffer": _filled(template)}
    await page.get_by_test_id("upload").set_input_files(file)
    receipt = page.get_by_test_id("receipt")
    await expect(receipt).to_contain_text("Đã nhận 5 số liệu; lưu mới 4")
    refused = page.get_by_test_id("refused-row")
    await expect(refused).to_have_count(1)
    await expect(refused).to_contain_text("Trang “Báo cáo”, ô D3: giá trị không hợp lệ")
    await expect(refused).to_contain_text("Cách xử lý: Ghi một số từ 0 trở lên")
    await expect(report.get_by_test_id("stage")).to_contain_text("Quá hạn, nộp chưa đủ")
    stored = await away(office.handed_in)
    assert {m: i["value"] for m, i in stored.items()} == {
        "documents_out": 20, "documents_with_paper": 40,
        "certificates_organisations": 50, "certificates_persons": 60,
    }  # fmt: skip
    await expect(page.get_by_test_id("value-documents_out")).to_have_value("20")


async def test_the_last_figure_is_typed_as_nothing_and_the_whole_is_approved(
    portal: Screen, office: Office
) -> None:
    page = portal.page
    await page.get_by_test_id("nothing-documents_signed").press("Space")
    await page.get_by_test_id("value-documents_with_paper").fill("1.5.2")
    await page.get_by_test_id("hand-in").click()
    refused = page.get_by_test_id("refused-row")
    await expect(refused).to_contain_text("giá trị không hợp lệ")
    await expect(page.get_by_test_id("value-documents_with_paper")).to_have_value("1.5.2")
    await page.get_by_test_id("value-documents_with_paper").fill("1.803,5")
    await page.get_by_test_id("hand-in").click()
    await expect(page.get_by_test_id("receipt")).to_contain_text("sửa 1;")
    await expect(refused).to_have_count(0)
    stored = await away(office.handed_in)
    assert stored["documents_signed"]["nothing_occurred"] is True
    assert stored["documents_with_paper"]["value"] == 1803.5
    report = page.get_by_test_id("report")
    await expect(report.get_by_test_id("stage")).to_contain_text("Đã nộp, chờ duyệt")
    await page.get_by_test_id("approve").click()
    await expect(report.get_by_test_id("stage")).to_contain_text("Đã duyệt")
    await expect(page.get_by_test_id("close")).to_have_count(0)
    await expect(page.get_by_test_id("reopen")).to_have_count(0)
    past = page.locator('[data-id="documents_with_paper"]').get_by_test_id("past")
    await past.locator("summary").click()
    await expect(past).to_contain_text("sửa")
    await expect(past).to_contain_text("duyệt")
    assert {i["state"] for i in (await away(office.handed_in)).values()} == {"approved"}


async def test_the_centre_closes_and_opens_again_with_a_reason(
    office: Office, screens: Screens
) -> None:
    screen = await screens.open(office.server, 1280, 900)
    name = (await away(office.centre.get, "/me")).json()["name"]
    path = (
        f"/agency?section=reports&unit={OWN}&obligation={OBLIGATION['id']}&period={office.period}"
    )
    await screen.sign_in(name, PASSWORD, path)
    page = screen.page
    await expect(page.get_by_test_id("hand-in")).to_have_count(0)
    await page.get_by_test_id("close").click()
    stage = page.get_by_test_id("report").get_by_test_id("stage")
    await expect(stage).to_have_attribute("data-stage", "closed")
    await expect(page.get_by_test_id("reopen")).to_be_disabled()
    await page.get_by_test_id("reopen-reason").fill("đếm sót văn bản")
    await page.get_by_test_id("reopen").click()
    await expect(stage).to_have_attribute("data-stage", "submitted")
    screen.check()


async def test_a_ticket_is_moved_on_and_its_reporter_stays_hidden(
    portal: Screen, office: Office
) -> None:
    page = portal.page
    await page.get_by_test_id("section-tickets").click()
    rows = page.get_by_test_id("ticket-row")
    await expect(rows).to_have_count(1)
    await expect(rows).to_have_attribute("data-code", "PA-NV")
    await expect(rows).to_contain_text("Phường Việt Trì")
    await expect(rows.get_by_test_id("clock")).to_contain_text(re.compile(r"còn \d+ ngày làm việc"))
    await page.get_by_test_id("show-overdue").click()
    await expect(page.get_by_test_id("tickets")).to_contain_text("Không có phản ánh")
    await page.get_by_test_id("show-all").click()
    await rows.get_by_role("link").press("Enter")
    state = page.get_by_test_id("ticket-state")
    await expect(state).to_contain_text("Đã giao, chờ nhận")
    await expect(page.get_by_test_id("clock-solve")).to_have_attribute("data-standing", "running")
    again = {"version": office.ticket["version"], "unit": OWN, "reason": "nhắc lại"}
    moved = await away(office.centre.post, f"/tickets/{office.ticket['id']}/assign", json=again)
    assert moved.status_code == 200
    await page.get_by_test_id("move-accept").click()
    await expect(page.get_by_test_id("refusal")).to_contain_text("the ticket has changed")
    await expect(page.get_by_test_id("step").first).to_contain_text("nhắc lại")
    await page.get_by_test_id("move-accept").press("Enter")
    await expect(state).to_contain_text("Đơn vị đã nhận")
    await page.get_by_test_id("move-start").click()
    await expect(state).to_contain_text("Đang xử lý")
    await page.get_by_test_id("move-resolve").click()
    await page.locator("textarea[name=result]").fill("Đã bỏ thành phần hồ sơ trùng lặp")
    await page.get_by_test_id("move-send").click()
    await expect(state).to_contain_text("Đã có kết quả, chờ duyệt")
    await expect(page.get_by_test_id("step").first).to_have_attribute("data-move", "resolve")
    said = (await portal.text()) + await page.content()
    assert not any(secret in said for secret in REPORTER.values())
    told = await away(office.get, f"/tickets/{office.ticket['id']}")
    assert (told["state"], told["result"]) == ("resolved", "Đã bỏ thành phần hồ sơ trùng lặp")


SAMPLE = {
    "rows": [
        {"id": "tru-so/khach", "at": "2026-11-22T09:00:00+07:00", "value": 41.56},
        {"id": "tru-so/khach", "at": "hôm qua", "value": 12},
    ]
}
"""Read by the mapping that is offered first."""


async def test_a_mapping_is_tried_on_a_sample_and_saved_as_a_new_version(
    portal: Screen, office: Office
) -> None:
    page = portal.page
    door = await away(lambda: office.server.feed("dem-khach", OWN, format="mapped"))
    await portal.go(f"/agency?section=feeds&feed={door.feed}")
    mapping = page.get_by_test_id("mapping")
    await expect(mapping).to_contain_text("Chưa có ánh xạ nào")
    document, trial = page.get_by_test_id("mapping-document"), page.get_by_test_id("trial")
    given = json.loads(await document.input_value())
    await page.get_by_test_id("mapping-sample").fill(json.dumps(SAMPLE))
    await document.fill(json.dumps({**given, "value": "value["}))
    await page.get_by_test_id("mapping-try").click()
    await expect(page.get_by_test_id("trial-problem")).to_have_attribute(
        "data-reason", "mapping_invalid"
    )
    await document.fill(json.dumps(given)[:-1])
    await expect(page.get_by_test_id("mapping-try")).to_be_disabled()
    await document.fill(json.dumps(given))
    await page.get_by_test_id("mapping-try").click()
    await expect(trial).to_have_attribute("data-rows", "1")
    row, problem = page.get_by_test_id("trial-row"), page.get_by_test_id("trial-problem")
    await expect(row).to_contain_text("tru-so/khach")
    await expect(row).to_contain_text("09:00:00 22/11/2026")
    await expect(row).to_contain_text("41,56")
    await expect(problem).to_contain_text("mục thứ 2: thời điểm")
    await expect(problem).to_contain_text("Cách xử lý: Viết thời điểm như 2026")
    assert await away(office.server.stored, door.feed) == 0
    await page.get_by_test_id("mapping-save").click()
    await expect(page.get_by_test_id("mapping-said")).to_contain_text("Đã lưu bản 1")
    await expect(page.get_by_test_id("mapping-version")).to_contain_text("đang dùng")
    await page.get_by_test_id("mapping-from").fill("2099-01-01T00:00")
    await page.get_by_test_id("mapping-save").click()
    await expect(page.get_by_test_id("mapping-version")).to_have_count(2)
    kept = await away(office.get, f"/feeds/{door.feed}/mapping")
    assert (kept["in_force"], kept["items"][0]["effective_from"]) == (1, "2098-12-31T17:00:00Z")
    await page.set_viewport_size({"width": 390, "height": 844})
    assert await page.evaluate("document.documentElement.scrollWidth") == 390
    await page.set_viewport_size({"width": 1280, "height": 900})
    receipt = (await away(door.post, SAMPLE)).json()
    assert (receipt["stored"], receipt["quarantined"]) == (1, 1)


async def test_what_is_of_others_is_refused_in_words(portal: Screen, office: Office) -> None:
    page = portal.page
    await portal.go(f"/agency?section=tickets&ticket={office.strange['id']}")
    refusal = page.get_by_test_id("refusal")
    await expect(refusal).to_contain_text("it is of no unit of its own")
    for path in (f"/agency?section=reports&unit={OTHER}", f"/agency?section=figures&unit={OTHER}"):
        await portal.go(path)
        await expect(page.locator(".panel-head .aside").first).to_contain_text("Sở Nội vụ")
        assert "TC-1" not in await portal.text()
    assert (await away(office.get, "/reports", unit=OTHER))["items"] == []
    # The browser itself notes each answer of 403 and 409; nothing else may have gone wrong.
    assert [f for f in portal.faults if "403" not in f and "409" not in f] == []


@pytest.mark.parametrize("section", ["figures", "reports", "tickets&show=all", "feeds"])
async def test_a_narrow_screen_scrolls_tables_and_never_the_page(
    office: Office, screens: Screens, section: str
) -> None:
    screen = await screens.open(office.server, 390, 844)
    await screen.sign_in(office.name, PASSWORD, f"/agency?section={section}")
    await expect(screen.page.locator("section.panel").first).to_be_visible()
    await expect(screen.page.locator("table").first).to_be_visible()
    wide = await screen.page.evaluate("document.documentElement.scrollWidth")
    assert wide == 390
    screen.check()

"""Two operators and their incidents: opened by keyboard, seen by the other, ended by a result."""

import re
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from playwright.async_api import Locator, Page, expect

from tests.fixtures.browser import Screen, Screens, away, demo_logins
from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def jam(server: Server) -> dict[str, Any]:
    """An alert of the demo: a road that has crawled for long enough."""
    door: FeedDoor = server.door("giao-thong", "so-xay-dung")
    body = [
        {"series": "ql2-vinh-yen/speed", "time": stamp(now() - timedelta(minutes=ago)), "value": 5}
        for ago in (12, 8, 4, 0)
    ]
    assert door.post(body).json()["stored"] == len(body)
    client = server.sign_in()

    def found() -> list[dict[str, Any]]:
        items = client.get("/alerts").json()["items"]
        return [item for item in items if item["rule"] == "traffic-jam"]

    eventually(found)
    return found()[0]


async def a_console(screens: Screens, server: Server, name: str, tab: str) -> Screen:
    screen = await screens.open(server)
    logins = await away(demo_logins, server)
    await screen.sign_in(name, logins[name], f"/console?tab={tab}")
    await screen.live()
    return screen


def card(page: Page, title: str, column: str) -> Locator:
    return page.get_by_test_id(f"column-{column}").get_by_test_id("incident").filter(has_text=title)


async def open_by_keyboard(page: Page, title: str, *, exercise: bool = False) -> None:
    """What an operator types while somebody is on the line."""
    keyboard = page.keyboard
    await keyboard.press("n")
    await expect(page.get_by_test_id("open-source")).to_be_focused()
    await page.get_by_test_id("open-source").select_option("114")
    await keyboard.press("Tab")
    await keyboard.type("chay no")
    await expect(page.get_by_test_id("open-category-choice")).to_have_count(1)
    await keyboard.press("Enter")
    await expect(page.get_by_test_id("open-place")).to_be_focused()
    await keyboard.type("so y t")
    first = page.get_by_test_id("open-place-choice").first
    await expect(first).to_have_attribute("data-id", "so-y-te")
    await keyboard.press("Enter")
    await page.get_by_test_id("open-title").fill(title)
    await page.get_by_test_id("open-phone").fill("0912 345 678")
    await page.get_by_test_id("open-exercise").set_checked(exercise)


async def test_an_incident_opened_by_keyboard_is_seen_by_the_other_and_closed_only_with_a_result(
    server: Server, screens: Screens
) -> None:
    one = await a_console(screens, server, "trucban", "incidents")
    other = await a_console(screens, server, "quantri", "incidents")
    await expect(one.page.get_by_test_id("column-open")).to_contain_text("Không có vụ việc")
    await open_by_keyboard(one.page, "Cháy kho giấy")
    await one.page.keyboard.press("Control+Enter")
    seen = card(other.page, "Cháy kho giấy", "open")
    await expect(seen).to_be_visible(timeout=1_000)
    await expect(seen).to_contain_text("để tiếp nhận")

    # One acknowledges; the other, who decides on what stood before, is told so and looks again.
    await seen.get_by_role("button").click()
    await expect(other.page.get_by_test_id("incident-detail")).to_be_visible()
    await other.page.route("**/api/v1/incidents/*/assign", _older)
    await one.page.get_by_test_id("move-acknowledge").click()
    await expect(other.page.get_by_test_id("move-acknowledge")).to_have_count(0)
    await other.page.keyboard.press("s")
    await other.page.get_by_test_id("move-person").fill("Đội chữa cháy số 1")
    await other.page.get_by_test_id("move-do").click()
    await expect(other.page.get_by_test_id("incident-failure")).to_contain_text(
        "Người khác vừa thay đổi vụ việc này"
    )
    await other.page.unroute("**/api/v1/incidents/*/assign")
    await other.page.get_by_test_id("move-do").click()
    await expect(card(one.page, "Đội chữa cháy số 1", "assigned")).to_be_visible()

    # Work goes on by keyboard; the result comes before the close.
    page = one.page
    await expect(page.get_by_test_id("move-start")).to_be_visible()
    await expect(page.get_by_test_id("move-close")).to_have_count(0)
    await page.keyboard.press("x")
    await page.keyboard.press("b")
    await expect(card(page, "Cháy kho giấy", "in_progress")).to_be_visible()
    await page.get_by_test_id("step").first.check()
    await expect(page.get_by_test_id("incident-log")).to_contain_text("Báo Cảnh sát phòng cháy")
    await page.get_by_test_id("entry").fill("xe chữa cháy đã tới")
    await page.get_by_test_id("entry").press("Enter")
    await expect(page.get_by_test_id("incident-log")).to_contain_text("xe chữa cháy đã tới")
    await page.get_by_test_id("entry").blur()
    await page.get_by_test_id("file-add").set_input_files(
        {"name": "hiện trường.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}
    )
    async with page.expect_download() as kept:
        await page.get_by_test_id("file").click()
    assert (await kept.value).suggested_filename == "hiện trường.pdf"
    await page.keyboard.press("r")
    await page.get_by_test_id("move-do").click()
    await expect(page.get_by_test_id("incident-detail")).to_have_attribute(
        "data-state", "in_progress"
    )
    await page.get_by_test_id("move-result").select_option("false_alarm")
    await page.get_by_test_id("move-do").click()
    await expect(card(page, "báo động giả", "resolved")).to_be_visible()
    await page.get_by_test_id("move-close").click()
    await expect(card(other.page, "Cháy kho giấy", "closed")).to_be_visible()

    # Only who took the call sees its number.
    await other.page.get_by_test_id("caller-look").click()
    await expect(other.page.get_by_test_id("caller")).not_to_contain_text("345")
    await page.get_by_test_id("caller-look").click()
    await expect(page.get_by_test_id("caller")).to_contain_text("0912 345 678")
    one.check()
    other.faults = [fault for fault in other.faults if "409" not in fault]
    other.check()


async def _older(route: Any) -> None:
    """Let a request go out as a slower operator's would: with the version before."""
    body = route.request.post_data_json
    await route.continue_(post_data={**body, "version": body["version"] - 1})


async def test_an_exercise_is_marked_and_what_is_overdue_has_a_shape_and_words(
    server: Server, screens: Screens
) -> None:
    screen = await a_console(screens, server, "trucban", "incidents")
    await open_by_keyboard(screen.page, "Diễn tập sơ tán", exercise=True)
    await screen.page.keyboard.press("Control+Enter")
    made = card(screen.page, "Diễn tập sơ tán", "open")
    await expect(made.get_by_test_id("exercise")).to_have_text("DIỄN TẬP")
    # The card may be there before the form has had its answer; until then keys are written in it.
    await expect(screen.page.get_by_test_id("incident-detail")).to_be_visible()
    await screen.page.keyboard.press("e")
    await screen.page.get_by_test_id("move-text").fill("cần lãnh đạo quyết định")
    await screen.page.keyboard.press("Enter")
    await expect(made.get_by_test_id("level")).to_have_text("↑ báo phòng trực")
    # The clock of the page runs an hour ahead: the deadlines of a fire have passed by then.
    await screen.page.clock.set_system_time(now() + timedelta(hours=1))
    await expect(made.get_by_test_id("overdue")).to_contain_text("quá hạn tiếp nhận")
    screen.check()


async def test_an_alert_becomes_an_incident_and_says_which_one(
    server: Server, screens: Screens, jam: dict[str, Any]
) -> None:
    screen = await a_console(screens, server, "trucban", "alerts")
    page = screen.page
    row = page.locator(f'[data-testid=alert][data-id="{jam["id"]}"]')
    await row.get_by_role("button").first.click()
    await page.get_by_test_id("call-note").click()
    await page.get_by_test_id("call-person").fill("Đội CSGT số 2")
    await page.get_by_test_id("call-result").select_option("no_answer")
    await page.get_by_test_id("call-do").click()
    await expect(page.get_by_test_id("call")).to_contain_text("không nghe máy")
    await page.get_by_test_id("make-incident").click()
    await expect(page.get_by_test_id("open-place")).to_have_value(jam["place"]["name"])
    await page.get_by_test_id("open-category").fill("ùn tắc")
    await page.keyboard.press("Enter")
    await page.get_by_test_id("open-submit").click()
    await expect(page.get_by_test_id("part-alert")).to_contain_text(jam["place"]["name"])
    code = await page.locator(".incident-whole .incident-marks .caption").first.inner_text()
    await page.get_by_test_id("tab-alerts").click()
    await expect(row).to_contain_text(code)
    await row.get_by_role("button").first.click()
    await page.get_by_test_id("incident-of-alert").click()
    await expect(page.get_by_test_id("incident-detail")).to_contain_text(code)
    screen.check()


async def test_a_shift_is_taken_written_and_handed_over_with_its_report(
    server: Server, screens: Screens, jam: dict[str, Any]
) -> None:
    client = await away(server.sign_in)
    screen = await a_console(screens, server, "trucban", "shift")
    page = screen.page
    await page.get_by_test_id("shift-people").fill("Nguyễn An, Trần Bình")
    await page.get_by_test_id("shift-begin").click()
    await expect(page.get_by_test_id("running-shift")).to_contain_text("Nguyễn An, Trần Bình")
    await page.get_by_test_id("shift-entry").fill("Mưa to ở Tam Đảo, theo dõi sạt lở")
    await page.get_by_test_id("shift-entry").press("Enter")
    await expect(page.get_by_test_id("shift-log")).to_contain_text("Mưa to ở Tam Đảo")
    await expect(page.get_by_test_id("duty").first.get_by_role("link")).to_have_attribute(
        "href", re.compile(r"tel:\+8490000000[12]")
    )
    await away(_acknowledge, client, jam["id"])
    async with page.context.expect_page() as opened:
        await page.get_by_test_id("report-print").first.click()
    paper = await opened.value
    for said in ("BÁO CÁO CA TRỰC", jam["title"]["vi"], "Mưa to ở Tam Đảo", "Nguyễn An"):
        await expect(paper.locator("body")).to_contain_text(said)
    await paper.close()
    await page.get_by_test_id("shift-hand-over").click()
    await page.get_by_test_id("shift-to").fill("Lê Chi")
    await page.get_by_test_id("shift-summary").fill("Một vụ ùn tắc, chưa xong")
    await page.get_by_test_id("shift-end").click()
    await expect(page.get_by_test_id("no-shift")).to_be_visible()
    screen.check()


def _acknowledge(client: httpx2.Client, alert: str) -> None:
    assert client.post(f"/alerts/{alert}/acknowledge", json={}).status_code == 200

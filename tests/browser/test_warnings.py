"""What is warned of and what is planned: drawn on the wall, typed in at the console."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import expect

from tests.fixtures.browser import Screen, Screens, away, comes_about, demo_logins
from tests.fixtures.server import Server, now

pytestmark = pytest.mark.browser


async def signed_in(screens: Screens, server: Server, path: str) -> Screen:
    """The screen at a path, of who is on watch."""
    logins = await away(demo_logins, server)
    screen = await screens.open(server)
    await screen.sign_in("trucban", logins["trucban"], path)
    await screen.live()
    return screen


async def warnings(client: httpx2.Client) -> list[dict[str, Any]]:
    return (await away(client.get, "/warnings")).json()["items"]


RING = [[105.0, 21.2], [105.6, 21.2], [105.6, 21.6], [105.0, 21.2]]


async def test_a_warned_area_is_drawn_until_it_is_over(server: Server, screens: Screens) -> None:
    screen = await signed_in(screens, server, "/")
    await screen.map_ready()
    client = await away(server.sign_in)
    note = {
        "level": 3, "hazard": "Mưa lớn", "text": "Mưa lớn diện rộng",
        "area": {"type": "Polygon", "coordinates": [RING]},
        "ends": (now() + timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    warning = (await away(client.post, "/warnings", json=note)).json()["id"]

    async def shown() -> bool:
        return await screen.drawn("canh-bao-fill") == 1

    await comes_about(shown)
    await away(client.post, f"/warnings/{warning}/cancel", json={"why": "hết mưa"})

    async def gone() -> bool:
        return await screen.drawn("canh-bao-fill") == 0

    await comes_about(gone)
    screen.check()


async def test_a_bulletin_is_typed_in_with_its_pdf_and_taken_back(
    server: Server, screens: Screens, tmp_path: Path
) -> None:
    screen = await signed_in(screens, server, "/console")
    page = screen.page
    await page.get_by_test_id("tab-announced").click()
    await page.get_by_test_id("write-bulletin").click()
    form = page.get_by_test_id("bulletin-form")
    await form.locator("[name=level]").select_option("4")
    await form.locator("[name=hazard]").fill("Lũ quét")
    await form.locator("[name=source]").fill("Đài Khí tượng thủy văn tỉnh")
    await form.locator("[name=text]").fill("Nguy cơ lũ quét ở các suối nhỏ.")
    await expect(page.get_by_test_id("bulletin-send")).to_be_disabled()
    await form.get_by_test_id("unit-search").fill("Việt Trì")
    await form.get_by_test_id("unit-found").first.click()
    pdf = tmp_path / "ban-tin.pdf"
    pdf.write_bytes(b"%PDF-1.4\n%%EOF\n")
    await form.get_by_test_id("bulletin-file").set_input_files(pdf)
    await page.get_by_test_id("bulletin-send").click()

    bulletin = page.get_by_test_id("bulletin").filter(has_text="Lũ quét")
    await expect(bulletin.get_by_test_id("national-level")).to_have_attribute("data-level", "4")
    await expect(bulletin.get_by_test_id("bulletin-pdf")).to_be_visible()
    client = await away(server.sign_in)
    events = {one["message"]["infos"][0]["event"]: one for one in await warnings(client)}
    taken = events["Lũ quét"]
    assert taken["bulletin"]
    assert taken["national_level"] == 4

    await bulletin.get_by_test_id("end-bulletin").click()
    await bulletin.get_by_role("textbox").fill("nhập nhầm cấp")
    await bulletin.get_by_test_id("end-bulletin-do").click()
    await expect(bulletin).to_have_attribute("data-over", "true")
    screen.check()


async def test_planned_work_is_announced_and_ended_at_the_console(
    server: Server, screens: Screens
) -> None:
    screen = await signed_in(screens, server, "/console")
    page = screen.page
    await page.get_by_test_id("tab-announced").click()
    await page.get_by_test_id("write-silence").click()
    form = page.get_by_test_id("silence-form")
    await form.locator("[name=why]").fill("Thay máy biến áp")
    await expect(page.get_by_test_id("silence-send")).to_be_disabled()  # it would mean every alert
    await form.locator("[name=domain]").select_option("electricity")
    await page.get_by_test_id("silence-send").click()

    silence = page.get_by_test_id("silence").filter(has_text="Thay máy biến áp")
    await expect(silence).to_have_attribute("data-standing", "running")
    client = await away(server.sign_in)
    (kept,) = (await away(client.get, "/silences")).json()["items"]
    assert kept["matcher"] == {"domain": "electricity"}
    await silence.get_by_test_id("end-silence").click()
    await expect(silence).to_have_attribute("data-standing", "over")
    screen.check()

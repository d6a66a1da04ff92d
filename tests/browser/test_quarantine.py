"""The agency's portal: what is held back is repaired, replayed and let go by hand."""

import json
from datetime import timedelta

import pytest
from playwright.async_api import expect

from tests.fixtures.browser import Screens, away, demo_logins
from tests.fixtures.server import Server, now, stamp

pytestmark = pytest.mark.browser


async def test_an_agency_repairs_replays_and_discards_what_was_held_back(
    server: Server, screens: Screens
) -> None:
    hospitals = await away(server.door, "benh-vien", "so-y-te")
    key, at = "bvdk-phu-tho/beds-occupied", stamp(now() - timedelta(minutes=2))
    sent = [
        {"series": key, "time": at, "value": 1204},
        {"series": key, "time": "hôm qua", "value": 1205},
        {"series": key, "value": 1206},
    ]
    body = json.dumps(sent, ensure_ascii=False).encode()
    assert (await away(hospitals.post, body)).json()["quarantined"] == 2
    logins = await away(demo_logins, server)
    screen = await screens.open(server)
    page = screen.page
    await screen.sign_in("soyte", logins["soyte"])
    await page.get_by_test_id("feed-benh-vien").get_by_role("button").click()
    ledger, held = page.get_by_test_id("ledger"), page.get_by_test_id("quarantined")
    await expect(ledger).to_contain_text("33,3 % 1/3")
    await expect(ledger).to_contain_text("2 phút")
    await expect(held).to_have_count(2)
    wrong = page.locator('[data-reason="time_invalid"]')
    await expect(wrong).to_contain_text("Cách xử lý: Viết thời điểm như 2026")
    await wrong.get_by_test_id("repair").click()
    editor = wrong.get_by_test_id("editor")
    text = await editor.input_value()
    await editor.fill(text[:-1])
    await expect(wrong.get_by_test_id("save-replay")).to_be_disabled()
    await editor.fill(text.replace("hôm qua", stamp(now() - timedelta(minutes=1))))
    await wrong.get_by_test_id("save-replay").click()
    said = page.get_by_test_id("quarantine-said")
    await expect(said).to_contain_text("1/1")
    await expect(held).to_have_count(1)
    assert await away(server.stored, "benh-vien") == 2
    await page.get_by_test_id("replay-all").click()
    await expect(said).to_contain_text("0/1")
    await held.get_by_test_id("discard").click()
    await held.get_by_test_id("discard").click()
    await expect(held).to_have_count(0)
    await page.get_by_test_id("state-dropped").click()
    await expect(held).to_contain_text("soyte bỏ lúc")
    await page.get_by_test_id("state-replayed").click()
    await expect(held).to_contain_text("soyte sửa lúc")
    screen.check()


@pytest.mark.parametrize(
    ("source", "shown"), [("payload", 0), ("arrival", 1)], ids=["own-time", "arrival"]
)
async def test_the_ledger_of_a_feed_without_times_of_its_own_says_that_doubles_are_stored(
    server: Server, screens: Screens, source: str, shown: int
) -> None:
    feed = f"dem-{source}"
    await away(lambda: server.feed(feed, time_source=source))
    logins = await away(demo_logins, server)
    screen = await screens.open(server)
    page = screen.page
    await screen.sign_in("soyte", logins["soyte"])
    await page.get_by_test_id(f"feed-{feed}").get_by_role("button").click()
    ledger = page.get_by_test_id("ledger")
    await expect(ledger).to_contain_text(feed)
    await expect(ledger).to_contain_text("Chưa nhận gì")
    note = page.get_by_test_id("not-idempotent")
    await expect(note).to_have_count(shown)
    if shown:
        await expect(note).to_contain_text("Không chống trùng")
    screen.check()

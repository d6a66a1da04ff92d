"""The wall as people see it: what agencies send, what goes wrong, who is on it."""

import json
import re
import shutil
import subprocess
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx2
import pytest
from playwright.async_api import Browser, Page, expect

from tests.fixtures.browser import (
    Screen,
    Screens,
    away,
    colours,
    comes_about,
    demo_logins,
)
from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

pytestmark = pytest.mark.browser

ROAD = "ql2-vinh-yen"
ROAD_ON_MAP = f"giao-thong/{ROAD}"


def _item(series: str, value: float, minutes_ago: float = 0) -> dict[str, object]:
    at = now() - timedelta(minutes=minutes_ago)
    return {"series": series, "time": stamp(at), "value": value}


def _crawl(place: str, speed: float) -> list[dict[str, object]]:
    """A road that crawled for longer than the rules wait."""
    return [_item(f"{place}/speed", speed, ago) for ago in (12, 10, 8, 6, 4, 2, 0)]


def _mosquitto_pub(door: FeedDoor, topic: str, body: str) -> None:
    """Publish with Debian's own client, as soon as the broker knows the password."""
    program = shutil.which("mosquitto_pub")
    assert program is not None, "mosquitto_pub is missing; cure: apt-get install mosquitto-clients"
    command = [
        program, "-h", "127.0.0.1", "-p", str(door.server.mqtt_port), "-u", door.agency,
        "-P", door.password, "-t", topic, "-q", "1", "-m", body,
    ]  # fmt: skip
    eventually(lambda: subprocess.run(command, capture_output=True, check=False).returncode == 0)


@pytest.fixture(scope="module")
def traffic(server: Server) -> FeedDoor:
    """The door of the demo's traffic feed."""
    return server.door("giao-thong", "so-xay-dung")


async def _wall(screens: Screens, server: Server) -> Screen:
    screen = await screens.open(server)
    logins = await away(demo_logins, server)
    await screen.sign_in("trucban", logins["trucban"], "/")
    await screen.live()
    await screen.map_ready()
    return screen


@pytest.fixture(scope="module")
async def wall(server: Server, browser: Browser) -> AsyncIterator[Screen]:
    """An operator's wall that stays open for the tests of this file, as it does in the room."""
    screens = Screens(browser)
    try:
        yield await _wall(screens, server)
    finally:
        await screens.close()


async def _alert(page: Page, title: str, place: str) -> str:
    """The id of the alert of that title at that place, once it is listed."""
    row = page.get_by_test_id("alert").filter(has_text=title).filter(has_text=place)
    await expect(row).to_have_count(1)
    return await row.get_attribute("data-id") or ""


async def test_an_observation_sent_by_mqtt_appears_on_the_wall(
    traffic: FeedDoor, wall: Screen
) -> None:
    page = wall.page
    await wall.placed("traffic", ROAD_ON_MAP, "never")

    body = json.dumps({"time": stamp(), "value": 47.5})
    await away(_mosquitto_pub, traffic, f"{traffic.topic}/{ROAD}/speed", body)
    await away(traffic.publish, json.dumps([_item(f"{ROAD}/flow", 1234)]).encode())

    found = await wall.placed("traffic", ROAD_ON_MAP, "fresh")
    await page.mouse.click(found["x"], found["y"])
    detail = page.get_by_test_id("detail")
    await expect(detail).to_contain_text("QL2 · tránh Vĩnh Yên")
    await expect(detail).to_contain_text("47,5")
    await expect(detail).to_contain_text("1.234")
    await expect(page.get_by_test_id("feed-giao-thong")).to_have_attribute("data-state", "fresh")
    wall.check()


async def test_an_alert_is_seen_acknowledged_and_cleared_on_every_page(
    server: Server, traffic: FeedDoor, wall: Screen, screens: Screens
) -> None:
    leader = await screens.open(server, 390, 844)
    logins = await away(demo_logins, server)
    await leader.sign_in("lanhdao", logins["lanhdao"], "/m")
    await leader.live()
    await expect(wall.page.get_by_test_id("alerts-none")).to_be_visible()

    receipt = await away(traffic.post, _crawl("ql2-hop-thinh", 5))
    assert receipt.json()["stored"] == 7

    jam = await _alert(wall.page, "Tắc đường", "Hợp Thịnh")
    row = wall.page.locator(f'[data-id="{jam}"]')
    far = leader.page.locator(f'[data-id="{jam}"]')
    await expect(row).to_have_attribute("data-severity", "high")
    await expect(row).to_have_attribute("data-state", "active")
    for one in (row, far):
        await expect(one).to_have_attribute("data-acknowledged", "false")

    async def drawn() -> bool:
        return await wall.drawn("alerts") + await wall.drawn("alert-clusters") > 0

    await comes_about(drawn)

    await row.get_by_test_id("acknowledge").click()
    for one in (row, far):
        await expect(one).to_have_attribute("data-acknowledged", "true")
    await expect(far).to_contain_text("trucban đã nhận")

    await expect(wall.page.get_by_test_id("alerts-quiet")).to_be_visible()
    await away(traffic.post, [_item("ql2-hop-thinh/speed", 52)])
    # Acknowledged and cleared: it closes. What it explained is quiet no more, and waits until
    # somebody has seen it.
    await expect(row).to_have_count(0)
    await expect(far).to_have_count(0)
    slow = await _alert(wall.page, "Xe đi rất chậm", "Hợp Thịnh")
    waiting = wall.page.locator(f'[data-id="{slow}"]')
    await expect(waiting).to_have_attribute("data-state", "cleared")
    await waiting.get_by_test_id("acknowledge").click()
    await expect(waiting).to_have_count(0)
    await expect(wall.page.get_by_test_id("alerts-none")).to_be_visible()
    wall.check()
    leader.check()


async def test_a_value_older_than_its_limit_is_shown_as_stale_and_never_as_normal(
    server: Server, wall: Screen
) -> None:
    rivers = await away(server.door, "thuy-van", "dai-khi-tuong-thuy-van")
    sent = [_item("tv-viet-tri/water-level", 10.2, 180)]
    assert (await away(rivers.post, sent)).json()["stored"] == 1

    found = await wall.placed("river", "thuy-van/tv-viet-tri", "stale")
    assert found["icon"] == "environment-stale"
    page = wall.page
    await expect(page.get_by_test_id("feed-thuy-van")).to_have_attribute("data-state", "stale")
    await page.mouse.click(found["x"], found["y"])
    await expect(page.get_by_test_id("detail").locator(".hollow")).to_have_text("10,2")
    await expect(page.get_by_test_id("detail")).to_contain_text("3 giờ trước")
    wall.check()


async def test_the_map_is_really_drawn(wall: Screen, browser: Browser) -> None:

    async def whole() -> bool:
        return await wall.drawn("units-fill") > 100

    await comes_about(whole)

    async def sensors() -> bool:
        return await wall.drawn("traffic-points") >= 30

    await comes_about(sensors)
    picture = await wall.page.locator(".map canvas").first.screenshot()
    assert await colours(browser, picture) > 50
    wall.check()


KEY_LIKE = re.compile(
    r"\b(?:undefined|NaN|null|\[object Object\]|[a-z]+_[a-z_]+|[a-z]+[a-z]*[A-Z][a-z]+[A-Za-z]*)\b"
)

WORDS = """() => {
    const seen = element => element.checkVisibility?.() ?? true
    return {
        lang: document.documentElement.lang,
        text: document.body.innerText,
        heads: [...document.querySelectorAll('h2')].filter(seen).map(head => head.innerText.trim()),
        empty: [...document.querySelectorAll('h1, h2, h3, th, dt, button, label')]
            .filter(seen)
            .filter(e => !e.innerText.trim() && !e.getAttribute('aria-label'))
            .map(e => e.outerHTML.slice(0, 200)),
    }
}"""


async def test_both_languages_are_complete(server: Server, wall: Screen) -> None:
    grid = await away(server.door, "luoi-dien", "dien-luc-phu-tho")
    air = await away(server.door, "khong-khi", "so-nong-nghiep-moi-truong")
    await away(grid.post, [_item("tba-viet-tri/customers-out", 1234)])
    pack = [{"n": "kk-viet-tri/pm25", "t": now().timestamp(), "u": "ug/m3", "v": 31.25}]
    answer = await away(air.post, pack, "application/senml+json")
    assert answer.json()["stored"] == 1
    page = wall.page
    await page.evaluate(
        "location.hash = '#feature/environment/' + encodeURIComponent('khong-khi/kk-viet-tri')"
    )
    tile, detail = page.get_by_test_id("tile-electricity"), page.get_by_test_id("detail")
    await expect(tile).to_contain_text("1.234")
    await expect(detail).to_contain_text("31,3")
    vietnamese = await page.evaluate(WORDS)

    await page.get_by_test_id("language-en").click()
    await expect(tile).to_contain_text("1,234")
    await expect(detail).to_contain_text("31.3")
    english = await page.evaluate(WORDS)
    await page.get_by_test_id("language-vi").click()
    await expect(tile).to_contain_text("1.234")
    again = await page.evaluate(WORDS)

    assert (vietnamese["lang"], english["lang"], again["lang"]) == ("vi", "en", "vi")
    for words in (vietnamese, english):
        assert KEY_LIKE.findall(words["text"]) == []
        assert words["empty"] == []
    assert again["heads"] == vietnamese["heads"]
    same = [head for head in english["heads"] if head in vietnamese["heads"]]
    assert all(
        not re.search("[a-z]{3}", head) or head == "Trạm không khí Việt Trì" for head in same
    )
    wall.check()


async def test_the_wall_survives_a_killed_server_without_a_reload(
    own_server: Server, screens: Screens
) -> None:
    await away(own_server.start)
    traffic = await away(own_server.door, "giao-thong", "so-xay-dung")
    screen = await _wall(screens, own_server)
    page = screen.page
    assert (await away(traffic.post, _crawl("ql2-hop-thinh", 5))).json()["stored"] == 7
    jam = await _alert(page, "Tắc đường", "Hợp Thịnh")
    await page.evaluate("window.__before = 'the same page'")

    await away(own_server.kill)
    await expect(page.get_by_test_id("lost-bar")).to_be_visible()
    await expect(page.locator(f'[data-id="{jam}"]')).to_be_visible()
    await away(own_server.start)
    # Two things the page did not see happen: another alert, and somebody on the first.
    assert (await away(traffic.post, _crawl("ql2-vinh-yen", 6))).json()["stored"] == 7
    await away(_acknowledge, own_server, jam)

    await expect(page.get_by_test_id("lost-bar")).to_have_count(0)
    await screen.live()
    await _alert(page, "Tắc đường", "Vĩnh Yên")
    await expect(page.locator(f'[data-id="{jam}"]')).to_have_attribute("data-acknowledged", "true")
    await away(traffic.post, [_item("ql2-vinh-tuong/speed", 44)])
    await screen.placed("traffic", "giao-thong/ql2-vinh-tuong", "fresh")
    listed = await away(_open_alerts, own_server)
    rows = page.get_by_test_id("alert")
    await expect(rows).to_have_count(len(listed))
    shown = {await row.get_attribute("data-id") for row in await rows.all()}
    assert shown == listed
    assert await page.evaluate("window.__before") == "the same page"
    screen.check(outage=True)


def _person(server: Server) -> httpx2.Client:
    return server.client("trucban", demo_logins(server)["trucban"])


def _acknowledge(server: Server, alert: str) -> None:
    answer = _person(server).post(f"/alerts/{alert}/acknowledge")
    assert answer.status_code == 200, answer.text


def _open_alerts(server: Server) -> set[str]:
    items = _person(server).get("/alerts").json()["items"]
    return {item["id"] for item in items if item["muted"] is None}


async def test_a_wrong_password_is_told_and_leads_nowhere(server: Server, screens: Screens) -> None:
    screen = await screens.open(server)
    await screen.go("/login")
    await screen.page.fill("input[name=name]", "trucban")
    await screen.page.fill("input[name=password]", "khong-phai-mat-khau")
    await screen.page.get_by_test_id("login-submit").click()
    await expect(screen.page.get_by_test_id("login-failure")).not_to_be_empty()
    assert "/login" in screen.page.url
    screen.check(outage=True)

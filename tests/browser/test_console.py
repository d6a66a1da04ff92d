"""Operators at their consoles: what they find, what they do, and how each sees the other."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.fixtures.browser import Screen, Screens, away, demo_logins
from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

pytestmark = pytest.mark.browser

ROAD = "ql2-vinh-yen"
AREA = [[105.0, 21.2], [105.6, 21.2], [105.6, 21.6], [105.0, 21.2]]


@pytest.fixture(scope="module")
def traffic(server: Server) -> FeedDoor:
    """The door of the demo's traffic feed, whose road has crawled for long enough."""
    door = server.door("giao-thong", "so-xay-dung")
    send(door, *[(ago, 5.0) for ago in (12, 8, 4, 0)])
    client = server.sign_in()
    eventually(lambda: jams(client.get("/alerts").json()["items"]))
    return door


def send(door: FeedDoor, *pairs: tuple[float, float]) -> None:
    body = [
        {"series": f"{ROAD}/speed", "time": stamp(now() - timedelta(minutes=ago)), "value": speed}
        for ago, speed in pairs
    ]
    assert door.post(body).json()["stored"] == len(body)


def jams(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item for item in items if item["rule"] == "traffic-jam"]


async def a_console(screens: Screens, server: Server, name: str) -> Screen:
    screen = await screens.open(server)
    logins = await away(demo_logins, server)
    await screen.sign_in(name, logins[name], "/console")
    await screen.live()
    return screen


def the_jam(page: Page) -> Locator:
    """Its row; the slow traffic that it explains is of lesser severity."""
    return page.locator('[data-testid=alert][data-severity="high"]')


async def test_a_move_of_one_operator_is_seen_by_the_other_and_none_is_overwritten(
    server: Server, screens: Screens, traffic: FeedDoor
) -> None:
    one = await a_console(screens, server, "trucban")
    other = await a_console(screens, server, "quantri")
    for screen in (one, other):
        await the_jam(screen.page).get_by_role("button").first.click()
    frame = {"series": f"cam-{ROAD}/frame-rate", "time": stamp(), "value": 25}
    seen = await away(server.door, "camera", "so-xay-dung")
    assert (await away(seen.post, [frame])).json()["stored"] == 1
    camera = one.page.get_by_test_id("camera").filter(has_text="Vĩnh Yên")
    await expect(camera).to_contain_text("hình cuối")
    await expect(camera).to_contain_text("vừa xong")
    await expect(camera.get_by_role("link")).to_have_attribute(
        "href", f"https://camera.example/phu-tho/{ROAD}"
    )
    await one.page.keyboard.press("s")
    await one.page.get_by_test_id("assign-search").fill("Sở Y")
    await one.page.locator('[data-testid=assign-unit][data-id="so-y-te"]').click()
    await expect(other.page.get_by_test_id("assignee")).to_contain_text("Sở Y tế")

    # The other one's page is held back: it decides by what it saw before.
    await other.page.route("**/api/v1/alerts/*/shelve", _older)
    await other.page.keyboard.press("h")
    await other.page.get_by_test_id("shelve-why").fill("chờ đội sửa đường")
    await other.page.get_by_test_id("shelve-do").click()
    await expect(other.page.get_by_test_id("move-failure")).to_contain_text(
        "Người khác vừa thay đổi"
    )
    await other.page.unroute("**/api/v1/alerts/*/shelve")
    await other.page.get_by_test_id("shelve-do").click()
    row = the_jam(one.page)
    await expect(row).to_contain_text("chờ đội sửa đường")
    await one.page.get_by_test_id("unshelve").click()
    await expect(row).not_to_contain_text("chờ đội sửa đường")

    send(traffic, (0, 60.0))
    await one.page.get_by_test_id("close").click()
    await expect(row).to_have_count(0)
    await expect(the_jam(other.page)).to_have_count(0)
    one.check()
    other.faults = [fault for fault in other.faults if "409" not in fault]
    other.check()


async def _older(route: Any) -> None:
    """Let a request go out as a slower operator's would: with the version before."""
    body = route.request.post_data_json
    await route.continue_(post_data={**body, "version": body["version"] - 1})


def standing_roads(server: Server, feed: str, *roads: str) -> list[dict[str, Any]]:
    """Alerts of a feed of one's own, on whose roads nothing moves."""
    door = server.feed(feed, "so-xay-dung", domain="traffic")
    body = [
        {"series": f"{road}/speed", "time": stamp(now() - timedelta(minutes=ago)), "value": 4.0}
        for road in roads
        for ago in (12, 1)
    ]
    assert door.post(body).json()["stored"] == len(body)
    client = server.sign_in()

    def found() -> list[dict[str, Any]]:
        return [i for i in client.get("/alerts").json()["items"] if i["feed"] == feed]

    eventually(lambda: len(found()) == len(roads))
    return found()


async def test_a_filter_stands_in_the_address_and_says_how_many_of_how_many_it_leaves(
    server: Server, screens: Screens
) -> None:
    await away(standing_roads, server, "cam-loc", "đường-hùng-vương", "phố-lò-đúc")
    screen = await a_console(screens, server, "trucban")
    page = screen.page
    counted, rows = page.get_by_test_id("counted"), page.get_by_test_id("alert")
    await expect(rows.filter(has_text="phố-lò-đúc")).to_have_count(1)
    every = await rows.count()
    await expect(counted).to_have_text(f"{every} trong {every}")
    await page.get_by_test_id("filter-text").fill("duong HUNG")
    await page.get_by_test_id("filter-high").click()
    await expect(counted).to_have_text(f"1 trong {every}")
    await page.reload()
    await expect(counted).to_have_text(f"1 trong {every}")
    await expect(rows).to_contain_text("đường-hùng-vương")
    await page.get_by_test_id("filter-critical").click()
    await page.get_by_test_id("filter-high").click()
    await expect(page.get_by_text("Không có cảnh báo nào khớp.")).to_be_visible()
    await page.get_by_test_id("filter-none").click()
    await expect(rows).to_have_count(every)
    await page.keyboard.press("?")
    await expect(page.get_by_test_id("help")).to_contain_text("đánh dấu cả vụ")
    await page.keyboard.press("j")
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("help")).to_have_count(0)
    await expect(page.locator(".console-row.chosen")).to_have_count(0)
    screen.check()


async def test_what_is_marked_is_acknowledged_together_and_what_was_overtaken_is_named(
    server: Server, screens: Screens
) -> None:
    roads = ["xa-1", "xa-2", "xa-3"]
    items = await away(standing_roads, server, "cam-dau", *roads)
    screen = await a_console(screens, server, "trucban")
    page = screen.page
    await page.get_by_test_id("filter-text").fill("xa-")
    await expect(page.get_by_test_id("alert")).to_have_count(3)
    await page.keyboard.press("Escape")
    for key in ("j", "x", "j", "j", "Shift+X"):
        await page.keyboard.press(key)
    await expect(page.get_by_test_id("marked")).to_contain_text("3")
    lost = next(item for item in items if item["place"]["name"] == "xa-2")

    async def one_is_overtaken(route: Any) -> None:
        body = route.request.post_data_json
        for seen in body["alerts"]:
            seen["version"] += seen["id"] == lost["id"]
        await route.continue_(post_data=body)

    await page.route("**/api/v1/alerts/bulk", one_is_overtaken)
    await page.keyboard.press("a")
    await page.get_by_test_id("bulk-reason").fill("cùng một chỗ tắc")
    await page.get_by_test_id("bulk-do").click()
    outcome = page.get_by_test_id("bulk-outcome")
    await expect(outcome).to_contain_text("2 cảnh báo đã xong")
    await expect(outcome.get_by_role("listitem")).to_contain_text("xa-2")
    await expect(page.locator('[data-testid=alert][data-acknowledged="true"]')).to_have_count(2)
    client = await away(server.sign_in)
    done = next(item for item in items if item["place"]["name"] == "xa-1")
    log = (await away(client.get, f"/alerts/{done['id']}/log")).json()["items"]
    assert (log[-1]["change"], log[-1]["comment"]) == ("acknowledge", "cùng một chỗ tắc")
    screen.check()


def a_busy_month(server: Server) -> None:
    """Alerts of the past month: jams that end two minutes after their hold time, and a storm."""
    with server.database() as database:
        database.execute("""
            INSERT INTO alert (alert_id, fingerprint, rule_id, kind, severity, state,
                               pending_since, active_since, cleared_at, closed_at,
                               acknowledged_at, reason)
            SELECT gen_random_uuid(), rule || n % spread, rule, 'threshold', severity, 'cleared',
                   at - hold, at, at + lasts, at + lasts, at + lasts + n * interval '2 seconds',
                   'held'
              FROM (VALUES ('traffic-jam', 'high', 40, 7, '12 hours', '10 min', '2 min'),
                           ('traffic-slow', 'medium', 90, 30, '5 hours', '10 min', '25 min'),
                           ('outage', 'critical', 14, 14, '30 seconds', '0', '40 min'),
                           ('load-high', 'high', 6, 3, '4 days', '30 min', '30 hours'),
                           ('traffic-missing', 'low', 60, 9, '9 hours', '0', '3 min'))
                   AS brought (rule, severity, many, spread, every, held, lasted)
             CROSS JOIN LATERAL generate_series(1, many) AS n
             CROSS JOIN LATERAL (
                   SELECT now() - interval '2 hours' - n * every::interval AS at,
                          held::interval AS hold, lasted::interval AS lasts) AS times
        """)


async def test_alert_health_shows_its_figures_and_tries_what_it_proposes(
    server: Server, screens: Screens, traffic: FeedDoor
) -> None:
    await away(a_busy_month, server)
    screen = await a_console(screens, server, "trucban")
    page = screen.page
    await page.get_by_test_id("tab-health").click()
    rate = page.get_by_test_id("health-rate")
    await expect(rate).to_contain_text("giờ trực")
    await expect(rate).to_have_attribute("data-met", "true")
    await expect(page.get_by_test_id("health-peak")).to_have_attribute("data-met", "false")
    await expect(page.get_by_test_id("health-rule").first).to_contain_text("Xe đi rất chậm")
    jam = page.locator('[data-testid=health-advice][data-rule="traffic-jam"][data-kind=hold]')
    client = await away(server.sign_in)
    told = (await away(client.get, "/alerts/health")).json()["advice"]
    longer = next(one for one in told if (one["rule"], one["kind"]) == ("traffic-jam", "hold"))
    assert longer["avoided"] >= 40
    counts = f"tránh được {longer['avoided']} trên {longer['alerts']} cảnh báo"
    await expect(jam).to_contain_text(counts)
    await jam.get_by_test_id("health-try").click()
    await expect(jam.get_by_test_id("health-trial")).to_contain_text("Chạy thử: tránh được")
    overflow = "document.querySelector('.console-main').scrollHeight - innerHeight"
    assert await page.evaluate(overflow) <= 0, "one screen"
    screen.check()


async def test_the_line_of_a_cause_shows_the_levels_it_was_judged_by_and_what_came_after(
    server: Server, screens: Screens
) -> None:
    (item,) = await away(standing_roads, server, "cam-do-thi", "quốc-lộ-32")
    client = await away(server.sign_in)
    said = await away(client.post, f"/alerts/{item['id']}/comment", json={"comment": "đã gọi đội"})
    assert said.status_code == 200
    sheet = (await away(client.get, f"/alerts/{item['id']}")).json()
    screen = await a_console(screens, server, "trucban")
    page = screen.page
    await page.goto(f"{server.base}/console#alert/{item['id']}")
    judged = page.get_by_test_id("judged")
    for name in ("level", "clear", "hold"):
        shown = await judged.get_attribute(f"data-{name}")
        assert float(shown or "nan") == sheet["levels"][name]
    await expect(judged).to_contain_text("phải kéo dài 10 phút")
    await expect(page.get_by_test_id("cause").locator("canvas")).to_be_visible()
    await expect(page.get_by_test_id("cause-age")).to_contain_text("mới nhất 4")
    timeline = page.get_by_test_id("timeline").get_by_role("listitem")
    await expect(timeline.last).to_contain_text("đã gọi đội")
    await expect(page.get_by_text(sheet["advice"]["vi"])).to_be_visible()
    screen.check()


async def test_sound_has_to_be_asked_for_and_mute_counts_down(
    server: Server, screens: Screens
) -> None:
    screen = await a_console(screens, server, "trucban")
    sound = screen.page.get_by_test_id("sound")
    await expect(sound).to_have_text("Bật âm báo")
    for state in ("on", "muted", "on"):
        await sound.click()
        await expect(sound).to_have_attribute("data-state", state)
    await sound.click()
    await expect(sound).to_contain_text("9:5")
    screen.check()


async def test_the_map_goes_where_the_chosen_alert_is(
    server: Server, screens: Screens, traffic: FeedDoor
) -> None:
    screen = await a_console(screens, server, "trucban")
    client = await away(server.sign_in)
    note = {
        "level": 2, "hazard": "Ngập lụt", "text": "Ngập ở ven sông",
        "area": {"type": "Polygon", "coordinates": [AREA]},
        "ends": stamp(now() + timedelta(hours=1)),
    }  # fmt: skip
    warning = (await away(client.post, "/warnings", json=note)).json()["id"]
    shown = screen.page.get_by_test_id("console-map")
    row = screen.page.locator("[data-testid=alert]", has_text="Ngập lụt")
    await row.get_by_role("button").first.click()
    await expect(shown).to_have_attribute("data-area", "true")
    await the_jam(screen.page).get_by_role("button").first.click()
    await expect(shown).to_have_attribute("data-area", "false")
    await away(client.post, f"/warnings/{warning}/cancel", json={"why": "nước rút"})
    screen.check()

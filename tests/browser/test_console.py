"""Two operators at their consoles: assign, put aside and close, and each sees the other's moves."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.fixtures.browser import Screen, Screens, away, demo_logins
from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

pytestmark = pytest.mark.browser

ROAD = "ql2-vinh-yen"


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

"""The other pages: who comes where, what each shows, and the mark of invented figures."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.fixtures.browser import Screens, away, comes_about, demo_logins
from tests.fixtures.server import PASSWORD, Server, external_database, now, stamp

pytestmark = pytest.mark.browser

PAGES = ("/console", "/m", "/agency", "/admin", "/")
MARK = "DỮ LIỆU MÔ PHỎNG"


@pytest.fixture
def real_server(tmp_path: Path) -> Iterator[Server]:
    """A product without IOC_DEMO: its figures are real."""
    with external_database() as url:
        made = Server(tmp_path / "real", {} if url is None else {"IOC_DATABASE_URL": url})
        made.start()
        try:
            yield made
        finally:
            made.close()


async def test_every_page_of_a_demo_says_that_its_figures_are_invented(
    server: Server, screens: Screens
) -> None:
    screen = await screens.open(server)
    logins = await away(demo_logins, server)
    await screen.sign_in("quantri", logins["quantri"])
    assert screen.page.url.endswith("/admin")
    for path in PAGES:
        await screen.go(path)
        await screen.live()
        mark = screen.page.get_by_test_id("simulated")
        await expect(mark).to_be_visible()
        await expect(mark).to_contain_text(MARK)
        assert "undefined" not in await screen.text()
    screen.check()


async def test_a_real_province_carries_no_such_mark(real_server: Server, screens: Screens) -> None:
    await away(
        real_server.command,
        "user", "add", "quan-tri", "--role", "administrator", "--password-stdin",
        said=PASSWORD,
    )  # fmt: skip
    screen = await screens.open(real_server)
    await screen.sign_in("quan-tri", PASSWORD)
    for path in PAGES:
        await screen.go(path)
        await screen.live()
        await expect(screen.page.locator("main").first).to_contain_text("a")
        assert MARK not in await screen.text()
        await expect(screen.page.get_by_test_id("simulated")).to_have_count(0)
    screen.check()


HOMES = {"lanhdao": "/m", "soyte": "/agency", "trucban": "/", "quantri": "/admin"}
TURNED = {
    ("lanhdao", "/console"): "/m",
    ("lanhdao", "/admin"): "/m",
    ("soyte", "/console"): "/agency",
    ("soyte", "/admin"): "/agency",
    ("trucban", "/admin"): "/",
    ("trucban", "/console"): "/console",
    ("quantri", "/console"): "/console",
}


@pytest.mark.parametrize("name", HOMES)
async def test_people_come_to_their_page_and_are_turned_from_others(
    server: Server, screens: Screens, name: str
) -> None:
    screen = await screens.open(server, 1000, 800)
    await screen.go("/m")
    assert "/login?next=/m" in screen.page.url
    logins = await away(demo_logins, server)
    await screen.sign_in(name, logins[name])
    assert screen.page.url == server.base + HOMES[name]
    for (who, path), comes_to in TURNED.items():
        if who == name:
            await screen.go(path)
            assert screen.page.url == server.base + comes_to
    screen.check()


async def test_the_phone_shows_the_summary_and_the_open_alerts_without_sideways_scrolling(
    server: Server, screens: Screens
) -> None:
    power = await away(server.door, "luoi-dien", "dien-luc-phu-tho")
    screen = await screens.open(server, 390, 844, is_mobile=True, has_touch=True)
    page = screen.page
    logins = await away(demo_logins, server)
    await screen.sign_in("lanhdao", logins["lanhdao"])
    await screen.live()
    sent = [{"series": "tba-viet-tri/customers-out", "time": stamp(), "value": 4321}]
    assert (await away(power.post, sent)).json()["stored"] == 1
    alert = page.get_by_test_id("alert")
    await expect(alert).to_have_attribute("data-severity", "critical")
    await expect(alert).to_contain_text("Mất điện diện rộng")
    figures = page.locator('[data-testid^="figure-"]')
    await expect(figures.first).to_be_visible()
    assert await figures.count() >= 5
    widths = await page.evaluate(
        "[document.documentElement.scrollWidth, document.body.scrollWidth, innerWidth]"
    )
    assert widths == [390, 390, 390]
    small = await page.evaluate(
        """[...document.querySelectorAll('button')].filter(button => button.checkVisibility())
            .filter(button => button.getBoundingClientRect().height < 44)
            .map(button => button.innerText)"""
    )
    assert small == []
    screen.check()


async def test_an_agency_sees_its_feeds_its_ledger_and_what_was_held_back(
    server: Server, screens: Screens
) -> None:
    hospitals = await away(server.door, "benh-vien", "so-y-te")
    at = stamp(now() - timedelta(minutes=1))
    sent = [
        {"series": "bvdk-phu-tho/beds-occupied", "time": at, "value": 1204},
        {"series": "bvdk-phu-tho/beds-occupied", "time": at, "value": "rất đông"},
        {"series": "bvdk-phu-tho/beds-planned", "time": at, "value": 1500},
    ]
    assert (await away(hospitals.post, sent)).json()["stored"] == 2
    screen = await screens.open(server)
    page = screen.page
    logins = await away(demo_logins, server)
    await screen.sign_in("soyte", logins["soyte"])
    rows = page.locator('tr[data-testid^="feed-"]')
    await expect(rows).to_have_count(2)
    names = {await row.get_attribute("data-testid") for row in await rows.all()}
    assert names == {"feed-benh-vien", "feed-benh-truyen-nhiem"}
    await expect(page.get_by_test_id("feed-benh-vien")).to_have_attribute("data-state", "fresh")
    await page.get_by_test_id("feed-benh-vien").get_by_role("button").click()
    await expect(page.get_by_test_id("ledger")).to_contain_text("Đã nhận 3")
    held = page.get_by_test_id("quarantined")
    await expect(held).to_have_count(1)
    await expect(held).to_contain_text("value_kind")
    await expect(held).to_contain_text("rất đông")
    screen.check()


async def test_a_kiosk_link_opens_the_wall_which_can_look_but_not_act(
    server: Server, screens: Screens
) -> None:
    power = await away(server.door, "luoi-dien", "dien-luc-phu-tho")
    sent = [{"series": "tba-viet-tri/customers-out", "time": stamp(), "value": 5000}]
    assert (await away(power.post, sent)).status_code == 200
    screen = await screens.open(server)
    logins = await away(demo_logins, server)
    await screen.go("/w/" + logins["wall"])
    assert screen.page.url == server.base + "/"
    await screen.live()
    row = screen.page.get_by_test_id("alert").filter(has_text="Mất điện diện rộng")
    await expect(row).to_have_count(1)
    await expect(screen.page.get_by_test_id("acknowledge")).to_have_count(0)
    alert = await row.get_attribute("data-id")
    status = await screen.page.evaluate(
        "id => fetch(`/api/v1/alerts/${id}/acknowledge`, {method: 'POST'}).then(a => a.status)",
        alert,
    )
    assert status == 403
    await screen.go("/w/khong-phai-mot-link-that")
    assert "/login" in screen.page.url
    screen.check(outage=True)


async def test_the_wall_token_opens_nothing_but_the_wall(server: Server, screens: Screens) -> None:
    screen = await screens.open(server, 800, 600)
    logins = await away(demo_logins, server)
    await screen.go("/w/" + logins["wall"])
    for path in ("/console", "/admin"):
        await screen.go(path)
        assert screen.page.url == server.base + "/"

    async def clean() -> bool:
        return screen.requests > 0

    await comes_about(clean)
    screen.check()


async def test_the_administrator_sees_that_no_channel_sends_anything_yet(
    server: Server, screens: Screens
) -> None:
    logins = await away(demo_logins, server)
    screen = await screens.open(server)
    await screen.sign_in("quantri", logins["quantri"], "/admin")
    await expect(screen.page.get_by_test_id("channels-off")).to_contain_text("email, sms, zalo")
    screen.check()

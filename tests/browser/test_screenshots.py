"""Pictures of the screens over a province that lives; `make screenshots` keeps them."""

import asyncio
import json
import os
import struct
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from playwright.async_api import Browser, expect

from tests.fixtures.browser import (
    Screen,
    Screens,
    away,
    colours,
    comes_about,
    demo_logins,
)
from tests.fixtures.server import ROOT, Server, eventually, now, stamp

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.timeout(200)]

KEPT = os.environ.get("IOC_SCREENSHOTS")
PAST = (
    ("--days", "9", "--months", "13", "--dossiers", "20000")
    if KEPT
    else ("--days", "1", "--months", "12", "--dossiers", "3000")
)
"""A week and a day for the pictures that are kept, so that last week's line is there."""


@pytest.fixture(scope="module")
async def province(server: Server) -> AsyncIterator[Server]:
    """A demo with a past and a present, by its own simulator, and with trouble."""
    await away(_trouble, server)
    simulator = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ioc", "simulate", *PAST,
        cwd=ROOT, env=server.environment,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert simulator.stdout is not None
    try:
        async with asyncio.timeout(150):
            while json.loads(await simulator.stdout.readline()).get("backfill") != 1:
                pass
        await away(_outage, server)
        yield server
    finally:
        simulator.kill()
        await simulator.wait()


CAMERAS = {
    "man-duc": ("Camera QL6 · Mãn Đức", [105.3286, 20.5902], 5.5),
    "me-linh": ("Camera Mê Linh · Khai Quang", [105.6122, 21.3169], 14.0),
}


def _trouble(server: Server) -> None:
    """Roads that stand still, by a feed of their own: the simulator would set them free again."""
    door = server.feed(
        "camera-giao-thong", "so-xay-dung", name="Camera đếm xe", domain="traffic", format="ioc",
        interval=120.0, freshness=1200.0, simulated=True,
    )  # fmt: skip
    features = [
        {"type": "Feature", "id": id, "properties": {"name": name, "slow_speed": 21},
         "geometry": {"type": "Point", "coordinates": point}}
        for id, (name, point, _) in CAMERAS.items()
    ]  # fmt: skip
    placed = httpx2.put(
        f"{server.base}/api/v1/feeds/{door.feed}/features",
        json={"type": "FeatureCollection", "features": features},
        headers={"Authorization": f"Bearer {door.key}"},
    )
    assert placed.status_code == 200, placed.text
    moment = now()
    body = [
        {"series": f"{id}/speed", "time": stamp(moment - timedelta(minutes=ago)), "value": speed}
        for id, (_, _, speed) in CAMERAS.items()
        for ago in range(24, -1, -2)
    ]
    assert door.post(body).json()["stored"] == len(body)


def _outage(server: Server) -> None:
    """The lights go out in a town, and somebody is on one of the other alerts."""
    dark = [{"series": "tba-hoa-binh/customers-out", "time": stamp(), "value": 12_400}]
    door = server.door("luoi-dien", "dien-luc-phu-tho")
    assert door.post(dark).json()["stored"] == 1
    client = server.client("trucban", demo_logins(server)["trucban"])

    def items() -> list[dict[str, Any]]:
        return client.get("/alerts").json()["items"]

    eventually(lambda: any(item["severity"] == "critical" for item in items()))
    jam = next((item["id"] for item in items() if item["rule"] == "traffic-jam"), None)
    assert client.post(f"/alerts/{jam}/acknowledge").status_code == 200


async def _settled(screen: Screen, *, alerts: bool = True) -> None:
    """Wait until the page shows what it has and nothing loads any more."""
    page = screen.page
    await screen.live()
    if alerts:
        await expect(page.get_by_test_id("alert").first).to_be_visible()

    async def loaded() -> bool:
        return "Đang tải" not in await screen.text()

    await comes_about(loaded)
    await page.evaluate("document.fonts.ready")
    await page.mouse.move(2, 2)


async def _drawn(screen: Screen) -> None:
    await _settled(screen)

    async def communes() -> bool:
        return await screen.drawn("units-fill") > 100 and await screen.drawn("traffic-points") > 30

    await comes_about(communes)
    await screen.page.evaluate(
        "() => new Promise(done => { __iocMap.once('render', done); __iocMap.triggerRepaint() })"
    )


def _size(picture: bytes) -> tuple[int, int]:
    width, height = struct.unpack(">II", picture[16:24])
    return width, height


async def _keep(screen: Screen, name: str, folder: Path) -> bytes:
    target = (ROOT / KEPT if KEPT else folder) / name
    target.parent.mkdir(parents=True, exist_ok=True)
    return await screen.page.screenshot(path=target)


async def _looks(browser: Browser, screen: Screen, picture: bytes, *regions: str) -> None:
    """None of the regions of a picture is blank."""
    for region in regions:
        box = await screen.page.locator(region).first.bounding_box()
        assert box is not None, region
        assert await colours(browser, picture, box) > 20, region


@pytest.mark.parametrize(
    ("width", "height"),
    # Drawing eight million pixels without a graphics card takes its time.
    [(1920, 1080), pytest.param(3840, 2160, marks=pytest.mark.long)],
)
async def test_screenshot_of_the_wall(
    province: Server, screens: Screens, browser: Browser, tmp_path: Path, width: int, height: int
) -> None:
    screen = await screens.open(province, width, height, reduced_motion="reduce")
    logins = await away(demo_logins, province)
    await screen.go("/w/" + logins["wall"])
    await _drawn(screen)
    name = "wall.png" if height == 1080 else "wall-4k.png"
    picture = await _keep(screen, name, tmp_path)
    assert _size(picture) == (width, height)
    if height == 1080:
        assert len(picture) < 600_000
    await _looks(
        browser, screen, picture, '[data-testid="panel-map"]', '[data-testid="panel-alerts"]',
        '[data-testid="tile-traffic"]', '[data-testid="tile-health"]',
        '[data-testid="tile-electricity"]', '[data-testid="tile-environment"]',
    )  # fmt: skip
    sizes = await screen.page.evaluate(
        """[...document.querySelectorAll('body *')]
            .filter(e => e.checkVisibility() && [...e.childNodes].some(
                n => n.nodeType === Node.TEXT_NODE && n.textContent.trim()))
            .map(e => [parseFloat(getComputedStyle(e).fontSize) / innerHeight * 100, e.innerText])
            .filter(([size]) => size < 1.3)"""
    )
    assert sizes == []
    wide = await screen.page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    assert wide == [width, height]
    screen.check()


async def test_screenshot_of_the_scene_of_procedures(
    province: Server, screens: Screens, browser: Browser, tmp_path: Path
) -> None:
    screen = await screens.open(province, reduced_motion="reduce")
    logins = await away(demo_logins, province)
    await screen.go("/w/" + logins["wall"])
    await screen.go("/?scene=procedures")
    await screen.live()
    page = screen.page
    await expect(page.get_by_test_id("unit")).to_have_count(12)
    await expect(page.get_by_test_id("share-trend").locator("canvas")).to_be_visible()
    await page.evaluate("document.fonts.ready")
    picture = await _keep(screen, "wall-procedures.png", tmp_path)
    assert _size(picture) == (1920, 1080)
    await _looks(
        browser, screen, picture, '[data-testid="headline"]', '[data-testid="ranking"]',
        '[data-testid="flows"]', '[data-testid="share-trend"]', '[data-testid="score"]',
        '[data-testid="oldest"]',
    )  # fmt: skip
    screen.check()


async def test_screenshot_of_the_phone(
    province: Server, screens: Screens, browser: Browser, tmp_path: Path
) -> None:
    screen = await screens.open(
        province,
        390,
        844,
        is_mobile=True,
        has_touch=True,
        device_scale_factor=2,
        reduced_motion="reduce",
    )
    logins = await away(demo_logins, province)
    await screen.sign_in("lanhdao", logins["lanhdao"])
    await _settled(screen)
    picture = await _keep(screen, "phone.png", tmp_path)
    assert _size(picture) == (780, 1688)
    await _looks(browser, screen, picture, "main", '[data-testid="alert"]')

    rows = screen.page.get_by_test_id("unit-row")
    await screen.page.get_by_test_id("units").evaluate("units => units.scrollIntoView()")
    await expect(rows.first).to_be_visible()
    picture = await _keep(screen, "phone-units.png", tmp_path)
    await _looks(browser, screen, picture, '[data-testid="unit-row"]')
    await rows.first.tap()
    await expect(screen.page.get_by_test_id("figure-card").last).to_be_visible()
    picture = await _keep(screen, "phone-unit.png", tmp_path)
    await _looks(browser, screen, picture, '[data-testid="unit-page"]')
    screen.check()


@pytest.mark.parametrize(
    ("name", "path", "who", "regions"),
    [
        ("console.png", "/console", "trucban", ["main", '[data-testid="alert"]']),
        ("agency.png", "/agency?feed=benh-vien", "soyte", ["main", '[data-testid="ledger"]']),
    ],
)
async def test_screenshot_of_a_page(
    province: Server, screens: Screens, browser: Browser, tmp_path: Path,
    name: str, path: str, who: str, regions: list[str],
) -> None:  # fmt: skip
    screen = await screens.open(province, reduced_motion="reduce")
    logins = await away(demo_logins, province)
    await screen.sign_in(who, logins[who], path)
    if path == "/console":
        await _settled(screen)
        await screen.page.get_by_test_id("alert").first.click()
        await _settled(screen)
    else:
        await screen.go(path)
        await screen.live()
        await expect(screen.page.get_by_test_id("ledger").locator("tbody tr").first).to_be_visible()
    picture = await _keep(screen, name, tmp_path)
    assert _size(picture) == (1920, 1080)
    await _looks(browser, screen, picture, *regions)
    screen.check()


async def test_screenshot_of_an_agencys_own_figures(
    province: Server, screens: Screens, browser: Browser, tmp_path: Path
) -> None:
    screen = await screens.open(province, 1280, 900, reduced_motion="reduce")
    logins = await away(demo_logins, province)
    await screen.sign_in("soyte", logins["soyte"], "/agency?section=figures")
    await _settled(screen, alerts=False)
    await expect(screen.page.get_by_test_id("own-figure").first).to_be_visible()
    picture = await _keep(screen, "agency-figures.png", tmp_path)
    assert _size(picture) == (1280, 900)
    await _looks(browser, screen, picture, "main", '[data-testid="own-figures"]')
    wide = await screen.page.evaluate("document.documentElement.scrollWidth")
    assert wide == 1280
    screen.check()

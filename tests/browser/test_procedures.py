"""The wall's scene of procedures shows what the board answers, and cuts nothing off."""

from collections.abc import AsyncIterator, Iterator
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.fixtures.browser import Screen, Screens, away, comes_about, demo_logins
from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

pytestmark = [pytest.mark.browser, pytest.mark.timeout(480)]

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
UNITS = 16
EACH = 12
EMPTY = "so-dan-toc-ton-giao"
"""A unit that has dossiers of last year only."""

ROWS, WEAKEST = 12, 5

CUT_OFF = """() => [...document.querySelectorAll('.panel, .panel > *, .proc-lead, .proc-intake')]
    .filter(e => e.closest('.procedures-scene'))
    .filter(e => e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
    .filter(e => e.clientWidth > 0)
    .map(e => [e.className, e.scrollWidth, e.clientWidth, e.scrollHeight, e.clientHeight])"""


def _dossier(code: str, unit: str, received: datetime, **more: Any) -> dict[str, Any]:
    return {
        "code": code, "procedure": "dang-ky-khai-tu", "received_unit": unit, "handling_unit": unit,
        "channel": "direct", "received_at": stamp(received), "changed_at": stamp(received), **more,
    }  # fmt: skip


def _sent(units: list[str]) -> Iterator[dict[str, Any]]:
    """Dossiers of this year and of last, of some months resolved, and twelve that are overdue."""
    today = now().astimezone(ZONE)
    last_year = today.replace(year=today.year - 1, day=min(today.day, 28), hour=1)
    for place, unit in enumerate(units):
        for n in range(EACH):
            channel = "online" if n < place // 2 else "post" if n == EACH - 1 else "direct"
            yield _dossier(f"N-{unit}-{n}", unit, now() - timedelta(minutes=5), channel=channel)
            before = "online" if n < EACH - place // 2 else "direct"
            yield _dossier(f"T-{unit}-{n}", unit, last_year, channel=before)
    yield _dossier("T-0", EMPTY, last_year, **_resolved(last_year, 1))
    for months in range(1, 15):
        received = today - timedelta(days=30 * months)
        for n in range(4):
            channel = "online" if n < 2 else "direct"
            more = _resolved(received, 9 if n == 3 else 2)
            yield _dossier(f"M-{months}-{n}", "so-noi-vu", received, channel=channel, **more)
    for n in range(12):
        received = now() - timedelta(days=60 - n)
        yield _dossier(
            f"Q-{n:02}", "so-y-te", received, due_at=stamp(received + timedelta(days=5)),
            procedure="chung-chi-hanh-nghe-y", office="Phòng Nghiệp vụ Y",
        )  # fmt: skip


def _resolved(received: datetime, days: int) -> dict[str, Any]:
    """Resolved after some days, of which five were promised."""
    resolved = min(received + timedelta(days=days), now())
    return {
        "due_at": stamp(received + timedelta(days=5)), "resolved_at": stamp(resolved),
        "outcome": "granted", "changed_at": stamp(resolved),
    }  # fmt: skip


def _noted(server: Server) -> None:
    """Official points of two groups, and what was done to move the online share."""
    year = now().astimezone(ZONE).year
    reports = [
        {"measure": "d766_1", "unit": "phu-tho", "period": f"{year}-01", "value": 15.25,
         "document": "Kết quả trên Cổng Dịch vụ công"},
        {"measure": "d766", "unit": "phu-tho", "period": f"{year}-01", "value": 78.41,
         "rank": 12, "of": 34, "movement": 3, "document": "Kết quả trên Cổng Dịch vụ công"},
    ]  # fmt: skip
    door = server.feed("bao-cao.bo-chi-so", "vp-ubnd", domain="service", late_limit=None)
    assert door.post(reports, part="reports").json()["stored"] == 2
    begun = (now().astimezone(ZONE) - timedelta(days=70)).date()
    action = {
        "unit": "phu-tho", "kind": "urging_letter", "from": begun.isoformat(),
        "document": "CV 5/UBND", "name": {"vi": "Công văn đôn đốc", "en": "Urging letter"},
        "indicators": ["online-share", "dossiers-received"],
    }  # fmt: skip
    assert server.sign_in("administrator").post("/actions", json=action).status_code == 201


@pytest.fixture(scope="module")
def door(server: Server) -> FeedDoor:
    """The door of a one-stop system that has sent all its dossiers."""
    made = server.feed("mot-cua.tinh", "vp-ubnd", domain="service", late_limit=None)
    units = server.sign_in().get("/units").json()["items"]
    communes = sorted(unit["id"] for unit in units if unit["level"] == "commune")
    body = list(_sent(communes[:UNITS]))
    receipt = made.post(body, part="dossiers").json()
    assert receipt["stored"] == len(body), receipt
    _noted(server)
    # What was foreseen before anything came in would stand until the next time.
    server.stop()
    server.start()
    return made


@pytest.fixture(scope="module")
def rest(server: Server, door: FeedDoor) -> httpx2.Client:
    """An operator over REST, once all is counted and the year's end is foreseen."""
    client = server.sign_in()
    # A forecast is made by a process of its own, which starts late and slowly on a busy machine.
    eventually(lambda: _own(client, "online-share").get("outlook"), 300)
    eventually(lambda: len(_own(client, "in-hand-overdue").get("late", [])) == 10)
    return client


@pytest.fixture(scope="module")
async def wall(server: Server, rest: httpx2.Client, browser: Browser) -> AsyncIterator[Screen]:
    """A kiosk's wall that stays open for the tests of this file."""
    screens = Screens(browser)
    try:
        yield await _opened(screens, server, "/?scene=procedures")
    finally:
        await screens.close()


async def _opened(screens: Screens, server: Server, path: str) -> Screen:
    screen = await screens.open(server, reduced_motion="reduce")
    logins = await away(demo_logins, server)
    await screen.go("/w/" + logins["wall"])
    await screen.go(path)
    await screen.live()
    return screen


def _board(client: httpx2.Client) -> list[dict[str, Any]]:
    answer = client.get("/boards/procedures")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def _own(client: httpx2.Client, indicator: str) -> dict[str, Any]:
    return next((item for item in _board(client) if item["id"] == indicator), {})


def _units(client: httpx2.Client, indicator: str) -> dict[str, dict[str, Any]]:
    """The figures of the units by unit."""
    return {
        item["unit"]["id"]: item
        for item in _board(client)
        if item["indicator"] == indicator and item["id"] != indicator
    }


def _vi(value: float, decimals: int = 0) -> str:
    """A number as it is written here: 1.234,5."""
    return f"{value:,.{decimals}f}".translate(str.maketrans(",.", ".,"))


def _counts(item: dict[str, Any]) -> str:
    return f"{_vi(item['numerator'])} / {_vi(item['denominator'])}"


async def _text(place: Locator) -> str:
    """What stands there, with plain spaces."""
    return " ".join((await place.inner_text()).split())


async def _whole(page: Page) -> None:
    """Nothing is cut off, once the charts have taken the room that the words around them leave."""
    cut: list[Any] = []

    async def none() -> bool:
        cut[:] = await page.evaluate(CUT_OFF)
        return cut == []

    try:
        await comes_about(none)
    except AssertionError:
        pytest.fail(f"cut off: {cut}")


async def test_a_province_without_dossiers_says_so_in_words(
    server: Server, screens: Screens
) -> None:
    screen = await _opened(screens, server, "/")
    page = screen.page
    await page.keyboard.press("2")
    scene = page.get_by_test_id("scene-procedures")
    for panel, words in {
        "lead-online-share": "chưa có dữ liệu",
        "channels": "Chưa tiếp nhận hồ sơ nào",
        "ranking": "Chưa đơn vị nào có số liệu",
        "flows": "Chưa có hồ sơ theo tháng",
        "share-trend": "Chưa có hồ sơ theo tháng",
        "score": "Chưa có điểm chính thức",
        "oldest": "chưa có số liệu",
    }.items():
        await expect(scene.get_by_test_id(panel)).to_contain_text(words, ignore_case=True)
    await _whole(page)
    await page.keyboard.press("1")
    await expect(scene).to_have_count(0)
    screen.check()


async def test_the_leading_figures_are_what_the_board_answers(
    wall: Screen, rest: httpx2.Client
) -> None:
    lead = wall.page.get_by_test_id("lead-online-share")
    online = await away(_own, rest, "online-share")
    assert (online["standing"], online["target"]["value"]) == ("behind", 51)
    await expect(lead.get_by_test_id("figure-online-share")).to_contain_text(
        _vi(online["value"], 1)
    )
    text = await _text(lead)
    assert _counts(online) in text
    assert "được giao 51,0 %" in text
    assert f"▼ thiếu {_vi(51 - online['value'], 1)} điểm" in text
    then = online["same_last_year"]
    assert f"({_vi(then['value'], 1)} %, {_counts(then)})" in text
    outlook = online["outlook"]
    assert outlook["reason"]["vi"] in text
    assert _vi(outlook["low"], 1) in text
    answering = online["answering"]
    assert f"{answering['post']} · {answering['phone']}" in text

    overdue, in_hand = [
        await away(_own, rest, id) for id in ("in-hand-overdue", "dossiers-in-hand")
    ]
    held = await _text(wall.page.get_by_test_id("lead-in-hand-overdue"))
    assert f"{_vi(overdue['value'])} / {_vi(in_hand['value'])} đang giải quyết" in held
    assert overdue["answering"]["phone"] in held
    on_time = await away(_own, rest, "on-time-share")
    shown = await _text(wall.page.get_by_test_id("lead-on-time-share"))
    assert f"{_vi(on_time['value'], 2)}" in shown
    assert _counts(on_time) in shown
    wall.check()


async def test_ways_of_filing_are_shown_with_their_counts(
    wall: Screen, rest: httpx2.Client
) -> None:
    for way in ("online", "direct", "post"):
        item = await away(_own, rest, f"{way}-share")
        row = wall.page.get_by_test_id(f"channel-{way}")
        text = await _text(row)
        assert f"{_vi(item['value'], 1)} %" in text
        assert _counts(item) in text


async def _shown_units(page: Page) -> dict[str, str]:
    rows = await page.get_by_test_id("unit").all()
    return {await row.get_attribute("data-id") or "": await _text(row) for row in rows}


async def test_the_weakest_units_are_always_in_sight_and_pages_show_all_others(
    wall: Screen, rest: httpx2.Client
) -> None:
    units = await away(_units, rest, "online-share")
    assert len(units) > ROWS
    placed = sorted((i for i in units.values() if i.get("rank")), key=lambda i: i["rank"])
    weakest = wall.page.get_by_test_id("weakest").get_by_test_id("unit")
    await expect(weakest).to_have_count(WEAKEST)
    ranks = [units[await row.get_attribute("data-id") or ""]["rank"] for row in await weakest.all()]
    assert ranks == sorted((i["rank"] for i in placed[-WEAKEST:]), reverse=True)
    seen: dict[str, str] = {}

    async def all_seen() -> bool:
        seen.update(await _shown_units(wall.page))
        return seen.keys() == units.keys()

    await comes_about(all_seen)
    page = wall.page.get_by_test_id("page")
    pages = -(-(len(units) - WEAKEST) // (ROWS - WEAKEST))
    assert (await _text(page)).endswith(f"/{pages}")
    ties = {rank for rank in ranks if [i["rank"] for i in placed].count(rank) > 1}
    assert ties, "two units have the same share, so they share a place"
    counts = {
        id: await away(_units, rest, id)
        for id in ("dossiers-received", "dossiers-resolved", "in-hand-overdue")
    }

    def parts(unit: str, item: dict[str, Any]) -> list[str]:
        """What stands in the row of a unit, in its order."""
        tied = [i["rank"] for i in placed].count(item["rank"]) > 1
        moved = item.get("movement") or 0
        word = f"▲ lên {moved}" if moved > 0 else f"▼ xuống {-moved}" if moved < 0 else ""
        phone = item["answering"]["phone"] if item["standing"] == "behind" else ""
        held = " ".join(_vi(of[unit]["value"]) for of in counts.values())
        return [
            f"{'=' if tied else ''}{item['rank']} ", word, f"{_vi(item['value'], 1)} %", phone,
            _counts(item), f" {held}",
        ]  # fmt: skip

    async def all_right() -> bool:
        # A page that was read before the last dossiers were counted is read again at its turn.
        seen.update(await _shown_units(wall.page))
        return all(
            seen[unit].startswith(parts(unit, item)[0])
            and all(part in seen[unit] for part in parts(unit, item))
            for unit, item in units.items()
            if item.get("rank")
        )

    await comes_about(all_right)
    assert units[EMPTY].get("rank", 0) == 0
    assert "không xếp hạng" in seen[EMPTY]
    assert "chưa có hồ sơ trong kỳ" in seen[EMPTY]
    wall.check()


async def test_lines_of_months_say_where_they_break_and_what_was_done(
    wall: Screen, rest: httpx2.Client
) -> None:
    page = wall.page
    online = await away(_own, rest, "online-share")
    await expect(page.get_by_test_id("flows").locator("canvas")).to_have_count(2)
    trend = page.get_by_test_id("share-trend")
    await expect(trend.locator("canvas")).to_have_count(1)
    await expect(trend.get_by_test_id("since-january")).to_contain_text(
        f"{_vi(online['value'], 1)} %"
    )
    foreseen = await _text(trend.get_by_test_id("foreseen"))
    assert f"({_vi(online['outlook']['low'], 1)}–{_vi(online['outlook']['high'], 1)})" in foreseen
    today = now().astimezone(ZONE)
    span = {"since": f"{today.year - 1}-{today.month:02}", "until": f"{today:%Y-%m}"}

    def history(indicator: str) -> dict[str, Any]:
        return rest.get(f"/indicators/{indicator}/history", params=span).json()

    received, late = [await away(history, id) for id in ("dossiers-received", "in-hand-overdue")]
    month = received["items"][-1]["value"]
    await expect(page.get_by_test_id("month-received")).to_contain_text(_vi(month))
    await expect(page.get_by_test_id("month-late")).to_contain_text(_vi(late["items"][-1]["value"]))
    told = " ".join([await _text(one) for one in await page.get_by_test_id("break").all()])
    drawn = [one for one in received["breaks"] if one["at"] > received["items"][0]["period"]]
    for one in drawn:
        assert datetime.fromisoformat(one["at"]).strftime("%d/%m/%Y") in told
        assert one["reason"]["vi"][1:] in told
    await expect(trend.get_by_test_id("action")).to_contain_text("Công văn đôn đốc")
    wall.check()


async def test_the_index_stands_with_official_points_and_our_estimate(
    wall: Screen, rest: httpx2.Client
) -> None:
    groups = [item for item in await away(_board, rest) if item["id"].startswith("d766")]
    assert len(groups) >= 6
    for item in groups:
        row = wall.page.get_by_test_id(f"score-{item['id']}")
        official, own = item.get("official"), item["own"]
        points = _vi(official["score"], 2) if official else "–"
        await expect(row.get_by_test_id("official")).to_have_text(
            f"{points} / {_vi(item['maximum'])}"
        )
        estimate = await _text(row.get_by_test_id("estimate"))
        assert estimate.startswith("ước tính")
        assert f"(phủ {_vi(own['covered'])}/{_vi(own['maximum'])} điểm)" in estimate
        told = "thiếu số liệu" if own["value"] is None else _vi(own["value"], 2)
        assert told in estimate
    foot = await _text(wall.page.get_by_test_id("documents"))
    assert "01/" in foot
    assert "Kết quả trên Cổng Dịch vụ công" in foot
    assert "hạng 12/34 ▲ lên 3" in await _text(wall.page.get_by_test_id("score-d766"))


async def test_the_ten_oldest_overdue_name_procedure_place_and_days(
    wall: Screen, rest: httpx2.Client
) -> None:
    late = (await away(_own, rest, "in-hand-overdue"))["late"]
    rows = await wall.page.get_by_test_id("late-dossier").all()
    assert [await row.get_attribute("data-code") for row in rows] == [one["code"] for one in late]
    for row, one in zip(rows, late, strict=True):
        text = await _text(row)
        for part in (one["procedure_name"], one["unit"]["name"], "Phòng Nghiệp vụ Y"):
            assert part in text
        assert f"quá {one['days_late']} ngày" in text


async def test_another_dossier_moves_the_figures_without_a_reload(
    wall: Screen, rest: httpx2.Client, door: FeedDoor
) -> None:
    page = wall.page
    await page.evaluate("window.__before = 'the same page'")
    before = await away(_own, rest, "online-share")
    unit = next(iter(await away(_units, rest, "online-share")))
    more = [
        _dossier(f"L-{n}", unit, now() - timedelta(minutes=1), channel="online") for n in range(40)
    ]
    assert (await away(door.post, more, "application/json", "dossiers")).json()["stored"] == 40
    over, under = before["numerator"] + 40, before["denominator"] + 40
    await expect(page.get_by_test_id("of-online-share")).to_have_text(f"{_vi(over)} / {_vi(under)}")
    await expect(page.get_by_test_id("figure-online-share")).to_contain_text(
        _vi(100 * over / under, 1)
    )
    await expect(page.get_by_test_id("channel-online")).to_contain_text(_vi(over))
    assert await page.evaluate("window.__before") == "the same page"
    wall.check()


@pytest.mark.parametrize("language", ["en", "vi"])
async def test_nothing_is_cut_off(wall: Screen, language: str) -> None:
    await wall.page.get_by_test_id(f"language-{language}").click()
    word = {"en": "Filed online", "vi": "Nộp trực tuyến"}[language]
    await expect(wall.page.get_by_test_id("ranking")).to_contain_text(word)
    await wall.page.evaluate("document.fonts.ready")
    await _whole(wall.page)
    whole = await wall.page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    assert whole == [1920, 1080]
    wall.check()


async def test_figures_of_a_feed_that_fell_silent_show_their_age_instead_of_the_gap(
    wall: Screen, server: Server, door: FeedDoor
) -> None:
    await away(
        server.command, "feed", "set", door.feed, "--interval", "PT1S", "--freshness", "PT1S"
    )
    lead = wall.page.get_by_test_id("lead-online-share")
    value = lead.get_by_test_id("figure-online-share")
    await expect(value).to_have_attribute("data-state", "stale")
    await expect(value.locator(".hollow")).to_be_visible()
    await expect(lead).to_contain_text("trước")
    await expect(lead).not_to_contain_text("thiếu")
    await _whole(wall.page)
    wall.check()

"""The leader's phone: units against targets, who answers, and the way down to a single dossier."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest
from playwright.async_api import Browser, Locator, Page, Response, expect

from alerts.channel import Push
from alerts.roster import Person, Roster
from alerts.route import Plan
from ioc.notify.encryption import as_text
from ioc.notify.vapid import new_key
from ioc.store import roster
from ioc.store.pool import connect
from tests.fixtures.browser import Screen, Screens, away, comes_about
from tests.fixtures.push import PushedBrowser
from tests.fixtures.server import PASSWORD, FeedDoor, Server, eventually, now, product_at, stamp

pytestmark = pytest.mark.browser

LAGGARD, LOWEST, CHAIR = "xa-tam-hong", "xa-pa-co", "xa-duc-nhan"
ONLINE = {LAGGARD: 4, LOWEST: 2, CHAIR: 9, "xa-da-bac": 5, "xa-cao-son": 3, "xa-kim-boi": 6,
          "xa-mai-chau": 7}  # fmt: skip
"""How many of ten dossiers of this year each unit took online."""

OVERDUE = 12
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MOST_FIRST_VIEW = 60_000


def _today() -> date:
    return now().astimezone(ZONE).date()


def _dossier(code: str, unit: str, received: datetime, **more: Any) -> dict[str, Any]:
    return {
        "code": code, "procedure": "dang-ky-khai-tu", "received_unit": unit, "handling_unit": unit,
        "channel": "direct", "received_at": stamp(received), "changed_at": stamp(received), **more,
    }  # fmt: skip


def _sent() -> Iterator[dict[str, Any]]:
    """Ten dossiers of a unit this year and ten of last, and one unit with some that are overdue."""
    then = _today().replace(year=_today().year - 1, day=min(_today().day, 28))
    last_year = datetime.combine(then, datetime.min.time(), ZONE)
    for unit, online in ONLINE.items():
        for n in range(10):
            channel = "online" if n < online else "direct"
            yield _dossier(f"N-{unit}-{n}", unit, now() - timedelta(minutes=5), channel=channel)
            yield _dossier(f"T-{unit}-{n}", unit, last_year, channel="online" if n < 5 else "post")
    for n in range(OVERDUE):
        received = now() - timedelta(days=40 - n)
        yield _dossier(
            f"Q-{n:02}", LAGGARD, received, due_at=stamp(received + timedelta(days=5)),
            channel="online" if n % 2 else "direct", office="Bộ phận Một cửa",
        )  # fmt: skip


def _assign(admin: httpx2.Client) -> None:
    """The unit that is not the lowest is wanted to do most; one is to cascade by today."""
    today = _today().isoformat()
    wanted = {
        "indicator": "online-share", "from": today, "decided_on": today,
        "document": "QĐ 7/QĐ-UBND",
    }  # fmt: skip
    late = {"unit": "trung-tam-pvhcc", "value": 60, "must_cascade_by": _today().isoformat()}
    for one in ({"unit": LAGGARD, "value": 100}, late):
        answer = admin.put("/targets", json={**wanted, **one})
        assert answer.status_code == 200, answer.text


@pytest.fixture(scope="module")
def province(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A province that was told of its dossiers and targets before it was started anew."""
    with product_at(tmp_path_factory.mktemp("phone") / "data") as running:
        running.start()
        door: FeedDoor = running.feed("mot-cua.xa", "vp-ubnd", domain="service", late_limit=None)
        body = list(_sent())
        assert door.post(body, part="dossiers").json()["stored"] == len(body)
        _assign(running.sign_in("administrator"))
        for name, unit in (("chu-tich-tinh", "phu-tho"), ("chu-tich-xa", CHAIR)):
            running.command(
                "user", "add", name, "--role", "leader", "--unit", unit, "--password-stdin",
                said=PASSWORD,
            )  # fmt: skip
        # What was foreseen before anything came in would stand until the next time.
        running.stop()
        running.settings["IOC_SECRET_PUSH_KEY"] = new_key()
        yield running.start()


@pytest.fixture(scope="module")
def rest(province: Server) -> httpx2.Client:
    """The same leader over REST, once all is counted."""
    client = province.client("chu-tich-tinh", PASSWORD)
    eventually(lambda: len(_ranked(client)) == len(ONLINE))
    eventually(lambda: (_board(client, "online-share").get("denominator") or 0) >= 10 * len(ONLINE))
    return client


@pytest.fixture(scope="module")
async def phone(province: Server, rest: httpx2.Client, browser: Browser) -> AsyncIterator[Screen]:
    """The leader's phone, which stays open for the tests of this file."""
    screens = Screens(browser)
    try:
        yield await _open(screens, province, "chu-tich-tinh")
    finally:
        await screens.close()


async def _open(screens: Screens, server: Server, name: str) -> Screen:
    screen = await screens.open(server, 390, 844, is_mobile=True, has_touch=True)
    await screen.sign_in(name, PASSWORD, "/m")
    await screen.live()
    await screen.page.get_by_test_id("units").scroll_into_view_if_needed()
    await expect(screen.page.get_by_test_id("unit-row").first).to_be_visible()
    return screen


def _get(client: httpx2.Client, path: str, **params: Any) -> dict[str, Any]:
    answer = client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _board(client: httpx2.Client, indicator: str) -> dict[str, Any]:
    items = _get(client, "/boards/summary")["items"]
    return next((item for item in items if item["id"] == indicator), {})


def _standing(client: httpx2.Client, **params: Any) -> list[dict[str, Any]]:
    return _get(client, "/targets/standing", indicator="online-share", **params)["items"]


def _ranked(client: httpx2.Client) -> list[dict[str, Any]]:
    """The units that have a figure, furthest behind their own target first."""
    found = [
        one for one in _standing(client)
        if one["figure"]["unit"]["id"] != "phu-tho" and one["figure"]["value"] is not None
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one["pace"]["gap"], -one["figure"]["rank"]))


def _written(value: float, decimals: int = 1) -> str:
    return f"{value:.{decimals}f}".replace(".", ",")


def _counts(figure: dict[str, Any]) -> str:
    return f"{figure['numerator']:.0f} / {figure['denominator']:.0f}"


def _gap(standing: dict[str, Any]) -> str:
    gap = standing["pace"]["gap"]
    if gap < 0:
        return f"▼ thiếu {_written(-gap)} điểm %"
    return f"đạt, hơn mức giao +{_written(gap)} điểm %"


def _card(inside: Locator | Page, figure: str) -> Locator:
    return inside.locator(f'[data-testid="figure-card"][data-id="{figure}"]')


async def _shows(place: Locator, *words: str) -> None:
    """Each of the words stands there, or comes to."""
    for word in words:
        await expect(place.first).to_contain_text(word, use_inner_text=True)


async def test_units_stand_in_the_order_of_how_far_they_are_from_their_own_target(
    rest: httpx2.Client, phone: Screen
) -> None:
    ranked = await away(_ranked, rest)
    order = [one["figure"]["unit"]["id"] for one in ranked]
    values = {one["figure"]["unit"]["id"]: one["figure"]["value"] for one in ranked}
    assert order[0] == LAGGARD
    assert min(values, key=lambda unit: values[unit]) == LOWEST
    rows = phone.page.get_by_test_id("unit-row")
    await expect(rows).to_have_count(5)
    assert [await row.get_attribute("data-id") for row in await rows.all()] == order[:5]

    late = {
        one["unit"]["id"]: one["value"]
        for one in (await away(_get, rest, "/rankings/in-hand-overdue"))["items"]
    }
    assert late[LAGGARD] == OVERDUE
    for row, one in zip(await rows.all(), ranked, strict=False):
        figure = one["figure"]
        await _shows(
            row, f"{_written(figure['value'])} %", _counts(figure),
            _gap(one),
            f"hạng {figure['rank']}/{figure['of']}",
            f"quá hạn: {late[figure['unit']['id']]:.0f} hồ sơ",
        )  # fmt: skip
    await phone.page.get_by_test_id("units-all").click()
    await expect(rows).to_have_count(len(ONLINE))
    await phone.page.get_by_test_id("find-unit").fill("tam hong")
    await expect(rows).to_have_count(1)
    await expect(rows).to_have_attribute("data-id", LAGGARD)
    await phone.page.get_by_test_id("find-unit").fill("")
    await phone.page.get_by_test_id("units-all").click()
    await expect(rows).to_have_count(5)
    phone.check()


async def test_a_unit_leads_to_its_dossiers_and_back_to_the_same_place(
    rest: httpx2.Client, phone: Screen
) -> None:
    page, unit = phone.page, phone.page.get_by_test_id("unit-page")
    row = page.locator(f'[data-testid="unit-row"][data-id="{LAGGARD}"]')
    await row.scroll_into_view_if_needed()
    before = await page.evaluate("scrollY")
    assert before > 0
    await row.tap()
    await expect(unit).to_be_visible()
    await expect(row).to_be_hidden()
    assert page.url.endswith(f"#unit={LAGGARD}")

    [standing] = await away(_standing, rest, unit=LAGGARD)
    whole = await away(_get, rest, "/indicators/online-share/values")
    figure, pace = standing["figure"], standing["pace"]
    card = _card(unit, figure["id"])
    await _shows(
        card, _written(figure["value"]), _counts(figure), "được giao 100,0 %",
        _gap(standing),
        f"Toàn tỉnh {_written(whole['value'])} %, {_counts(whole)}",
        f"({_written(figure['same_last_year']['value'])} %, {_counts(figure['same_last_year'])})",
    )  # fmt: skip
    assert pace["course"] == "off_track"
    await expect(card.get_by_test_id("outlook")).to_have_attribute("data-course", "off_track")
    await card.get_by_test_id("why").tap()
    reason: str = standing["reason"]["vi"]
    await _shows(card.get_by_test_id("reasons"), reason[1:], "QĐ 7/QĐ-UBND")
    who = figure["answering"]
    await _shows(unit.get_by_test_id("answers"), who["post"], who["unit"]["name"])
    call = unit.get_by_test_id("call")
    await expect(call).to_have_attribute("href", f"tel:{who['phone'].replace(' ', '')}")

    listed = await away(_get, rest, "/dossiers", unit=LAGGARD, state="overdue", limit=OVERDUE)
    dossiers = unit.get_by_test_id("dossier")
    await expect(dossiers).to_have_count(10)
    await _shows(unit.get_by_test_id("overdue"), f"10 trong {OVERDUE} hồ sơ quá hạn")
    await unit.get_by_test_id("overdue-more").tap()
    await expect(dossiers).to_have_count(OVERDUE)
    for shown, one in zip(await dossiers.all(), listed["items"], strict=True):
        await expect(shown).to_have_attribute("data-code", one["code"])
        await _shows(
            shown, one["procedure"]["name"], f"quá {one['days_late']} ngày làm việc",
            one["held"]["office"],
        )  # fmt: skip

    await page.go_back()
    await expect(unit).to_have_count(0)
    await expect(row).to_be_in_viewport()
    assert await page.evaluate("scrollY") == before
    await row.tap()
    await unit.get_by_test_id("back").tap()
    await expect(row).to_be_in_viewport()
    assert "#" not in page.url
    phone.check()


async def test_the_address_of_a_unit_can_be_shared_and_leads_to_the_first_page(
    province: Server, phone: Screen
) -> None:
    page = await phone.context.new_page()
    try:
        await page.goto(f"{province.base}/m#unit={LOWEST}")
        unit = page.get_by_test_id("unit-page")
        await expect(_card(unit, f"online-share@{LOWEST}")).to_be_visible()
        await _shows(unit.get_by_test_id("overdue"), "Không có hồ sơ nào đang quá hạn.")
        await unit.get_by_test_id("back").tap()
        await expect(page.get_by_test_id("units")).to_be_visible()
        assert page.url == f"{province.base}/m"
    finally:
        await page.close()


async def test_who_has_not_cascaded_in_time_is_told_in_a_line_and_by_name(
    rest: httpx2.Client, phone: Screen
) -> None:
    late = (await away(_get, rest, "/targets/uncascaded"))["items"]
    assert "trung-tam-pvhcc" in [one["unit"]["id"] for one in late]
    line = phone.page.get_by_test_id("uncascaded-line")
    units = {one["unit"]["id"] for one in late}
    await _shows(line, f"{len(units)} đơn vị chưa giao tiếp chỉ tiêu đúng hạn")
    await line.tap()
    rows = phone.page.get_by_test_id("uncascaded-unit")
    await expect(rows).to_have_count(len(late))
    for row, one in zip(await rows.all(), late, strict=True):
        due = date.fromisoformat(one["must_cascade_by"])
        await _shows(
            row, one["unit"]["name"], f"còn {len(one['missing'])}/{one['of']} đơn vị",
            f"hạn {due:%d/%m/%Y}", one["missing"][-1]["name"], one["answers"]["contact"]["post"],
        )  # fmt: skip
    await line.tap()
    await expect(rows).to_have_count(0)
    phone.check()


async def test_a_figure_says_where_it_is_headed_and_who_answers_for_it(
    rest: httpx2.Client, phone: Screen
) -> None:
    async def headed() -> bool:
        outlook = (await away(_board, rest, "online-share")).get("outlook")
        return outlook is not None and outlook["course"] != "unknown"

    await comes_about(headed)
    figure = await away(_board, rest, "online-share")
    outlook, who = figure["outlook"], figure["answering"]
    card = _card(phone.page.get_by_test_id("figures"), "online-share")
    told = card.get_by_test_id("outlook")
    await expect(told).to_have_attribute("data-course", outlook["course"])
    ahead = [f"{_written(outlook[key])} %" for key in ("value", "low", "high") if key in outlook]
    await _shows(told, *ahead)
    if 0 < outlook.get("needed", 0) <= 100:
        await _shows(told, f"Cần {_written(outlook['needed'])} % hồ sơ còn lại")
    await _shows(
        card, _written(figure["value"]), _counts(figure), "được giao 51,0 %",
        f"thiếu {_written(51 - figure['value'])} điểm %" if figure["value"] < 51 else "đạt",
        f"({_written(figure['previous']['value'])} %, {_counts(figure['previous'])})",
        who["post"],
    )  # fmt: skip
    await expect(card.locator(".age")).to_be_visible()
    await expect(card.get_by_test_id("call")).to_have_attribute(
        "href", f"tel:{who['phone'].replace(' ', '')}"
    )
    assert await card.locator("button, a").count() <= 2
    await card.get_by_test_id("why").tap()
    await _shows(card.get_by_test_id("reasons"), outlook["reason"]["vi"][1:])
    await card.get_by_test_id("why").tap()
    phone.check()


async def test_the_chair_of_a_commune_sees_the_own_unit_first_beside_the_province(
    province: Server, rest: httpx2.Client, screens: Screens
) -> None:
    screen = await _open(screens, province, "chu-tich-xa")
    own = screen.page.get_by_test_id("unit-figures")
    [standing] = await away(_standing, rest, unit=CHAIR)
    whole = await away(_get, rest, "/indicators/online-share/values")
    await _shows(own, "Đơn vị của bạn", standing["figure"]["unit"]["name"])
    await _shows(
        _card(own, f"online-share@{CHAIR}"), _counts(standing["figure"]),
        _gap(standing),
        f"Toàn tỉnh {_written(whole['value'])} %, {_counts(whole)}",
    )  # fmt: skip
    await _shows(screen.page.get_by_test_id("figures"), "của toàn tỉnh")
    sections = await screen.page.locator("[data-testid]").evaluate_all(
        "places => places.map(place => place.dataset.testid)"
    )
    assert sections.index("unit-figures") < sections.index("figures")
    screen.check()


SIZES = """() => {
    const seen = [...document.querySelectorAll('body *')].filter(e => e.checkVisibility())
    const told = e => (e.getAttribute('data-testid') ?? e.className) + ' ' + e.innerText
    return {
        wide: document.documentElement.scrollWidth - innerWidth,
        cut: seen.filter(e => e.getBoundingClientRect().right > innerWidth + 0.5).map(told),
        small: seen.filter(e => [...e.childNodes].some(
                n => n.nodeType === Node.TEXT_NODE && n.textContent.trim()))
            .filter(e => parseFloat(getComputedStyle(e).fontSize) < 16).map(told),
        tight: seen.filter(e => e.matches('button, a, input'))
            .filter(e => Math.min(e.offsetHeight, e.offsetWidth) < 44).map(told),
    }
}"""
FITTING = {"wide": 0, "cut": [], "small": [], "tight": []}


@pytest.mark.parametrize("text", ["100%", "200%"])
async def test_nothing_is_too_small_and_nothing_is_wider_than_the_phone(
    phone: Screen, text: str
) -> None:
    page = phone.page
    await page.evaluate("size => { document.documentElement.style.fontSize = size }", text)
    await page.get_by_test_id("uncascaded-line").tap()
    assert await page.evaluate(SIZES) == FITTING
    await page.get_by_test_id("uncascaded-line").tap()
    await page.evaluate("unit => { location.hash = `unit=${unit}` }", LAGGARD)
    unit = page.get_by_test_id("unit-page")
    await expect(unit.get_by_test_id("dossier").first).to_be_visible()
    await unit.get_by_test_id("why").first.tap()
    assert await page.evaluate(SIZES) == FITTING
    await unit.get_by_test_id("back").tap()
    await expect(unit).to_have_count(0)
    await page.evaluate("document.documentElement.style.fontSize = ''")


async def test_the_page_speaks_english_too(rest: httpx2.Client, phone: Screen) -> None:
    page = phone.page
    await page.get_by_test_id("language-en").tap()
    try:
        [standing] = await away(_standing, rest, unit=LAGGARD)
        row = page.locator(f'[data-testid="unit-row"][data-id="{LAGGARD}"]')
        await _shows(
            row, f"{standing['figure']['value']:.1f} %", f"short by {-standing['pace']['gap']:.1f}",
            f"overdue dossiers: {OVERDUE}", "off track",
        )  # fmt: skip
        await _shows(page.get_by_test_id("uncascaded-line"), "passed their target on")
        heads = [await head.inner_text() for head in await page.locator("h2").all()]
        assert [head for head in heads if "Đơn vị" in head or "Chỉ số" in head] == []
    finally:
        await page.get_by_test_id("language-vi").tap()
    phone.check()


BROWSER_PUSH = """subscription => {
    const bytes = text => Uint8Array.from(
        atob(text.replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0)).buffer
    let held = null
    window.refuses = true
    PushManager.prototype.getSubscription = async () => held
    PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
        if (window.refuses) throw new DOMException('Registration failed', 'AbortError')
        held = {
            ...subscription, toJSON: () => subscription,
            options: { applicationServerKey }, unsubscribe: async () => { held = null },
        }
        return held
    }
}"""
"""What a browser does that reaches its maker's push service: Chromium of a test reaches none."""


async def _push_switched_on(server: Server) -> None:
    channel = Push(id="push", contact="mailto:a@x.example", secret="push-key", enabled=True)
    person = Person(id="chu-tich", name="Chủ tịch", unit="phu-tho", account="chu-tich-tinh")
    async with await connect(server.database_url) as conn:
        await roster.put(conn, Plan(channels=(channel,)), Roster(persons=(person,)))


async def _pushed(page: Page, **said: str) -> None:
    """Let the service worker get a message, as from its push service."""
    session = await page.context.new_cdp_session(page)
    found: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def note(event: dict[str, Any]) -> None:
        for one in event["registrations"]:
            if not found.done():
                found.set_result(one["registrationId"])

    session.on("ServiceWorker.workerRegistrationUpdated", note)
    await session.send("ServiceWorker.enable")
    given = {"origin": page.url.rsplit("/m", 1)[0], "registrationId": await found}
    await session.send("ServiceWorker.deliverPushMessage", {**given, "data": json.dumps(said)})
    await session.detach()


async def test_push_is_switched_on_by_its_person_shown_by_the_worker_and_leads_to_the_alert(
    province: Server, browser: Browser
) -> None:
    await _push_switched_on(province)
    keys = PushedBrowser()
    subscription = {
        "endpoint": "https://fcm.googleapis.com/fcm/send/1",
        "keys": {"p256dh": as_text(keys.point), "auth": as_text(keys.secret)},
    }
    screens = Screens(browser)
    screen = await screens.open(province, 390, 844, is_mobile=True, has_touch=True)
    page, rest = screen.page, province.client("chu-tich-tinh", PASSWORD)
    await screen.context.grant_permissions(["notifications"], origin=province.base)
    await page.add_init_script(f"({BROWSER_PUSH})({json.dumps(subscription)})")
    await screen.sign_in("chu-tich-tinh", PASSWORD, "/m")
    switch = page.get_by_test_id("push-switch")
    await expect(switch).to_have_attribute("aria-checked", "false")

    await switch.tap()
    await expect(page.get_by_test_id("push-refused")).to_contain_text("Registration failed")
    await page.evaluate("window.refuses = false")
    await page.get_by_test_id("push-least").select_option("critical")
    await switch.tap()
    await expect(switch).to_have_attribute("aria-checked", "true")
    await expect(page.get_by_test_id("push-refused")).to_have_count(0)
    [stored] = (await away(_get, rest, "/notify/push"))["subscriptions"]
    assert (stored["endpoint"], stored["least"]) == (subscription["endpoint"], "critical")

    await _pushed(page, title="Kẹt xe", body="QL2", tag="t", link="/m#alert=x", severity="high")
    shown = "navigator.serviceWorker.ready.then(r => r.getNotifications())"
    await comes_about(lambda: page.evaluate(f"{shown}.then(all => all.length)"))
    assert await page.evaluate(f"{shown}.then(all => all[0].title)") == "Kẹt xe"
    await page.evaluate("location.hash = 'alert=x'")
    await expect(page.get_by_test_id("alert-ended")).to_be_visible()

    await switch.tap()
    await expect(switch).to_have_attribute("aria-checked", "false")
    assert (await away(_get, rest, "/notify/push"))["subscriptions"] == []
    await screens.close()


async def test_the_first_view_takes_little_of_a_slow_line(province: Server, phone: Screen) -> None:
    taken: list[Response] = []

    def note(response: Response) -> None:
        if response.request.resource_type in ("script", "stylesheet"):
            taken.append(response)

    page = await phone.context.new_page()
    page.on("response", note)
    await page.goto(f"{province.base}/m")
    await expect(page.get_by_test_id("figure-card").first).to_be_visible()
    sizes = {one.url.rsplit("/", 1)[1]: len(gzip.compress(await one.body())) for one in taken}
    await page.close()
    assert any(name.endswith(".css") for name in sizes)
    assert not any(name.startswith(("view", "maplibre")) for name in sizes)
    assert sum(sizes.values()) <= MOST_FIRST_VIEW, sizes

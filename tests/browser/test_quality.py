"""How good the data is, as people see it: on the wall by agency, in the portal by day."""

from datetime import timedelta

import httpx2
import pytest
from playwright.async_api import expect

from tests.fixtures.browser import Screens, away, comes_about, demo_logins
from tests.fixtures.server import FeedDoor, Server, eventually, now, stamp

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def gauge(server: Server) -> FeedDoor:
    """A station of the health department with one broken value, one repeat and one bad row."""
    door = server.feed("tram-do", "so-y-te", domain="environment", auto_series=False,
                       interval=60.0, freshness=900.0)  # fmt: skip
    own = {"Authorization": f"Bearer {door.key}"}
    at = f"{server.base}/api/v1/feeds/{door.feed}"
    place = {"type": "Point", "coordinates": [105.35, 21.3]}
    feature = {"type": "Feature", "id": "q1", "properties": {"name": "Trạm Quảng trường"}}
    httpx2.put(f"{at}/features", headers=own, json={
        "type": "FeatureCollection", "features": [{**feature, "geometry": place}]})  # fmt: skip
    httpx2.put(f"{at}/series", headers=own, json=[
        {"key": "q1/pm25", "feature": "q1", "property": "pm25", "uom": "ug/m3"}])  # fmt: skip
    series = f"{server.base}/api/v1/series?feed={door.feed}"
    eventually(lambda: httpx2.get(series, headers=own).json()["items"])
    sent = [
        {"series": "q1/pm25", "time": stamp(now() - timedelta(minutes=ago)), "value": value}
        for ago, value in ((3, 30), (2, 31), (1, 1800))
    ]
    assert door.post(sent).json()["stored"] == 3
    again = [sent[0], {"series": "q1/pm25", "time": stamp(), "value": "nhiều"}]
    assert door.post(again).json()["quarantined"] == 1
    operator = server.sign_in("operator")

    def counted() -> bool:
        found = operator.get("/quality", params={"agency": door.agency}).json()["items"]
        return bool(found) and found[0]["scores"]["right"]["denominator"] == 4

    eventually(counted)
    return door


@pytest.fixture(scope="module")
def open_feed(server: Server) -> FeedDoor:
    """A feed that reports and declares no interval, of an agency of its own."""
    door = server.feed("khong-chu-ky", "so-thu-nghiem", interval=None)
    items = [{"series": f"a/{n}", "time": stamp(), "value": n} for n in range(12)]
    assert door.post(items).json()["stored"] == 12
    operator = server.sign_in("operator")

    def named() -> bool:
        found = operator.get("/quality/ranking").json()["items"]
        return any(each["undeclared"] and each["rank"] for each in found)

    eventually(named)
    return door


async def test_the_wall_shows_each_agencys_four_words_with_their_counts(
    server: Server, gauge: FeedDoor, screens: Screens
) -> None:
    screen = await screens.open(server)
    logins = await away(demo_logins, server)
    await screen.sign_in("trucban", logins["trucban"])
    await screen.go("/?scene=feeds")
    await screen.live()
    row = screen.page.get_by_test_id("scores-so-y-te")
    right = row.locator("td").nth(1)
    await expect(right).to_contain_text("2 / 4")
    await expect(right).to_contain_text("50,0")
    await expect(row.locator("td").nth(3)).to_contain_text("4 / 5")
    rows = screen.page.locator('tr[data-testid^="scores-"]')
    means: list[float] = []
    for each in await rows.all():
        figures = await each.locator("[data-value]").all()
        shown = [float(await one.get_attribute("data-value") or 0) for one in figures]
        means.append(sum(shown) / len(shown) if shown else 101)
    assert len(means) > 1
    assert means == sorted(means)
    meanings = screen.page.get_by_test_id("meanings")
    assert await meanings.locator("dt").all_inner_texts() == ["Đúng", "Đủ", "Sạch", "Sống"]
    await expect(meanings.locator("dd").last).to_contain_text("trong thời hạn cập nhật")
    await expect(meanings).to_be_in_viewport(ratio=1)
    size = await meanings.evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
    assert size / 1080 >= 0.019, "it must be read from the seats"
    await screen.page.keyboard.press("1")
    await expect(screen.page.get_by_test_id("panel-map")).to_be_visible()
    bar = screen.page.get_by_test_id("quality")
    assert await bar.locator("dt").all_inner_texts() == ["Đúng", "Đủ", "Sạch", "Sống"]
    screen.check()


async def test_a_suspect_value_says_so_where_it_is_looked_at(
    server: Server, gauge: FeedDoor, screens: Screens
) -> None:
    screen = await screens.open(server)
    logins = await away(demo_logins, server)
    await screen.sign_in("trucban", logins["trucban"])
    await screen.go("/#feature/environment/tram-do%2Fq1")
    await screen.page.reload()
    await screen.live()
    detail = screen.page.get_by_test_id("detail")
    await expect(detail).to_contain_text("1.800")
    await expect(detail.get_by_test_id("suspect")).to_have_text(
        "nghi ngờ: ngoài khoảng hợp lý, thay đổi quá nhanh"
    )

    async def marked() -> bool:
        found = await screen.place("environment", "tram-do/q1")
        return found is not None and found["icon"] == "environment-suspect"

    await comes_about(marked)
    screen.check()


async def test_an_agency_sees_its_scores_what_they_mean_and_what_to_do(
    server: Server, gauge: FeedDoor, screens: Screens
) -> None:
    screen = await screens.open(server)
    logins = await away(demo_logins, server)
    await screen.sign_in("soyte", logins["soyte"])
    page = screen.page
    words = page.get_by_test_id("quality-so-y-te")
    await expect(words.get_by_test_id("word-right")).to_contain_text("2 / 4")
    await expect(words.get_by_test_id("word-right")).to_contain_text("không nghi ngờ")
    await expect(words.get_by_test_id("cure")).to_contain_text("Thấp nhất là")
    await expect(page.locator('[data-testid^="quality-"]')).to_have_count(1)
    await words.locator("summary").click()
    await expect(words.locator("tbody tr").first).to_contain_text("50,0 %")
    screen.check()


async def test_the_portal_ranks_the_agencies_and_marks_the_own_row(
    server: Server, gauge: FeedDoor, open_feed: FeedDoor, screens: Screens
) -> None:
    screen = await screens.open(server)
    logins = await away(demo_logins, server)
    await screen.sign_in("soyte", logins["soyte"])
    ranking = screen.page.get_by_test_id("ranking")
    own = ranking.get_by_test_id("rank-so-y-te")
    await expect(own).to_have_attribute("aria-current", "true")
    await expect(own).to_contain_text("cơ quan của bạn")
    await expect(own).to_contain_text("2 / 4")
    await expect(ranking.locator("tr.chosen")).to_have_count(1)
    other = ranking.get_by_test_id("rank-so-thu-nghiem")
    await expect(other).to_contain_text("chưa khai báo chu kỳ")
    await expect(other).to_contain_text("12 / 12")
    screen.check()
    all_of_them = await screens.open(server)
    await all_of_them.sign_in("trucban", logins["trucban"])
    await all_of_them.go("/agency")
    words = all_of_them.page.get_by_test_id("quality-so-thu-nghiem")
    await expect(words.get_by_test_id("undeclared")).to_contain_text(open_feed.feed)
    await expect(words.get_by_test_id("undeclared")).to_contain_text("--interval PT5M")
    await expect(all_of_them.page.get_by_test_id("ranking").locator("tr.chosen")).to_have_count(0)
    all_of_them.check()

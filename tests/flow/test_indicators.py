"""Indicators at the front door: figures of any days, their history, rankings, new definitions."""

from datetime import datetime, timedelta
from typing import Any

import httpx2
import pytest

from tests.fixtures.server import FeedDoor, Server, eventually

DAY = datetime.fromisoformat("2026-03-10T09:00:00+07:00")
"""A day of the past, so that no test depends on the clock."""

DEFINITION: dict[str, Any] = {
    "name": {"vi": "Nộp trực tuyến trên trực tiếp", "en": "Online of direct"},
    "domain": "service",
    "kind": "share",
    "source": "measures",
    "numerator": "received_online",
    "denominator": "received_direct",
    "uom": "%",
    "decimals": 1,
    "direction": "up",
}


def _dossier(code: str, unit: str, at: datetime, **more: Any) -> dict[str, Any]:
    return {
        "code": code, "procedure": "1.000894", "received_unit": unit, "handling_unit": unit,
        "channel": "online", "received_at": at.isoformat(), "changed_at": at.isoformat(), **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def admin(server: Server) -> httpx2.Client:
    door: FeedDoor = server.feed("mot-cua.chi-tieu", "vp-ubnd", domain="service", late_limit=None)
    body = [
        *[_dossier(f"A-{n}", "so-noi-vu", DAY) for n in range(3)],
        _dossier("A-3", "so-noi-vu", DAY, channel="direct"),
        *[_dossier(f"B-{n}", "so-tu-phap", DAY + timedelta(days=1)) for n in range(2)],
        *[
            _dossier(f"B-{n}", "so-tu-phap", DAY + timedelta(days=1), channel="direct")
            for n in range(2, 4)
        ],
        _dossier("C-0", "so-tu-phap", DAY - timedelta(days=28)),
    ]
    assert door.post(body, part="dossiers").json()["stored"] == len(body)
    client = server.sign_in("administrator")
    eventually(lambda: _value(client, "online-share", period="2026-03")["denominator"] == 8)
    return client


def _value(client: httpx2.Client, indicator: str, **params: str) -> dict[str, Any]:
    return client.get(f"/indicators/{indicator}/values", params=params).json()


def test_a_figure_is_that_of_just_the_days_asked_for(admin: httpx2.Client) -> None:
    figure = _value(admin, "online-share", period="2026-03-10")
    assert (figure["numerator"], figure["denominator"], figure["value"]) == (3, 4, 75.0)
    figure = _value(admin, "online-share", period="2026-03-11/2026-03-13")
    assert (figure["numerator"], figure["denominator"]) == (2, 4)


def test_a_figure_comes_with_its_year_and_the_period_before(admin: httpx2.Client) -> None:
    figure = _value(admin, "online-share", period="2026-03")
    assert (figure["cumulative"]["numerator"], figure["cumulative"]["denominator"]) == (6, 9)
    assert (figure["previous"]["period"], figure["previous"]["value"]) == ("2026-02", 100.0)
    assert figure["same_last_year"]["value"] is None


def test_a_history_has_a_figure_for_each_month(admin: httpx2.Client) -> None:
    given = {"since": "2026-01", "until": "2026-03", "cycle": "month"}
    history = admin.get("/indicators/online-share/history", params=given).json()
    assert [(item["period"], item["value"]) for item in history["items"]] == [
        ("2026-01", None), ("2026-02", 100.0), ("2026-03", 62.5),
    ]  # fmt: skip


def test_the_line_of_the_province_breaks_at_the_merger(admin: httpx2.Client) -> None:
    given = {"since": "2025-01", "until": "2025-12", "cycle": "quarter"}
    history = admin.get("/indicators/online-share/history", params=given).json()
    assert [broken["at"] for broken in history["breaks"]] == ["2025-07-01"]


def test_a_ranking_of_a_month_says_who_moved(admin: httpx2.Client) -> None:
    ranking = admin.get("/rankings/online-share", params={"period": "2026-03"}).json()
    assert ranking["previous"] == "2026-02"
    ranked = [item for item in ranking["items"] if item["unit"]["id"].startswith("so-")]
    assert [(i["unit"]["id"], i["rank"], i.get("movement")) for i in ranked[:2]] == [
        ("so-noi-vu", 1, None), ("so-tu-phap", 2, -1),
    ]  # fmt: skip


def test_a_board_can_be_asked_for_a_period(admin: httpx2.Client) -> None:
    board = admin.get("/boards/procedures", params={"period": "2026-03"}).json()
    items = {item["id"]: item for item in board["items"]}
    assert items["online-share"]["value"] == 62.5
    assert items["online-share@so-noi-vu"]["rank"] == 1
    assert board["period"] == "2026-03"


def test_definitions_are_listed_with_their_versions_and_formulas(admin: httpx2.Client) -> None:
    items = admin.get("/indicators").json()["items"]
    index = next(item for item in items if item["id"] == "d766")
    spans = [(v["valid_from"], v["valid_until"], len(v["parts"])) for v in index["versions"]]
    assert spans == [("2022-08-01", "2025-08-01", 6), ("2025-08-01", None, 5)]
    part = next(item for item in items if item["id"] == "d766-2-1")["versions"][0]
    assert part["score"] == "maximum * rate"
    assert "in_hand" in part["numerator"]
    assert "766" in part["legal_reference"]


def test_a_definition_is_tried_beside_the_one_in_force_and_not_kept(admin: httpx2.Client) -> None:
    given = {"dry_run": "true", "period": "2026-03"}
    answer = admin.put("/indicators/online-share", json=DEFINITION, params=given)
    assert answer.status_code == 200, answer.text
    trial = answer.json()
    assert trial["stored"] is False
    assert trial["old"]["value"] == 62.5
    assert trial["new"]["value"] == pytest.approx(500 / 3)
    assert trial["new"]["flags"] == ["above"]
    assert _value(admin, "online-share", period="2026-03")["value"] == 62.5


def test_a_new_version_holds_from_its_day_and_ends_the_one_before(admin: httpx2.Client) -> None:
    document = {**DEFINITION, "from": "2026-03-11"}
    assert admin.put("/indicators/late-share", json=document).json()["version"] == 2
    eventually(lambda: _value(admin, "late-share", period="2026-03").get("version") == 2)
    before = _value(admin, "late-share", period="2026-02")
    assert before["version"] == 1
    item = next(i for i in admin.get("/indicators").json()["items"] if i["id"] == "late-share")
    assert [(v["valid_until"], v["changed_by"] == "city") for v in item["versions"]] == [
        ("2026-03-11", False), (None, False),
    ]  # fmt: skip
    assert [broken["at"] for broken in _value(admin, "late-share", period="2026-04")["breaks"]] == [
        "2025-07-01", "2026-03-11",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"numerator": "received_onlin"}, 400, "did you mean 'received_online'"),
        ({"numerator": "received_online +"}, 400, "write one there"),
        ({"kind": "median"}, 400, "share, sum, max, mean, count"),
        ({"source": "latest"}, 400, "numerator"),
        ({"version": 7, "from": "2020-01-01"}, 409, "do not overlap"),
        ({"parts": ["online-share"]}, 400, "kind = composite"),
    ],
)
def test_a_definition_that_cannot_stand_is_refused_with_the_cure(
    admin: httpx2.Client, change: dict[str, Any], status: int, words: str
) -> None:
    first = {**DEFINITION, "from": "2021-01-01", "version": 2}
    assert admin.put("/indicators/early-share", json=first).status_code in (200, 409)
    answer = admin.put("/indicators/early-share", json={**DEFINITION, **change})
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"]


def test_only_administrators_write_definitions(server: Server) -> None:
    answer = server.sign_in("operator").put("/indicators/online-share", json=DEFINITION)
    assert answer.status_code == 403


def test_the_count_of_overdue_dossiers_names_those_overdue_longest(
    server: Server, admin: httpx2.Client
) -> None:
    door = server.feed("mot-cua.qua-han", "vp-ubnd", domain="service", late_limit=None)
    late = [
        _dossier(f"Q-{n}", "so-y-te", DAY, due_at=(DAY + timedelta(days=n)).isoformat())
        for n in range(1, 13)
    ]
    late[1]["procedure"] = "chung-chi-hanh-nghe-y"
    assert door.post(late, part="dossiers").json()["stored"] == 12

    def overdue() -> list[dict[str, Any]]:
        items = admin.get("/boards/procedures").json()["items"]
        return next(i for i in items if i["id"] == "in-hand-overdue").get("late", [])

    eventually(lambda: len(overdue()) == 10)
    assert [one["code"] for one in overdue()][:2] == ["Q-1", "Q-2"]
    assert overdue()[0]["unit"]["id"] == "so-y-te"
    assert overdue()[0]["days_late"] > overdue()[9]["days_late"] > 0
    named = "Cấp giấy phép hành nghề khám bệnh, chữa bệnh"
    assert [one["procedure_name"] for one in overdue()][:2] == [None, named]


def test_what_articles_printed_is_served_with_its_counts_and_whether_it_agrees(
    server: Server, admin: httpx2.Client
) -> None:
    server.command("city", "load", "--history")
    phu_tho = {"unit": "phu-tho-1997", "period": "2020-04-30"}

    def figure(indicator: str, **params: str) -> dict[str, Any]:
        return admin.get(f"/indicators/{indicator}/values", params=params).json()

    eventually(lambda: figure("stated-online-share", **phu_tho).get("printed"))
    cut_off = figure("stated-online-share", **phu_tho)
    assert (cut_off["numerator"], cut_off["denominator"]) == (1803, 19259)
    assert cut_off["value"] == pytest.approx(9.3619, abs=1e-4)
    assert (cut_off["printed"]["value"], cut_off["printed"]["agrees"]) == (9.3, False)
    procedures = figure("stated-procedures", unit="nam-dinh-1997", period="2020-12")
    assert procedures["value"] == 1671
    without = {"unit": "trung-tam-pvhcc-tuyen-quang", "period": "2022-06-01/2022-08-07"}
    bare = figure("stated-digitised-share", **without)
    assert (bare["value"], bare["printed"]["value"], bare["printed"]["agrees"]) == (
        None, 19.4, None,
    )  # fmt: skip

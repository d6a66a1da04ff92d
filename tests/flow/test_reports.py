"""From the report that an agency hands in to the figure that the centre closes."""

import json
from typing import Any

import httpx2
import pytest

from tests.fixtures.server import FeedDoor, Server, eventually, stamp

UNIT = "so-tu-phap"
DOCUMENT = "Báo cáo số 12/BC-STP"


def _report(measure: str = "documents_out", period: str = "2026-07", **more: Any) -> dict[str, Any]:
    given = {"measure": measure, "unit": UNIT, "period": period, "document": DOCUMENT}
    return {**given, **({} if more.get("printed_value") else {"value": 12}), **more}


def _door(server: Server, feed: str, **more: Any) -> FeedDoor:
    return server.feed(feed, UNIT, domain="service", late_limit=None, **more)


def _get(client: httpx2.Client, path: str, **query: Any) -> Any:
    answer = client.get(path, params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _only(client: httpx2.Client, **query: Any) -> dict[str, Any]:
    (item,) = _get(client, "/reports", **query)["items"]
    return item


@pytest.fixture(scope="module")
def centre(server: Server) -> httpx2.Client:
    return server.sign_in("operator")


def test_a_report_is_provisional_until_its_unit_approves_and_the_centre_closes_it(
    server: Server, centre: httpx2.Client
) -> None:
    door = _door(server, "bao-cao.doi-song")
    assert door.post([_report()], part="reports").json()["stored"] == 1
    wanted = {"measure": "documents_out", "unit": UNIT, "period": "2026-07"}
    item = _only(centre, **wanted)
    assert (item["state"], item["provisional"], item["value"]) == ("submitted", True, 12)
    assert item["period"] == {"text": "2026-07", "start": "2026-06-15", "end": "2026-07-15"}
    path = f"/reports/{item['id']}"
    stranger, own = server.sign_in("agency", "so-noi-vu"), server.sign_in("agency", UNIT)
    assert stranger.post(f"{path}/approve").status_code == 403
    assert centre.post(f"{path}/close").status_code == 409
    approved = own.post(f"{path}/approve").json()
    assert (approved["state"], approved["final"]) == ("approved", True)
    assert centre.post(f"{path}/close").json()["state"] == "closed"
    refused = door.post([_report(value=13)], part="reports").json()
    assert refused["problems"][0]["reason"] == "report_stands"
    assert centre.post(f"{path}/reopen", json={"reason": " "}).status_code == 400
    opened = centre.post(f"{path}/reopen", json={"reason": "đếm sót tháng 7"}).json()
    assert opened["provisional"] is True
    assert door.post([_report(value=13)], part="reports").json()["corrected"] == 1
    told = _get(centre, f"{path}/history")
    assert [item["change"] for item in told["items"]] == [
        "handed_in", "approved", "closed", "reopened", "corrected",
    ]  # fmt: skip
    assert told["items"][3]["reason"] == "đếm sót tháng 7"
    assert told["report"]["value"] == 13


def test_an_account_of_the_unit_above_approves_many_at_once(
    server: Server, centre: httpx2.Client
) -> None:
    door = _door(server, "bao-cao.nhieu")
    months = [_report("documents_signed", f"2026-0{n}") for n in (1, 2, 3)]
    assert door.post(months, part="reports").json()["stored"] == 3
    ids = [i["id"] for i in _get(centre, "/reports", measure="documents_signed")["items"]]
    moved = server.sign_in("agency", "phu-tho").post("/reports/approve", json={"ids": ids}).json()
    assert len(moved["items"]) == 3
    again = server.sign_in("agency", UNIT).post("/reports/approve", json={"ids": ids}).json()
    assert again["items"] == []
    assert "only a submitted one" in again["problems"][0]["detail"]


def test_a_draft_is_seen_by_its_own_unit_and_the_centre_only(
    server: Server, centre: httpx2.Client
) -> None:
    door = _door(server, "bao-cao.nhap")
    draft = _report("work_files", "2026-Q2", state="draft")
    assert door.post([draft], part="reports").json()["stored"] == 1
    wanted = {"measure": "work_files"}
    report = _only(centre, **wanted)["id"]
    assert _only(server.sign_in("agency", UNIT), **wanted)["state"] == "draft"
    stranger = server.sign_in("agency", "so-noi-vu")
    assert _get(stranger, "/reports", **wanted)["items"] == []
    assert stranger.get(f"/reports/{report}/history").status_code == 404
    assert stranger.post(f"/reports/{report}/approve").status_code == 404


def test_a_bad_report_waits_in_quarantine_and_is_replayed_once_it_is_repaired(
    server: Server, centre: httpx2.Client
) -> None:
    door = _door(server, "bao-cao.loi")
    body = [_report("accounts", "2026-Q1"), _report("acounts", "2026-Q2")]
    receipt = door.post(body, part="reports").json()
    assert (receipt["stored"], receipt["quarantined"]) == (1, 1)
    assert "did you mean accounts?" in receipt["problems"][0]["detail"]
    (item,) = door.quarantine()
    url = f"{server.base}/api/v1/feeds/{door.feed}/quarantine"
    headers = {"Authorization": f"Bearer {door.key}"}
    repaired = httpx2.put(
        f"{url}/{item['id']}", json=_report("accounts", "2026-Q2"), headers=headers
    )
    assert repaired.status_code == 200, repaired.text
    replayed = httpx2.post(f"{url}/replay", json={}, headers=headers).json()
    assert (replayed["stored"], replayed["quarantined"]) == (1, 0)
    assert len(_get(centre, "/reports", measure="accounts")["items"]) == 2
    ledger = door.ledger()
    assert ledger["received"] == sum(
        ledger[name] for name in ("stored", "duplicate", "corrected", "late", "quarantined")
    )


def test_scores_come_with_rank_movement_and_the_rank_before(
    server: Server, centre: httpx2.Client
) -> None:
    door = _door(server, "bao-cao.chi-so")
    old, new = (
        {"unit": "phu-tho-1997", "period": "2018"},
        {"unit": "phu-tho-1997", "period": "2019"},
    )
    body = [
        _report("par_index", **{**old, "value": 76.1}, rank=22, of=63),
        _report("par_index", **{**new, "value": 82.01}, rank=20, of=63, movement=2),
        _report("par_index_regulations", **{**new, "value": 99.36}, rank=1, of=63, movement=56),
    ]
    assert door.post(body, part="reports").json()["stored"] == 3
    (tree,) = _get(centre, "/scores", measure="par_index", unit="phu-tho-1997")["items"]
    root = tree["root"]
    assert (tree["period"], root["report"]["value"], root["report"]["rank"]) == ("2019", 82.01, 20)
    assert (root["report"]["previous_rank"], root["moved_as_said"]) == (22, True)
    named = {part["measure"]["id"]: part for part in root["components"]}
    assert named["par_index_regulations"]["report"]["previous_rank"] == 57
    assert named["par_index_finance"]["report"] is None


def test_measures_say_how_they_are_handed_in(centre: httpx2.Client) -> None:
    named = {item["id"]: item for item in _get(centre, "/measures")["items"]}
    assert named["documents_out"]["cycle"] == "month-15"
    assert named["par_index_finance"]["parent"] == "par_index"


def _kpi(**more: Any) -> dict[str, Any]:
    return {
        "id": "urn:ngsi-ld:KeyPerformanceIndicator:1", "type": "KeyPerformanceIndicator",
        "name": "documents_out", "organization": UNIT, "source": DOCUMENT, "kpiValue": 12,
        "calculationPeriod": {"from": "2026-05-15", "to": "2026-06-14"}, **more,
    }  # fmt: skip


def test_indicators_of_fiware_are_reports_by_rest_and_mqtt_and_counted(
    server: Server, centre: httpx2.Client
) -> None:
    door = _door(server, "bao-cao.ngsi", format="ngsi-ld")
    weather = {"id": "W:1", "type": "W", "rain": 1.5, "dateObserved": stamp()}
    sent = [_kpi(), weather, _kpi(name="documents_outt"), _kpi(organization="so-khong-co")]
    sent += [_kpi(calculationPeriod={"from": "2026-05-01", "to": "2026-05-31"}), _kpi(kpiValue={})]
    receipt = door.post(sent).json()
    assert (receipt["received"], receipt["stored"], receipt["quarantined"]) == (6, 2, 4)
    assert [(p["index"], p["reason"]) for p in receipt["problems"]] == [
        (2, "measure_unknown"), (3, "unit_unknown"), (4, "period_invalid"), (5, "value_missing"),
    ]  # fmt: skip
    assert "did you mean documents_out" in receipt["problems"][0]["detail"]
    item = _only(centre, measure="documents_out", unit=UNIT, period="2026-06")
    assert (item["value"], item["feed"], item["document"]) == (12, "bao-cao.ngsi", DOCUMENT)
    assert (item["state"], item["bound"]) == ("submitted", "=")
    assert server.stored("bao-cao.ngsi") == 1
    door.publish(json.dumps({"type": "Notification", "data": [_kpi(kpiValue=13)]}).encode())
    item = _only(centre, measure="documents_out", unit=UNIT, period="2026-06")
    assert (item["value"], item["version"]) == (13, 2)
    total = _get(centre, "/feeds/bao-cao.ngsi/ledger")["total"]
    parts = ("stored", "duplicate", "corrected", "late", "quarantined")
    assert [total[part] for part in parts] == [2, 0, 1, 0, 4]
    assert total["received"] == sum(total[part] for part in parts)


def test_an_indicator_that_may_not_replace_what_stands_says_how_it_came(
    server: Server, centre: httpx2.Client
) -> None:
    first = _door(server, "bao-cao.ngsi.mot", format="ngsi-ld")
    kpi = _kpi(calculationPeriod={"from": "2026-02-15", "to": "2026-03-14"})
    assert first.post(kpi).json()["stored"] == 1
    own = server.sign_in("agency", UNIT)
    item = _only(centre, measure="documents_out", unit=UNIT, period="2026-03")
    assert own.post(f"/reports/{item['id']}/approve").status_code == 200
    assert centre.post(f"/reports/{item['id']}/close").status_code == 200
    first.publish(json.dumps({**kpi, "kpiValue": 13}).encode())
    eventually(lambda: _get(centre, "/feeds/bao-cao.ngsi.mot/quarantine")["items"])
    [kept] = _get(centre, "/feeds/bao-cao.ngsi.mot/quarantine")["items"]
    assert (kept["kind"], kept["channel"], kept["reason"]) == ("reports", "mqtt", "report_stands")


def test_an_indicator_that_was_refused_is_repaired_and_replayed_as_what_it_is(
    server: Server, centre: httpx2.Client
) -> None:
    door = _door(server, "bao-cao.ngsi.sua", format="ngsi-v2")
    period = {"from": "2026-04-15", "to": "2026-05-14"}
    door.publish(json.dumps([_kpi(name="documents_outt", calculationPeriod=period)]).encode())
    assert door.post(_kpi(calculationPeriod=None)).json()["quarantined"] == 1
    entity, report = _get(centre, "/feeds/bao-cao.ngsi.sua/quarantine")["items"]
    assert (entity["kind"], entity["channel"]) == ("observations", "rest")
    assert (report["kind"], report["channel"]) == ("reports", "mqtt")
    base = "/feeds/bao-cao.ngsi.sua/quarantine"
    own = server.sign_in("agency", UNIT)
    mended = report["payload"].replace("documents_outt", "documents_out")
    assert own.put(f"{base}/{report['id']}", content=mended.encode()).status_code == 200
    earlier = {"from": "2026-03-15", "to": "2026-04-14"}
    whole = json.dumps(_kpi(calculationPeriod=earlier, kpiValue=14)).encode()
    assert own.put(f"{base}/{entity['id']}", content=whole).status_code == 200
    replayed = own.post(f"{base}/replay").json()
    assert sorted(replayed["replayed"]) == sorted([entity["id"], report["id"]])
    assert (replayed["received"], replayed["stored"]) == (2, 2)
    for month, value in (("2026-05", 12), ("2026-04", 14)):
        item = _only(centre, measure="documents_out", unit=UNIT, period=month)
        assert (item["value"], item["feed"]) == (value, "bao-cao.ngsi.sua")

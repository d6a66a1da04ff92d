"""Shifts through the front door: begun, ended with every open incident handed over, reported."""

import io
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from openpyxl import load_workbook

from tests.fixtures.server import Server, eventually, stamp


@pytest.fixture
def operator(server: Server) -> Iterator[httpx2.Client]:
    """Somebody in a room in which no shift runs."""
    with server.sign_in("operator") as client:
        running = client.get("/shifts").json()["items"][:1]
        if running and running[0]["ended_at"] is None:
            client.post(f"/shifts/{running[0]['id']}/end", json={"to": "ca sau"})
        yield client


def _begin(client: httpx2.Client, *on_duty: str) -> dict[str, Any]:
    answer = client.post("/shifts", json={"on_duty": list(on_duty or ("An", "Bình"))})
    assert answer.status_code == 200, answer.text
    return answer.json()


def _open(client: httpx2.Client, **more: Any) -> dict[str, Any]:
    body = {"category": "sat-lo", "place": {"name": "dốc Cun"}, **more}
    answer = client.post("/incidents", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def _resolve(client: httpx2.Client, item: dict[str, Any], result: str) -> None:
    for move in ("resolve", "close"):
        answer = client.post(
            f"/incidents/{item['id']}/{move}", json={"version": item["version"], "result": result}
        )
        item = answer.json()
        assert answer.status_code == 200, answer.text


def test_one_shift_runs_at_a_time(operator: httpx2.Client) -> None:
    shift = _begin(operator)
    assert shift["on_duty"] == ["An", "Bình"]
    again = operator.post("/shifts", json={"on_duty": ["Chi"]})
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    ended = operator.post(f"/shifts/{shift['id']}/end", json={"to": "Chi"})
    assert ended.json()["shift"]["ended_by"]
    twice = operator.post(f"/shifts/{shift['id']}/end", json={"to": "Chi"})
    assert twice.status_code == 409
    _begin(operator, "Chi")


def test_a_shift_ends_only_when_every_open_incident_is_in_somebodys_hands(
    operator: httpx2.Client,
) -> None:
    shift = _begin(operator)
    first, second = _open(operator), _open(operator)
    named = [{"incident": first["id"], "to": "Dũng", "note": "chờ xe cẩu"}]
    url = f"/shifts/{shift['id']}/end"
    refused = operator.post(url, json={"handovers": named})
    assert refused.status_code == 400
    assert second["code"] in refused.json()["values"]["codes"]
    assert operator.get(f"/incidents/{first['id']}").json()["keeper"] == first["keeper"]
    report = operator.post(url, json={"handovers": named, "to": "Chi"}).json()
    taken = {one["id"]: (one["to"], one["note"]) for one in report["handed_over"]}
    assert taken[first["id"]] == ("Dũng", "chờ xe cẩu")
    assert taken[second["id"]] == ("Chi", "")
    now = operator.get(f"/incidents/{first['id']}").json()
    assert (now["keeper"], now["version"], now["log"][-1]["change"]) == ("Dũng", 2, "hand-over")


def test_the_report_counts_what_was_done_and_no_drill(operator: httpx2.Client) -> None:
    shift = _begin(operator)
    _resolve(operator, _open(operator), "no_action")
    _resolve(operator, _open(operator), "false_alarm")
    drill = _open(operator, exercise=True, title="<b>thử</b>")
    _resolve(operator, drill, "exercise")
    report = operator.get(f"/shifts/{shift['id']}/report").json()
    assert (report["opened"], report["resolved"], report["closed"]) == (2, 2, 2)
    assert report["false_reports"] == 1
    assert [one["exercise"] for one in report["incidents"]] == [False, False, True]
    page = operator.get(f"/shifts/{shift['id']}/report.html")
    assert page.headers["content-type"].startswith("text/html")
    assert "BÁO CÁO CA TRỰC" in page.text
    assert "[DIỄN TẬP] &lt;b&gt;thử&lt;/b&gt;" in page.text
    assert "<b>" not in page.text
    english = {"Accept-Language": "en"}
    assert "SHIFT REPORT" in operator.get(
        f"/shifts/{shift['id']}/report.html", headers=english
    ).text  # fmt: skip
    asked = operator.get(f"/shifts/{shift['id']}/report.html", params={"language": "en"})
    assert "SHIFT REPORT" in asked.text
    book = load_workbook(io.BytesIO(operator.get(f"/shifts/{shift['id']}/report.xlsx").content))
    assert book["Vụ việc trong ca"]["A2"].value == report["incidents"][0]["code"]


def test_the_report_holds_the_log_the_calls_and_the_alerts_of_the_shift(
    server: Server, operator: httpx2.Client
) -> None:
    before = _begin(operator)
    operator.post(f"/shifts/{before['id']}/end", json={"to": "Chi"})
    shift = _begin(operator)
    written = operator.post(f"/shifts/{shift['id']}/entries", json={"text": "Mưa to ở Tam Đảo"})
    assert written.status_code == 200, written.text
    incident = _open(operator)
    call = {"person": "Trực Sở Y tế", "phone": "+84900000003", "result": "no_answer"}
    made = operator.post("/calls", json={**call, "incident": incident["id"]})
    assert made.status_code == 200, made.text
    grid = server.feed("ca-truc.dien", "so-y-te", domain="electricity")
    assert grid.post([{"series": "tram/customers-out", "time": stamp(), "value": 9000}]).is_success
    eventually(lambda: operator.get(f"/shifts/{shift['id']}/report").json()["alerts"])
    report = operator.get(f"/shifts/{shift['id']}/report").json()
    [alert] = [one for one in report["alerts"] if one["raised"]]
    assert (alert["acknowledged_by"], alert["incident"]) == (None, None)
    assert [one["text"] for one in report["entries"]] == ["Mưa to ở Tam Đảo"]
    assert [(one["person"], one["result"]) for one in report["calls"]] == [
        ("Trực Sở Y tế", "no_answer")
    ]
    page = operator.get(f"/shifts/{shift['id']}/report.html").text
    for said in (alert["title"]["vi"], "Mưa to ở Tam Đảo", "không nghe máy", incident["code"]):
        assert said in page
    # The shift before had none of it.
    past = operator.get(f"/shifts/{before['id']}/report").json()
    assert (past["entries"], past["calls"]) == ([], [])
    about = operator.get("/calls", params={"incident": incident["id"]}).json()["items"]
    assert [one["id"] for one in about] == [made.json()["id"]]


def test_the_duty_directory_says_who_answers_for_a_unit_at_an_hour(
    operator: httpx2.Client,
) -> None:
    night = {"at": "2026-11-28T23:00:00+07:00"}
    units = operator.get("/duty", params=night).json()["items"]
    province = next(one for one in units if one["unit"]["id"] == "phu-tho")
    assert [one["hours"] for one in province["people"] if one["hours"]] == ["19:00–07:00"]
    # Nobody answers for the department at night: those of the province do.
    health = operator.get("/duty", params={**night, "unit": "so-y-te"}).json()["items"]
    assert [one["unit"]["id"] for one in health] == ["phu-tho"]


def test_a_shift_needs_somebody_on_duty(operator: httpx2.Client) -> None:
    assert operator.post("/shifts", json={"on_duty": []}).status_code == 400

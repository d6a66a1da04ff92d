"""Open311 GeoReport v2 through the front door: what is reported, by whom it is read, what fails."""

from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
from defusedxml.ElementTree import fromstring

from tests.fixtures.server import FeedDoor, Server

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
REPORT = {
    "service_code": "o-ga-mat-duong", "lat": "20.868489", "long": "105.317642",
    "description": "Ổ gà to", "first_name": "Mật", "last_name": "Nguyễn Thị Bí",
    "phone": "0912345678", "email": "bi.mat@example.org", "device_id": "abc",
}  # fmt: skip


@pytest.fixture(scope="module")
def door(server: Server) -> FeedDoor:
    return server.feed("phan-anh.open311", "vp-ubnd", domain="service", late_limit=None)


def _get(door: FeedDoor, path: str, *, key: str | None = None, **query: Any) -> httpx2.Response:
    given = {"api_key": key or door.key, **query}
    return httpx2.get(f"{door.server.base}/api/v1/open311/v2/{path}", params=given)


def _post(door: FeedDoor, fields: dict[str, str], **more: Any) -> httpx2.Response:
    url = f"{door.server.base}/api/v1/open311/v2/requests.json"
    return httpx2.post(url, content=urlencode(fields), headers={**FORM, **more})


def _reported(door: FeedDoor, **more: str) -> str:
    answer = _post(door, {**REPORT, "api_key": door.key, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()[0]["service_request_id"]


def test_what_can_be_reported_is_known_to_everybody(server: Server) -> None:
    base = f"{server.base}/api/v1/open311"
    services = httpx2.get(f"{base}/v2/services.json").json()
    roads = next(s for s in services if s["service_code"] == "o-ga-mat-duong")
    assert (roads["service_name"], roads["metadata"]) == ("Ổ gà, hư hỏng mặt đường", False)
    english = httpx2.get(f"{base}/v2/services.json", headers={"Accept-Language": "en"}).json()
    assert "Potholes and damaged roads" in {s["service_name"] for s in english}
    one = httpx2.get(f"{base}/v2/services/o-ga-mat-duong.json").json()
    assert one == {"service_code": "o-ga-mat-duong", "attributes": []}
    assert httpx2.get(f"{base}/v2/services/khong-co.json").status_code == 404
    found = httpx2.get(f"{base}/discovery.json").json()["endpoints"][0]
    assert found["url"] == f"{base}/v2"
    assert found["formats"] == ["text/xml", "application/json"]


def test_a_report_becomes_a_ticket_that_its_key_can_follow(server: Server, door: FeedDoor) -> None:
    id = _reported(door)
    [shown] = _get(door, f"requests/{id}.json").json()
    assert (shown["status"], shown["description"]) == ("open", "Ổ gà to")
    assert (shown["lat"], shown["long"]) == (20.868489, 105.317642)
    assert shown["expected_datetime"] > shown["requested_datetime"]
    assert _get(door, f"tokens/{id}.json").json() == [{"token": id, "service_request_id": id}]
    assert door.ledger()["stored"] >= 1
    operator = server.sign_in("operator")
    assert operator.get(f"/tickets/{id}").json()["state"] == "received"
    contact = operator.get(f"/tickets/{id}/contact").json()
    assert contact == {
        "name": "Nguyễn Thị Bí Mật", "phone": "0912345678", "email": "bi.mat@example.org",
    }  # fmt: skip


def test_all_of_it_is_spoken_in_xml_too(server: Server, door: FeedDoor) -> None:
    base = f"{server.base}/api/v1/open311"
    url = f"{base}/v2/requests.xml"
    posted = httpx2.post(
        url, content=urlencode({**REPORT, "api_key": door.key, "description": "<ổ> & gà"}),
        headers=FORM,
    )  # fmt: skip
    assert (posted.status_code, posted.headers["content-type"]) == (201, "text/xml; charset=utf-8")
    id = _xml(posted, "request/service_request_id")
    assert _xml(_get(door, f"requests/{id}.xml"), "request/description") == "<ổ> & gà"
    assert _xml(_get(door, "requests.xml", service_request_id=id), "request/status") == "open"
    assert _xml(_get(door, f"tokens/{id}.xml"), "request/token") == id
    assert _xml(_get(door, "services.xml"), "service/metadata") == "false"
    assert _xml(_get(door, "services/rac-thai.xml"), "service_code") == "rac-thai"
    assert _xml(httpx2.get(f"{base}/discovery.xml"), "endpoints/endpoint/url") == f"{base}/v2"


def test_what_is_wrong_is_told_in_xml_where_xml_was_asked_for(door: FeedDoor) -> None:
    strange = _get(door, "requests.xml", key="sai")
    assert (strange.status_code, _xml(strange, "error/code")) == (403, "403")
    unknown = _get(door, "services/khong-co.xml")
    assert (unknown.status_code, _xml(unknown, "error/code")) == (404, "404")
    wrong = _get(door, "requests.xml", page_size=0)
    assert (wrong.status_code, _xml(wrong, "error/code")) == (400, "400")


def _xml(answer: httpx2.Response, path: str) -> str | None:
    """The first of what a document says at a path."""
    return fromstring(answer.content).findtext(path)


def test_a_key_may_stand_in_the_header_and_reads_its_own_tickets_only(
    server: Server, door: FeedDoor
) -> None:
    answer = _post(door, REPORT, Authorization=f"Bearer {door.key}")
    id = answer.json()[0]["service_request_id"]
    other = server.feed("phan-anh.khac", "so-y-te", domain="service")
    assert _get(other, f"requests/{id}.json").status_code == 404
    assert id not in {item["service_request_id"] for item in _get(other, "requests.json").json()}
    assert "Nguyễn" not in _get(door, "requests.json").text


def test_lists_are_cut_by_service_status_dates_ids_and_size(server: Server, door: FeedDoor) -> None:
    operator = server.sign_in("operator")
    closed, first, second = (
        _reported(door),
        _reported(door),
        _reported(door, service_code="rac-thai"),
    )
    body = {"version": 1, "reason": "không đúng", "outcome": "false_report"}
    assert operator.post(f"/tickets/{closed}/reject", json=body).status_code == 200

    def ids(**query: Any) -> list[str]:
        answer = _get(door, "requests.json", **query)
        assert answer.status_code == 200, answer.text
        return [item["service_request_id"] for item in answer.json()]

    assert ids(service_code="rac-thai") == [second]
    assert ids(service_code="khong-co") == []
    assert closed in ids(status="closed")
    assert closed not in ids(status="open")
    assert set(ids(service_request_id=f"{first},{second},lạ")) == {first, second}
    assert ids(page_size=1) == [second]
    assert ids(start_date="2020-01-01T00:00:00Z", end_date="2020-02-01T00:00:00Z") == []
    assert second in ids(start_date="2026-01-01T00:00:00Z")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"service_code": "khong-co"}, "category"),
        ({"service_code": ""}, "service_code is missing"),
        ({"lat": "105.317642", "long": "20.868489"}, "swapped"),
        ({"lat": "48.2", "long": "16.3"}, "outside of the province"),
        ({"lat": "nan"}, "lat is not a number"),
        ({"lat": ""}, "a place is missing"),
        ({"description": "x" * 4001}, "description has more than 4000 characters"),
        ({"description": "a\x00b"}, "control character"),
        ({"attribute[A]": "1"}, "attribute[A]"),
        ({"media_url": "javascript:1"}, "media_url"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_in_the_way_of_the_standard(
    door: FeedDoor, change: dict[str, str], said: str
) -> None:
    before = door.ledger()
    answer = _post(door, {**REPORT, "api_key": door.key, **change})
    assert answer.status_code == 400
    assert door.ledger()["quarantined"] == before["quarantined"] + 1
    [fault] = answer.json()
    assert fault["code"] == 400
    assert said in fault["description"]
    assert "0912345678" not in answer.text


def test_keys_formats_and_other_places_are_refused(server: Server, door: FeedDoor) -> None:
    for key in ("sai", ""):
        answer = _post(door, {**REPORT, "api_key": key})
        assert (answer.status_code, answer.json()[0]["code"]) == (403, 403)
        assert httpx2.get(
            f"{server.base}/api/v1/open311/v2/requests.json", params={"api_key": key}
        ).status_code == 403  # fmt: skip
    assert _get(door, "services.json", jurisdiction_id="ha-noi.vn").status_code == 404
    assert _get(door, "services.json", jurisdiction_id="phu-tho").status_code == 200
    assert _get(door, "requests.json", page_size=0).json()[0]["code"] == 400
    url = f"{server.base}/api/v1/open311/v2/requests.json"
    as_json = httpx2.post(url, json=REPORT, headers={"Authorization": f"Bearer {door.key}"})
    assert as_json.status_code == 415
    long = _post(door, {**REPORT, "api_key": door.key, "x": "y" * 70_000})
    assert (long.status_code, long.json()[0]["code"]) == (413, 413)


def test_an_address_is_a_place_too(door: FeedDoor) -> None:
    fields = {"service_code": "rac-thai", "address_string": "Đường Hùng Vương, Việt Trì"}
    answer = _post(door, {**fields, "api_key": door.key})
    assert answer.status_code == 201
    [shown] = _get(door, f"requests/{answer.json()[0]['service_request_id']}.json").json()
    assert (shown["address"], shown["lat"]) == (fields["address_string"], None)

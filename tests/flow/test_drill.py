"""From a figure of the province down to single dossiers, through the front door."""

from datetime import timedelta
from typing import Any

import httpx2
import pytest

from tests.fixtures.server import Server, now, stamp

OWN, OTHER = "so-y-te", "so-noi-vu"


def a_dossier(code: str, **more: Any) -> dict[str, Any]:
    received = now() - timedelta(days=30)
    return {
        "code": code, "procedure": "1.0", "field": "Y tế", "received_unit": OWN,
        "handling_unit": OWN, "channel": "online", "received_at": stamp(received),
        "due_at": stamp(received + timedelta(days=5)), "changed_at": stamp(received),
        "resolved_at": None, "outcome": None, "office": "Phòng Nghiệp vụ", **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def served(server: Server) -> Server:
    door = server.feed("mot-cua.drill", "vp-ubnd", domain="service", late_limit=None)
    body = [
        a_dossier("D-1", office_since=stamp(now() - timedelta(days=20))),
        a_dossier("D-2", due_at=stamp(now() - timedelta(days=28))),
        a_dossier("D-3", due_at=stamp(now() + timedelta(days=28))),
        a_dossier("D-4", handling_unit=OTHER),
        a_dossier("D-5", handling_unit=OTHER, received_unit=OTHER, applicant_unit=OWN),
    ]
    assert door.post(body, part="dossiers").json()["stored"] == len(body)
    return server


def codes(answer: httpx2.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["code"] for item in answer.json()["items"]]


def test_the_overdue_dossiers_of_a_unit_say_where_they_lie_and_how_late_they_are(
    served: Server,
) -> None:
    client = served.sign_in("leader")
    answer = client.get("/dossiers", params={"unit": OWN, "state": "overdue"})
    assert codes(answer) == ["D-2", "D-1"]
    second = answer.json()["items"][1]
    assert second["held"]["office"] == "Phòng Nghiệp vụ"
    assert (second["state"], second["procedure"]["code"]) == ("overdue", "1.0")
    assert 10 <= second["days_late"] <= 25


def test_pages_follow_one_another(served: Server) -> None:
    client = served.sign_in("leader")
    first = client.get("/dossiers", params={"unit": OWN, "limit": 2})
    rest = client.get("/dossiers", params={"unit": OWN, "limit": 2, "cursor": first.json()["next"]})
    assert codes(first) + codes(rest) == ["D-2", "D-1", "D-3"]
    assert rest.json()["next"] is None


def test_an_agency_sees_what_it_handles_or_receives_and_no_more(served: Server) -> None:
    agency = served.sign_in("agency", OWN)
    assert sorted(codes(agency.get("/dossiers"))) == ["D-1", "D-2", "D-3"]
    received = agency.get("/dossiers", params={"by": "receiving"})
    assert sorted(codes(received)) == ["D-1", "D-2", "D-3", "D-4"]
    for asked in ({"unit": OTHER}, {"unit": "phu-tho"}, {"by": "applicant"}):
        assert agency.get("/dossiers", params=asked).status_code == 403
    assert agency.get("/dossiers/counts", params={"unit": OTHER}).status_code == 403


def test_counts_of_the_province_are_by_the_group_that_is_asked_for(served: Server) -> None:
    client = served.sign_in("leader")
    since = (now() - timedelta(days=40)).date().isoformat()
    answer = client.get("/dossiers/counts", params={"group": "unit", "since": since}).json()
    found = {item["key"]: item for item in answer["items"]}
    assert (found[OWN]["received"], found[OWN]["overdue"]) == (3, 2)
    assert (found[OTHER]["received"], found[OTHER]["in_hand"]) == (2, 2)


def test_days_that_are_no_span_are_refused_with_the_cure(served: Server) -> None:
    client = served.sign_in("leader")
    for since, until in (("2026-02-01", "2026-02-01"), ("0001-01-01", "2026-01-01")):
        answer = client.get("/dossiers/counts", params={"since": since, "until": until})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid")

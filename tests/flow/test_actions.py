"""Dated actions at the front door: noted, listed, and drawn on the lines they are about."""

from typing import Any

import httpx2
import pytest

from tests.fixtures.server import Server


@pytest.fixture(scope="module")
def admin(server: Server) -> httpx2.Client:
    return server.sign_in("administrator")


def _action(**more: Any) -> dict[str, Any]:
    return {
        "unit": "phu-tho", "kind": "urging_letter", "from": "2026-05-05", "document": "CV 5",
        "name": {"vi": "Công văn đôn đốc", "en": "Urging letter"},
        "indicators": ["online-share"], **more,
    }  # fmt: skip


def _drawn(client: httpx2.Client, unit: str, since: str, until: str) -> list[str]:
    given = {"unit": unit, "since": since, "until": until}
    found = client.get("/indicators/online-share/history", params=given).json()
    return [one["document"][:5] for one in found["actions"]]


def test_what_the_province_did_before_is_drawn_on_its_line_of_then(admin: httpx2.Client) -> None:
    assert len(_drawn(admin, "phu-tho-1997", "2020-04", "2020-06")) == 2
    assert len(_drawn(admin, "phu-tho-1997", "2020-07", "2020-12")) == 1
    assert _drawn(admin, "phu-tho-1997", "2019-01", "2020-03") == []


def test_an_action_is_drawn_on_its_units_line_and_those_below(admin: httpx2.Client) -> None:
    made = admin.post("/actions", json=_action(document="CV 77"))
    assert made.status_code == 201
    listed = admin.get("/actions", params={"unit": "phu-tho"}).json()["items"]
    assert made.json() in listed
    assert "CV 77" in _drawn(admin, "phu-tho", "2026-05", "2026-05")
    assert "CV 77" in _drawn(admin, "so-y-te", "2026-05", "2026-05")


@pytest.mark.parametrize(
    ("wrong", "cure"),
    [
        ({"indicators": ["online-shar"]}, "did you mean `online-share`?"),
        ({"indicators": []}, "name at least one indicator"),
        ({"unit": "so-y-t"}, "did you mean so-y-te?"),
        ({"unit": "phu-tho-1997"}, "since then name"),
        ({"until": "2026-05-05"}, "before it begins"),
        ({"document": " "}, "the document or letter"),
        ({"kind": "prayer"}, "not an action"),
    ],
)
def test_an_action_that_cannot_be_meant_is_refused_with_the_cure(
    admin: httpx2.Client, wrong: dict[str, Any], cure: str
) -> None:
    answer = admin.post("/actions", json=_action(**wrong))
    assert answer.status_code in (400, 404)
    assert cure in answer.json()["detail"]


def test_an_agency_notes_what_its_own_units_did(server: Server) -> None:
    office = server.sign_in("agency", "vp-ubnd")
    assert office.post("/actions", json=_action(unit="trung-tam-pvhcc")).status_code == 201
    assert office.post("/actions", json=_action(unit="so-y-te")).status_code == 403

"""The quarterly form through the front door: as a workbook, as CSV, and for whom."""

import csv
from datetime import timedelta
from typing import Any

import pytest

from tests.fixtures.server import Server, now, stamp
from tests.fixtures.spreadsheet import lines_of, sheets_of

OWN, OTHER = "so-y-te", "so-noi-vu"


def a_dossier(code: str, unit: str, **more: Any) -> dict[str, Any]:
    received = now() - timedelta(days=30)
    return {
        "code": code, "procedure": "1.0", "field": "Y tế", "received_unit": unit,
        "handling_unit": unit, "channel": "online", "received_at": stamp(received),
        "due_at": stamp(received + timedelta(days=5)), "changed_at": stamp(received),
        "resolved_at": None, "outcome": None, **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def served(server: Server) -> Server:
    door = server.feed("mot-cua.forms", "vp-ubnd", domain="service", late_limit=None)
    body = [
        a_dossier("F-1", OWN),
        a_dossier("F-2", OWN, channel="post", field="Dược"),
        a_dossier("F-3", OTHER, field="Nội vụ"),
    ]
    assert door.post(body, part="dossiers").json()["stored"] == len(body)
    return server


def a_span() -> str:
    """Days that hold all of them, and that are over."""
    start, end = now() - timedelta(days=60), now() - timedelta(days=2)
    return f"{start:%Y-%m-%d}/{end:%Y-%m-%d}"


def test_forms_say_for_which_cycles_they_are_made(served: Server) -> None:
    [form] = served.sign_in("leader").get("/forms").json()["items"]
    assert form["id"] == "dossiers-quarterly"
    assert [cycle["id"] for cycle in form["cycles"]][:2] == ["quarter-15", "quarter"]


def test_a_form_of_a_unit_names_it_and_holds_its_counts_by_field_and_by_unit(
    served: Server,
) -> None:
    client = served.sign_in("leader")
    asked = {"unit": OWN, "period": a_span(), "cycle": "any"}
    answer = client.get("/forms/dossiers-quarterly.xlsx", params=asked)
    assert answer.status_code == 200, answer.text
    assert f"-{OWN}-" in answer.headers["content-disposition"]
    by_field, by_unit = map(lines_of, sheets_of(answer.content))
    assert by_field[0] == ["TỈNH PHÚ THỌ"]
    assert "Sở Y tế" in by_field[1][0]
    assert ["SỐ LIỆU MẪU"] in by_field
    for lines in (by_field, by_unit):
        [whole] = [line for line in lines if line[1:2] == ["Tổng số"] and line[0] is None]
        assert whole[2:] == [2, 1, 1, 0, 0, 0, 0, 0, 2, 0, 2]


def test_the_csv_has_the_same_lines(served: Server) -> None:
    client = served.sign_in("leader")
    asked = {"period": a_span(), "cycle": "any", "unit": OWN}
    answer = client.get("/forms/dossiers-quarterly.csv", params=asked)
    assert answer.headers["content-type"].startswith("text/csv")
    lines = list(csv.reader(answer.content.decode("utf-8-sig").splitlines()))
    wholes = [line[2:] for line in lines if line[1:2] == ["Tổng số"] and line[0] == ""]
    assert wholes == [["2", "1", "1", "0", "0", "0", "0", "0", "2", "0", "2"]] * 2


def test_an_agency_takes_away_forms_of_its_own_units_only(served: Server) -> None:
    agency = served.sign_in("agency", OTHER)
    own = agency.get("/forms/dossiers-quarterly.csv", params={"period": a_span(), "cycle": "any"})
    assert own.status_code == 200
    assert "Nội vụ" in own.text
    assert "Dược" not in own.text
    refused = agency.get("/forms/dossiers-quarterly.csv", params={"unit": OWN})
    assert refused.status_code == 403


@pytest.mark.parametrize(
    ("path", "asked", "status", "cure"),
    [
        ("dossiers-yearly.csv", {}, 404, "dossiers-quarterly"),
        ("dossiers-quarterly.csv", {"period": "2026-07"}, 400, "2026-Q3"),
        ("dossiers-quarterly.csv", {"cycle": "day"}, 400, "quarter-15"),
        ("dossiers-quarterly.csv", {"cycle": "any"}, 400, "name one in `period`"),
        ("dossiers-quarterly.csv", {"unit": "so-y-tee"}, 400, "so-y-te"),
    ],
)
def test_what_cannot_be_made_is_refused_with_the_cure(
    served: Server, path: str, asked: dict[str, str], status: int, cure: str
) -> None:
    answer = served.sign_in("leader").get(f"/forms/{path}", params=asked)
    assert answer.status_code == status, answer.text
    assert cure in answer.json()["detail"]

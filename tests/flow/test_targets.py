"""Targets at the front door: assigned, imported, cascaded, and held against what comes in."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openpyxl import Workbook

from ioc.documents.workbook import XLSX
from tests.fixtures.server import FeedDoor, Server, eventually, now

CSV = {"Content-Type": "text/csv"}
UNIT = "so-noi-vu"


@pytest.fixture(scope="module")
def admin(server: Server) -> httpx2.Client:
    return server.sign_in("administrator")


def _year() -> int:
    return now().year


def _target(**more: Any) -> dict[str, Any]:
    return {
        "indicator": "online-share", "unit": UNIT, "from": f"{_year() + 1}-01-01", "value": 60,
        "document": "QĐ 12/QĐ-UBND", **more,
    }  # fmt: skip


def _held(client: httpx2.Client, **params: Any) -> list[dict[str, Any]]:
    return client.get("/targets", params={"indicator": "online-share", **params}).json()["items"]


def test_a_decision_assigns_a_target_and_a_later_one_ends_it(admin: httpx2.Client) -> None:
    assert admin.put("/targets", json=_target()).status_code == 200
    later = _target(**{"from": f"{_year() + 1}-07-01"}, value=70, document="QĐ 99/QĐ-UBND")
    answer = admin.put("/targets", json=later).json()
    assert [one["document"] for one in answer["replaced"]] == ["QĐ 12/QĐ-UBND"]
    on = {"unit": UNIT, "on": f"{_year() + 1}-08-01"}
    eventually(lambda: [t["value"] for t in _held(admin, **on)] == [70])
    before = {"unit": UNIT, "on": f"{_year() + 1}-06-30"}
    assert [t["value"] for t in _held(admin, **before)] == [60]


@pytest.mark.parametrize(
    ("wrong", "cure"),
    [
        ({"value": 151}, "its target lies from 0 to 100"),
        ({"unit": "so-khong-co"}, "no unit has the id"),
        ({"indicator": "online-shar"}, "no indicator"),
        ({"from": (now() - timedelta(days=2)).date().isoformat()}, "say the `reason`"),
        ({"document": " "}, "the document that assigns it"),
        ({"until": "2001-01-01"}, "before it begins"),
        ({"goal": 5}, "goal"),
        ({"indicator": "online-shar"}, "did you mean `online-share`?"),
        ({"unit": "so-noi-v"}, "did you mean so-noi-vu?"),
        ({"direction": "down"}, "online-share is good up"),
        ({"must_cascade_by": f"{now().year + 1}-03-01"}, "has no units below it"),
        ({"unit": "phu-tho-1997"}, "since then name"),
    ],
)
def test_a_target_that_cannot_be_meant_is_refused_with_the_cure(
    admin: httpx2.Client, wrong: dict[str, Any], cure: str
) -> None:
    answer = admin.put("/targets", json=_target(**wrong))
    assert answer.status_code in (400, 404)
    assert cure in answer.json()["detail"]


def test_a_target_that_is_replaced_on_its_first_day_stays_in_the_history(
    admin: httpx2.Client,
) -> None:
    since = f"{_year() + 4}-01-01"
    for value in (61, 62):
        wanted = _target(unit="so-y-te", value=value, **{"from": since})
        assert admin.put("/targets", json=wanted).status_code == 200
    eventually(lambda: [t["value"] for t in _held(admin, unit="so-y-te", on=since)] == [62])
    ever = _held(admin, unit="so-y-te", on=since, history=True)
    assert [(t["value"], t["replaced_at"] is None) for t in ever] == [(61, False), (62, True)]


def test_a_target_that_ends_behind_another_one_is_refused_with_the_day(
    admin: httpx2.Client,
) -> None:
    year = _year() + 5
    later = _target(unit="so-y-te", **{"from": f"{year}-07-01"})
    assert admin.put("/targets", json=later).status_code == 200
    answer = admin.put("/targets", json=_target(unit="so-y-te", **{"from": f"{year}-01-01"}))
    assert answer.status_code == 409
    assert f"write `until` {year}-07-01" in answer.json()["detail"]


def test_a_unit_assigns_to_the_units_below_it_only(server: Server) -> None:
    office = server.sign_in("agency", "vp-ubnd")
    assert office.put("/targets", json=_target()).status_code == 403
    below = _target(unit="trung-tam-pvhcc")
    assert office.put("/targets", json={**below, "decided_by": "so-y-te"}).status_code == 403
    assert office.put("/targets", json={**below, "decided_by": "vp-ubnd"}).status_code == 200


def test_what_a_unit_above_assigned_is_not_replaced_from_below(
    server: Server, admin: httpx2.Client
) -> None:
    since = f"{_year() + 7}-01-01"
    wanted = _target(unit="pvhcc-viet-tri", **{"from": since})
    made = admin.put("/targets", json=wanted).json()
    assert made["target"]["decided_by"] == "phu-tho"
    office = server.sign_in("agency", "vp-ubnd")
    lower = {**wanted, "value": 10}
    for answer in (
        office.put("/targets", json=lower),
        office.put("/targets", json={**lower, "from": f"{_year() + 7}-06-01"}),
        admin.put("/targets", json={**lower, "decided_by": "vp-ubnd"}),
    ):
        assert answer.status_code == 403
        assert "which phu-tho assigned, a unit above vp-ubnd; ask" in answer.json()["detail"]
    sideways = admin.put("/targets", json={**lower, "decided_by": "so-y-te"})
    assert "so-y-te is not above pvhcc-viet-tri" in sideways.json()["detail"]


def test_an_earlier_decision_does_not_take_the_place_of_a_later_one(admin: httpx2.Client) -> None:
    wanted = _target(unit="so-y-te", **{"from": f"{_year() + 8}-01-01"})
    later = {**wanted, "decided_on": "2026-06-01"}
    assert admin.put("/targets", json=later).status_code == 200
    earlier = admin.put("/targets", json={**wanted, "value": 70, "decided_on": "2026-05-31"})
    assert (earlier.status_code, "is the earlier decision" in earlier.json()["detail"]) == (
        409, True
    )  # fmt: skip
    undated = admin.put("/targets", json={**wanted, "value": 70})
    assert (undated.status_code, "say `decided_on`" in undated.json()["detail"]) == (400, True)
    same = admin.put("/targets", json={**wanted, "value": 70, "decided_on": "2026-06-01"})
    assert same.status_code == 200


def test_a_table_of_targets_is_tried_and_taken_row_by_row(admin: httpx2.Client) -> None:
    year = _year() + 2
    table = (
        "Chỉ tiêu,Đơn vị,Từ ngày,Mức giao,Văn bản giao\n"
        f"online-share,so-tu-phap,{year}-01-01,62.5,KH 1\n"
        f"online-share,so-khong-co,{year}-01-01,62.5,KH 1\n"
        f"online-share,so-y-te,{year}-01-01,nhiều,KH 1\n"
        f"online-share,so-tu-phap,{year}-06-01,70,KH 1\n"
    )

    def sent(**params: Any) -> dict[str, Any]:
        return admin.post("/targets/import", content=table.encode(), headers=CSV,
                          params=params).json()  # fmt: skip

    tried = sent(dry_run=True)
    assert ([r["row"] for r in tried["refused"]], len(tried["assigned"])) == ([3, 4, 5], 1)
    assert "row 2 assigns 62.5" in tried["refused"][2]["detail"]
    assert not _held(admin, unit="so-tu-phap", on=f"{year}-02-01")
    sent()
    on = f"{year}-02-01"
    eventually(lambda: [t["value"] for t in _held(admin, unit="so-tu-phap", on=on)] == [62.5])


def test_a_workbook_is_read_as_people_write_and_names_the_cell_that_is_wrong(
    admin: httpx2.Client,
) -> None:
    year = _year() + 9
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Giao chỉ tiêu"
    sheet.append(["Đơn vị", "Chỉ tiêu", "Từ ngày", "Mức giao", "Văn bản giao", "Ngày văn bản"])
    for unit, since, value in [
        ("so-tu-phap", f"01/07/{year}", "80,5"),
        ("so-xay-dung", f"01/07/{year}", "nhiều"),
        ("so-khong-co", f"01/07/{year}", "80,5"),
        ("so-y-te", f"31/06/{year}", "80,5"),
        ("so-tai-chinh", f"01/07/{year}", "180,5"),
    ]:
        sheet.append([unit, "online-share", since, value, "QĐ 5/QĐ-UBND", "15/06/2026"])
    filled = io.BytesIO()
    book.save(filled)
    sent = admin.post(
        "/targets/import", content=filled.getvalue(), headers={"Content-Type": XLSX}
    ).json()
    [made] = [one["target"] for one in sent["assigned"]]
    assert (made["unit"]["id"], made["value"], made["valid_from"], made["decided_on"]) == (
        "so-tu-phap", 80.5, f"{year}-07-01", "2026-06-15"
    )  # fmt: skip
    assert [(r["sheet"], r["cell"], r["field"]) for r in sent["refused"]] == [
        ("Giao chỉ tiêu", "D3", "value"), ("Giao chỉ tiêu", "A4", "unit"),
        ("Giao chỉ tiêu", "C5", "from"), ("Giao chỉ tiêu", "D6", "value"),
    ]  # fmt: skip
    cures = ["write such as 80,5", "no unit has the id", "write 01/07/2026", "lies from 0 to 100"]
    assert all(cure in r["detail"] for r, cure in zip(sent["refused"], cures, strict=True))


def test_the_command_line_takes_the_same_table(
    server: Server, admin: httpx2.Client, tmp_path: Path
) -> None:
    since = f"{_year() + 6}-01-01"
    table = tmp_path / "giao.csv"
    table.write_text(
        "Đơn vị;Chỉ tiêu;Từ ngày;Mức giao;Văn bản giao\n"
        f"so-cong-thuong;online-share;{since};64.5;KH 6\n"
    )
    tried = server.command("targets", "import", str(table), "--dry-run")
    assert "1 would be assigned, 0 rows refused" in tried
    assert not _held(admin, unit="so-cong-thuong", on=since, history=True)
    assert "64.5" in server.command("targets", "import", str(table))
    eventually(
        lambda: [t["value"] for t in _held(admin, unit="so-cong-thuong", on=since)] == [64.5]
    )


def test_who_had_to_cascade_and_has_not_is_listed_with_who_answers(admin: httpx2.Client) -> None:
    year = _year() + 3
    target = _target(
        unit="trung-tam-pvhcc", must_cascade_by=f"{year}-03-01", **{"from": f"{year}-01-01"}
    )
    assert admin.put("/targets", json=target).status_code == 200

    def late(on: str) -> list[dict[str, Any]]:
        found = admin.get("/targets/uncascaded", params={"on": on}).json()["items"]
        return [one for one in found if one["unit"]["id"] == "trung-tam-pvhcc"]

    eventually(lambda: late(f"{year}-03-01"))
    assert late(f"{year}-02-28") == []
    [one] = late(f"{year}-03-01")
    assert "pvhcc-viet-tri" in [unit["id"] for unit in one["missing"]]
    assert len(one["missing"]) <= one["of"]


def test_a_unit_behind_its_target_is_told_what_the_rest_of_the_year_must_bring(
    server: Server, admin: httpx2.Client
) -> None:
    door: FeedDoor = server.feed("mot-cua.tien-do", "vp-ubnd", domain="service", late_limit=None)
    at = now() - timedelta(days=2)
    unit = "thanh-tra-tinh"
    body = [
        {
            "code": f"T-{n}", "procedure": "1.1", "received_unit": unit, "handling_unit": unit,
            "channel": "online" if n < 3 else "direct", "received_at": at.isoformat(),
            "changed_at": at.isoformat(),
        }
        for n in range(10)
    ]  # fmt: skip
    assert door.post(body, part="dossiers").json()["stored"] == 10

    def standing() -> dict[str, Any]:
        found = admin.get("/targets/standing", params={"indicator": "online-share"}).json()
        own = [one for one in found["items"] if one["figure"]["unit"]["id"] == unit]
        return own[0] if own else {}

    eventually(lambda: standing().get("figure", {}).get("denominator") == 10)
    found = standing()
    assert found["figure"]["target"]["value"] == 51
    assert found["pace"]["gap"] == pytest.approx(-21)
    assert found["pace"]["recent"] == pytest.approx(30)
    assert found["pace"]["course"] in ("at_risk", "off_track")
    assert "%" in found["reason"]["vi"]

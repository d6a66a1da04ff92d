"""Units at the front door: as they were on a day, who followed whom, and who answers."""

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.fixtures.server import Server, eventually

EVE, MERGE = "2025-06-30", "2025-07-01"


@pytest.fixture(scope="module")
def client(server: Server) -> httpx2.Client:
    return server.sign_in("leader")


def ids(client: httpx2.Client, **given: Any) -> list[str]:
    return [item["id"] for item in client.get("/units", params=given).json()["items"]]


def test_units_are_those_of_the_day(client: httpx2.Client) -> None:
    assert ids(client, as_of=EVE, level="province") == [
        "hoa-binh-1991", "phu-tho-1997", "vinh-phuc-1997",
    ]  # fmt: skip
    assert ids(client, as_of=MERGE, level="province") == ["phu-tho"]
    assert len(ids(client, as_of=EVE, level="district")) == 32
    assert ids(client, as_of=MERGE, level="district") == []


def test_units_within_another_are_found_by_its_id_or_code_of_the_day(
    client: httpx2.Client,
) -> None:
    by_code = ids(client, as_of=EVE, within="gso:25")
    assert len(by_code) == 13
    assert by_code == ids(client, as_of=EVE, within="phu-tho-1997")
    refused = client.get("/units", params={"within": "26"})
    assert refused.status_code == 400
    assert "name phu-tho" in refused.json()["detail"]


def test_units_are_found_by_part_of_a_name_without_marks_or_by_code(client: httpx2.Client) -> None:
    assert "phuong-viet-tri" in ids(client, q="VIET tri")
    assert ids(client, q="04792") == ["phuong-tan-hoa"]
    assert ids(client, q="没有") == []


def test_units_come_page_by_page_and_each_once(client: httpx2.Client) -> None:
    whole = ids(client, level="commune")
    assert len(whole) == 148
    paged: list[str] = []
    after: str | None = ""
    while after is not None:
        page = client.get("/units", params={"level": "commune", "limit": 37, "after": after}).json()
        paged += [item["id"] for item in page["items"]]
        after = page["next"]
    assert paged == whole


def test_who_has_the_units_already_is_told_so(client: httpx2.Client) -> None:
    first = client.get("/units", params={"as_of": EVE})
    again = client.get(
        "/units", params={"as_of": EVE}, headers={"If-None-Match": first.headers["etag"]}
    )
    assert (first.status_code, again.status_code) == (200, 304)


def test_a_former_province_tells_its_event_and_its_successor(client: httpx2.Client) -> None:
    found = client.get("/units/vinh-phuc-1997").json()
    assert [(v["valid_from"], v["valid_until"]) for v in found["versions"]] == [
        ("1997-01-01", MERGE)
    ]
    assert [(e["kind"], e["effective"]) for e in found["events"]] == [("merge", MERGE)]
    assert {"source": "vinh-phuc-1997", "target": "phu-tho", "weight": 1.0, "basis": "whole"} in (
        found["events"][0]["map"]
    )
    assert found["successors"] == [{"id": "phu-tho", "name": "Tỉnh Phú Thọ", "weight": 1.0}]
    before = client.get("/units/vinh-phuc-1997", params={"as_of": EVE}).json()
    assert [s["id"] for s in before["successors"]] == ["vinh-phuc-1997"]


def test_a_unit_names_who_answers_for_it_and_that_a_phone_is_made_up(
    client: httpx2.Client,
) -> None:
    answers = client.get("/units/pvhcc-viet-tri").json()["answers"]
    assert answers["unit"] == "trung-tam-pvhcc"
    assert answers["contact"]["sample"] is True
    assert answers["contact"]["post"].startswith("Giám đốc")


def test_a_unit_is_asked_for_by_a_code_of_the_day(client: httpx2.Client) -> None:
    assert client.get("/units/25", params={"as_of": EVE}).json()["id"] == "phu-tho-1997"
    assert client.get("/units/25", params={"as_of": MERGE}).json()["id"] == "phu-tho"
    unknown = client.get("/units/so-yte")
    assert unknown.status_code == 400
    assert "did you mean so-y-te?" in unknown.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/units?as_of=2026-02-30", "/units?as_of=today", "/units?level=quarter", "/units?limit=0",
        "/units?within=nowhere", "/units/%00", "/units/" + "9" * 500, "/units/25?as_of=x",
    ],
)  # fmt: skip
def test_nonsense_is_refused(client: httpx2.Client, path: str) -> None:
    assert client.get(path).status_code == 400


def test_a_feature_names_its_unit_by_any_code_of_today(server: Server) -> None:
    door = server.feed("dat-ten.so-y-te")

    def put(unit: str) -> httpx2.Response:
        feature = {"type": "Feature", "id": "a", "geometry": None, "properties": {"unit": unit}}
        return httpx2.put(
            f"{server.base}/api/v1/feeds/{door.feed}/features",
            json={"type": "FeatureCollection", "features": [feature]},
            headers={"Authorization": f"Bearer {door.key}"},
        )

    assert put("gso:04792").status_code == 200
    with server.database() as conn:
        found = conn.execute(
            "SELECT u.id FROM feature f JOIN unit u USING (unit_key) JOIN feed d USING (feed_key) "
            "WHERE d.id = %s",
            [door.feed],
        ).fetchall()
    assert found == [("phuong-tan-hoa",)]
    refused = put("hoa-binh-1991")
    assert refused.status_code == 400
    assert "since then name phu-tho" in refused.json()["detail"]


COMMUNES = """\
code,name,full_name,province_code,province_full_name
00004,Ba Đình,Phường Ba Đình,01,Thành phố Hà Nội
04792,Tân Hoà,Phường Tân Hoà,25,Tỉnh Phú Thọ
"""


def test_units_of_the_country_come_in_by_a_command_and_are_served(
    server: Server, client: httpx2.Client, tmp_path: Path
) -> None:
    path = tmp_path / "communes.csv"
    path.write_text(COMMUNES, "utf-8")
    load = ("city", "load", "--units", str(path), "--from", MERGE)
    said = server.command(*load)
    assert "1 of level commune, from 2025-07-01" in said
    assert "2 described elsewhere, left as they are" in said
    eventually(lambda: ids(client, q="Ba Dinh") == ["phuong-ba-dinh"])
    assert ids(client, within="ha-noi") == ["phuong-ba-dinh"]
    path.write_text(COMMUNES.replace("Phường Ba Đình", "Phường Ngọc Hà"), "utf-8")
    server.command(*load)
    eventually(lambda: ids(client, q="Ngoc Ha") == ["phuong-ba-dinh"])


def test_a_file_that_is_loaded_for_another_time_needs_to_be_told_so(
    server: Server, client: httpx2.Client, tmp_path: Path
) -> None:
    path = tmp_path / "dated.csv"
    path.write_text(COMMUNES.splitlines()[0] + "\n11111,X,Xã X,92,Tỉnh Xa\n", "utf-8")
    load = ("city", "load", "--units", str(path), "--from")
    server.command(*load, MERGE)
    with pytest.raises(AssertionError, match=r"loaded before with other dates; --force"):
        server.command(*load, "2025-08-01")
    server.command(*load, "2025-08-01", "--force")
    eventually(lambda: ids(client, q="11111", as_of=MERGE) == [])
    assert ids(client, q="11111", as_of="2025-08-01") == ["xa-x"]


def test_what_is_wrong_in_a_file_of_units_is_named_by_its_line(
    server: Server, tmp_path: Path
) -> None:
    path = tmp_path / "wrong.csv"
    path.write_text(COMMUNES.replace("00004", "4"), "utf-8")
    with pytest.raises(AssertionError, match=r"wrong\.csv:2: '4' is no code .*zeros in front"):
        server.command("city", "load", "--units", str(path), "--from", MERGE)


def test_outlines_of_the_country_bring_its_units(
    server: Server, client: httpx2.Client, tmp_path: Path
) -> None:
    ring = [[105.8, 21.0], [105.9, 21.0], [105.9, 21.1], [105.8, 21.0]]
    feature = {
        "type": "Feature",
        "properties": {"code": "96", "name": "Cà Mau", "fullName": "Tỉnh Cà Mau"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    path = tmp_path / "provinces.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), "utf-8")
    said = server.command("city", "load", "--units", str(path), "--from", MERGE)
    assert "1 loaded" in said
    eventually(lambda: "ca-mau" in ids(client, level="province"))

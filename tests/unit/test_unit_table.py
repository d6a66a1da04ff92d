"""Units of a whole country from published files: ids by rule, reused codes, errors by line."""

import json
import os
from datetime import date
from pathlib import Path

import pytest

from ioc.city.finding import CityError
from ioc.city.read import packaged_city, read_city
from ioc.city.unit_table import UnitTable, read_unit_table
from ioc.errors import Invalid
from ioc.org import Organisation, UnitVersion

START, REFORM = date(2020, 1, 1), date(2025, 7, 1)
NOTHING = Organisation([])

FLAT = """\
ward_code,ward,district_code,district,province_code,province
00001,Phường Phúc Xá,001,Quận Ba Đình,01,Thành phố Hà Nội
00004,Phường Trúc Bạch,001,Quận Ba Đình,01,Thành phố Hà Nội
00070,Xã Tân Lập,002,Quận 1,01,Thành phố Hà Nội
08000,Xã Tân Lập,230,Huyện Đoan Hùng,25,Tỉnh Phú Thọ
,,318,Huyện Bạch Long Vĩ,31,Thành phố Hải Phòng
"""
COMMUNES = """\
code,name,full_name,province_code,province_full_name,area_km2,rep_lon,rep_lat
00004,Ba Đình,Phường Ba Đình,01,Thành phố Hà Nội,2.97,105.836,21.039
08000,Tân Sơn,Xã Tân Sơn,25,Tỉnh Phú Thọ,,,
"""


def written(folder: Path, text: str, name: str = "units.csv") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def old(path: Path, organisation: Organisation = NOTHING, own: tuple[str, ...] = ()) -> UnitTable:
    return read_unit_table(path, organisation, since=START, until=REFORM, own=own)


def new(path: Path, organisation: Organisation = NOTHING, own: tuple[str, ...] = ()) -> UnitTable:
    return read_unit_table(path, organisation, since=REFORM, own=own)


def ids(table: UnitTable) -> dict[str, str]:
    return {version.codes["gso"]: version.unit for version in table.versions}


def said(path: Path, organisation: Organisation = NOTHING) -> str:
    with pytest.raises(CityError) as raised:
        new(path, organisation)
    return str(raised.value)


def test_a_flat_table_gives_provinces_districts_and_communes(tmp_path: Path) -> None:
    found = old(written(tmp_path, FLAT)).versions
    by_id = {v.unit: v for v in found}
    assert len(found) == 3 + 4 + 4
    commune = by_id["phuong-phuc-xa-2020"]
    assert (commune.short_name, commune.parent) == ("Phúc Xá", "quan-ba-dinh-2020")
    assert by_id["quan-ba-dinh-2020"].parent == "ha-noi-2020"
    assert by_id["quan-1-2020"].short_name == "Quận 1"
    assert {(v.valid_from, v.valid_until) for v in found} == {(START, REFORM)}


def test_a_table_of_communes_gives_their_provinces_areas_and_points(tmp_path: Path) -> None:
    found = {v.unit: v for v in new(written(tmp_path, COMMUNES)).versions}
    commune = found["phuong-ba-dinh"]
    assert (commune.parent, commune.area_km2) == ("ha-noi", 2.97)
    assert commune.point == (105.836, 21.039)
    assert found["xa-tan-son"].point is None
    assert found["ha-noi"].name == "Thành phố Hà Nội"


def test_a_name_that_is_not_alone_gets_its_code_and_what_ended_its_year(tmp_path: Path) -> None:
    assert ids(old(written(tmp_path, FLAT))) == {
        "01": "ha-noi-2020", "25": "phu-tho-2020", "31": "hai-phong-2020",
        "001": "quan-ba-dinh-2020", "002": "quan-1-2020", "230": "huyen-doan-hung-2020",
        "318": "huyen-bach-long-vi-2020",
        "00001": "phuong-phuc-xa-2020", "00004": "phuong-truc-bach-2020",
        "00070": "xa-tan-lap-00070-2020", "08000": "xa-tan-lap-08000-2020",
    }  # fmt: skip


def test_a_code_that_is_reused_names_two_units(tmp_path: Path) -> None:
    before = Organisation(old(written(tmp_path, FLAT)).versions)
    after = new(written(tmp_path, COMMUNES), before).versions
    both = Organisation([*(v for u in before for v in before.versions(u)), *after])
    assert both.resolve("00004", date(2025, 6, 30)) == "phuong-truc-bach-2020"
    assert both.resolve("00004", REFORM) == "phuong-ba-dinh"


def test_an_id_stays_when_the_file_is_corrected(tmp_path: Path) -> None:
    first = old(written(tmp_path, FLAT))
    known = Organisation(first.versions)
    more = FLAT.replace("Phường Trúc Bạch", "Phường Phúc Xá")
    again = old(written(tmp_path, more), known, tuple(known))
    assert ids(again) == ids(first)
    assert {v.name for v in again.versions if v.codes["gso"] == "00004"} == {"Phường Phúc Xá"}


def test_a_new_unit_of_a_name_that_is_taken_gets_its_code(tmp_path: Path) -> None:
    known = Organisation(new(written(tmp_path, COMMUNES)).versions)
    more = COMMUNES + "08015,Ba Đình,Phường Ba Đình,25,Tỉnh Phú Thọ,,,\n"
    again = ids(new(written(tmp_path, more, "other.csv"), known))
    assert again == {"08015": "phuong-ba-dinh-08015"}


def test_what_the_city_describes_is_left_as_it_is(tmp_path: Path) -> None:
    city = read_city(packaged_city()).organisation
    table = new(
        written(tmp_path, COMMUNES.replace("08000,Tân Sơn,Xã Tân Sơn", "08015,X,Xã Mới")), city
    )
    assert table.known == 1
    assert ids(table) == {"01": "ha-noi", "00004": "phuong-ba-dinh", "08015": "xa-moi"}
    (commune,) = [v for v in table.versions if v.unit == "xa-moi"]
    assert commune.parent == "phu-tho"


def test_former_provinces_of_the_city_are_known_by_code_and_name(tmp_path: Path) -> None:
    city = read_city(packaged_city()).organisation
    table = old(written(tmp_path, FLAT), city)
    (commune,) = [v for v in table.versions if v.codes["gso"] == "08000"]
    assert (table.known, commune.parent) == (2, "huyen-doan-hung")


def test_a_code_that_another_unit_has_at_that_time_is_refused(tmp_path: Path) -> None:
    open_ended = Organisation(new(written(tmp_path, FLAT)).versions)
    complaint = said(written(tmp_path, COMMUNES), open_ended)
    assert (
        "units.csv:2: commune 00004, Phường Ba Đình, has the code of Phường Trúc Bạch" in complaint
    )
    assert "say with --until when the one that was there before ended" in complaint


def test_a_part_needs_its_whole_all_the_time(tmp_path: Path) -> None:
    late = Organisation(
        [
            UnitVersion(
                unit="ha-noi", valid_from=date(2021, 1, 1), name="Thành phố Hà Nội",
                short_name="Hà Nội", level=v.level, codes=v.codes,
            )
            for v in new(written(tmp_path, COMMUNES)).versions
            if v.unit == "ha-noi"
        ]
    )  # fmt: skip
    with pytest.raises(CityError, match="no province has the code 01 on 2020-01-01"):
        old(written(tmp_path, COMMUNES), late)


def outlines(*properties: dict[str, object]) -> str:
    features = [{"type": "Feature", "properties": said} for said in properties]
    return json.dumps({"type": "FeatureCollection", "features": features})


HA_NOI = {"code": "01", "fullName": "Thành phố Hà Nội", "areaKm2": 3359.84}
BA_DINH = {"code": "00004", "fullName": "Phường Ba Đình", "provinceCode": "01", "areaKm2": 2.97}


def test_outlines_tell_units_too(tmp_path: Path) -> None:
    provinces = new(written(tmp_path, outlines(HA_NOI), "provinces.geojson"))
    known = Organisation(provinces.versions)
    communes = new(written(tmp_path, outlines(BA_DINH), "communes.geojson"), known)
    told = [*provinces.versions, *communes.versions]
    assert {v.unit: (v.parent, v.area_km2) for v in told} == {
        "ha-noi": (None, 3359.84), "phuong-ba-dinh": ("ha-noi", 2.97),
    }  # fmt: skip


def test_outlines_of_two_levels_come_in_two_files(tmp_path: Path) -> None:
    path = written(tmp_path, outlines(HA_NOI, BA_DINH), "both.geojson")
    assert "holds outlines of provinces and of communes" in said(path)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a,b\n1,2\n", "units.csv:1: the first row has neither code, full_name"),
        ("", "units.csv:1: the first row has neither"),
        (COMMUNES.replace("00004,", "4,"), "'4' is no code of a commune: 5 digits (zeros in front"),
        (COMMUNES.replace("08000,", "00004,"), "units.csv:3: commune 00004 stands here twice"),
        (COMMUNES.replace("2.97", "2,97"), "units.csv:2: has 9 fields instead of 8"),
        (COMMUNES.replace("2.97", '"2,97"'), "units.csv:2: area_km2: '2,97' is not a number"),
        (COMMUNES.replace("21.039", "105.8"), "rep_lat: 105.8 is not between -90 and 90"),
        (COMMUNES.replace("Phường Ba Đình", " "), "units.csv:2: commune 00004 has no name"),
        (FLAT.replace("Quận Ba Đình", "Quận Ba Vì", 1), "district 001 is called Quận Ba Đình here"),
        (FLAT.replace("00001,", ","), "units.csv:2: '' is no code of a commune"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    assert complaint in said(written(tmp_path, text))


@pytest.mark.parametrize(
    ("name", "body", "complaint"),
    [
        ("u.csv", "Hà Nội".encode("utf-16"), "is not UTF-8"),
        ("u.xlsx", b"PK", "is neither CSV nor GeoJSON"),
        ("u.geojson", b"[]", "is not a FeatureCollection"),
        ("u.geojson", b'{"features": [{"properties": {"code": 1}}]}', "all as text"),
    ],
)
def test_a_file_of_another_kind_is_refused(
    tmp_path: Path, name: str, body: bytes, complaint: str
) -> None:
    (tmp_path / name).write_bytes(body)
    assert complaint in said(tmp_path / name)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    assert "nowhere.csv: cannot be read" in said(tmp_path / "nowhere.csv")


def test_units_cannot_end_before_they_begin(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="end on 2020-01-01 but begin on 2025-07-01"):
        read_unit_table(written(tmp_path, FLAT), NOTHING, since=REFORM, until=START)


def test_semicolons_and_a_byte_order_mark_are_taken(tmp_path: Path) -> None:
    path = written(tmp_path, "\ufeff" + FLAT.replace(",", ";"))
    assert len(old(path).versions) == 11


@pytest.fixture(scope="module")
def country() -> Path:
    folder = Path(os.environ.get("IOC_TEST_DATA", "../shared/data"))
    if not folder.is_dir():
        pytest.skip("IOC_TEST_DATA is absent: the units of the whole country were not tried")
    return folder


def test_the_whole_country_before_and_after_the_reform(country: Path) -> None:
    before = old(country / "units_before_2025/units_flat.csv").versions
    organisation = Organisation(before)
    after = new(country / "units_2025/communes_3321_attributes.csv", organisation).versions
    both = Organisation([*before, *after])
    eve = both.as_of(date(2025, 6, 30)).values()
    day = both.as_of(REFORM).values()
    assert [sum(v.level == of for v in eve) for of in ("province", "district", "commune")] == [
        63, 696, 10_035,
    ]  # fmt: skip
    assert [sum(v.level == of for v in day) for of in ("province", "commune")] == [34, 3_321]
    reused = [v for v in day if both.by_code("gso", v.codes["gso"], date(2025, 6, 30))]
    assert sum(v.level == "commune" for v in reused) == 3_315
    assert all(both.resolve(v.codes["gso"], REFORM) == v.unit for v in day)

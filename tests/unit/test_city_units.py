"""Codes, contacts and events of units in a city's files."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ioc.city.finding import CityError
from ioc.city.read import packaged_city, read_city
from ioc.kpi.counts import counts_of
from ioc.kpi.restate import restate
from ioc.org import Contact, Organisation, answers_for

EVE, MERGE, TODAY = date(2025, 6, 30), date(2025, 7, 1), date(2026, 11, 22)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(packaged_city(), tmp_path / "city"))


@pytest.fixture(scope="module")
def demo() -> Organisation:
    return read_city(packaged_city()).organisation


def said(root: Path) -> str:
    with pytest.raises(CityError) as raised:
        read_city(root)
    return str(raised.value)


def change(root: Path, file: str, old: str, new: str) -> None:
    text = (root / file).read_text("utf-8")
    assert text.count(old) >= 1, old
    (root / file).write_text(text.replace(old, new, 1), "utf-8")


def test_the_demo_reads_as_was_and_as_of(demo: Organisation) -> None:
    received = counts_of(
        [("hoa-binh-1991", [293]), ("phu-tho-1997", [400]), ("vinh-phuc-1997", [307])], ["x"]
    )
    as_was = restate(received, demo, EVE)
    assert dict(zip(as_was.units, as_was.values[:, 0].tolist(), strict=True)) == {
        "hoa-binh-1991": 293, "phu-tho-1997": 400, "vinh-phuc-1997": 307,
    }  # fmt: skip
    as_of = restate(received, demo, MERGE)
    assert (as_of.units, as_of.values.tolist()) == (("phu-tho",), [[1000.0]])
    assert not as_of.estimated.any()


def test_the_demo_tells_the_two_phu_tho_apart_by_the_day(demo: Organisation) -> None:
    assert demo.resolve("25", EVE) == "phu-tho-1997"
    assert demo.resolve("25", MERGE) == "phu-tho"
    assert demo.resolve("H28", EVE) == "hoa-binh-1991"


def test_every_district_of_the_demo_ends_by_an_event(demo: Organisation) -> None:
    (end,) = [event for event in demo.events if event.kind == "dissolve"]
    districts = {unit for unit, v in demo.as_of(EVE).items() if v.level == "district"}
    assert set(end.units) == districts


def test_somebody_answers_for_every_unit_of_the_demo_and_all_phones_are_made_up(
    demo: Organisation,
) -> None:
    for unit in demo.as_of(TODAY):
        found = answers_for(demo, unit, TODAY)
        assert found is not None, unit
        assert found.contact.sample, unit
        assert found.contact.name is None, unit


def test_a_table_of_units_may_have_codes_and_contacts(copy: Path) -> None:
    header, *rows = (copy / "districts.csv").read_text("utf-8").splitlines()
    quan = (
        "quan-a,1,Quận A,A,district,phu-tho-1997,2020-01-01,2025-07-01,,,,H44.1,000.00.01.H44,"
        "Chủ tịch,Nguyễn Văn A,+84 210 3846 000"
    )
    lines = [
        f"{header},one_stop,eid,head_post,head_name,duty_phone",
        *(f"{row},,,,," for row in rows),
        quan,
    ]
    (copy / "districts.csv").write_text("\n".join(lines), "utf-8")
    unit = read_city(copy).organisation.get("quan-a", EVE)
    assert unit.codes == {"gso": "1", "one_stop": "H44.1", "eid": "000.00.01.H44"}
    assert unit.contact == Contact(post="Chủ tịch", name="Nguyễn Văn A", phone="+84 210 3846 000")


Edit = Callable[[Path], None]


def edit(file: str, old: str, new: str) -> Edit:
    return lambda root: change(root, file, old, new)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (edit("communes.csv", ",duty_phone,", ",phone,"), "then any of eid,one_stop,head_post"),
        (edit("communes.csv", "head_post,duty_phone", "duty_phone,duty_phone"), "other columns"),
        (edit("communes.csv", "0000 001 001,yes", "0000 001 001,có"), "'có' is not yes or empty"),
        (edit("communes.csv", "0000 001 001", "gọi sau"), "communes.csv:2: phone"),
        (edit("units.toml", '"0000 000 101"', '"?"'), "unit[0].version[0].contact.phone"),
        (edit("units.toml", "{ post =", "{ title ="), "'title' is not known here"),
        (edit("units.toml", 'eid = "H28"', 'EID = "H28"'), "'EID' is no kind of code"),
        (edit("units.toml", 'eid = "H28"', 'eid = "H 28"'), "'H 28' is no code"),
        (edit("units.toml", 'eid = "H28"', 'eid = "H44"'), "the eid code H44 belongs to"),
        (edit("units.toml", '"huyen-da-bac"', '"huyen-da-bak"'), "did you mean 'huyen-da-bac'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_codes_contacts_and_events_is_named(
    copy: Path, wrong: Edit, message: str
) -> None:
    wrong(copy)
    assert message in said(copy)


EVENT = '\n[[event]]\nid = "x"\neffective = 2025-07-01\nlegal_reference = "-"\n'


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ('kind = "merge"\nunits = ["phu-tho"]\n', "a merge says what went where"),
        ('kind = "rename"\n', "the event names no unit"),
        ('kind = "create"\nunits = ["hoa-binh-1991", "nowhere"]\n', "no unit is called 'nowhere'"),
    ],
)
def test_an_event_says_what_it_is_about(copy: Path, more: str, message: str) -> None:
    with (copy / "units.toml").open("a", encoding="utf-8") as file:
        file.write(EVENT + more)
    assert message in said(copy)


def test_an_event_is_of_the_day_on_which_its_units_change(copy: Path) -> None:
    with (copy / "units.toml").open("a", encoding="utf-8") as file:
        file.write(
            EVENT.replace("2025-07-01", "2025-08-01") + 'kind = "create"\nunits = ["phu-tho"]'
        )
    assert "no version of phu-tho begins or ends on 2025-08-01" in said(copy)

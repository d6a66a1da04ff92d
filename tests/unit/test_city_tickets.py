"""What a city says of tickets: the shipped file reads, and what is wrong is found with its line."""

from datetime import date
from pathlib import Path

import pytest

from ioc.city.folder import Folder
from ioc.city.read import packaged_city, read_city
from ioc.city.tickets import read_plan
from ioc.org import Level, Organisation, UnitVersion
from ioc.tickets.plan import Plan

SINCE = date(2020, 1, 1)
UNITS = Organisation(
    [UnitVersion(unit="so-a", valid_from=SINCE, name="A", short_name="A", level=Level.DEPARTMENT)]
)

TERMS = """
[[terms]]
id = "cu"
from = 2020-01-01
legal_reference = "thử"
refuse = 2
supplement = 5
solve = 15
publish = 2
"""
REPORT = """
[[category]]
id = "o-ga"
name = { vi = "Ổ gà", en = "Potholes" }
group = { vi = "Đường", en = "Roads" }
kind = "field_report"
hours = 24
unit = "so-a"
"""
PETITION = REPORT.replace('kind = "field_report"\nhours = 24', 'kind = "petition"\nabout = "rules"')


def _read(tmp_path: Path, text: str) -> tuple[Plan, list[str]]:
    (tmp_path / "tickets.toml").write_text(text, encoding="utf-8")
    folder = Folder(tmp_path)
    return read_plan(folder, UNITS), [str(finding) for finding in folder.findings]


def test_the_shipped_city_has_petitions_with_terms_and_field_reports_with_hours():
    plan = read_city(packaged_city()).tickets
    terms = plan.terms_on(date(2026, 11, 22))
    assert terms is not None
    assert (terms.refuse, terms.supplement, terms.solve, terms.publish) == (2, 5, 15, 2)
    petitions = [c for c in plan.categories if c.kind == "petition"]
    assert {c.about for c in petitions} == {"rules", "staff"}
    assert all(c.hours for c in plan.categories if c not in petitions)
    assert any(c.immediate for c in plan.categories)


def test_a_category_is_found_by_its_id_and_by_its_service_code(tmp_path: Path):
    plan, faults = _read(tmp_path, REPORT + 'service_code = "1022.GT"\n')
    assert faults == []
    assert plan.find("o-ga") is plan.find("1022.GT") is not None
    assert plan.find("1022") is None


def test_a_city_without_the_file_takes_no_tickets(tmp_path: Path):
    folder = Folder(tmp_path)
    assert read_plan(folder, UNITS).categories == ()
    assert folder.findings == []


def test_terms_hold_from_their_day_until_the_next_ones(tmp_path: Path):
    later = TERMS.replace("cu", "moi").replace("2020", "2022").replace("= 15", "= 10")
    plan, faults = _read(tmp_path, later + TERMS)
    assert faults == []
    days = (date(2019, 12, 31), date(2020, 1, 1), date(2021, 12, 31), date(2022, 1, 1))
    found = [plan.terms_on(day) for day in days]
    assert [terms.solve for terms in found if terms] == [15, 15, 15, 10]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (REPORT.replace("hours = 24\n", ""), 2, "a field report needs hours"),
        (REPORT + 'level = "commune"\n', 2, "exactly one of unit and level"),
        (REPORT.replace("so-a", "so-b"), 8, "no unit is called 'so-b'"),
        (REPORT + 'about = "rules"\n', 2, "about says of petitions"),
        (PETITION, 6, "there are no [[terms]]"),
        (TERMS + PETITION + "hours = 3\n", 18, "a petition goes by [[terms]]"),
        (TERMS + PETITION + "immediate = true\n", 18, "always verified first"),
        (TERMS + TERMS.replace("cu", "moi"), 13, "cu begins on that day"),
        (REPORT + REPORT.replace("o-ga", "b") + 'service_code = "o-ga"\n', 17, "stands for o-ga"),
        ("[tickets]\noffice_hours = [[12:00:00, 08:00:00]]\n", 2, "order of the day"),
        ('[tickets]\nkeep_contact = "PT1H"\n', 2, "less than a day"),
        (REPORT.replace("24", "-1"), 7, "hours"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, line: int, said: str):
    _, faults = _read(tmp_path, text)
    assert len(faults) == 1, faults
    assert faults[0].startswith(f"tickets.toml:{line}:")
    assert said in faults[0]

"""What a city says of incidents: the shipped file reads, and a fault is found with its line."""

from datetime import date
from pathlib import Path

import pytest

from ioc.city.folder import Folder
from ioc.city.incidents import read_incident_plan
from ioc.city.read import packaged_city, read_city
from ioc.incidents.plan import Plan
from ioc.org import Level, Organisation, UnitVersion

SINCE = date(2020, 1, 1)
UNITS = Organisation(
    [UnitVersion(unit="so-a", valid_from=SINCE, name="A", short_name="A", level=Level.DEPARTMENT)]
)

FLOOD = """
[[category]]
id = "ngap"
name = { vi = "Ngập", en = "Flood" }
group = { vi = "Thiên tai", en = "Disasters" }
unit = "so-a"
acknowledge = 0.25
assign = 0.5
resolve = 4
source = "QĐ mẫu"
steps = [{ id = "xem", text = { vi = "Xem", en = "Look" }, required = true }]
escalation = [
  { level = 1, when = "unacknowledged", after = 0.25 },
  { level = 2, when = "unresolved", after = 4 },
]
calm = 1
"""


def _read(tmp_path: Path, text: str) -> tuple[Plan, list[str]]:
    (tmp_path / "incidents.toml").write_text(text, encoding="utf-8")
    folder = Folder(tmp_path)
    return read_incident_plan(folder, UNITS), [str(finding) for finding in folder.findings]


def test_every_category_of_the_shipped_city_has_deadlines_with_their_source() -> None:
    plan = read_city(packaged_city()).incidents
    assert len(plan.categories) > 5
    assert all(c.source and c.acknowledge <= c.assign <= c.resolve for c in plan.categories)
    assert {c.clock for c in plan.categories} == {"office", "always"}
    assert all(c.steps for c in plan.categories)


def test_a_category_comes_with_its_checklist_and_its_escalation(tmp_path: Path) -> None:
    plan, faults = _read(tmp_path, FLOOD)
    assert faults == []
    [category] = plan.categories
    assert [(s.id, s.required) for s in category.steps] == [("xem", True)]
    assert [(r.level, r.when) for r in category.escalation] == [
        (1, "unacknowledged"), (2, "unresolved"),
    ]  # fmt: skip


def test_a_city_without_the_file_opens_no_incidents(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert read_incident_plan(folder, UNITS).categories == ()
    assert folder.findings == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('unit = "so-a"', 'unit = "so-x"', "so-x"),
        ('unit = "so-a"', "", "exactly one of unit and level"),
        ("assign = 0.5", "assign = 9", "before it is to be assigned"),
        ("level = 2", "level = 1", "does not rise"),
        ("level = 2", "level = 9", "9"),
        ('source = "QĐ mẫu"', "", "source"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, old: str, new: str, said: str) -> None:
    _, faults = _read(tmp_path, FLOOD.replace(old, new))
    assert any(said in fault for fault in faults), faults

"""Cycles, measures and obligations of a city's files: what is wrong in them is named."""

import shutil
from pathlib import Path

import pytest

from ioc.city.finding import CityError
from ioc.city.read import read_city
from ioc.kpi.cycle import CALENDAR

SHIPPED = Path(__file__).parents[2] / "city"

CYCLE = """
[[cycle]]
id = "own"
name = { vi = "Kỳ", en = "Cycle" }
"""
MEASURE = """
[[measure]]
id = "visits"
name = { vi = "Lượt", en = "Visits" }
uom = "{visits}"
"""
OBLIGATION = """
[[obligation]]
id = "owed"
name = { vi = "Báo cáo", en = "Report" }
group = "one-stop"
cycle = "quarter-15"
"""


def _city(tmp_path: Path, file: str, more: str) -> Path:
    root = Path(shutil.copytree(SHIPPED, tmp_path / "city"))
    with (root / file).open("a", encoding="utf-8") as out:
        out.write(more)
    return root


def test_the_shipped_city_declares_what_is_handed_in() -> None:
    city = read_city(SHIPPED)
    known = {*CALENDAR, *(cycle.id for cycle in city.cycles)}
    assert {measure.cycle for measure in city.measures} <= known
    parents = {measure.parent for measure in city.measures} - {None}
    assert parents <= {measure.id for measure in city.measures}
    assert {o.group for o in city.obligations} <= {m.group for m in city.measures}


def test_the_components_of_the_official_index_add_up_to_their_groups() -> None:
    measures = {m.id: m for m in read_city(SHIPPED).measures}
    groups = [f"d766_{n}" for n in range(1, 7)]
    assert sum(measures[group].maximum or 0 for group in groups) == measures["d766"].maximum
    for group in groups:
        parts = [m.maximum or 0 for m in measures.values() if m.parent == group]
        assert sum(parts) == measures[group].maximum


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("periods.toml", CYCLE.replace("own", "month") + 'length = "month"', "of the calendar"),
        ("periods.toml", CYCLE + 'length = "listed"', "do not fit the length"),
        ("periods.toml", CYCLE + 'length = "month"\nfirst_day = 29', "first_day"),
        (
            "periods.toml",
            CYCLE + 'length = "listed"\nperiod = [{ text = "a", from = 2026-01-01, '
            'until = 2026-03-01 }, { text = "b", from = 2026-02-01, until = 2026-04-01 }]',
            "b overlaps a",
        ),
        ("measures.toml", MEASURE + 'cycle = "mouth"', "did you mean 'month'?"),
        ("measures.toml", MEASURE + 'parent = "par_indx"', "did you mean 'par_index'?"),
        ("measures.toml", MEASURE + 'parent = "visits"', "a component of itself"),
        ("measures.toml", MEASURE + 'unit = "so-y-tee"', "did you mean 'so-y-te'?"),
        ("measures.toml", MEASURE + "maximum = 0", "above 0"),
        ("measures.toml", MEASURE.replace("visits\"", "vi-sits\"", 1), "vi-sits"),
        ("reporting.toml", OBLIGATION, "exactly one of units and each"),
        ("reporting.toml", OBLIGATION + 'units = ["so-y-tee"]', "did you mean 'so-y-te'?"),
        ("reporting.toml", OBLIGATION.replace("one-stop", "one-step") + 'each = "department"',
         "did you mean 'one-stop'?"),
        ("reporting.toml", OBLIGATION.replace("quarter-15", "month") + 'each = "department"',
         "is handed in by quarter-15"),
        ("reporting.toml", OBLIGATION.replace("quarter-15", "any") + 'each = "department"',
         "no cycle is called 'any'"),
        ("rules.toml", '[[rule]]\nid = "r"\nname = { vi = "a", en = "a" }\nkind = "missing_report"'
         '\ndomain = "service"\nseverity = "low"\nobligation = "health-dayly"',
         "did you mean 'health-daily'?"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path: Path, file: str, text: str, said: str) -> None:
    with pytest.raises(CityError) as refused:
        read_city(_city(tmp_path, file, text))
    told = [f"{f.file} {f.path} {f.message} {f.hint}" for f in refused.value.findings]
    assert any(line.startswith(file) and said in line for line in told), told

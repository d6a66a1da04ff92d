"""The catalogue of indicators: the index of Decision 766, and what a wrong definition is told."""

import shutil
from datetime import date
from pathlib import Path

import pytest

from ioc.city.finding import CityError
from ioc.city.read import packaged_city, read_city
from ioc.kpi.indicator import Definitions
from ioc.kpi.origin import MeasureSource, PartsSource

FILE = "indicators/decision-766.toml"
SIX, FIVE = date(2025, 7, 31), date(2025, 8, 1)


@pytest.fixture(scope="module")
def known() -> Definitions:
    return Definitions(one.indicator for one in read_city(packaged_city()).indicators)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(packaged_city(), tmp_path / "city"))


def _maxima(known: Definitions, id: str, day: date) -> list[float | None]:
    found = known.on(id, day)
    assert found is not None
    assert isinstance(found.source, PartsSource)
    parts = [known.on(part, day) for part in found.source.parts]
    return [part.maximum if part else None for part in parts]


def test_the_index_has_six_groups_until_july_2025_and_five_since(known: Definitions) -> None:
    assert _maxima(known, "d766", SIX) == [18, 20, 12, 10, 22, 18]
    assert _maxima(known, "d766", FIVE) == [18, 20, 22, 22, 18]
    assert known.on("d766-4", FIVE) is None
    assert known.on("d766", date(2022, 7, 31)) is None


@pytest.mark.parametrize(
    ("group", "maxima"),
    [("d766-1", [6, 4, 2, 6]), ("d766-2", [20]), ("d766-3", [2, 4, 6]), ("d766-4", [2, 2, 6]),
     ("d766-5", [6, 4, 2, 4, 2, 2, 2]), ("d766-6", [6, 6, 6])],
)  # fmt: skip
def test_the_components_of_each_group_have_their_points(
    known: Definitions, group: str, maxima: list[float]
) -> None:
    assert _maxima(known, group, SIX) == maxima


def test_components_that_nobody_published_a_formula_of_are_only_imported(
    known: Definitions,
) -> None:
    bare = [
        id
        for id in known
        if id.startswith("d766")
        and (found := known.on(id, SIX)) is not None
        and isinstance(found.source, MeasureSource)
        and found.source.score is None
    ]
    assert bare == ["d766-5-4", "d766-5-7"]


@pytest.mark.parametrize(
    ("old", "new", "message", "hint"),
    [
        ('numerator = "received_synced"', 'numerator = "received_sync"',
         "no measure is called 'received_sync'", "did you mean 'received_synced'?"),
        ('numerator = "received_synced"', 'numerator = "received_synced +"',
         "ends where a name", "write one there"),
        ('numerator = "received_synced"', 'numerator = "received_synced + procedures_full"',
         "mixes {dossiers} with {procedures}", "like with like"),
        ('parts = ["d766-2-1"]', 'parts = ["d766-2-2"]',
         "no indicator is called 'd766-2-2'", "did you mean"),
        ('parts = ["d766-2-1"]', 'parts = ["online-share"]',
         "online-share has kind share", "a part is a score or a composite"),
        ('parts = ["d766-2-1"]', 'parts = ["d766-2-1", "d766-1-1"]',
         "have 26 points, not 20", "the sum of those of the parts"),
        ('imported = "d766_2_1"', 'imported = "d766_2_9"',
         "no reported measure is called 'd766_2_9'", "did you mean"),
        ('from = 2025-08-01', 'from = 2025-07-01', "is valid while version 1 is", "until ="),
        ('unit = "vp-ubnd"', 'unit = "vp-ubndd"', "no unit is called 'vp-ubndd'", "vp-ubnd"),
    ],
)  # fmt: skip
def test_a_wrong_definition_is_reported_with_file_line_and_hint(
    copy: Path, old: str, new: str, message: str, hint: str
) -> None:
    path = copy / FILE
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(CityError) as wrong:
        read_city(copy)
    found = [f for f in wrong.value.findings if message in f.message]
    assert found, [str(f) for f in wrong.value.findings]
    assert found[0].file == FILE
    assert hint in found[0].hint
    line = text[: text.index(old)].count("\n") + 1
    assert found[0].line is not None
    assert abs(found[0].line - line) <= 3


def test_a_sum_that_holds_itself_is_reported(copy: Path) -> None:
    path = copy / FILE
    text = path.read_text(encoding="utf-8")
    old = 'parts = ["d766-2-1"]'
    path.write_text(text.replace(old, 'parts = ["d766"]', 1), encoding="utf-8")
    with pytest.raises(CityError) as wrong:
        read_city(copy)
    assert any("is a sum with d766-2 in it" in f.message for f in wrong.value.findings)

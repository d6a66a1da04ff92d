"""What a city says of the times of dossiers, and what is wrong with it, with its line."""

from datetime import date
from pathlib import Path

import pytest

from ioc.city.folder import Folder
from ioc.city.read import packaged_city
from ioc.city.timing import FILE, read_timing
from ioc.procedures.timing import Timing

RULE = """
[[supplements]]
id = "thu"
from = 2024-01-01
most = 2
legal_reference = "thử"
"""
SOURCE = """
[[sources]]
id = "provincial_portal"
until = 2025-07-01
instead = ["vneid"]
legal_reference = "thử"
"""


def _folder(tmp_path: Path, text: str) -> Folder:
    (tmp_path / FILE).write_text(text, encoding="utf-8")
    return Folder(tmp_path)


def test_the_shipped_rules_are_those_that_hold_without_a_file(tmp_path: Path) -> None:
    assert read_timing(Folder(packaged_city())) == read_timing(Folder(tmp_path)) == Timing()


def test_a_city_has_rules_of_its_own(tmp_path: Path) -> None:
    folder = _folder(tmp_path, RULE)
    timing = read_timing(folder)
    assert folder.findings == []
    assert [(r.valid_from, r.most) for r in timing.supplements] == [(date(2024, 1, 1), 2)]
    assert timing.sources == ()


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (RULE.replace("2\n", "-1\n"), "timing.toml:5: supplements[0].most"),
        (RULE.replace("legal_reference", "legal"), "legal_reference"),
        (RULE + RULE.replace('"thu"', '"hai"'), "thu begins on that day already"),
        (SOURCE.replace('["vneid"]', "[]"), "instead"),
        (SOURCE.replace('["vneid"]', '["provincial_portal"]'), "names the source that closed"),
        (SOURCE.replace('"provincial_portal"', '"zalo"', 1), "zalo"),
        (SOURCE + "[other]\n", "other"),
    ],
)
def test_what_is_wrong_is_found(tmp_path: Path, text: str, finding: str) -> None:
    folder = _folder(tmp_path, text)
    read_timing(folder)
    assert finding in "\n".join(str(found) for found in folder.findings)

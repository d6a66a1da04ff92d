"""Forms of a city: each count in one column, each unit in one group."""

import shutil
from pathlib import Path

import pytest

from ioc.city.folder import Folder
from ioc.city.forms import read_forms
from ioc.city.periods import read_cycles
from ioc.city.read import packaged_city
from ioc.kpi.form import MEASURES, Form


def forms_of(folder: Folder) -> list[Form]:
    return read_forms(folder, read_cycles(folder))


def test_every_dossier_stands_in_one_column_of_what_came_and_one_of_what_became_of_it() -> None:
    folder = Folder(packaged_city())
    [form] = [form for form in forms_of(folder) if form.id == "dossiers-quarterly"]
    assert folder.findings == []
    counted = [measure for column in form.columns for measure in column.measures]
    assert sorted(counted) == sorted(MEASURES)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"received_online"', '"received_onlin"', "did you mean 'received_online'"),
        ('of = "resolved"', 'of = "resolve"', "did you mean 'resolved'"),
        ('levels = ["branch_office"]', 'levels = ["commune"]', "level commune stands in 2 groups"),
        ('"quarter-15", ', '"quarter-16", ', "did you mean 'quarter-15'"),
        ('measures = ["carried_over"]', "", "either measures or other columns"),
        ('id = "resolved-late"', 'id = "resolved"', "'resolved' stands here already"),
    ],
)
def test_what_is_wrong_with_a_form_is_said_with_the_cure(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    for name in ("forms.toml", "periods.toml"):
        shutil.copy(packaged_city() / name, tmp_path)
    file = tmp_path / "forms.toml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    folder = Folder(tmp_path)
    forms_of(folder)
    assert any(said in str(finding) for finding in folder.findings), folder.findings

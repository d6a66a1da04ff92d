"""An application of four packages, kept apart from public distributions of the same names."""

import importlib
import importlib.metadata
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

DECISION = "docs/decisions/0009-packaging-and-locks.md"
PACKAGES = ("ioc", "ingest", "geo", "alerts")


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The names in a wheel built from this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=root,
        check=True,
        capture_output=True,
    )
    (built,) = folder.glob("*.whl")
    with zipfile.ZipFile(built) as content:
        return set(content.namelist())


def test_all_four_packages_come_from_one_place() -> None:
    places = {
        Path(str(importlib.import_module(package).__file__)).parents[1] for package in PACKAGES
    }
    assert len(places) == 1, f"another distribution got in between, see {DECISION}: {places}"


def test_no_other_distribution_brings_a_package_of_ours() -> None:
    brought = importlib.metadata.packages_distributions()
    others = {
        name: brought[name] for name in PACKAGES if set(brought.get(name, ())) - {"ioc-backend"}
    }
    assert not others, f"see {DECISION}: {others}"


def test_the_project_cannot_be_published(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    assert "Private :: Do Not Upload" in project["classifiers"], DECISION


def test_the_wheel_holds_our_packages_and_nothing_else(wheel: set[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES), DECISION


def test_the_wheel_holds_every_module_and_data_file(root: Path, wheel: set[str]) -> None:
    wanted = {
        str(path.relative_to(root))
        for package in PACKAGES
        for path in (root / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    wanted |= {
        f"ioc/_city/{path.relative_to(root / 'city')}"
        for path in (root / "city").rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
    assert wanted <= wheel, f"see {DECISION}: {sorted(wanted - wheel)[:10]}"

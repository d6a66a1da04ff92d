"""Imports follow the flow, and a new module says where it stands."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DECISION = "docs/decisions/0001-one-direction.md"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    """The four packages alone, to break a rule in."""
    for package in ("ioc", "ingest", "geo", "alerts"):
        shutil.copytree(
            root / package,
            tmp_path / package,
            ignore=shutil.ignore_patterns("_frontend", "__pycache__"),
        )
    shutil.copy(root / "pyproject.toml", tmp_path)
    return tmp_path


def test_all_import_contracts_are_kept(root: Path) -> None:
    result = lint_imports(root)
    assert result.returncode == 0, f"see {DECISION}\n{result.stdout}{result.stderr}"


@pytest.mark.parametrize(
    ("module", "source", "contract"),
    [
        ("ioc/newcomer.py", "", "Every module of ioc has its place"),
        ("ioc/model_too.py", "", "Every module of ioc has its place"),
        ("alerts/x.py", "import ioc.store", "Data flows one way"),
        ("alerts/x.py", "import asyncio", "The core does no I/O"),
        ("ioc/live/x.py", "import socket", "The core does no I/O"),
        ("ioc/api/x.py", "import psycopg", "psycopg only in"),
        ("ioc/store/x.py", "import fastapi", "fastapi and starlette only in"),
        ("ioc/store/x.py", "import pydantic", "pydantic only in"),
        ("ioc/store/x.py", "import paho.mqtt.client", "paho only in"),
        ("ioc/api/x.py", "import shapely", "geopandas, shapely and pyproj only in"),
    ],
)
def test_a_broken_rule_is_noticed(copy: Path, module: str, source: str, contract: str) -> None:
    (copy / module).write_text(source)
    result = lint_imports(copy)
    broken = [line for line in result.stdout.splitlines() if " BROKEN" in line]
    assert result.returncode == 1, result.stdout + result.stderr
    assert any(line.startswith(contract) for line in broken), result.stdout

"""Where the real data lies, if it does."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder with real data; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("IOC_TEST_DATA", "../shared/data"))
    if not folder.is_dir():
        pytest.skip("IOC_TEST_DATA is absent: real outlines and GeoJSON were not tried")
    return folder

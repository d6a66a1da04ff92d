"""Secrets: where they are found, and where they never stay."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ioc.sources.failure import Failure
from ioc.sources.secrets import Secrets, scrub


def test_a_secret_is_read_from_the_environment_or_else_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "ndop-2").write_text("tu-tep\n")
    secrets = Secrets({"IOC_SECRET_LGSP": "tu-moi-truong"}, tmp_path)
    assert secrets.read("lgsp") == "tu-moi-truong"
    assert secrets.read("ndop-2") == "tu-tep"
    (tmp_path / "ndop-2").write_text("moi")
    assert secrets.read("ndop-2") == "moi"


def test_a_missing_secret_is_an_error_that_names_the_cure(tmp_path: Path) -> None:
    for folder in (None, tmp_path):
        with pytest.raises(Failure, match=r"set IOC_SECRET_LGSP_2, or .*`lgsp-2`.*_DIR"):
            Secrets({}, folder).read("lgsp-2")
    (tmp_path / "x").mkdir()
    with pytest.raises(Failure, match="cannot be read: IsADirectoryError"):
        Secrets({}, tmp_path).read("x")


@given(st.text("ab:", max_size=9), st.text("ab:", min_size=4, max_size=6), st.text("ab:"))
def test_a_secret_never_stays_in_a_text(before: str, secret: str, after: str) -> None:
    assert secret not in scrub(before + secret + after, [secret]).replace("***", "\n")
